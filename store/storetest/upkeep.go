package storetest

import (
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

func upkeepStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"What expired is dropped, a bit at a time":                       housekeeping,
		"Housekeeping keeps what still counts":                           housekeepingKeeps,
		"A deadline that fell due long ago is dropped":                   deadlinesEnd,
		"Raw mails are dropped by age and by what they take":             rawsDropped,
		"The claims of a process that is gone end":                       leasesEnd,
		"The claims of a process that is gone end, those of others stay": leasesOfOwnerEnd,
		"Blobs that rows name are listed":                                blobsListed,
		"What a wrong clock put off is due now":                          pulled,
		"An empty store answers":                                         emptyStore,
		"A closed store refuses":                                         closedStore,
	}
}

func housekeeping(d *desk) {
	d.connects()
	b := store.Budget{Name: "b", Limit: 9, Window: time.Hour}
	opened := d.opens(post("key", "text"), budgets(b)) // a link, a key, a budget, two deadlines
	must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(opened.Ticket.Link),
		store.NewMessage{Link: opened.Ticket.Link, Idempotency: "key"}))
	d.wantAnswered(d.answer(d.mail(1))) // a reservation
	if n := must[int](d)(d.Housekeep(d.ctx, d.now, 100)); n != 0 {
		d.Fatalf("dropped %d of nothing", n)
	}
	d.pass(365 * 24 * time.Hour)
	if n := must[int](d)(d.Housekeep(d.ctx, d.now, 0)); n != 0 {
		d.Errorf("dropped %d, none were wanted", n)
	}
	for _, want := range []int{2, 2, 2, 1, 0} {
		if n := must[int](d)(d.Housekeep(d.ctx, d.now, 2)); n != want {
			d.Errorf("dropped %d, want %d", n, want)
		}
	}
	must[store.Ticket](d)(d.Ticket(d.ctx, opened.Ticket.ID))
}

func housekeepingKeeps(d *desk) {
	d.connects()
	b := store.Budget{Name: "b", Limit: 1, Window: time.Hour, Final: true}
	opened := d.opens(post("key", "text"), budgets(b))
	ana := sender("ana@partner.example")
	d.wantAnswered(d.answer(d.mail(1), ana))
	if n := must[int](d)(d.Housekeep(d.ctx, d.now.Add(30*time.Minute), 100)); n != 0 {
		d.Errorf("dropped %d that still count", n)
	}
	d.pass(7*24*time.Hour - time.Second)
	if n := must[int](d)(d.Housekeep(d.ctx, d.now, 100)); n != 1 {
		d.Errorf("dropped %d, want the budget alone", n)
	}
	if !d.opens(post("key", "text")).Replayed {
		d.Error("the key was dropped")
	}
	d.wantStopped(d.answer(d.mail(2), ana), store.RuleAnswered)
	must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, opened.Ticket.Link))
	// A budget charged anew in a later window expires with that window.
	d.opens(budgets(b))
	d.pass(30 * time.Minute)
	must[int](d)(d.Housekeep(d.ctx, d.now, 100))
	if d.opens(budgets(b)).Confirmation.State != store.StateSuppressed {
		d.Error("the budget was dropped while it was spent")
	}
}

// A clock that begins its work on an old store finds no deadline of years ago.
func deadlinesEnd(d *desk) {
	first := d.opens().Ticket
	d.pass(store.DeadlineKept)
	second := d.opens().Ticket
	due := func(since time.Time) (tickets []store.TicketID) {
		for _, deadline := range must[[]store.Deadline](d)(d.lists().deadlines(since, second.Promise.ResolutionBy)) {
			tickets = append(tickets, deadline.Ticket)
		}
		return tickets
	}
	d.same(due(time.Time{}), []store.TicketID{first.ID, first.ID, second.ID, second.ID})
	d.same(due(first.Promise.ResolutionBy), []store.TicketID{first.ID, second.ID, second.ID})
	d.same(due(d.now), []store.TicketID{second.ID, second.ID})
	d.now = first.Promise.FirstResponseBy.Add(store.DeadlineKept)
	must[int](d)(d.Housekeep(d.ctx, d.now, 99))
	d.same(due(time.Time{}), []store.TicketID{first.ID, first.ID, second.ID, second.ID})
	d.pass(time.Second)
	d.same(must[int](d)(d.Housekeep(d.ctx, d.now, 99)), 1)
	d.same(due(time.Time{}), []store.TicketID{first.ID, second.ID, second.ID})
	d.must(d.Check(d.ctx))
	d.pass(2 * store.DeadlineKept)
	must[int](d)(d.Housekeep(d.ctx, d.now, 99))
	d.same(due(time.Time{}), []store.TicketID(nil))
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, first.ID)).Promise, first.Promise)
	d.must(d.Check(d.ctx))
}

func blobsListed(d *desk) {
	d.connects()
	var all []store.BlobHash
	for i := range 5 {
		hash := hashOf(fmt.Sprint(i))
		all = append(all, hash)
		d.opens(func(n *store.NewTicket) {
			n.Files = []store.File{{Name: "a", Size: 1, Type: "text/plain", Hash: hash},
				{Name: "b", Size: 1, Type: "text/plain", Hash: hash}}
		})
	}
	all = append(all, hashOf("huge"))
	d.records(d.arrival(1, func(m *store.NewInbound) { m.Raw, m.Blob, m.Truncated = nil, hashOf("huge"), true }))
	slices.Sort(all)
	d.same(must[[]store.BlobHash](d)(d.lists().blobs()), all)
}

func rawsDropped(d *desk) {
	d.connects()
	verdict := store.Verdict{Kind: store.KindSpam}
	raw := func(row store.Inbound) bool {
		d.Helper()
		now := must[store.Inbound](d)(d.Inbound(d.ctx, row.ID))
		if now.Blob != "" {
			return true
		}
		_, err := d.RawInbound(d.ctx, row.ID)
		if now.RawDropped {
			d.wantErr(err, store.ErrNotFound)
		} else {
			d.must(err)
		}
		return !now.RawDropped
	}
	var rows []store.Inbound
	for uid := range uint32(6) {
		n := d.arrival(uid + 1)
		if uid == 2 { // one lies in the blob store
			n.Raw, n.Blob, n.Size = nil, hashOf("large"), 300_000
		}
		rows = append(rows, d.records(n)[0])
		d.pass(time.Hour)
	}
	for _, i := range []int{0, 2, 3, 4, 5} { // one is undecided
		d.decides(store.Decision{ID: rows[i].ID, Verdict: verdict})
	}
	kept := must[store.Stats](d)(d.Stats(d.ctx)).RawBytes
	if kept < 300_000 || kept > 310_000 {
		d.Errorf("the raw mails take %d bytes", kept)
	}
	d.same(must[int](d)(d.DropRaws(d.ctx, dawn, 0, 9)), 0)
	d.same(must[int](d)(d.DropRaws(d.ctx, dawn.Add(90*time.Minute), kept, 9)), 1)
	for i, row := range rows {
		if raw(row) != (i != 0) {
			d.Errorf("after an age, mail %d is kept: %v", i, i == 0)
		}
	}
	// By size: the blob's mail goes, and no more than must.
	less := must[store.Stats](d)(d.Stats(d.ctx)).RawBytes
	d.same(must[int](d)(d.DropRaws(d.ctx, dawn, less-1, 9)), 1)
	d.same(must[[]bool](d)(d.BlobsReferenced(d.ctx, []store.BlobHash{hashOf("large")})), []bool{false})
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).RawBytes, less-300_000)
	for i, want := range []bool{false, true, false, true, true, true} {
		if raw(rows[i]) != want {
			d.Errorf("after a size, mail %d is kept: %v", i, !want)
		}
	}
	want := must[store.Inbound](d)(d.Inbound(d.ctx, rows[2].ID))
	if want.State != store.InboundDecided || want.Verdict.Kind != store.KindSpam ||
		want.Size != 300_000 || want.Blob != "" {
		d.Errorf("the row is %+v", want)
	}
	// A bit at a time, all of them.
	for range 3 {
		d.same(must[int](d)(d.DropRaws(d.ctx, d.now, 0, 1)), 1)
	}
	d.same(must[int](d)(d.DropRaws(d.ctx, d.now, 1, 1)), 0)
	d.same(raw(rows[1]), true)
}

func leasesEnd(d *desk) {
	d.connects()
	mail, often := d.opens(from("ana@a.example")).Confirmation, d.opens(from("bob@b.example")).Confirmation
	for range store.LeaseTries - 1 {
		d.claims(claimAll())
		d.finishes(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), store.StateSent, time.Time{})
		mail = d.opens(from("ana@a.example")).Confirmation
		d.finishes(must[store.Outbound](d)(d.Outbound(d.ctx, often.ID)), store.StateQueued, d.now)
	}
	answer := d.wantAnswered(d.answer(d.mail(1))).Answer
	claimed := d.claims(store.Claim{Limit: 9, Lease: store.Leases{time.Hour}})
	d.same(len(claimed), 3)
	d.pass(time.Second) // the process ends, and another begins
	d.same(must[int](d)(d.EndLeases(d.ctx, d.now, "")), 2)
	d.same(must[int](d)(d.EndLeases(d.ctx, d.now, "")), 0)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, answer)).State, store.StateUnknown)
	again := d.claims(claimAll())
	if len(again) != 1 || again[0].ID != mail.ID || again[0].Attempts != 2 || again[0].MessageID != mail.MessageID {
		d.Errorf("claimed %+v", again)
	}
	// What may have ended the process waits.
	row := must[store.Outbound](d)(d.Outbound(d.ctx, often.ID))
	if row.State != store.StateClaimed || row.Attempts != store.LeaseTries {
		d.Errorf("the mail tried often is %+v", row)
	}
	d.pass(time.Hour)
	d.same(len(d.claims(claimAll())), 2)
}

// leasesOfOwnerEnd: of two processes that claimed, the mails of the one that is gone are due
// at once, and so are its duties.
func leasesOfOwnerEnd(d *desk) {
	d.opens(from("ana@a.example"))
	gone := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}, Owner: "gone"})[0]
	d.opens(from("bob@b.example"))
	stays := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}, Owner: "stays"})[0]
	must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "upkeep", "gone", time.Hour))
	kept := must[store.Duty](d)(d.TakeDuty(d.ctx, d.now, "alarms", "stays", time.Hour))
	d.same(must[int](d)(d.EndLeases(d.ctx, d.now, "gone")), 1)
	d.same(must[int](d)(d.EndLeases(d.ctx, d.now, "unknown")), 0)
	if row := must[store.Outbound](d)(d.Outbound(d.ctx, gone.ID)); row.State != store.StateQueued || row.Owner != "" {
		d.Errorf("the mail of the process that is gone is %+v", row)
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, stays.ID)), stays)
	d.same(must[[]store.Duty](d)(d.HeldDuties(d.ctx, d.now)), []store.Duty{kept})
	d.same(must[int](d)(d.EndLeases(d.ctx, d.now, "")), 1)
	d.same(must[[]store.Duty](d)(d.HeldDuties(d.ctx, d.now)), []store.Duty{})
}

func pulled(d *desk) {
	right := d.now
	d.connects()
	d.now = right.Add(365 * 24 * time.Hour) // the clock is wrong
	one, two := d.opens(from("ana@a.example")).Confirmation, d.opens(from("bob@b.example")).Confirmation
	d.claims(store.Claim{Limit: 1, Lease: minute})
	d.now = right
	near := d.opens(from("cy@a.example")).Confirmation
	answer := d.wantAnswered(d.answer(d.mail(1))).Answer
	rows := d.claims(store.Claim{Limit: 9, Lease: store.Leases{2 * time.Hour}})
	d.same(idsOf(rows), []store.OutboundID{near.ID, answer})
	d.finishes(rows[0], store.StateQueued, d.now.Add(time.Hour))

	by := d.now.Add(time.Hour)
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, by, 0)), 0)
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, d.now.Add(1000*24*time.Hour), 9)), 0)
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, by, 2)), 2) // a claim that lasts a year, and an answer's
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, by, 2)), 1)
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, by, 2)), 0)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, answer)).State, store.StateUnknown)
	d.same(idsOf(d.claims(claimAll())), []store.OutboundID{one.ID, two.ID})
	d.pass(time.Hour)
	d.same(len(d.claims(claimAll())), 3)
}

func emptyStore(d *desk) {
	d.same(must[store.Stats](d)(d.Stats(d.ctx)), store.Stats{})
	d.same(must[[]store.Inbound](d)(d.lists().ledger()), []store.Inbound{})
	d.same(must[[]store.Deadline](d)(d.lists().deadlines(time.Time{}, d.now)), []store.Deadline{})
	d.same(d.claims(claimAll()), []store.Outbound{})
	d.same(must[[]bool](d)(d.BlobsReferenced(d.ctx, nil)), []bool{})
	d.same(must[[]store.BlobHash](d)(d.lists().blobs()), []store.BlobHash(nil))
	d.must(d.MarkRestored(d.ctx, d.now))
}

func closedStore(d *desk) {
	opened := d.opens()
	d.must(d.Check(d.ctx))
	d.must(d.Close())
	d.closed = true
	if _, err := d.OpenTicket(d.ctx, d.now, d.ticket()); err == nil {
		d.Error("a closed store took a ticket")
	}
	if _, err := d.Ticket(d.ctx, opened.Ticket.ID); err == nil {
		d.Error("a closed store returned a ticket")
	}
}
