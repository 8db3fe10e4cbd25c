package ops

import (
	"testing"
	"time"

	"signpost/store"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func onDay(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestADayBeginsWhereItsZoneBeginsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone  string
		date  time.Time
		from  string
		hours int
	}{
		{"UTC", onDay(2026, 3, 10), "2026-03-10T00:00:00Z", 24},
		{"America/New_York", onDay(2026, 3, 10), "2026-03-10T04:00:00Z", 24},
		{"America/New_York", onDay(2026, 3, 8), "2026-03-08T05:00:00Z", 23},  // the clock goes forward
		{"America/New_York", onDay(2026, 11, 1), "2026-11-01T04:00:00Z", 25}, // and back
		{"Africa/Cairo", onDay(2026, 4, 24), "2026-04-23T22:00:00Z", 23},     // there is no midnight
		{"Asia/Kolkata", onDay(2026, 3, 10), "2026-03-09T18:00:00Z", 24},     // by whole hours
		{"Pacific/Kiritimati", onDay(2026, 3, 10), "2026-03-09T10:00:00Z", 24},
	} {
		d := days{zone: zone(t, c.zone), date: c.date}
		length := time.Duration(c.hours) * time.Hour
		if got := d.from().UTC().Format(time.RFC3339); got != c.from || d.until().Sub(d.from()) != length {
			t.Errorf("%v in %s: from %s, %v long", c.date, c.zone, got, d.until().Sub(d.from()))
		}
	}
}

// opened are hours with that many tickets each, from an instant on.
func opened(from time.Time, counts ...uint64) (hours []store.Hour) {
	for i, n := range counts {
		if n > 0 {
			hours = append(hours, store.Hour{Start: from.Add(time.Duration(i) * time.Hour), Tally: store.Tally{Opened: n}})
		}
	}
	return hours
}

func TestAnHourCountsByTheShareOfItThatIsMeant(t *testing.T) {
	t.Parallel()
	d := days{hours: opened(onDay(2026, 3, 10), 4, 0, 8, 16)}
	for _, c := range []struct {
		from, until time.Duration
		want        uint64
	}{
		{0, 4 * time.Hour, 28}, {0, 2*time.Hour + 15*time.Minute, 6},
		{0, 150 * time.Minute, 8}, {time.Hour, 3 * time.Hour, 8},
		{0, 0, 0}, {5 * time.Hour, 9 * time.Hour, 0}, {-time.Hour, 30 * time.Minute, 2},
	} {
		if got := d.sum(onDay(2026, 3, 10).Add(c.from), onDay(2026, 3, 10).Add(c.until)).Opened; got != c.want {
			t.Errorf("from %v until %v: %d, want %d", c.from, c.until, got, c.want)
		}
	}
	if d.hours[1].Opened != 8 {
		t.Error("adding up changed what was added")
	}
}

func TestADayIsComparedWithThoseBeforeUpToTheSameTime(t *testing.T) {
	t.Parallel()
	today := onDay(2026, 3, 10)
	var hours []store.Hour
	for i := 7; i >= 0; i-- { // ten tickets at 10:00 and at 20:00, one more every day back
		day := today.AddDate(0, 0, -i).Add(10 * time.Hour)
		hours = append(hours, opened(day, uint64(10+i), 0, 0, 0, 0, 0, 0, 0, 0, 0, 10)...)
	}
	d := days{zone: time.UTC, date: today, now: today.Add(15 * time.Hour), since: today.AddDate(0, 0, -40), hours: hours}
	c := d.compare()
	if c.day.Opened != 20 { // all there is of the day
		t.Errorf("today %d", c.day.Opened)
	}
	if !c.hasWeek() || c.weekAgo.Opened != 17 || !c.hasUsual() || c.usual.Opened != 14 {
		t.Errorf("by 15:00: %+v", c)
	}
	d.now = today.Add(48 * time.Hour)
	if c := d.compare(); c.weekAgo.Opened != 27 || c.usual.Opened != 24 {
		t.Errorf("all day: a week ago %d, usually %d", c.weekAgo.Opened, c.usual.Opened)
	}
	d.since = today.AddDate(0, 0, -3).Add(time.Minute)
	if c := d.compare(); c.hasWeek() || c.hasUsual() || c.compared != 2 {
		t.Errorf("two days of counts were enough: %+v", c)
	}
	d.now = today.Add(-time.Hour)
	if c := d.compare(); d.hasBegun() || c.usual.Opened != 0 {
		t.Errorf("a day to come: %+v", c)
	}
}

func TestWhatStandsOutIsSaidInAWord(t *testing.T) {
	t.Parallel()
	good := counting{of: func(n store.Tally) uint64 { return n.Opened }}
	bad := counting{of: good.of, tone: "red", least: 5}
	of := func(n uint64) store.Tally { return store.Tally{Opened: n} }
	for _, c := range []struct {
		row               counting
		n, weekAgo, usual uint64
		compared          int
		want              string
	}{
		{bad, 4, 0, 0, 7, ""}, {bad, 5, 0, 0, 7, "unusual"}, {bad, 5, 0, 0, 0, "unusual"},
		{bad, 9, 3, 1, 7, "9 times the usual"},
		{bad, 9, 5, 1, 7, ""}, {bad, 7, 2, 0, 7, "unusual"}, // the usual beside it is 0
		{good, 90, 20, 20, 7, "4 times the usual"}, {good, 60, 20, 20, 7, ""}, {good, 90, 0, 9, 7, "10 times the usual"},
		{good, 56, 7, 7, 7, "8 times the usual"}, {good, 9, 1, 1, 7, ""}, {good, 20, 0, 0, 7, "unusual"},
		{good, 90, 0, 0, 0, ""},
		{good, 9, 20, 20, 7, "less than half"}, {good, 9, 10, 20, 7, ""},
		{good, 9, 0, 20, 5, "less than half"}, {good, 0, 0, 0, 0, ""},
	} {
		_, word := c.row.judge(c.n, comparison{weekAgo: of(c.weekAgo), usual: of(c.usual), compared: c.compared})
		if word != c.want {
			t.Errorf("%d, a week ago %d, usually %d: %q, want %q", c.n, c.weekAgo, c.usual, word, c.want)
		}
	}
}

func TestAChartEndsInAWholeNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]uint64{0: 1, 1: 1, 3: 5, 6: 10, 20: 20, 21: 50, 999: 1000, 1 << 63: 1 << 63} {
		if got := nice(n); got < n || n < 1<<60 && got != want {
			t.Errorf("%d ends in %d, want %d", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 1000001: "1,000,001"} {
		if got := count(n); got != want {
			t.Errorf("%d is shown as %s", n, got)
		}
	}
}
