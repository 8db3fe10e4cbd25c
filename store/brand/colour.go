package brand

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Colour is red, green and blue in sRGB.
type Colour [3]uint8

// String is the colour as stylesheets write it.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func parseColour(text string) (c Colour, err error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 16, 32)
	if err != nil || len(text) != 7 || text[0] != '#' {
		return c, fmt.Errorf("%q is no colour like #0f5f5c", text)
	}
	return Colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// softOf is the strongest tint of a colour on a ground, up to a seventh, that text in
// the colour itself can stand on.
func softOf(c, ground Colour) Colour {
	for share := 0.14; share > 0; share -= 0.01 {
		if soft := mixed(ground, c, share); contrast(c, soft) >= textContrast {
			return soft
		}
	}
	return ground
}

// mixed is one colour with a share of another.
func mixed(c, other Colour, share float64) Colour {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(other[i])*share))
	}
	return c
}

// until mixes a colour with another until it stands out from a ground by so much.
func until(c, other, ground Colour, least float64) Colour {
	for share := 0.0; share < 1; share += 0.01 {
		if m := mixed(c, other, share); contrast(m, ground) >= least {
			return m
		}
	}
	return other
}

// contrast is by how much two colours stand out, 1 to 21 (WCAG 2.2, "contrast ratio").
func contrast(a, b Colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c Colour) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if linear[i] = s / 12.92; s > 0.04045 {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}
