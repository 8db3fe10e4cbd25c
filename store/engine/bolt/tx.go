package bolt

import (
	"encoding/binary"
	"fmt"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"signpost/store/engine"
)

// appendFill is how full pages of ascending keys are made before they split:
// nothing will ever be put in between.
const appendFill = 0.9

// tx is one transaction over the file, reading or writing.
type tx struct {
	engine.Frame
	bolt    *bbolt.Tx
	layouts []engine.Layout
	buckets []*bbolt.Bucket
	rows    *gathering // over the rows in their places

	// Of a writer:
	own    []bool // buckets whose rows gathered are a copy
	steps  []byte // what it adds to the journal
	added  int    // rows that it gathers
	room   []byte // for what it gathers (kept)
	first  bool   // the file has no row yet
	direct bool   // it gathers nothing
}

func (e *Engine) newTx(bolt *bbolt.Tx, rows *gathering) *tx {
	return &tx{bolt: bolt, layouts: e.layouts, buckets: make([]*bbolt.Bucket, len(e.layouts)), rows: rows}
}

func (e *Engine) newWriter(bolt *bbolt.Tx) (t *tx, err error) {
	rows := e.versions.at(bolt.ID() - 1)
	if e.direct.Load() && !rows.whole && !rows.empty() {
		if rows, err = e.readJournals(bolt); err != nil {
			return nil, err
		}
	}
	t = e.newTx(bolt, rows.copy())
	t.own, t.direct = make([]bool, len(e.layouts)), e.direct.Load() || rows.whole
	name, _ := bolt.Cursor().First()
	t.first = name == nil
	return t, nil
}

// bucket is nil for one that was never written.
func (t *tx) bucket(b engine.Bucket) *bbolt.Bucket {
	if t.buckets[b] == nil {
		l := t.layouts[b]
		t.buckets[b] = t.bolt.Bucket([]byte(l.Name))
		if l.Appends && t.buckets[b] != nil {
			t.buckets[b].FillPercent = appendFill
		}
	}
	return t.buckets[b]
}

// placed is the bucket to put rows in, made where it is not there yet.
func (t *tx) placed(b engine.Bucket) (*bbolt.Bucket, error) {
	if bucket := t.bucket(b); bucket != nil {
		return bucket, nil
	}
	if _, err := t.bolt.CreateBucket([]byte(t.layouts[b].Name)); err != nil {
		return nil, fmt.Errorf("make bucket %s: %w", t.layouts[b].Name, err)
	}
	return t.bucket(b), nil
}

// gathers tells whether rows of a bucket are gathered before they are put in their places.
func (t *tx) gathers(b engine.Bucket) bool { return !t.direct && !t.layouts[b].Long }

// written is where to gather rows.
func (t *tx) written(b engine.Bucket) *btree.BTreeG[gathered] {
	if t.rows.rows[b] != nil && !t.own[b] {
		t.rows.rows[b] = t.rows.rows[b].Copy()
	}
	t.own[b] = true
	return t.rows.written(b)
}

// Get implements engine.Tx.
func (t *tx) Get(b engine.Bucket, key []byte) []byte {
	if r, ok := t.rows.find(b, key); ok {
		return r.value
	}
	if bucket := t.bucket(b); bucket != nil {
		return bucket.Get(key)
	}
	return nil
}

// begin begins a write.
func (t *tx) begin() error {
	if !t.bolt.Writable() {
		return berrors.ErrTxNotWritable
	}
	t.Touch()
	return nil
}

// Put implements engine.Tx.
func (t *tx) Put(b engine.Bucket, key, value []byte) error {
	err := t.begin()
	if err == nil {
		err = engine.CheckKey(key)
	}
	if err == nil {
		err = t.put(b, key, value)
	}
	if err != nil {
		return fmt.Errorf("put in %s: %w", t.layouts[b].Name, err)
	}
	return nil
}

func (t *tx) put(b engine.Bucket, key, value []byte) error {
	if t.gathers(b) {
		t.gather(b, gathered{t.kept(key), t.kept(value), t.rows.generation})
		t.step(b, stepPut, key, value)
		return nil
	}
	bucket, err := t.placed(b)
	if err == nil {
		err = bucket.Put(key, value)
	}
	if err == nil {
		t.forget(b, key)
	}
	return err
}

// leastKept and mostKept are how much room for the rows of a transaction is made at once,
// twice as much each time: they live and end together, and the collector has less to count;
// but a transaction of one row needs no more than that.
const (
	leastKept = 64
	mostKept  = 4 << 10
)

// kept is a copy of a key or a value, which a caller may use again; never nil.
func (t *tx) kept(b []byte) []byte {
	if len(b) > cap(t.room)-len(t.room) {
		t.room = make([]byte, 0, max(len(b), min(max(2*cap(t.room), leastKept), mostKept)))
	}
	from := len(t.room)
	t.room = append(t.room, b...)
	return t.room[from:len(t.room):len(t.room)]
}

// Delete implements engine.Tx.
func (t *tx) Delete(b engine.Bucket, key []byte) error {
	err := t.begin()
	if err == nil {
		err = t.drop(b, key)
	}
	if err != nil {
		return fmt.Errorf("delete from %s: %w", t.layouts[b].Name, err)
	}
	return nil
}

func (t *tx) drop(b engine.Bucket, key []byte) error {
	if engine.CheckKey(key) != nil {
		return nil // nothing is under it
	}
	if t.gathers(b) {
		t.gather(b, gathered{t.kept(key), nil, t.rows.generation})
		t.step(b, stepDelete, key, nil)
		t.rows.deleted++
		return nil
	}
	if bucket := t.bucket(b); bucket != nil {
		if err := bucket.Delete(key); err != nil {
			return err
		}
	}
	t.forget(b, key)
	return nil
}

func (t *tx) gather(b engine.Bucket, r gathered) {
	t.written(b).Set(r)
	t.added++
}

// forget makes the row in its place count, also where the journal is read again. Where
// anything is written so, the rows gathered are all that a journal names (whole).
func (t *tx) forget(b engine.Bucket, key []byte) {
	if _, named := t.rows.find(b, key); !named {
		return
	}
	t.written(b).Delete(gathered{key: key})
	t.step(b, stepForget, key, nil)
}

// Next implements engine.Tx.
func (t *tx) Next(b engine.Bucket) (uint64, error) {
	if err := t.begin(); err != nil {
		return 0, fmt.Errorf("number in %s: %w", t.layouts[b].Name, err)
	}
	next := t.Last(b) + 1
	if t.gathers(b) {
		t.rows.last[b] = next
		t.step(b, stepLast, nil, binary.BigEndian.AppendUint64(nil, next))
		return next, nil
	}
	bucket, err := t.placed(b)
	if err == nil {
		err = bucket.SetSequence(next)
	}
	return next, err
}

// Last implements engine.Tx.
func (t *tx) Last(b engine.Bucket) uint64 {
	last := t.rows.last[b]
	if bucket := t.bucket(b); bucket != nil {
		last = max(last, bucket.Sequence())
	}
	return last
}
