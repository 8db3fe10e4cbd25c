package storetest

import (
	"time"

	"signpost/store"
)

func canaryStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A canary's run is begun whole and counts in no region": canaryBegun,
		"What a run measured is kept, and it ends once":         canaryRecorded,
		"A run that is none is refused":                         canaryRefused,
	}
}

func (d *desk) canary(change ...func(*store.NewCanary)) store.NewCanary {
	n := store.NewCanary{
		Region: "us", Mark: "mark", Stray: d.ownMail(store.MailCanary),
		Ticket: d.ticket(func(n *store.NewTicket) {
			n.Channel, n.Promise, n.Files = store.ChannelCanary, store.Promise{}, nil
			n.Region.ID, n.Region.Prefix = store.OwnRegion, "CANARY"
		}),
	}
	for _, c := range change {
		c(&n)
	}
	return n
}

func (d *desk) flies() store.CanaryRun {
	d.Helper()
	return must[store.CanaryRun](d)(d.BeginCanary(d.ctx, d.now, d.canary()))
}

func canaryBegun(d *desk) {
	d.opens()
	run := d.flies()
	d.same(run, store.CanaryRun{
		ID: run.ID, Region: "us", Mark: "mark", StartedAt: d.at(),
		Ticket: run.Ticket, Number: "CANARY-1001", StrayID: run.StrayID,
	})
	d.same(must[[]store.CanaryRun](d)(d.lists().runs()), []store.CanaryRun{run})
	ticket := must[store.Ticket](d)(d.Ticket(d.ctx, run.Ticket))
	if ticket.Status != store.StatusSolved || ticket.Channel != store.ChannelCanary {
		d.Errorf("the ticket is %s, by %s", ticket.Status, ticket.Channel)
	}
	stats := must[store.Stats](d)(d.Stats(d.ctx))
	d.same(stats.Tickets, map[string]uint64{"us": 1, store.OwnRegion: 1})
	// No agent works on it: the desk neither lists nor counts it, among the solved ones either.
	d.same(d.list(d.lee(), store.TicketFilter{View: store.ViewAll}), []string{"US-1001"})
	d.same(must[store.DeskCounts](d)(d.DeskCounts(d.ctx, d.lee())).Of(store.ViewAll), uint64(1))
	mails := must[[]store.Outbound](d)(d.lists().mailsOf(run.Ticket))
	stray := must[store.Outbound](d)(d.OutboundByMessageID(d.ctx, run.StrayID))
	if len(mails) != 1 || mails[0].State != store.StateQueued ||
		mails[0].Region != store.OwnRegion || stray.Kind != store.MailCanary {
		d.Errorf("queued %+v and %+v", mails, stray)
	}
}

func canaryRecorded(d *desk) {
	first, second := d.flies(), d.flies()
	first.Seen = store.CanaryLeg{ArrivedAt: d.at().Add(time.Second), Count: 1, SPF: "pass", DKIM: "none", DMARC: "pass"}
	first.Faults = []string{"no confirmation came"}
	d.must(d.RecordCanary(d.ctx, first))
	d.same(must[[]store.CanaryRun](d)(d.lists().runs()), []store.CanaryRun{second, first})
	ticket := must[store.Ticket](d)(d.Ticket(d.ctx, first.Ticket))
	must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, ticket.Link))
	first.Answer = store.CanaryLeg{ArrivedAt: d.at().Add(2 * time.Second), Count: 2}
	first.Faults, first.EndedAt = nil, d.at().Add(time.Minute)
	d.must(d.RecordCanary(d.ctx, first))
	d.same(must[[]store.CanaryRun](d)(d.lists().runs()), []store.CanaryRun{second, first})
	d.same([]bool{first.Passed(), second.Passed()}, []bool{true, false})
	d.wantErr(d.RecordCanary(d.ctx, first), store.ErrConflict)
	_, err := d.TicketByLink(d.ctx, d.now, ticket.Link)
	d.wantErr(err, store.ErrNotFound)
	d.pass(store.CanaryKept)
	must[int](d)(d.Housekeep(d.ctx, d.now, 99))
	d.same(must[[]store.CanaryRun](d)(d.lists().runs()), []store.CanaryRun{})
	d.wantErr(d.RecordCanary(d.ctx, second), store.ErrNotFound)
}

func canaryRefused(d *desk) {
	for _, bad := range []func(*store.NewCanary){
		func(n *store.NewCanary) { n.Mark = "" },
		func(n *store.NewCanary) { n.Region = "" },
		func(n *store.NewCanary) { n.Ticket.Channel = store.ChannelForm },
		func(n *store.NewCanary) { n.Ticket.Region.ID = "us" },
		func(n *store.NewCanary) { n.Stray.Kind = store.MailAlarm },
		func(n *store.NewCanary) { n.Stray.MessageID = n.Ticket.MessageID },
	} {
		_, err := d.BeginCanary(d.ctx, d.now, d.canary(bad))
		d.wantErr(err, store.ErrInvalid)
	}
	d.same(must[[]store.CanaryRun](d)(d.lists().runs()), []store.CanaryRun{})
	if stats := must[store.Stats](d)(d.Stats(d.ctx)); len(stats.Tickets)+len(stats.Outbounds) > 0 {
		d.Errorf("it left %+v", stats)
	}
}
