package storetest

import (
	"time"

	"signpost/store"
)

func planStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A date of the next update is told of by one mail":    plannedUpdate,
		"A date that moved before its mail left is not told":  planMoved,
		"What no date can be is refused, and nothing mailed":  planRefused,
		"A ticket off hold, or replied to, has no other date": planEnds,
	}
}

func (d *desk) plan(k store.Ticket, in, undo time.Duration) store.PlannedUpdate {
	return store.PlannedUpdate{By: d.at().Add(in), Mailing: d.mailing(), Undo: undo}
}

// promises are the mails of a ticket that tell of a date.
func (d *desk) promises(id store.TicketID) (mails []store.Outbound) {
	for _, m := range must[[]store.Outbound](d)(d.lists().mailsOf(id)) {
		if m.Kind == store.MailPromise {
			mails = append(mails, m)
		}
	}
	return mails
}

func plannedUpdate(d *desk) {
	opened := d.sends()
	k := opened.Ticket
	d.pass(time.Hour)
	n := d.plan(k, 100*time.Hour, 10*time.Second)
	got := must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, n))
	want := k
	want.Promise.NextUpdateBy = n.By
	if got.Status != store.StatusOnHold || got.Promise != want.Promise {
		d.Fatalf("it is %+v", got)
	}
	d.same(d.reads(k.ID), got)
	due := got.Deadlines()
	if last := due[len(due)-1]; last.Kind != store.DeadlineNextUpdate || !last.Due.Equal(n.By) {
		d.Fatalf("deadlines: %+v", due)
	}
	listed := must[[]store.Deadline](d)(d.lists().deadlines(n.By, n.By))
	if len(listed) != 1 || listed[0] != due[len(due)-1] {
		d.Fatalf("due at its date: %+v", listed)
	}
	entries := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 99})).Items
	d.same(entries[len(entries)-1].Change, store.Change{
		StatusFrom: store.StatusOpen, StatusTo: store.StatusOnHold, UpdateTo: n.By,
	})
	mail := store.Outbound{
		ID: 2, Kind: store.MailPromise, Region: "us", From: n.Region.Address, FromName: n.Region.Name,
		To: k.Requester.Email, Langs: []string{"es"}, MessageID: n.MessageID, InReplyTo: opened.Confirmation.MessageID,
		References: []string{opened.Confirmation.MessageID}, Ticket: k.ID, Number: k.Number, Link: k.Link,
		Promise:  store.Promise{NextUpdateBy: n.By},
		QueuedAt: d.at(), State: store.StateQueued, DueAt: d.at().Add(10 * time.Second),
	}
	d.same(d.promises(k.ID), []store.Outbound{mail})
	same := store.PlannedUpdate{By: n.By, Mailing: d.mailing()}
	again := must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, same))
	d.same(again, got)
	d.pass(10 * time.Second)
	rows := d.claims(claimAll())
	if len(rows) != 1 || rows[0].ID != mail.ID {
		d.Fatalf("claimed: %+v", rows)
	}
	d.finishes(rows[0], store.StateSent, time.Time{})

	// The same day another date is shown and not mailed; the next day it is.
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 200*time.Hour, 0)))
	d.pass(store.PromiseMailEvery)
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 300*time.Hour, 0)))
	told := d.promises(k.ID)
	if len(told) != 3 || told[1].State != store.StateSuppressed || told[1].Reason != store.RuleTold ||
		told[2].State != store.StateQueued || told[2].InReplyTo != n.MessageID {
		d.Fatalf("told: %+v", told)
	}
	// By then the first response was missed, which the mail says.
	if late := told[2].Promise.FirstResponseBy; !late.Equal(k.Promise.FirstResponseBy) {
		d.Fatalf("missed: %v", late)
	}
}

func planMoved(d *desk) {
	k := d.sends().Ticket
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 100*time.Hour, 10*time.Second)))
	d.pass(5 * time.Second)
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 50*time.Hour, 10*time.Second)))
	d.pass(time.Minute)
	rows, told := d.claims(claimAll()), d.promises(k.ID)
	if len(rows) != 1 || len(told) != 2 || rows[0].ID != told[1].ID || told[0].State != store.StateSuppressed ||
		told[0].Reason != store.RuleMoved {
		d.Fatalf("claimed %+v of %+v", rows, told)
	}
}

func planRefused(d *desk) {
	k := d.sends().Ticket
	with := func(change func(*store.Mailing)) store.PlannedUpdate {
		return store.PlannedUpdate{By: d.at().Add(time.Hour), Mailing: d.mailing(change)}
	}
	for name, n := range map[string]store.PlannedUpdate{
		"a time past":    d.plan(k, 0, 0),
		"too far away":   d.plan(k, store.MaxPlanned+time.Second, 0),
		"a long wait":    d.plan(k, time.Hour, store.MaxUndo+1),
		"no date":        {Mailing: d.mailing()},
		"another region": with(func(m *store.Mailing) { m.Region = region("intl", "INT") }),
		"a link in use":  with(func(m *store.Mailing) { m.Link = k.Link }),
	} {
		if _, err := d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, n); err == nil {
			d.Errorf("%s: taken", name)
		}
	}
	_, err := d.PlanUpdate(d.ctx, d.now, d.kim("intl"), k.ID, d.plan(k, time.Hour, 0))
	d.wantErr(err, store.ErrNotFound)
	d.same(d.reads(k.ID), k)
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusSolved))
	_, err = d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, time.Hour, 0))
	d.wantErr(err, store.ErrConflict)
	d.same(d.promises(k.ID), []store.Outbound(nil))
}

func planEnds(d *desk) {
	k := d.sends().Ticket
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 100*time.Hour, time.Second)))
	d.replies(k, func(n *store.NewReply) { n.Then = store.StatusOnHold })
	if k = d.reads(k.ID); !k.Promise.NextUpdateBy.IsZero() {
		d.Fatalf("replied to, it has %+v", k.Promise)
	}
	must[store.Ticket](d)(d.PlanUpdate(d.ctx, d.now, d.lee(), k.ID, d.plan(k, 100*time.Hour, time.Second)))
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusOpen))
	if k = d.reads(k.ID); !k.Promise.NextUpdateBy.IsZero() {
		d.Fatalf("off hold, it has %+v", k.Promise)
	}
	d.pass(time.Minute)
	for _, row := range d.claims(claimAll()) {
		if row.Kind == store.MailPromise {
			d.Errorf("it is told of %+v", row.Promise)
		}
	}
}
