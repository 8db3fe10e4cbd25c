package alarm

import (
	"strings"
	"testing"
	"unicode"
)

// hostile is what a stranger may put into a From, a name or a server's reply.
const hostile = "\x1b]0;x\x07\x1b[2J\u009b31m \u202egnp.exe\u202c\u2066 \u200b\u2028end\r\nok\x7f\U000E0041"

// shownAsIs tells whether some of a text changes what a terminal shows around it.
func shownAsIs(text string) bool {
	return strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), func(r rune) bool {
		return unicode.Is(unicode.Cc, r) && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' ||
			r == '\u200b' || r >= 0xE0000
	})
}

// TestAnAlarmRepeatsWordsAsWords: what a report or a server says becomes neither a
// link, nor a mention, nor a word of ours.
func TestAnAlarmRepeatsWordsAsWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"550 5.7.1 rejected [192.0.2.1]":                    "“550 5.7.1 rejected [192.0.2.1]”",
		"see https://evil.test/x or HTTP://b.evil.test":     "“see hxxps://evil[.]test/x or hxxp://b[.]evil[.]test”",
		"ftp://evil.test www.evil.test mailto:x@evil.test":  "“ftp[:]//evil[.]test www[.]evil[.]test mailto[:]x@evil[.]test”",
		"<https://evil.test|Reset> <!channel> [x](evil.io)": "“‹hxxps://evil[.]test|Reset› ‹!channel› [x] (evil[.]io)”",
		"hi @here and\r\n\r\nSIGNPOST: all is well":         "“hi @ here and SIGNPOST: all is well”",
		"550 no” Signpost says “call 555":                   "“550 no\" Signpost says \"call 555”",
	} {
		if got := claim(words); got != want {
			t.Errorf("%q is told as %q, want %q", words, got, want)
		}
	}
	long := claim(hostile + strings.Repeat("é.evil.test ", 1000))
	if shownAsIs(long) || strings.Contains(long, "\n") || len([]rune(long)) > 4*maxClaim ||
		strings.Contains(long, ".evil") {
		t.Errorf("told as %q", long)
	}
	const want = "relay smtp.example.com: see hxxps://support.example.com[2J"
	if got := tidy("relay smtp.example.com: see https://support.example.com\x1b[2J\u202e"); got != want {
		t.Errorf("tidied to %q", got)
	}
}
