package bolt

import (
	"bytes"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"signpost/store/engine"
)

// Walk implements engine.Tx.
func (t *tx) Walk(b engine.Bucket, prefix, from []byte, visit engine.Visit) error {
	if bytes.Compare(from, prefix) < 0 {
		from = prefix
	}
	var placed, over side
	if bucket := t.bucket(b); bucket != nil {
		c := bucket.Cursor()
		placed = ofCursor(c.Next)
		placed.key, placed.value = c.Seek(from)
	}
	if rows := t.rows.of(b); rows != nil {
		iter := rows.Iter()
		over = ofGathered(&iter, iter.Next, iter.Seek(gathered{key: from}))
	}
	return walk(placed, over, 1, prefix, visit)
}

// WalkBack implements engine.Tx.
func (t *tx) WalkBack(b engine.Bucket, prefix, before []byte, visit engine.Visit) error {
	var placed, over side
	if bucket := t.bucket(b); bucket != nil {
		c := bucket.Cursor()
		placed = ofCursor(c.Prev)
		placed.key, placed.value = lastBefore(c, before)
	}
	if rows := t.rows.of(b); rows != nil {
		iter := rows.Iter()
		there := before != nil && iter.Seek(gathered{key: before})
		if there {
			there = iter.Prev()
		} else {
			there = iter.Last()
		}
		over = ofGathered(&iter, iter.Prev, there)
	}
	return walk(placed, over, -1, prefix, visit)
}

func lastBefore(c *bbolt.Cursor, before []byte) (key, value []byte) {
	if before != nil {
		if key, _ = c.Seek(before); key != nil {
			return c.Prev()
		}
	}
	return c.Last()
}

// side is one of the two that a walk goes along: the rows in their places, or those
// gathered. key is nil at its end; value is nil of a row that is deleted.
type side struct {
	key, value []byte
	next       func() (key, value []byte)
}

func ofCursor(next func() (key, value []byte)) side { return side{next: next} }

func ofGathered(iter *btree.IterG[gathered], step func() bool, there bool) side {
	item := func(there bool) (key, value []byte) {
		if !there {
			return nil, nil
		}
		r := iter.Item()
		return r.key, r.value
	}
	s := side{next: func() (key, value []byte) { return item(step()) }}
	s.key, s.value = item(there)
	return s
}

func (s *side) step() { s.key, s.value = s.next() }

// walk visits the rows of both sides in the order of their keys, ascending where
// direction is 1 and descending where it is -1; of two rows under one key the one over
// the other.
func walk(placed, over side, direction int, prefix []byte, visit engine.Visit) error {
	for placed.key != nil || over.key != nil {
		from := &placed
		if over.key != nil {
			order := -1 // of the row over against the one placed
			if placed.key != nil {
				order = bytes.Compare(over.key, placed.key) * direction
			}
			if order == 0 {
				placed.step()
			}
			if order <= 0 {
				from = &over
			}
		}
		deleted := from == &over && from.value == nil
		within := bytes.HasPrefix(from.key, prefix)
		if !within && !(deleted && bytes.Compare(from.key, prefix) > 0) {
			return nil // a row deleted ends no walk back that begins behind it
		}
		if !deleted {
			if more, err := visit(from.key, from.value); err != nil || !more {
				return err
			}
		}
		from.step()
	}
	return nil
}
