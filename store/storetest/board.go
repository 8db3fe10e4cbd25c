package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

func boardStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"The ledger is searched by address, verdict, Message-ID and time": searching,
		"A search that stopped looking says so and goes on":               searchGoesOn,
		"A clock that was set back hides no mail from a search":           clockSetBack,
		"A mail is found under what became of it":                         marksMove,
		"A reported recipient finds the report":                           reportFound,
		"A mail that waits for another try is tried now":                  retryWaiting,
		"A mail that failed begins anew":                                  retryFailed,
		"What must not be sent again is left alone":                       retryRefused,
		"The queue is listed in order, the failed newest first":           queueListed,
	}
}

func (d *desk) finds(q store.InboundQuery) (ids []store.InboundID) {
	d.Helper()
	for _, row := range must[[]store.Inbound](d)(d.lists().search(q)) {
		ids = append(ids, row.ID)
	}
	return ids
}

func (d *desk) verdict(id store.InboundID, kind store.Kind, reports ...store.Report) {
	d.Helper()
	d.decides(store.Decision{ID: id, Verdict: store.Verdict{Kind: kind, Reports: reports}})
}

func searching(d *desk) {
	d.connects()
	by := func(from, messageID string) func(*store.NewInbound) {
		return func(n *store.NewInbound) { n.From, n.MessageID = from, messageID }
	}
	one := d.records(d.arrival(1, by("Ana <Ana@Partner.example>", "a@x")))[0].ID
	d.pass(time.Hour)
	noon := d.at()
	two := d.records(d.arrival(2, by("ana@partner.example", "b@x")))[0].ID
	three := d.records(d.arrival(3, by("Eve <eve@partner.example>", "A@X")))[0].ID
	four := d.records(d.arrival(4, by("no address", "")))[0].ID
	d.verdict(one, store.KindDirect)
	d.verdict(two, store.KindBounce)
	d.decides(store.Decision{ID: three, Verdict: store.Verdict{Kind: store.KindBounce, Rules: []store.Rule{
		{ID: "null-sender", Effect: store.EffectStop}, {ID: "not-a-person", Effect: store.EffectStop},
	}}})
	d.pass(time.Hour)
	for _, c := range []struct {
		q    store.InboundQuery
		want []store.InboundID
	}{
		{store.InboundQuery{}, []store.InboundID{four, three, two, one}},
		{store.InboundQuery{Address: " ANA@partner.example"}, []store.InboundID{two, one}},
		{store.InboundQuery{Address: "ana@partner.example", Mark: "bounce"}, []store.InboundID{two}},
		{store.InboundQuery{Mark: "bounce"}, []store.InboundID{three, two}},
		{store.InboundQuery{Mark: "boun"}, nil},
		{store.InboundQuery{Mark: "stored"}, []store.InboundID{four}},
		{store.InboundQuery{MessageID: "a@X"}, []store.InboundID{three, one}},
		{store.InboundQuery{MessageID: "a@X", Address: "eve@partner.example"}, []store.InboundID{three}},
		{store.InboundQuery{Since: noon}, []store.InboundID{four, three, two}},
		{store.InboundQuery{Until: noon}, []store.InboundID{one}},
		{store.InboundQuery{Since: noon, Until: noon}, nil},
		{store.InboundQuery{Until: noon.Add(-2 * time.Hour)}, nil},
		{store.InboundQuery{Since: d.at()}, nil},
		{store.InboundQuery{Address: "no address"}, nil},
		{store.InboundQuery{Mailbox: box}, []store.InboundID{four, three, two, one}},
		{store.InboundQuery{Mailbox: "INBOX"}, nil},
		{store.InboundQuery{Mark: "bounce", Decider: "null-sender"}, []store.InboundID{three}},
		{store.InboundQuery{Mark: "list"}, nil},
	} {
		if got := d.finds(c.q); !slices.Equal(got, c.want) {
			d.Errorf("%+v finds %v, want %v", c.q, got, c.want)
		}
	}
}

// What lies under more newer mails than one search looks at is found by going on.
func searchGoesOn(d *desk) {
	d.connects()
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "elsewhere"))
	wanted := d.records(d.arrival(1, func(n *store.NewInbound) { n.Mailbox = "elsewhere" }))[0].ID
	for uid := uint32(2); uid < store.SearchLooked+5; {
		newer := make([]store.NewInbound, 1001)
		for i := range newer {
			newer[i], uid = d.arrival(uid), uid+1
		}
		d.records(newer...)
	}
	q, p := store.InboundQuery{Mailbox: "elsewhere"}, store.Page{Limit: 9}
	found := must[store.List[store.Inbound]](d)(d.SearchInbound(d.ctx, q, p))
	if len(found.Items) != 0 || !found.Stopped || found.Next == "" {
		d.Fatalf("a search that gave up says it found %d mails, stopped %v, goes on at %q", len(found.Items), found.Stopped,
			found.Next)
	}
	p.After = found.Next
	found = must[store.List[store.Inbound]](d)(d.SearchInbound(d.ctx, q, p))
	if len(found.Items) != 1 || found.Items[0].ID != wanted || found.Stopped || found.Next != "" {
		d.Errorf("going on found %d mails, stopped %v, goes on at %q, want the one there is", len(found.Items), found.Stopped,
			found.Next)
	}
}

// The clock is set back by two hours between the second mail and the third: a search by
// time finds what was seen in it, whatever came before and after.
func clockSetBack(d *desk) {
	d.connects()
	at := func(uid uint32) store.InboundID {
		id := d.records(d.arrival(uid, func(n *store.NewInbound) { n.From = "ana@partner.example" }))[0].ID
		d.verdict(id, store.KindDirect)
		return id
	}
	nine := d.at()
	one := at(1)
	d.pass(time.Hour)
	two := at(2)
	d.pass(-2 * time.Hour)
	three := at(3) // at eight
	d.pass(time.Hour + time.Minute)
	four := at(4) // at nine and a minute
	for _, c := range []struct {
		since, until time.Duration
		want         []store.InboundID
	}{
		{-time.Hour, 0, []store.InboundID{three}},
		{0, time.Hour, []store.InboundID{four, one}},
		{time.Hour, 2 * time.Hour, []store.InboundID{two}},
		{time.Minute, 2 * time.Hour, []store.InboundID{four, two}},
		{-2 * time.Hour, 2 * time.Hour, []store.InboundID{four, three, two, one}},
		{2 * time.Hour, 3 * time.Hour, nil},
	} {
		q := store.InboundQuery{Since: nine.Add(c.since), Until: nine.Add(c.until)}
		byMark, byAddress := q, q
		byMark.Mark, byAddress.Address = string(store.KindDirect), "ana@partner.example"
		for _, q := range []store.InboundQuery{q, byMark, byAddress} {
			if got := d.finds(q); !slices.Equal(got, c.want) {
				d.Errorf("%+v finds %v, want %v", q, got, c.want)
			}
		}
	}
	hour := store.InboundQuery{Since: nine, Until: nine.Add(time.Hour)}
	first := must[store.List[store.Inbound]](d)(d.SearchInbound(d.ctx, hour, store.Page{Limit: 2}))
	if len(first.Items) != 2 || first.Next != "" {
		d.Errorf("the whole list is %d mails and goes on at %q", len(first.Items), first.Next)
	}
}

func marksMove(d *desk) {
	d.connects()
	answered, broken := d.mail(1), d.mail(2)
	d.wantAnswered(d.answer(answered))
	for range 3 {
		must[store.Inbound](d)(d.QuarantineInbound(d.ctx, d.now, broken, "no"))
	}
	for mark, want := range map[string][]store.InboundID{
		"stored": nil, "direct": {answered}, store.MarkAnswered: {answered}, "quarantined": {broken},
	} {
		if got := d.finds(store.InboundQuery{Mark: mark}); !slices.Equal(got, want) {
			d.Errorf("%s finds %v, want %v", mark, got, want)
		}
	}
}

func reportFound(d *desk) {
	d.connects()
	id := d.mail(1)
	d.verdict(id, store.KindBounce, store.Report{Recipient: "Gone@Partner.example", Action: "failed"},
		store.Report{Recipient: "gone@partner.example"}, store.Report{Recipient: "bob@partner.example"})
	for _, address := range []string{"gone@partner.example", "bob@partner.example"} {
		if got := d.finds(store.InboundQuery{Address: address}); !slices.Equal(got, []store.InboundID{id}) {
			d.Errorf("%s finds %v", address, got)
		}
	}
}

// fails opens a ticket whose confirmation fails for good.
func (d *desk) fails() store.Outbound {
	d.Helper()
	d.opens()
	row := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})[0]
	d.finishes(row, store.StateFailed, time.Time{})
	return must[store.Outbound](d)(d.Outbound(d.ctx, row.ID))
}

func retryWaiting(d *desk) {
	d.opens()
	row := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})[0]
	d.finishes(row, store.StateQueued, d.now.Add(5*time.Hour))
	d.pass(time.Minute)
	want := must[store.Outbound](d)(d.Outbound(d.ctx, row.ID))
	want.DueAt = d.at()
	d.same(d.retries(row.ID, row.ID), []store.Outbound{want})
	if next := must[time.Time](d)(d.NextOutbound(d.ctx)); !next.Equal(d.at()) {
		d.Errorf("the next falls due at %v", next)
	}
	if got := d.claims(store.Claim{Limit: 9, Lease: store.Leases{time.Hour}}); len(got) != 1 || got[0].Attempts != 2 {
		d.Errorf("claimed %+v", got)
	}
}

// retries tries mails again, of which none is suppressed.
func (d *desk) retries(ids ...store.OutboundID) []store.Outbound {
	d.Helper()
	done := must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(), store.Retry{IDs: ids}))
	d.same(len(done.Suppressed), 0)
	return done.Due
}

func retryFailed(d *desk) {
	row := d.fails()
	d.same(must[[]store.Outbound](d)(d.lists().failed()), []store.Outbound{row})
	d.pass(time.Hour)
	row.State, row.QueuedAt, row.DueAt, row.DoneAt, row.Attempts = store.StateQueued, d.at(), d.at(), time.Time{}, 0
	d.same(d.retries(row.ID), []store.Outbound{row})
	d.same(must[[]store.Outbound](d)(d.lists().failed()), []store.Outbound{})
	d.same(must[[]store.Outbound](d)(d.lists().waiting()), []store.Outbound{row})
	again := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})[0]
	if again.MessageID != row.MessageID {
		d.Error("it is another mail")
	}
	d.finishes(again, store.StateSent, time.Time{})
}

func retryRefused(d *desk) {
	d.connects()
	d.wantAnswered(d.answer(d.mail(1)))
	answer := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})[0]
	retry := func() []store.Outbound {
		return d.retries(answer.ID)
	}
	d.same(retry(), []store.Outbound{}) // under way
	d.finishes(answer, store.StateFailed, time.Time{})
	d.same(retry(), []store.Outbound{}) // at most once
	failed := d.fails()
	done, err := d.RetryOutbounds(d.ctx, d.now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{failed.ID, failed.ID + 1}})
	d.wantErr(err, store.ErrNotFound)
	d.same(done, store.Retried{}) // none of them is tried again
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, failed.ID)), failed)
}

func queueListed(d *desk) {
	one, two := d.fails(), d.fails()
	d.same(must[[]store.Outbound](d)(d.lists().failed()), []store.Outbound{two, one})
	first, second := d.opens().Confirmation, d.opens().Confirmation
	d.same(must[[]store.Outbound](d)(d.lists().waiting()), []store.Outbound{first, second})
}

// The model's part.

func (r *run) retry(*rapid.T) {
	if len(r.model.outs) == 0 {
		return
	}
	retry := store.Retry{Release: r.pick("release", 2) == 1}
	for range 1 + r.pick("retries", 3) {
		retry.IDs = append(retry.IDs, r.model.outs[r.pick("row", len(r.model.outs))].ID)
	}
	want := r.model.retry(r.now, retry)
	r.compare("RetryOutbounds", must1(r.store.RetryOutbounds(r.ctx, r.now, store.ByService(), retry)), want, nil)
}

// giveUp gives up a mail, held or not.
func (r *run) giveUp(*rapid.T) {
	if len(r.model.outs) == 0 {
		return
	}
	id := r.model.outs[r.pick("row", len(r.model.outs))].ID
	want := r.model.giveUpHeld(r.now, id, "ops@desk.example")
	if len(want) > 0 {
		r.model.logs(store.AuditMailGivenUp)
	}
	r.compare("GiveUpOutbounds", must1(r.store.GiveUpOutbounds(r.ctx, r.now, as("ops@desk.example"),
		[]store.OutboundID{id})),
		want, nil)
	var held []store.Outbound
	for _, o := range slices.Backward(r.model.outs) {
		if o.State == store.StateHeld {
			held = append(held, o.Outbound)
		}
	}
	r.compare("HeldOutbounds", must1(r.lists().held()), held, nil)
}

// found is all that a query finds.
func (r *run) found(q store.InboundQuery) result[[]store.Inbound] {
	found, err := r.store.SearchInbound(r.ctx, q, store.Page{Limit: 1000})
	return must1(found.Items, err)
}

func (r *run) readBoard() {
	marks, people := map[string][]store.Inbound{}, map[string][]store.Inbound{}
	var since []store.Inbound
	at := r.now.Add(-20 * time.Minute)
	for _, k := range slices.Backward(r.model.mails) {
		for _, mark := range k.Marks() {
			marks[mark] = append(marks[mark], *k)
		}
		for _, address := range k.Addresses() {
			people[address] = append(people[address], *k)
		}
		if !k.SeenAt.Before(at) {
			since = append(since, *k)
		}
	}
	for mark, want := range marks {
		r.compare("SearchInbound", r.found(store.InboundQuery{Mark: mark}), want, nil)
	}
	for address, want := range people {
		r.compare("SearchInbound", r.found(store.InboundQuery{Address: address}), want, nil)
	}
	r.compare("SearchInbound", r.found(store.InboundQuery{Since: at}), since, nil)
	var failed, waiting []store.Outbound
	for _, o := range r.model.outs {
		switch o.State {
		case store.StateFailed:
			failed = slices.Insert(failed, 0, o.Outbound)
		case store.StateQueued, store.StateClaimed, store.StateHeld:
			waiting = append(waiting, o.Outbound)
		}
	}
	slices.SortStableFunc(waiting, func(a, b store.Outbound) int { return a.QueuedAt.Compare(b.QueuedAt) })
	r.compare("FailedOutbounds", must1(r.lists().failed()), failed, nil)
	r.compare("WaitingOutbounds", must1(r.lists().waiting()), waiting, nil)
}
