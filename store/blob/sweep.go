package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"signpost/store"
)

// ErrHeld is returned by a Sweep that gave way to a Hold: try again later.
var ErrHeld = errors.New("blobs are held")

// Hold keeps every Sweep from deleting until the returned function is called:
// for a backup, which copies the store first and the blobs it names after. A
// Sweep under way ends with ErrHeld. Puts go on.
func (l *Local) Hold() (release func()) {
	l.sweeping.Lock()
	defer l.sweeping.Unlock()
	l.held++
	return sync.OnceFunc(func() {
		l.sweeping.Lock()
		defer l.sweeping.Unlock()
		l.held--
	})
}

// asked is how many hashes referenced is asked about at a time.
const asked = 256

// Sweep deletes the blobs last put or renewed before olderThan of which
// referenced says that nothing names them, and temporary files as old, which a
// crash left behind. It returns how many files it deleted and their bytes, also
// beside an error.
//
// olderThan must lie further back than the longest time between a put and the
// commit of the entry that names it, a day to be generous. A blob put again or
// renewed while Sweep runs is no longer old and stays.
func (l *Local) Sweep(ctx context.Context, olderThan time.Time,
	referenced func(context.Context, []store.BlobHash) ([]bool, error)) (files int, bytes int64, err error) {
	s := sweep{local: l, olderThan: olderThan, referenced: referenced}
	err = s.temps(ctx)
	if err == nil {
		err = l.Walk(ctx, func(i Info) error { return s.consider(ctx, i) })
	}
	if err == nil {
		err = s.decide(ctx)
	}
	if err != nil {
		err = fmt.Errorf("sweep blobs: %w", err)
	}
	return s.files, s.bytes, err
}

// sweep is one run of Sweep.
type sweep struct {
	local      *Local
	olderThan  time.Time
	referenced func(context.Context, []store.BlobHash) ([]bool, error)

	old   []store.BlobHash // not yet asked about
	files int
	bytes int64
}

func (s *sweep) temps(ctx context.Context) error {
	return s.local.eachFile(ctx, tempDir, func(file string) error { return s.remove(path.Join(tempDir, file)) })
}

// consider takes up a blob that is old enough.
func (s *sweep) consider(ctx context.Context, i Info) error {
	if !i.Modified.Before(s.olderThan) {
		return nil
	}
	if s.old = append(s.old, i.Hash); len(s.old) < asked {
		return nil
	}
	return s.decide(ctx)
}

// decide deletes those taken up that nothing names.
func (s *sweep) decide(ctx context.Context) error {
	if len(s.old) == 0 {
		return nil
	}
	named, err := s.referenced(ctx, s.old)
	if err != nil {
		return err
	}
	if len(named) != len(s.old) {
		return fmt.Errorf("asked about %d blobs, told about %d: %w", len(s.old), len(named), store.ErrInvalid)
	}
	for i, hash := range s.old {
		if named[i] {
			continue
		}
		if err := s.remove(Path(hash)); err != nil {
			return err
		}
	}
	s.old = s.old[:0]
	return nil
}

// remove deletes a file if it is old at this very moment and nothing is held.
func (s *sweep) remove(file string) error {
	s.local.sweeping.Lock()
	defer s.local.sweeping.Unlock()
	if s.local.held > 0 {
		return ErrHeld
	}
	info, err := s.local.root.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(s.olderThan) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.local.root.Remove(file); err != nil {
		return err
	}
	s.files++
	s.bytes += info.Size()
	return nil
}
