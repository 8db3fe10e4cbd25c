package sla_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones must be there on a machine with Go alone

	"github.com/google/go-cmp/cmp"

	"signpost/sla"
	"signpost/store"
)

const office = "Mon-Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00"

func calendar(t testing.TB, zone, open string, holidays ...string) *sla.Calendar {
	t.Helper()
	c, err := sla.ForRegion(store.Region{ID: "test", Zone: zone, Hours: open, Holidays: holidays})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func instant(t testing.TB, rfc3339 string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Every line was worked out by hand from the calendar and the dates on which the
// clocks of its zone change.
func TestPromisesFallDue(t *testing.T) {
	t.Parallel()
	const (
		office8 = "Mon-Fri 09:00-17:00"
		always  = "Mon-Sun 00:00-24:00"
		newYork = "America/New_York" // in 2026: ahead on 8 March, back on 1 November
	)
	tests := []struct {
		name, zone, open, holidays string
		from                       string
		target                     time.Duration
		due                        string
	}{
		{"24 business hours are three days of eight", newYork, office8, "",
			"2026-11-23T10:00:00-05:00", 24 * time.Hour, "2026-11-26T10:00:00-05:00"},
		{"the argument's zone changes nothing", newYork, office8, "",
			"2026-11-23T15:00:00Z", 24 * time.Hour, "2026-11-26T10:00:00-05:00"},
		{"a target that fills an interval ends with it", newYork, office8, "",
			"2026-11-23T09:00:00-05:00", 8 * time.Hour, "2026-11-23T17:00:00-05:00"},
		{"one more nanosecond is tomorrow's", newYork, office8, "",
			"2026-11-23T09:00:00-05:00", 8*time.Hour + 1, "2026-11-24T09:00:00.000000001-05:00"},
		{"a post at night waits for the morning", newYork, office8, "",
			"2026-11-23T22:10:00-05:00", time.Hour, "2026-11-24T10:00:00-05:00"},
		{"a post at closing time too", newYork, office8, "",
			"2026-11-23T17:00:00-05:00", time.Hour, "2026-11-24T10:00:00-05:00"},
		{"a weekend is skipped", newYork, office8, "",
			"2026-11-27T16:00:00-05:00", 2 * time.Hour, "2026-11-30T10:00:00-05:00"},
		{"a holiday is skipped", newYork, office8, "2026-11-26",
			"2026-11-25T16:00:00-05:00", 2 * time.Hour, "2026-11-27T10:00:00-05:00"},
		{"a post on a holiday waits", newYork, office8, "2026-11-26",
			"2026-11-26T11:00:00-05:00", time.Hour, "2026-11-27T10:00:00-05:00"},
		{"lunch does not count", newYork, office, "", "2026-11-23T12:00:00-05:00", time.Hour, "2026-11-23T14:00:00-05:00"},
		{"a target may end with the morning", newYork, office, "",
			"2026-11-23T12:00:00-05:00", 30 * time.Minute, "2026-11-23T12:30:00-05:00"},
		{"Saturday is short", newYork, office, "", "2026-11-27T17:00:00-05:00", 6 * time.Hour, "2026-11-30T10:00:00-05:00"},
		{"seconds count", newYork, office8, "",
			"2026-11-23T16:59:58.5-05:00", 3 * time.Second, "2026-11-24T09:00:01.5-05:00"},

		{"round the clock is just time", newYork, always, "",
			"2026-11-27T16:00:00-05:00", 24 * time.Hour, "2026-11-28T16:00:00-05:00"},
		{"round the clock over the lost hour", newYork, always, "",
			"2026-03-07T12:00:00-05:00", 24 * time.Hour, "2026-03-08T13:00:00-04:00"},
		{"round the clock over the doubled hour", newYork, always, "",
			"2026-10-31T12:00:00-04:00", 24 * time.Hour, "2026-11-01T11:00:00-05:00"},
		{"24:00 closes the day", newYork, "Fri 16:00-24:00; Mon 00:00-24:00", "",
			"2026-11-27T16:00:00-05:00", 9 * time.Hour, "2026-11-30T01:00:00-05:00"},
		{"and ends a target there", newYork, "Fri 16:00-24:00; Mon 00:00-24:00", "",
			"2026-11-27T16:00:00-05:00", 8 * time.Hour, "2026-11-28T00:00:00-05:00"},

		{"an hour the clocks skip is not worked", newYork, "Sun 01:00-04:00", "",
			"2026-03-08T00:00:00-05:00", 2 * time.Hour, "2026-03-08T04:00:00-04:00"},
		{"hours wholly skipped come a week later", newYork, "Sun 02:15-02:45", "",
			"2026-03-07T00:00:00-05:00", 30 * time.Minute, "2026-03-15T02:45:00-04:00"},
		{"an hour the clocks repeat is worked twice", newYork, "Sun 01:00-02:00", "",
			"2026-11-01T00:00:00-04:00", 2 * time.Hour, "2026-11-01T02:00:00-05:00"},
		{"a quarter within it comes round twice", newYork, "Sun 01:30-01:45", "",
			"2026-11-01T00:00:00-04:00", 20 * time.Minute, "2026-11-01T01:35:00-05:00"},

		{"Lord Howe gains half an hour", "Australia/Lord_Howe", always, "",
			"2026-10-03T12:00:00+10:30", 24 * time.Hour, "2026-10-04T12:30:00+11:00"},
		{"Lord Howe loses it again", "Australia/Lord_Howe", always, "",
			"2026-04-04T12:00:00+11:00", 24 * time.Hour, "2026-04-05T11:30:00+10:30"},
		{"Santiago has no midnight", "America/Santiago", "Sun 00:00-02:00", "",
			"2026-09-05T12:00:00-04:00", time.Hour, "2026-09-06T02:00:00-03:00"},
		{"Santiago has an hour before midnight twice", "America/Santiago", "Sat 22:00-24:00", "",
			"2026-04-04T12:00:00-03:00", 3 * time.Hour, "2026-04-05T00:00:00-04:00"},
		{"Kolkata never changes", "Asia/Kolkata", office8, "",
			"2026-03-06T16:30:00+05:30", time.Hour, "2026-03-09T09:30:00+05:30"},
		{"Apia had no 30 December 2011", "Pacific/Apia", "Mon-Sun 09:00-10:00", "",
			"2011-12-29T09:00:00-10:00", 2 * time.Hour, "2011-12-31T10:00:00+14:00"},
		{"before 1970", "UTC", office8, "1969-12-31", "1969-12-30T16:00:00Z", 2 * time.Hour, "1970-01-01T10:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := calendar(t, tt.zone, tt.open, strings.Fields(tt.holidays)...)
			due, err := c.DueAt(instant(t, tt.from), tt.target)
			if want := instant(t, tt.due); err != nil || !due.Equal(want) {
				t.Errorf("due %v, %v; want %v", due.In(c.Location()), err, want.In(c.Location()))
			}
		})
	}
}

func TestAnExplanationListsWhatWasCounted(t *testing.T) {
	t.Parallel()
	// Thanksgiving is a holiday, and so is a Sunday on which the desk is closed anyway.
	c := calendar(t, "America/New_York", office, "2026-11-26", "2026-11-29", "2027-01-01")
	e, err := c.Explain(instant(t, "2026-11-25T21:00:00Z"), 12*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"zone":"America/New_York","from":"2026-11-25T16:00:00-05:00","due":"2026-11-28T12:00:00-05:00",` +
		`"intervals":[{"from":"2026-11-25T16:00:00-05:00","to":"2026-11-25T18:00:00-05:00"},` +
		`{"from":"2026-11-27T09:00:00-05:00","to":"2026-11-27T12:30:00-05:00"},` +
		`{"from":"2026-11-27T13:30:00-05:00","to":"2026-11-27T18:00:00-05:00"},` +
		`{"from":"2026-11-28T10:00:00-05:00","to":"2026-11-28T12:00:00-05:00"}],` +
		`"holidays":["2026-11-26"]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}

	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	wantText := `from  Wed 2026-11-25 16:00:00 EST  (America/New_York)
      Wed 2026-11-25 16:00:00 EST to 18:00:00 EST  2h0m0s, 2h0m0s in all
      2026-11-26 is a holiday
      Fri 2026-11-27 09:00:00 EST to 12:30:00 EST  3h30m0s, 5h30m0s in all
      Fri 2026-11-27 13:30:00 EST to 18:00:00 EST  4h30m0s, 10h0m0s in all
      Sat 2026-11-28 10:00:00 EST to 12:00:00 EST  2h0m0s, 12h0m0s in all
due   Sat 2026-11-28 12:00:00 EST
`
	if diff := cmp.Diff(wantText, text.String()); diff != "" {
		t.Error(diff)
	}
}

func TestADayOnWhichTheClocksChangeIsOneInterval(t *testing.T) {
	t.Parallel()
	c := calendar(t, "America/New_York", "Mon-Sun 00:00-24:00")
	e, err := c.Explain(instant(t, "2026-10-31T00:00:00-04:00"), 49*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var lengths []time.Duration
	for _, i := range e.Intervals {
		lengths = append(lengths, i.To.Sub(i.From))
	}
	if diff := cmp.Diff([]time.Duration{24 * time.Hour, 25 * time.Hour}, lengths); diff != "" {
		t.Error(diff)
	}
}

func TestHoursThatTouchAreOneInterval(t *testing.T) {
	t.Parallel()
	c := calendar(t, "UTC", "Mon-Tue 00:00-12:00,12:00-24:00")
	e, err := c.Explain(instant(t, "2026-11-23T06:00:00Z"), 30*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []sla.Interval{ // a date each
		{From: instant(t, "2026-11-23T06:00:00Z"), To: instant(t, "2026-11-24T00:00:00Z")},
		{From: instant(t, "2026-11-24T00:00:00Z"), To: instant(t, "2026-11-24T12:00:00Z")},
	}
	if diff := cmp.Diff(want, e.Intervals); diff != "" {
		t.Error(diff)
	}
}

func TestOpenAndBetween(t *testing.T) {
	t.Parallel()
	c := calendar(t, "America/New_York", office, "2026-11-26")
	for at, want := range map[string]bool{
		"2026-11-23T08:59:59.9-05:00": false,
		"2026-11-23T09:00:00-05:00":   true,
		"2026-11-23T12:29:59.9-05:00": true,
		"2026-11-23T12:30:00-05:00":   false,
		"2026-11-26T10:00:00-05:00":   false, // the holiday
		"2026-11-29T10:00:00-05:00":   false, // a Sunday
	} {
		if got := c.Open(instant(t, at)); got != want {
			t.Errorf("open at %s: %v, want %v", at, got, want)
		}
	}
	monday := instant(t, "2026-11-23T00:00:00-05:00")
	if got, want := c.Between(monday, monday.AddDate(0, 0, 7)), 36*time.Hour; got != want {
		t.Errorf("a week with a holiday has %v, want %v", got, want)
	}
	if got := c.Between(monday.AddDate(0, 0, 7), monday); got != 0 {
		t.Errorf("backwards: %v", got)
	}
}

func TestAFaultyCalendarIsRefused(t *testing.T) {
	t.Parallel()
	good := store.Region{ID: "us", Zone: "UTC", Hours: office}
	for name, tt := range map[string]struct {
		spoil func(*store.Region)
		says  string
	}{
		"never open": {func(r *store.Region) { r.Hours = "" }, `opening hours are empty; write them like "Mon-Fri`},
		"no such holiday": {func(r *store.Region) { r.Holidays = []string{"2026-02-30"} },
			`holiday "2026-02-30" is no date`},
		"holiday in words": {func(r *store.Region) { r.Holidays = []string{"Christmas"} }, `write it like "2026-12-25"`},
		"no such zone": {func(r *store.Region) { r.Zone = "America/Springfield" },
			`"America/Springfield" is not known`},
		"no zone":            {func(r *store.Region) { r.Zone = "" }, "write an IANA name"},
		"the machine's own":  {func(r *store.Region) { r.Zone = "Local" }, "write an IANA name"},
		"the machine's file": {func(r *store.Region) { r.Zone = "localtime" }, "write an IANA name"},
		"a path":             {func(r *store.Region) { r.Zone = "../../etc/passwd" }, "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := good
			tt.spoil(&r)
			_, err := sla.ForRegion(r)
			if !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), tt.says) ||
				!strings.Contains(err.Error(), "us") {
				t.Errorf("error %v, want %q", err, tt.says)
			}
		})
	}
	if _, err := sla.NewCalendar(time.UTC, sla.Week{}, nil); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("the zero week: %v", err)
	}
	if _, err := sla.NewCalendar(nil, sla.Week{}, nil); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("no zone: %v", err)
	}
}

func TestATargetThatIsNeverMetIsRefused(t *testing.T) {
	t.Parallel()
	from := instant(t, "2026-11-23T00:00:00Z")
	// Open on Christmas mornings that fall on a Friday at most, all of them
	// holidays: the search must end.
	var holidays []string
	for day := from; day.Year() < 2130; day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Friday {
			holidays = append(holidays, day.Format(time.DateOnly))
		}
	}
	c := calendar(t, "UTC", "Fri 09:00-10:00", holidays...)
	if _, err := c.DueAt(from, time.Nanosecond); !errors.Is(err, sla.ErrTooFar) {
		t.Errorf("never open again: %v", err)
	}
	if c.Open(from) {
		t.Error("open")
	}
	// By the rules of zones whose clocks change every year, too.
	for _, zone := range []string{"America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Jerusalem"} {
		if _, err := calendar(t, zone, "Mon-Fri 09:00-17:00").DueAt(from, 300_000*time.Hour); !errors.Is(err, sla.ErrTooFar) {
			t.Errorf("%s: %v", zone, err)
		}
	}
	if _, err := calendar(t, "UTC", "Fri 09:00-10:00").Explain(from, 1<<63-1); !errors.Is(err, sla.ErrTooFar) {
		t.Errorf("292 years of work: %v", err)
	}
	for _, target := range []time.Duration{0, -time.Hour} {
		if _, err := c.Explain(from, target); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("target %v: %v", target, err)
		}
	}
}

func BenchmarkDueAt(b *testing.B) {
	c := calendar(b, "America/New_York", office, "2026-11-26", "2026-12-25", "2027-01-01")
	from := instant(b, "2026-11-20T15:04:05-05:00")
	for name, target := range map[string]time.Duration{
		"24h": 24 * time.Hour, "48h": 48 * time.Hour, "a year": 2000 * time.Hour,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.DueAt(from, target); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
