package verbs

import (
	"fmt"

	"signpost/store"
	"signpost/store/engine"
)

// txn is one transaction as the verbs see it, reading or writing. Slices it
// returns die with it. The verbs of one group share it.
type txn struct {
	tx    engine.Tx
	codec *codec
	rules rules
	keys  store.AuditKeys
	// counts are the counters changed by this transaction, written once at its
	// end (putCounts): every verb of a group changes the same few.
	counts map[string]uint64
	// usages are the budgets charged by this transaction, written like counts
	// (putUsages).
	usages map[digest]charge
	// tallies are the hours it changed, likewise (putTallies).
	tallies tallies
	// changes are what it changed, likewise (putChanges).
	changes changes
	// failed is why a write failed: the transaction will be dropped, and none is made
	// after it, so that what one call joins ends where the first of it fails.
	failed error
}

// Flush implements engine.Shared.
func (t *txn) Flush() error {
	for _, put := range []func() error{t.putCounts, t.putUsages, t.putTallies, t.putChanges} {
		if err := put(); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) value(b bucket, key []byte) []byte { return t.tx.Get(b, key) }

func (t *txn) has(b bucket, key []byte) bool { return t.value(b, key) != nil }

// put stores key and value. The engine keeps value until the commit.
func (t *txn) put(b bucket, key, value []byte) error {
	if t.failed == nil {
		t.fail(t.tx.Put(b, key, value))
	}
	return t.failed
}

func (t *txn) delete(b bucket, key []byte) error {
	if t.failed == nil {
		t.fail(t.tx.Delete(b, key))
	}
	return t.failed
}

// fail notes that a write failed, which counts as one: what the verb wrote before must
// not stay.
func (t *txn) fail(err error) {
	if err != nil {
		t.tx.Touch()
		t.failed = err
	}
}

func (t *txn) putRecord(b bucket, key []byte, record any) error {
	data, err := t.codec.record(record)
	if err != nil {
		return err
	}
	return t.put(b, key, data)
}

// record reads a record; ErrNotFound when there is none.
func (t *txn) record(b bucket, key []byte, record any) error {
	data := t.value(b, key)
	if data == nil {
		return store.ErrNotFound
	}
	if err := t.codec.read(data, record); err != nil {
		return fmt.Errorf("read %x from %s: %w", key, nameOf(b), err)
	}
	return nil
}

// nameOf is a bucket's name.
func nameOf(b bucket) string { return layouts()[b].Name }

// next gives out the bucket's next number.
func (t *txn) next(b bucket) (n uint64, err error) {
	if t.failed == nil {
		n, err = t.tx.Next(b)
		t.fail(err)
	}
	return n, t.failed
}

func (t *txn) count(kind byte, name string) uint64 {
	key := append([]byte{kind}, name...)
	if n, changed := t.counts[string(key)]; changed {
		return n
	}
	return readU64(t.value(bCounts, key))
}

func (t *txn) setCount(kind byte, name string, count uint64) {
	t.tx.Touch()
	if t.counts == nil {
		t.counts = map[string]uint64{}
	}
	t.counts[string(append([]byte{kind}, name...))] = count
}

func (t *txn) addCount(kind byte, name string, delta int) {
	t.setCount(kind, name, t.count(kind, name)+uint64(int64(delta)))
}

// putCounts writes the counters that changed.
func (t *txn) putCounts() error {
	for key, count := range t.counts {
		if err := t.put(bCounts, []byte(key), u64(count)); err != nil {
			return err
		}
	}
	return nil
}

// walk is engine.Tx.Walk.
func (t *txn) walk(b bucket, prefix, from []byte, visit engine.Visit) error {
	return t.tx.Walk(b, prefix, from, visit)
}

// walkBack is engine.Tx.WalkBack.
func (t *txn) walkBack(b bucket, prefix, before []byte, visit engine.Visit) error {
	return t.tx.WalkBack(b, prefix, before, visit)
}

// first returns the first row whose key begins with prefix, nil without one.
func (t *txn) first(b bucket, prefix []byte) (key, value []byte) {
	return t.firstFrom(b, prefix, prefix)
}

// firstFrom returns the first row whose key begins with prefix and is at least
// from, nil without one.
func (t *txn) firstFrom(b bucket, prefix, from []byte) (key, value []byte) {
	_ = t.walk(b, prefix, from, func(k, v []byte) (bool, error) { // the visit does not fail
		key, value = k, v
		return false, nil
	})
	return key, value
}
