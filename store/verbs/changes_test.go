package verbs

import (
	"context"
	"errors"
	"testing"
	"time"

	"signpost/store"
)

// keeps drops what is not needed to keep so many changes.
func keeps(t *testing.T, db *Store, most uint64, limit int) (dropped int) {
	t.Helper()
	err := db.write(context.Background(), 0, func(x *txn) (err error) {
		dropped, err = x.keepChanges(most, limit)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dropped
}

func TestTheLogOfChangesIsKeptShort(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer checkAndClose(t, db)
	for i := range 5 { // a ticket and a mail each: 1-2, 3-4, ... 9-10
		if _, err := postTicket(t, db, i); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		most    uint64
		limit   int
		dropped int
		first   uint64 // that can be read
	}{{10, 9, 0, 1}, {9, 9, 0, 1}, {8, 9, 1, 3}, {2, 1, 1, 5}, {3, 9, 1, 7}, {0, 9, 1, 9}, {0, 9, 0, 9}} {
		if got := keeps(t, db, c.most, c.limit); got != c.dropped {
			t.Errorf("to keep %d, at most %d rows: %d were dropped, want %d", c.most, c.limit, got, c.dropped)
		}
		changes, next, err := db.Changes(context.Background(), c.first-1, 100)
		if err != nil || len(changes) != int(11-c.first) || next != 10 {
			t.Errorf("from %d on there are %d changes, then %d, %v", c.first, len(changes), next, err)
		}
		if c.first == 1 {
			continue
		}
		if _, _, err := db.Changes(context.Background(), c.first-2, 100); !errors.Is(err, store.ErrBehind) {
			t.Errorf("a reader behind %d got %v", c.first, err)
		}
	}
	if _, err := db.Housekeep(context.Background(), time.Now(), 1000); err != nil {
		t.Fatal(err)
	}
	if last, err := db.LastChange(context.Background()); err != nil || last != 10 {
		t.Errorf("the last is %d, %v", last, err)
	}
}

func TestTheCheckFindsHolesInTheLogOfChanges(t *testing.T) {
	t.Parallel()
	for _, change := range []func(x *txn) error{
		func(x *txn) error { return x.delete(bChanges, u64(3)) },
		func(x *txn) error { return x.put(bChanges, u64(3), []byte{letterTicket}) },
		func(x *txn) error { return x.put(bChanges, u64(3), []byte{'?', 1}) },
	} {
		db := openNew(t, fileOptions{})
		for i := range 3 {
			if _, err := postTicket(t, db, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.write(context.Background(), 0, change); err != nil {
			t.Fatal(err)
		}
		if db.Check(context.Background()) == nil {
			t.Error("it found nothing")
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
