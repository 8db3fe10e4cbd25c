package outbox

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/datafile"
)

// The whole way on the real store: tickets open, one confirmation is refused for
// good, one is put off, and each ticket's thread tells what became of its mail. A
// refusal has the effects of a bounce that says the same.
func TestOnTheRealStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "desk.db")
	synctest.Test(t, func(t *testing.T) {
		db, err := datafile.Open(path, datafile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := newPeer(map[string]string{
			"RCPT TO:<p1@d1.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;p1@d1.example": "550 5.1.1 no such user",
			"RCPT TO:<p2@d2.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;p2@d2.example": "450 4.2.0 later",
			"RCPT TO:<p3@d3.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;p3@d3.example": "554 5.7.1 Client host [192.0.2.7] " +
				"blocked using a list",
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := New(Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial},
			db, composed, slog.New(slog.DiscardHandler), Observer{})
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		var opened []store.Opened
		for i := range 40 {
			o, err := db.OpenTicket(ctx, time.Now(), ticket(i, time.Now()))
			if err != nil {
				t.Fatal(err)
			}
			s.Kick()
			opened = append(opened, o)
		}
		time.Sleep(10 * time.Second)
		for i, o := range opened {
			row, err := db.Outbound(ctx, o.Confirmation.ID)
			if err != nil {
				t.Fatal(err)
			}
			want, tries := store.StateSent, 1
			switch i {
			case 1:
				want = store.StateFailed
			case 3:
				want, tries = store.StateHeld, 2
			case 2:
				want = store.StateQueued
			}
			if row.State != want || row.Attempts != tries {
				t.Errorf("confirmation %d is %s after %d tries: %s", i, row.State, row.Attempts, row.Reply)
			}
		}
		thread, err := store.Items(db.Entries(ctx, opened[1].Ticket.ID, 0, store.Page{Limit: 10}))
		if err != nil || len(thread) != 2 || thread[1].Event != store.EventMailBounced ||
			thread[1].Body != "550 5.1.1 no such user" {
			t.Errorf("the thread of the refused confirmation: %+v, %v", thread, err)
		}
		refused, err := db.Ticket(ctx, opened[1].Ticket.ID)
		if err != nil || refused.Question != store.QuestionUndeliverable {
			t.Errorf("its ticket: %+v, %v", refused, err)
		}
		held, err := db.SuppressionsOf(ctx, time.Now(), "p1@d1.example")
		if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Reason != "userunknown" ||
			held[0].Inbound != 0 {
			t.Errorf("its address: %+v, %v", held, err)
		}
		denied, err := db.Outbound(ctx, opened[3].Confirmation.ID)
		if err != nil || denied.Delivery != (store.Delivery{}) || denied.Hold.Stage != "rcpt" {
			t.Errorf("the mail that is refused for our sake: %+v, %v", denied, err)
		}
		held, err = db.SuppressionsOf(ctx, time.Now(), "p3@d3.example")
		if err != nil || len(held) != 0 {
			t.Errorf("held, not dead: %+v, %v", held, err)
		}
		cases, err := store.Items(db.Refusals(ctx, time.Now().Add(-time.Hour), store.Page{Limit: 9}))
		if err != nil || len(cases) != 1 || cases[0].Host != "127.0.0.1" || cases[0].Status != "5.7.1" {
			t.Errorf("the refusals: %+v, %v", cases, err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
	})
}
