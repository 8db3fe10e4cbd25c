package outbox

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

func TestStopLetsDialoguesEndAndPutsTheRestBack(t *testing.T) {
	p := newPeer(nil)
	p.pause = map[string]time.Duration{"DOT": 5 * time.Second}
	story(t, p, func(c *Config) { c.PerDomain = -1 }, func(d *desk) {
		for i := range 40 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@partner.example", i))
		}
		d.Kick()
		time.Sleep(time.Second)
		begun := time.Now()
		d.stop()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if sent, queued := d.box.count(store.StateSent), d.box.count(store.StateQueued); sent != 4 || queued != 36 {
			t.Errorf("%d sent, %d queued, want 4 and 36", sent, queued)
		}
		for _, row := range d.box.waiting() {
			if row.DueAt.After(time.Now()) {
				t.Errorf("outbound %d waits until %v for no reason", row.ID, row.DueAt)
			}
		}
		synctest.Wait() // the relay hears of the goodbye
		if p.connections() != 0 {
			t.Errorf("%d connections left open", p.connections())
		}
	})
}

func TestStopBreaksOffADialogueThatHangs(t *testing.T) {
	for at, want := range map[string]store.OutboundState{"RCPT": store.StateQueued, "DOT": store.StateUnknown} {
		t.Run(at, func(t *testing.T) {
			p := newPeer(map[string]string{at: silence})
			story(t, p, nil, func(d *desk) {
				mail := d.post(store.MailConfirmation, "ana@partner.example")
				answer := d.post(store.MailAutoResponse, "ben@stranger.example")
				time.Sleep(time.Second)
				begun := time.Now()
				d.stop()
				if took := time.Since(begun); took != 10*time.Second {
					t.Errorf("the stop took %v, want the grace of 10 s", took)
				}
				if row := d.want(t, mail, store.StateQueued); row.DueAt.After(time.Now()) {
					t.Errorf("the mail waits until %v", row.DueAt)
				}
				d.want(t, answer, want)
			})
		})
	}
}

// A store that cannot write must not hold up the stop beyond its grace.
func TestStopWhileTheStoreCannotWrite(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		d.box.mu.Lock()
		d.box.fault = store.ErrFull
		d.box.mu.Unlock()
		for i := range 100 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
		}
		d.Kick()
		time.Sleep(time.Minute)
		begun := time.Now()
		d.stop()
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

// A process that dies leaves its claims; the next one takes a ticket's mail up
// when the lease is over, and lets an answer be.
func TestNextProcessTakesOverAfterACrash(t *testing.T) {
	p := newPeer(nil)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newMemory()
		mail := box.add(store.MailConfirmation, "ana@partner.example")
		answer := box.add(store.MailAutoResponse, "ben@stranger.example")
		lease := Config{}.withDefaults().leases()
		rows, err := box.ClaimOutbound(t.Context(), time.Now(), store.Claim{Limit: 10, Lease: lease})
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		d := atWork(t, box, p, nil)
		time.Sleep(lease.Of(1) - time.Second)
		d.want(t, mail, store.StateClaimed)
		time.Sleep(2 * time.Second)
		d.want(t, mail, store.StateSent)
		d.want(t, answer, store.StateUnknown)
		d.stop()
		synctest.Wait()
	})
}

func TestIdleSenderDoesNothing(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(time.Hour)
		d.want(t, id, store.StateSent)
		claims := d.box.claimed()
		time.Sleep(30 * 24 * time.Hour)
		if d.box.claimed() != claims {
			t.Errorf("claimed %d times in an idle month", d.box.claimed()-claims)
		}
	})
}
