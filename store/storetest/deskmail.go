package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

// What becomes of the mails of replies.

func bouncedReply(d *desk) {
	d.connects()
	k := d.opens().Ticket
	first := d.replies(k, then(store.StatusSolved))
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	k = d.reads(k.ID)
	second := d.replies(k, then(store.StatusSolved))
	d.pass(time.Minute)
	later := d.at()
	d.ends(store.StateSent, store.Report{})
	quiet := d.opens(from("bob@partner.example")).Ticket

	report := failed(first.Mail, store.OutcomeLater)
	d.hears(report)
	got := d.reads(k.ID)
	if got.Status != store.StatusOpen || got.Trouble != store.EventMailBounced || got.FirstReply != second.Mail.ID ||
		!got.FirstReplyAt.Equal(later) || !got.SolvedAt.IsZero() || !got.InTrouble() {
		d.Fatalf("after the first came back: %+v", got)
	}
	d.hears(failed(second.Mail, store.OutcomeDead))
	got = d.reads(k.ID)
	if got.FirstReply != 0 || !got.FirstReplyAt.IsZero() || len(got.Deadlines()) != 2 || got.Assignee != 1 {
		d.Fatalf("after both came back: %+v", got)
	}
	rows := d.rows(d.lee(), store.TicketFilter{})
	if len(rows) != 2 || rows[0].Ticket.ID != k.ID || rows[1].Ticket.ID != quiet.ID {
		d.Errorf("the list begins with %+v", rows)
	}
	mine := store.TicketFilter{View: store.ViewMine, Trouble: true}
	if rows := d.rows(d.lee(), mine); len(rows) != 1 {
		d.Errorf("%d tickets of the agent's are in trouble", len(rows))
	}
	// The trouble is over once something arrives.
	for _, s := range must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, k.Requester.Email)) {
		must[store.Suppression](d)(d.ReleaseSuppression(d.ctx, d.now, store.ByService(), s.ID))
	}
	d.replies(d.reads(k.ID))
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	if got = d.reads(k.ID); got.Trouble != "" {
		d.Errorf("still in trouble: %s", got.Trouble)
	}
}

// replyAddress changes the requester within the time to undo: what was sent goes where it
// was written to, and again to the new address by hand.
func replyAddress(d *desk) {
	k := d.opens().Ticket
	n := store.NewAddress{Ticket: k.ID, Email: "other@partner.example", Mailing: d.mailing()}
	done, undone := d.replies(k), d.replies(k, func(n *store.NewReply) { n.Force = true })
	must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), undone.Mail.ID))
	_, err := d.ChangeRequester(d.ctx, d.now, store.ByService(), n) // it has been answered
	d.wantErr(err, store.ErrConflict)
	_, err = d.ResendReply(d.ctx, d.now, d.lee(), done.Mail.ID, d.mailing()) // it waits
	d.wantErr(err, store.ErrConflict)
	changed := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, d.lee(), n))
	d.same(changed.Missed, []store.OutboundID{done.Mail.ID})
	_, err = d.ResendReply(d.ctx, d.now, d.lee(), done.Mail.ID, d.mailing()) // its author can take it back
	d.wantErr(err, store.ErrConflict)
	d.pass(time.Minute)
	again := must[store.Outbound](d)(d.ResendReply(d.ctx, d.now, d.lee(), done.Mail.ID, d.mailing()))
	to := map[store.OutboundID]string{}
	for _, row := range d.claims(claimAll()) {
		to[row.ID] = row.To
	}
	d.same(to, map[store.OutboundID]string{
		done.Mail.ID: "Ana@Partner.example", again.ID: n.Email, changed.Confirmation.ID: n.Email,
	})
	reply, _, err := d.ReplyOf(d.ctx, again.ID, 0)
	d.must(err)
	d.same(reply, done.Entry)
	if again.Link != n.Mailing.Link || again.Proven || again.InReplyTo != changed.Confirmation.MessageID {
		d.Errorf("the mail to the new address is %+v", again)
	}
	for _, id := range []store.OutboundID{undone.Mail.ID, changed.Confirmation.ID, 99} {
		_, err := d.ResendReply(d.ctx, d.now, d.lee(), id, d.mailing())
		d.wantErr(err, store.ErrNotFound)
	}
}

func suppressedReply(d *desk) {
	k := d.opens().Ticket
	before := d.reads(k.ID)
	held := store.Suppression{Address: k.Requester.Email, Scope: store.ScopeAll}
	by := store.ByCommandLine("ops")
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, by, held))
	refused, err := d.Reply(d.ctx, d.now, d.lee(), d.replyTo(k))
	d.wantErr(err, store.ErrConflict)
	if refused.Withheld == "" || len(refused.Newer) > 0 {
		d.Errorf("refused with %+v", refused)
	}
	d.same(d.reads(k.ID), before)
	// Who complained of automatic mail still reads what a person writes.
	bob := d.opens(from("bob@partner.example")).Ticket
	held.Address, held.Scope = "bob@partner.example", store.ScopeAutomatic
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, by, held))
	d.replies(bob)
}

func suppressedLater(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	done := d.replies(k, then(store.StatusSolved))
	held := store.Suppression{Address: k.Requester.Email, Scope: store.ScopeAll}
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, store.ByCommandLine("ops"), held))
	d.pass(time.Minute)
	d.same(d.claims(claimAll()), []store.Outbound{})
	got := d.reads(k.ID)
	if got.Status != store.StatusOpen || got.Trouble != store.EventMailFailed ||
		got.Question != store.QuestionUndeliverable {
		d.Errorf("the ticket is %+v", got)
	}
	began := fmt.Sprint(store.EventMailFailed, " ", done.Mail.ID)
	if told := d.events(k.ID); len(told) != 1 || !strings.HasPrefix(told[0], began) {
		d.Errorf("told %q", told)
	}
}

// replyRead writes what a reply must not show: a note, an event, a reply that could still
// be taken back, and what came later.
func replyRead(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	first := d.replies(k)
	d.pass(time.Minute)
	message := d.says(k, "Thanks. And the rest?")
	must[store.Noted](d)(d.Note(d.ctx, d.now, d.kim(), store.NewNote{Ticket: k.ID, Body: "Not the rest!"}))
	d.replies(d.reads(k.ID))
	done := d.replies(d.reads(k.ID))
	d.says(k, "Late")
	if !done.Mail.Proven || first.Mail.Proven {
		d.Errorf("proven: %v before the partner acted, %v after", first.Mail.Proven, done.Mail.Proven)
	}
	for _, most := range []int{0, 1, 9} {
		reply, earlier, err := d.ReplyOf(d.ctx, done.Mail.ID, most)
		d.must(err)
		d.same(reply, done.Entry)
		thread := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 1})).Items
		d.same(earlier, []store.Entry{message, first.Entry, thread[0]}[:min(most, 3)])
	}
	for _, id := range []store.OutboundID{1, 99} {
		_, _, err := d.ReplyOf(d.ctx, id, 1)
		d.wantErr(err, store.ErrNotFound)
	}
}
