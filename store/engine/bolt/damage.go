package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"signpost/store/engine"
)

// guarded runs what reads pages. Where one is damaged the database panics, or
// follows a pointer out of the file: an error then, since one rotten page must not
// end the service for everybody else.
func guarded(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = broken(p)
		}
	}()
	return read()
}

// broken is the error of a panic, for the function that recovered it: engine.ErrDamaged
// where the database panicked or memory could not be read. Any other is a fault of
// ours, which no backup mends, and comes with its stack.
func broken(p any) error {
	if _, fault := p.(interface{ Addr() uintptr }); fault || databasePanicked() {
		return fmt.Errorf("%w: %v", engine.ErrDamaged, p)
	}
	return fmt.Errorf("panic in the store: %v\n%s", p, debug.Stack())
}

// databasePanicked tells, while a panic is being recovered, whether the function
// that panicked is the database's.
func databasePanicked() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	panicking := false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			return strings.HasPrefix(f.Function, "go.etcd.io/bbolt")
		}
	}
	return false
}

// refuseCut refuses a file that is shorter than what it says it holds: the rest
// was never copied, or is lost. Opened for writing its lost pages would be read
// before anything could be said.
func refuseCut(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0:
		return nil
	case err != nil:
		return err
	case info.Size() < 2*int64(os.Getpagesize()): // the two that say where all else lies
		return cutShort(info.Size(), 2*int64(os.Getpagesize()))
	}
	file, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: lockTimeout})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, berrors.ErrInvalid),
		errors.Is(err, berrors.ErrVersionMismatch),
		errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: its first pages are those of no database (%w)", engine.ErrDamaged, err)
	case err != nil:
		return err
	}
	defer file.Close()
	return file.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return cutShort(info.Size(), tx.Size())
		}
		return nil
	})
}

func cutShort(has, needs int64) error {
	return fmt.Errorf("%w: it is cut short, to %d bytes of at least %d", engine.ErrDamaged, has, needs)
}

// A file begins with two pages, written in turn by every other commit; each ends in
// a checksum of what it says. The bytes of a page are its header, what it says and
// the checksum.
const (
	metaFrom = 16
	metaSum  = 72
	metaEnd  = 80
)

// checkMetas finds a first page that is damaged. With one of them the database
// opens as the commit before the last, so the last may be missing from it: one that
// a crash cut off, and was never acknowledged, or one that was.
func checkMetas(file *bbolt.DB) error {
	f, err := os.Open(file.Path())
	if err != nil {
		return err
	}
	defer f.Close()
	for page := range int64(2) {
		var meta [metaEnd]byte
		if _, err := f.ReadAt(meta[:], page*int64(file.Info().PageSize)); err != nil {
			return err
		}
		sum := fnv.New64a()
		sum.Write(meta[metaFrom:metaSum])
		if sum.Sum64() != binary.NativeEndian.Uint64(meta[metaSum:]) {
			return fmt.Errorf("%w: its page %d; the store stands as of the commit before its last, perhaps", engine.ErrDamaged,
				page)
		}
	}
	return nil
}
