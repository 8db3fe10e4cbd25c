package desk

import (
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// nextUpdate is the form for the date by which a partner hears from support again.
type nextUpdate struct {
	Offered          bool // for a ticket that is still to be solved
	Held             bool // it is on hold
	Path, In, City   string
	Day, First, Last string // 2026-12-01, in the region's zone; Day "" without one
}

// nextUpdateOf fills the form; its first day is tomorrow.
func (d *Desk) nextUpdateOf(k store.Ticket, path, in string, now time.Time) nextUpdate {
	zone, ok := d.zones[k.Region]
	if !ok {
		zone = time.UTC
	}
	n := nextUpdate{
		Offered: k.Status.Waits(), Held: k.Status == store.StatusOnHold, Path: path, In: in, City: web.City(zone),
		First: now.In(zone).AddDate(0, 0, 1).Format(time.DateOnly),
		Last:  now.In(zone).Add(store.MaxPlanned).AddDate(0, 0, -1).Format(time.DateOnly),
	}
	if by := k.Promise.NextUpdateBy; !by.IsZero() {
		n.Day = by.In(zone).Format(time.DateOnly)
	}
	return n
}
