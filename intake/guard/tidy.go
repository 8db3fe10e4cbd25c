package guard

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Tidy takes the address out of what was typed or pasted: a link ("mailto:...",
// RFC 6068), a name with the address in brackets (RFC 5322 section 3.4), quotation
// marks around it. Characters that show nothing are dropped, those that a keyboard
// or a text program writes for an ASCII one become that one, and the rest is
// composed (NFC). What holds no address, or several, comes back as it is.
func Tidy(typed string) string {
	if len(typed) > maxTyped {
		return typed
	}
	s := strings.TrimSpace(asTyped(typed))
	for range 4 { // a link within brackets within quotation marks
		bare := strings.TrimSpace(unwrap(s))
		if bare == s {
			break
		}
		s = bare
	}
	return s
}

// asTyped writes the characters that were meant.
func asTyped(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && ' ' <= s[i] && s[i] <= '~'
	}
	if plain {
		return s
	}
	return norm.NFC.String(strings.Map(meantRune, s))
}

func meantRune(r rune) rune {
	switch {
	case unicode.IsSpace(r) || unicode.IsControl(r):
		return ' '
	case r < 0x80:
		return r
	case Invisible(r):
		return -1
	case strings.ContainsRune("\u2018\u2019\u02BC", r): // what phones make of an apostrophe
		return '\''
	case strings.ContainsRune("\u2010\u2011\u2012\u2013\u2212", r): // and of a hyphen
		return '-'
	case r == '\u3002' || r == '\uFF61': // the full stops of East Asian keyboards
		return '.'
	}
	// Full-width, mathematical, circled and other forms of an ASCII character.
	if same := norm.NFKC.String(string(r)); len(same) == 1 && same[0] > ' ' {
		return rune(same[0])
	}
	return r
}

// Invisible tells the characters that show nothing and the marks that turn the
// order in which others are shown (Unicode UAX 9): soft hyphens, zero-width
// characters, variation selectors, fillers.
func Invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// unwrap takes off one layer around an address.
func unwrap(s string) string {
	const scheme = "mailto:"
	if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		s, _, _ = strings.Cut(strings.TrimLeft(s[len(scheme):], "/"), "?")
		if plain, err := url.PathUnescape(s); err == nil {
			s = plain
		}
		return s
	}
	for _, pair := range []string{"<>", "[]", "()"} {
		if inside, ok := bracketed(s, pair); ok {
			return inside
		}
	}
	for _, pair := range [][2]string{
		{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"\u201C", "\u201D"}, {"\u201E", "\u201C"}, {"\u00AB", "\u00BB"},
	} {
		if inside, ok := strings.CutPrefix(s, pair[0]); ok {
			if inside, ok := strings.CutSuffix(inside, pair[1]); ok {
				return inside
			}
		}
	}
	return s
}

// bracketed is the address in the last brackets of this kind, or, of round ones,
// the address before a comment in them. False when that leaves a choice.
func bracketed(s, pair string) (string, bool) {
	open := strings.LastIndexByte(s, pair[0])
	end := strings.IndexByte(s[max(open, 0):], pair[1])
	if open < 0 || end < 0 {
		return "", false
	}
	inside, around := s[open+1:open+end], s[:open]+s[open+end+1:]
	within, without := strings.Count(inside, "@"), strings.Count(around, "@")
	switch {
	case within == 1 && (without == 0 || same(inside, around)):
		return inside, true
	case within == 0 && without == 1 && pair == "()" && strings.IndexByte(s, '@') < open:
		return around, true
	}
	return "", false
}

// same tells a link from an address beside it: programs paste
// "ana@example.com<mailto:ana@example.com>".
func same(inside, around string) bool {
	address := strings.Trim(around, ` "'<>[]()`)
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(inside), "mailto:"), address)
}
