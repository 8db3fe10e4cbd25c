package lang

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// The marks of Unicode Annex 9 that keep a value's direction to itself.
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// Isolate prepares a value that may be written in another direction than l (a
// number, an address, a name) for a place in one of l's plain texts: between
// isolating marks it neither turns the words around it nor is torn apart by
// them. A value that cannot do either comes back unmarked. Marks of its own
// are taken out, since one left open would reach over the rest of the line.
//
// Never use it on a URL in plain text: mail programs take the marks into the
// link. Give a URL a line to itself.
func (l Lang) Isolate(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, value)
	if value == "" || l.Dir() == "ltr" && !hasRightToLeft(value) {
		return value
	}
	return firstStrongIsolate + value + popIsolate
}

func hasRightToLeft(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		p, _ := bidi.LookupRune(r)
		return p.Class() == bidi.R || p.Class() == bidi.AL || p.Class() == bidi.AN
	})
}
