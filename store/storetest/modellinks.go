package storetest

import (
	"slices"
	"time"

	"signpost/store"
)

func (m *model) prove(now time.Time, id store.LinkID) (store.Ticket, error) {
	k, err := m.linked(now, id)
	if err != nil {
		return store.Ticket{}, err
	}
	if k.ProvenAt.IsZero() {
		k.ProvenAt = now
	}
	return *k, nil
}

func (m *model) renew(now time.Time, by store.LinkID, n store.Mailing, id store.OutboundID) (store.Opened, error) {
	k, err := m.linked(now, by)
	if err != nil {
		return store.Opened{}, err
	}
	o := m.mailTo(now, k, n)
	o.Kind, o.Promise = store.MailLinks, store.Promise{}
	reason, _ := m.withheld(now, k.Requester.Email, store.MailLinks)
	if reason == "" {
		if spent := m.spend(now, n.Budgets...); spent != nil {
			reason = store.RuleBudget + ": " + spent.Name
		}
	}
	if reason != "" {
		o.State, o.Reason, o.DueAt, o.Link = store.StateSuppressed, reason, time.Time{}, k.Link
		o.Links = []store.TicketLink{{Number: k.Number, Link: k.Link}}
		return store.Opened{Ticket: *k, Confirmation: o.Outbound}, nil
	}
	if k.ProvenAt.IsZero() {
		k.ProvenAt = now
	}
	m.revokeLinks(k.ID)
	k.Link = n.Link
	m.links[n.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
	for _, earlier := range m.outs {
		if earlier.Ticket == k.ID && earlier.Kind == store.MailConfirmation &&
			store.AddressKey(earlier.To) == store.AddressKey(o.To) {
			o.InReplyTo = earlier.MessageID
		}
	}
	o.ID, o.Links = id, []store.TicketLink{{Number: k.Number, Link: n.Link}}
	m.outs = append(m.outs, o)
	return store.Opened{Ticket: *k, Confirmation: o.Outbound}, nil
}

// mailTo is a ticket's mail with a new link, not yet among the others.
func (m *model) mailTo(now time.Time, k *store.Ticket, n store.Mailing) *modelMail {
	return &modelMail{Outbound: store.Outbound{
		Kind: store.MailConfirmation, Region: n.Region.ID, From: n.Region.Address, FromName: n.Region.Name,
		To: k.Requester.Email, Langs: []string{k.Requester.Lang}, MessageID: n.MessageID, Ticket: k.ID, Number: k.Number,
		Promise: k.Promise, Link: n.Link, QueuedAt: now, State: store.StateQueued, DueAt: now,
	}}
}

func (m *model) revokeLinks(id store.TicketID) {
	for _, l := range m.links {
		l.revoked = l.revoked || l.ticket == id
	}
}

func (m *model) mailLinks(now time.Time, n store.LinkRequest, id store.OutboundID) store.Outbound {
	spent := m.spend(now, n.Budgets...)
	var tickets []*store.Ticket
	for _, k := range slices.Backward(m.tickets) {
		if store.AddressKey(k.Requester.Email) == store.AddressKey(n.Address) && !k.OpenedAt.Before(n.Since) &&
			len(tickets) < store.MailedLinks {
			tickets = append(tickets, k)
		}
	}
	reason, _ := m.withheld(now, n.Address, store.MailLinks)
	if spent != nil || len(tickets) == 0 || reason != "" {
		return store.Outbound{}
	}
	o := m.mailTo(now, tickets[0], store.Mailing{Region: n.Region, MessageID: n.MessageID})
	o.ID, o.Kind, o.Promise = id, store.MailLinks, store.Promise{}
	for i, k := range tickets {
		if _, err := m.linked(now, k.Link); err != nil {
			k.Link = n.Fresh[i]
			m.links[k.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
		}
		o.Links = append(o.Links, store.TicketLink{Number: k.Number, Link: k.Link})
	}
	o.Link = tickets[0].Link
	m.outs = append(m.outs, o)
	return o.Outbound
}

func (m *model) changeRequester(
	now time.Time, by store.Actor, n store.NewAddress, id store.OutboundID,
) (store.Opened, error) {
	k := m.ticket(n.Ticket)
	if by.Kind == store.ActorStaff {
		m.logs(store.AuditRequesterChanged)
	} else if n.Link == (store.LinkID{}) {
		if !k.ProvenAt.IsZero() || k.Replies > 0 {
			return store.Opened{}, store.ErrConflict
		}
	} else {
		behind, err := m.linked(now, n.Link)
		if err != nil || behind.ID != k.ID {
			return store.Opened{}, store.ErrNotFound
		}
		if _, dead := m.withheld(now, k.Requester.Email, store.MailConfirmation); !dead {
			return store.Opened{}, store.ErrConflict
		}
	}
	allowed := m.allow(now, n.Email, n.Budgets)
	was := k.Requester.Email
	k.Requester.Email, k.ProvenAt, k.Question, k.Trouble = n.Email, time.Time{}, "", ""
	if allowed.dead {
		k.Question = store.QuestionUndeliverable
	}
	m.revokeLinks(k.ID)
	k.Link = n.Mailing.Link
	m.links[k.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
	m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: store.EventAddressChanged, At: now, Body: was,
		Author: by.Name, By: by.Kind, Agent: by.Agent})
	for _, o := range m.outs {
		waits := o.State == store.StateQueued || o.State == store.StateHeld || o.State == store.StateThrottled ||
			o.State == store.StateFailed
		if o.Ticket == k.ID && waits && (o.Kind == store.MailConfirmation || o.Kind == store.MailLinks) {
			m.replace(now, o)
		}
	}
	o := m.mailTo(now, k, n.Mailing)
	o.ID = id
	m.confirm(now, o, allowed, n.Network)
	opened := store.Opened{Ticket: *k, Confirmation: o.Outbound}
	for _, e := range m.entries[k.ID] {
		if first := m.unreached(k, e.Seq); e.Kind == store.EntryReply && first != 0 {
			opened.Missed = append(opened.Missed, first)
		}
	}
	return opened, nil
}

// unreached is the first mail of a reply of which none went to the requester, 0 where
// one did.
func (m *model) unreached(k *store.Ticket, seq uint32) (first store.OutboundID) {
	for _, o := range m.outs {
		if o.Ticket != k.ID || o.Entry != seq || o.Kind != store.MailReply {
			continue
		}
		if store.AddressKey(o.To) == store.AddressKey(k.Requester.Email) {
			return 0
		}
		if first == 0 {
			first = o.ID
		}
	}
	return first
}

// replaced tells a mail with a link that is not to the requester of its ticket.
func (m *model) replaced(o *modelMail) bool {
	k := m.ticket(o.Ticket)
	links := o.Kind == store.MailConfirmation || o.Kind == store.MailLinks
	return k != nil && links && store.AddressKey(k.Requester.Email) != store.AddressKey(o.To)
}

// replace ends a mail that waits to go to an address given up, and marks one that failed.
func (m *model) replace(now time.Time, o *modelMail) {
	if o.Reason = store.RuleReplaced; o.State == store.StateFailed {
		return
	}
	m.leaveTurn(o)
	o.end(store.StateSuppressed, now)
	m.countEnd(o)
}
