package text_test

import (
	"testing"
	"time"

	"signpost/store/text"
)

type letter struct {
	To     string
	Copies []string
	Parts  []part
	Answer *letter
	Raw    []byte
	Hash   [2]byte
	At     time.Time
}

type part struct{ Name string }

func aLetter(bad string) letter {
	return letter{
		To: "a", Copies: []string{"b", bad}, Parts: []part{{"c"}, {bad}}, Answer: &letter{To: bad}, Raw: []byte("\x00\xff"),
		At: time.Now(),
	}
}

func TestTextsAtAnyDepthAreFoundAndCleaned(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"x\x00y", "x\xffy"} {
		l := aLetter(bad)
		if at := text.Invalid(l); at != "Copies" {
			t.Errorf("%q stands first at %q", bad, at)
		}
		if !text.Clean(&l) || text.Invalid(l) != "" {
			t.Errorf("%q was not cleaned: %+v", bad, l)
		}
		if l.Copies[1] != text.Valid(bad) || l.Parts[1].Name != text.Valid(bad) || l.Answer.To != text.Valid(bad) {
			t.Errorf("%q became %+v", bad, l)
		}
		if string(l.Raw) != "\x00\xff" {
			t.Error("bytes were taken for a text")
		}
	}
	l := aLetter("good \u00e9")
	if text.Invalid(&l) != "" || text.Clean(&l) {
		t.Error("a valid text was found at fault")
	}
}
