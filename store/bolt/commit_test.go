package bolt

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

// stopped is a store whose committer is held inside a transaction until release
// is called, so that a test can choose who waits together.
func stopped(t *testing.T, opts Options) (db *DB, release func()) {
	t.Helper()
	db = openNew(t, opts)
	t.Cleanup(func() { checkAndClose(t, db) })
	running, held := make(chan struct{}), make(chan struct{})
	go db.write(context.Background(), 0, func(*txn) error {
		close(running)
		<-held
		return nil
	})
	<-running
	return db, func() { close(held) }
}

func checkAndClose(t testing.TB, db *DB) {
	t.Helper()
	if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
		t.Error(err)
	}
}

// together starts the verbs one after the other and returns what each got.
func together(db *DB, release func(), verbs ...func(*txn) error) []error {
	errs := make([]error, len(verbs))
	var wg sync.WaitGroup
	for i, verb := range verbs {
		wg.Go(func() { errs[i] = db.write(context.Background(), 0, verb) })
	}
	synctest.Wait()
	release()
	wg.Wait()
	return errs
}

func putting(key string) func(*txn) error {
	return func(t *txn) error { return t.put(bMeta, []byte(key), []byte("x")) }
}

func metaKeys(t *testing.T, db *DB) string {
	t.Helper()
	var keys []string
	err := db.read(context.Background(), func(x *txn) error {
		return x.walk(bMeta, nil, nil, func(key, _ []byte) (bool, error) {
			keys = append(keys, string(key))
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(keys, " ")
}

func TestVerbsThatWaitShareACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var groups []int
		db, release := stopped(t, Options{Observe: func(n int, _ time.Duration) { groups = append(groups, n) }})
		var verbs []func(*txn) error
		for range groupVerbs + 3 {
			verbs = append(verbs, putting("k"))
		}
		if err := errors.Join(together(db, release, verbs...)...); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, groupVerbs, 3}; len(groups) != 3 || groups[0] != want[0] || groups[1] != want[1] || groups[2] != want[2] {
			t.Errorf("groups of %v, want %v", groups, want)
		}
	})
}

func TestAVerbThatFailsLeavesItsNeighboursAlone(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	synctest.Test(t, func(t *testing.T) {
		db, release := stopped(t, Options{})
		errs := together(db, release,
			putting("a"),
			func(*txn) error { return refused },
			func(x *txn) error { return errors.Join(putting("half")(x), refused) },
			putting("b"),
			func(x *txn) error { _ = putting("worse")(x); panic("a fault of ours") },
			func(x *txn) error { _ = putting("worst")(x); return putting("")(x) },
			putting("c"),
		)
		for i, want := range []string{"", "refused", "refused", "", "panic in the store: a fault of ours", "key required", ""} {
			if got := errs[i]; (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
				t.Errorf("verb %d returned %v, want %q", i, got, want)
			}
		}
		if keys := metaKeys(t, db); keys != "a b c schema" {
			t.Errorf("written: %s", keys)
		}
	})
}

func TestAVerbWithdrawnWhileItWaitsNeverRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, release := stopped(t, Options{})
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() { gone <- db.write(ctx, 0, putting("withdrawn")) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("withdrawn: %v", err)
		}
		if errs := together(db, release, putting("stays")); errs[0] != nil {
			t.Error(errs[0])
		}
		if keys := metaKeys(t, db); keys != "schema stays" {
			t.Errorf("written: %s", keys)
		}
	})
}

func TestAVerbOnceBegunIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, release := stopped(t, Options{})
		ctx, cancel := context.WithCancel(context.Background())
		errs, commit := make(chan error, 1), make(chan struct{})
		go func() {
			errs <- db.write(ctx, 0, func(x *txn) error {
				cancel() // its caller gives up in the middle
				<-commit
				return putting("begun")(x)
			})
		}()
		synctest.Wait()
		release()
		synctest.Wait()
		if len(errs) > 0 {
			t.Errorf("told %v before it was committed", <-errs)
		}
		close(commit)
		if err := <-errs; err != nil {
			t.Errorf("committed, yet told %v", err)
		}
		if keys := metaKeys(t, db); keys != "begun schema" {
			t.Errorf("written: %s", keys)
		}
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	t.Parallel()
	db := openNew(t, Options{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				err := db.write(context.Background(), 0, putting("k"))
				if err != nil {
					if !errors.Is(err, errClosed) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	for {
		mu.Lock()
		enough := done > 100
		mu.Unlock()
		if enough {
			break
		}
		if err := db.write(context.Background(), 0, putting("mine")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if _, err := db.Stats(context.Background()); !errors.Is(err, errClosed) {
		t.Errorf("a read after Close: %v", err)
	}
	if err := db.Check(context.Background()); err == nil {
		t.Error("a check after Close found everything in order")
	}
}

func TestNoRoomForAGroupIsNoReasonToRefuseItsSmallVerbs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, release := stopped(t, Options{MaxSize: 8 << 20})
		huge := make([]byte, 16<<20)
		errs := together(db, release, putting("a"), func(x *txn) error { return x.put(bMeta, []byte("huge"), huge) }, putting("b"))
		if errs[0] != nil || !errors.Is(errs[1], store.ErrFull) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
		if keys := metaKeys(t, db); keys != "a b schema" {
			t.Errorf("written: %s", keys)
		}
	})
}
