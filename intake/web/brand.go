package web

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Brand is how an installation's pages differ from ours in looks. The zero value is
// ours.
type Brand struct {
	Accent string // of what can be acted on, "#0f5f5c"; "": a deep teal
	Logo   []byte // an SVG or PNG drawing beside the name; nil: a signpost
}

// maxLogo bounds the file of a logo, in bytes: every page loads it.
const maxLogo = 64 << 10

// leastContrast is that of text with what it stands on (WCAG 2.2, 1.4.3).
const leastContrast = 4.5

// Colours of web.css that a brand's must stand out from.
var (
	paper     = colour{0xfa, 0xf8, 0xf4}
	white     = colour{0xff, 0xff, 0xff}
	black     = colour{}
	paperDark = colour{0x18, 0x17, 0x15}
	cardDark  = colour{0x21, 0x1f, 0x1c}
	inkDark   = colour{0x0d, 0x1f, 0x1e} // on the accent in the dark
)

// CheckAccent says why a colour cannot be the accent, and which one near it can.
func CheckAccent(accent string) error {
	if accent == "" {
		return nil
	}
	c, err := parseColour(accent)
	if err != nil {
		return err
	}
	if found := contrast(c, paper); found < leastContrast {
		return fmt.Errorf("%s stands out from the page by %.1f to 1, and text needs %.1f to 1; %s is the nearest darker one "+
			"that does", accent, found, leastContrast, until(c, black, paper, leastContrast))
	}
	return nil
}

// CheckLogo says why a file cannot be the logo.
func CheckLogo(raw []byte) error {
	switch {
	case len(raw) > maxLogo:
		return fmt.Errorf("it has %d bytes, and may have %d", len(raw), maxLogo)
	case logoFile(raw) == "":
		return errors.New("it is neither SVG nor PNG")
	}
	return nil
}

// logoFile names the static file of a logo by what it holds; "" for another kind.
func logoFile(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return "logo.png"
	case bytes.Contains(raw[:min(len(raw), 1000)], []byte("<svg")):
		return "logo.svg"
	}
	return ""
}

func (b Brand) validate() error { return errors.Join(CheckAccent(b.Accent), b.checkLogo()) }

func (b Brand) checkLogo() error {
	if b.Logo == nil {
		return nil
	}
	return CheckLogo(b.Logo)
}

// add makes the static files of a brand that is not ours.
func (a *assets) add(b Brand) {
	if b.Logo != nil {
		name := logoFile(b.Logo)
		mediaType, _ := kind(name)
		a.files["web/"+name] = asset{kind: mediaType, body: b.Logo, gzip: a.compress(b.Logo)}
	}
	if b.Accent != "" {
		body := []byte(b.style())
		a.files["web/brand.css"] = asset{kind: "text/css; charset=utf-8", body: body, gzip: a.compress(body)}
	}
}

// style is the stylesheet that replaces the accent of web.css: the colour as given
// and its tints by day, a lighter one by night.
func (b Brand) style() string {
	c, _ := parseColour(b.Accent) // it was checked
	day := tokens(c, mixed(c, black, 0.25), softOf(c, white), white)
	light := until(c, white, cardDark, 7)
	night := tokens(light, mixed(light, white, 0.3), softOf(light, paperDark), inkDark)
	return ":root {" + day + "}\n" +
		"@media screen { [data-theme=\"dark\"] {" + night + "} }\n" +
		"@media screen and (prefers-color-scheme: dark) { :root:not([data-theme]) {" + night + "} }\n"
}

func tokens(accent, deep, soft, on colour) string {
	return fmt.Sprintf(" --accent: %s; --accent-deep: %s; --accent-soft: %s; --on-accent: %s; ", accent, deep, soft, on)
}

// softOf is the strongest tint of a colour on a ground, up to a seventh, that text in
// the colour itself can stand on.
func softOf(c, ground colour) colour {
	for share := 0.14; share > 0; share -= 0.01 {
		if soft := mixed(ground, c, share); contrast(c, soft) >= leastContrast {
			return soft
		}
	}
	return ground
}

// colour is red, green and blue in sRGB.
type colour [3]uint8

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func parseColour(text string) (c colour, err error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 16, 32)
	if err != nil || len(text) != 7 || text[0] != '#' {
		return c, fmt.Errorf("%q is no colour like #0f5f5c", text)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// mixed is one colour with a share of another.
func mixed(c, other colour, share float64) colour {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(other[i])*share))
	}
	return c
}

// until mixes a colour with another until it stands out from a ground by so much.
func until(c, other, ground colour, least float64) colour {
	for share := 0.0; share < 1; share += 0.01 {
		if m := mixed(c, other, share); contrast(m, ground) >= least {
			return m
		}
	}
	return other
}

// contrast is by how much two colours stand out, 1 to 21 (WCAG 2.2, "contrast ratio").
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c colour) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if linear[i] = s / 12.92; s > 0.04045 {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}
