package storetest

import (
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

func throttleStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A mail without room in a budget goes out later":           throttledGoesOut,
		"Networks take turns":                                      networksTakeTurns,
		"A network that comes later starts at the turn that is on": latecomersTurn,
		"New mail leaves half of a budget to what is throttled":    halfIsLeft,
		"All budgets are asked again":                              askedAgain,
		"What waits for one budget takes no room in another":       noRoomTaken,
		"A throttled mail does not outlive its promise":            throttledEnds,
		"A final budget ends a mail":                               finalBudget,
		"A throttled mail is queued by hand":                       throttledByHand,
	}
}

func network(name string) func(*store.NewTicket) {
	return func(n *store.NewTicket) { n.Network = name }
}

// releases is ReleaseThrottled that must succeed.
func (d *desk) releases(limit int) store.Released {
	d.Helper()
	return must[store.Released](d)(d.ReleaseThrottled(d.ctx, d.now, limit))
}

func (d *desk) throttled() []store.OutboundID {
	d.Helper()
	return idsOf(must[[]store.Outbound](d)(d.lists().throttled()))
}

func throttledGoesOut(d *desk) {
	b := store.Budget{Name: "b", Key: "k", Limit: 1, Window: time.Hour}
	d.opens(budgets(b))
	want := d.opens(budgets(b)).Confirmation
	if want.State != store.StateThrottled || want.Reason != store.RuleBudget+": b" || !want.DueAt.IsZero() ||
		!want.DoneAt.IsZero() {
		d.Fatalf("without room it is %+v", want)
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, want.ID)), want)
	stats := must[store.Stats](d)(d.Stats(d.ctx))
	d.same(stats.Outbounds, map[store.OutboundState]uint64{store.StateQueued: 1, store.StateThrottled: 1})
	d.same(stats.Throttled, map[string]uint64{"b": 1})
	if rows := d.claims(claimAll()); len(rows) != 1 {
		d.Fatalf("claimed %v", idsOf(rows))
	}
	d.same(d.releases(9), store.Released{})

	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1})
	want.State, want.Reason, want.QueuedAt, want.DueAt = store.StateQueued, "", d.at(), d.at()
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, want.ID)), want)
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Throttled, map[string]uint64{})
	d.same(d.releases(9), store.Released{})
	if rows := d.claims(claimAll()); !slices.Contains(idsOf(rows), want.ID) {
		d.Errorf("claimed %v", idsOf(rows))
	}
	// It was charged: there is no room left.
	if again := d.opens(budgets(b)).Confirmation; again.State != store.StateThrottled {
		d.Errorf("the next one is %s", again.State)
	}
}

// spentBy throttles what comes next: the budget's one turn is taken.
func (d *desk) spentBy(b store.Budget) {
	d.Helper()
	d.opens(budgets(b), network("before"))
}

func networksTakeTurns(d *desk) {
	b := store.Budget{Name: "all", Limit: 1, Window: time.Hour}
	d.spentBy(b)
	var flood, partners []store.OutboundID
	for range 5 {
		flood = append(flood, d.opens(budgets(b), network("flood")).Confirmation.ID)
	}
	for i := range 2 {
		partners = append(partners, d.opens(budgets(b), network(fmt.Sprint("partner ", i))).Confirmation.ID)
	}
	want := slices.Concat(flood[:1], partners, flood[1:])
	d.same(d.throttled(), want)
	for _, id := range want {
		d.pass(2 * time.Hour)
		d.same(d.releases(9), store.Released{Queued: 1})
		if row := must[store.Outbound](d)(d.Outbound(d.ctx, id)); row.State != store.StateQueued {
			d.Errorf("mail %d is %s at its turn", id, row.State)
		}
	}
}

func latecomersTurn(d *desk) {
	b := store.Budget{Name: "all", Limit: 1, Window: time.Hour}
	d.spentBy(b)
	open := func(from string) store.OutboundID { return d.opens(budgets(b), network(from)).Confirmation.ID }
	a := []store.OutboundID{open("a"), open("a"), open("a"), open("a")}
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1})
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1})
	// a has had two turns and waits for its third, at which the others come in.
	late := []store.OutboundID{open("b"), open("b"), open("c")}
	d.same(d.throttled(), []store.OutboundID{a[2], late[0], late[2], a[3], late[1]})
}

func halfIsLeft(d *desk) {
	b := store.Budget{Name: "all", Limit: 4, Window: time.Hour}
	for range 5 {
		d.opens(budgets(b), network("flood"))
	}
	d.pass(2 * time.Hour)
	states := map[store.OutboundState]int{}
	for i := range 4 {
		states[d.opens(budgets(b), network(fmt.Sprint(i))).Confirmation.State]++
	}
	d.same(states, map[store.OutboundState]int{store.StateQueued: 2, store.StateThrottled: 2})
	d.same(d.releases(9), store.Released{Queued: 2})
	d.same(len(d.throttled()), 1) // what does not wait for room in it leaves it whole
	other := store.Budget{Name: "other", Limit: 2, Window: time.Hour}
	for range 2 {
		d.same(d.opens(budgets(other)).Confirmation.State, store.StateQueued)
	}
	for _, whole := range []store.Budget{{Limit: 1}, {Limit: 0}, {Limit: 4, Final: true}} {
		d.same(whole.Half(), whole)
	}
}

func askedAgain(d *desk) {
	all := store.Budget{Name: "all", Limit: 1, Window: time.Hour}
	own := func(key string) store.Budget {
		return store.Budget{Name: "own", Key: key, Limit: 1, Window: 5 * time.Hour}
	}
	d.opens(budgets(own("ana"), all))
	ana := d.opens(budgets(own("ana"), all), network("n")).Confirmation
	bob := d.opens(budgets(own("bob"), all), network("n")).Confirmation
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Throttled, map[string]uint64{"own": 1, "all": 1})
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1}) // the one behind it has room
	d.same(d.throttled(), []store.OutboundID{ana.ID})
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, bob.ID)).State, store.StateQueued)
	d.pass(8 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1})
}

func noRoomTaken(d *desk) {
	all := store.Budget{Name: "all", Limit: 1, Window: 10 * time.Hour}
	own := store.Budget{Name: "own", Limit: 1, Window: time.Hour}
	d.opens(budgets(all))
	d.opens(budgets(own))
	d.opens(budgets(all))
	d.opens(budgets(own, all))
	last := d.opens(budgets(own)).Confirmation
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1})
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, last.ID)).State, store.StateQueued)
}

func throttledEnds(d *desk) {
	b := store.Budget{Name: "b", Limit: 1, Window: 30 * 24 * time.Hour}
	d.spentBy(b)
	promised := d.opens(budgets(b)).Confirmation
	free := d.opens(budgets(b), func(n *store.NewTicket) { n.Promise = store.Promise{} }).Confirmation
	d.pass(24*time.Hour - time.Microsecond)
	d.same(d.releases(9), store.Released{})
	d.pass(time.Microsecond)
	d.same(d.releases(1), store.Released{Suppressed: 1})
	d.same(d.releases(9), store.Released{Suppressed: 1})
	for _, row := range []store.Outbound{promised, free} {
		row.State, row.DoneAt = store.StateSuppressed, d.at()
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, row.ID)), row)
	}
	d.same(d.throttled(), []store.OutboundID{})
}

func finalBudget(d *desk) {
	day := store.Budget{Name: "day", Key: "ana", Limit: 2, Window: 24 * time.Hour, Final: true}
	hour := store.Budget{Name: "hour", Key: "ana", Limit: 1, Window: time.Hour}
	var rows []store.OutboundID
	var states []store.OutboundState
	for range 3 {
		row := d.opens(budgets(day, hour)).Confirmation
		rows, states = append(rows, row.ID), append(states, row.State)
	}
	d.same(states, []store.OutboundState{store.StateQueued, store.StateThrottled, store.StateThrottled})
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{Queued: 1, Suppressed: 1})
	last := must[store.Outbound](d)(d.Outbound(d.ctx, rows[2]))
	if last.State != store.StateSuppressed || last.Reason != store.RuleBudget+": day" || !last.DoneAt.Equal(d.at()) {
		d.Errorf("beyond the day's limit it is %+v", last)
	}
	if next := d.opens(budgets(day, hour)).Confirmation; next.State != store.StateSuppressed ||
		next.Reason != last.Reason {
		d.Errorf("opened beyond the day's limit it is %+v", next)
	}
}

func throttledByHand(d *desk) {
	b := store.Budget{Name: "b", Limit: 1, Window: time.Hour}
	d.spentBy(b)
	row := d.opens(budgets(b)).Confirmation
	row.State, row.Reason, row.QueuedAt, row.DueAt = store.StateQueued, "", d.at(), d.at()
	d.same(d.retries(row.ID), []store.Outbound{row})
	d.same(d.throttled(), []store.OutboundID{})
	d.pass(2 * time.Hour)
	d.same(d.releases(9), store.Released{})
}
