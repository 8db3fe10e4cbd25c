package verbs

import (
	"bytes"
	"errors"
	"pgregory.net/rapid"
	"testing"
	"time"

	"signpost/store"
)

func TestATallyReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var n store.Tally
		for _, count := range n.Counts() {
			*count = rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()).Draw(t, "count")
		}
		if got, err := readTally(tallyBytes(&n)); err != nil || got != n {
			t.Errorf("%+v became %+v, %v", n, got, err)
		}
	})
	for _, broken := range [][]byte{{0x80}, bytes.Repeat([]byte{1}, len((&store.Tally{}).Counts())+1)} {
		if n, err := readTally(broken); err == nil {
			t.Errorf("%x reads as %+v", broken, n)
		}
	}
}

// TestCheckFindsACountThatIsWrong changes each kind of tally by one.
func TestCheckFindsACountThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(*store.Tally){
		"a ticket more": func(n *store.Tally) { n.Opened++ }, "a ticket less": func(n *store.Tally) { n.Opened-- },
		"a mail sent": func(n *store.Tally) { n.Sent++ }, "a mail that came": func(n *store.Tally) { n.Came++ },
		"a silence": func(n *store.Tally) { n.Silent++ },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openNew(t, fileOptions{})
			defer db.Close()
			furnish(t, db)
			err := db.write(t.Context(), 0, func(x *txn) error {
				key, value := x.first(bHours, nil)
				n, err := readTally(value)
				add(&n)
				return errors.Join(err, x.put(bHours, bytes.Clone(key), tallyBytes(&n)))
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Check(t.Context()); err == nil {
				t.Error("it was not found")
			}
		})
	}
}

// TestHoursDroppedRowByRowLeaveASoundStore: a housekeeper that is cut short
// between any two rows leaves nothing that looks like a fault.
func TestHoursDroppedRowByRowLeaveASoundStore(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer checkAndClose(t, db)
	furnish(t, db)
	now := time.Now().Add(store.TallyKept + 2*time.Hour)
	for dropped := 1; dropped > 0; {
		var err error
		if dropped, err = db.Housekeep(t.Context(), now, 1); err != nil {
			t.Fatal(err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if since, err := db.CountedSince(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("counted since %v, %v", since, err)
	}
}
