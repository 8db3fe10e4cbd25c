// Package charset knows the labels that mail and forms give their character
// encodings. Both read texts by it, so that no label is known to one alone.
//
// A call flows so: Name takes a label as it was sent, and returns the name by which the
// decoders of golang.org/x/text know the charset. To add a label: its row in aliases, or
// in codePages where it is a number.
//
// The functions are pure and safe for concurrent use.
package charset

import (
	"strconv"
	"strings"
)

// Name is the name under which WHATWG or IANA has the charset that label means, ""
// for one that says nothing, such as "unknown"; a label that means none comes back
// as it is. Labels are taken as mail and forms have them: in any spelling, as bare
// numbers of code pages, under vendors' names.
func Name(label string) string {
	label, _, _ = strings.Cut(strings.ToLower(strings.Trim(label, "\"' \t")), "*") // RFC 2231 section 5: a language
	flat, _, _ := strings.Cut(label, ":")                                          // iso_8859-1:1987
	flat = squash(flat)
	for _, vendor := range []string{"x", "cs", "microsoft"} {
		if rest := strings.TrimPrefix(flat, vendor); len(rest) > 2 {
			flat = rest
		}
	}
	if name, ok := aliases[flat]; ok {
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

func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
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

// aliases are names without marks between their letters: WHATWG's labels
// and those that are written wrong, or by vendors.
var aliases = map[string]string{
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
