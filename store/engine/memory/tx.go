package memory

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/btree"

	"signpost/store/engine"
)

// tx is one transaction. A reader's works on a version as it is, a writer's on a
// copy of each bucket that it writes.
type tx struct {
	engine.Frame
	layouts []engine.Layout
	version
	own []bool // buckets that are copies; nil of a reader
}

func newWriter(layouts []engine.Layout, v *version) *tx {
	return &tx{layouts: layouts, version: version{slices.Clone(v.rows), slices.Clone(v.last)},
		own: make([]bool, len(v.rows))}
}

// errReading: a reader wrote.
var errReading = errors.New("the transaction only reads")

// written is the bucket to write to.
func (t *tx) written(b engine.Bucket) (*btree.BTreeG[row], error) {
	if t.own == nil {
		return nil, errReading
	}
	t.Touch()
	if !t.own[b] {
		t.rows[b], t.own[b] = t.rows[b].Copy(), true
	}
	return t.rows[b], nil
}

// Get implements engine.Tx.
func (t *tx) Get(b engine.Bucket, key []byte) []byte {
	r, ok := t.rows[b].Get(row{key: key})
	if !ok {
		return nil
	}
	return r.value
}

// Put implements engine.Tx.
func (t *tx) Put(b engine.Bucket, key, value []byte) error {
	rows, err := t.written(b)
	if err == nil {
		err = engine.CheckKey(key)
	}
	if err != nil {
		return fmt.Errorf("put in %s: %w", t.layouts[b].Name, err)
	}
	rows.Set(row{bytes.Clone(key), append([]byte{}, value...)})
	return nil
}

// Delete implements engine.Tx.
func (t *tx) Delete(b engine.Bucket, key []byte) error {
	rows, err := t.written(b)
	if err != nil {
		return fmt.Errorf("delete from %s: %w", t.layouts[b].Name, err)
	}
	rows.Delete(row{key: key})
	return nil
}

// Next implements engine.Tx.
func (t *tx) Next(b engine.Bucket) (uint64, error) {
	if _, err := t.written(b); err != nil {
		return 0, err
	}
	t.last[b]++
	return t.last[b], nil
}

// Last implements engine.Tx.
func (t *tx) Last(b engine.Bucket) uint64 { return t.last[b] }

// Walk implements engine.Tx.
func (t *tx) Walk(b engine.Bucket, prefix, from []byte, visit engine.Visit) (err error) {
	if bytes.Compare(from, prefix) < 0 {
		from = prefix
	}
	t.rows[b].Ascend(row{key: from}, visitor(prefix, visit, &err))
	return err
}

// WalkBack implements engine.Tx.
func (t *tx) WalkBack(b engine.Bucket, prefix, before []byte, visit engine.Visit) (err error) {
	step := visitor(prefix, visit, &err)
	if before == nil {
		t.rows[b].Reverse(step)
		return err
	}
	t.rows[b].Descend(row{key: before}, func(r row) bool {
		return bytes.Equal(r.key, before) || step(r)
	})
	return err
}

// visitor turns a visit of rows with a prefix into one of the tree's.
func visitor(prefix []byte, visit engine.Visit, err *error) func(row) bool {
	return func(r row) bool {
		if !bytes.HasPrefix(r.key, prefix) {
			return false
		}
		var more bool
		more, *err = visit(r.key, r.value)
		return more && *err == nil
	}
}
