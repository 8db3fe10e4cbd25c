// Package datafile opens the data file of one machine: the verbs of store/verbs over
// the engine that keeps their rows in one bbolt file (store/engine/bolt). A file of an
// older version is migrated by a new file beside it (migrate.go).
package datafile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"signpost/store"
	"signpost/store/durable"
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
	// Log gets a line when the file is opened with a fault, and how a migration goes on.
	// nil: none.
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
	// AuditKeys is verbs.Options.AuditKeys.
	AuditKeys store.AuditKeys
}

// Open opens the store in the file at path, creating it when there is none. It
// waits a second for the file's lock, then returns ErrInUse. ErrDamaged for one
// that cannot be read; a file may open and hold damaged pages all the same, which
// Check finds.
//
// A file of an older version is migrated first, which takes half as much room again as the file
// and minutes for a large one (measured: 200,000 tickets and 50,000 mails in 44 s).
// The older file stays beside it (Older). store.ErrFull where there is no room; the older file is as it was then.
func Open(path string, opts Options) (*verbs.Store, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	m := &migration{path: path, log: opts.Log, reached: func(string) error { return nil }, free: freeIn}
	return openOr(m, opts)
}

// openOr opens the file of a migration, which it runs where the file is of an older version.
func openOr(m *migration, opts Options) (s *verbs.Store, err error) {
	if m.from = resumed(m.path); m.from == m.path {
		if s, err = openNow(m.path, opts); !errors.Is(err, verbs.ErrOlderSchema) {
			return s, err
		}
	}
	if err := m.run(context.Background()); err != nil {
		return nil, fmt.Errorf("migrate %s: %w", m.from, err)
	}
	return openNow(m.path, opts)
}

// openNow opens a file of this version.
func openNow(path string, opts Options) (*verbs.Store, error) {
	e, err := bolt.Open(path, verbs.Layouts(), bolt.Options{Log: opts.Log, MaxSize: opts.MaxSize, Observe: opts.Observe})
	if err != nil {
		return nil, err
	}
	s, err := verbs.Open(e, verbs.Options{Promising: opts.Promising, AuditKeys: opts.AuditKeys})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), e.Close())
	}
	return s, nil
}

func freeIn(folder string) (uint64, bool) {
	free, _, err := durable.Room(folder)
	return uint64(max(free, 0)), err == nil
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
