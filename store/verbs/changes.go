package verbs

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"signpost/store"
)

// The log of changes has one row for all that a transaction changed, under the number
// of its first change: a noun's letter and an id (uvarint) for each. The newest row is
// never dropped, so the number given out last is always known. A row without changes
// stands where the log begins anew: no reader from before fits on.

// noun letters in rows of changes.
const (
	letterTicket   = 't'
	letterOutbound = 'o'
	letterInbound  = 'i'
)

func nounOf(letter byte) (store.Noun, bool) {
	switch letter {
	case letterTicket:
		return store.NounTicket, true
	case letterOutbound:
		return store.NounOutbound, true
	case letterInbound:
		return store.NounInbound, true
	}
	return "", false
}

// change is one that this transaction made.
type change struct {
	letter byte
	id     uint64
}

// changes are those of a transaction, each once, in the order of their first.
type changes struct {
	seen map[change]bool
	all  []byte // as the row has them
}

// changed logs that a noun was written.
func (t *txn) changed(letter byte, id uint64) {
	c := change{letter, id}
	if t.changes.seen[c] {
		return
	}
	if t.changes.seen == nil {
		t.changes.seen = map[change]bool{}
	}
	t.changes.seen[c] = true
	t.changes.all = binary.AppendUvarint(append(t.changes.all, letter), id)
}

// putChanges writes the row of this transaction.
func (t *txn) putChanges() error {
	if len(t.changes.all) == 0 {
		return nil
	}
	last, err := t.lastChange()
	if err != nil {
		return err
	}
	return t.put(bChanges, u64(last+1), t.changes.all)
}

// lastChange is the number of the last change.
func (t *txn) lastChange() (last uint64, err error) {
	err = t.walkBack(bChanges, nil, nil, func(key, value []byte) (bool, error) {
		n := 0
		err := eachChange(key, value, func(store.LoggedChange) bool { n++; return true })
		last = readU64(key) + uint64(n) - 1
		return false, err
	})
	return last, err
}

// eachChange lets visit see the changes of a row, until it returns false.
func eachChange(key, value []byte, visit func(store.LoggedChange) bool) error {
	seq := readU64(key)
	for rest := value; len(rest) > 0; seq++ {
		noun, known := nounOf(rest[0])
		id, n := binary.Uvarint(rest[1:])
		if !known || n <= 0 {
			return fmt.Errorf("the changes under %x do not read: %x", key, value)
		}
		if !visit(store.LoggedChange{Seq: seq, Noun: noun, ID: id}) {
			return nil
		}
		rest = rest[1+n:]
	}
	return nil
}

// LastChange implements store.Changes.
func (s *Store) LastChange(ctx context.Context) (last uint64, err error) {
	err = s.read(ctx, func(t *txn) (err error) {
		last, err = t.lastChange()
		return err
	})
	return last, wrap("last change", "of the store", err)
}

// Changed implements store.Changes.
func (s *Store) Changed() <-chan struct{} { return s.engine.Committed() }

// Changes implements store.Changes.
func (s *Store) Changes(
	ctx context.Context, after uint64, limit int,
) (changes []store.LoggedChange, next uint64, err error) {
	err = s.read(ctx, func(t *txn) error {
		from, err := t.changesFrom(after)
		if err != nil {
			return err
		}
		return t.walk(bChanges, nil, from, func(key, value []byte) (bool, error) {
			err := eachChange(key, value, func(c store.LoggedChange) bool {
				if c.Seq > after && len(changes) < limit {
					changes = append(changes, c)
				}
				return len(changes) < limit
			})
			return len(changes) < limit, err
		})
	})
	if err != nil {
		return nil, after, wrap("changes after", after, err)
	}
	if next = after; len(changes) > 0 {
		next = changes[len(changes)-1].Seq
	}
	return changes, next, nil
}

// changesFrom is the key of the row that holds the change behind after, or where one
// would come.
func (t *txn) changesFrom(after uint64) (from []byte, err error) {
	last, err := t.lastChange()
	first, _ := t.first(bChanges, nil)
	if err == nil && (after > last || after+1 < readU64(first)) {
		err = store.ErrBehind
	}
	if err != nil {
		return nil, err
	}
	err = t.walkBack(bChanges, nil, append(u64(after+1), 0), func(key, _ []byte) (bool, error) {
		from = key
		return false, nil
	})
	return from, err
}

// pruneChanges drops the oldest rows, at most limit, that are not needed to keep
// store.ChangesKept.
func (t *txn) pruneChanges(_ time.Time, limit int) (int, error) {
	return t.keepChanges(store.ChangesKept, limit)
}

func (t *txn) keepChanges(most uint64, limit int) (int, error) {
	last, err := t.lastChange()
	if err != nil || last <= most {
		return 0, err
	}
	var past [][]byte
	var before []byte // the row before, which may go once this one holds the first to stay
	err = t.walk(bChanges, nil, nil, func(key, _ []byte) (bool, error) {
		if readU64(key) > last-most+1 || len(past) >= limit {
			return false, nil
		}
		if before != nil {
			past = append(past, before)
		}
		before = append([]byte{}, key...)
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	return len(past), t.deleteChanges(past)
}

func (t *txn) deleteChanges(keys [][]byte) error {
	for _, key := range keys {
		if err := t.delete(bChanges, key); err != nil {
			return err
		}
	}
	return nil
}

// restoredGap is by how much the numbers jump after a restore: more than the store that
// was lost can have given out since the backup.
const restoredGap = 1 << 32

// breakChanges begins the log anew: its readers know of changes that are lost.
func (t *txn) breakChanges() error {
	last, err := t.lastChange()
	if err != nil {
		return err
	}
	var all [][]byte
	err = t.walk(bChanges, nil, nil, func(key, _ []byte) (bool, error) {
		all = append(all, append([]byte{}, key...))
		return true, nil
	})
	if err != nil {
		return err
	}
	if err := t.deleteChanges(all); err != nil {
		return err
	}
	return t.put(bChanges, u64(last+1+restoredGap), []byte{})
}

// changeLog checks that the changes read, and are numbered without a gap.
func (c *checker) changeLog() error {
	next := uint64(0)
	return c.each(bChanges, func(key, value []byte) error {
		seq := readU64(key)
		if next != 0 && seq != next {
			c.fault("change %d follows %d", seq, next-1)
		}
		next = seq
		if err := eachChange(key, value, func(store.LoggedChange) bool { next++; return true }); err != nil {
			c.faults = append(c.faults, err)
		}
		return nil
	})
}
