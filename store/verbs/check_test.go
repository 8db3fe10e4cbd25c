package verbs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// TestCheckFindsWhatIsWrong breaks a sound store in one place after the other.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for b := bTickets; b < bucketCount; b++ {
		// Nothing else tells of these: one that is lost never was. The oldest changes may
		// have been dropped.
		if b == bBudgets || b == bReads || b == bDuties || b == bTokens || b == bChanges || b == bHandBacks {
			continue
		}
		t.Run(nameOf(b), func(t *testing.T) {
			t.Parallel()
			db := openNew(t, fileOptions{})
			defer db.Close()
			furnish(t, db)
			if err := db.Check(context.Background()); err != nil {
				t.Fatalf("sound, but %v", err)
			}
			err := db.write(context.Background(), 0, func(x *txn) error {
				key, _ := x.first(b, nil)
				if key == nil {
					return errors.New("the bucket is empty: furnish it")
				}
				return x.delete(b, bytes.Clone(key))
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Check(context.Background()); err == nil {
				t.Error("a lost row was not found")
			}
		})
	}
}

// TestCheckNamesRowsInWrongPlaces leaves as many rows as there should be.
func TestCheckNamesRowsInWrongPlaces(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(x *txn, one, other, row []byte) error{
		"two values change places": func(x *txn, one, other, row []byte) error {
			err := x.put(bNumbers, one, bytes.Clone(x.value(bNumbers, other)))
			return cmp.Or(err, x.put(bNumbers, other, row))
		},
		"a row stands under another key": func(x *txn, one, _, row []byte) error {
			stray := append(bytes.Clone(one[:len(one)-1]), 99)
			return cmp.Or(x.delete(bNumbers, one), x.put(bNumbers, stray, row))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openNew(t, fileOptions{})
			defer db.Close()
			furnish(t, db)
			fill(t, db, 9)
			err := db.write(context.Background(), 0, func(x *txn) error {
				key, value := x.first(bNumbers, numberPrefix("INT"))
				one, row := bytes.Clone(key), bytes.Clone(value)
				other, _ := x.firstFrom(bNumbers, numberPrefix("INT"), append(bytes.Clone(one), 0))
				if other == nil {
					return errors.New("furnish it with two tickets")
				}
				return spoil(x, one, bytes.Clone(other), row)
			})
			if err != nil {
				t.Fatal(err)
			}
			err = db.Check(context.Background())
			if err == nil || !strings.Contains(err.Error(), "numbers holds") || !strings.Contains(err.Error(), " under ") {
				t.Errorf("the check found %v", err)
			}
		})
	}
}

// TestCheckFindsWhatDoesNotRead spoils the rows that no other row tells of.
func TestCheckFindsWhatDoesNotRead(t *testing.T) {
	t.Parallel()
	for _, b := range []bucket{bDuties, bTokens} {
		db := openNew(t, fileOptions{})
		_, err1 := db.TakeDuty(t.Context(), time.Now(), "n", "one", time.Minute)
		err2 := db.PutSealedToken(t.Context(), time.Now(), "n", []byte("sealed"))
		if err := errors.Join(err1, err2, db.Check(t.Context())); err != nil {
			t.Fatal(err)
		}
		err := db.write(t.Context(), 0, func(x *txn) error { return x.put(b, []byte("n"), []byte{recordVersion, 0xff}) })
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Check(t.Context()); err == nil {
			t.Errorf("a spoilt row of %s was not found", nameOf(b))
		}
		db.Close()
	}
}

// furnish leaves at least one row in every bucket.
func furnish(t *testing.T, db *Store) {
	t.Helper()
	ctx, now, rng, ring := context.Background(), time.Now(), newRand(6), newRing(t)
	fill(t, db, 2)
	n := benchTicket(rng, ring, now)
	n.Files = []store.File{{Name: "a", Hash: store.BlobHash(strings.Repeat("ab", 32))}}
	n.Budgets = []store.Budget{{Name: "b", Limit: 9, Window: time.Hour}}
	_, err1 := db.OpenTicket(ctx, now, n)
	_, err2 := db.ClaimOutbound(ctx, now, store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	_, err3 := db.ConnectMailbox(ctx, now, "us")
	rows, err4 := db.RecordInbound(ctx, now, []store.NewInbound{
		{Mailbox: "us", UIDValidity: 1, UID: 1, InternalDate: now, MessageID: "a@b", From: "a@b", Raw: []byte("x")},
		{Mailbox: "us", UIDValidity: 1, UID: 2, InternalDate: now, Raw: []byte("y"), Hash: [32]byte{1}},
	})
	agent, err5 := db.AddAgent(ctx, now, store.ByService(), store.NewAgent{Email: "ana@desk.example"})
	_, err6 := db.OpenSession(ctx, now, store.NewSession{
		ID: store.SessionID{1}, Agent: agent.ID, Idle: time.Hour, Ends: now.Add(time.Hour),
		Spends: store.SecondFactor{Passkey: store.PasskeyUse{Challenge: store.ChallengeID{1}, Until: now.Add(time.Minute)}},
	})
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DecideInbound(ctx, now, []store.Decision{benchDecision(rng, ring, rows[0], now)}); err != nil {
		t.Fatal(err)
	}
	reported := must(t)(db.RecordInbound(ctx, now, []store.NewInbound{
		{Mailbox: "us", UIDValidity: 1, UID: 3, InternalDate: now, Raw: []byte("z"), Hash: [32]byte{2}},
	}))
	for i := range byte(2) {
		throttled := n
		throttled.Link, throttled.MessageID, throttled.Idempotency = store.LinkID{20 + i}, fmt.Sprint("throttled", i), ""
		throttled.Budgets = []store.Budget{{Name: "once", Limit: 1, Window: time.Hour}}
		if _, err := db.OpenTicket(ctx, now.Add(time.Minute), throttled); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range []store.Finish{{State: store.StateFailed},
		{State: store.StateHeld, Hold: "rcpt", DueAt: now.Add(time.Hour)}} {
		n.Link, n.MessageID, n.Idempotency = store.LinkID{9, byte(i)}, fmt.Sprintf("end%d@x", i), ""
		if _, err := db.OpenTicket(ctx, now.Add(-time.Hour), n); err != nil {
			t.Fatal(err)
		}
		claimed, err := db.ClaimOutbound(ctx, now, store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
		if err != nil || len(claimed) != 1 {
			t.Fatal(claimed, err)
		}
		f.ID, f.Claim = claimed[0].ID, claimed[0].Claim
		if err := db.FinishOutbound(ctx, now, f); err != nil {
			t.Fatal(err)
		}
	}
	verdict := store.Verdict{Kind: store.KindBounce, Reports: []store.Report{
		{Action: "failed", Outcome: store.OutcomeDead, Outbound: 1, Tie: store.TieEnvelope},
		{Action: "failed", Outcome: store.OutcomeRefused, Outbound: 2, Tie: store.TieEnvelope},
	}}
	_, err := db.DecideInbound(ctx, now, []store.Decision{{ID: reported[0].ID, Verdict: verdict}})
	_, err8 := db.RaiseAlarm(ctx, now, store.Trouble{Key: "relay", Level: 1})
	_, err9 := db.BeginCanary(ctx, now, benchCanary(n))
	if err := errors.Join(err, err8, err9); err != nil {
		t.Fatal(err)
	}
	furnishDesk(t, db, now, n)
}

// furnishDesk leaves a row in each of the desk's buckets.
func furnishDesk(t *testing.T, db *Store, now time.Time, n store.NewTicket) {
	t.Helper()
	ctx := context.Background()
	n.Link, n.MessageID, n.Idempotency, n.Requester.Email = store.LinkID{11}, "desk@x", "", "someone@desk.example"
	opened, err3 := db.OpenTicket(ctx, now, n)
	_, err4 := db.Reply(ctx, now, lee, store.NewReply{
		Ticket: opened.Ticket.ID, Body: "Done.", Then: store.StatusSolved, Version: 1, Undo: 20 * time.Second,
		Region:    n.Region,
		MessageID: "reply@x", Link: store.LinkID{12}, LinkExpires: now.Add(time.Hour),
	})
	err1 := db.MarkRead(ctx, now, lee, opened.Ticket.ID, 2)
	err2 := db.SaveDraft(ctx, now, lee, store.Draft{
		Ticket: opened.Ticket.ID, Kind: store.EntryNote, Body: "and", Files: n.Files,
	})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
}

// benchCanary is a run whose ticket is made from another.
func benchCanary(n store.NewTicket) store.NewCanary {
	n.Link, n.MessageID, n.Idempotency = store.LinkID{10}, "canary@x", ""
	n.Channel, n.Region.ID, n.Region.Prefix = store.ChannelCanary, store.OwnRegion, "CANARY"
	stray := store.NewMail{Kind: store.MailCanary, From: "canary@x.example", To: "us@desk.example", MessageID: "stray@x"}
	return store.NewCanary{Region: "us", Mark: "mark", Ticket: n, Stray: stray}
}
