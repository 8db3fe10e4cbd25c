package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"signpost/cmd/signpost/alarm"
)

// What others write, made harmless before it is shown on a terminal.

// printable is a text as a terminal may get it: what alarm.Hidden stands as an escape,
// written as JSON writes it, and so do bytes that are no UTF-8. Line feeds and tabs
// stay.
func printable(text string) string {
	var b strings.Builder
	for i, n := 0, 0; i < len(text); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' || r == '\t' || !alarm.Hidden(r):
			b.WriteRune(r)
		case r > 0xFFFF: // as JSON writes it: no character of the set is so high but tags
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// terminal writes printable text, also of what strangers wrote. Every subcommand
// writes through one, so that none of them has to think of it.
type terminal struct {
	to   io.Writer
	rest []byte // the beginning of a character whose end is still to come
}

// Write implements io.Writer. It counts what it was given, not what became of it.
func (t *terminal) Write(p []byte) (int, error) {
	text := append(t.rest, p...)
	whole := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if at := len(text) - back; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				whole = at
			}
			break
		}
	}
	t.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(t.to, printable(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}
