// Package enginetest is the one suite that every engine passes: a story for each
// sentence of its contract, and a property test of random transactions against a
// plain model. An engine's test calls Run.
package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"signpost/store/engine"
)

// The buckets that the suite uses, and Layouts are theirs.
const (
	first engine.Bucket = iota
	second
)

// Layouts are what an engine is opened with for the suite.
func Layouts() []engine.Layout {
	return []engine.Layout{{Name: "first"}, {Name: "second", Appends: true, Long: true}}
}

// Opener opens an engine with Layouts: an empty one, or, when snapshot is not nil,
// one that holds what the snapshot does. The suite closes it.
type Opener func(t testing.TB, snapshot []byte) engine.Engine

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	for name, story := range map[string]func(*testing.T, Opener){
		"Rows are kept in order":                               rowsInOrder,
		"A walk keeps to its prefix and its bounds":            walks,
		"Keys no engine takes are refused":                     keys,
		"Numbers have no gaps":                                 numbers,
		"A reader sees the instant at which it began":          snapshotIsolation,
		"A reader cannot write":                                readersCannotWrite,
		"Transactions have one order":                          oneOrder,
		"Verbs that wait share a commit":                       sharedCommit,
		"What verbs share is written once":                     sharedState,
		"A verb that fails leaves its neighbours alone":        failingVerbs,
		"A verb withdrawn while it waits never runs":           withdrawn,
		"A verb once begun is reported when it is durable":     begun,
		"A commit wakes those who wait for one":                wakes,
		"Work in no hurry rests while verbs wait":              givingWay,
		"What is read ahead is as it was":                      readAhead,
		"Close answers everybody":                              closing,
		"A snapshot holds the instant at which it was written": snapshots,
		"Random transactions agree with a model":               agreesWithModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, open)
		})
	}
}

// rig is an engine and what a story needs to use it.
type rig struct {
	*testing.T
	engine.Engine
}

func start(t *testing.T, open Opener, snapshot []byte) *rig {
	t.Helper()
	r := &rig{t, open(t, snapshot)}
	t.Cleanup(func() {
		if err := r.Check(context.Background()); err != nil && !errors.Is(err, engine.ErrClosed) {
			t.Errorf("the engine's own check: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func (r *rig) update(verb func(engine.Tx) error) {
	r.Helper()
	if err := r.Update(context.Background(), engine.Plan{}, verb); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) view(read func(engine.Tx) error) {
	r.Helper()
	if err := r.View(context.Background(), read); err != nil {
		r.Fatal(err)
	}
}

// puts writes rows, a key and a value in each word, joined by "=".
func (r *rig) puts(b engine.Bucket, rows string) {
	r.Helper()
	r.update(func(tx engine.Tx) error { return putAll(tx, b, rows) })
}

func putAll(tx engine.Tx, b engine.Bucket, rows string) error {
	for row := range strings.FieldsSeq(rows) {
		key, value, _ := strings.Cut(row, "=")
		if err := tx.Put(b, []byte(key), []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func putting(row string) func(engine.Tx) error {
	return func(tx engine.Tx) error { return putAll(tx, first, row) }
}

// holds is what a bucket holds, as puts writes it.
func (r *rig) holds(b engine.Bucket) (rows string) {
	r.Helper()
	r.view(func(tx engine.Tx) error {
		rows = walked(tx.Walk, b, nil, nil)
		return nil
	})
	return rows
}

func walked(
	walk func(engine.Bucket, []byte, []byte, engine.Visit) error, b engine.Bucket, prefix, bound []byte,
) string {
	var rows []string
	err := walk(b, prefix, bound, func(key, value []byte) (bool, error) {
		rows = append(rows, string(key)+"="+string(value))
		return true, nil
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(rows, " ")
}

func (r *rig) same(got, want string) {
	r.Helper()
	if got != want {
		r.Errorf("got  %s\nwant %s", got, want)
	}
}

func rowsInOrder(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.same(r.holds(second), "")
	r.puts(first, "b=2 a=1 c=3")
	r.puts(first, "a=one")
	r.same(r.holds(first), "a=one b=2 c=3")
	r.update(func(tx engine.Tx) error {
		err := errors.Join(tx.Delete(first, []byte("b")), tx.Delete(first, []byte("none")), tx.Delete(second, []byte("none")),
			tx.Put(first, []byte("d"), nil))
		if got := tx.Get(first, []byte("b")); got != nil {
			t.Errorf("a row deleted reads %q", got)
		}
		return err
	})
	r.same(r.holds(first), "a=one c=3 d=")
	r.view(func(tx engine.Tx) error {
		if got := tx.Get(first, []byte("d")); got == nil || len(got) > 0 {
			t.Errorf("an empty value reads %v", got)
		}
		if got := tx.Get(second, []byte("d")); got != nil {
			t.Errorf("a row of another bucket reads %q", got)
		}
		return nil
	})
}

func walks(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.puts(first, "a=0 b1=1 b2=2 b3=3 c=4")
	r.view(func(tx engine.Tx) error {
		for _, c := range []struct{ prefix, from, want string }{
			{"b", "", "b1=1 b2=2 b3=3"}, {"b", "b2", "b2=2 b3=3"}, {"b", "b21", "b3=3"}, {"b", "c", ""}, {"", "b3", "b3=3 c=4"},
			{"d", "", ""},
		} {
			r.same(walked(tx.Walk, first, []byte(c.prefix), []byte(c.from)), c.want)
		}
		for _, c := range []struct{ prefix, before, want string }{
			{"b", "b3", "b2=2 b1=1"}, {"b", "c", "b3=3 b2=2 b1=1"}, {"b", "b\xff", "b3=3 b2=2 b1=1"}, {"", "b2", "b1=1 a=0"},
			{"b", "b1", ""}, {"b", "d", ""},
		} {
			r.same(walked(tx.WalkBack, first, []byte(c.prefix), []byte(c.before)), c.want)
		}
		r.same(walked(tx.WalkBack, first, nil, nil), "c=4 b3=3 b2=2 b1=1 a=0")
		seen := 0
		stop := errors.New("stop")
		for _, walk := range []func(engine.Bucket, []byte, []byte, engine.Visit) error{tx.Walk, tx.WalkBack} {
			if err := walk(first, nil, nil, func(_, _ []byte) (bool, error) { seen++; return false, nil }); err != nil {
				t.Error(err)
			}
			if err := walk(first, nil, nil, func(_, _ []byte) (bool, error) { seen++; return true, stop }); !errors.Is(err,
				stop) {
				t.Errorf("a visit's error became %v", err)
			}
		}
		if seen != 4 {
			t.Errorf("walks that were stopped visited %d rows, want 4", seen)
		}
		return nil
	})
}

func keys(t *testing.T, open Opener) {
	r := start(t, open, nil)
	for _, n := range []int{0, 32769} {
		err := r.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
			return tx.Put(first, make([]byte, n), nil)
		})
		if err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
	long := bytes.Repeat([]byte{7}, 32768)
	r.update(func(tx engine.Tx) error { return tx.Put(first, long, []byte("long")) })
	r.view(func(tx engine.Tx) error {
		if string(tx.Get(first, long)) != "long" || tx.Get(first, nil) != nil {
			t.Error("a key of 32,768 bytes is not found, or none is")
		}
		return nil
	})
}

func numbers(t *testing.T, open Opener) {
	r := start(t, open, nil)
	next := func(n uint64, fail error) {
		t.Helper()
		err := r.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
			last := tx.Last(second)
			got, err := tx.Next(second)
			if got != n || last != n-1 || tx.Last(second) != n {
				t.Errorf("after %d came %d, then the last is %d; want %d", last, got, tx.Last(second), n)
			}
			return errors.Join(err, fail)
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	next(1, nil)
	next(2, errors.New("this one is given back"))
	next(2, nil)
	r.view(func(tx engine.Tx) error {
		r.same(fmt.Sprint(tx.Last(first), tx.Last(second)), "0 2")
		return nil
	})
}

func snapshotIsolation(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.puts(first, "a=1")
	r.view(func(tx engine.Tx) error {
		for i := range 50 { // while it reads, others write
			r.puts(first, fmt.Sprintf("a=new b%d=new", i))
			r.update(func(tx engine.Tx) error { _, err := tx.Next(first); return err })
		}
		r.same(walked(tx.Walk, first, nil, nil)+fmt.Sprint(tx.Last(first)), "a=10")
		return nil
	})
	r.view(func(tx engine.Tx) error {
		r.same(string(tx.Get(first, []byte("a")))+fmt.Sprint(tx.Last(first)), "new50")
		return nil
	})
}

func readersCannotWrite(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.puts(first, "a=1")
	r.view(func(tx engine.Tx) error {
		_, err := tx.Next(first)
		for what, err := range map[string]error{"put": tx.Put(first, []byte("b"), nil),
			"delete": tx.Delete(first, []byte("a")), "next": err} {
			if err == nil {
				t.Errorf("%s was taken from a reader", what)
			}
		}
		return nil
	})
	r.same(r.holds(first), "a=1")
}

func oneOrder(t *testing.T, open Opener) {
	r := start(t, open, nil)
	const writers, each = 16, 20
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for range each {
				err := r.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
					var n int
					fmt.Sscan(string(tx.Get(first, []byte("sum"))), &n)
					return errors.Join(putAll(tx, first, fmt.Sprintf("sum=%d", n+1)), putAll(tx, first, fmt.Sprintf("w%d=%d", w, n+1)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r.view(func(tx engine.Tx) error {
		r.same(string(tx.Get(first, []byte("sum"))), fmt.Sprint(writers*each))
		return nil
	})
}

func wakes(t *testing.T, open Opener) {
	r := start(t, open, nil)
	closed := func(signal <-chan struct{}) bool {
		select {
		case <-signal:
			return true
		default:
			return false
		}
	}
	one, other := r.Committed(), r.Committed()
	r.view(func(engine.Tx) error { return nil })
	if closed(one) || closed(other) {
		t.Error("woken by a reader")
	}
	r.puts(first, "a=1")
	<-one
	<-other
	r.same(r.holds(first), "a=1")
	if closed(r.Committed()) {
		t.Error("woken by what was committed before it waited")
	}
}

func readAhead(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.puts(first, "a=1 b=2")
	if err := r.ReadAhead(t.Context()); err != nil {
		t.Error(err)
	}
	r.same(r.holds(first), "a=1 b=2")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.ReadAhead(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it any more, and it returned %v", err)
	}
}

func closing(t *testing.T, open Opener) {
	r := start(t, open, nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 16 {
		all.Go(func() {
			for {
				if err := r.Update(context.Background(), engine.Plan{}, putting("k")); err != nil {
					if !errors.Is(err, engine.ErrClosed) {
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
	for enough := false; !enough; {
		r.puts(first, "mine")
		mu.Lock()
		enough = done > 100
		mu.Unlock()
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := r.View(context.Background(), func(engine.Tx) error { return nil }); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
	if err := r.Check(context.Background()); err == nil {
		t.Error("a check after Close found everything in order")
	}
}

func snapshots(t *testing.T, open Opener) {
	r := start(t, open, nil)
	r.puts(first, "a=1 b=2")
	r.puts(second, "x=")
	r.update(func(tx engine.Tx) error { _, err := tx.Next(second); return err })
	var copied bytes.Buffer
	n, err := r.Snapshot(&copied)
	if err != nil || n != int64(copied.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, copied.Len(), err)
	}
	r.puts(first, "c=3")
	again := start(t, open, copied.Bytes())
	again.same(again.holds(first), "a=1 b=2")
	again.same(again.holds(second), "x=")
	again.update(func(tx engine.Tx) error {
		n, err := tx.Next(second)
		again.same(fmt.Sprint(n), "2")
		return err
	})
	full := errors.New("no room")
	if _, err := r.Snapshot(writer(func([]byte) (int, error) { return 0, full })); err == nil ||
		!strings.Contains(err.Error(), "no room") {
		t.Errorf("a snapshot that cannot be written: %v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
