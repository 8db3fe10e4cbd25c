package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

func breaker(d *desk) {
	d.connects()
	guarded := func(x *store.Decision) {
		x.Limits.Breaker = store.Budget{Name: "answer/breaker", Limit: 2, Window: time.Hour}
	}
	d.wantAnswered(d.answer(d.mail(1), guarded))
	d.wantAnswered(d.answer(d.mail(2), guarded))
	d.same(must[store.Responder](d)(d.Responder(d.ctx, d.now)).On, true)
	d.pass(time.Second)
	last := d.wantStopped(d.answer(d.mail(3), guarded), store.RuleBreaker)
	state := must[store.Responder](d)(d.Responder(d.ctx, d.now))
	if state.On || !state.Tripped || state.Inbound != last.ID || !state.Since.Equal(d.at()) ||
		!strings.Contains(state.Reason, "answer/breaker") {
		d.Errorf("after the breaker: %+v", state)
	}
	// Until its pause is over it stays as it is.
	d.pass(store.BreakerPause(1) - time.Microsecond)
	d.wantStopped(d.answer(d.mail(4), guarded), store.RuleBreaker)
	d.wantStopped(d.answer(d.mail(5)), store.RuleBreaker)
	d.same(must[store.Responder](d)(d.Responder(d.ctx, d.now)), state)

	on := must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"),
		store.Switch{On: true, Reason: "looked into it"}))
	d.same(on, store.Responder{On: true, Since: d.at(), Reason: "looked into it", By: "ops", Trips: 1})
	d.wantAnswered(d.answer(d.mail(6), guarded))
	d.wantAnswered(d.answer(d.mail(7), guarded))
	d.wantStopped(d.answer(d.mail(8), guarded), store.RuleBreaker)
	// At once: what tripped it is forgotten, also when it was off in between.
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: false, Reason: "off"}))
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: true, Reason: "on"}))
	d.wantAnswered(d.answer(d.mail(9), guarded))
}

// breakerRearms: nobody comes, and answers go on by themselves, each time later.
func breakerRearms(d *desk) {
	d.connects()
	guarded := func(x *store.Decision) {
		x.Limits.Breaker = store.Budget{Name: "answer/breaker", Limit: 1, Window: 100 * time.Hour}
	}
	uid := uint32(0)
	next := func() store.Decision {
		uid++
		return d.answer(d.mail(uid), guarded)
	}
	responder := func() store.Responder { return must[store.Responder](d)(d.Responder(d.ctx, d.now)) }
	trip := func(times int) time.Time {
		d.wantAnswered(next())
		d.wantStopped(next(), store.RuleBreaker)
		state := responder()
		if state.On || !state.Tripped || state.Trips != times ||
			!state.RearmsAt.Equal(d.at().Add(store.BreakerPause(times))) {
			d.Fatalf("the breaker that tripped for the %dth time: %+v", times, state)
		}
		return state.RearmsAt
	}
	for times, pause := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute} {
		rearms := trip(times + 1)
		d.pass(pause - time.Microsecond)
		d.wantStopped(next(), store.RuleBreaker)
		d.pass(time.Microsecond)
		on := responder()
		d.same(on, store.Responder{On: true, Since: rearms, Reason: on.Reason, Trips: times + 1})
		d.pass(time.Minute) // it stands as it was then, whenever it is asked
		d.same(responder(), on)
	}
	d.wantAnswered(next()) // what tripped it is forgotten
	d.same(responder().Trips, 4)
	// Switched off by hand it stays off; on again, it has not forgotten.
	d.wantStopped(next(), store.RuleBreaker)
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{Reason: "a loop"}))
	d.pass(100 * time.Hour)
	d.wantStopped(next(), store.RuleOff)
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: true}))
	trip(6)
	// A quiet week, counted from the end of the pause.
	d.pass(store.BreakerPause(6) + store.BreakerQuiet)
	trip(1)
	if longest := store.BreakerPause(50); longest != 24*time.Hour {
		d.Errorf("the longest pause is %v", longest)
	}
}

// breakerOneParty: forty answers come back, to many domains of one network, to many
// networks of one domain, and to some that are of both; with a few honest ones that is
// no reason to stop.
func breakerOneParty(d *desk) {
	d.connects()
	uid := uint32(0)
	answers := func(parties ...string) store.Outbound {
		uid++
		row := d.wantAnswered(d.answer(d.mail(uid), func(x *store.Decision) {
			x.Answer.Parties = parties
			x.Limits.Returns = store.ReturnLimit{Percent: 20, Least: 10, Parties: 5}
		}))
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer)).Parties, parties)
		return d.claims(claimAll())[0]
	}
	comesBack := func(row store.Outbound) {
		d.finishes(row, store.StateSent, time.Time{})
		d.hears(failed(row, store.OutcomeDead))
	}
	for i := range 20 {
		comesBack(answers(fmt.Sprintf("evil%d.example", i), "192.0.2.0/24"))
		comesBack(answers("evil.example", fmt.Sprintf("198.51.%d.0/24", 100+i)))
	}
	comesBack(answers("evil3.example", "198.51.105.0/24"))
	for i := range 4 { // the fifth beside the one with the many names is one too many
		comesBack(answers(fmt.Sprintf("a%d.example", i), fmt.Sprintf("203.0.%d.0/24", i)))
	}
	uid++
	stopped := d.wantStopped(d.answer(d.mail(uid), func(x *store.Decision) {
		x.Limits.Returns = store.ReturnLimit{Percent: 20, Least: 10, Parties: 5}
	}), store.RuleBreaker)
	d.same(stopped.Verdict.Rules[1].Evidence, "the answers to 5 of the last 5 unrelated senders came back")
}

func breakerReturns(d *desk) {
	d.connects()
	limited := func(x *store.Decision) {
		x.Limits.Returns = store.ReturnLimit{Percent: 20, Least: 10, Parties: 5}
	}
	uid := uint32(0)
	answers := func(n int) (out []store.Outbound) {
		for range n {
			uid++
			d.wantAnswered(d.answer(d.mail(uid), limited))
		}
		return d.claims(claimAll())
	}
	comesBack := func(row store.Outbound) {
		d.hearsOf(store.KindComplaint, failed(row, store.OutcomeRefused))
	}
	// Nine answers come back: too few to judge by.
	for i, row := range answers(9) {
		if i%2 == 0 {
			d.refuses(row, store.OutcomeRefused)
			continue
		}
		d.finishes(row, store.StateSent, time.Time{})
		d.hears(failed(row, store.OutcomeLater))
	}
	tenth := answers(1)[0]
	d.finishes(tenth, store.StateUnknown, time.Time{}) // it may have gone out: the tenth
	uid++
	d.wantStopped(d.answer(d.mail(uid), limited), store.RuleBreaker)
	state := must[store.Responder](d)(d.Responder(d.ctx, d.now))
	if state.On || !state.Tripped || !state.Since.Equal(d.at()) ||
		state.Reason != "the breaker tripped: the answers to 9 of the last 10 unrelated senders came back" {
		d.Errorf("after the breaker: %+v", state)
	}

	// Switched on, it begins anew, and looks at the last fifty alone.
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, store.ByService(), store.Switch{On: true, Reason: "mended"}))
	comesBack(tenth)
	for _, row := range answers(10) {
		d.finishes(row, store.StateSent, time.Time{})
		comesBack(row)
		comesBack(row) // once is once
		d.hears(failed(row, store.OutcomeDead))
	}
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, store.ByService(), store.Switch{On: true, Reason: "again"}))
	rows := answers(store.AnswersWatched)
	for i, row := range rows {
		d.finishes(row, store.StateSent, time.Time{})
		if i < store.AnswersWatched/5 {
			comesBack(row)
		}
	}
	last := answers(1)[0] // a fifth is not more than a fifth
	comesBack(rows[20])
	d.finishes(last, store.StateSent, time.Time{}) // and the first of those that came back is out of sight
	for range 5 {
		row := answers(1)[0]
		d.finishes(row, store.StateSent, time.Time{})
		comesBack(row)
	}
	uid++
	d.wantAnswered(d.answer(d.mail(uid), limited)) // 10 of 50: five came, five went
	comesBack(rows[30])
	uid++
	d.wantStopped(d.answer(d.mail(uid), limited), store.RuleBreaker)
}
