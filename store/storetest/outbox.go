package storetest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"signpost/store"
)

func outboxStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A claim leases the oldest due rows and counts the try":      claimLeases,
		"A domain gets no more than its share":                       perDomain,
		"A clogged domain starves nobody":                            cloggedDomain,
		"A lease that ran out is due again":                          leaseRunsOut,
		"An attempt is fenced by its claim":                          fencing,
		"A late end counts while nobody took the row":                lateFinish,
		"Two claimers never get one row":                             claimRace,
		"An attempt ends sent, failed or queued":                     finishing,
		"The last tries of a mail are kept":                          keptTries,
		"A failure is told in the ticket's thread":                   failureTold,
		"A refusal at hand-over does what a bounce does":             refusedAtHandOver,
		"An answer refused at hand-over is the last to that address": answerRefused,
		"The outbox says when it is next due":                        nextDue,
		"A broken claim or finish is refused":                        refusedClaim,
	}
}

var minute = store.Leases{time.Minute}

func claimAll() store.Claim { return store.Claim{Limit: 1000, Lease: minute} }

func idsOf(rows []store.Outbound) (ids []store.OutboundID) {
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func (d *desk) claims(c store.Claim) []store.Outbound {
	d.Helper()
	return must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, d.now, c))
}

func (d *desk) finishes(row store.Outbound, state store.OutboundState, due time.Time) {
	d.Helper()
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{ID: row.ID, Claim: row.Claim, State: state, DueAt: due}))
}

func claimLeases(d *desk) {
	var mails []store.Outbound
	for range 4 {
		mails = append(mails, d.opens().Confirmation)
		d.pass(time.Second)
	}
	early := must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, dawn.Add(-time.Microsecond*2), claimAll()))
	if len(early) != 0 {
		d.Fatalf("claimed before they are due: %v", idsOf(early))
	}
	rows := d.claims(store.Claim{Limit: 3, Lease: store.Leases{time.Minute, 2 * time.Minute}, Owner: "node"})
	d.same(idsOf(rows), idsOf(mails[:3]))
	for i, row := range rows {
		want := mails[i]
		want.State, want.Attempts, want.DueAt = store.StateClaimed, 1, d.at().Add(time.Minute)
		want.Claim, want.Owner = row.Claim, "node"
		d.same(row, want)
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, row.ID)), want)
		if row.Claim == 0 {
			d.Error("a claim without its fence")
		}
	}
	d.same(idsOf(d.claims(claimAll())), idsOf(mails[3:]))
	d.same(idsOf(d.claims(claimAll())), []store.OutboundID{})
	d.pass(time.Minute)
	second := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Minute, 2 * time.Minute}})
	d.same(second[0].DueAt, d.at().Add(2*time.Minute)) // of the second try
	d.pass(2 * time.Minute)
	third := must[store.Outbound](d)(d.Outbound(d.ctx, second[0].ID))
	for _, row := range d.claims(store.Claim{Limit: 1000, Lease: store.Leases{time.Minute, 2 * time.Minute}}) {
		if row.ID == third.ID && !row.DueAt.Equal(d.at().Add(2*time.Minute)) {
			d.Errorf("the third try is leased until %v", row.DueAt)
		}
	}
}

func perDomain(d *desk) {
	var a, b []store.OutboundID
	for i := range 6 {
		a = append(a, d.opens(from(fmt.Sprintf("p%d@a.example", i))).Confirmation.ID)
		d.pass(time.Second)
	}
	for i := range 3 {
		b = append(b, d.opens(from(fmt.Sprintf("p%d@B.Example", i))).Confirmation.ID)
		d.pass(time.Second)
	}
	two := store.Claim{Limit: 10, PerDomain: 2, Lease: minute}
	first := d.claims(two)
	d.same(idsOf(first), []store.OutboundID{a[0], a[1], b[0], b[1]})
	d.same(idsOf(d.claims(two)), []store.OutboundID{})
	d.finishes(first[0], store.StateSent, time.Time{})
	d.finishes(first[3], store.StateQueued, d.now.Add(time.Hour))
	d.same(idsOf(d.claims(two)), []store.OutboundID{a[2], b[2]})
	// Without a limit the rest comes; leases that ran out no longer count.
	d.same(idsOf(d.claims(claimAll())), a[3:])
	d.pass(time.Minute)
	if again := d.claims(two); len(again) != 4 {
		d.Errorf("after the leases ran out %v", idsOf(again))
	}
}

func cloggedDomain(d *desk) {
	for i := range 300 {
		d.opens(from(fmt.Sprintf("p%d@dead.example", i)))
	}
	d.pass(time.Second)
	var live []store.OutboundID
	for i := range 20 {
		live = append(live, d.opens(from(fmt.Sprintf("p@live%d.example", i))).Confirmation.ID)
	}
	c := store.Claim{Limit: 10, PerDomain: 3, Lease: minute}
	dead := d.claims(c)
	d.same(idsOf(dead[3:]), live[:7])
	d.same(idsOf(d.claims(c)), live[7:17])
	// The dead ones come back an hour later, still behind nobody.
	for _, row := range dead[:3] {
		d.finishes(row, store.StateQueued, d.now.Add(time.Hour))
	}
	rows := d.claims(c)
	if len(rows) != 6 || store.Domain(rows[0].To) != "dead.example" {
		d.Fatalf("claimed %v", idsOf(rows))
	}
	d.same(idsOf(rows[3:]), live[17:])
}

func leaseRunsOut(d *desk) {
	mail := d.opens().Confirmation
	first := d.claims(claimAll())
	d.pass(time.Minute - time.Microsecond)
	if early := d.claims(claimAll()); len(early) != 0 {
		d.Fatal("a row was claimed twice within its lease")
	}
	d.pass(time.Microsecond)
	second := d.claims(claimAll())
	d.same(idsOf(second), []store.OutboundID{mail.ID})
	if second[0].Attempts != 2 || second[0].Claim == first[0].Claim {
		d.Errorf("claimed again as %+v", second[0])
	}
	if second[0].MessageID != mail.MessageID || !second[0].QueuedAt.Equal(mail.QueuedAt) {
		d.Error("another try is another mail")
	}
}

func fencing(d *desk) {
	d.opens()
	first := d.claims(claimAll())[0]
	d.pass(time.Hour)
	second := d.claims(claimAll())[0]
	late := store.Finish{ID: first.ID, Claim: first.Claim, State: store.StateSent}
	d.wantErr(d.FinishOutbound(d.ctx, d.now, late), store.ErrConflict)
	late.Claim = 0
	d.wantErr(d.FinishOutbound(d.ctx, d.now, late), store.ErrConflict)
	d.wantErr(d.FinishOutbound(d.ctx, d.now, store.Finish{ID: 99, Claim: 1, State: store.StateSent}), store.ErrNotFound)
	d.finishes(second, store.StateSent, time.Time{})
}

func lateFinish(d *desk) {
	d.opens()
	late := d.claims(claimAll())[0]
	d.opens()
	d.claims(store.Claim{Limit: 1, Lease: store.Leases{10 * time.Hour}})
	d.pass(time.Hour)
	// Due again, but its domain has no room: nobody took it, so what the first
	// attempt says at last still counts.
	if rows := d.claims(store.Claim{Limit: 9, PerDomain: 1, Lease: minute}); len(rows) != 0 {
		d.Fatalf("claimed %v", idsOf(rows))
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, late.ID)), late)
	d.finishes(late, store.StateSent, time.Time{})
	if rows := d.claims(claimAll()); len(rows) != 0 {
		d.Fatalf("sent twice: %v", idsOf(rows))
	}
}

func claimRace(d *desk) {
	const mails, claimers = 120, 8
	for i := range mails {
		d.opens(from(fmt.Sprintf("p%d@d%d.example", i, i%7)))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[store.OutboundID]int{}
	for range claimers {
		wg.Go(func() {
			for {
				rows, err := d.ClaimOutbound(d.ctx, d.now, store.Claim{Limit: 5, Lease: minute})
				if err != nil {
					d.Error(err)
				}
				if len(rows) == 0 {
					return
				}
				for _, row := range rows {
					mu.Lock()
					taken[row.ID]++
					mu.Unlock()
					sent := store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent}
					if err := d.FinishOutbound(d.ctx, d.now, sent); err != nil {
						d.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if len(taken) != mails {
		d.Errorf("%d mails were claimed, want %d", len(taken), mails)
	}
	for id, n := range taken {
		if n != 1 {
			d.Errorf("mail %d was claimed %d times", id, n)
		}
	}
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Outbounds, map[store.OutboundState]uint64{store.StateSent: mails})
}

func finishing(d *desk) {
	for range 3 {
		d.opens()
	}
	rows := d.claims(claimAll())
	d.pass(time.Second)
	reply := strings.Repeat("é", 600)
	finishes := []store.Finish{
		{State: store.StateSent, Reply: "250 2.0.0 Ok", Code: 250, Enhanced: "2.0.0"},
		{State: store.StateFailed, Reply: reply, Code: 550, Enhanced: "5.1.1"},
		{State: store.StateQueued, Reply: "451 later", Code: 451, DueAt: d.now.Add(time.Hour)},
	}
	for i, f := range finishes {
		f.ID, f.Claim = rows[i].ID, rows[i].Claim
		d.must(d.FinishOutbound(d.ctx, d.now, f))
		want := rows[i]
		want.State, want.Claim, want.Code, want.Enhanced = f.State, 0, f.Code, f.Enhanced
		want.Reply = f.Reply[:min(len(f.Reply), 1000)]
		want.Tries = []store.Try{{Number: 1, At: d.at(), State: f.State, Reply: f.Reply[:min(len(f.Reply), 500)]}}
		want.DueAt, want.DoneAt = time.Time{}, d.at()
		if f.State == store.StateQueued {
			want.DueAt, want.DoneAt = store.Instant(f.DueAt), time.Time{}
		}
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, want.ID)), want)
		d.wantErr(d.FinishOutbound(d.ctx, d.now, f), store.ErrConflict)
	}
	d.pass(time.Hour)
	again := d.claims(claimAll())
	if len(again) != 1 || again[0].ID != rows[2].ID || again[0].Attempts != 2 || again[0].Code != 451 {
		d.Errorf("to be tried again: %+v", again)
	}
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Outbounds, map[store.OutboundState]uint64{
		store.StateSent: 1, store.StateFailed: 1, store.StateClaimed: 1,
	})
}

// keptTries: a mail goes back untried once, and is tried until more tries ended than are kept;
// one more is lost with its process.
func keptTries(d *desk) {
	d.opens()
	var row store.Outbound
	for n := range store.MaxTries + 5 {
		row = d.claims(claimAll())[0]
		f := store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateQueued, DueAt: d.now, Server: "relay.example",
			Reply: fmt.Sprintf("451 %d", n), Untried: n == 0}
		if n == 10 { // the process is gone, and its lease runs out
			d.pass(2 * time.Minute)
			continue
		}
		d.must(d.FinishOutbound(d.ctx, d.now, f))
		d.pass(time.Second)
	}
	tries := must[store.Outbound](d)(d.Outbound(d.ctx, row.ID)).Tries
	if len(tries) != store.MaxTries {
		d.Fatalf("%d tries are kept, want %d", len(tries), store.MaxTries)
	}
	last := row.Attempts - store.MaxTries - 1 // one is missing among them
	for _, try := range tries {
		if try.Number == 11 {
			d.Fatal("the try that never ended is told")
		}
		if last++; last == 11 {
			last++
		}
		if try.Number != last || try.Reply != fmt.Sprintf("451 %d", last-1) || try.Server != "relay.example" {
			d.Errorf("%+v, want try %d", try, last)
		}
	}
	d.pass(0)
}

// refuses finishes a claimed row: the relay refused it, with that outcome.
func (d *desk) refuses(row store.Outbound, outcome store.Outcome) store.Report {
	d.Helper()
	r := failed(row, outcome)
	r.Outbound, r.Tie, r.Host = 0, "", "relay.example"
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{
		ID: row.ID, Claim: row.Claim, State: store.StateFailed, Reply: r.Diagnostic, Code: 550, Enhanced: r.Status, Report: r,
	}))
	return r
}

func refusedAtHandOver(d *desk) {
	dead, refused, later := d.opens(from("ana@a.example")), d.opens(from("bob@a.example")), d.opens(from("cy@a.example"))
	rows := d.claims(claimAll())
	d.pass(time.Minute)
	report := d.refuses(rows[0], store.OutcomeDead)
	want := rows[0]
	want.State, want.Claim, want.DueAt, want.DoneAt = store.StateFailed, 0, time.Time{}, d.at()
	want.Reply, want.Code, want.Enhanced = report.Diagnostic, 550, "5.1.1"
	want.Tries = []store.Try{{Number: 1, At: d.at(), State: store.StateFailed, Reply: report.Diagnostic}}
	want.Delivery = store.Delivery{
		Fate: store.FateBounced, At: d.at(), Status: "5.1.1", Reason: "userunknown",
		Outcome: "dead", Diagnostic: report.Diagnostic,
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, want.ID)), want)
	d.same(must[[]store.Outbound](d)(d.lists().failed()), []store.Outbound{want})
	d.same(must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@a.example")), []store.Suppression{{
		ID: 1, Address: "ana@a.example", Scope: store.ScopeAll, Reason: "userunknown",
		Status: "5.1.1", Diagnostic: report.Diagnostic,
		Since: d.at(), Expires: d.at().Add(store.ScopeAll.Kept()), Outbound: want.ID,
	}})
	d.same(d.events(dead.Ticket.ID), []string{fmt.Sprintf("mail_bounced %d %s", want.ID, report.Diagnostic)})
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, dead.Ticket.ID)).Question, store.QuestionUndeliverable)

	d.refuses(rows[1], store.OutcomeRefused)
	d.same(d.events(refused.Ticket.ID), []string{fmt.Sprintf("mail_refused %d %s", rows[1].ID, report.Diagnostic)})
	d.same(d.suppressed("bob@a.example"), []store.Scope{})
	cases := must[[]store.Refusal](d)(d.lists().refusals(d.now))
	if len(cases) != 1 || cases[0].Host != "relay.example" || cases[0].Outbound != rows[1].ID || cases[0].Count != 1 {
		d.Errorf("the refusals are %+v", cases)
	}
	d.refuses(rows[2], store.OutcomeLater)
	d.same(d.delivery(rows[2].ID).Fate, store.FateBounced)
	d.same(len(d.events(later.Ticket.ID)), 1)
	d.same(d.suppressed("cy@a.example"), []store.Scope{})
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Fates, map[store.Fate]uint64{store.FateBounced: 2, store.FateRefused: 1})

	// Tried anew it has no fate, and may meet the same.
	again := d.retries(rows[1].ID)[0]
	d.same(again.Delivery, store.Delivery{})
	d.refuses(d.claims(claimAll())[0], store.OutcomeRefused)
	d.same(must[[]store.Refusal](d)(d.lists().refusals(d.now))[0].Count, uint64(2))

	for _, state := range []store.OutboundState{store.StateSent, store.StateQueued, store.StateUnknown} {
		err := d.FinishOutbound(d.ctx, d.now, store.Finish{ID: again.ID, State: state, DueAt: d.now, Report: report})
		d.wantErr(err, store.ErrInvalid)
	}
}

func answerRefused(d *desk) {
	d.connects()
	k := d.opens(from("sue@else.example")).Ticket
	to := func(x *store.Decision) { x.Answer.To, x.Answer.Ticket, x.Limits.Sender = "sue@else.example", k.ID, "" }
	row := d.wantAnswered(d.answer(d.mail(1), to))
	rows := d.claims(claimAll())
	d.same(rows[1].ID, row.Answer)
	d.refuses(rows[1], store.OutcomeRefused)
	d.same(d.suppressed("sue@else.example"), []store.Scope{store.ScopeAnswers})
	d.same(d.events(k.ID), []string{})
	d.pass(365 * 24 * time.Hour)
	d.wantStopped(d.answer(d.mail(2), to), store.RuleSuppressed)
}

func failureTold(d *desk) {
	k := d.opens().Ticket
	row := d.claims(claimAll())[0]
	d.pass(time.Hour)
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{
		ID: row.ID, Claim: row.Claim, State: store.StateFailed, Reply: "550 no such user", Code: 550,
	}))
	d.same(must[[]store.Entry](d)(d.lists().thread(k.ID, 1)), []store.Entry{{
		Ticket: k.ID, Seq: 2, Kind: store.EntryEvent, Event: store.EventMailFailed, Outbound: row.ID,
		At: d.at(), Body: "550 no such user", By: store.ActorService,
	}})
	if now := must[store.Ticket](d)(d.Ticket(d.ctx, k.ID)); now.Entries != 2 || !now.ChangedAt.Equal(d.at()) {
		d.Errorf("the ticket stands as %+v", now)
	}
}

func nextDue(d *desk) {
	_, err := d.NextOutbound(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	d.opens()
	queued := d.at()
	d.pass(time.Hour)
	d.same(must[time.Time](d)(d.NextOutbound(d.ctx)), queued)
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).OldestQueued, queued)
	row := d.claims(claimAll())[0]
	d.same(must[time.Time](d)(d.NextOutbound(d.ctx)), d.at().Add(time.Minute))
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).OldestQueued, queued)
	d.finishes(row, store.StateQueued, d.now.Add(time.Second))
	d.same(must[time.Time](d)(d.NextOutbound(d.ctx)), d.at().Add(time.Second))
	d.pass(time.Second)
	d.finishes(d.claims(claimAll())[0], store.StateSent, time.Time{})
	_, err = d.NextOutbound(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	if oldest := must[store.Stats](d)(d.Stats(d.ctx)).OldestQueued; !oldest.IsZero() {
		d.Errorf("nothing waits, but since %v", oldest)
	}
}

func refusedClaim(d *desk) {
	d.opens()
	for _, c := range []store.Claim{
		{}, {Limit: 1}, {Lease: minute}, {Limit: -1, Lease: minute}, {Limit: 1, Lease: store.Leases{time.Minute, 0}},
		{Limit: 1, Lease: make(store.Leases, store.MaxLeases+1)}, {Limit: 1, Lease: minute, Owner: "a\x00b"},
	} {
		_, err := d.ClaimOutbound(d.ctx, d.now, c)
		d.wantErr(err, store.ErrInvalid)
	}
	row := d.claims(claimAll())[0]
	for _, f := range []store.Finish{
		{}, {State: store.StateSuppressed}, {State: store.StateClaimed}, {State: "gone"},
		{State: store.StateQueued},  // without an instant
		{State: store.StateUnknown}, // a ticket's mail is sent again instead
	} {
		f.ID, f.Claim = row.ID, row.Claim
		d.wantErr(d.FinishOutbound(d.ctx, d.now, f), store.ErrInvalid)
	}
	d.finishes(row, store.StateSent, time.Time{})
}
