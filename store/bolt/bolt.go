// Package bolt keeps Signpost's store in one bbolt file: every verb of
// store.Store on one machine, durable when it returns.
//
// A verb that writes checks and encodes what it can in its caller's goroutine,
// then joins the group of verbs that the committer runs in its next transaction
// (commit.go). A verb that reads runs in a read transaction of its own, beside
// the writers and never waiting for them. Rows are CBOR records in their own
// buckets; whatever is looked up otherwise has an index bucket, so no verb scans
// (keys.go). Rows that expire stand in one index by time (expiry.go); counts are
// kept beside the rows in the same transaction.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"signpost/store"
)

// ErrInUse: another process has the file open.
var ErrInUse = errors.New("another signpost is running on this data folder")

// Options of a store. The zero value is fine.
type Options struct {
	// Log gets one line when the file is opened or migrated. nil: none.
	Log *slog.Logger
	// MaxSize is the size in bytes beyond which the file does not grow; writes
	// that would need more return store.ErrFull. 0: no limit but the disk's.
	MaxSize int64
	// Observe is told of every commit: how many verbs it took and how long, from
	// the begin of the transaction to the last sync. It is called by the
	// committer and must not call the store. nil: none.
	Observe func(groupSize int, d time.Duration)
}

// DB is a store in one file. It is safe for concurrent use.
type DB struct {
	bolt    *bbolt.DB
	codec   *codec
	observe func(int, time.Duration)

	jobs    chan *job
	closing chan struct{} // closed by Close
	closed  chan struct{} // closed when the committer has ended
	once    sync.Once
}

var _ store.Store = (*DB)(nil)

const (
	lockTimeout = time.Second
	// queueDepth is how many verbs may wait before their callers do.
	queueDepth = 4 * groupVerbs
	// mapSize is the address space mapped at once (no memory is used for it), so
	// that growing the file need not wait for readers to end, a backup above all.
	mapSize = 16 << 30
	// growStep is by how much the file grows.
	growStep = 4 << 20
)

// Open opens the store in the file at path, creating it when there is none. It
// waits a second for the file's lock, then returns ErrInUse. ErrDamaged for one
// that cannot be read; a file may open and hold damaged pages all the same, which
// Check finds.
func Open(path string, opts Options) (*DB, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var db *DB
	err := guarded(func() (err error) {
		if err = refuseCut(path); err == nil {
			db, err = openFile(path, opts, log)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	go db.commitLoop()
	return db, nil
}

func openFile(path string, opts Options, log *slog.Logger) (*DB, error) {
	_, statErr := os.Stat(path)
	file, err := bbolt.Open(path, 0o600, fileOptions(opts))
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, full(err)
	}
	file.AllocSize = growStep
	if err := checkMetas(file); err != nil {
		log.Warn("store opened with a fault", "path", path, "error", err)
	}
	db, err := open(file, opts, log)
	if err == nil && statErr != nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		file.Close()
	}
	return db, err
}

func fileOptions(opts Options) *bbolt.Options {
	o := &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		MaxSize:      int(opts.MaxSize),
	}
	if strconv.IntSize == 64 {
		o.InitialMmapSize = mapSize
	}
	return o
}

func open(file *bbolt.DB, opts Options, log *slog.Logger) (*DB, error) {
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	if err := migrate(file, codec, migrations(), log); err != nil {
		return nil, err
	}
	return &DB{
		bolt:    file,
		codec:   codec,
		observe: opts.Observe,
		jobs:    make(chan *job, queueDepth),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}, nil
}

// syncFolder makes a new file's name as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// Close ends the committer, after the transaction under way, and closes the file
// when the last reader has left.
func (db *DB) Close() error {
	var err error
	db.once.Do(func() {
		close(db.closing)
		<-db.closed
		err = db.bolt.Close()
	})
	return err
}

// Snapshot writes the whole store as it is now, a file that Open opens, while
// reading and writing go on. It returns the number of bytes written.
func (db *DB) Snapshot(w io.Writer) (int64, error) {
	var n int64
	err := db.bolt.View(func(tx *bbolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("snapshot: %w", err)
	}
	return n, nil
}

func (db *DB) read(ctx context.Context, verb func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return view(db.bolt, db.codec, verb)
}

func view(file *bbolt.DB, codec *codec, verb func(*txn) error) error {
	err := guarded(func() error {
		return file.View(func(tx *bbolt.Tx) error { return verb(&txn{tx: tx, codec: codec}) })
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return errClosed
	}
	return err
}

// full turns the errors that mean "no room" into store.ErrFull. bbolt passes some
// of the system's errors on as text alone, hence the comparison of texts.
func full(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	for _, e := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, e) || strings.HasSuffix(err.Error(), e.Error()) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
	}
	return err
}

// fault wraps a verb's error with the verb, the noun and its id.
func fault(verb string, id any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", verb, id, err)
}

func invalid(why string) error { return fmt.Errorf("%w: %s", store.ErrInvalid, why) }
