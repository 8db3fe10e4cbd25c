package verbs

import (
	"context"
	"errors"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// TestVerbsTogetherAreOneTransaction: they see one another's rows, and all go when one
// fails.
func TestVerbsTogetherAreOneTransaction(t *testing.T) {
	t.Parallel()
	ctx, db, rng, ring, now := context.Background(), openNew(t, fileOptions{}), newRand(7), newRing(t), time.Now()
	defer checkAndClose(t, db)
	n := benchTicket(rng, ring, now)
	by := store.Actor{Kind: store.ActorStaff, Agent: 1, Account: "a@example.com", Roles: []store.Role{store.RoleAgent}}
	open := func(db *Store) (store.Ticket, error) {
		opened, err := db.OpenTicket(ctx, now, n)
		if err != nil {
			return store.Ticket{}, err
		}
		done, err := db.Reply(ctx, now, by, store.NewReply{
			Ticket: opened.Ticket.ID, Body: "Mended.", Then: store.StatusSolved, Force: true, Region: n.Region,
			MessageID: ring.MessageID(now, store.MailReply, "example.com"), Link: ident.NewLink(now), LinkExpires: n.LinkExpires,
		})
		if err != nil {
			return store.Ticket{}, err
		}
		return done.Ticket, db.EndOutbound(ctx, now, store.Finish{ID: done.Mail.ID, State: store.StateSent, Code: 250})
	}
	failed := errors.New("on purpose")
	err := db.Together(ctx, func(db *Store) error {
		_, err := open(db)
		return errors.Join(err, failed)
	})
	if stats, err1 := db.Stats(ctx); err.Error() != failed.Error() || err1 != nil || len(stats.Tickets) != 0 {
		t.Errorf("left behind after %v: %v, %v", err, stats.Tickets, err1)
	}
	var ticket store.Ticket
	if err := db.Together(ctx, func(db *Store) (err error) { ticket, err = open(db); return err }); err != nil {
		t.Fatal(err)
	}
	ticket, err = db.Ticket(ctx, ticket.ID)
	if err != nil || ticket.Status != store.StatusSolved || ticket.FirstReplyAt.IsZero() {
		t.Errorf("%+v, %v", ticket, err)
	}
	if err := db.EndOutbound(ctx, now, store.Finish{ID: 999, State: store.StateSent}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown mail ended: %v", err)
	}
}
