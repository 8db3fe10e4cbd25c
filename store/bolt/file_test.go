package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
)

// postTicket opens ticket number i of a test: everything in it follows from i.
func postTicket(t testing.TB, db *DB, i int) (store.Opened, error) {
	t.Helper()
	n := benchTicket(newRand(uint64(i)), newRing(t), time.Unix(1_770_000_000, 0))
	n.Idempotency = fmt.Sprint("post ", i)
	return db.OpenTicket(context.Background(), time.Unix(1_770_000_000, 0), n)
}

func TestAFullStoreRefusesAndLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{MaxSize: 9 << 20})
	if err != nil {
		t.Fatal(err)
	}
	opened := fillUp(t, db)
	// One post that did not fit says little of a smaller one; alone, they go on
	// until none fits.
	refused := 0
	for ; ; refused++ {
		o, err := postTicket(t, db, refused)
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, o)
	}
	wantReadable(t, db, opened)
	checkAndClose(t, db)

	// With room again it goes on where it stopped.
	if db, err = Open(path, Options{MaxSize: 32 << 20}); err != nil {
		t.Fatal(err)
	}
	wantReadable(t, db, opened)
	next, err := postTicket(t, db, refused)
	if err != nil {
		t.Fatal(err)
	}
	if next.Replayed {
		t.Error("the refused post had left its key")
	}
	checkAndClose(t, db)
}

// fillUp posts from several clients until the store is full.
func fillUp(t *testing.T, db *DB) []store.Opened {
	t.Helper()
	var mu sync.Mutex
	var opened []store.Opened
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := c; i < 20000; i += 8 {
				o, err := postTicket(t, db, 1_000_000+i)
				if err != nil {
					if !errors.Is(err, store.ErrFull) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				opened = append(opened, o)
				mu.Unlock()
			}
			t.Error("the store never filled up")
		})
	}
	wg.Wait()
	return opened
}

func wantReadable(t *testing.T, db *DB, opened []store.Opened) {
	t.Helper()
	for _, o := range opened {
		k, err := db.TicketByNumber(context.Background(), o.Ticket.Number)
		if err != nil || k.ID != o.Ticket.ID {
			t.Fatalf("%s was acknowledged: %v, %v", o.Ticket.Number, k.ID, err)
		}
		entries, err := db.Entries(context.Background(), k.ID, 0, 10)
		if err != nil || len(entries) != 1 || len(entries[0].Body) != 2048 {
			t.Fatalf("the thread of %s: %d entries, %v", o.Ticket.Number, len(entries), err)
		}
		if _, err := db.Outbound(context.Background(), o.Confirmation.ID); err != nil {
			t.Fatalf("the confirmation of %s: %v", o.Ticket.Number, err)
		}
	}
}

func TestWhatNoRoomLooksLike(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC},
		fmt.Errorf("file resize error: %s", &os.PathError{Op: "truncate", Path: "f", Err: syscall.EFBIG}), // as bbolt says it
		syscall.EDQUOT,
	} {
		if !errors.Is(full(err), store.ErrFull) {
			t.Errorf("%v is not ErrFull", err)
		}
	}
	if full(nil) != nil || errors.Is(full(syscall.EIO), store.ErrFull) {
		t.Error("something else is ErrFull")
	}
}

func TestASecondProcessIsTurnedAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := Open(path, Options{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "another signpost is running") {
		t.Errorf("got %v", err)
	}
}

func TestASnapshotIsAStoreOfThatInstant(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	defer checkAndClose(t, db)
	fill(t, db, 300)
	before, err := db.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// Posts go on while the snapshot is being read.
	var copied bytes.Buffer
	slow := writerFunc(func(p []byte) (int, error) {
		if _, err := postTicket(t, db, copied.Len()); err != nil {
			t.Error(err)
		}
		return copied.Write(p)
	})
	n, err := db.Snapshot(slow)
	if err != nil || n != int64(copied.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, copied.Len(), err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	restored, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, restored)
	after, err := restored.Stats(context.Background())
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("copied %v, want %v, %v", after, before, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestASnapshotThatCannotBeWrittenSaysSo(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	defer checkAndClose(t, db)
	if _, err := db.Snapshot(writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC })); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

// setSchema closes the store and writes a schema version into its file.
func setSchema(t *testing.T, path string, version uint32) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = file.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte(schemaKey), u32(version))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	setSchema(t, path, 99)
	_, err = Open(path, Options{})
	if err == nil || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "newer signpost") {
		t.Errorf("got %v", err)
	}
}

func TestAForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil {
		t.Error("a text was opened as a store")
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	file, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = file.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(foreign, Options{}); err == nil || !strings.Contains(err.Error(), "not one of signpost's") {
		t.Errorf("got %v", err)
	}
}

// TestMigrations runs steps as later versions will add them: each once, in
// order, resumed where one failed, with the version written by the same
// transaction.
func TestMigrations(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	defer checkAndClose(t, db)
	var ran []string
	step := func(name string, err error) migration {
		return func(x *txn) error {
			ran = append(ran, name)
			return errors.Join(x.put(bMeta, []byte(name), []byte{}), err)
		}
	}
	known := uint32(len(migrations()))
	never := errors.New("the second step fails")
	log := slog.New(slog.DiscardHandler)
	steps := append(migrations(), step("two", nil), step("three", never), step("four", nil))
	if err := migrate(db.bolt, db.codec, steps, log); !errors.Is(err, never) {
		t.Fatalf("got %v", err)
	}
	if version, _ := schemaVersion(db.bolt); version != known+1 || metaKeys(t, db) != "schema two" {
		t.Errorf("after the failure: version %d, %s", version, metaKeys(t, db))
	}
	steps[known+1] = step("three", nil)
	if err := migrate(db.bolt, db.codec, steps, log); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, " "); got != "two three three four" {
		t.Errorf("ran %s", got)
	}
}

// TestTheSchemaIsFrozen fails when a bucket is added or renamed without a
// migration: each version is what is in people's folders.
func TestTheSchemaIsFrozen(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	defer checkAndClose(t, db)
	var names []string
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
	})
	want := "agentnames agents alarmkeys alarms blobs budgets canaries counts deadlines domainhours entries expiry hours inaddresses inbounds inhashes inmarks inmessages inpending inuids links mailboxes meta " +
		"numbers outbounds outfailed outheads outleased outleases outmessages outqueue outrecipients outtickets outwaiting posts raws refusals refuseen requesters " +
		"reservations sessions suporder suppressions tickets"
	if got := strings.Join(names, " "); err != nil || got != want || len(migrations()) != 5 {
		t.Errorf("schema %d has %s, want %s; %v", len(migrations()), got, want, err)
	}
}

// TestAFileOfTheFirstSchemaGrowsAgents opens a file as the first version left
// it: what came later is made at the opening.
func TestAFileOfTheFirstSchemaGrowsAgents(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("agents")), tx.DeleteBucket([]byte("agentnames")), tx.DeleteBucket([]byte("sessions")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	setSchema(t, path, 1)
	if db, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	if _, err := db.AddAgent(t.Context(), time.Now(), store.NewAgent{Email: "ana@desk.example"}); err != nil {
		t.Error(err)
	}
}

func must(t *testing.T) func([]store.Inbound, error) []store.Inbound {
	return func(rows []store.Inbound, err error) []store.Inbound {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
}

// TestAFileOfTheSecondSchemaIsIndexedByRecipient opens a file as the second
// version left it: what was sent then is found by its recipient.
func TestAFileOfTheSecondSchemaIsIndexedByRecipient(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, now := t.Context(), time.Now()
	opened, err1 := postTicket(t, db, 1)
	_, err2 := db.ConnectMailbox(ctx, now, "us")
	rows := must(t)(db.RecordInbound(ctx, now, []store.NewInbound{{Mailbox: "us", UIDValidity: 1, UID: 1, InternalDate: now, Raw: []byte("x")}}))
	decision := benchDecision(newRand(1), newRing(t), rows[0], now)
	answered := must(t)(db.DecideInbound(ctx, now, []store.Decision{decision}))
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		var errs []error
		for _, name := range []string{"outrecipients", "suppressions", "suporder", "refusals", "refuseen"} {
			errs = append(errs, tx.DeleteBucket([]byte(name)))
		}
		return errors.Join(errs...)
	})
	if err := errors.Join(err, err1, err2, db.Close()); err != nil {
		t.Fatal(err)
	}
	setSchema(t, path, 2)
	if db, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	for to, id := range map[string]store.OutboundID{opened.Confirmation.To: opened.Confirmation.ID, decision.Answer.To: answered[0].Answer} {
		rows, err := db.OutboundsTo(ctx, to, 0, 9)
		if err != nil || len(rows) != 1 || rows[0].ID != id {
			t.Errorf("mails to %s: %v, %v", to, rows, err)
		}
	}
}

// TestAFileOfTheThirdSchemaCanBeSearched: Check asks for every index row.
func TestAFileOfTheThirdSchemaCanBeSearched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, db)
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("inmarks")), tx.DeleteBucket([]byte("inaddresses")), tx.DeleteBucket([]byte("outfailed")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	setSchema(t, path, 3)
	if db, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	checkAndClose(t, db)
}

// TestCheckFindsWhatIsWrong breaks a sound store in one place after the other.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for b := bTickets; b < bucketCount; b++ {
		t.Run(b.layout().name, func(t *testing.T) {
			t.Parallel()
			db := openNew(t, Options{})
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

// furnish leaves at least one row in every bucket.
func furnish(t *testing.T, db *DB) {
	t.Helper()
	ctx, now, rng, ring := context.Background(), time.Now(), newRand(6), newRing(t)
	fill(t, db, 2)
	n := benchTicket(rng, ring, now)
	n.Files = []store.File{{Name: "a", Hash: store.BlobHash(strings.Repeat("ab", 32))}}
	n.Budgets = []store.Budget{{Name: "b", Limit: 9, Window: time.Hour}}
	_, err1 := db.OpenTicket(ctx, now, n)
	_, err2 := db.ClaimOutbound(ctx, now, store.Claim{Limit: 1, Lease: func(int) time.Duration { return time.Hour }})
	_, err3 := db.ConnectMailbox(ctx, now, "us")
	rows, err4 := db.RecordInbound(ctx, now, []store.NewInbound{
		{Mailbox: "us", UIDValidity: 1, UID: 1, InternalDate: now, MessageID: "a@b", From: "a@b", Raw: []byte("x")},
		{Mailbox: "us", UIDValidity: 1, UID: 2, InternalDate: now, Raw: []byte("y"), Hash: [32]byte{1}},
	})
	agent, err5 := db.AddAgent(ctx, now, store.NewAgent{Email: "ana@desk.example"})
	_, err6 := db.OpenSession(ctx, now, store.NewSession{
		ID: store.SessionID{1}, Agent: agent.ID, Idle: time.Hour, Ends: now.Add(time.Hour),
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
	failed := n
	failed.Link, failed.MessageID, failed.Idempotency = store.LinkID{9}, "failed@x", ""
	if _, err := db.OpenTicket(ctx, now.Add(-time.Hour), failed); err != nil {
		t.Fatal(err)
	}
	claimed, err7 := db.ClaimOutbound(ctx, now, store.Claim{Limit: 1, Lease: func(int) time.Duration { return time.Hour }})
	if err7 != nil || len(claimed) != 1 {
		t.Fatal(claimed, err7)
	}
	if err := db.FinishOutbound(ctx, now, store.Finish{ID: claimed[0].ID, Claim: claimed[0].Claim, State: store.StateFailed}); err != nil {
		t.Fatal(err)
	}
	_, err := db.DecideInbound(ctx, now, []store.Decision{{ID: reported[0].ID, Verdict: store.Verdict{Kind: store.KindBounce, Reports: []store.Report{
		{Action: "failed", Outcome: store.OutcomeDead, Outbound: 1, Tie: store.TieEnvelope},
		{Action: "failed", Outcome: store.OutcomeRefused, Outbound: 2, Tie: store.TieEnvelope},
	}}}})
	_, err8 := db.RaiseAlarm(ctx, now, store.Trouble{Key: "relay", Level: 1})
	_, err9 := db.BeginCanary(ctx, now, benchCanary(n))
	if err := errors.Join(err, err8, err9); err != nil {
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

func TestAReopenProvesProvenAndReopensSolved(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	defer checkAndClose(t, db)
	opened, err := postTicket(t, db, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []store.Status{store.StatusSolved, store.StatusPending} {
		err := db.write(context.Background(), 0, func(x *txn) error {
			k, err := x.ticket(opened.Ticket.ID)
			k.Status = status
			return errors.Join(err, x.putTicket(k))
		})
		if err != nil {
			t.Fatal(err)
		}
		now := opened.Ticket.OpenedAt.Add(time.Hour)
		if _, err := db.AppendMessage(context.Background(), now, store.NewMessage{Link: opened.Ticket.Link, Body: "again"}); err != nil {
			t.Fatal(err)
		}
		if k, err := db.Ticket(context.Background(), opened.Ticket.ID); err != nil || k.Status != store.StatusOpen {
			t.Errorf("a message on a %s ticket left it %s, %v", status, k.Status, err)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"aé", 2, "a"}, {"aé", 3, "aé"}, {"🎈", 3, ""}, {"", 0, ""}, {"\x80\x80", 1, ""}} {
		if got := cut(c.s, c.n); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
