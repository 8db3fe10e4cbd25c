// Package sla counts business time: from the opening hours, holidays and time
// zone of a region it finds the instant by which a promise of so many business
// hours falls due, and tells how it came to it. It is pure: no clock, no I/O
// beyond what loading a time zone by name takes.
//
// A call flows so: Parse reads the hours into a Week, NewCalendar (or ForRegion)
// joins it with a zone and holidays, and the Calendar answers DueAt on the road
// of a request, Explain where a person wants to see why, Open and Between for
// everything else. A Calendar never changes and is safe for concurrent use. Policy
// (policy.go) joins the calendars of all regions with their targets: its Promising is
// what the store's verbs call to set a ticket's deadlines.
//
// To add a promise: its instant in store.Promise and its rule in Policy. To add a way of
// writing opening hours: Parse in week.go, which also writes them back (Week.String).
//
// # What counts on days when the clocks change
//
// The desk is open at an instant when the wall clock of its zone, read at that
// instant, shows a time within the hours of that local date. Nothing else is
// assumed, so every day is exact:
//
//   - an hour the clocks skip does not exist and counts nothing: a desk open
//     00:00-24:00 is open 23 hours on that date, one open 02:15-02:45 not at all;
//   - an hour the clocks repeat counts twice: 00:00-24:00 is open 25 hours, and
//     01:30-01:45 comes round twice, with the desk closed in between;
//   - a date that a zone skips (Apia, 2011-12-30) never comes, whether it would
//     have been a holiday or not.
//
// Go's time.Date is deliberately not used: for a wall-clock time that does not
// exist, or exists twice, it does not say which instant it returns.
package sla

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"signpost/store"
)

// horizonYears bounds every search: a promise that falls due later than this is
// a mistake in its hours or its holidays, and looking on would never end.
const horizonYears = 100

const daySeconds = 24 * 60 * 60

// ErrTooFar is returned when a target is not filled within 100 years.
var ErrTooFar = errors.New("not due within 100 years: the opening hours are too few for the target, " +
	"or holidays close them all")

// Calendar is the business time of one region.
type Calendar struct {
	zone     *time.Location
	week     Week
	holidays []int64 // days since 1970-01-01, ascending
}

// NewCalendar joins a zone, opening hours and holidays (YYYY-MM-DD, local dates
// in the zone). A Week without any opening, a date that is none, or a missing
// zone is store.ErrInvalid.
func NewCalendar(zone *time.Location, week Week, holidays []string) (*Calendar, error) {
	if zone == nil {
		return nil, fmt.Errorf("calendar: no time zone: %w", store.ErrInvalid)
	}
	if week.Empty() {
		return nil, fmt.Errorf("calendar: never open; write opening hours like %q: %w", example, store.ErrInvalid)
	}
	c := &Calendar{zone: zone, week: week}
	for _, h := range holidays {
		date, err := time.Parse(time.DateOnly, h)
		if err != nil {
			return nil, fmt.Errorf("calendar: holiday %q is no date; write it like \"2026-12-25\": %w", h, store.ErrInvalid)
		}
		c.holidays = append(c.holidays, date.Unix()/daySeconds)
	}
	slices.Sort(c.holidays)
	c.holidays = slices.Compact(c.holidays)
	return c, nil
}

// ForRegion is the calendar of a configured region: its Zone, Hours and Holidays.
func ForRegion(r store.Region) (*Calendar, error) {
	zone, err := Zone(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.ID, err)
	}
	week, err := Parse(r.Hours)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.ID, err)
	}
	c, err := NewCalendar(zone, week, r.Holidays)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.ID, err)
	}
	return c, nil
}

// Zone loads an IANA time zone by name. Unlike time.LoadLocation it refuses "",
// "Local" and the other names under which a machine keeps a zone of its own choice:
// a promise must not depend on the machine it was made on.
func Zone(name string) (*time.Location, error) {
	switch name {
	case "", "Local", "localtime", "posixrules", "Factory":
		return nil, fmt.Errorf("time zone %q: write an IANA name like \"America/New_York\" or \"UTC\": %w",
			name, store.ErrInvalid)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known; write an IANA name like \"America/New_York\" or \"UTC\": %w",
			name, store.ErrInvalid)
	}
	return zone, nil
}

// Location is the calendar's time zone.
func (c *Calendar) Location() *time.Location { return c.zone }

// DueAt is the instant at which target business time has passed since from, in
// UTC. A target that fills an interval exactly falls due at that interval's end,
// not at the next opening. It allocates nothing. A target of zero or less is
// store.ErrInvalid; ErrTooFar as described there.
func (c *Calendar) DueAt(from time.Time, target time.Duration) (time.Time, error) {
	if target <= 0 {
		return time.Time{}, badTarget(target)
	}
	var due time.Time
	left := target
	c.walk(from, func(o opening) bool {
		if o.holiday {
			return true
		}
		start, end := o.since(from), time.Unix(o.to, 0)
		if length := end.Sub(start); length < left {
			left -= length
			return true
		}
		due = start.Add(left).UTC()
		return false
	})
	if due.IsZero() {
		return time.Time{}, ErrTooFar
	}
	return due, nil
}

func badTarget(target time.Duration) error {
	return fmt.Errorf("target of %v: must be longer than nothing: %w", target, store.ErrInvalid)
}

// Open tells whether the desk is open at an instant. The end of an interval is
// no longer open.
func (c *Calendar) Open(at time.Time) bool {
	open := false
	c.walk(at, func(o opening) bool {
		open = !o.holiday && o.from <= at.Unix()
		return false
	})
	return open
}

// Between is the business time from a to b; zero when b is not after a. At most
// the first 100 years are counted.
func (c *Calendar) Between(a, b time.Time) time.Duration {
	var sum time.Duration
	c.walk(a, func(o opening) bool {
		start, end := o.since(a), time.Unix(o.to, 0)
		if !start.Before(b) {
			return false
		}
		if end.After(b) {
			end = b
		}
		if !o.holiday {
			sum += end.Sub(start)
		}
		return true
	})
	return sum
}

// opening is a stretch of one interval of one local date on which the clocks do
// not change.
type opening struct {
	from, to int64 // Unix seconds, [from, to)
	day      int64 // the local date, in days since 1970-01-01
	holiday  bool  // closed for the day after all
}

// since is where the part of the opening that is not before from begins.
func (o opening) since(from time.Time) time.Time {
	if start := time.Unix(o.from, 0); start.After(from) {
		return start
	}
	return from
}

// walk yields in order the openings that end after from, holidays included,
// until yield says no or the horizon is reached. Between two changes of the
// clocks local time is Unix time plus a constant, so it goes from change to
// change and only adds integers in between: exact, and cheap enough to be walked
// on every request.
func (c *Calendar) walk(from time.Time, yield func(opening) bool) {
	now, horizon := from.Unix(), from.AddDate(horizonYears, 0, 0).Unix()
	for now < horizon {
		local := time.Unix(now, 0).In(c.zone)
		_, offset := local.Zone()
		until := min(horizon, steadyUntil(local))
		if !c.walkSteady(now, until, int64(offset), yield) {
			return
		}
		now = until
	}
}

// steadyUntil is an instant after local, in Unix seconds, before which the clocks of
// its zone do not change; it may be earlier than the change. Where a zone's rule goes
// on for ever, ZoneBounds ends every year after 365 days, so that the last day of a
// leap year ends before it begins: no rule changes clocks on that day.
func steadyUntil(local time.Time) int64 {
	_, change := local.ZoneBounds()
	switch at := local.Unix(); {
	case change.IsZero():
		return math.MaxInt64
	case change.Unix() <= at:
		return (floorDay(at) + 1) * daySeconds
	}
	return change.Unix()
}

// walkSteady is walk for [now, until), throughout which local time is offset
// seconds ahead of UTC.
func (c *Calendar) walkSteady(now, until, offset int64, yield func(opening) bool) bool {
	last := floorDay(until - 1 + offset)
	for day := floorDay(now + offset); day <= last; day++ {
		midnight := day*daySeconds - offset
		for _, s := range c.week.on(day) {
			o := opening{from: max(midnight+s.open, now), to: min(midnight+s.close, until), day: day}
			if o.from >= o.to {
				continue
			}
			_, o.holiday = slices.BinarySearch(c.holidays, day)
			if !yield(o) {
				return false
			}
		}
	}
	return true
}

// floorDay is the day a second belongs to, also before 1970.
func floorDay(sec int64) int64 {
	if sec < 0 {
		return (sec+1)/daySeconds - 1
	}
	return sec / daySeconds
}
