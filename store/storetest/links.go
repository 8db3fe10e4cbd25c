package storetest

import (
	"time"

	"signpost/store"
)

func linkStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"Acting on the page proves the address, and reading it does not":    proof,
		"A new link is mailed, and the old one opens nothing":               renewal,
		"A new link that cannot be mailed leaves the old one open":          renewalWithheld,
		"Every link of a ticket is revoked at once":                         revocation,
		"An address is mailed the links of its tickets":                     linksAsked,
		"A mail to an address given up is not tried again":                  replacedNotRetried,
		"An address without tickets is charged like one with tickets":       linksOfNobody,
		"A ticket's author gives another address, until it is proven":       anotherAddress,
		"Where mail comes back, the page's reader gives another address":    pageOfDeadAddress,
		"Another address finds the tickets and mails that are now its own":  addressIndexes,
		"A broken request for a link or an address is refused and harmless": refusedLinks,
	}
}

func (d *desk) mailing(change ...func(*store.Mailing)) store.Mailing {
	n := d.mint()
	m := store.Mailing{Region: region("us", "US"), Link: linkOf(n), LinkExpires: d.at().Add(90 * 24 * time.Hour),
		MessageID: messageIDOf(n)}
	for _, c := range change {
		c(&m)
	}
	return m
}

func (d *desk) asks(address string, budgets ...store.Budget) store.LinkRequest {
	n := store.LinkRequest{
		Region: region("us", "US"), Address: address, LinkExpires: d.at().Add(90 * 24 * time.Hour),
		MessageID: messageIDOf(d.mint()),
		Budgets:   budgets,
	}
	for range store.MailedLinks {
		n.Fresh = append(n.Fresh, linkOf(d.mint()))
	}
	return n
}

func proof(d *desk) {
	k := d.opens().Ticket
	if !k.ProvenAt.IsZero() || !must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, k.Link)).ProvenAt.IsZero() {
		d.Fatal("proven before anybody acted")
	}
	d.pass(time.Hour)
	k.ProvenAt = d.at()
	d.same(must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link)), k)
	d.pass(time.Hour)
	d.same(must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link)), k)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, k.ID)), k)
	d.must(d.RevokeLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
	_, err := d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link)
	d.wantErr(err, store.ErrNotFound)
}

func renewal(d *desk) {
	first := d.opens()
	k := first.Ticket
	d.pass(time.Hour)
	m := d.mailing()
	renewed := must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, m))
	old := k.Link
	k.Link, k.ProvenAt = m.Link, d.at()
	mail := store.Outbound{
		ID: renewed.Confirmation.ID, Kind: store.MailLinks, Region: "us", From: m.Region.Address, FromName: m.Region.Name,
		To: k.Requester.Email, Langs: []string{"es"}, MessageID: m.MessageID, InReplyTo: first.Confirmation.MessageID,
		Ticket: k.ID, Number: k.Number, Link: m.Link,
		Links: []store.TicketLink{{Number: k.Number, Link: m.Link}}, QueuedAt: d.at(), State: store.StateQueued,
		DueAt: d.at(),
	}
	d.same(renewed, store.Opened{Ticket: k, Confirmation: mail})
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, m.Link)), k)
	_, err := d.TicketByLink(d.ctx, d.now, old)
	d.wantErr(err, store.ErrNotFound)
	_, err = d.RenewLink(d.ctx, d.now, store.ByPartner(old), old, d.mailing())
	d.wantErr(err, store.ErrNotFound)
}

func renewalWithheld(d *desk) {
	k := d.opens().Ticket
	once := store.Budget{Name: "links/mailbox", Key: "ana", Limit: 1, Window: time.Hour}
	budgeted := func(m *store.Mailing) { m.Budgets = []store.Budget{once} }
	k = must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, d.mailing(budgeted))).Ticket
	refused := must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, d.mailing(budgeted)))
	d.same(refused.Ticket, k)
	if m := refused.Confirmation; m.ID != 0 || m.State != store.StateSuppressed ||
		m.Reason != store.RuleBudget+": links/mailbox" {
		d.Fatalf("the mail is %+v", m)
	}
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"),
		store.Suppression{Address: k.Requester.Email, Scope: store.ScopeAll}))
	refused = must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, d.mailing()))
	if m := refused.Confirmation; m.ID != 0 || m.State != store.StateSuppressed {
		d.Fatalf("the mail is %+v", m)
	}
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, k.Link)), k)
	d.same(len(must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))), 2)
}

func revocation(d *desk) {
	first, other := d.opens().Ticket, d.opens().Ticket
	second := must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(first.Link), first.Link, d.mailing())).Ticket
	d.must(d.RevokeLinks(d.ctx, d.now, store.ByService(), first.ID))
	for _, link := range []store.LinkID{first.Link, second.Link} {
		_, err := d.TicketByLink(d.ctx, d.now, link)
		d.wantErr(err, store.ErrNotFound)
	}
	must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, other.Link))
	d.must(d.RevokeLinks(d.ctx, d.now, store.ByService(), first.ID))
	d.wantErr(d.RevokeLinks(d.ctx, d.now, store.ByService(), 77), store.ErrNotFound)
}

func linksAsked(d *desk) {
	old := d.opens().Ticket
	d.pass(time.Hour)
	since := d.at()
	revoked := d.opens().Ticket
	d.must(d.RevokeLink(d.ctx, d.now, store.ByPartner(revoked.Link), revoked.Link))
	open := d.opens().Ticket
	d.opens(from("eve@elsewhere.example"))
	n := d.asks(" ana@PARTNER.example ")
	n.Since = since
	mail := must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, n))
	d.same(mail.Links, []store.TicketLink{{Number: open.Number, Link: open.Link},
		{Number: revoked.Number, Link: n.Fresh[1]}})
	if mail.Kind != store.MailLinks || mail.Ticket != open.ID || mail.To != open.Requester.Email ||
		mail.State != store.StateQueued {
		d.Fatalf("the mail is %+v", mail)
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	again := must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, n.Fresh[1]))
	if again.ID != revoked.ID || again.Link != n.Fresh[1] || !again.ProvenAt.IsZero() {
		d.Fatalf("the fresh link opens %+v", again)
	}
	must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, old.Link))
	for range store.MailedLinks {
		d.opens()
	}
	d.same(len(must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, d.asks("ana@partner.example"))).Links), store.MailedLinks)
}

func linksOfNobody(d *desk) {
	d.opens()
	twice := store.Budget{Name: "links/network", Key: "n", Limit: 2, Window: time.Hour}
	for range 2 {
		d.same(must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, d.asks("nobody@partner.example", twice))), store.Outbound{})
	}
	d.same(must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, d.asks("ana@partner.example", twice))), store.Outbound{})
	d.pass(2 * time.Hour)
	if must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, d.asks("ana@partner.example", twice))).ID == 0 {
		d.Fatal("nothing was mailed although there is room again")
	}
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"),
		store.Suppression{Address: "Ana@Partner.example", Scope: store.ScopeAll}))
	d.same(must[store.Outbound](d)(d.MailLinks(d.ctx, d.now, d.asks("Ana@Partner.example"))), store.Outbound{})
}

func anotherAddress(d *desk) {
	first := d.opens()
	k := first.Ticket
	d.pass(time.Hour)
	n := store.NewAddress{Ticket: k.ID, Email: "ana@right.example", Mailing: d.mailing()}
	opened := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(), n))
	was := k.Requester.Email
	old := k.Link
	k.Requester.Email, k.Link, k.ChangedAt, k.Entries = n.Email, n.Mailing.Link, d.at(), 2
	d.same(opened.Ticket, k)
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, n.Mailing.Link)), k)
	if m := opened.Confirmation; m.Kind != store.MailConfirmation || m.To != n.Email || m.Link != k.Link ||
		m.State != store.StateQueued || m.Promise != k.Promise {
		d.Fatalf("the confirmation is %+v", m)
	}
	d.same(must[[]store.Entry](d)(d.lists().thread(k.ID, 1)), []store.Entry{
		{Ticket: k.ID, Seq: 2, Kind: store.EntryEvent, Event: store.EventAddressChanged, At: d.at(), Body: was,
			By: store.ActorService},
	})
	_, err := d.TicketByLink(d.ctx, d.now, old)
	d.wantErr(err, store.ErrNotFound)
	// What had not gone out yet is not sent to the address given up.
	waited := must[store.Outbound](d)(d.Outbound(d.ctx, first.Confirmation.ID))
	if waited.State != store.StateSuppressed || waited.Reason != store.RuleReplaced || !waited.DoneAt.Equal(d.at()) {
		d.Fatalf("the first confirmation is %+v", waited)
	}
	must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
	n.Mailing, n.Email = d.mailing(), "mallory@elsewhere.example"
	_, err = d.ChangeRequester(d.ctx, d.now, store.ByService(), n)
	d.wantErr(err, store.ErrConflict)
}

// The mails to an address given up that failed before, and those that fail or come
// back to the queue after, never leave again.
func replacedNotRetried(d *desk) {
	failed := d.opens().Confirmation
	d.finishes(d.claims(claimAll())[0], store.StateFailed, time.Time{})
	replaced := func(id store.TicketID) {
		d.Helper()
		must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(),
			store.NewAddress{Ticket: id, Email: "ana@right.example",
				Mailing: d.mailing()}))
	}
	replaced(failed.Ticket)
	d.same(must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{failed.ID}, Release: true})), store.Retried{})
	d.finishes(d.claims(claimAll())[0], store.StateSent, time.Time{})

	fails, queued := d.opens().Confirmation, d.opens().Confirmation
	rows := d.claims(claimAll())
	replaced(fails.Ticket)
	replaced(queued.Ticket)
	d.finishes(rows[0], store.StateFailed, time.Time{})
	d.finishes(rows[1], store.StateQueued, d.now.Add(time.Minute))
	d.same(must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{fails.ID}, Release: true})), store.Retried{})
	d.pass(time.Hour)
	for _, row := range d.claims(claimAll()) {
		if row.To != "ana@right.example" {
			d.Errorf("mail %d to %s is tried again", row.ID, row.To)
		}
	}
	for id, want := range map[store.OutboundID]store.OutboundState{
		failed.ID: store.StateFailed, fails.ID: store.StateFailed, queued.ID: store.StateSuppressed,
	} {
		if row := must[store.Outbound](d)(d.Outbound(d.ctx, id)); row.State != want || row.Reason != store.RuleReplaced {
			d.Errorf("mail %d is %s: %s", id, row.State, row.Reason)
		}
	}
}

func pageOfDeadAddress(d *desk) {
	k := d.opens().Ticket
	must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
	n := store.NewAddress{Ticket: k.ID, Link: k.Link, Email: "ana@right.example", Mailing: d.mailing()}
	_, err := d.ChangeRequester(d.ctx, d.now, store.ByService(), n)
	d.wantErr(err, store.ErrConflict) // mail to its address arrives
	for _, dead := range []string{k.Requester.Email, "gone@right.example"} {
		must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"),
			store.Suppression{Address: dead, Scope: store.ScopeAll}))
	}
	other := d.opens(from("eve@elsewhere.example")).Ticket
	n.Link = other.Link
	_, err = d.ChangeRequester(d.ctx, d.now, store.ByService(), n)
	d.wantErr(err, store.ErrNotFound) // that link opens another ticket

	n.Link, n.Email = k.Link, "gone@right.example"
	worse := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(), n))
	if worse.Ticket.Question != store.QuestionUndeliverable || worse.Confirmation.State != store.StateSuppressed {
		d.Fatalf("to an address that is dead too: %+v", worse)
	}
	better := store.NewAddress{Ticket: k.ID, Link: n.Mailing.Link, Email: "ana@right.example", Mailing: d.mailing()}
	opened := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(), better))
	if k := opened.Ticket; k.Question != "" || !k.ProvenAt.IsZero() || opened.Confirmation.State != store.StateQueued {
		d.Fatalf("to one that is good: %+v", opened)
	}
}

func addressIndexes(d *desk) {
	opened := d.opens()
	k, was := opened.Ticket, opened.Ticket.Requester.Email
	d.same(len(must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, d.now,
		store.Claim{Limit: 1, Lease: store.Leases{time.Minute}}))), 1)
	n := store.NewAddress{Ticket: k.ID, Email: "ana@right.example", Mailing: d.mailing()}
	second := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(), n)).Confirmation
	ids := func(address string) (ids []store.OutboundID) {
		for _, m := range must[[]store.Outbound](d)(d.lists().mailsTo(address)) {
			ids = append(ids, m.ID)
		}
		return ids
	}
	d.same(ids(was), []store.OutboundID{opened.Confirmation.ID})
	d.same(ids("ana@right.example"), []store.OutboundID{second.ID})
	d.same(len(must[[]store.Ticket](d)(d.lists().ticketsOf(was))), 0)
	d.same(len(must[[]store.Ticket](d)(d.lists().ticketsOf("ana@right.example"))), 1)
	n = store.NewAddress{Ticket: k.ID, Email: was, Mailing: d.mailing()}
	third := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, store.ByService(), n)).Confirmation
	d.same(ids(was), []store.OutboundID{third.ID, opened.Confirmation.ID})
	d.same(ids("ana@right.example"), []store.OutboundID{second.ID})
}

func refusedLinks(d *desk) {
	k := d.opens().Ticket
	for name, change := range map[string]func(*store.Mailing){
		"no link":           func(m *store.Mailing) { m.Link = store.LinkID{} },
		"link in use":       func(m *store.Mailing) { m.Link = k.Link },
		"expired":           func(m *store.Mailing) { m.LinkExpires = d.now },
		"no Message-ID":     func(m *store.Mailing) { m.MessageID = "" },
		"Message-ID in use": func(m *store.Mailing) { m.MessageID = messageIDOf(1) },
		"no region":         func(m *store.Mailing) { m.Region = store.Region{} },
		"no region's id":    func(m *store.Mailing) { m.Region.ID = "" },
		"no sender":         func(m *store.Mailing) { m.Region.Address = "" },
		"no window":         func(m *store.Mailing) { m.Budgets = []store.Budget{{Name: "b", Limit: 1}} },
	} {
		m := d.mailing(change)
		_, err := d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, m)
		d.Log(name)
		d.wantErr(err, store.ErrInvalid)
		_, err = d.ChangeRequester(d.ctx, d.now, store.ByService(),
			store.NewAddress{Ticket: k.ID, Email: "a@b.example", Mailing: m})
		d.wantErr(err, store.ErrInvalid)
	}
	_, err := d.ChangeRequester(d.ctx, d.now, store.ByService(),
		store.NewAddress{Ticket: k.ID, Email: "none", Mailing: d.mailing()})
	d.wantErr(err, store.ErrInvalid)
	_, err = d.ChangeRequester(d.ctx, d.now, store.ByService(),
		store.NewAddress{Ticket: 77, Email: "a@b.example", Mailing: d.mailing()})
	d.wantErr(err, store.ErrNotFound)
	for _, change := range []func(*store.LinkRequest){
		func(n *store.LinkRequest) { n.Address = "none" },
		func(n *store.LinkRequest) { n.Fresh = n.Fresh[1:] },
		func(n *store.LinkRequest) { n.Fresh[0] = k.Link },
		func(n *store.LinkRequest) { n.MessageID = "" },
	} {
		n := d.asks("ana@partner.example")
		change(&n)
		_, err := d.MailLinks(d.ctx, d.now, n)
		d.wantErr(err, store.ErrInvalid)
	}
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, k.Link)), k)
}
