package storetest

import (
	"time"

	"signpost/store"
)

func wroteStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"Who answers a mail of their ticket by mail has acted on it": wroteUnread,
		"A stranger's mail is no act on a ticket":                    wroteUnproven,
	}
}

func wrote(id store.TicketID) func(*store.Decision) {
	return func(d *store.Decision) { d.Wrote = id }
}

func wroteUnread(d *desk) {
	d.connects()
	k := d.opens().Ticket
	d.says(k, "Any news?")
	said := d.replies(d.reads(k.ID), then(store.StatusPending))
	d.pass(time.Hour)
	d.decides(d.answer(d.mail(1), wrote(k.ID)))
	k = d.reads(k.ID)
	if k.Status != store.StatusOpen || !k.LastPartnerAt.Equal(d.at()) || !k.WroteAt.Equal(d.at()) ||
		k.Version != said.Ticket.Version || !k.StoppedAt.IsZero() {
		d.Fatalf("it is %+v", k)
	}
	d.same(d.eventsOf(k.ID), []store.Entry{{
		Ticket: k.ID, Seq: k.Entries, Kind: store.EntryEvent, Event: store.EventWroteUnread, Author: "Ana", At: d.at(),
		By: store.ActorPartner, Change: store.Change{StatusFrom: store.StatusPending, StatusTo: store.StatusOpen},
	}})
	d.pass(store.WroteTold - time.Second)
	d.decides(d.answer(d.mail(2), wrote(k.ID))) // the ticket is open, and has told so
	d.same(d.reads(k.ID), k)
	d.pass(time.Second)
	d.decides(silent(d.mail(3), store.KindDirect)) // not theirs
	withheld := d.answer(d.mail(4), wrote(k.ID))
	withheld.Answer, withheld.Verdict.Answer = nil, false // not answered, and an act all the same
	d.decides(withheld)
	if events := d.eventsOf(k.ID); len(events) != 2 || events[1].Change.StatusTo != "" {
		d.Fatalf("events: %+v", events)
	}
	solved := d.reads(d.replies(d.reads(k.ID), then(store.StatusSolved)).Ticket.ID)
	d.pass(2 * store.WroteTold)
	d.decides(d.answer(d.mail(5), wrote(k.ID))) // "thank you" leaves it solved
	if k := d.reads(k.ID); k.Status != store.StatusSolved || k.Entries != solved.Entries+1 {
		d.Fatalf("it is %+v", k)
	}
}

func wroteUnproven(d *desk) {
	d.connects()
	k := d.opens().Ticket
	d.decides(d.answer(d.mail(1), wrote(k.ID)))
	d.same(d.reads(k.ID), k)
	_, err := d.DecideInbound(d.ctx, d.now, []store.Decision{d.answer(d.mail(2), wrote(77))})
	d.wantErr(err, store.ErrInvalid)
}
