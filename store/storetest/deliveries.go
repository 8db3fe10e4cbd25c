package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

func deliveryStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A dead address is suppressed and its ticket asks":         deadAddress,
		"The same report twice changes nothing twice":              reportedTwice,
		"A delay is shown and nothing else":                        delayShown,
		"A delivery is shown until a bounce says otherwise":        deliveredThenBounced,
		"What did not arrive this time leaves the address alone":   undeliveredLater,
		"A mailbox that stays full is as good as dead for a while": stayingFull,
		"Refusals are grouped by host and words":                   refusalsGrouped,
		"One who complained gets nothing automatic any more":       complaint,
		"An address whose answer came back is not answered again":  answerCameBack,
		"What programs send back is told once":                     echoes,
		"A report that nothing proves has no effect":               unprovenReport,
		"A suppression ends by itself and by hand":                 suppressionEnds,
		"Suppressions are found under the address as it is":        suppressionFolding,
		"An address is kept back by hand":                          suppressedByHand,
		"A row waiting for a dead address is not sent":             suppressedWhileQueued,
		"Mails are found by their recipient":                       mailsByRecipient,
		"An answer may open a link to its ticket":                  answerWithLink,
	}
}

// failed is a report that the mail will not arrive.
func failed(mail store.Outbound, outcome store.Outcome) store.Report {
	return store.Report{
		Recipient: mail.To, Action: "failed", Status: "5.1.1", Reason: "userunknown", Outcome: outcome,
		Diagnostic: "550 5.1.1 no such user", Outbound: mail.ID, Tie: store.TieEnvelope,
	}
}

// hears decides that a new mail is a bounce with these reports.
func (d *desk) hears(reports ...store.Report) store.Inbound {
	d.Helper()
	return d.hearsOf(store.KindBounce, reports...)
}

func (d *desk) hearsOf(kind store.Kind, reports ...store.Report) store.Inbound {
	d.Helper()
	id := d.mail(uint32(1_000 + d.mint()))
	row := d.decides(store.Decision{ID: id, Verdict: store.Verdict{Kind: kind, Reports: reports}})[0]
	d.same(row.Verdict.Reports, reports)
	d.same(must[store.Inbound](d)(d.Inbound(d.ctx, id)), row)
	return row
}

// sends opens a ticket and sends its confirmation.
func (d *desk) sends(change ...func(*store.NewTicket)) store.Opened {
	d.Helper()
	opened := d.opens(change...)
	for _, row := range d.claims(claimAll()) {
		d.finishes(row, store.StateSent, time.Time{})
	}
	opened.Confirmation = must[store.Outbound](d)(d.Outbound(d.ctx, opened.Confirmation.ID))
	return opened
}

// events are the events of a ticket's thread.
func (d *desk) events(id store.TicketID) (events []string) {
	d.Helper()
	for _, e := range must[[]store.Entry](d)(d.lists().thread(id, 0)) {
		if e.Kind == store.EntryEvent {
			events = append(events, fmt.Sprint(e.Event, " ", e.Outbound, " ", e.Body))
		}
	}
	return events
}

func (d *desk) suppressed(address string) (scopes []store.Scope) {
	d.Helper()
	for _, s := range must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, address)) {
		scopes = append(scopes, s.Scope)
	}
	return scopes
}

func (d *desk) delivery(id store.OutboundID) store.Delivery {
	d.Helper()
	return must[store.Outbound](d)(d.Outbound(d.ctx, id)).Delivery
}

func deadAddress(d *desk) {
	d.connects()
	opened := d.sends()
	mail := opened.Confirmation
	d.pass(time.Minute)
	report := failed(mail, store.OutcomeDead)
	in := d.hears(report)
	want := store.Delivery{
		Fate: store.FateBounced, At: d.at(), Status: "5.1.1", Reason: "userunknown", Outcome: "dead",
		Diagnostic: "550 5.1.1 no such user", Inbound: in.ID,
	}
	after := must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID))
	d.same(after.Delivery, want)
	d.same(after.State, store.StateSent) // that the relay took it stays true
	d.same(must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, mail.To)), []store.Suppression{{
		ID: 1, Address: mail.To, Scope: store.ScopeAll, Reason: "userunknown", Status: "5.1.1", Diagnostic: report.Diagnostic,
		Since: d.at(), Expires: d.at().Add(store.ScopeAll.Kept()), Outbound: mail.ID, Inbound: in.ID,
	}})
	k := must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
	if k.Question != store.QuestionUndeliverable || k.Status != store.StatusOpen || !k.ChangedAt.Equal(d.at()) {
		d.Errorf("the ticket is %+v", k)
	}
	d.same(d.events(k.ID), []string{fmt.Sprintf("mail_bounced %d %s", mail.ID, report.Diagnostic)})
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Fates, map[store.Fate]uint64{store.FateBounced: 1})

	// The next ticket from there opens all the same, and says why it is silent.
	budget := store.Budget{Name: "b", Limit: 1, Window: time.Hour}
	next := d.opens(budgets(budget))
	c := next.Confirmation
	if c.State != store.StateSuppressed || !strings.HasPrefix(c.Reason, store.RuleSuppressed+": all, since ") {
		d.Errorf("the next confirmation is %+v", c)
	}
	d.same(next.Ticket.Question, store.QuestionUndeliverable)
	other := d.opens(from("other@partner.example"), budgets(budget))
	if other.Confirmation.State != store.StateQueued || other.Ticket.Question != "" {
		d.Errorf("another partner's ticket is %+v", other)
	}

	d.pass(time.Minute)
	k.Question, k.Trouble, k.ChangedAt = "", "", d.at()
	d.same(must[store.Ticket](d)(d.SettleQuestion(d.ctx, d.now, store.ByService(), k.ID)), k)
	d.pass(time.Minute)
	d.same(must[store.Ticket](d)(d.SettleQuestion(d.ctx, d.now, store.ByService(), k.ID)), k)
	_, err := d.SettleQuestion(d.ctx, d.now, store.ByService(), 99)
	d.wantErr(err, store.ErrNotFound)
}

func reportedTwice(d *desk) {
	d.connects()
	opened := d.sends()
	report := failed(opened.Confirmation, store.OutcomeDead)
	d.hears(report, report)
	ticket := must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
	mail := must[store.Outbound](d)(d.Outbound(d.ctx, opened.Confirmation.ID))
	held := must[[]store.Suppression](d)(d.lists().suppressions(d.now))
	d.same(d.events(ticket.ID), []string{fmt.Sprintf("mail_bounced %d %s", mail.ID, report.Diagnostic)})
	d.pass(time.Hour)
	d.hears(report)
	// Neither does one that says less.
	d.hearsOf(store.KindDelay, store.Report{Action: "delayed", Outbound: mail.ID, Tie: store.TieEnvelope})
	d.hears(failed(mail, store.OutcomeRefused))
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, ticket.ID)), ticket)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), held)
	d.same(must[[]store.Refusal](d)(d.lists().refusals(d.now.Add(-time.Hour))), []store.Refusal{})
}

func delayShown(d *desk) {
	d.connects()
	opened := d.sends()
	before := must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
	in := d.hearsOf(store.KindDelay, store.Report{
		Action: "delayed", Outcome: "later", Status: "4.4.1", Diagnostic: "timed out",
		Outbound: opened.Confirmation.ID, Tie: store.TieMessageID,
	})
	d.same(d.delivery(opened.Confirmation.ID), store.Delivery{
		Fate: store.FateDelayed, At: d.at(), Status: "4.4.1", Outcome: "later", Diagnostic: "timed out", Inbound: in.ID,
	})
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID)), before)
	d.same(d.suppressed(opened.Confirmation.To), []store.Scope{})
}

func deliveredThenBounced(d *desk) {
	d.connects()
	opened := d.sends()
	about := store.Report{Outbound: opened.Confirmation.ID, Tie: store.TieEnvelope, Action: "relayed"}
	d.hearsOf(store.KindDelivered, about)
	d.same(d.delivery(about.Outbound), store.Delivery{})
	about.Action, about.Outcome = "delivered", store.OutcomeDone
	d.hearsOf(store.KindDelivered, about)
	d.same(d.delivery(about.Outbound).Fate, store.FateDelivered)
	d.same(d.events(opened.Ticket.ID), []string{})
	d.hears(failed(opened.Confirmation, store.OutcomeDead))
	d.same(d.delivery(about.Outbound).Fate, store.FateBounced)
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Fates, map[store.Fate]uint64{store.FateBounced: 1})
}

func undeliveredLater(d *desk) {
	d.connects()
	opened := d.sends()
	d.hears(failed(opened.Confirmation, store.OutcomeLater)) // a full mailbox, say
	d.same(d.delivery(opened.Confirmation.ID).Fate, store.FateBounced)
	d.same(len(d.events(opened.Ticket.ID)), 1)
	d.same(d.suppressed(opened.Confirmation.To), []store.Scope{})
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID)).Question, store.Question(""))
}

func stayingFull(d *desk) {
	d.connects()
	full := func(who string) store.Opened {
		opened := d.sends(from(who))
		r := failed(opened.Confirmation, store.OutcomeLater)
		r.Status, r.Reason = "5.2.2", store.ReasonFull
		d.hears(r)
		return opened
	}
	full("ana@a.example")
	d.pass(store.FullWindow) // long enough ago to be another time
	full("ana@a.example")
	d.pass(time.Hour)
	full("bob@a.example") // somebody else's
	full("Ana@a.example") // perhaps somebody else's
	second := full("ana@a.example")
	d.same(d.suppressed("ana@a.example"), []store.Scope{})
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, second.Ticket.ID)).Question, store.Question(""))
	d.pass(store.FullWindow - 2*time.Hour)
	third := full("ana@a.example")
	held := must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@a.example"))
	if len(held) != 1 || held[0].Scope != store.ScopeAll ||
		held[0].Reason != store.ReasonFull || !held[0].Expires.Equal(d.at().Add(store.FullWindow)) {
		d.Fatalf("suppressed %+v", held)
	}
	k := must[store.Ticket](d)(d.Ticket(d.ctx, third.Ticket.ID))
	d.same(k.Question, store.QuestionUndeliverable)
	d.same(d.delivery(third.Confirmation.ID).Outcome, store.OutcomeLater)
	d.same(d.suppressed("bob@a.example"), []store.Scope{})
	d.same(d.suppressed("Ana@a.example"), []store.Scope{})
	// It ends by itself, and never cuts short what stands for longer.
	d.hears(failed(second.Confirmation, store.OutcomeDead)) // of the same fate: nothing new
	dead := d.opens(from("ana@a.example"))
	d.same(dead.Confirmation.State, store.StateSuppressed)
	d.pass(store.FullWindow)
	d.same(d.suppressed("ana@a.example"), []store.Scope{})
	waiting := []store.Opened{
		d.sends(from("ana@a.example")), d.sends(from("ana@a.example")),
		d.sends(from("ana@a.example")), d.sends(from("ana@a.example")),
	}
	d.hears(failed(waiting[0].Confirmation, store.OutcomeDead))
	ends := must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@a.example"))[0].Expires
	d.pass(time.Hour)
	for _, opened := range waiting[1:] {
		r := failed(opened.Confirmation, store.OutcomeLater)
		r.Reason = store.ReasonFull
		d.hears(r)
	}
	held = must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@a.example"))
	if len(held) != 1 || !held[0].Expires.Equal(ends) {
		d.Errorf("a dead address that was full too: %+v", held)
	}
}

func refusalsGrouped(d *desk) {
	d.connects()
	refused := func(mail store.Outbound, host, words string) {
		r := failed(mail, store.OutcomeRefused)
		r.Host, r.Diagnostic, r.Status, r.Reason = host, words, "5.7.1", "blocked"
		d.pass(time.Minute)
		d.hears(r)
	}
	first := d.at().Add(time.Minute)
	one := d.sends(from("One@a.example"))
	refused(one.Confirmation, "mx.example",
		"550 5.7.1 <one@a.example>: 192.0.2.1 is listed, see https://list.example/192.0.2.1")
	refused(d.sends(from("two@b.example")).Confirmation, "mx.example",
		"550 5.7.1 <two@b.example>: 192.0.2.99 is listed, see https://list.example/192.0.2.99")
	refused(d.sends(from("two@b.example")).Confirmation, "mx.example",
		"550 5.7.1 <two@b.example>: 192.0.2.99 is listed, see https://list.example/x")
	last := d.at()
	refused(d.sends(from("six@a.example")).Confirmation, "", "554 spam")
	refusals := must[[]store.Refusal](d)(d.lists().refusals(d.now.Add(-time.Hour)))
	if len(refusals) != 2 || refusals[0].Host != "a.example" || refusals[1].Host != "mx.example" {
		d.Fatalf("refusals %+v", refusals)
	}
	r := refusals[1]
	if r.Count != 3 || !r.First.Equal(first) || !r.Last.Equal(last) ||
		r.Reason != "blocked" || !strings.HasSuffix(r.Diagnostic, "/x") {
		d.Errorf("the cluster is %+v", r)
	}
	d.same(r.Addresses, []string{"one@a.example", "two@b.example"})
	d.same([]int{r.Since(r.Last), r.Since(r.First), r.Since(r.Last.Add(1))}, []int{1, 2, 0})
	d.same(len(must[[]store.Refusal](d)(d.lists().refusals(d.now))), 1)
	d.same(d.suppressed("one@a.example"), []store.Scope{})
	d.same(len(d.events(one.Ticket.ID)), 1)
	for i := range store.RefusalAddresses + 5 {
		refused(d.sends(from(fmt.Sprintf("p%d@many.example", i))).Confirmation, "", "no")
	}
	many := must[[]store.Refusal](d)(d.lists().refusals(d.now))[0]
	if len(many.Addresses) != store.RefusalAddresses || many.Count != store.RefusalAddresses+5 {
		d.Errorf("%d addresses of %d cases", len(many.Addresses), many.Count)
	}
	// In the end it is forgotten, and what comes then is a first case.
	d.pass(store.RefusalKept)
	refused(d.sends(from("two@b.example")).Confirmation, "mx.example", r.Diagnostic)
	if again := must[[]store.Refusal](d)(d.lists().refusals(d.now)); len(again) != 1 || again[0].Count != 1 {
		d.Errorf("long after: %+v", again)
	}
	must[int](d)(d.Housekeep(d.ctx, d.now, 10_000))
	d.same(len(must[[]store.Refusal](d)(d.lists().refusals(dawn))), 1)
}

func complaint(d *desk) {
	d.connects()
	opened := d.sends()
	report := store.Report{Recipient: opened.Confirmation.To, Action: "failed", Outcome: store.OutcomeRefused,
		Reason: "feedback", Diagnostic: "abuse", Outbound: opened.Confirmation.ID, Tie: store.TieEnvelope}
	d.hearsOf(store.KindComplaint, report)
	d.same(d.delivery(opened.Confirmation.ID).Fate, store.FateComplained)
	d.same(d.suppressed(opened.Confirmation.To), []store.Scope{store.ScopeAutomatic})
	d.same(d.events(opened.Ticket.ID), []string{fmt.Sprintf("mail_complained %d abuse", opened.Confirmation.ID)})
	next := d.opens()
	if next.Confirmation.State != store.StateSuppressed || next.Ticket.Question != "" {
		d.Errorf("after the complaint: %+v", next)
	}
	complainer := func(x *store.Decision) { x.Answer.To = opened.Confirmation.To }
	row := d.wantStopped(d.answer(d.mail(1), complainer), store.RuleSuppressed)
	evidence := row.Verdict.Rules[1].Evidence
	if strings.Contains(evidence, "@") || !strings.HasPrefix(evidence, "automatic") {
		d.Errorf("the evidence is %q", evidence)
	}
	d.same(must[[]store.Refusal](d)(d.lists().refusals(dawn)), []store.Refusal{})
}

func answerCameBack(d *desk) {
	d.connects()
	to := func(address string) func(*store.Decision) {
		return func(x *store.Decision) { x.Answer.To = address; x.Limits.Sender = "" }
	}
	row := d.wantAnswered(d.answer(d.mail(1), to("sue@else.example")))
	sent := must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer))
	d.hears(failed(sent, store.OutcomeRefused))
	d.same(d.suppressed("sue@else.example"), []store.Scope{store.ScopeAnswers})
	d.pass(20 * 365 * 24 * time.Hour)
	d.wantStopped(d.answer(d.mail(2), to("sue@ELSE.example")), store.RuleSuppressed)
	d.wantAnswered(d.answer(d.mail(3), to("Sue@else.example"))) // another mailbox, for all we know
	// What they post is confirmed all the same.
	if opened := d.opens(from("sue@else.example")); opened.Confirmation.State != store.StateQueued {
		d.Errorf("the confirmation is %s", opened.Confirmation.Reason)
	}
	// An answer about a ticket that comes back is no event of it either.
	k := d.opens(from("kim@else.example")).Ticket
	row = d.wantAnswered(d.answer(d.mail(4), func(x *store.Decision) {
		x.Answer.Ticket, x.Answer.To = k.ID, "kim@else.example"
	}))
	d.hears(failed(must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer)), store.OutcomeLater))
	d.same(d.events(k.ID), []string{})
}

func echoes(d *desk) {
	d.connects()
	opened := d.sends()
	mail := opened.Confirmation
	k := must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
	echo := func(kind store.Kind, about store.OutboundID) {
		d.Helper()
		n := d.arrival(uint32(1_000 + d.mint()))
		n.Subject = "Out of office"
		verdict := store.Verdict{Kind: kind, About: about}
		row := d.decides(store.Decision{ID: d.records(n)[0].ID, Verdict: verdict})[0]
		d.same(row.Verdict, verdict)
		d.same(must[store.Inbound](d)(d.Inbound(d.ctx, row.ID)), row)
	}
	for range 2 { // each kind once, however often they come
		for _, kind := range []store.Kind{
			store.KindAutoReply, store.KindChallenge, store.KindReceipt, store.KindDirect, store.KindOwn,
		} {
			d.pass(time.Second)
			echo(kind, mail.ID)
		}
	}
	told := func(event store.Event) string { return fmt.Sprintf("%s %d Out of office", event, mail.ID) }
	d.same(d.events(k.ID), []string{
		told(store.EventMailAutoReplied), told(store.EventMailChallenged), told(store.EventMailRead),
	})
	after := must[store.Ticket](d)(d.Ticket(d.ctx, k.ID))
	if after.Status != k.Status || after.Question != "" ||
		d.delivery(mail.ID).Fate != "" || len(d.suppressed(mail.To)) > 0 {
		d.Errorf("the ticket is %+v", after)
	}
	echo(store.KindAutoReply, 0)
	echo(store.KindAutoReply, 999)
	answer := d.wantAnswered(d.answer(d.mail(1), func(x *store.Decision) { x.Answer.Ticket = k.ID })).Answer
	echo(store.KindAutoReply, answer)
	d.same(len(d.events(k.ID)), 3)
}

func unprovenReport(d *desk) {
	d.connects()
	opened := d.sends()
	before := must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
	report := failed(opened.Confirmation, store.OutcomeDead)
	for _, tie := range []store.Tie{"", store.TieProbable, store.TieOther, "anything"} {
		report.Tie = tie
		d.hears(report)
	}
	report.Tie, report.Outbound = store.TieEnvelope, 0
	d.hears(report)
	report.Outbound = 999
	d.hears(report)
	report.Outbound = opened.Confirmation.ID
	d.hearsOf(store.KindAutoReply, report)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID)), before)
	d.same(d.delivery(opened.Confirmation.ID), store.Delivery{})
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), []store.Suppression{})
}

func mailsByRecipient(d *desk) {
	one := d.opens(from("Ana@a.example")).Confirmation
	d.opens(from("bob@a.example"))
	two := d.opens(from("ana@A.example")).Confirmation
	d.same(must[[]store.Outbound](d)(d.lists().mailsTo("ANA@a.example ")), []store.Outbound{two, one})
	d.same(must[[]store.Outbound](d)(d.lists().mailsTo("nobody@a.example")), []store.Outbound{})

	// Answers too, whatever ticket they are about.
	d.connects()
	answers := func(uid uint32, to string, about store.OutboundID) store.Outbound {
		row := d.wantAnswered(d.answer(d.mail(uid), func(x *store.Decision) {
			x.Answer.To = to
			if about != 0 {
				x.Answer.Ticket = must[store.Outbound](d)(d.Outbound(d.ctx, about)).Ticket
			}
		}))
		return must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer))
	}
	own, stray := answers(1, "ana@a.example", one.ID), answers(2, "ana@a.example", 0)
	others := answers(3, "cy@a.example", one.ID)
	d.same(must[[]store.Outbound](d)(d.lists().mailsTo("ana@a.example")), []store.Outbound{stray, own, two, one})
	d.same(must[[]store.Outbound](d)(d.lists().mailsTo("cy@a.example")), []store.Outbound{others})
}

func answerWithLink(d *desk) {
	d.connects()
	k := d.opens().Ticket
	linked := func(change ...func(*store.Decision)) func(*store.Decision) {
		return func(x *store.Decision) {
			x.Answer.Ticket, x.Answer.Number = k.ID, k.Number
			x.Answer.Link, x.LinkExpires = linkOf(d.mint()), d.now.Add(time.Hour)
			for _, c := range change {
				c(x)
			}
		}
	}
	decision := d.answer(d.mail(1), linked())
	row := d.wantAnswered(decision)
	mail := must[store.Outbound](d)(d.Outbound(d.ctx, row.Answer))
	if mail.Ticket != k.ID || mail.Number != k.Number || mail.Link != decision.Answer.Link {
		d.Errorf("the answer is %+v", mail)
	}
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, mail.Link)).ID, k.ID)
	d.pass(time.Hour)
	_, err := d.TicketByLink(d.ctx, d.now, mail.Link)
	d.wantErr(err, store.ErrNotFound)

	stopped := d.answer(d.mail(2), linked(sender("ana@partner.example")))
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: false, Reason: "off"}))
	d.wantStopped(stopped, store.RuleOff)
	_, err = d.TicketByLink(d.ctx, d.now, stopped.Answer.Link)
	d.wantErr(err, store.ErrNotFound)

	for name, change := range map[string]func(*store.Decision){
		"no ticket":      func(x *store.Decision) { x.Answer.Ticket = 0 },
		"unknown ticket": func(x *store.Decision) { x.Answer.Ticket = 99 },
		"no end":         func(x *store.Decision) { x.LinkExpires = time.Time{} },
		"link in use":    func(x *store.Decision) { x.Answer.Link = k.Link },
	} {
		_, err := d.DecideInbound(d.ctx, d.now, []store.Decision{d.answer(d.mail(3), linked(change))})
		if d.wantErr(err, store.ErrInvalid); len(must[[]store.Inbound](d)(d.lists().pending(box))) != 1 {
			d.Errorf("%s: something was decided", name)
		}
	}
}
