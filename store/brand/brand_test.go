package brand

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// Whatever accent passes the check, text in it and on it can be read by day and by
// night; what does not pass comes with one near it that does.
func TestAnyAccentThatPassesCanBeRead(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	passed := 0
	for range 5000 {
		n := random.Uint32()
		accent := Colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}.String()
		if err := CheckAccent(accent); err != nil {
			better := regexp.MustCompile(`#[0-9a-f]{6} is the nearest`).FindString(err.Error())
			if CheckAccent(strings.TrimSuffix(better, " is the nearest")) != nil {
				t.Errorf("%s: %v", accent, err)
			}
			continue
		}
		passed++
		day, night := Schemes(accent)
		if day.Accent.String() != accent {
			t.Errorf("%s is worn as %s", accent, day.Accent)
		}
		for s, grounds := range map[Scheme][]Colour{
			day: {paper, white, day.Soft, day.On}, night: {paperNight, cardNight, mailNight, night.Soft, night.On},
		} {
			for _, ground := range grounds {
				if found := contrast(s.Accent, ground); found < 4.5 {
					t.Errorf("%s: %s on %s stands out by %.2f", accent, s.Accent, ground, found)
				}
			}
		}
	}
	if passed == 0 || passed == 5000 {
		t.Errorf("%d of 5000 passed", passed)
	}
}

func TestContrastIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#0f5f5c", "#0f5f5c", 1}, {"#ff0000", "#ffffff", 4}} {
		a, _ := parseColour(c.a)
		b, _ := parseColour(c.b)
		if found := contrast(a, b); found < c.want-0.01 || found > c.want+0.01 {
			t.Errorf("%s on %s: %.3f, not %.2f", c.a, c.b, found, c.want)
		}
	}
}

// A logo is SVG, PNG or JPEG; mails carry the two that mail programs draw.
func TestALogoIsKnownByWhatItHolds(t *testing.T) {
	t.Parallel()
	drawn := image.NewGray(image.Rect(0, 0, 120, 40))
	var asPNG, asJPEG bytes.Buffer
	if png.Encode(&asPNG, drawn) != nil || jpeg.Encode(&asJPEG, drawn, nil) != nil {
		t.Fatal("the logo cannot be drawn")
	}
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
	for ext, raw := range map[string][]byte{"png": asPNG.Bytes(), "jpg": asJPEG.Bytes(), "svg": svg} {
		p, mailed := PictureOf(raw)
		if err := CheckLogo(raw); err != nil || LogoExt(raw) != ext || mailed != (ext != "svg") {
			t.Errorf("%s: %v, %q, in mails %v", ext, err, LogoExt(raw), mailed)
		}
		if mailed && (p.Width != 120 || p.Height != 40) {
			t.Errorf("%s: %+v", ext, p)
		}
	}
	for _, raw := range [][]byte{
		{}, []byte("GIF89a"), []byte("\x89PNG\r\n\x1a\n"), []byte("\xff\xd8\xff"), append(svg, make([]byte, MaxLogo)...),
	} {
		if CheckLogo(raw) == nil {
			t.Errorf("%.10q is taken", raw)
		}
	}
}

func TestABrandThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []Brand{{Accent: "teal"}, {Accent: "#12345"}, {Accent: "#ffcc00"}, {Logo: []byte{}}} {
		if b.Validate() == nil {
			t.Errorf("%+v is taken", b)
		}
	}
	if err := (Brand{}).Validate(); err != nil {
		t.Error(err)
	}
}
