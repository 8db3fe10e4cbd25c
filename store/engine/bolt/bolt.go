// Package bolt is the engine that keeps the rows in one bbolt file, on one machine
// and owned by one process.
//
// A commit flows so: the committer calls transact, the verbs write to a tx (tx.go), which
// gathers short rows (gather.go says why, and why that is safe); keep then adds them to a
// journal in the file (journal.go) and puts rows of earlier commits in their places
// (place.go). A reader sees both (walk.go). What a damaged file does stands in damage.go.
package bolt

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"signpost/store"
	"signpost/store/durable"
	"signpost/store/engine"
)

// ErrInUse: another process has the file open.
var ErrInUse = errors.New("another signpost is running on this data folder")

// Options of an engine. The zero value is fine.
type Options struct {
	// Log gets a line when the file opens with a fault. nil: none.
	Log *slog.Logger
	// MaxSize is the size in bytes beyond which the file does not grow; writes
	// that would need more return store.ErrFull. 0: no limit but the disk's.
	MaxSize int64
	// ReadOnly opens a file that no process writes, and changes nothing in it.
	ReadOnly bool
	// Observe is told of every commit: how many verbs it took and how long, from
	// the begin of the transaction to the last sync. It must not call the engine.
	// nil: none.
	Observe func(groupSize int, d time.Duration)
	// Gather is how many bytes of rows a commit may leave for a later one to put in
	// their places. 0: as many as serve well; below 0: none.
	Gather int
}

// Engine is one open file. It is safe for concurrent use.
type Engine struct {
	file      *bbolt.DB
	path      string
	layouts   []engine.Layout
	log       *slog.Logger
	committer *engine.Committer
	once      sync.Once

	gather   int // bytes
	versions versions
	direct   atomic.Bool // nothing is gathered any more
}

var _ engine.Engine = (*Engine)(nil)

const (
	lockTimeout = time.Second
	// mapSize is the address space mapped at once (no memory is used for it), so
	// that growing the file need not wait for readers to end, a backup above all.
	mapSize = 16 << 30
	// growStep is by how much the file grows.
	growStep = 4 << 20
)

// Open opens the file at path, creating it when there is none. It waits a second
// for the file's lock, then returns ErrInUse. engine.ErrDamaged for one that cannot
// be read; a file may open and hold damaged pages all the same, which Check finds.
// A bucket comes to be when it is first written.
func Open(path string, layouts []engine.Layout, opts Options) (*Engine, error) {
	var e *Engine
	err := guarded(func() (err error) {
		if err = refuseCut(path); err == nil {
			e, err = open(path, layouts, opts)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return e, nil
}

func open(path string, layouts []engine.Layout, opts Options) (*Engine, error) {
	_, statErr := os.Stat(path)
	file, err := bbolt.Open(path, 0o600, fileOptions(opts))
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, full(err)
	}
	file.AllocSize = growStep
	fault := checkMetas(file)
	if fault != nil && opts.Log != nil {
		opts.Log.Warn("store opened with a fault", "path", path, "error", fault)
	}
	if statErr != nil { // a new file: its name is made as durable as its content
		if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	e := &Engine{
		file: file, path: path, layouts: layouts, log: opts.Log,
		gather: cmp.Or(opts.Gather, gatheredBytes), versions: versions{all: map[int]*gathering{}},
	}
	err = e.refuseForeign()
	if err == nil {
		err = e.recall(fault)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	e.committer = engine.NewCommitter(e.transact, opts.Observe, broken)
	return e, nil
}

func fileOptions(opts Options) *bbolt.Options {
	o := &bbolt.Options{
		Timeout: lockTimeout,
		// Each commit writes the list of free pages, and a map is sorted first: with
		// 400,000 of them, after a busy backup or the deletion of many mails, a commit
		// took 70 ms with a map and 6 ms with an array. Not to write the list at all
		// (NoFreelistSync) is faster still, but then a start after a crash reads the
		// whole file, and so does each write refused for want of room; one damaged page
		// would end the process.
		FreelistType: bbolt.FreelistArrayType,
		NoStatistics: true,
		MaxSize:      int(opts.MaxSize),
		ReadOnly:     opts.ReadOnly,
	}
	if strconv.IntSize == 64 && !opts.ReadOnly {
		o.InitialMmapSize = mapSize
	}
	return o
}

// recall reads the journals of a file that was not closed, or of one copied meanwhile,
// and puts their rows in their places; in a file that opened with a fault they stay, so
// that Check finds it as it was.
func (e *Engine) recall(fault error) error {
	err := e.file.View(func(tx *bbolt.Tx) error {
		rows, err := e.readJournals(tx)
		if err == nil {
			e.versions.add(tx.ID(), rows)
		}
		return err
	})
	if err != nil || e.file.IsReadOnly() {
		return err
	}
	e.direct.Store(e.gather < 0 || fault != nil)
	if fault == nil {
		if err := e.placeAll(); err != nil {
			e.stopGathering(err)
		}
	}
	return nil
}

// stopGathering is called when rows cannot be put in their places.
func (e *Engine) stopGathering(why error) {
	e.direct.Store(true)
	if e.log != nil {
		e.log.Warn("gathered rows cannot be put in their places; no more are gathered until the next start",
			"path", e.path, "error", why)
	}
}

// Close implements engine.Engine: it closes the file when the last reader has left. It
// leaves no journal behind where every row can be put in its place.
func (e *Engine) Close() error {
	var err error
	e.once.Do(func() {
		e.committer.Close()
		if !e.file.IsReadOnly() && !e.direct.Load() {
			if err := e.placeAll(); err != nil {
				e.stopGathering(err)
			}
		}
		err = e.file.Close()
	})
	return err
}

// View implements engine.Engine.
func (e *Engine) View(ctx context.Context, read func(engine.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := guarded(func() error { return e.view(read) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return engine.ErrClosed
	}
	return err
}

// Update implements engine.Engine.
func (e *Engine) Update(ctx context.Context, plan engine.Plan, verb func(engine.Tx) error) error {
	return e.committer.Update(ctx, plan, verb)
}

// view runs read on what the file holds and the rows gathered that belong to it.
func (e *Engine) view(read func(engine.Tx) error) error {
	for known := false; ; {
		err := e.file.View(func(tx *bbolt.Tx) error {
			rows := e.versions.at(tx.ID())
			if known = rows != nil; !known {
				return nil // commits passed by meanwhile
			}
			return read(e.newTx(tx, rows))
		})
		if known || err != nil {
			return err
		}
	}
}

func (e *Engine) transact(body func(engine.Grouped) error) error {
	kept, err := e.commit(body)
	if err == nil || kept == 0 || e.direct.Load() || e.holds(kept) {
		return err
	}
	// What failed may be no fault of these verbs, but of rows that others left: then they
	// succeed alone.
	e.direct.Store(true)
	if _, again := e.commit(body); again != nil {
		e.direct.Store(false)
		return again
	}
	e.stopGathering(err)
	return nil
}

// commit runs body in one transaction, and returns its number where body did its part.
func (e *Engine) commit(body func(engine.Grouped) error) (kept int, err error) {
	err = full(guarded(func() error {
		return e.file.Update(func(tx *bbolt.Tx) error {
			t, err := e.newWriter(tx)
			if err == nil {
				err = body(t)
			}
			if err != nil {
				return err
			}
			kept = tx.ID()
			return e.keep(t)
		})
	}))
	return kept, err
}

// holds tells whether the file holds a transaction. Where the sync behind it failed it may,
// although its commit returned an error; the verbs must not run again then.
func (e *Engine) holds(id int) bool {
	holds := true
	err := guarded(func() error {
		return e.file.View(func(tx *bbolt.Tx) error { holds = tx.ID() >= id; return nil })
	})
	return err != nil || holds
}

func (e *Engine) keep(t *tx) error {
	if err := t.keep(e.gather); err != nil {
		return err
	}
	e.versions.add(t.bolt.ID(), t.rows)
	return nil
}

// placeAll puts all rows in their places.
func (e *Engine) placeAll() error {
	return full(guarded(func() error {
		empty := false
		err := e.file.View(func(tx *bbolt.Tx) error {
			empty = e.versions.at(tx.ID()).empty()
			return nil
		})
		if err != nil || empty {
			return err
		}
		return e.file.Update(func(tx *bbolt.Tx) error {
			t, err := e.newWriter(tx)
			if err == nil {
				err = t.placeAll()
			}
			if err != nil {
				return err
			}
			e.versions.add(tx.ID(), t.rows)
			return nil
		})
	}))
}

// copyPiece is how much of the file a snapshot reads and writes at once.
const copyPiece = 1 << 20

// Snapshot implements engine.Engine. Pages freed while it runs are not used again
// before it ends: the file grows, and each commit lists them until later ones have
// taken them. That costs the writers more than haste does, so it does not give way.
func (e *Engine) Snapshot(w io.Writer) (int64, error) {
	var n int64
	err := e.file.View(func(tx *bbolt.Tx) (err error) {
		pieces := bufio.NewWriterSize(w, copyPiece)
		if n, err = tx.WriteTo(pieces); err == nil {
			err = pieces.Flush()
		}
		return err
	})
	if err != nil {
		return n, fmt.Errorf("snapshot: %w", err)
	}
	return n, nil
}

// Committed implements engine.Engine.
func (e *Engine) Committed() <-chan struct{} { return e.committer.Committed() }

// GiveWay implements engine.Engine.
func (e *Engine) GiveWay(ctx context.Context, worked time.Duration) { e.committer.GiveWay(ctx, worked) }

// readPiece is how much of the file is read ahead before it gives way.
const readPiece = 4 << 20

// ReadAhead implements engine.Engine. The file is mapped so that the system reads the
// page alone that is asked for: to read every row of a file that is not in memory
// takes minutes where this takes seconds.
func (e *Engine) ReadAhead(ctx context.Context) error {
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	for buffer, n := make([]byte, readPiece), readPiece; n > 0; {
		start := time.Now()
		if n, err = f.Read(buffer); err != nil && err != io.EOF {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.GiveWay(ctx, time.Since(start))
	}
	return nil
}

// Check implements engine.Engine. It holds the writer's lock, where there are
// writers: the database's own check reads the list of free pages, which a writer
// changes.
func (e *Engine) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := e.file.Begin(!e.file.IsReadOnly())
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return engine.ErrClosed
	}
	if err != nil {
		return fmt.Errorf("check pages: %w", err)
	}
	defer tx.Rollback()
	faults := []error{checkMetas(e.file)}
	for err := range tx.Check() {
		if len(faults) < maxFaults {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// maxFaults is how many are told; a file with more is lost.
const maxFaults = 100

// refuseForeign refuses a file that holds buckets, and none of the layouts'.
func (e *Engine) refuseForeign() error {
	foreign := false
	err := e.file.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if isJournal(name) || slices.ContainsFunc(e.layouts, func(l engine.Layout) bool { return l.Name == string(name) }) {
				foreign = false
				return errKnown
			}
			foreign = true
			return nil
		})
	})
	if err != nil && !errors.Is(err, errKnown) {
		return err
	}
	if foreign {
		return errors.New("the file is a bbolt database, but not one of signpost's")
	}
	return nil
}

var errKnown = errors.New("a bucket of the layouts")

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
