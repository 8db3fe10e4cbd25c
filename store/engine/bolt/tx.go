package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

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
}

func (e *Engine) newTx(bolt *bbolt.Tx) *tx {
	return &tx{bolt: bolt, layouts: e.layouts, buckets: make([]*bbolt.Bucket, len(e.layouts))}
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

// written is the bucket to write to, made where it is not there yet.
func (t *tx) written(b engine.Bucket) (*bbolt.Bucket, error) {
	t.Touch()
	if bucket := t.bucket(b); bucket != nil {
		return bucket, nil
	}
	if _, err := t.bolt.CreateBucket([]byte(t.layouts[b].Name)); err != nil {
		return nil, fmt.Errorf("make bucket %s: %w", t.layouts[b].Name, err)
	}
	return t.bucket(b), nil
}

// Get implements engine.Tx.
func (t *tx) Get(b engine.Bucket, key []byte) []byte {
	if bucket := t.bucket(b); bucket != nil {
		return bucket.Get(key)
	}
	return nil
}

// Put implements engine.Tx.
func (t *tx) Put(b engine.Bucket, key, value []byte) error {
	bucket, err := t.written(b)
	if err == nil {
		err = bucket.Put(key, value)
	}
	if err != nil {
		return fmt.Errorf("put in %s: %w", t.layouts[b].Name, err)
	}
	return nil
}

// Delete implements engine.Tx.
func (t *tx) Delete(b engine.Bucket, key []byte) error {
	t.Touch()
	bucket := t.bucket(b)
	if bucket == nil {
		return nil
	}
	if err := bucket.Delete(key); err != nil {
		return fmt.Errorf("delete from %s: %w", t.layouts[b].Name, err)
	}
	return nil
}

// Next implements engine.Tx.
func (t *tx) Next(b engine.Bucket) (uint64, error) {
	bucket, err := t.written(b)
	if err != nil {
		return 0, err
	}
	return bucket.NextSequence()
}

// Last implements engine.Tx.
func (t *tx) Last(b engine.Bucket) uint64 {
	if bucket := t.bucket(b); bucket != nil {
		return bucket.Sequence()
	}
	return 0
}

// Walk implements engine.Tx.
func (t *tx) Walk(b engine.Bucket, prefix, from []byte, visit engine.Visit) error {
	bucket := t.bucket(b)
	if bucket == nil {
		return nil
	}
	c := bucket.Cursor()
	if bytes.Compare(from, prefix) < 0 {
		from = prefix
	}
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if more, err := visit(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// WalkBack implements engine.Tx.
func (t *tx) WalkBack(b engine.Bucket, prefix, before []byte, visit engine.Visit) error {
	bucket := t.bucket(b)
	if bucket == nil {
		return nil
	}
	c := bucket.Cursor()
	var k, v []byte
	if before != nil {
		k, _ = c.Seek(before)
	}
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
