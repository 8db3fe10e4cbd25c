package brand

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// MaxLogo bounds the file of a logo, in bytes: every page loads it and every mail carries it.
const MaxLogo = 100 << 10

// Picture is a logo that mail programs show: SVG is not, since most of them do not draw it.
type Picture struct {
	Type          string // "image/png" or "image/jpeg"
	Ext           string // "png" or "jpg"
	Width, Height int    // in pixels
}

// CheckLogo says why a file cannot be the logo.
func CheckLogo(raw []byte) error {
	if len(raw) > MaxLogo {
		return fmt.Errorf("it has %d bytes, and may have %d", len(raw), MaxLogo)
	}
	ext := LogoExt(raw)
	if ext == "" {
		return errors.New("it is neither SVG, PNG nor JPEG")
	}
	if _, ok := PictureOf(raw); !ok && ext != "svg" {
		return errors.New("it begins as a picture does and cannot be read as one")
	}
	return nil
}

// LogoExt is how the name of a logo's file ends, by what it holds: "svg", "png", "jpg"; "" for
// another kind.
func LogoExt(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(raw, []byte("\xff\xd8\xff")):
		return "jpg"
	case bytes.Contains(raw[:min(len(raw), 1000)], []byte("<svg")):
		return "svg"
	}
	return ""
}

// PictureOf reads the head of a logo; false for one that mails cannot carry.
func PictureOf(raw []byte) (p Picture, ok bool) {
	var c image.Config
	var err error
	switch p.Ext = LogoExt(raw); p.Ext {
	case "png":
		p.Type = "image/png"
		c, err = png.DecodeConfig(bytes.NewReader(raw))
	case "jpg":
		p.Type = "image/jpeg"
		c, err = jpeg.DecodeConfig(bytes.NewReader(raw))
	default:
		return Picture{}, false
	}
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return Picture{}, false
	}
	p.Width, p.Height = c.Width, c.Height
	return p, true
}
