// Package brand holds what the pages and the mails of an installation wear where it is not
// ours: an accent colour and a logo, and the rules that both have to keep. It is pure.
//
// A call flows so: the configuration hands what its file says to CheckAccent and CheckLogo,
// at the start and in a check; intake/web and mail/compose then take the same Brand, ask
// Schemes for its colours and Picture for its logo, and write them in their own manner
// (colour.go has the arithmetic, logo.go the kinds of file).
//
// To add a place where the accent stands on another ground: a line in pairs, so that an
// accent that could not be seen there is refused at the start.
package brand

import (
	"errors"
	"fmt"
)

// Brand is how an installation looks. The zero value is ours.
type Brand struct {
	Accent string // of what can be acted on, "#0f5f5c"; "": a deep teal
	Logo   []byte // an SVG, PNG or JPEG file; nil: a signpost on pages, none in mails
}

// Validate says everything that is wrong with a brand.
func (b Brand) Validate() error {
	if b.Logo == nil {
		return CheckAccent(b.Accent)
	}
	return errors.Join(CheckAccent(b.Accent), CheckLogo(b.Logo))
}

// Scheme is the accent and what is made of it, in one of the two schemes.
type Scheme struct {
	Accent, Deep Colour // links and buttons, and the same under the pointer
	Soft         Colour // the tint behind what is chosen
	On           Colour // text on the accent
}

// What a colour has to stand out by (WCAG 2.2): text (1.4.3), and the edges of controls and of
// what has the focus (1.4.11).
const (
	textContrast = 4.5
	edgeContrast = 3.0
)

// Colours that the accent stands on: those of web.css, and the sheet of mails by night.
var (
	paper      = Colour{0xfa, 0xf8, 0xf4}
	sunk       = Colour{0xf2, 0xee, 0xe7}
	white      = Colour{0xff, 0xff, 0xff}
	black      = Colour{}
	paperNight = Colour{0x18, 0x17, 0x15}
	cardNight  = Colour{0x21, 0x1f, 0x1c}
	sunkNight  = Colour{0x2a, 0x27, 0x23}
	mailNight  = Colour{0x24, 0x22, 0x1f}
	inkNight   = Colour{0x0d, 0x1f, 0x1e} // on the accent
)

// Schemes are the colours made of an accent that passed CheckAccent: as given and with its
// tints by day, a lighter one by night.
func Schemes(accent string) (day, night Scheme) {
	c, _ := parseColour(accent) // it was checked
	light := until(c, white, cardNight, 7)
	return Scheme{c, mixed(c, black, 0.25), softOf(c, white), white},
		Scheme{light, mixed(light, white, 0.3), softOf(light, paperNight), inkNight}
}

// pair is a colour and what it stands on.
type pair struct {
	fore, ground Colour
	least        float64
	where        string
}

// pairs are all that an accent makes, in both schemes.
func pairs(day, night Scheme) []pair {
	return []pair{
		{day.Accent, paper, textContrast, "the page"},
		{day.Accent, white, textContrast, "a card and a mail"},
		{day.On, day.Accent, textContrast, "a button's text"},
		{day.Accent, day.Soft, textContrast, "its own tint"},
		{day.Accent, sunk, edgeContrast, "a sunk area, as an edge"},
		{night.Accent, paperNight, textContrast, "the dark page"},
		{night.Accent, cardNight, textContrast, "a dark card"},
		{night.Accent, mailNight, textContrast, "a dark mail"},
		{night.On, night.Accent, textContrast, "a button's text by night"},
		{night.Accent, night.Soft, textContrast, "its own dark tint"},
		{night.Accent, sunkNight, edgeContrast, "a dark sunk area, as an edge"},
	}
}

// CheckAccent says why a colour cannot be the accent, and which one near it can.
func CheckAccent(accent string) error {
	if accent == "" {
		return nil
	}
	c, err := parseColour(accent)
	if err != nil {
		return err
	}
	for _, p := range pairs(Schemes(accent)) {
		if found := contrast(p.fore, p.ground); found < p.least {
			return fmt.Errorf("%s stands out from %s by %.1f to 1, and needs %.1f to 1; %s is the nearest darker one "+
				"that does", accent, p.where, found, p.least, until(c, black, paper, textContrast))
		}
	}
	return nil
}

// Contrasts are by how much an accent stands out from a page, in each scheme.
func Contrasts(accent string) (day, night float64) {
	light, dark := Schemes(accent)
	return contrast(light.Accent, paper), contrast(dark.Accent, paperNight)
}
