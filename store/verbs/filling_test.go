package verbs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"signpost/store"
)

func TestABatchOpensWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	db, rng, ring, now := openNew(t, fileOptions{}), newRand(7), newRing(t), time.Now()
	defer checkAndClose(t, db)
	batch := make([]Opening, 10)
	for i := range batch {
		batch[i] = Opening{Now: now, Ticket: benchTicket(rng, ring, now), Confirmed: i%2 == 0}
	}
	batch[9].Ticket.Link = batch[0].Ticket.Link
	if _, err := db.OpenTickets(context.Background(), batch); !errors.Is(err, store.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	if stats, err := db.Stats(context.Background()); err != nil || len(stats.Tickets) != 0 {
		t.Errorf("left behind: %v, %v", stats, err)
	}
	opened, err := db.OpenTickets(context.Background(), batch[:9])
	if err != nil || len(opened) != 9 || opened[8].Ticket.ID <= opened[7].Ticket.ID {
		t.Errorf("opened %d, %v", len(opened), err)
	}
	stats, err := db.Stats(context.Background())
	if err != nil || stats.Outbounds[store.StateSent] != 5 || stats.Outbounds[store.StateQueued] != 4 {
		t.Errorf("mails %v, %v", stats.Outbounds, err)
	}
}

func TestALedgerIsFilledWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	ctx, db, ring, now := context.Background(), openNew(t, fileOptions{}), newRing(t), time.Now()
	defer checkAndClose(t, db)
	if _, err := db.ConnectMailbox(ctx, now.Add(-time.Hour), "us"); err != nil {
		t.Fatal(err)
	}
	batch := make([]Arriving, 10)
	for i := range batch {
		batch[i] = Arriving{
			Now: now,
			Mail: store.NewInbound{
				Mailbox: "us", UIDValidity: 1, UID: uint32(i + 1), InternalDate: now,
				Hash: [32]byte{byte(i)}, Raw: []byte("mail"),
			},
			Decision: store.Decision{Verdict: store.Verdict{Kind: store.KindDirect, Answer: true}, Answer: &store.Outbound{
				Kind: store.MailAutoResponse, From: "us@example.com", To: fmt.Sprintf("p%d@example.net", i),
				MessageID: ring.MessageID(now, store.MailAutoResponse, "example.com"),
			}},
			Answered: store.Finish{State: store.StateSent, Code: 250},
		}
	}
	batch[0].Answered = store.Finish{State: store.StateFailed, Code: 550}
	batch[1].Mail.InternalDate = now.Add(-100 * time.Hour) // before the mailbox was connected
	batch[9].Mail.Mailbox = "elsewhere"
	if _, err := db.FillLedger(ctx, batch); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if stats, err := db.Stats(ctx); err != nil || len(stats.Inbounds) != 0 {
		t.Errorf("left behind: %v, %v", stats, err)
	}
	rows, err := db.FillLedger(ctx, batch[:9])
	if err != nil || len(rows) != 9 || rows[8].State != store.InboundDecided || rows[8].Answer == 0 ||
		rows[1].Answer == 0 {
		t.Errorf("filled %+v, %v", rows, err)
	}
	stats, err := db.Stats(ctx)
	if err != nil || stats.Outbounds[store.StateSent] != 8 ||
		stats.Outbounds[store.StateFailed] != 1 || stats.Inbounds[store.InboundDecided] != 9 {
		t.Errorf("counted %+v, %v", stats, err)
	}
}
