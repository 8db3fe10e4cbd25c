package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
)

// farTx is a transaction of an engine at the other end of a wire; it knows what it was
// told to fetch, and has no rows.
type farTx struct {
	Frame
	Tx      // nil
	fetched []string
	err     error
}

func (t *farTx) Prefetch(rows []Row) error {
	for _, r := range rows {
		t.fetched = append(t.fetched, fmt.Sprintf("%d/%s", r.Bucket, r.Key))
	}
	return t.err
}

func (t *farTx) Shared(make func() Shared) Shared { return t.Frame.Shared(make) }
func (t *farTx) Touch()                           { t.Frame.Touch() }

// far is a committer over transactions that fail to fetch with err, and those it began.
func far(t *testing.T, err error) (c *Committer, begun func() []*farTx) {
	var txs []*farTx
	c = NewCommitter(func(body func(Grouped) error) error {
		tx := &farTx{err: err}
		txs = append(txs, tx)
		return body(tx)
	}, nil, func(p any) error { return fmt.Errorf("panic: %v", p) })
	t.Cleanup(c.Close)
	return c, func() []*farTx { return txs }
}

func reading(rows ...Row) Plan { return Plan{Reads: func() []Row { return rows }} }

func TestAGroupsReadsAreFetchedInOneTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, begun := far(t, nil)
		running, hold := make(chan struct{}), make(chan struct{})
		go c.Update(t.Context(), Plan{}, func(Tx) error { close(running); <-hold; return nil })
		<-running
		var all sync.WaitGroup
		for _, plan := range []Plan{
			reading(Row{0, []byte("a")}), {}, reading(), reading(Row{1, []byte("b")}, Row{0, []byte("a")}),
		} {
			all.Go(func() {
				err := c.Update(t.Context(), plan, func(tx Tx) error {
					if got := fmt.Sprint(tx.(*farTx).fetched); got != "[0/a 1/b 0/a]" {
						t.Errorf("when a verb ran, %s were fetched", got)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		close(hold)
		all.Wait()
		if got := begun(); len(got) != 2 || got[0].fetched != nil {
			t.Errorf("%d transactions, and one without a plan fetched", len(got))
		}
	})
}

func TestAFetchThatFailsFailsTheVerb(t *testing.T) {
	t.Parallel()
	cut := errors.New("the wire is cut")
	c, _ := far(t, cut)
	err := c.Update(context.Background(), reading(Row{0, []byte("a")}), func(Tx) error {
		t.Error("it ran")
		return nil
	})
	if !errors.Is(err, cut) {
		t.Errorf("got %v", err)
	}
}

// Those who wait look for work at each signal, by a verb: one that woke them when it
// found nothing to write would keep them looking for ever.
func TestAGroupThatWroteNothingWakesNone(t *testing.T) {
	t.Parallel()
	c, _ := far(t, nil)
	signal := c.Committed()
	woken := func() bool {
		select {
		case <-signal:
			return true
		default:
			return false
		}
	}
	failed := errors.New("it failed after it had written")
	for name, verb := range map[string]func(Tx) error{
		"reads":                 func(Tx) error { return nil },
		"fails":                 func(Tx) error { return failed },
		"writes and then fails": func(tx Tx) error { tx.Touch(); return failed },
	} {
		if err := c.Update(t.Context(), Plan{}, verb); name != "reads" && !errors.Is(err, failed) {
			t.Errorf("%s: got %v", name, err)
		}
		if woken() {
			t.Fatalf("woken by a verb that %s", name)
		}
	}
	if err := c.Update(t.Context(), Plan{}, func(tx Tx) error { tx.Touch(); return nil }); err != nil || !woken() {
		t.Errorf("not woken by a write (%v)", err)
	}
}
