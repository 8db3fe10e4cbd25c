package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"signpost/store"
)

// What others write, made harmless before it is shown: on a terminal, and in an
// alarm, which is read in a chat or a mail program.

// isHidden tells a character that changes how the text around it is shown, and
// shows nothing itself: controls (C0, DEL, C1, which hold the escape sequences of
// terminals), what turns the direction of writing, line separators, zero-width space,
// tags. Joiners stay: Persian and Indian scripts need them.
func isHidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), unicode.In(r, unicode.Zl, unicode.Zp):
		return true
	}
	return r == '\u200B' || r == '\uFEFF' || r == '\u2060' || r >= 0xE0000 && r <= 0xE0FFF
}

// printable is a text as a terminal may get it: what isHidden stands as an escape,
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
		case r == '\n' || r == '\t' || !isHidden(r):
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

// troubles are all that ail the service now, as they may be shown everywhere.
func (a *App) troubles(ctx context.Context) []store.Trouble {
	list := slices.Concat(a.troublesAsSaid(ctx), a.frontTroubles())
	for i := range list {
		list[i].What = tidy(list[i].What)
	}
	return list
}

// tidy is a text for an alarm: on one line, without hidden characters, and with
// nothing in it that a chat or mail program makes a link, a mention or a command of.
// Names of hosts stay as they are: most are our own.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || isHidden(r):
			return -1
		case r == '<':
			return '‹' // Slack writes links and commands in angle brackets
		case r == '>':
			return '›'
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return harmless.Replace(strings.Join(strings.Fields(text), " "))
}

// harmless undoes what makes a link, and what calls everybody of a channel.
var harmless = strings.NewReplacer(
	"https://", "hxxps://", "http://", "hxxp://", "HTTPS://", "hxxps://", "HTTP://", "hxxp://", "://", "[:]//",
	"www.", "www[.]", "mailto:", "mailto[:]", "](", "] (", " @", " @ ", "`", "'",
)

// maxClaim is how much of what others say an alarm repeats, in characters.
const maxClaim = 300

// claim is what others say, for an alarm: tidy, in quotes that it cannot end
// itself, bounded, and with no name in it that becomes a link.
func claim(words string) string {
	words = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`).Replace(tidy(words))
	return "“" + unlinked(shorten(words, maxClaim)) + "”"
}

// unlinked writes the dots of names so that no program makes a link of them:
// example[.]com. Numbers, as in 5.7.1, stay.
func unlinked(text string) string {
	var b strings.Builder
	before := ' '
	for i, r := range text {
		next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		if r == '.' && (unicode.IsLetter(before) || unicode.IsDigit(before) || before == '-') && unicode.IsLetter(next) {
			b.WriteString("[.]")
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}
