// Package memory is the engine that keeps the rows in memory: for stories and for
// simulations, which then take microseconds. What it holds is gone with the process.
package memory

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/tidwall/btree"

	"signpost/store/engine"
)

// Engine is safe for concurrent use. Versions of the data share what did not change
// between them, so that a reader keeps its own for nothing.
type Engine struct {
	layouts   []engine.Layout
	committer *engine.Committer
	closed    atomic.Bool
	latest    atomic.Pointer[version] // the one committed last
}

var _ engine.Engine = (*Engine)(nil)

// version is the data after one transaction; it never changes.
type version struct {
	rows []*btree.BTreeG[row]
	last []uint64
}

type row struct{ key, value []byte }

func before(a, b row) bool { return string(a.key) < string(b.key) }

// Options of an engine. The zero value is fine.
type Options struct {
	// Snapshot is one that an engine of the same layouts wrote. nil: no rows.
	Snapshot io.Reader
}

// Open returns an engine.
func Open(layouts []engine.Layout, opts Options) (*Engine, error) {
	v := &version{rows: make([]*btree.BTreeG[row], len(layouts)), last: make([]uint64, len(layouts))}
	for i := range v.rows {
		v.rows[i] = btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
	}
	if opts.Snapshot != nil {
		if err := v.load(opts.Snapshot); err != nil {
			return nil, fmt.Errorf("open a snapshot: %w", err)
		}
	}
	e := &Engine{layouts: layouts}
	e.latest.Store(v)
	e.committer = engine.NewCommitter(e.transact, nil, broken)
	return e, nil
}

func broken(panicked any) error {
	return fmt.Errorf("panic in the store: %v\n%s", panicked, debug.Stack())
}

// View implements engine.Engine.
func (e *Engine) View(ctx context.Context, read func(engine.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.closed.Load() {
		return engine.ErrClosed
	}
	defer func() {
		if p := recover(); p != nil {
			err = broken(p)
		}
	}()
	return read(&tx{layouts: e.layouts, version: *e.latest.Load()})
}

// Update implements engine.Engine.
func (e *Engine) Update(ctx context.Context, plan engine.Plan, verb func(engine.Tx) error) error {
	return e.committer.Update(ctx, plan, verb)
}

func (e *Engine) transact(body func(engine.Grouped) error) error {
	t := newWriter(e.layouts, e.latest.Load())
	if err := body(t); err != nil {
		return err
	}
	e.latest.Store(&version{rows: t.rows, last: t.last})
	return nil
}

// Committed implements engine.Engine.
func (e *Engine) Committed() <-chan struct{} { return e.committer.Committed() }

// GiveWay implements engine.Engine.
func (e *Engine) GiveWay(ctx context.Context, worked time.Duration) { e.committer.GiveWay(ctx, worked) }

// ReadAhead implements engine.Engine: all is in memory.
func (e *Engine) ReadAhead(ctx context.Context) error { return ctx.Err() }

// Check implements engine.Engine: each row is found under its key.
func (e *Engine) Check(ctx context.Context) error {
	return e.View(ctx, func(tx engine.Tx) error {
		var faults []error
		for b, l := range e.layouts {
			err := tx.Walk(engine.Bucket(b), nil, nil, func(key, _ []byte) (bool, error) {
				if tx.Get(engine.Bucket(b), key) == nil {
					faults = append(faults, fmt.Errorf("%s: %x is not found", l.Name, key))
				}
				return ctx.Err() == nil, ctx.Err()
			})
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	})
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	e.committer.Close()
	e.closed.Store(true)
	return nil
}

// bucketDump is how a snapshot holds a bucket.
type bucketDump struct {
	Last         uint64
	Keys, Values [][]byte
}

// Snapshot implements engine.Engine.
func (e *Engine) Snapshot(w io.Writer) (int64, error) {
	v := e.latest.Load()
	dump := make([]bucketDump, len(v.rows))
	for i, rows := range v.rows {
		dump[i].Last = v.last[i]
		rows.Scan(func(r row) bool {
			dump[i].Keys, dump[i].Values = append(dump[i].Keys, r.key), append(dump[i].Values, r.value)
			return true
		})
	}
	n := &counter{w: w}
	if err := gob.NewEncoder(n).Encode(dump); err != nil {
		return n.n, fmt.Errorf("snapshot: %w", err)
	}
	return n.n, nil
}

func (v *version) load(r io.Reader) error {
	var dump []bucketDump
	if err := gob.NewDecoder(r).Decode(&dump); err != nil {
		return err
	}
	if len(dump) != len(v.rows) {
		return fmt.Errorf("it holds %d buckets, want %d", len(dump), len(v.rows))
	}
	for i, b := range dump {
		v.last[i] = b.Last
		for j, key := range b.Keys {
			v.rows[i].Set(row{key, append([]byte{}, b.Values[j]...)}) // an empty value comes as none
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
