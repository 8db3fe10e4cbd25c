package header

import (
	"net/mail"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDatesAsMailWritesThem(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 2, 9, 5, 0, 0, time.UTC)
	for _, s := range []string{
		"Mon, 2 Nov 2026 10:05:00 +0100", "2 Nov 2026 09:05 GMT", "Mon,  2 Nov 26 04:05:00 -0500 (EST)", "Mon, 2 November 2026 09:05:00",
	} {
		if got, ok := Date(s); !ok || !got.Equal(want) {
			t.Errorf("%q: %v %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "yesterday", "Mon, 2 Foo 2026 10:05:00", "2026-11-02T10:00:00Z", "32 Nov 2026 10:00:00", "2 Nov 2026 ten"} {
		if got, ok := Date(s); ok {
			t.Errorf("%q is no date, read as %v", s, got)
		}
	}
}

// What the standard library reads, we read the same.
func TestDatesAgreeWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), 0).In(time.FixedZone("", 60*rapid.IntRange(-720, 840).Draw(t, "offset")))
		s := at.Format(time.RFC1123Z)
		want, err := mail.ParseDate(s)
		got, ok := Date(s)
		if err != nil || !ok || !got.Equal(want) {
			t.Fatalf("%q: %v %v, standard %v %v", s, got, ok, want, err)
		}
	})
}
