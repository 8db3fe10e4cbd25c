package header

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	mailcharset "github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"signpost/store/charset"
)

// ToUTF8 decodes text that claims a charset. Claims are often wrong or missing:
// valid UTF-8 is believed over them, escape sequences tell ISO-2022-JP, and text
// that is UTF-8 but for some bytes loses those alone.
func ToUTF8(label string, b []byte) string {
	name := charset.Name(label)
	wide := strings.HasPrefix(name, "utf-16") || strings.HasPrefix(name, "utf-32")
	switch {
	case bytes.Contains(b, []byte("\x1b$")):
		name = "iso-2022-jp"
	case name == "utf-7": // Exchange's own reports: unicode-1-1-utf-7
		return decodeUTF7(b)
	case isASCII(b) && !wide && name != "hz-gb-2312", utf8.Valid(b) && !wide:
		return string(b)
	case !wide && nearlyUTF8(name, b):
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case name == "" || name == "utf-8":
		name = "windows-1252"
	}
	return strings.ToValidUTF8(decodeCharset(name, b), "\uFFFD")
}

// MaxText is how much text is decoded at once, in bytes; up to four times as much
// comes out.
const MaxText = 256 << 10

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func decodeCharset(name string, b []byte) string {
	var r io.Reader
	if e := encodingOf(name, b); e != nil {
		r = e.NewDecoder().Reader(bytes.NewReader(b))
	} else if other, err := mailcharset.Reader(name, bytes.NewReader(b)); err == nil { // IANA's, with IBM's code pages
		r = other
	} else {
		r = charmap.Windows1252.NewDecoder().Reader(bytes.NewReader(b)) // a name unknown: most mail of one byte a character
	}
	out, err := io.ReadAll(io.LimitReader(r, 4*MaxText))
	if err != nil {
		return string(b)
	}
	return string(out)
}

// encodingOf knows the charsets of WHATWG's standard, and UTF-16 and UTF-32, whose
// byte order is told by a mark or by where the zeros of Latin text stand.
func encodingOf(name string, b []byte) encoding.Encoding {
	littleFirst := len(b) > 1 && b[0] != 0 && b[1] == 0
	switch name {
	case "utf-16":
		if littleFirst {
			return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
		}
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-32":
		if littleFirst {
			return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
		}
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil
	}
	return e
}

// nearlyUTF8 tells text of UTF-8 that a host on its way broke in some places, from
// text of another charset: in that hardly any bytes happen to form a character. A
// charset of several bytes a character is believed.
func nearlyUTF8(name string, b []byte) bool {
	claimed := name == "utf-8"
	if !claimed && name != "" && !strings.HasPrefix(name, "windows-125") && !strings.HasPrefix(name, "iso-8859-") {
		return false
	}
	whole, bad := 0, 0
	for b = b[:min(len(b), MaxText)]; len(b) > 0; {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			whole++
		}
		b = b[size:]
	}
	if claimed {
		return whole*3 >= bad && whole > 0
	}
	return whole > bad
}
