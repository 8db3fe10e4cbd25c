package sla

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Explanation tells how a deadline came about. Its instants are in the
// calendar's zone, and so is its JSON (RFC 3339 with that zone's offset).
type Explanation struct {
	Zone      string        `json:"zone"`
	From      time.Time     `json:"from"`
	Target    time.Duration `json:"-"`
	Due       time.Time     `json:"due"`
	Intervals []Interval    `json:"intervals"`
	// Holidays are the dates (YYYY-MM-DD) between From and Due on which the desk
	// would have been open.
	Holidays []string `json:"holidays"`
	// Pauses are the stretches before Due in which nothing counted, since the clock
	// stood; a zero To is one that lasts.
	Pauses []Interval `json:"pauses,omitempty"`
}

// Interval is business time that was counted: it belongs to one local date.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Explain finds the same instant as DueAt and tells each interval counted on the
// way and each holiday skipped. Errors as in DueAt.
func (c *Calendar) Explain(from time.Time, target time.Duration) (Explanation, error) {
	due, err := c.DueAt(from, target)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{
		Zone: c.zone.String(), From: from.In(c.zone), Target: target, Due: due.In(c.zone),
		Intervals: []Interval{}, Holidays: []string{}, // JSON has lists, never null
	}
	var before opening
	c.walk(from, func(o opening) bool {
		start, end := o.since(from), time.Unix(o.to, 0)
		if !start.Before(due) {
			return false
		}
		if end.After(due) {
			end = due
		}
		e.count(o, before, Interval{start.In(c.zone), end.In(c.zone)})
		before = o
		return true
	})
	return e, nil
}

// ExplainPaused is Explain for a clock that stood in pauses, which ascend and do not
// overlap: what was left of the target when it stopped is counted from when it went on. A
// pause that lasts moves nothing yet, and one that begins after the target was filled is
// left out.
func (c *Calendar) ExplainPaused(from time.Time, target time.Duration, pauses []Interval) (Explanation, error) {
	e, err := c.Explain(from, target)
	for _, p := range pauses {
		if err != nil || !p.From.Before(e.Due) {
			break
		}
		e.Pauses = append(e.Pauses, Interval{p.From.In(c.zone), p.To})
		if p.To.IsZero() {
			break
		}
		e.Pauses[len(e.Pauses)-1].To = p.To.In(c.zone)
		var rest Explanation
		rest, err = c.Explain(p.To, c.Between(p.From, e.Due))
		e.resume(p.From, rest)
	}
	return e, err
}

// resume puts what is counted from the end of a pause behind what was before it.
func (e *Explanation) resume(stopped time.Time, rest Explanation) {
	before := e.Intervals[:0]
	for _, i := range e.Intervals {
		if !i.From.Before(stopped) {
			break
		}
		if i.To.After(stopped) {
			i.To = stopped.In(i.To.Location())
		}
		before = append(before, i)
	}
	e.Intervals, e.Due = append(before, rest.Intervals...), rest.Due
	date := stopped.In(e.From.Location()).Format(time.DateOnly)
	e.Holidays = slices.DeleteFunc(e.Holidays, func(day string) bool { return day > date })
	for _, day := range rest.Holidays {
		if !slices.Contains(e.Holidays, day) {
			e.Holidays = append(e.Holidays, day)
		}
	}
}

// count takes up one opening, given the one before it.
func (e *Explanation) count(o, before opening, i Interval) {
	switch {
	case o.holiday:
		date := time.Unix(o.day*daySeconds, 0).UTC().Format(time.DateOnly)
		if n := len(e.Holidays); n == 0 || e.Holidays[n-1] != date {
			e.Holidays = append(e.Holidays, date)
		}
	case len(e.Intervals) > 0 && o.from == before.to && o.day == before.day:
		// The clocks changed within the interval, or the next one touches it.
		e.Intervals[len(e.Intervals)-1].To = i.To
	default:
		e.Intervals = append(e.Intervals, i)
	}
}

// textTime names the day and the zone: what counts here is the wall clock.
const textTime = "Mon 2006-01-02 15:04:05 MST"

// WriteText writes the explanation for a person at a terminal.
func (e Explanation) WriteText(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "from  %s  (%s)\n", e.From.Format(textTime), e.Zone)
	var sum time.Duration
	holidays := e.Holidays
	for _, i := range e.Intervals {
		for len(holidays) > 0 && holidays[0] < i.From.Format(time.DateOnly) {
			fmt.Fprintf(&text, "      %s is a holiday\n", holidays[0])
			holidays = holidays[1:]
		}
		sum += i.To.Sub(i.From)
		fmt.Fprintf(&text, "      %s to %s  %v, %v in all\n",
			i.From.Format(textTime), i.To.Format("15:04:05 MST"), i.To.Sub(i.From), sum)
	}
	fmt.Fprintf(&text, "due   %s\n", e.Due.Format(textTime))
	_, err := io.WriteString(w, text.String())
	return err
}
