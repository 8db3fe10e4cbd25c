// Package bolt holds the verbs of store.Store, written over the ordered rows of an
// engine (store/engine): every verb durable when it returns.
//
// A verb that writes checks and encodes what it can in its caller's goroutine, then
// joins the group of verbs that the engine runs in its next transaction. A verb that
// reads runs in a snapshot of its own, beside the writers and never waiting for them.
// Rows are CBOR records in their own buckets; whatever is looked up otherwise has an
// index bucket, so no verb scans (keys.go). Rows that expire stand in one index by
// time (expiry.go); counts are kept beside the rows in the same transaction.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"signpost/store"
	"signpost/store/engine"
	file "signpost/store/engine/bolt"
)

// ErrInUse: another process has the file open.
var ErrInUse = file.ErrInUse

// ErrDamaged: the file's pages are not what was written to them. What does not
// touch the damaged ones goes on.
var ErrDamaged = engine.ErrDamaged

// Options of a store. The zero value is fine.
type Options struct {
	// Log gets one line when the file is opened or migrated. nil: none.
	Log *slog.Logger
	// MaxSize is the size in bytes beyond which the file does not grow; writes
	// that would need more return store.ErrFull. 0: no limit but the disk's.
	MaxSize int64
	// Observe is told of every commit: how many verbs it took and how long, from
	// the begin of the transaction to the last sync. It must not call the store.
	// nil: none.
	Observe func(groupSize int, d time.Duration)
}

// DB is a store over an engine. It is safe for concurrent use.
type DB struct {
	engine engine.Engine
	codec  *codec
}

var _ store.Store = (*DB)(nil)

// Open opens the store in the file at path, creating it when there is none. It
// waits a second for the file's lock, then returns ErrInUse. ErrDamaged for one
// that cannot be read; a file may open and hold damaged pages all the same, which
// Check finds.
func Open(path string, opts Options) (*DB, error) {
	e, err := file.Open(path, layouts(), file.Options{Log: opts.Log, MaxSize: opts.MaxSize, Observe: opts.Observe})
	if err != nil {
		return nil, err
	}
	db, err := Over(e, opts.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), e.Close())
	}
	return db, nil
}

// Over makes a store of an engine opened with Layouts, whose rows it migrates to
// this version's schema; log gets a line for each step. Closing the store closes the
// engine.
func Over(e engine.Engine, log *slog.Logger) (*DB, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	if err := migrate(e, codec, migrations(), log); err != nil {
		return nil, err
	}
	return &DB{engine: e, codec: codec}, nil
}

// Layouts are what an engine is to be opened with.
func Layouts() []engine.Layout { return layouts() }

// Close ends the transactions under way, and closes the engine when the last reader
// has left.
func (db *DB) Close() error { return db.engine.Close() }

// Snapshot writes the whole store as it is now, a file that Open opens, while
// reading and writing go on. It returns the number of bytes written.
func (db *DB) Snapshot(w io.Writer) (int64, error) { return db.engine.Snapshot(w) }

func (db *DB) read(ctx context.Context, verb func(*txn) error) error {
	return view(ctx, db.engine, db.codec, verb)
}

func view(ctx context.Context, e engine.Engine, codec *codec, verb func(*txn) error) error {
	return e.View(ctx, func(tx engine.Tx) error { return verb(&txn{tx: tx, codec: codec}) })
}

// write runs verb in a transaction, as engine.Engine.Update says.
func (db *DB) write(ctx context.Context, size int, verb func(*txn) error) error {
	return update(ctx, db.engine, db.codec, size, verb)
}

func update(ctx context.Context, e engine.Engine, codec *codec, size int, verb func(*txn) error) error {
	return e.Update(ctx, size, func(tx engine.Tx) error {
		return verb(tx.Shared(func() engine.Shared { return &txn{tx: tx, codec: codec} }).(*txn))
	})
}

// fault wraps a verb's error with the verb, the noun and its id.
func fault(verb string, id any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", verb, id, err)
}

func invalid(why string) error { return fmt.Errorf("%w: %s", store.ErrInvalid, why) }
