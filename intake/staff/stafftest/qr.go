// Package stafftest reads in tests what the door's pages show to a camera.
//
// What stands here: ReadQR, which takes the drawing of a QR code apart as ISO/IEC 18004
// says, and with no help of what drew it. A call flows so: the path's runs of dark modules,
// the format beside the corner, the codewords along their zigzag, the blocks put back in
// order, the text. Damage is not mended: a drawing has none. To read larger codes, add
// their rows to the table of versions.
package stafftest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// version is what a size of a code has, at the level of correction M (table 9).
type version struct {
	align  []int // centres of the alignment patterns (annex E)
	blocks []int // data codewords of each block
}

var versions = map[int]version{
	5:  {[]int{6, 30}, []int{43, 43}},
	6:  {[]int{6, 34}, []int{27, 27, 27, 27}},
	7:  {[]int{6, 22, 38}, []int{31, 31, 31, 31}},
	8:  {[]int{6, 24, 42}, []int{38, 38, 39, 39}},
	9:  {[]int{6, 26, 46}, []int{36, 36, 36, 37, 37}},
	10: {[]int{6, 28, 50}, []int{43, 43, 43, 43, 44}},
	11: {[]int{6, 30, 54}, []int{50, 51, 51, 51, 51}},
	12: {[]int{6, 32, 58}, []int{36, 36, 36, 36, 36, 36, 37, 37}},
}

// code is the dark modules of a code, without its quiet zone.
type code struct {
	size int
	dark map[[2]int]bool
	version
	number int
}

var (
	viewBox = regexp.MustCompile(`viewBox="0 0 (\d+) \d+"`)
	darkRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)
)

// quiet is the edge around a code, in modules.
const quiet = 4

// ReadQR reads the text out of the SVG of a QR code: of versions 5 to 12, level M, in bytes.
func ReadQR(svg string) (string, error) {
	c, err := modules(svg)
	if err != nil {
		return "", err
	}
	format := c.format()
	if level := format >> 13; level != 0 {
		return "", fmt.Errorf("the level of correction is %02b, want 00: M", level)
	}
	return c.text(c.inOrder(c.codewords(int(format >> 10 & 7))))
}

func modules(svg string) (c code, err error) {
	box := viewBox.FindStringSubmatch(svg)
	if box == nil {
		return c, errors.New("no drawing of a code")
	}
	whole, _ := strconv.Atoi(box[1])
	c = code{size: whole - 2*quiet, dark: map[[2]int]bool{}}
	c.number = (c.size - 17) / 4
	c.version = versions[c.number]
	if c.blocks == nil || c.size != 17+4*c.number {
		return c, fmt.Errorf("a code of %d modules, which are of no version known here", c.size)
	}
	for _, run := range darkRun.FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		n, _ := strconv.Atoi(run[3])
		for i := range n {
			c.dark[[2]int{x + i - quiet, y - quiet}] = true
		}
	}
	return c, nil
}

// format is the 15 bits beside the upper left corner, unmasked (section 7.9).
func (c code) format() (bits int) {
	for i := range 15 {
		x, y := 8, 14-i // bits 8 to 0 stand above one another, those before lie in a row
		switch {
		case i < 6:
			x, y = i, 8
		case i == 6:
			x, y = 7, 8
		case i == 7:
			x, y = 8, 8
		case i == 8:
			x, y = 8, 7
		}
		bits <<= 1
		if c.dark[[2]int{x, y}] {
			bits |= 1
		}
	}
	return bits ^ 0x5412
}

// fixed tells the modules that hold no data.
func (c code) fixed(x, y int) bool {
	corner := func(x, y int) bool { return x < 9 && y < 9 }
	last := c.size - 1
	if corner(x, y) || x > last-8 && y < 9 || x < 9 && y > last-8 || x == 6 || y == 6 {
		return true
	}
	if c.number >= 7 && (x > last-11 && y < 6 || x < 6 && y > last-11) {
		return true
	}
	for _, ax := range c.align {
		for _, ay := range c.align {
			inCorner := ax == 6 && ay == 6 || ax == 6 && ay == last-6 || ax == last-6 && ay == 6
			if !inCorner && max(ax-x, x-ax) <= 2 && max(ay-y, y-ay) <= 2 {
				return true
			}
		}
	}
	return false
}

// inverted tells a module that the mask turned over (table 10).
func inverted(mask, x, y int) bool {
	return [8]bool{
		(y+x)%2 == 0, y%2 == 0, x%3 == 0, (y+x)%3 == 0, (y/2+x/3)%2 == 0, y*x%2+y*x%3 == 0,
		(y*x%2+y*x%3)%2 == 0, ((y+x)%2+y*x%3)%2 == 0,
	}[mask]
}

// codewords are read up and down in columns of two, from the right (section 7.7.3).
func (c code) codewords(mask int) (words []byte) {
	var word byte
	var bits int
	up := true
	for right := c.size - 1; right > 0; right -= 2 {
		if right == 6 { // the timing pattern has a column of its own
			right--
		}
		for i := range c.size {
			y := i
			if up {
				y = c.size - 1 - i
			}
			for x := right; x > right-2; x-- {
				if c.fixed(x, y) {
					continue
				}
				word <<= 1
				if c.dark[[2]int{x, y}] != inverted(mask, x, y) {
					word |= 1
				}
				if bits++; bits%8 == 0 {
					words = append(words, word)
				}
			}
		}
		up = !up
	}
	return words
}

// inOrder puts the blocks' data, which are dealt out in turn, one behind the other.
func (c code) inOrder(words []byte) (data []byte) {
	blocks := make([][]byte, len(c.blocks))
	at := 0
	for i := range c.blocks[len(c.blocks)-1] { // the longest stand last
		for b, size := range c.blocks {
			if i < size {
				blocks[b] = append(blocks[b], words[at])
				at++
			}
		}
	}
	for _, b := range blocks {
		data = append(data, b...)
	}
	return data
}

// text reads one segment in byte mode (section 7.4).
func (c code) text(data []byte) (string, error) {
	at := 0
	read := func(bits int) (v int) {
		for range bits {
			v = v<<1 | int(data[at/8]>>(7-at%8)&1)
			at++
		}
		return v
	}
	if mode := read(4); mode != 4 {
		return "", fmt.Errorf("the mode is %04b, want bytes", mode)
	}
	length := 8
	if c.number >= 10 {
		length = 16
	}
	n := read(length)
	if at+8*n > 8*len(data) {
		return "", fmt.Errorf("%d bytes are said to be in %d", n, len(data))
	}
	text := make([]byte, n)
	for i := range text {
		text[i] = byte(read(8))
	}
	return string(text), nil
}
