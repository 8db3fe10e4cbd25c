package sla

import (
	"fmt"
	"time"

	"signpost/store"
)

// Policy answers what each region promises. It is pure: the same instant and the same
// regions give the same promise.
type Policy map[string]regional

// regional is what one region promises.
type regional struct {
	calendar          *Calendar
	first, resolution time.Duration // business time
}

// NewPolicy takes the policy of regions; an error names the region whose zone, hours
// or holidays make no calendar.
func NewPolicy(regions []store.Region) (Policy, error) {
	all := Policy{}
	for _, r := range regions {
		calendar, err := ForRegion(r)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", r.ID, err)
		}
		all[r.ID] = regional{calendar, r.FirstResponse, r.Resolution}
	}
	return all, nil
}

// Promise is what a region promises for a ticket opened at an instant.
// store.ErrNotFound for a region without a policy.
func (p Policy) Promise(region string, at time.Time) (promise store.Promise, err error) {
	r, ok := p[region]
	if !ok {
		return promise, fmt.Errorf("promise of region %q: %w", region, store.ErrNotFound)
	}
	if promise.FirstResponseBy, err = r.calendar.DueAt(at, r.first); err != nil {
		return promise, err
	}
	promise.ResolutionBy, err = r.calendar.DueAt(at, r.resolution)
	return promise, err
}

// Promising is a store.Promising: a ticket that opens without a promise gets its
// region's, one whose clock stood gets what was left of its resolution, from now on, and
// one put on hold its next update by the first response that it still waits for, or by the
// time that one has.
func (p Policy) Promising(m store.Moment, k store.Ticket, now time.Time) store.Promise {
	r, known := p[k.Region]
	switch {
	case !known:
	case m == store.MomentOpened && k.Promise == store.Promise{}:
		if promise, err := p.Promise(k.Region, k.OpenedAt); err == nil {
			return promise
		}
	case m == store.MomentResumed && k.StoppedAt.Before(k.Promise.ResolutionBy):
		left := r.calendar.Between(k.StoppedAt, k.Promise.ResolutionBy)
		promise := k.Promise
		if due, err := r.calendar.DueAt(now, left); err == nil {
			promise.ResolutionBy = due
		}
		return promise
	case m == store.MomentHeld:
		promise := k.Promise
		if first := promise.FirstResponseBy; k.FirstReplyAt.IsZero() && first.After(now) {
			promise.NextUpdateBy = first // what the partner was told
		} else if due, err := r.calendar.DueAt(now, r.first); err == nil {
			promise.NextUpdateBy = due
		}
		return promise
	}
	return k.Promise
}

// Why tells how a date of the promise of a ticket of that region came about, which was
// opened at an instant and whose resolution's clock stood in pauses. It is reckoned by the
// policy, and so may differ from a promise that was given under another. Errors as in
// Promise; store.ErrInvalid for a kind of deadline that is not promised.
func (p Policy) Why(
	region string, kind store.DeadlineKind, opened time.Time, pauses []store.Span,
) (w store.Reckoning, err error) {
	r, ok := p[region]
	if !ok {
		return w, fmt.Errorf("promise of region %q: %w", region, store.ErrNotFound)
	}
	var e Explanation
	switch kind {
	case store.DeadlineFirstResponse:
		e, err = r.calendar.Explain(opened, r.first)
	case store.DeadlineResolution:
		var stood []Interval
		for _, s := range pauses {
			stood = append(stood, Interval(s))
		}
		e, err = r.calendar.ExplainPaused(opened, r.resolution, stood)
	default:
		err = fmt.Errorf("deadline %q: %w", kind, store.ErrInvalid)
	}
	if err != nil {
		return w, err
	}
	w = store.Reckoning{Zone: r.calendar.zone, Target: e.Target, From: e.From, Due: e.Due, Holidays: e.Holidays}
	for _, i := range e.Intervals {
		w.Counted = append(w.Counted, store.Span(i))
	}
	for _, i := range e.Pauses {
		w.Pauses = append(w.Pauses, store.Span(i))
	}
	return w, nil
}

// Overdue tells a promise to be made anew before its mail goes: its first date passed
// before the mail could leave.
func Overdue(promise store.Promise, now time.Time) bool {
	first := promise.FirstResponseBy
	return !first.IsZero() && !now.Before(first)
}

// Zone is the time zone of a region's calendar; nil for a region without a policy.
func (p Policy) Zone(region string) *time.Location {
	if r, ok := p[region]; ok {
		return r.calendar.zone
	}
	return nil
}
