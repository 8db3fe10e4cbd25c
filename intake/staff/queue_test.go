package staff

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// oneHash is how long a hash takes in these stories.
const oneHash = 50 * time.Millisecond

func from(address string) client { return client{addr: netip.MustParseAddr(address)} }

// flood sends so many clients into the queue at once.
func flood(t *testing.T, q *queue, n int, who func(i int) client) (served *atomic.Int64) {
	served = new(atomic.Int64)
	for i := range n {
		go func() {
			if q.do(t.Context(), who(i), func() { time.Sleep(oneHash) }) == nil {
				served.Add(1)
			}
		}()
	}
	synctest.Wait()
	return served
}

// waits is how long a client waits for its hash to be done.
func waits(t *testing.T, q *queue, c client) (time.Duration, error) {
	began := time.Now()
	err := q.do(t.Context(), c, func() { time.Sleep(oneHash) })
	return time.Since(began), err
}

// TestAFloodFromOneNetworkDelaysAnotherByOneTurn: also one that comes from 500 of
// its 65,536 smallest networks.
func TestAFloodFromOneNetworkDelaysAnotherByOneTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(hashesAtOnce)
		served := flood(t, q, 500, func(i int) client { return from(fmt.Sprintf("2001:db8:0:%x::1", i)) })
		if took, err := waits(t, q, from("192.0.2.1")); err != nil || took > 2*oneHash {
			t.Errorf("a client of another network waited %v, %v", took, err)
		}
		if _, err := waits(t, q, from("2001:db8:0:ffff::1")); err != nil && !errors.Is(err, errLine) {
			t.Errorf("one more of the flood: %v", err)
		}
		time.Sleep(hashWait)
		if n := served.Load(); n != maxLine+hashesAtOnce {
			t.Errorf("%d of the flood were served", n)
		}
	})
}

func TestAFloodFromManyNetworksDelaysByAFewSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(hashesAtOnce)
		// Networks of a few clients each fill the lines; who comes later from one
		// more network takes the place of the last of the longest.
		flood(t, q, 500, func(i int) client { return from(fmt.Sprintf("198.51.%d.%d", i%60, 1+i/60)) })
		known := client{addr: netip.MustParseAddr("198.51.0.1"), device: "ana's"}
		if took, err := waits(t, q, known); err != nil || took > 2*oneHash {
			t.Errorf("a known device in a network of the flood waited %v, %v", took, err)
		}
		if took, err := waits(t, q, from("192.0.2.1")); err != nil || took > 2*time.Second {
			t.Errorf("a client of a network of its own waited %v, %v", took, err)
		}
		time.Sleep(time.Minute)
	})
}

func TestLinesAreServedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		var order []int
		serve := func(address string) {
			go func() {
				_ = q.do(t.Context(), from(address), func() {
					order = append(order, int(netip.MustParseAddr(address).As4()[2]))
					time.Sleep(oneHash)
				})
			}()
			synctest.Wait()
		}
		for _, address := range []string{"192.0.9.1", "192.0.1.1", "192.0.1.2", "192.0.1.3", "192.0.2.1", "192.0.2.2",
			"192.0.3.1"} {
			serve(address)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if fmt.Sprint(order) != "[9 1 2 3 1 2 1]" {
			t.Errorf("networks were served in the order %v", order)
		}
	})
}

// TestWaitingEnds when the client goes, or after hashWait, and leaves the place to
// others.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		release := make(chan struct{})
		go func() { _ = q.do(t.Context(), from("192.0.2.1"), func() { <-release }) }()
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.do(gone, from("192.0.2.1"), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that went: %v", err)
		}
		began := time.Now()
		if err := q.do(t.Context(), from("192.0.2.1"), nil); !errors.Is(err, errBusy) || time.Since(began) != hashWait {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(release)
		synctest.Wait()
		if q.idle != 1 || q.lanes[1].waiting != 0 || len(q.lanes[1].order) != 0 || len(q.lanes[1].lines) != 0 {
			t.Errorf("the queue is left as %+v", q)
		}
	})
}

// TestTheQueueIsWholeAfterAnyFlood: who gives up at the moment of their turn hands
// it on, and all turns come back.
func TestTheQueueIsWholeAfterAnyFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(hashesAtOnce)
		var atOnce, most atomic.Int64
		for i := range 400 {
			go func() {
				time.Sleep(time.Duration(i%7) * oneHash / 2)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*oneHash)
				defer cancel()
				c := from(fmt.Sprintf("198.51.%d.1", i%40))
				if i%9 == 0 {
					c.device = fmt.Sprint(i % 3)
				}
				_ = q.do(ctx, c, func() {
					most.Store(max(most.Load(), atOnce.Add(1)))
					time.Sleep(oneHash)
					atOnce.Add(-1)
				})
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if q.idle != hashesAtOnce || most.Load() != hashesAtOnce {
			t.Errorf("%d turns are idle at the end, %d ran at once", q.idle, most.Load())
		}
		for _, l := range q.lanes {
			if l.waiting != 0 || len(l.order) != 0 || len(l.lines) != 0 {
				t.Errorf("a lane is left as %+v", l)
			}
		}
	})
}
