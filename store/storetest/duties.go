package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"signpost/store"
)

func dutyStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A duty is one process's until its lease runs out":      dutyHeld,
		"A duty that is given up is free at once":               dutyGivenUp,
		"What acts for a duty that was lost writes nothing":     dutyFenced,
		"Of many that take a duty at once one has it":           dutyRace,
		"What is no duty is refused":                            dutyRefused,
		"A sealed token is kept as it is, until it is replaced": tokenKept,
	}
}

func dutyHeld(d *desk) {
	one := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/us", "one", time.Minute))
	d.same(one, store.Duty{Name: "watch/us", Owner: "one", Fence: 1, Until: d.at().Add(time.Minute)})
	_, err := d.TakeDuty(d.ctx, d.now, "watch/us", "two", time.Minute)
	d.wantErr(err, store.ErrConflict)
	if !strings.Contains(err.Error(), "one holds it") {
		d.Errorf("it does not say who holds it: %v", err)
	}
	must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/eu", "two", time.Minute)) // another duty
	d.pass(30 * time.Second)
	again := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/us", "one", time.Minute))
	d.same(again.Fence, one.Fence)
	d.pass(50 * time.Second)
	renewed := must[store.Duty](d)(d.RenewDuty(d.ctx, d.now, again, time.Minute))
	d.same(renewed.Until, d.at().Add(time.Minute))
	d.pass(time.Minute) // it is free now, and nobody took it
	d.same(must[[]store.Duty](d)(d.HeldDuties(d.ctx, d.now)), []store.Duty{})
	late := must[store.Duty](d)(d.RenewDuty(d.ctx, d.now, renewed, time.Minute))
	d.pass(time.Minute)
	two := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/us", "two", time.Minute))
	d.same(two.Fence, uint64(2))
	_, err = d.RenewDuty(d.ctx, d.now, late, time.Minute)
	d.wantErr(err, store.ErrConflict)
	d.same(must[[]store.Duty](d)(d.HeldDuties(d.ctx, d.now)), []store.Duty{two})
}

func dutyGivenUp(d *desk) {
	one := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "upkeep", "one", time.Minute))
	d.must(d.GiveUpDuty(d.ctx, one))
	two := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "upkeep", "two", time.Minute))
	d.same(two.Fence, one.Fence+1)
	d.must(d.GiveUpDuty(d.ctx, one)) // it is not one's any more
	d.same(must[[]store.Duty](d)(d.HeldDuties(d.ctx, d.now)), []store.Duty{two})
}

// dutyFenced: a watcher that lost its duty, and does not know yet, records nothing.
func dutyFenced(d *desk) {
	d.connects()
	held := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/us", "one", time.Minute))
	under := store.UnderDuty(d.ctx, held)
	rows := must[[]store.Inbound](d)(d.RecordInbound(under, d.now, []store.NewInbound{d.arrival(1)}))
	d.pass(time.Hour) // nobody took it: what it does still counts
	must[[]store.Inbound](d)(d.DecideInbound(under, d.now,
		[]store.Decision{{ID: rows[0].ID, Verdict: store.Verdict{Kind: store.KindSpam}}}))
	must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "watch/us", "two", time.Minute))
	_, err := d.RecordInbound(under, d.now, []store.NewInbound{d.arrival(2)})
	d.wantErr(err, store.ErrConflict)
	if all := must[[]store.Inbound](d)(d.lists().search(store.InboundQuery{})); len(all) != 1 {
		d.Errorf("the ledger holds %d mails", len(all))
	}
	must[store.Stats](d)(d.Stats(under)) // reading goes on
	d.must(d.GiveUpDuty(d.ctx, held))
	must[[]store.Inbound](d)(d.RecordInbound(d.ctx, d.now, []store.NewInbound{d.arrival(3)}))
}

func dutyRace(d *desk) {
	const processes = 16
	var mu sync.Mutex
	var holders []string
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			held, err := d.TakeDuty(d.ctx, d.now, "upkeep", fmt.Sprint("p", i), time.Minute)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				holders = append(holders, held.Owner)
			case !errors.Is(err, store.ErrConflict):
				d.Error(err)
			}
		})
	}
	wg.Wait()
	if len(holders) != 1 {
		d.Errorf("%v hold it", holders)
	}
}

func dutyRefused(d *desk) {
	for _, c := range []struct {
		name, owner string
		length      time.Duration
	}{
		{"", "one", time.Minute}, {"n", "", time.Minute}, {"n", "one", 0}, {"n", "one", store.DutyLength + 1},
		{"a\x00b", "one", time.Minute}, {strings.Repeat("n", store.MaxName+1), "one", time.Minute},
		{"n", "\xff", time.Minute}, {"n", strings.Repeat("o", store.MaxName+1), time.Minute},
	} {
		_, err := d.TakeDuty(d.ctx, d.now, c.name, c.owner, c.length)
		d.wantErr(err, store.ErrInvalid)
	}
	_, err := d.RenewDuty(d.ctx, d.now, store.Duty{Name: "n", Owner: "one", Fence: 1}, time.Minute)
	d.wantErr(err, store.ErrConflict) // it was never taken
}

func tokenKept(d *desk) {
	_, err := d.SealedToken(d.ctx, "google")
	d.wantErr(err, store.ErrNotFound)
	first, second := []byte("\x00\xff sealed"), []byte("sealed anew")
	d.must(d.PutSealedToken(d.ctx, d.now, "google", first))
	d.must(d.PutSealedToken(d.ctx, d.now, "other", second))
	d.same(must[[]byte](d)(d.SealedToken(d.ctx, "google")), first)
	d.must(d.PutSealedToken(d.ctx, d.now, "google", second))
	d.same(must[[]byte](d)(d.SealedToken(d.ctx, "google")), second)
	d.must(d.PutSealedToken(d.ctx, d.now, "google", nil))
	_, err = d.SealedToken(d.ctx, "google")
	d.wantErr(err, store.ErrNotFound)
	d.wantErr(d.PutSealedToken(d.ctx, d.now, "", first), store.ErrInvalid)
	d.wantErr(d.PutSealedToken(d.ctx, d.now, "a\x00", first), store.ErrInvalid)
	d.wantErr(d.PutSealedToken(d.ctx, d.now, "n", make([]byte, store.MaxSealedToken+1)), store.ErrInvalid)
}
