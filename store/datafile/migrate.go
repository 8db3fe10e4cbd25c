package datafile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"signpost/store"
	"signpost/store/durable"
	"signpost/store/engine/bolt"
	"signpost/store/verbs"
)

// A file of an older version is never changed: its rows are copied into a new file beside
// it (verbs.Migrate), which takes its name once it is whole, and the older one is kept under
// another until Forget. A crash at any instant leaves the older file under one of its two
// names; the next start then begins again.

const (
	newSuffix   = ".new" // the copy while it is made
	olderSuffix = ".older"
	// spare is how much room is asked for beside half as much again as the older file's
	// size: this version keeps indexes that older ones had not (measured: a sixth more).
	spare = 16 << 20
	// progressEvery is how often the log is told how far the copy came.
	progressEvery = 10 * time.Second
)

// Older is where the older file stays beside the one at path after a migration.
func Older(path string) string { return path + olderSuffix }

// Forget drops the file that a migration kept beside the one at path, if there is one: for
// a service that ran with the new one and stopped well.
func Forget(path string) error {
	if err := os.Remove(Older(path)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// resumed is the path of the older file: its other name where a crash came between the two
// renames that end a migration.
func resumed(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(Older(path)); err == nil {
			return Older(path)
		}
	}
	return path
}

// migration is one file on its way into this version.
type migration struct {
	path string // the data file's name
	from string // where the older file lies now
	log  *slog.Logger
	// reached is told of every step before it is taken; an error ends all, as a crash
	// would. For the stories alone.
	reached func(step string) error
	// free is how many bytes the disk has left, and whether that is known.
	free func(folder string) (uint64, bool)
}

// run makes the new file and puts it in the place of the older one, which is locked
// meanwhile against any other process.
func (m *migration) run(ctx context.Context) error {
	older, err := bolt.Open(m.from, verbs.OlderLayouts(), bolt.Options{Log: m.log})
	if err != nil {
		return err
	}
	err = m.copy(ctx, older)
	if err == nil {
		err = m.replace()
	}
	return errors.Join(err, older.Close())
}

// copy makes the new file, and drops what is left of one when it cannot.
func (m *migration) copy(ctx context.Context, older *bolt.Engine) (err error) {
	made := m.path + newSuffix
	if err := m.dropUnfinished(made); err != nil {
		return err
	}
	if err := m.enoughRoom(); err != nil {
		return err
	}
	m.log.Info("the data file is of an older version and is migrated; it is kept beside the new one until "+
		"the next clean stop", "path", m.path, "older", Older(m.path))
	defer func() {
		if err != nil && !errors.Is(err, errCrash) {
			err = errors.Join(err, m.dropUnfinished(made))
		}
	}()
	newer, err := bolt.Open(made, verbs.Layouts(), bolt.Options{Log: m.log, Gather: -1})
	if err != nil {
		return err
	}
	began := time.Now()
	err = verbs.Migrate(ctx, older, newer, m.progress())
	if err == nil {
		err = m.check(ctx, newer)
	}
	if err = errors.Join(err, newer.Close()); err != nil {
		return m.explain(err)
	}
	m.log.Info("the data file is migrated", "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// dropUnfinished removes what a migration that was cut short left.
func (m *migration) dropUnfinished(made string) error {
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// enoughRoom refuses a disk that could not hold both files.
func (m *migration) enoughRoom() error {
	info, err := os.Stat(m.from)
	if err != nil {
		return err
	}
	needed := uint64(info.Size())*3/2 + spare
	if free, known := m.free(filepath.Dir(m.path)); known && free < needed {
		return fmt.Errorf("%w: the data file is of an older version and is copied into a new one, which needs %d MiB free "+
			"beside it; there are %d MiB: make room for %d MiB more and start again", store.ErrFull,
			mebibytes(needed), free>>20, mebibytes(needed-free))
	}
	return nil
}

func mebibytes(n uint64) uint64 { return (n + 1<<20 - 1) >> 20 }

// explain says of a full disk that it may hold two files for a while.
func (m *migration) explain(err error) error {
	if errors.Is(err, store.ErrFull) {
		return fmt.Errorf("the new data file beside the older one found no room: %w", err)
	}
	return err
}

// progress logs now and then how far the copy came.
func (m *migration) progress() func(bucket string, rows uint64) error {
	last := time.Now()
	return func(bucket string, rows uint64) error {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			m.log.Info("migrating the data file", "rows", rows, "now", bucket)
		}
		return m.reached("copied " + bucket)
	}
}

// check reads the whole copy. Pages that do not read end the migration; rows that
// contradict one another did so in the older file, which served all the same.
func (m *migration) check(ctx context.Context, newer *bolt.Engine) error {
	if err := m.reached("check"); err != nil {
		return err
	}
	if err := newer.Check(ctx); err != nil {
		return fmt.Errorf("the new data file is not sound: %w", err)
	}
	if err := verbs.CheckRows(ctx, newer); err != nil {
		m.log.Warn("the data file contradicts itself, as it did before the migration", "error", err)
	}
	return nil
}

// replace gives the older file its other name and the new one the data file's.
func (m *migration) replace() error {
	if err := m.reached("keep the older"); err != nil {
		return err
	}
	if m.from != Older(m.path) {
		if err := durable.Rename(m.from, Older(m.path)); err != nil {
			return err
		}
	}
	if err := m.reached("take its place"); err != nil {
		return err
	}
	if err := durable.Rename(m.path+newSuffix, m.path); err != nil {
		return err
	}
	return m.reached("done")
}

// errCrash stands for the end of the process, in the stories.
var errCrash = errors.New("the process ended")
