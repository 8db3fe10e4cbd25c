package watch

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

func TestAPersonWhoWritesIsAnsweredOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.start()
		time.Sleep(time.Minute)
		h.deliver(letter("ann@partner.test", "one@partner.test"))
		synctest.Wait()
		h.decided(1, 1)
		answer := h.outbox()[0]
		if answer.To != "ann@partner.test" || answer.From != "partner-us.support@example.com" ||
			answer.InReplyTo != "one@partner.test" {
			t.Errorf("answer goes to %s from %s in reply to %s", answer.To, answer.From, answer.InReplyTo)
		}
		if h.kicks.Load() != 1 {
			t.Errorf("the sender was woken %d times, want once", h.kicks.Load())
		}
		time.Sleep(time.Hour)
		h.deliver(letter("ann@partner.test", "two@partner.test"))
		time.Sleep(time.Hour)
		h.decided(2, 1)
		if n := h.door.dialed.Load(); n != 1 {
			t.Errorf("dialled %d times in two hours, want once", n)
		}
	})
}

// Metrics learn of every cycle, verdict and lag.
func TestTheObserverIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		var cycles, faults, verdicts atomic.Int64
		h.deps.Observer = Observer{
			Cycle: func(mailbox string, _ time.Duration, err error) {
				if cycles.Add(1); err != nil || mailbox != "main" {
					faults.Add(1)
				}
			},
			Decided: func(row store.Inbound, lag time.Duration) {
				if row.Verdict.Kind == store.KindDirect && lag >= 0 && lag < time.Minute {
					verdicts.Add(1)
				}
			},
		}
		w, _ := h.start()
		time.Sleep(time.Minute)
		h.deliver(numbered(1))
		time.Sleep(time.Minute)
		if cycles.Load() == 0 || faults.Load() != 0 || verdicts.Load() != 1 {
			t.Errorf("%d cycles, %d faults, %d verdicts", cycles.Load(), faults.Load(), verdicts.Load())
		}
		got := w.Health()
		if got.State != StateIdle || got.Answered != 1 || got.UID != 1 || got.UIDValidity != 1 ||
			time.Since(got.LastCycle) > time.Minute {
			t.Errorf("health is %+v", got)
		}
	})
}
