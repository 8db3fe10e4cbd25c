package storetest

import (
	"time"

	"signpost/store"
)

func solveStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A ticket solved without a word is told of by one mail":  solvedWithoutWords,
		"What was solved by mistake and reopened is not told of": solvedByMistake,
		"A ticket that tells of nothing is solved in silence":    solvedInSilence,
	}
}

func (d *desk) solvedMail(undo time.Duration, change ...func(*store.Mailing)) store.SolvedMail {
	return store.SolvedMail{Mailing: d.mailing(change...), Undo: undo}
}

// told are the mails of a ticket that say it is solved.
func (d *desk) told(id store.TicketID) (mails []store.Outbound) {
	for _, m := range must[[]store.Outbound](d)(d.lists().mailsOf(id)) {
		if m.Kind == store.MailSolved {
			mails = append(mails, m)
		}
	}
	return mails
}

func solvedWithoutWords(d *desk) {
	opened := d.sends()
	k := opened.Ticket
	d.pass(time.Hour)
	m := d.solvedMail(10 * time.Second)
	got := must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, m))
	if got.Status != store.StatusSolved || !got.SolvedAt.Equal(d.at()) || got.Link != k.Link {
		d.Fatalf("it is %+v", got)
	}
	want := store.Outbound{
		ID: 2, Kind: store.MailSolved, Region: "us", From: m.Region.Address, FromName: m.Region.Name,
		To: k.Requester.Email, Langs: []string{"es"}, MessageID: m.MessageID, InReplyTo: opened.Confirmation.MessageID,
		References: []string{opened.Confirmation.MessageID}, Ticket: k.ID, Number: k.Number, Link: k.Link,
		QueuedAt: d.at(), State: store.StateQueued, DueAt: d.at().Add(10 * time.Second),
	}
	d.same(d.told(k.ID), []store.Outbound{want})
	again := must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, d.solvedMail(0)))
	d.same(again, got)
	if early := d.claims(claimAll()); len(early) > 0 {
		d.Fatalf("it went out before its time: %+v", early)
	}
	d.pass(10 * time.Second)
	rows := d.claims(claimAll())
	if len(rows) != 1 || rows[0].ID != want.ID {
		d.Fatalf("claimed: %+v", rows)
	}
	d.finishes(rows[0], store.StateSent, time.Time{})
	if k := must[store.Ticket](d)(d.Ticket(d.ctx, k.ID)); k.Replies != 0 || !k.FirstReplyAt.IsZero() {
		d.Fatalf("it counts as an answer: %+v", k)
	}
	reply := d.replies(got)
	if reply.Mail.InReplyTo != m.MessageID {
		d.Fatalf("the next reply answers %s", reply.Mail.InReplyTo)
	}
}

func solvedByMistake(d *desk) {
	k := d.sends().Ticket
	must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, d.solvedMail(10*time.Second)))
	d.pass(5 * time.Second)
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusOpen))
	d.pass(time.Second)
	must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, d.solvedMail(10*time.Second)))
	d.pass(time.Minute)
	rows := d.claims(claimAll())
	told := d.told(k.ID)
	if len(rows) != 1 || len(told) != 2 || rows[0].ID != told[1].ID || told[0].State != store.StateSuppressed ||
		told[0].Reason != store.RuleReopened {
		d.Fatalf("claimed %+v of %+v", rows, told)
	}
}

func solvedInSilence(d *desk) {
	k := d.sends().Ticket
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"),
		store.Suppression{Address: k.Requester.Email, Scope: store.ScopeAutomatic}))
	must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, d.solvedMail(0)))
	if told := d.told(k.ID); len(told) != 1 || told[0].State != store.StateSuppressed {
		d.Fatalf("told: %+v", told)
	}
	pageless := d.opens(func(n *store.NewTicket) {
		n.Channel, n.Link, n.MessageID = store.ChannelDesk, store.LinkID{}, ""
	}).Ticket
	must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), pageless.ID, d.solvedMail(0)))
	d.same(d.told(pageless.ID), []store.Outbound(nil))

	other := d.sends().Ticket
	for name, m := range map[string]store.SolvedMail{
		"another region":      d.solvedMail(0, func(m *store.Mailing) { m.Region = region("intl", "INT") }),
		"a link in use":       d.solvedMail(0, func(m *store.Mailing) { m.Link = other.Link }),
		"no Message-ID":       d.solvedMail(0, func(m *store.Mailing) { m.MessageID = "" }),
		"a long wait":         d.solvedMail(store.MaxUndo + 1),
		"a wait that is past": d.solvedMail(-1),
	} {
		if _, err := d.SolveTicket(d.ctx, d.now, d.lee(), other.ID, m); err == nil {
			d.Errorf("%s: taken", name)
		}
	}
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, other.ID)).Status, store.StatusOpen)
	_, err := d.SolveTicket(d.ctx, d.now, d.kim("intl"), other.ID, d.solvedMail(0))
	d.wantErr(err, store.ErrNotFound)
}
