package storetest

import (
	"time"

	"signpost/store"
)

// untold opens tickets that nothing is mailed of.
func untold(d *desk) {
	without := func(n *store.NewTicket) {
		n.Channel, n.Link, n.MessageID, n.Idempotency = store.ChannelDesk, store.LinkID{}, "", "key"
	}
	opened, linked := d.opens(without), d.opens(func(n *store.NewTicket) { n.Channel, n.MessageID = store.ChannelAPI, "" })
	if opened.Confirmation.ID != 0 || opened.Ticket.Link != (store.LinkID{}) || opened.Ticket.Number != "US-1001" {
		d.Errorf("it opened as %+v", opened)
	}
	d.same(d.opens(without), store.Opened{Ticket: opened.Ticket, Replayed: true})
	d.same(must[[]store.Outbound](d)(d.lists().mailsOf(linked.Ticket.ID)), []store.Outbound{})
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, linked.Ticket.Link)), linked.Ticket)
	_, err := d.TicketByLink(d.ctx, d.now, store.LinkID{})
	d.wantErr(err, store.ErrNotFound)
	d.opens(without, post("another key", "")) // the link that is none is in use by none
	d.must(d.RevokeLinks(d.ctx, d.now, store.ByService(), opened.Ticket.ID))
	_, err = d.NextOutbound(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	for _, change := range []func(*store.NewTicket){
		func(n *store.NewTicket) { n.Channel, n.Link = store.ChannelDesk, store.LinkID{} }, // a confirmation carries it
		func(n *store.NewTicket) { n.Channel, n.MessageID = store.ChannelConsole, "" },
	} {
		_, err := d.OpenTicket(d.ctx, d.now, d.ticket(change))
		d.wantErr(err, store.ErrInvalid)
	}
}

func deadlines(d *desk) {
	promise := func(first, resolution time.Duration) func(*store.NewTicket) {
		return func(n *store.NewTicket) {
			n.Promise = store.Promise{}
			if first != 0 {
				n.Promise.FirstResponseBy = d.now.Add(first)
			}
			if resolution != 0 {
				n.Promise.ResolutionBy = d.now.Add(resolution)
			}
		}
	}
	a := d.opens(promise(3*time.Hour, 9*time.Hour)).Ticket
	b := d.opens(promise(time.Hour, 0)).Ticket
	d.opens(promise(0, 0))
	first := func(k store.Ticket) store.Deadline {
		return store.Deadline{Ticket: k.ID, Kind: store.DeadlineFirstResponse, Due: k.Promise.FirstResponseBy}
	}
	until := d.at().Add(3 * time.Hour)
	d.same(must[[]store.Deadline](d)(d.lists().deadlines(d.now, until.Add(-time.Microsecond))),
		[]store.Deadline{first(b)})
	d.same(must[[]store.Deadline](d)(d.lists().deadlines(d.now, until)), []store.Deadline{first(b), first(a)})
	if all := must[[]store.Deadline](d)(d.lists().deadlines(d.now, until.Add(1000*time.Hour))); len(all) != 3 {
		d.Errorf("%d deadlines, want 3: %v", len(all), all)
	}
}
