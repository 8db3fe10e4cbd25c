package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"signpost/store"
)

func answerStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"An answer is reserved with its verdict":              answering,
		"A sender is answered once in the period":             oncePerSender,
		"A spent budget stops the answer and charges nothing": answerBudget,
		"The breaker trips, and a person closes it":           breaker,
		"The breaker re-arms by itself, slower each time":     breakerRearms,
		"The breaker trips when too many answers come back":   breakerReturns,
		"What one sender has come back trips nothing":         breakerOneParty,
		"The responder is switched off and on":                switching,
		"One mailbox's answers are switched off":              switchingOne,
		"A pause is exact":                                    exactPause,
		"Mail from before the connection is not answered":     beforeConnection,
		"Every rule that fired is recorded":                   allRules,
		"An auto-response in doubt is never sent again":       answerInDoubt,
		"A broken answer is refused and leaves nothing":       refusedAnswer,
		"A verdict without an answer reserves none":           noAnswer,
	}
}

// answer decides that the mail is to be answered; change may alter it.
func (d *desk) answer(id store.InboundID, change ...func(*store.Decision)) store.Decision {
	n := d.mint()
	decision := store.Decision{
		ID: id,
		Verdict: store.Verdict{Kind: store.KindDirect, Answer: true, Rules: []store.Rule{
			{ID: "to-us", Effect: store.EffectMet, Evidence: "To: support"},
		}},
		Answer: &store.Outbound{
			Kind: store.MailAutoResponse, Region: "us", From: "support-us@desk.example", FromName: "Support US",
			To: fmt.Sprintf("p%d@partner.example", n), Langs: []string{"en", "es"},
			MessageID: fmt.Sprintf("ar.%026d.mac@desk.example", n),
			InReplyTo: "m@partner.example", References: []string{"l@partner.example", "m@partner.example"},
		},
		Limits: store.AnswerLimits{Sender: fmt.Sprintf("p%d@partner.example", n), Period: 7 * 24 * time.Hour},
	}
	for _, c := range change {
		c(&decision)
	}
	return decision
}

func sender(key string) func(*store.Decision) {
	return func(d *store.Decision) { d.Limits.Sender = key }
}

// mail records the mail with that UID and returns its row's id.
func (d *desk) mail(uid uint32) store.InboundID {
	d.Helper()
	return d.records(d.arrival(uid))[0].ID
}

// firedRules are the rules behind the one that triage gave.
func firedRules(row store.Inbound) (ids []string) {
	for _, r := range row.Verdict.Rules[1:] {
		ids = append(ids, r.ID+" "+string(r.Effect))
	}
	return ids
}

// wantStopped decides and checks which rules of the store's own stopped it.
func (d *desk) wantStopped(decision store.Decision, rules ...string) store.Inbound {
	d.Helper()
	row := d.decides(decision)[0]
	for i := range rules {
		rules[i] += " stop"
	}
	d.same(firedRules(row), rules)
	if row.Verdict.Answer || row.Answer != 0 {
		d.Errorf("stopped, yet answered: %+v", row)
	}
	d.same(must[store.Inbound](d)(d.Inbound(d.ctx, row.ID)), row)
	return row
}

func (d *desk) wantAnswered(decision store.Decision) store.Inbound {
	d.Helper()
	row := d.decides(decision)[0]
	if !row.Verdict.Answer || row.Answer == 0 {
		d.Fatalf("not answered: %v", row.Verdict)
	}
	return row
}

func answering(d *desk) {
	d.connects()
	decision := d.answer(d.mail(1), func(x *store.Decision) {
		x.Answer.State, x.Answer.Attempts, x.Answer.Reply = store.StateSent, 9, "set by the driver"
	})
	d.pass(time.Hour)
	row := d.wantAnswered(decision)
	want := *decision.Answer
	want.ID, want.Inbound, want.State, want.QueuedAt, want.DueAt = row.Answer, row.ID, store.StateQueued, d.at(), d.at()
	want.Attempts, want.Reply = 0, ""
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer)), want)
	d.same(must[store.Outbound](d)(d.OutboundByMessageID(d.ctx, want.MessageID)), want)
	d.same(row.Verdict, decision.Verdict)
	claimed := d.claims(claimAll())
	d.same(idsOf(claimed), []store.OutboundID{row.Answer})
	d.finishes(claimed[0], store.StateSent, time.Time{})
}

func oncePerSender(d *desk) {
	d.connects()
	ana := sender("ana@partner.example")
	chunk := d.decides(
		d.answer(d.mail(1), ana), d.answer(d.mail(2), ana), d.answer(d.mail(3), sender("bob@partner.example")))
	for i, answered := range []bool{true, false, true} {
		if chunk[i].Verdict.Answer != answered {
			d.Errorf("mail %d answered: %v, want %v", i+1, !answered, answered)
		}
	}
	d.same(firedRules(chunk[1]), []string{store.RuleAnswered + " stop"})
	d.pass(7*24*time.Hour - time.Microsecond)
	row := d.wantStopped(d.answer(d.mail(4), ana), store.RuleAnswered)
	if strings.Contains(fmt.Sprint(row.Verdict.Rules[1]), "ana") {
		d.Error("the evidence names the sender")
	}
	d.pass(time.Microsecond)
	d.wantAnswered(d.answer(d.mail(5), ana))
	d.wantStopped(d.answer(d.mail(6), ana), store.RuleAnswered)
	// A zero limit is none.
	for uid := uint32(7); uid < 9; uid++ {
		d.wantAnswered(d.answer(d.mail(uid), sender("")))
	}
}

func answerBudget(d *desk) {
	d.connects()
	domain := store.Budget{Name: "answer/domain", Key: "partner.example", Limit: 2, Window: time.Hour}
	all := store.Budget{Name: "answer/all", Limit: 3, Window: time.Hour}
	limited := func(b ...store.Budget) func(*store.Decision) {
		return func(x *store.Decision) { x.Limits.Budgets = b }
	}
	d.wantAnswered(d.answer(d.mail(1), limited(all, domain)))
	d.wantAnswered(d.answer(d.mail(2), limited(all, domain)))
	row := d.wantStopped(d.answer(d.mail(3), limited(all, domain)), store.RuleBudget)
	if !strings.Contains(row.Verdict.Rules[1].Evidence, "answer/domain") {
		d.Errorf("the evidence is %q", row.Verdict.Rules[1].Evidence)
	}
	domain.Key = "other.example"
	d.wantAnswered(d.answer(d.mail(4), limited(all, domain)))
	d.wantStopped(d.answer(d.mail(5), limited(all, domain)), store.RuleBudget)
	// The stopped answer reserved nothing either.
	d.pass(3 * time.Hour)
	d.wantAnswered(d.answer(d.mail(6), limited(all, domain)))
}

func switching(d *desk) {
	d.connects()
	d.same(must[store.Responder](d)(d.Responder(d.ctx, d.now)), store.Responder{On: true})
	off := must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"),
		store.Switch{On: false, Reason: "moving house"}))
	d.same(off, store.Responder{Since: d.at(), Reason: "moving house", By: "ops"})
	d.same(must[store.Responder](d)(d.Responder(d.ctx, d.now)), off)
	guarded := func(x *store.Decision) {
		x.Limits.Sender = "ana@partner.example"
		x.Limits.Breaker = store.Budget{Name: "answer/breaker", Limit: 1, Window: time.Hour}
	}
	row := d.wantStopped(d.answer(d.mail(1), guarded), store.RuleOff)
	if row.Verdict.Rules[1].Evidence != "moving house" {
		d.Errorf("the evidence is %q", row.Verdict.Rules[1].Evidence)
	}
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: true, Reason: ""}))
	// The stopped answer reserved nothing and charged nothing, nor the breaker.
	d.wantAnswered(d.answer(d.mail(2), guarded))
}

func switchingOne(d *desk) {
	d.connects()
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "other"))
	d.same(must[store.Responder](d)(d.MailboxResponder(d.ctx, box)), store.Responder{On: true})
	off := must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ana"),
		store.Switch{Mailbox: box, Reason: "a loop"}))
	d.same(off, store.Responder{Since: d.at(), Reason: "a loop", By: "ana"})
	d.same(must[store.Responder](d)(d.MailboxResponder(d.ctx, box)), off)
	d.same(must[store.Responder](d)(d.Responder(d.ctx, d.now)), store.Responder{On: true})
	d.same(must[store.Responder](d)(d.MailboxResponder(d.ctx, "other")), store.Responder{On: true})
	elsewhere := d.records(d.arrival(1, func(m *store.NewInbound) { m.Mailbox, m.UIDValidity = "other", 7 }))[0].ID

	row := d.wantStopped(d.answer(d.mail(2), sender("ana@partner.example")), store.RuleMailbox)
	d.same(row.Verdict.Rules[1].Evidence, "a loop")
	d.wantAnswered(d.answer(elsewhere))
	// Both switches stop on their own, and all on leaves the mailbox off.
	d.pass(time.Minute)
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("bob"), store.Switch{}))
	d.wantStopped(d.answer(d.mail(3)), store.RuleOff, store.RuleMailbox)
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("bob"), store.Switch{On: true}))
	d.wantStopped(d.answer(d.mail(4)), store.RuleMailbox)
	d.same(must[store.Responder](d)(d.MailboxResponder(d.ctx, box)), off)

	on := must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("cy"), store.Switch{Mailbox: box, On: true}))
	d.same(on, store.Responder{On: true, Since: d.at(), By: "cy"})
	d.wantAnswered(d.answer(d.mail(5), sender("ana@partner.example")))

	// One may be off before it is first connected.
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("cy"), store.Switch{Mailbox: "later"}))
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "later"))
	d.same(must[store.Responder](d)(d.MailboxResponder(d.ctx, "later")).On, false)
	_, err := d.MailboxResponder(d.ctx, "")
	d.wantErr(err, store.ErrInvalid)
}

// exactPause switches a mailbox off while its mails are decided: from the moment
// the switch returned none is answered.
func exactPause(d *desk) {
	d.connects()
	var decisions []store.Decision
	for uid := range uint32(60) {
		decisions = append(decisions, d.answer(d.mail(uid+1)))
	}
	var paused atomic.Bool
	var late atomic.Int64
	var all sync.WaitGroup
	for _, decision := range decisions {
		all.Go(func() {
			after := paused.Load()
			rows, err := d.DecideInbound(d.ctx, d.now, []store.Decision{decision})
			if err != nil {
				d.Error(err)
			} else if after && rows[0].Answer != 0 {
				late.Add(1)
			}
		})
	}
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ana"), store.Switch{Mailbox: box}))
	paused.Store(true)
	all.Wait()
	if n := late.Load(); n > 0 {
		d.Errorf("%d mails were answered after the pause", n)
	}
	d.wantStopped(d.answer(d.mail(99)), store.RuleMailbox)
}

func beforeConnection(d *desk) {
	d.connects()
	old := d.arrival(1, func(m *store.NewInbound) { m.InternalDate = store.ConnectionInstant(d.now).Add(-time.Second) })
	// An INTERNALDATE has no fraction of a second.
	fresh := d.arrival(2, func(m *store.NewInbound) { m.InternalDate = store.ConnectionInstant(d.now) })
	undated := d.arrival(3, func(m *store.NewInbound) { m.InternalDate = time.Time{} })
	rows := d.records(old, fresh, undated)
	d.wantStopped(d.answer(rows[0].ID), store.RuleConnected)
	d.wantAnswered(d.answer(rows[1].ID))
	d.wantStopped(d.answer(rows[2].ID), store.RuleConnected)

	d.pass(time.Hour)
	d.must(d.MarkRestored(d.ctx, d.now))
	if state := d.mailbox(box); !state.ConnectedAt.Equal(store.ConnectionInstant(d.now)) || state.UID != 3 {
		d.Errorf("restored: %+v", state)
	}
	before := d.arrival(4, func(m *store.NewInbound) { m.InternalDate = d.at().Add(-time.Second) })
	d.wantStopped(d.answer(d.records(before)[0].ID), store.RuleConnected)
	d.wantAnswered(d.answer(d.mail(5)))
}

func allRules(d *desk) {
	d.connects()
	limited := func(x *store.Decision) {
		x.Limits.Sender = "ana@partner.example"
		x.Limits.Budgets = []store.Budget{{Name: "answer/all", Limit: 1, Window: time.Hour}}
	}
	d.wantAnswered(d.answer(d.mail(1), limited))
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: false, Reason: "off"}))
	old := d.records(d.arrival(2, func(m *store.NewInbound) { m.InternalDate = d.at().Add(-time.Hour) }))[0]
	d.wantStopped(d.answer(old.ID, limited), store.RuleOff, store.RuleConnected, store.RuleAnswered, store.RuleBudget)
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Rules, map[string]uint64{
		"to-us": 2, store.RuleOff: 1, store.RuleConnected: 1, store.RuleAnswered: 1, store.RuleBudget: 1,
	})
}

func answerInDoubt(d *desk) {
	d.connects()
	crashed := d.wantAnswered(d.answer(d.mail(1))).Answer
	silent := d.wantAnswered(d.answer(d.mail(2))).Answer
	later := d.wantAnswered(d.answer(d.mail(3))).Answer
	rows := d.claims(claimAll())
	d.same(idsOf(rows), []store.OutboundID{crashed, silent, later})
	d.finishes(rows[1], store.StateUnknown, time.Time{})
	d.finishes(rows[2], store.StateQueued, d.now.Add(2*time.Minute)) // refused for now: it did not go out
	d.pass(3 * time.Minute)
	again := d.claims(claimAll())
	d.same(idsOf(again), []store.OutboundID{later})
	if again[0].Attempts != 2 {
		d.Errorf("try %d, want 2", again[0].Attempts)
	}
	for _, id := range []store.OutboundID{crashed, silent} {
		row := must[store.Outbound](d)(d.Outbound(d.ctx, id))
		if row.State != store.StateUnknown || row.DoneAt.IsZero() || row.Claim != 0 {
			d.Errorf("in doubt, yet %+v", row)
		}
	}
	late := store.Finish{ID: crashed, Claim: rows[0].Claim, State: store.StateSent}
	d.wantErr(d.FinishOutbound(d.ctx, d.now, late), store.ErrConflict)

	// A restored store cannot know what went out after the backup.
	d.opens()
	queued := d.wantAnswered(d.answer(d.mail(4))).Answer
	d.must(d.MarkRestored(d.ctx, d.now))
	for _, id := range []store.OutboundID{again[0].ID, queued} {
		if row := must[store.Outbound](d)(d.Outbound(d.ctx, id)); row.State != store.StateUnknown {
			d.Errorf("restored, yet auto-response %d is %s", id, row.State)
		}
	}
	if rows := d.claims(claimAll()); len(rows) != 1 || rows[0].Kind != store.MailConfirmation {
		d.Errorf("restored, to be sent: %v", rows)
	}
}

func refusedAnswer(d *desk) {
	d.connects()
	first, second := d.mail(1), d.mail(2)
	used := d.opens().Confirmation.MessageID
	for name, change := range map[string]func(*store.Decision){
		"not an auto-response": func(x *store.Decision) { x.Answer.Kind = store.MailConfirmation },
		"no recipient":         func(x *store.Decision) { x.Answer.To = "" },
		"no sender":            func(x *store.Decision) { x.Answer.From = "" },
		"no Message-ID":        func(x *store.Decision) { x.Answer.MessageID = "" },
		"Message-ID in use":    func(x *store.Decision) { x.Answer.MessageID = used },
		"budget, no window":    func(x *store.Decision) { x.Limits.Budgets = []store.Budget{{Limit: 1}} },
		"breaker, no window":   func(x *store.Decision) { x.Limits.Breaker = store.Budget{Limit: 1} },
	} {
		_, err := d.DecideInbound(d.ctx, d.now, []store.Decision{d.answer(first), d.answer(second, change)})
		if d.wantErr(err, store.ErrInvalid); len(must[[]store.Inbound](d)(d.lists().pending(box))) != 2 {
			d.Errorf("%s: something was decided", name)
		}
	}
	twice := d.answer(second)
	other := d.answer(first, func(x *store.Decision) { x.Answer.MessageID = strings.ToUpper(twice.Answer.MessageID) })
	_, err := d.DecideInbound(d.ctx, d.now, []store.Decision{other, twice})
	d.wantErr(err, store.ErrInvalid)
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Outbounds, map[store.OutboundState]uint64{store.StateQueued: 1})
}

func noAnswer(d *desk) {
	d.connects()
	row := d.decides(d.answer(d.mail(1), func(x *store.Decision) { x.Verdict.Answer = false }))[0]
	without := d.decides(d.answer(d.mail(2), func(x *store.Decision) { x.Answer = nil }))[0]
	if row.Answer != 0 || without.Answer != 0 {
		d.Errorf("answered by %d and %d", row.Answer, without.Answer)
	}
	_, err := d.NextOutbound(d.ctx)
	d.wantErr(err, store.ErrNotFound)
}
