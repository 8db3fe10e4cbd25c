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
		"Mon, 2 Nov 2026 10:05:00 +0100", "2 Nov 2026 09:05 GMT", "Mon,  2 Nov 26 04:05:00 -0500 (EST)",
		"Mon, 2 November 2026 09:05:00", "2 Nov 2026 09:05: UT", "2 Nov 2026 09:04:60 +0000", "1 Nov 2026 19:05 -1400",
		"2 Nov 2026 04:05 EST", "2 Nov 2026 05:05:00 edt", "2 Nov 2026 03:05 MDT", "2 Nov 2026 01:05 PST",
		"2 Nov 2026 09:05 BST",
		"2 Nov 2026 09:05 SST",
	} {
		if got, ok := Date(s); !ok || !got.Equal(want) {
			t.Errorf("%q: %v %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "yesterday", "Mon, 2 Foo 2026 10:05:00", "2026-11-02T10:00:00Z", "32 Nov 2026 10:00:00",
		"2 Nov 2026 ten", "31 Feb 2026 10:00:00", "29 Feb 2027 10:00:00", "31 Nov 2026 10:00:00", "2 Nov 2026 24:00:00",
		"2 Nov 2026 23:60:00", "2 Nov 2026 10:00:61", "2 Nov 2026 10:00:00 -9959", "2 Nov 2026 10:00:00 +1401",
		"2 Nov 2026 10:00:00 +0160", "2 Nov 2026 10:00:00 +-100", "2 Nov 2026 10:00:00 +1", "2 Nov 2026 10", "2 Nov 2026 10:",
		"31 Feb 2026 60:60:60 -9959"} {
		if got, ok := Date(s); ok {
			t.Errorf("%q is no date, read as %v", s, got)
		}
	}
}

// The day of a date is the one that its author wrote, whatever day it was elsewhere.
func TestADateKeepsItsDay(t *testing.T) {
	t.Parallel()
	for s, day := range map[string]int{
		"Mon, 2 Nov 2026 23:30:00 -0500": 2, "Mon, 2 Nov 2026 00:30:00 +0900": 2, "Mon, 2 Nov 2026 23:30:00 EST": 2,
		"Mon, 2 Nov 2026 23:59:60 +0000": 3, "Mon, 2 Nov 2026 23:30:00": 2,
	} {
		if got, ok := Date(s); !ok || got.Day() != day {
			t.Errorf("%q is on day %d: %v", s, day, got)
		}
	}
}

// What the standard library reads, we read the same.
func TestDatesAgreeWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(0, 4e9).Draw(t, "seconds")
		offset := 60 * rapid.IntRange(-720, 840).Draw(t, "offset")
		at := time.Unix(seconds, 0).In(time.FixedZone("", offset))
		s := at.Format(time.RFC1123Z)
		want, err := mail.ParseDate(s)
		got, ok := Date(s)
		if err != nil || !ok || !got.Equal(want) {
			t.Fatalf("%q: %v %v, standard %v %v", s, got, ok, want, err)
		}
	})
}
