package sla_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signpost/sla"
)

// model is the definition itself, with nothing clever in it: it looks at the
// wall clock once a minute and counts.
type model struct {
	zone     *time.Location
	spans    map[time.Weekday][][2]int // minutes of the day
	holidays []string
}

func (m model) open(at time.Time) bool {
	local := at.In(m.zone)
	if slices.Contains(m.holidays, local.Format(time.DateOnly)) {
		return false
	}
	minute := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(m.spans[local.Weekday()], func(s [2]int) bool { return s[0] <= minute && minute < s[1] })
}

// due counts target whole minutes from a whole minute on; false after max
// minutes.
func (m model) due(from time.Time, target, max int) (time.Time, bool) {
	for range max {
		if m.open(from) {
			target--
		}
		from = from.Add(time.Minute)
		if target == 0 {
			return from, true
		}
	}
	return time.Time{}, false
}

// changes are days around which the clocks of a zone do something, so that half
// of the random starts fall close to one.
var changes = []struct{ zone, near string }{
	{"UTC", "2026-01-01"},
	{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
	{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
	{"America/Santiago", "2026-04-04"}, {"America/Santiago", "2026-09-06"},
	{"America/St_Johns", "2010-03-14"}, {"America/St_Johns", "2010-11-07"}, // at one minute past midnight
	{"Asia/Kolkata", "2026-03-08"},
	{"Asia/Tehran", "2021-03-22"}, {"Asia/Tehran", "2021-09-21"}, {"Asia/Tehran", "2022-09-21"},
	{"Pacific/Apia", "2011-12-30"}, {"Pacific/Apia", "2011-09-24"},
	{"Africa/Casablanca", "2026-02-15"}, {"Europe/Dublin", "2026-10-25"},
	{"Europe/London", "1971-10-31"},                                     // back from a year and more of summer time
	{"America/New_York", "2040-12-31"}, {"Europe/London", "2044-12-31"}, // the 366th day of a year, by rule
	{"Pacific/Chatham", "2026-04-05"}, {"Pacific/Chatham", "2026-09-27"}, // between offsets that end in 45 minutes
	{"Asia/Kathmandu", "1986-01-01"},                                      // to an offset that ends in 45 minutes
	{"Asia/Pyongyang", "2018-05-05"}, {"Pacific/Kwajalein", "1993-08-21"}, // by half an hour; a day skipped
	{"Antarctica/Troll", "2026-03-29"}, {"Africa/Cairo", "2026-04-24"}, // by two hours; at midnight
}

func drawSpans(t *rapid.T) [][2]int {
	switch rapid.IntRange(0, 3).Draw(t, "kind of day") {
	case 0:
		return nil
	case 1:
		return [][2]int{{0, 1440}}
	case 2: // around the hours at which clocks change
		a := rapid.IntRange(0, 200).Draw(t, "early open")
		return [][2]int{{a, rapid.IntRange(a+1, 240).Draw(t, "early close")},
			{rapid.IntRange(1300, 1439).Draw(t, "late open"), 1440}}
	}
	cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, 1440), 4, 4, rapid.ID[int]).Draw(t, "cuts")
	slices.Sort(cuts)
	return [][2]int{{cuts[0], cuts[1]}, {cuts[2], cuts[3]}}
}

// drawCalendar draws a model and the calendar that claims to be the same.
func drawCalendar(t *rapid.T) (model, *sla.Calendar, time.Time) {
	place := rapid.SampledFrom(changes).Draw(t, "place")
	zone, err := time.LoadLocation(place.zone)
	if err != nil {
		t.Fatal(err)
	}
	near, _ := time.Parse(time.DateOnly, place.near)
	m := model{zone: zone, spans: map[time.Weekday][][2]int{}}
	var parts []string
	for day := time.Sunday; day <= time.Saturday; day++ {
		for _, s := range drawSpans(t) {
			m.spans[day] = append(m.spans[day], s)
			parts = append(parts, fmt.Sprintf("%s %02d:%02d-%02d:%02d", day, s[0]/60, s[0]%60, s[1]/60, s[1]%60))
		}
	}
	if len(parts) == 0 {
		m.spans[time.Sunday] = [][2]int{{0, 1440}}
		parts = []string{"Sun 00:00-24:00"}
	}
	for _, ahead := range rapid.SliceOfN(rapid.IntRange(-3, 20), 0, 4).Draw(t, "holidays") {
		m.holidays = append(m.holidays, near.AddDate(0, 0, ahead).Format(time.DateOnly))
	}
	week, err := sla.Parse(strings.Join(parts, ";"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sla.NewCalendar(zone, week, m.holidays)
	if err != nil {
		t.Fatal(err)
	}
	from := near.Add(time.Duration(rapid.IntRange(-4*1440, 4*1440).Draw(t, "from")) * time.Minute)
	return m, c, from
}

func TestDeadlinesAgreeWithAMinuteByMinuteCount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, c, from := drawCalendar(t)
		target := rapid.OneOf(rapid.IntRange(1, 180), rapid.IntRange(1, 48*60)).Draw(t, "target")
		want, ok := m.due(from, target, 40*1440)
		got, err := c.DueAt(from, time.Duration(target)*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if ok && !got.Equal(want) || !ok && got.Before(from.AddDate(0, 0, 40)) {
			t.Fatalf("from %v, %d minutes: due %v, counted %v", from.In(m.zone), target, got.In(m.zone), want.In(m.zone))
		}
	})
}

func TestOpenAgreesWithTheWallClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, c, at := drawCalendar(t)
		until := at.Add(time.Duration(rapid.IntRange(0, 5*1440).Draw(t, "minutes")) * time.Minute)
		var want time.Duration
		for minute := at; minute.Before(until); minute = minute.Add(time.Minute) {
			open := m.open(minute)
			if open {
				want += time.Minute
			}
			if got := c.Open(minute.Add(17 * time.Second)); got != open {
				t.Fatalf("at %v: open %v, the clock says %v", minute.In(m.zone), got, open)
			}
		}
		if got := c.Between(at, until); got != want {
			t.Fatalf("from %v to %v: %v, counted %v", at, until, got, want)
		}
	})
}

// What holds for every answer at any precision: the explanation adds up, the
// deadline is the first instant with enough business time before it, and no
// other is.
func TestAnExplanationAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, c, from := drawCalendar(t)
		from = from.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "offset")))
		target := time.Duration(rapid.Int64Range(1, int64(200*time.Hour)).Draw(t, "target"))
		e, err := c.Explain(from, target)
		if err != nil {
			t.Fatal(err)
		}
		due, err := c.DueAt(from, target)
		if err != nil || !due.Equal(e.Due) {
			t.Fatalf("DueAt %v, %v; Explain %v", due, err, e.Due)
		}
		var sum time.Duration
		last := from
		for _, i := range e.Intervals {
			if i.From.Before(last) || !i.From.Before(i.To) || !c.Open(i.From) || !c.Open(i.To.Add(-1)) {
				t.Fatalf("interval %v after %v", i, last)
			}
			sum, last = sum+i.To.Sub(i.From), i.To
		}
		if sum != target || !last.Equal(due) || c.Between(from, due) != target || c.Between(from, due.Add(-1)) != target-1 {
			t.Fatalf("intervals sum to %v of %v and end at %v, due %v, between %v", sum, target, last, due, c.Between(from, due))
		}
	})
}
