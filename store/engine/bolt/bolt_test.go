package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/engine/enginetest"
)

// TestEngine holds for rows that are gathered, that are put in their places at once, and
// that are on their way all the time.
func TestEngine(t *testing.T) {
	for name, gather := range map[string]int{"gathering": 0, "at once": -1, "on the way": 100} {
		t.Run(name, func(t *testing.T) {
			enginetest.Run(t, func(t testing.TB, snapshot []byte) engine.Engine {
				path := filepath.Join(t.TempDir(), "rows.db")
				if snapshot != nil {
					if err := os.WriteFile(path, snapshot, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				e, err := Open(path, enginetest.Layouts(), Options{Gather: gather})
				if err != nil {
					t.Fatal(err)
				}
				return e
			})
		})
	}
}

// A version may have buckets that the next one does not know.
func TestAFileWithNoBucketOfOursIsRefused(t *testing.T) {
	t.Parallel()
	for buckets, opens := range map[string]bool{"": true, "alien": false, "alien first": true, "first zebra": true} {
		path := filepath.Join(t.TempDir(), "rows.db")
		file, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = file.Update(func(tx *bbolt.Tx) error {
			for name := range strings.FieldsSeq(buckets) {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		e, err := Open(path, enginetest.Layouts(), Options{})
		if err == nil {
			err = e.Close()
		}
		if opens != (err == nil) {
			t.Errorf("a file with the buckets %q: got %v", buckets, err)
		}
	}
}

func TestWhatNoRoomLooksLike(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC},
		fmt.Errorf("file resize error: %s", &os.PathError{Op: "truncate", Path: "f", Err: syscall.EFBIG}), // as bbolt says it
		syscall.EDQUOT,
	} {
		if !errors.Is(full(err), store.ErrFull) {
			t.Errorf("%v is not ErrFull", err)
		}
	}
	if full(nil) != nil || errors.Is(full(syscall.EIO), store.ErrFull) {
		t.Error("something else is ErrFull")
	}
}

// A group that does not fit says little of its small verbs.
func TestNoRoomForAGroupIsNoReasonToRefuseItsSmallVerbs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(filepath.Join(t.TempDir(), "rows.db"), enginetest.Layouts(), Options{MaxSize: 8 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		ctx, running, hold := context.Background(), make(chan struct{}), make(chan struct{})
		go e.Update(ctx, engine.Plan{}, func(engine.Tx) error { close(running); <-hold; return nil })
		<-running
		var errs [3]error
		var all sync.WaitGroup
		for i, size := range []int{1, 16 << 20, 1} {
			all.Go(func() {
				errs[i] = e.Update(ctx, engine.Plan{}, func(tx engine.Tx) error {
					return tx.Put(0, []byte{byte(i + 1)}, make([]byte, size))
				})
			})
		}
		synctest.Wait()
		close(hold)
		all.Wait()
		if errs[0] != nil || !errors.Is(errs[1], store.ErrFull) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
	})
}
