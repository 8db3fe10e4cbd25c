package storetest

import (
	"fmt"
	"time"

	"signpost/store"
)

func pagedTicketLists() []paged {
	var k store.Ticket // whose thread and mails are listed, by the one story
	opens := func(d *desk) { k = d.opens(from("thread@partner.example")).Ticket }
	requests := func(d *desk) { d.opens(from("Requester@partner.example")) }
	return []paged{
		{
			name: "tickets of a requester",
			add:  requests,
			page: func(d *desk, p store.Page) (store.List[string], error) {
				list, err := d.TicketsByRequester(d.ctx, store.ByService(), store.ActReadTicket, "requester@Partner.example", p)
				return keyed(func(k store.Ticket) any { return k.ID })(list, err)
			},
		},
		{
			name:  "a thread",
			begin: opens,
			add: func(d *desk) {
				must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(k.Link),
					store.NewMessage{Link: k.Link, Body: "more"}))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(e store.Entry) any { return e.Seq })(d.Entries(d.ctx, k.ID, 1, p))
			},
		},
		pagedMailsOfTicket(),
		{
			name: "deadlines",
			add:  requests,
			page: func(d *desk, p store.Page) (store.List[string], error) {
				// Each ticket has two, of which these are the second.
				list, err := d.DeadlinesDue(d.ctx, dawn.Add(30*time.Hour), dawn.Add(5000*time.Hour), p)
				return keyed(func(due store.Deadline) any { return due.Ticket })(list, err)
			},
		},
	}
}

func pagedMailsOfTicket() paged {
	var k store.Ticket
	return paged{
		name: "mails of a ticket",
		add: func(d *desk) { // the first is its confirmation
			if k.ID == 0 {
				k = d.opens(from("mails@partner.example")).Ticket
				return
			}
			k = must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, d.mailing())).Ticket
		},
		page: func(d *desk, p store.Page) (store.List[string], error) {
			if k.ID == 0 {
				return store.List[string]{}, nil // there is no ticket yet
			}
			return byOutbound(d.OutboundsOfTicket(d.ctx, k.ID, p))
		},
	}
}

func pagedDeliveryLists() []paged {
	return []paged{
		{
			name: "mails to an address",
			add: func(d *desk) {
				d.opens(from("to@partner.example"))
				must[store.Outbound](d)(d.QueueMail(d.ctx, d.now, d.ownMail(store.MailAlarm)))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return byOutbound(d.OutboundsTo(d.ctx, "to@partner.example", p))
			},
		},
		{
			name: "suppressions",
			add: func(d *desk) {
				address := fmt.Sprintf("dead%d@partner.example", d.mint())
				must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops@desk.example"),
					store.Suppression{Address: address, Scope: store.ScopeAll}))
			},
			drop: func(d *desk, key string) {
				id := store.SuppressionID(idOf(d, key))
				must[store.Suppression](d)(d.ReleaseSuppression(d.ctx, d.now, store.ByService(), id))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(s store.Suppression) any { return s.ID })(d.Suppressions(d.ctx, d.now, p))
			},
		},
		{
			name:  "refusals",
			begin: func(d *desk) { d.connects() },
			add: func(d *desk) {
				d.opens()
				report := failed(d.claims(store.Claim{Limit: 1, Lease: minute})[0], store.OutcomeRefused)
				report.Host = fmt.Sprintf("host%d.example", d.mint())
				d.finishes(must[store.Outbound](d)(d.Outbound(d.ctx, report.Outbound)), store.StateSent, time.Time{})
				d.hears(report)
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(r store.Refusal) any { return r.Host })(d.Refusals(d.ctx, dawn, p))
			},
		},
		{
			name: "blobs",
			add: func(d *desk) {
				hash := hashOf(fmt.Sprint("blob ", d.mint()))
				d.opens(func(n *store.NewTicket) {
					n.Files = []store.File{{Name: "a", Size: 1, Type: "text/plain", Hash: hash}}
				})
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(h store.BlobHash) any { return h })(d.ListBlobs(d.ctx, p))
			},
		},
		{
			name: "receiving domains",
			add: func(d *desk) {
				d.opens(from(fmt.Sprintf("ana@partner%d.example", d.mint())))
				d.finishes(d.claims(store.Claim{Limit: 1, Lease: minute})[0], store.StateSent, time.Time{})
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				domains, err := d.ReceivingDomains(d.ctx, dawn, dawn.Add(time.Hour), p)
				return keyed(func(n store.DomainTally) any { return n.Domain })(domains.Busiest, err)
			},
		},
	}
}

// The mails of more tickets than are looked at for one page are all listed.
func mailsOfManyTickets(d *desk) {
	var want []store.OutboundID
	for range 2*store.TicketsLooked + 3 {
		want = append([]store.OutboundID{d.opens(from("ana@partner.example")).Confirmation.ID}, want...)
	}
	page := store.Page{Limit: store.MaxPage}
	first := must[store.List[store.Outbound]](d)(d.OutboundsTo(d.ctx, "ana@partner.example", page))
	if len(first.Items) != store.TicketsLooked || first.Next == "" || !first.Stopped {
		d.Fatalf("a list that stopped has %d mails, goes on at %q, says %v", len(first.Items), first.Next, first.Stopped)
	}
	d.same(idsOf(must[[]store.Outbound](d)(d.lists().mailsTo("ana@partner.example"))), want)
}
