package bolt

import (
	"errors"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"signpost/store/engine"
)

// While a generation that has ended is put in its places, each commit puts in place
// placedShare times as many rows as it adds, and at least placedLeast: so there is an end
// to it before the next generation ends, and no commit takes much longer than others.
// Where the rows that follow are so much longer that the next one is full sooner, the commit
// that fills it puts in place what is left: the journals are never longer than twice what a
// generation may have, and two commits.
const (
	placedShare = 3
	placedLeast = 128
)

// keep makes what a transaction gathered part of it. The first of a file puts its rows in
// their places: an older version, which knows no journal, then sees whose the file is.
func (t *tx) keep(gather int) error {
	if t.direct {
		return t.addToJournal()
	}
	if t.first || len(t.steps) > gather {
		return t.placeAll()
	}
	if err := t.addToJournal(); err != nil {
		return err
	}
	switch long := t.rows.bytes > gather || t.rows.deleted > mostDeleted; {
	case t.rows.ended == 0 && !long:
		return nil
	case t.rows.ended == 0:
		t.rows.end()
	case long:
		return t.placeSome(math.MaxInt)
	}
	return t.placeSome(max(placedShare*t.added, placedLeast))
}

// placeAll puts every row in its place and drops the journals. What the transaction
// itself adds is in none.
func (t *tx) placeAll() error {
	for b := range t.layouts {
		if _, err := t.placeRows(spot{engine.Bucket(b), nil}, t.rows.generation, -1); err != nil {
			return err
		}
	}
	if err := t.placeNumbers(); err != nil {
		return err
	}
	pieces := t.rows.pieces
	t.rows = newGathering(t.layouts)
	t.rows.pieces = pieces
	return errors.Join(t.dropJournal(0), t.dropJournal(1))
}

// placeSome puts rows of the generation that ended in their places, at most limit.
func (t *tx) placeSome(limit int) error {
	for limit > 0 && int(t.rows.next.bucket) < len(t.layouts) {
		n, err := t.placeRows(t.rows.next, t.rows.ended, limit)
		if err != nil {
			return err
		}
		limit -= n
	}
	if limit <= 0 {
		return nil
	}
	if err := t.placeNumbers(); err != nil {
		return err
	}
	err := t.dropJournal(t.rows.ended)
	t.rows.ended, t.rows.next = 0, spot{}
	return err
}

// placeRows puts rows of a bucket in their places, from a key on, those of generations
// until one. It looks at limit rows at most, all where that is below 0, says how many
// those were, and moves next behind them.
func (t *tx) placeRows(from spot, until uint64, limit int) (n int, err error) {
	t.rows.next = spot{from.bucket + 1, nil}
	rows := t.rows.of(from.bucket)
	if rows == nil {
		return 0, nil
	}
	var placed []gathered
	rows.Ascend(gathered{key: from.key}, func(r gathered) bool {
		if n == limit {
			t.rows.next = spot{from.bucket, r.key}
			return false
		}
		n++
		if r.generation <= until {
			placed = append(placed, r)
		}
		return true
	})
	if len(placed) == 0 {
		return n, nil
	}
	bucket, err := t.placed(from.bucket)
	for i := 0; i < len(placed) && err == nil; i++ {
		err = placeRow(bucket, placed[i])
		t.written(from.bucket).Delete(placed[i])
	}
	if err != nil {
		return n, fmt.Errorf("place the rows of %s: %w", t.layouts[from.bucket].Name, err)
	}
	return n, nil
}

func placeRow(bucket *bbolt.Bucket, r gathered) error {
	if r.value == nil {
		return bucket.Delete(r.key)
	}
	return bucket.Put(r.key, r.value)
}

// placeNumbers makes the numbers given out those of the buckets.
func (t *tx) placeNumbers() error {
	for b, last := range t.rows.last {
		if last == 0 {
			continue
		}
		bucket, err := t.placed(engine.Bucket(b))
		if err == nil && last > bucket.Sequence() {
			err = bucket.SetSequence(last)
		}
		if err != nil {
			return fmt.Errorf("place the numbers of %s: %w", t.layouts[b].Name, err)
		}
	}
	return nil
}
