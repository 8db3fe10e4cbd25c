// Package datafile opens the data file of one machine: the verbs of store/verbs over
// the engine that keeps their rows in one bbolt file (store/engine/bolt).
package datafile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/engine/bolt"
	"signpost/store/verbs"
)

// ErrInUse: another process has the file open.
var ErrInUse = bolt.ErrInUse

// ErrDamaged: the file's pages are not what was written to them. What does not
// touch the damaged ones goes on.
var ErrDamaged = engine.ErrDamaged

// Options of a data file. The zero value is fine.
type Options struct {
	// Log gets one line when the file is opened with a fault, or migrated. nil: none.
	Log *slog.Logger
	// MaxSize is the size in bytes beyond which the file does not grow; writes
	// that would need more return store.ErrFull. 0: no limit but the disk's.
	MaxSize int64
	// Observe is told of every commit: how many verbs it took and how long, from
	// the begin of the transaction to the last sync. It must not call the store.
	// nil: none.
	Observe func(groupSize int, d time.Duration)
	// Promising is verbs.Options.Promising.
	Promising store.Promising
}

// Open opens the store in the file at path, creating it when there is none. It
// waits a second for the file's lock, then returns ErrInUse. ErrDamaged for one
// that cannot be read; a file may open and hold damaged pages all the same, which
// Check finds.
func Open(path string, opts Options) (*verbs.Store, error) {
	e, err := bolt.Open(path, verbs.Layouts(), bolt.Options{Log: opts.Log, MaxSize: opts.MaxSize, Observe: opts.Observe})
	if err != nil {
		return nil, err
	}
	s, err := verbs.Open(e, verbs.Options{Log: opts.Log, Promising: opts.Promising})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), e.Close())
	}
	return s, nil
}

// Check checks a file that no store has open, a backup, and changes nothing in it.
// verbs.ErrOtherSchema where only Open could read it, after migrating it.
func Check(ctx context.Context, path string) error {
	e, err := bolt.Open(path, verbs.Layouts(), bolt.Options{ReadOnly: true})
	if err == nil {
		err = errors.Join(verbs.CheckRows(ctx, e), e.Close())
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}
