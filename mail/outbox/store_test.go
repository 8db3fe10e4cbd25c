package outbox

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/bolt"
)

// The whole way on the real store: tickets open, one confirmation is refused for
// good, one is put off, and each ticket's thread tells what became of its mail.
func TestOnTheRealStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "desk.db")
	synctest.Test(t, func(t *testing.T) {
		db, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := newPeer(map[string]string{
			"RCPT TO:<p1@d1.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;p1@d1.example": "550 5.1.1 no such user",
			"RCPT TO:<p2@d2.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;p2@d2.example": "450 4.2.0 later",
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
			want := store.StateSent
			switch i {
			case 1:
				want = store.StateFailed
			case 2:
				want = store.StateQueued
			}
			if row.State != want || row.Attempts != 1 {
				t.Errorf("confirmation %d is %s after %d tries: %s", i, row.State, row.Attempts, row.Reply)
			}
		}
		thread, err := db.Entries(ctx, opened[1].Ticket.ID, 0, 10)
		if err != nil || len(thread) != 2 || thread[1].Event != store.EventMailFailed || thread[1].Body != "550 5.1.1 no such user" {
			t.Errorf("the thread of the refused confirmation: %+v, %v", thread, err)
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
