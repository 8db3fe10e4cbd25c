package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine/bolt"
)

// postTicket opens ticket number i of a test: everything in it follows from i.
func postTicket(t testing.TB, db *Store, i int) (store.Opened, error) {
	t.Helper()
	n := benchTicket(newRand(uint64(i)), newRing(t), time.Unix(1_770_000_000, 0))
	n.Idempotency = fmt.Sprint("post ", i)
	return db.OpenTicket(context.Background(), time.Unix(1_770_000_000, 0), n)
}

func TestAFullStoreRefusesAndLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{MaxSize: 9 << 20})
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
	if db, err = openFile(path, fileOptions{MaxSize: 32 << 20}); err != nil {
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
func fillUp(t *testing.T, db *Store) []store.Opened {
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

func wantReadable(t *testing.T, db *Store, opened []store.Opened) {
	t.Helper()
	for _, o := range opened {
		k, err := db.TicketByNumber(context.Background(), store.ByService(), store.ActReadTicket, o.Ticket.Number)
		if err != nil || k.ID != o.Ticket.ID {
			t.Fatalf("%s was acknowledged: %v, %v", o.Ticket.Number, k.ID, err)
		}
		entries, err := store.Items(db.Entries(context.Background(), k.ID, 0, store.Page{Limit: 10}))
		if err != nil || len(entries) != 1 || len(entries[0].Body) != 2048 {
			t.Fatalf("the thread of %s: %d entries, %v", o.Ticket.Number, len(entries), err)
		}
		if _, err := db.Outbound(context.Background(), o.Confirmation.ID); err != nil {
			t.Fatalf("the confirmation of %s: %v", o.Ticket.Number, err)
		}
	}
}

func TestASecondProcessIsTurnedAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = openFile(path, fileOptions{})
	if !errors.Is(err, bolt.ErrInUse) || !strings.Contains(err.Error(), "another signpost is running") {
		t.Errorf("got %v", err)
	}
}

func TestASnapshotIsAStoreOfThatInstant(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
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
	restored, err := openFile(path, fileOptions{})
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
	db := openNew(t, fileOptions{})
	defer checkAndClose(t, db)
	full := writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC })
	if _, err := db.Snapshot(full); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

func TestAReopenProvesProvenAndReopensSolved(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
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
		if _, err := db.AppendMessage(context.Background(), now, store.ByPartner(opened.Ticket.Link),
			store.NewMessage{Link: opened.Ticket.Link, Body: "again"}); err != nil {
			t.Fatal(err)
		}
		if k, err := db.Ticket(context.Background(), opened.Ticket.ID); err != nil || k.Status != store.StatusOpen {
			t.Errorf("a message on a %s ticket left it %s, %v", status, k.Status, err)
		}
	}
}
