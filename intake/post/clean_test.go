package post

import (
	"strings"
	"testing"
)

// TestALineHoldsNoCharacterThatMisleads: those that reorder what is shown (Unicode UAX 9)
// and those that show nothing go, those that only look like them stay.
func TestALineHoldsNoCharacterThatMisleads(t *testing.T) {
	t.Parallel()
	for _, r := range "\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069\u200E\u200F\u061C\u200B\uFEFF\u2060" {
		if got := CleanLine("pay" + string(r) + "load"); got != "payload" {
			t.Errorf("%U: %q", r, got)
		}
	}
	for _, r := range "\u200C\u200D\u202F\u2065\u206A\u061B\u061D" { // joiners, and the neighbours of those above
		got := CleanLine("a" + string(r) + "b")
		if !strings.HasPrefix(got, "a") || got == "ab" || !strings.HasSuffix(got, "b") {
			t.Errorf("%U: %q", r, got)
		}
	}
	for _, r := range "\x00\t\r\n\u0085\u2028\u2029" {
		if got := CleanLine("two" + string(r) + " words"); got != "two words" {
			t.Errorf("%U: %q", r, got)
		}
	}
}

// TestALongFileNameKeepsItsEnding, and is cut between two characters.
func TestALongFileNameKeepsItsEnding(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("a", maxFileName-len(".pdf")) + ".pdf"
	for name, want := range map[string]string{
		fits:                               fits,
		"a" + fits:                         fits,
		strings.Repeat("é", 100) + ".pdf":  strings.Repeat("é", 73) + ".pdf",
		strings.Repeat("b", 200):           strings.Repeat("b", maxFileName),
		"c." + strings.Repeat("d", 200):    "c." + strings.Repeat("d", maxFileName-2),
		strings.Repeat("e ", 100) + ".log": strings.Repeat("e ", 72) + "e.log",
		strings.Repeat("x", 200) + "." + strings.Repeat("y", 11): strings.Repeat("x", maxFileName-12) + "." +
			strings.Repeat("y", 11),
		`C:\mail\..\.hidden`: "hidden", "?.log": "_.log", " . ": "file",
	} {
		if got := FileName(name); got != want {
			t.Errorf("%q is kept as %q, want %q", name, got, want)
		}
	}
}
