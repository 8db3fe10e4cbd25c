package verbs

import (
	"context"
	"errors"
	"fmt"

	"signpost/store/engine"
)

// How rows of an older version become those of this one: they are copied, bucket by
// bucket in the order of their keys, from an engine that is only read into an empty one,
// each in the shape it has now (older.go), in transactions of a bounded size; then what
// the copy left to do for single rows is done (cleaning.go); last the version is written.
// So a migration costs no more memory at a million tickets than at ten, and one that was
// cut off leaves rows without a version, which are thrown away.
//
// To add a version: raise schema. Where rows change shape, freeze what their buckets were
// called in OlderLayouts, and say in moves what becomes of them from each version on.

// Bounds of one transaction of a migration.
const (
	moveBytes = engine.GroupBytes / 2
	moveRows  = 20_000
	cleanRows = 200
)

// mover copies rows.
type mover struct {
	ctx      context.Context
	from     *txn // the older rows, a snapshot
	to       engine.Engine
	codec    *codec
	version  uint32 // of the older rows
	progress func(bucket string, rows uint64) error

	batch []movedRow
	bytes int
	rows  uint64
	// unclean are rows that hold a text which is not valid, by their keys.
	unclean []movedRow
	hours   map[uint32]spanOfIDs // of the ledger
	raws    uint64               // bytes of raw mails, where they were not counted
}

type movedRow struct {
	bucket     bucket
	key, value []byte
}

// Migrate copies the rows of an older version, in an engine opened with OlderLayouts, into
// an empty one opened with Layouts, as this version keeps them. progress, which may be nil,
// is told after every transaction how many rows were copied; an error of it ends the copy.
// After an error what is in the second engine is of no use.
//
// A row that nothing leads to, such as an entry without its ticket, is not copied.
func Migrate(ctx context.Context, from, to engine.Engine, progress func(bucket string, rows uint64) error) error {
	codec, err := newCodec()
	if err != nil {
		return err
	}
	version, err := schemaVersion(from)
	if err != nil {
		return err
	}
	if version == 0 || version >= schema {
		return refuse(version)
	}
	if progress == nil {
		progress = func(string, uint64) error { return nil }
	}
	err = view(ctx, from, codec, func(t *txn) error {
		m := &mover{
			ctx: ctx, from: t, to: to, codec: codec, version: version, progress: progress, hours: map[uint32]spanOfIDs{},
		}
		return m.run()
	})
	return wrap("migrate the rows of schema", version, err)
}

// run copies bucket by bucket: what was known of an earlier bucket is there when a later
// one is cleaned.
func (m *mover) run() error {
	for b := range OlderLayouts() {
		if err := m.moveBucket(bucket(b)); err != nil {
			return wrap("bucket", OlderLayouts()[b].Name, err)
		}
	}
	if err := m.putLearned(); err != nil {
		return err
	}
	if err := m.cleanAll(); err != nil {
		return err
	}
	return m.update(func(t *txn) error { return t.put(bMeta, []byte(schemaKey), u32(schema)) })
}

func (m *mover) moveBucket(b bucket) error {
	move, to := moveOf(b)
	if move == nil {
		return nil
	}
	err := m.from.walk(b, nil, nil, func(key, value []byte) (bool, error) {
		if err := move(m, b, key, value); err != nil {
			return false, fmt.Errorf("row %x: %w", key, err)
		}
		return true, nil
	})
	if err == nil {
		err = m.flush(b)
	}
	if err == nil {
		err = m.moveLast(b, to)
	}
	return err
}

// moveLast brings a bucket's sequence to where it was.
func (m *mover) moveLast(b, to bucket) error {
	last := m.from.tx.Last(b)
	if last == 0 {
		return nil
	}
	return m.update(func(t *txn) error {
		for t.tx.Last(to) < last {
			if _, err := t.next(to); err != nil {
				return err
			}
		}
		return nil
	})
}

// put adds a row to the copy.
func (m *mover) put(b bucket, key, value []byte) error {
	m.batch = append(m.batch, movedRow{b, key, value})
	m.bytes += len(key) + len(value)
	if m.bytes < moveBytes && len(m.batch) < moveRows {
		return nil
	}
	return m.flush(b)
}

// flush writes the rows put.
func (m *mover) flush(b bucket) error {
	if len(m.batch) == 0 {
		return m.ctx.Err()
	}
	err := m.update(func(t *txn) error {
		for _, r := range m.batch {
			if err := t.put(r.bucket, r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	m.rows += uint64(len(m.batch))
	m.batch, m.bytes = m.batch[:0], 0
	if err != nil {
		return err
	}
	return m.progress(OlderLayouts()[b].Name, m.rows)
}

func (m *mover) update(change func(*txn) error) error {
	return update(m.ctx, m.to, m.codec, engine.Plan{Size: engine.GroupBytes}, change)
}

// putLearned writes what the copy found out on its way.
func (m *mover) putLearned() error {
	for hour, span := range m.hours {
		if err := m.put(bInHours, u32(hour), span.bytes()); err != nil {
			return err
		}
	}
	err := m.flush(bInHours)
	if err == nil && m.version < 5 {
		err = m.beginCounting()
	}
	return err
}

// cleanAll cleans the rows that hold a text which is not valid.
func (m *mover) cleanAll() error {
	for rows := m.unclean; len(rows) > 0; {
		n := min(len(rows), cleanRows)
		err := m.update(func(t *txn) error {
			for _, r := range rows[:n] {
				if err := cleanerOf(r.bucket)(t, r); err != nil {
					return wrap("clean a row of "+nameOf(r.bucket), fmt.Sprintf("%x", r.key), err)
				}
			}
			return nil
		})
		if err = errors.Join(err, m.progress("cleaning", m.rows)); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
