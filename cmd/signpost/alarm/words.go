package alarm

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What others write, made harmless before it is told: an alarm is read in a chat or a
// mail program.

// Hidden tells a character that changes how the text around it is shown, and
// shows nothing itself: controls (C0, DEL, C1, which hold the escape sequences of
// terminals), what turns the direction of writing, line separators, zero-width space,
// tags. Joiners stay: Persian and Indian scripts need them.
func Hidden(r rune) bool {
	switch {
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), unicode.In(r, unicode.Zl, unicode.Zp):
		return true
	}
	return r == '\u200B' || r == '\uFEFF' || r == '\u2060' || r >= 0xE0000 && r <= 0xE0FFF
}

// tidy is a text for an alarm: on one line, without hidden characters, and with
// nothing in it that a chat or mail program makes a link, a mention or a command of.
// Names of hosts stay as they are: most are our own.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || Hidden(r):
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

// shorten cuts after so many characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most])) + "…"
}

// spanWords is a length of time in its largest whole unit.
func spanWords(d time.Duration) string {
	switch {
	case d%time.Hour == 0 && d == time.Hour:
		return "an hour"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
