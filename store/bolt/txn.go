package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"signpost/store"
)

// txn is one transaction, reading or writing. Slices it returns die with it.
type txn struct {
	tx      *bbolt.Tx
	codec   *codec
	buckets [bucketCount]*bbolt.Bucket
	writes  int // so that a verb that failed can be told to have left no trace
	// counts are the counters changed by this transaction, written once at its
	// end (putCounts): every verb of a group changes the same few.
	counts map[string]uint64
	// usages are the budgets charged by this transaction, written like counts
	// (putUsages).
	usages map[digest]charge
	// tallies are the hours it changed, likewise (putTallies).
	tallies tallies
}

const appendFill = 0.9

func (t *txn) bucket(b bucket) *bbolt.Bucket {
	if t.buckets[b] == nil {
		l := b.layout()
		t.buckets[b] = t.tx.Bucket([]byte(l.name))
		if l.appends {
			t.buckets[b].FillPercent = appendFill
		}
	}
	return t.buckets[b]
}

func (t *txn) value(b bucket, key []byte) []byte { return t.bucket(b).Get(key) }

func (t *txn) has(b bucket, key []byte) bool { return t.value(b, key) != nil }

// put stores key and value. The database keeps value until the commit.
func (t *txn) put(b bucket, key, value []byte) error {
	t.writes++
	if err := t.bucket(b).Put(key, value); err != nil {
		return fmt.Errorf("put in %s: %w", b.layout().name, err)
	}
	return nil
}

func (t *txn) delete(b bucket, key []byte) error {
	t.writes++
	if err := t.bucket(b).Delete(key); err != nil {
		return fmt.Errorf("delete from %s: %w", b.layout().name, err)
	}
	return nil
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
		return fmt.Errorf("read %x from %s: %w", key, b.layout().name, err)
	}
	return nil
}

// next gives out the bucket's next number.
func (t *txn) next(b bucket) (uint64, error) {
	t.writes++
	return t.bucket(b).NextSequence()
}

func (t *txn) count(kind byte, name string) uint64 {
	key := append([]byte{kind}, name...)
	if n, changed := t.counts[string(key)]; changed {
		return n
	}
	return readU64(t.value(bCounts, key))
}

func (t *txn) setCount(kind byte, name string, count uint64) {
	t.writes++
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

// walk calls visit for the rows whose keys begin with prefix, in ascending order
// from the first key that is at least from, until visit returns false.
func (t *txn) walk(b bucket, prefix, from []byte, visit func(key, value []byte) (bool, error)) error {
	c := t.bucket(b).Cursor()
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if more, err := visit(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// walkBack is walk in descending order, over the keys below before.
func (t *txn) walkBack(b bucket, prefix, before []byte, visit func(key, value []byte) (bool, error)) error {
	c := t.bucket(b).Cursor()
	var v []byte
	k, _ := c.Seek(before)
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		if more, err := visit(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// first returns the first row whose key begins with prefix, nil without one.
func (t *txn) first(b bucket, prefix []byte) (key, value []byte) {
	k, v := t.bucket(b).Cursor().Seek(prefix)
	if k == nil || !bytes.HasPrefix(k, prefix) {
		return nil, nil
	}
	return k, v
}
