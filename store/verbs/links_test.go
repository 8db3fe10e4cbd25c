package verbs

import (
	"context"
	"errors"
	"testing"
	"time"

	"signpost/store"
)

// Once support has answered, the author of an unproven ticket can no longer turn
// it to another address: they would be shown the answer.
func TestAnAnsweredTicketKeepsItsAddress(t *testing.T) {
	t.Parallel()
	db, ring, now := openNew(t, fileOptions{}), newRing(t), time.Now()
	defer db.Close()
	opened, err := db.OpenTicket(context.Background(), now, benchTicket(newRand(6), ring, now))
	if err != nil {
		t.Fatal(err)
	}
	change := func(n byte) error {
		_, err := db.ChangeRequester(context.Background(), now, store.ByService(), store.NewAddress{
			Ticket: opened.Ticket.ID, Email: "eve@elsewhere.example", Mailing: store.Mailing{
				Region: store.Region{ID: "us", Address: "support@desk.example"}, Link: store.LinkID{n},
				LinkExpires: now.Add(time.Hour),
				MessageID:   string(rune('a'+n)) + "@desk.example",
			},
		})
		return err
	}
	if err := change(1); err != nil {
		t.Fatal(err)
	}
	err = db.write(context.Background(), 0, func(x *txn) error {
		k, err := x.ticket(opened.Ticket.ID)
		if err != nil {
			return err
		}
		return x.addEntry(&k, &store.Entry{Kind: store.EntryReply, Author: "Lee", At: store.Instant(now), Body: "Done."})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := change(2); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another address after an answer: %v", err)
	}
}
