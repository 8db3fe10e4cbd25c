package watch

import (
	"testing"
	"testing/synctest"
	"time"
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
		if answer.To != "ann@partner.test" || answer.From != "partner-us.support@example.com" || answer.InReplyTo != "one@partner.test" {
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
