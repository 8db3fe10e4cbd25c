package storetest

import (
	"slices"
	"time"

	"signpost/store"
)

// What the contract says of mail that the relay refuses for a reason of ours, and
// of trying mail again.

func holdStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A mail to a suppressed address is left alone, or its address released": retrySuppressed,
		"A held mail waits, is listed and ends when ops give it up":             heldGivenUp,
		"A hold blames nobody, and its refusal is listed once":                  heldRefused,
		"A claim leaves domains alone, or takes one alone":                      claimDomains,
		"A promise that could not be told is renewed":                           promiseRenewed,
		"Of the canary's own ticket nothing is reopened":                        canaryNotReopened,
		"A held reply is trouble until it is sent":                              heldReply,
		"A crash leaves a held mail held":                                       heldOverCrash,
	}
}

// holds claims the mail that is due and has it held.
func (d *desk) holds(report store.Report) store.Outbound {
	d.Helper()
	row := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})[0]
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{
		ID: row.ID, Claim: row.Claim, State: store.StateHeld, Hold: "rcpt", DueAt: d.now.Add(time.Minute),
		Reply: "550 not allowed", Code: 550, Report: report,
	}))
	return must[store.Outbound](d)(d.Outbound(d.ctx, row.ID))
}

func heldGivenUp(d *desk) {
	opened := d.opens()
	row := d.holds(store.Report{})
	d.same(row.Hold, store.Hold{Since: d.at(), Last: d.at(), Stage: "rcpt"})
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Outbounds, map[store.OutboundState]uint64{store.StateHeld: 1})
	d.same(must[[]store.Outbound](d)(d.lists().held()), []store.Outbound{row})
	d.same(must[[]store.Outbound](d)(d.lists().waiting()), []store.Outbound{row})
	since := d.at()
	d.pass(240 * time.Hour)
	row = d.holds(store.Report{})
	d.same(row.Hold, store.Hold{Since: since, Last: d.at(), Stage: "rcpt"})
	d.same(len(d.events(opened.Ticket.ID)), 0)

	_, err := d.GiveUpOutbounds(d.ctx, d.now, as(""), []store.OutboundID{row.ID})
	d.wantErr(err, store.ErrInvalid)
	ended := must[[]store.Outbound](d)(d.GiveUpOutbounds(d.ctx, d.now, as("ops@desk.example"),
		[]store.OutboundID{row.ID, row.ID}))
	if len(ended) != 1 || ended[0].State != store.StateFailed ||
		ended[0].Reply != "given up by ops@desk.example: 550 not allowed" {
		d.Errorf("given up: %+v", ended)
	}
	d.same(len(d.events(opened.Ticket.ID)), 1)
	d.same(must[[]store.Outbound](d)(d.lists().held()), []store.Outbound{})
	d.same(d.retries(row.ID)[0].Hold, store.Hold{})
	again := d.claims(claimAll())[0]
	for name, f := range map[string]store.Finish{
		"held nowhere":        {ID: again.ID, Claim: again.Claim, State: store.StateHeld, DueAt: d.now},
		"held without a time": {ID: again.ID, Claim: again.Claim, State: store.StateHeld, Hold: "rcpt"},
		"sent and held":       {ID: again.ID, Claim: again.Claim, State: store.StateSent, Hold: "rcpt"},
		"held and dead": {ID: again.ID, Claim: again.Claim, State: store.StateHeld, Hold: "rcpt", DueAt: d.now,
			Report: store.Report{Action: "failed", Outcome: store.OutcomeDead}},
	} {
		if err := d.FinishOutbound(d.ctx, d.now, f); err == nil {
			d.Errorf("%s: taken", name)
		}
	}
}

func heldRefused(d *desk) {
	k := d.opens().Ticket
	report := store.Report{Action: "failed", Outcome: store.OutcomeRefused, Host: "relay.example",
		Diagnostic: "blocked using a list"}
	d.holds(report)
	d.pass(time.Hour)
	row := d.holds(report)
	cases := must[[]store.Refusal](d)(d.lists().refusals(d.now.Add(-2 * time.Hour)))
	if len(cases) != 1 || cases[0].Count != 1 || cases[0].Host != "relay.example" {
		d.Errorf("the refusals are %+v", cases)
	}
	d.same(row.Delivery, store.Delivery{})
	d.same(d.suppressed(row.To), []store.Scope{})
	d.same(len(d.events(k.ID)), 0)
}

func retrySuppressed(d *desk) {
	row := d.fails()
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops@desk.example"),
		store.Suppression{Address: row.To, Scope: store.ScopeAll}))
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops@desk.example"),
		store.Suppression{Address: row.To, Scope: store.ScopeAnswers}))
	done := must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{row.ID}}))
	d.same(done, store.Retried{Suppressed: []store.Outbound{row}})
	d.same(must[[]store.Outbound](d)(d.lists().failed()), []store.Outbound{row})
	done = must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{row.ID}, Release: true}))
	if len(done.Suppressed) != 0 || len(done.Due) != 1 {
		d.Errorf("with the address released: %+v", done)
	}
	d.same(d.suppressed(row.To), []store.Scope{store.ScopeAnswers}) // it does not keep this mail back
	d.finishes(d.claims(claimAll())[0], store.StateSent, time.Time{})
}

func claimDomains(d *desk) {
	to := map[string]store.OutboundID{}
	for _, address := range []string{"a@one.example", "b@mail.one.example", "c@two.example", "d@three.example"} {
		to[address] = d.opens(from(address)).Confirmation.ID
	}
	c := claimAll()
	c.Only, c.Limit = "one.example", 1
	d.same(idsOf(d.claims(c)), []store.OutboundID{to["a@one.example"]})
	c = claimAll()
	c.Except = []string{"one.example", "three.example"}
	d.same(idsOf(d.claims(c)), []store.OutboundID{to["c@two.example"]})
	c = claimAll()
	c.Only = "one.example"
	d.same(idsOf(d.claims(c)), []store.OutboundID{to["b@mail.one.example"]})
}

func promiseRenewed(d *desk) {
	opened := d.opens()
	row := d.claims(claimAll())[0]
	promise := store.Promise{FirstResponseBy: d.at().Add(500 * time.Hour), ResolutionBy: d.at().Add(900 * time.Hour)}
	refused, err := d.RenewPromise(d.ctx, d.now, row.ID, row.Claim+1, promise)
	d.wantErr(err, store.ErrConflict)
	d.same(refused, store.Outbound{})
	renewed := must[store.Outbound](d)(d.RenewPromise(d.ctx, d.now, row.ID, row.Claim, promise))
	row.Promise = promise
	d.same(renewed, row)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID)).Promise, promise)
	var due []time.Time
	for _, deadline := range must[[]store.Deadline](d)(
		d.lists().deadlines(d.now.Add(-time.Hour), d.now.Add(5000*time.Hour))) {
		due = append(due, deadline.Due)
	}
	if !slices.Equal(due, []time.Time{promise.FirstResponseBy, promise.ResolutionBy}) {
		d.Errorf("the deadlines are %v", due)
	}
	d.finishes(row, store.StateSent, time.Time{})
	_, err = d.RenewPromise(d.ctx, d.now, row.ID, row.Claim, promise)
	d.wantErr(err, store.ErrConflict)
}

func canaryNotReopened(d *desk) {
	dead := store.Report{Action: "failed", Outcome: store.OutcomeDead, Reason: "userunknown", Diagnostic: "no such user"}
	for _, report := range []store.Report{{}, dead} {
		run := d.flies()
		for _, row := range d.claims(claimAll()) {
			f := store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateFailed, Reply: "550 no"}
			if f.Report = report; row.Ticket == 0 {
				f.Report = store.Report{}
			}
			d.must(d.FinishOutbound(d.ctx, d.now, f))
		}
		k := must[store.Ticket](d)(d.Ticket(d.ctx, run.Ticket))
		if k.Status != store.StatusSolved || k.Question != "" {
			d.Errorf("the canary's ticket is %s and asks %q", k.Status, k.Question)
		}
	}
}

func heldOverCrash(d *desk) {
	d.opens()
	d.holds(store.Report{})
	d.pass(time.Hour)
	row := d.claims(claimAll())[0]
	must[int](d)(d.EndLeases(d.ctx, d.now, ""))
	row.State, row.Claim, row.DueAt = store.StateHeld, 0, d.at()
	d.same(must[[]store.Outbound](d)(d.lists().held()), []store.Outbound{row})
}

// The model's part.

// fails counts a mail that failed and whose refusal tells nothing, and tells its
// ticket.
func (m *model) fails(now time.Time, o *modelMail) {
	m.hour(now, "region", o.Region).Failed++
	m.hour(now, "domain", store.Domain(o.To)).Failed++
	if k := m.ticket(o.Ticket); k != nil && o.Kind != store.MailAutoResponse {
		m.lost(k, 0, store.EventMailFailed)
		m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: store.EventMailFailed, Outbound: o.ID, At: now,
			Body: o.Reply})
	}
}

// retry makes mails due, and says which would not leave.
func (m *model) retry(now time.Time, r store.Retry) (done store.Retried) {
	for _, id := range r.IDs {
		o := m.out(id)
		waits := o.State == store.StateHeld || o.State == store.StateQueued && o.DueAt.After(now) && !o.UndoUntil.After(now)
		fails := o.State == store.StateFailed && o.Kind != store.MailAutoResponse
		throttled := o.State == store.StateThrottled
		if !waits && !fails && !throttled {
			continue
		}
		if m.replaced(o) {
			m.replace(now, o)
			continue
		}
		for _, scope := range store.Scopes() {
			if s := m.suppression(now, o.To, scope); r.Release && s != nil && scope.Stops(o.Kind) {
				m.release(now, s.ID)
			}
		}
		if reason, _ := m.withheld(now, o.To, o.Kind); reason != "" {
			done.Suppressed = append(done.Suppressed, o.Outbound)
			continue
		}
		if throttled {
			m.unthrottle(now, o)
		}
		if o.DueAt = now; fails {
			o.State, o.QueuedAt, o.DoneAt, o.Attempts = store.StateQueued, now, time.Time{}, 0
			o.Delivery, o.Hold, o.UndoUntil = store.Delivery{}, store.Hold{}, time.Time{}
		}
		done.Due = append(done.Due, o.Outbound)
	}
	return done
}

// giveUpHeld ends a mail that is held by the word of by.
func (m *model) giveUpHeld(now time.Time, id store.OutboundID, by string) []store.Outbound {
	o := m.out(id)
	if o.State != store.StateHeld {
		return nil
	}
	o.Reply = "given up by " + by + ": " + o.Reply
	o.end(store.StateFailed, now)
	m.fails(now, o)
	return []store.Outbound{o.Outbound}
}

// heldReply: the agent's list of trouble names a ticket whose reply the relay holds, and no
// longer once it took it; one that is given up is a failure.
func heldReply(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	trouble := func() uint64 { return must[store.DeskCounts](d)(d.DeskCounts(d.ctx, d.lee())).Of(store.ViewTrouble) }
	d.replies(k, then(store.StatusPending))
	d.pass(time.Minute)
	row := d.holds(store.Report{})
	if got := d.reads(k.ID); got.Trouble != store.EventMailHeld || !got.InTrouble() || trouble() != 1 {
		d.Errorf("held: %q, %d in trouble", got.Trouble, trouble())
	}
	found := must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, d.lee(),
		store.TicketFilter{View: store.ViewTrouble}, store.Page{Limit: 10}))
	if len(found.Items) != 1 || found.Items[0].Ticket.ID != k.ID {
		d.Errorf("the view of trouble shows %+v", found.Items)
	}
	d.pass(time.Minute)
	d.holds(store.Report{}) // again
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	if got := d.reads(k.ID); got.Trouble != "" || trouble() != 0 || got.FirstReply != row.ID {
		d.Errorf("sent: %q, %d in trouble", got.Trouble, trouble())
	}
	d.replies(d.reads(k.ID))
	d.pass(time.Minute)
	row = d.holds(store.Report{})
	must[[]store.Outbound](d)(d.GiveUpOutbounds(d.ctx, d.now, as("ops@desk.example"), []store.OutboundID{row.ID}))
	if got := d.reads(k.ID); got.Trouble != store.EventMailFailed || trouble() != 1 {
		d.Errorf("given up: %q, %d in trouble", got.Trouble, trouble())
	}
}
