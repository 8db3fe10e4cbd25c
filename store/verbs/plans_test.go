package verbs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/engine/memory"
)

// spy is an engine that notes what plans name and what verbs then read.
type spy struct {
	engine.Engine
	named, read map[string]bool
}

func (s *spy) Update(ctx context.Context, plan engine.Plan, verb func(engine.Tx) error) error {
	s.named, s.read = map[string]bool{}, map[string]bool{}
	if plan.Reads != nil {
		for _, r := range plan.Reads() {
			s.named[fmt.Sprintf("%s/%x", nameOf(r.Bucket), r.Key)] = true
		}
	}
	return s.Engine.Update(ctx, plan, func(tx engine.Tx) error { return verb(spyTx{tx, s}) })
}

type spyTx struct {
	engine.Tx
	spy *spy
}

func (t spyTx) Get(b engine.Bucket, key []byte) []byte {
	t.spy.read[fmt.Sprintf("%s/%x", nameOf(b), key)] = true
	return t.Tx.Get(b, key)
}

func TestPlansNameRowsThatTheVerbsRead(t *testing.T) {
	t.Parallel()
	rows, err := memory.Open(Layouts(), memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{Engine: rows}
	db, err := Open(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	ctx, now := context.Background(), time.Now()
	agrees := func(what string, least int, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if len(s.named) < least {
			t.Errorf("%s names %d rows, want %d", what, len(s.named), least)
		}
		for row := range s.named {
			if !s.read[row] {
				t.Errorf("%s names %s and does not read it", what, row)
			}
		}
	}
	files := []store.File{{Name: "log.txt", Hash: store.BlobHash(fmt.Sprintf("%064x", 7))}}
	n := benchTicket(newRand(1), newRing(t), now)
	n.Files = files
	opened, err := db.OpenTicket(ctx, now, n)
	agrees("OpenTicket", 6, err)
	_, err = db.AppendMessage(ctx, now, store.ByPartner(opened.Ticket.Link), store.NewMessage{
		Link: opened.Ticket.Link, Body: "more", Files: files, Idempotency: "1",
	})
	agrees("AppendMessage", 3, err)
	mails, err := db.ClaimOutbound(ctx, now, store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	if err != nil || len(mails) != 1 {
		t.Fatal(mails, err)
	}
	agrees("FinishOutbound", 1, db.FinishOutbound(ctx, now, store.Finish{
		ID: mails[0].ID, Claim: mails[0].Claim, State: store.StateSent, Reply: "250 ok", Code: 250,
	}))
}
