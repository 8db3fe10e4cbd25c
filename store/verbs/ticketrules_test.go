package verbs

import (
	"testing"
	"time"

	"signpost/store"
)

// TestTheClockOfATicketStopsAndGoesOn holds every change of status to what it does to
// the promise.
func TestTheClockOfATicketStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	at := due.Add(-time.Hour)
	r := rules{func(m store.Moment, k store.Ticket, now time.Time) store.Promise {
		switch m {
		case store.MomentResumed:
			k.Promise.ResolutionBy = k.Promise.ResolutionBy.Add(now.Sub(k.StoppedAt))
		case store.MomentHeld:
			k.Promise.NextUpdateBy = now.Add(time.Hour)
		}
		return k.Promise
	}}
	k := store.Ticket{Status: store.StatusOpen, Promise: store.Promise{FirstResponseBy: due, ResolutionBy: due}}
	for i, step := range []struct {
		to                store.Status
		deadlines         int
		stopped, solved   bool
		resolutionDelayed time.Duration
	}{
		{store.StatusOnHold, 3, false, false, 0},
		{store.StatusPending, 1, true, false, 0},
		{store.StatusSolved, 0, true, true, 0},
		{store.StatusOpen, 2, false, false, 2 * time.Hour},
		{store.StatusSolved, 0, true, true, 2 * time.Hour},
		{store.StatusSolved, 0, true, true, 2 * time.Hour},
		{store.StatusOnHold, 3, false, false, 4 * time.Hour},
	} {
		at = at.Add(time.Hour)
		r.setStatus(&k, step.to, at)
		if k.Status != step.to || len(k.Deadlines()) != step.deadlines || k.StoppedAt.IsZero() == step.stopped ||
			k.SolvedAt.IsZero() == step.solved || !k.Promise.ResolutionBy.Equal(due.Add(step.resolutionDelayed)) {
			t.Errorf("step %d: %+v with deadlines %v", i, k, k.Deadlines())
		}
		if k.Promise.NextUpdateBy.Equal(at.Add(time.Hour)) != (step.to == store.StatusOnHold) {
			t.Errorf("step %d: the next update is promised by %v", i, k.Promise.NextUpdateBy)
		}
	}
	r.setStatus(&k, store.StatusSolved, at)
	if k.StatusAt(at.Add(store.ClosedAfter-1)) != store.StatusSolved ||
		k.StatusAt(at.Add(store.ClosedAfter)) != store.StatusClosed {
		t.Error("a solved ticket is not shown as closed in time")
	}
	reopen(&k)
	if k.Status != store.StatusOpen || !k.StoppedAt.IsZero() || !k.Promise.ResolutionBy.Equal(due.Add(4*time.Hour)) {
		t.Errorf("a mail that came back left it %+v", k)
	}
}
