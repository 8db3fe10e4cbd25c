package verbs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

// TestATicketFromBeforeItSaidSoIsReadFromItsThread: a row without the newer fields
// reads as one that had them from the beginning.
func TestATicketFromBeforeItSaidSoIsReadFromItsThread(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer checkAndClose(t, db)
	ctx := context.Background()
	opened, err := postTicket(t, db, 1)
	if err != nil {
		t.Fatal(err)
	}
	later := opened.Ticket.OpenedAt.Add(time.Hour)
	more := store.NewMessage{Link: opened.Ticket.Link, Body: "more"}
	_, err = db.AppendMessage(ctx, later, store.ByPartner(more.Link), more)
	if err != nil {
		t.Fatal(err)
	}
	err = db.write(ctx, 0, func(x *txn) error {
		k, err := x.ticket(opened.Ticket.ID)
		return errors.Join(err, x.appendEvent(&k, later.Add(time.Hour), store.EventMailRead, 1, ""))
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := db.Ticket(ctx, opened.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = db.write(ctx, 0, func(x *txn) error {
		r := newTicketRecord(want)
		r.Version, r.LastPublic, r.PublicAt, r.LastPartner = 0, "", 0, 0
		return x.putRecord(bTickets, u64(uint64(want.ID)), r)
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Ticket(ctx, want.ID)
	if err != nil || want.Version != 2 || !want.LastPartnerAt.Equal(later) {
		t.Fatalf("%+v, %v", want, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTheClockOfATicketStopsAndGoesOn holds every change of status to what it does to
// the promise.
func TestTheClockOfATicketStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	at := due.Add(-time.Hour)
	r := rules{func(m store.Moment, k store.Ticket, now time.Time) store.Promise {
		if m == store.MomentResumed {
			k.Promise.ResolutionBy = k.Promise.ResolutionBy.Add(now.Sub(k.StoppedAt))
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
		{store.StatusOnHold, 2, false, false, 0},
		{store.StatusPending, 1, true, false, 0},
		{store.StatusSolved, 0, true, true, 0},
		{store.StatusOpen, 2, false, false, 2 * time.Hour},
		{store.StatusSolved, 0, true, true, 2 * time.Hour},
		{store.StatusSolved, 0, true, true, 2 * time.Hour},
		{store.StatusOnHold, 2, false, false, 4 * time.Hour},
	} {
		at = at.Add(time.Hour)
		r.setStatus(&k, step.to, at)
		if k.Status != step.to || len(k.Deadlines()) != step.deadlines || k.StoppedAt.IsZero() == step.stopped ||
			k.SolvedAt.IsZero() == step.solved || !k.Promise.ResolutionBy.Equal(due.Add(step.resolutionDelayed)) {
			t.Errorf("step %d: %+v with deadlines %v", i, k, k.Deadlines())
		}
	}
	r.setStatus(&k, store.StatusSolved, at)
	if k.StatusAt(at.Add(store.ClosedAfter-1)) != store.StatusSolved || k.StatusAt(at.Add(store.ClosedAfter)) != store.StatusClosed {
		t.Error("a solved ticket is not shown as closed in time")
	}
	reopen(&k)
	if k.Status != store.StatusOpen || !k.StoppedAt.IsZero() || !k.Promise.ResolutionBy.Equal(due.Add(4*time.Hour)) {
		t.Errorf("a mail that came back left it %+v", k)
	}
}
