package compose

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"signpost/store/brand"
)

// look is the brand as mails wear it.
type look struct {
	accent, accentNight, onNight string // of links and buttons, and of text on them by night
	logo                         *logo  // nil: a mail shows the sender's name
}

// logo is a picture that the HTML of a mail shows and the mail carries: mails load nothing
// from elsewhere.
type logo struct {
	ID            string // its Content-ID, without the brackets (RFC 2392)
	Width, Height int    // as it is shown
	part          []byte // its fields and content, the same for every mail
}

// How large a logo is shown at most, in CSS pixels.
const (
	logoWidth  = 240
	logoHeight = 40
)

func lookOf(config Config) look {
	l := look{accent: "#0f5e5b", accentNight: "#82cdc7", onNight: "#10211f", logo: logoOf(config)}
	if accent := config.Brand.Accent; accent != "" {
		day, night := brand.Schemes(accent)
		l.accent, l.accentNight, l.onNight = day.Accent.String(), night.Accent.String(), night.On.String()
	}
	return l
}

// logoOf is nil for a brand without a logo, and for one that mail programs do not draw.
func logoOf(config Config) *logo {
	picture, ok := brand.PictureOf(config.Brand.Logo)
	if !ok {
		return nil
	}
	sum := sha256.Sum256(config.Brand.Logo)
	l := &logo{ID: "logo." + hex.EncodeToString(sum[:8]) + "@" + config.Instance}
	l.Width, l.Height = within(picture.Width, picture.Height)
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-ID: <%s>\r\n", picture.Type, l.ID)
	fmt.Fprintf(&b, "Content-Disposition: inline; filename=logo.%s\r\n", picture.Ext)
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	writeBase64(&b, config.Brand.Logo)
	l.part = b.Bytes()
	return l
}

// within shrinks a picture, its sides in proportion, to what is shown at most.
func within(width, height int) (int, int) {
	if height > logoHeight {
		width, height = width*logoHeight/height, logoHeight
	}
	if width > logoWidth {
		width, height = logoWidth, height*logoWidth/width
	}
	return max(width, 1), max(height, 1)
}

// shownIn tells whether an HTML text shows the logo; then it goes along.
func (l *logo) shownIn(html []byte) bool {
	return l != nil && bytes.Contains(html, []byte(`src="cid:`+l.ID+`"`))
}
