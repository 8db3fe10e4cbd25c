package triage

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// toUTF8 decodes text that claims a charset. Claims are often wrong or missing:
// valid UTF-8 is believed over them, escape sequences tell ISO-2022-JP, and text
// that is UTF-8 but for some bytes loses those alone.
func toUTF8(label string, b []byte) string {
	name := charsetName(label)
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

func decodeCharset(name string, b []byte) string {
	var r io.Reader
	if e := encodingOf(name, b); e != nil {
		r = e.NewDecoder().Reader(bytes.NewReader(b))
	} else if other, err := charset.Reader(name, bytes.NewReader(b)); err == nil { // IANA's, with IBM's code pages
		r = other
	} else {
		r = charmap.Windows1252.NewDecoder().Reader(bytes.NewReader(b)) // a name unknown: most mail of one byte a character
	}
	out, err := io.ReadAll(io.LimitReader(r, 4*maxText))
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

// metaCharset is the charset that a page names within itself, for a part that
// bears no label.
func metaCharset(page []byte) string {
	head := bytes.ToLower(page[:min(len(page), 1024)])
	i := bytes.Index(head, []byte("charset="))
	if i < 0 || isASCII(page) {
		return ""
	}
	value := string(bytes.TrimLeft(head[i+len("charset="):], "\"' "))
	value, _, _ = cutAny(value, "\"' />;")
	return value
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
	for b = b[:min(len(b), maxText)]; len(b) > 0; {
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

// charsetName is the name under which the decoders know the charset that label
// means, "" for one that says nothing. Labels are taken as mail has them: in any
// spelling, as bare numbers of code pages, under vendors' names.
func charsetName(label string) string {
	label, _, _ = strings.Cut(strings.ToLower(strings.Trim(label, "\"' \t")), "*") // RFC 2231 section 5: a language
	flat, _, _ := strings.Cut(label, ":")                                          // iso_8859-1:1987
	flat = squashLabel(flat)
	for _, vendor := range []string{"x", "cs", "microsoft"} {
		if rest := strings.TrimPrefix(flat, vendor); len(rest) > 2 {
			flat = rest
		}
	}
	if name, ok := charsetAliases[flat]; ok {
		return name
	}
	letters := strings.TrimRight(flat, "0123456789")
	number, _ := strconv.Atoi(flat[len(letters):])
	switch letters {
	case "", "cp", "ms", "windows", "win", "ibm", "dos", "codepage", "ansi", "oem", "pc":
		if name, ok := codePage(number); ok {
			return name
		}
	case "latin", "l", "isolatin":
		if n, ok := latinParts[number]; ok {
			return isoPart(n)
		}
	case "iso":
		return isoPart(number)
	}
	return label
}

func squashLabel(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isAlnum(byte(r)) {
			return r
		}
		return -1
	}, s)
}

// latinParts are the parts of ISO 8859 whose alphabets are numbered otherwise.
var latinParts = map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 9, 6: 10, 7: 13, 8: 14, 9: 15, 10: 16}

// isoPart names a part of ISO 8859, from its number or from 8859 and its number.
func isoPart(n int) string {
	for _, digits := range []int{100, 10} {
		if n/digits == 8859 {
			n %= digits
			break
		}
	}
	switch {
	case n == 1 || n == 9: // WHATWG: their supersets, which mail means by them
		return "windows-125" + map[int]string{1: "2", 9: "4"}[n]
	case n == 11:
		return "windows-874"
	case n > 0 && n < 17:
		return "iso-8859-" + strconv.Itoa(n)
	}
	return ""
}

// codePage names the charset that is Microsoft's or IBM's code page n.
func codePage(n int) (name string, ok bool) {
	switch {
	case n/10 == 8859 || n/100 == 8859:
		return isoPart(n), true
	case n > 28590 && n < 28607:
		return isoPart(n - 28590), true
	case n >= 1250 && n <= 1258:
		return "windows-" + strconv.Itoa(n), true
	}
	if name, ok = codePages[n]; !ok && n >= 437 && n < 870 {
		return "ibm" + strconv.Itoa(n), true // IANA's names
	}
	return name, ok
}

var codePages = map[int]string{
	858: "ibm00858",
	874: "windows-874", 932: "shift_jis", 943: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5", 951: "big5",
	1200: "utf-16le", 1201: "utf-16be", 10000: "macintosh", 10007: "x-mac-cyrillic",
	20127: "", 20866: "koi8-r", 20932: "euc-jp", 20936: "gbk", 21866: "koi8-u",
	50220: "iso-2022-jp", 50221: "iso-2022-jp", 50222: "iso-2022-jp", 51932: "euc-jp", 51936: "gbk", 51949: "euc-kr",
	52936: "hz-gb-2312", 54936: "gb18030", 65000: "utf-7", 65001: "utf-8",
}

// charsetAliases are names without marks between their letters: WHATWG's labels
// and those that are written wrong, or by vendors.
var charsetAliases = map[string]string{
	"": "", "usascii": "", "ascii": "", "ansi": "", "ansix341968": "", "iso646us": "", "us": "", "unknown": "",
	"unknown8bit": "", "none": "", "default": "", "8bit": "", "7bit": "", "binary": "", "auto": "", "iso8859": "",
	"charset": "",
	"utf8":    "utf-8", "unicode11utf8": "utf-8", "unicode20utf8": "utf-8", "utf8mb4": "utf-8", "utf8n": "utf-8",
	"utf": "utf-8", "utf8j": "utf-8",
	"utf7": "utf-7", "unicode11utf7": "utf-7", "unicode20utf7": "utf-7", "utf7imap": "utf-7",
	"utf16": "utf-16", "ucs2": "utf-16", "unicode": "utf-16", "iso10646ucs2": "utf-16",
	"utf16le": "utf-16le",
	"utf16be": "utf-16be",
	"utf32":   "utf-32", "ucs4": "utf-32", "iso10646ucs4": "utf-32",
	"eucjp": "euc-jp", "ujis": "euc-jp", "eucjpms": "euc-jp", "eucjpwin": "euc-jp", "euc": "euc-jp",
	"eucpkdfmtjapanese": "euc-jp",
	"sjis":              "shift_jis", "shiftjis": "shift_jis", "mskanji": "shift_jis", "windows31j": "shift_jis",
	"sjiswin":   "shift_jis",
	"iso2022jp": "iso-2022-jp", "iso2022jp1": "iso-2022-jp", "iso2022jp2": "iso-2022-jp",
	"iso2022jp3": "iso-2022-jp", "iso2022jpms": "iso-2022-jp", "jis": "iso-2022-jp", "iso2022": "iso-2022-jp",
	"euckr": "euc-kr", "ksc5601": "euc-kr", "ksc56011987": "euc-kr", "ksc56011989": "euc-kr",
	"ksc5601992": "euc-kr", "ksc56011992": "euc-kr", "uhc": "euc-kr", "korean": "euc-kr", "isoir149": "euc-kr",
	"kscms": "euc-kr",
	"gbk":   "gbk", "gb2312": "gbk", "gb23121980": "gbk", "gb231280": "gbk", "euccn": "gbk", "chinese": "gbk",
	"cngb": "gbk", "isoir58": "gbk",
	"hz": "hz-gb-2312", "hzgb2312": "hz-gb-2312",
	"gb18030": "gb18030", "gb180302000": "gb18030", "gb180302005": "gb18030",
	"big5": "big5", "big5hkscs": "big5", "big5eten": "big5", "cnbig5": "big5", "bigfive": "big5", "big5hk": "big5",
	"tis620": "windows-874", "tis6202533": "windows-874", "thai": "windows-874",
	"koi8": "koi8-r", "koi": "koi8-r", "koi8r": "koi8-r",
	"koi8u": "koi8-u", "koi8ru": "koi8-u",
	"mac": "macintosh", "macintosh": "macintosh", "macroman": "macintosh",
	"maccyrillic": "x-mac-cyrillic", "macukrainian": "x-mac-cyrillic",
	"cyrillic": "iso-8859-5",
	"greek":    "iso-8859-7", "greek8": "iso-8859-7",
	"arabic": "iso-8859-6",
	"hebrew": "iso-8859-8", "iso88598i": "iso-8859-8", "iso88598e": "iso-8859-8", "logical": "iso-8859-8",
	"visual":  "iso-8859-8",
	"turkish": "windows-1254",
	"western": "windows-1252",
}
