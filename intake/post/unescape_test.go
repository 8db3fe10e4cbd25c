package post

import (
	"net/url"
	"testing"
)

// What net/url decodes comes out as it says; what it gives up loses nothing but
// the escapes in it.
func FuzzUnescape(f *testing.F) {
	for _, text := range []string{
		"", "plain", "a+b%20c", "%C3%A9%0D%0a", "100%", "%", "%2", "%zz%41", "50%+off+%26+more", "%25%32%35",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := unescape([]byte(text))
		if want, err := url.QueryUnescape(text); err == nil && got != want {
			t.Errorf("%q was read as %q, want %q", text, got, want)
		}
		if again := unescape([]byte(url.QueryEscape(text))); again != text {
			t.Errorf("%q, escaped, was read as %q", text, again)
		}
	})
}

func TestAStrayPercentSignStandsForItself(t *testing.T) {
	t.Parallel()
	if got, want := unescape([]byte("50%+off%2C+100%25+sure%")), "50% off, 100% sure%"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

func BenchmarkUnescape(b *testing.B) {
	text := []byte(url.QueryEscape("Since yesterday the export of orders says: access denied.\nWe tried it twice.\n"))
	buf := make([]byte, len(text))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		unescape(append(buf[:0], text...))
	}
}
