package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store/engine"
)

// held is an engine whose committer is held inside a transaction until release is
// called, so that a story can choose who waits together. It is called in a bubble.
func held(t *testing.T, open Opener) (r *rig, release func()) {
	t.Helper()
	r = start(t, open, nil)
	running, hold := make(chan struct{}), make(chan struct{})
	go r.Update(context.Background(), engine.Plan{}, func(engine.Tx) error {
		close(running)
		<-hold
		return nil
	})
	<-running
	return r, func() { close(hold) }
}

// together starts the verbs one after the other and returns what each got.
func together(r *rig, release func(), verbs ...func(engine.Tx) error) []error {
	errs := make([]error, len(verbs))
	var all sync.WaitGroup
	for i, verb := range verbs {
		all.Go(func() { errs[i] = r.Update(context.Background(), engine.Plan{}, verb) })
		synctest.Wait()
	}
	release()
	all.Wait()
	return errs
}

// tally is a count that verbs share.
type tally struct {
	tx engine.Tx
	n  int
	t  *testing.T
}

func (s *tally) Flush() error { return putAll(s.tx, first, fmt.Sprintf("tally=%d flushed=yes", s.n)) }

// counts adds to the tally of its transaction, and fails with err.
func counts(t *testing.T, err error) func(engine.Tx) error {
	return func(tx engine.Tx) error {
		s := tx.Shared(func() engine.Shared {
			kept := &tally{tx: tx, t: t}
			fmt.Sscan(string(tx.Get(first, []byte("tally"))), &kept.n)
			return kept
		}).(*tally)
		s.n++
		tx.Touch()
		return err
	}
}

func sharedCommit(t *testing.T, open Opener) {
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		made := 0
		verb := func(tx engine.Tx) error {
			tx.Shared(func() engine.Shared { made++; return &tally{tx: tx} })
			return nil
		}
		var verbs []func(engine.Tx) error
		for range engine.GroupVerbs + 3 {
			verbs = append(verbs, verb)
		}
		if err := errors.Join(together(r, release, verbs...)...); err != nil {
			t.Fatal(err)
		}
		if made != 2 {
			t.Errorf("%d verbs that waited took %d transactions, want 2", len(verbs), made)
		}
	})
}

func sharedState(t *testing.T, open Opener) {
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		refused := errors.New("refused")
		errs := together(r, release, counts(t, nil), counts(t, refused), counts(t, nil),
			func(tx engine.Tx) error { return refused })
		r.same(fmt.Sprint(errs), "[<nil> refused <nil> refused]")
		r.same(r.holds(first), "flushed=yes tally=2")
	})
}

func failingVerbs(t *testing.T, open Opener) {
	refused := errors.New("refused")
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		errs := together(r, release,
			putting("a"),
			func(engine.Tx) error { return refused },
			func(tx engine.Tx) error { return errors.Join(putting("half")(tx), refused) },
			putting("b"),
			func(tx engine.Tx) error { _ = putting("worse")(tx); panic("a fault of ours") },
			func(tx engine.Tx) error { _ = putting("worst")(tx); return tx.Put(first, nil, nil) },
			putting("c"),
		)
		for i, want := range []string{"", "refused", "refused", "", "panic in the store: a fault of ours", "key", ""} {
			if got := errs[i]; (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
				t.Errorf("verb %d returned %v, want %q", i, got, want)
			}
		}
		r.same(r.holds(first), "a= b= c=")
	})
}

func withdrawn(t *testing.T, open Opener) {
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() { gone <- r.Update(ctx, engine.Plan{}, putting("withdrawn")) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("withdrawn: %v", err)
		}
		if errs := together(r, release, putting("stays")); errs[0] != nil {
			t.Error(errs[0])
		}
		r.same(r.holds(first), "stays=")
	})
}

func begun(t *testing.T, open Opener) {
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		ctx, cancel := context.WithCancel(context.Background())
		errs, commit := make(chan error, 1), make(chan struct{})
		go func() {
			errs <- r.Update(ctx, engine.Plan{}, func(tx engine.Tx) error {
				cancel() // its caller gives up in the middle
				<-commit
				return putting("begun")(tx)
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
		r.same(r.holds(first), "begun=")
	})
}

func givingWay(t *testing.T, open Opener) {
	synctest.Test(t, func(t *testing.T) {
		r, release := held(t, open)
		rest := func(ctx context.Context, worked time.Duration) time.Duration {
			start := time.Now()
			r.GiveWay(ctx, worked)
			return time.Since(start)
		}
		short, long := rest(t.Context(), 10*time.Millisecond), rest(t.Context(), 20*time.Millisecond)
		if short < 10*time.Millisecond || long != 2*short {
			t.Errorf("after 10 ms of work beside a verb it rested %v, after 20 ms %v", short, long)
		}
		if hours := rest(t.Context(), time.Hour); hours > time.Second {
			t.Errorf("one rest took %v", hours)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got := rest(ctx, 20*time.Millisecond); got > time.Millisecond {
			t.Errorf("a rest outlived its context by %v", got)
		}
		release()
		synctest.Wait()
		if got := rest(t.Context(), 20*time.Millisecond); got != 0 {
			t.Errorf("while no verb waits it rested %v", got)
		}
	})
}
