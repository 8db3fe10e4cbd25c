package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"signpost/store/text"
)

func TestAShortenedTextEndsWithACharacter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"für", 9, "für"}, {"für", 4, "für"}, {"für", 3, "fü"}, {"für", 2, "f"}, {"für", 0, ""}, {"für", -1, ""},
		{"日本", 5, "日"}, {"日本", 2, ""}, {"\x80\x80\x80", 2, ""},
	} {
		if got := text.Cut(c.text, c.n); got != c.want {
			t.Errorf("%q cut to %d bytes is %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

// Whatever bytes come, what is made of them is valid, and a valid text is not touched.
func FuzzValid(f *testing.F) {
	f.Add("plain", 3)
	f.Add("a\x00b\xffc\xe2\x82", 2)
	f.Add("für 日本", 6)
	f.Fuzz(func(t *testing.T, s string, n int) {
		valid := text.Valid(s)
		if !text.IsValid(valid) {
			t.Errorf("%q became %q, which is not valid", s, valid)
		}
		if text.IsValid(s) != (valid == s) {
			t.Errorf("%q is valid: %v, and became %q", s, text.IsValid(s), valid)
		}
		cut := text.Cut(valid, n)
		if !strings.HasPrefix(valid, cut) || !utf8.ValidString(cut) || len(cut) > max(n, 0) {
			t.Errorf("%q cut to %d bytes is %q", valid, n, cut)
		}
	})
}
