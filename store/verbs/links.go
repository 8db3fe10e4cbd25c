package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
)

// ProveAddress implements store.Links.
func (s *Store) ProveAddress(
	ctx context.Context, now time.Time, by store.Actor, id store.LinkID,
) (ticket store.Ticket, err error) {
	now = store.Instant(now)
	err = s.act(ctx, deed{now: now, by: by, act: store.ActProveAddress}, 0, func(t *txn) (err error) {
		if err := checkThrough(by, id); err != nil {
			return err
		}
		d, err := t.door(now, id)
		if ticket = d.Ticket; err != nil || d.Proven() {
			return err
		}
		if d.OfColleague() {
			return t.join(now, by, &ticket, d.Colleague)
		}
		ticket.ProvenAt = now
		return t.putTicket(ticket)
	})
	if err != nil {
		ticket = store.Ticket{}
	}
	return ticket, wrap("prove address by link", linkName(id), err)
}

// RenewLink implements store.Links.
func (s *Store) RenewLink(
	ctx context.Context, now time.Time, by store.Actor, id store.LinkID, m store.Mailing,
) (opened store.Opened, err error) {
	now = store.Instant(now)
	if err = checkMailing(now, m); err == nil {
		err = s.act(ctx, deed{now: now, by: by, act: store.ActRenewLink}, 0, func(t *txn) (err error) {
			if err := checkThrough(by, id); err != nil {
				return err
			}
			opened, err = t.renewLink(now, id, m)
			return err
		})
	}
	if err != nil {
		opened = store.Opened{}
	}
	return opened, wrap("renew link", linkName(id), err)
}

func checkMailing(now time.Time, m store.Mailing) error {
	switch {
	case m.Region.ID == "" || m.Region.Address == "" || badName(m.Region.ID):
		return invalid("the region needs an id and an address")
	case m.MessageID == "" || len(m.MessageID) > store.MaxField:
		return invalid("no Message-ID for the mail, or one longer than 16 KiB")
	case m.Link == (store.LinkID{}):
		return invalid("no link")
	case !store.Instant(m.LinkExpires).After(now):
		return invalid("the link expires before it is mailed")
	}
	return checkBudgets(m.Budgets)
}

// unused refuses a link or a Message-ID that was given out before.
func (t *txn) unused(messageID string, links ...store.LinkID) error {
	for _, link := range links {
		if t.has(bLinks, link[:]) {
			return invalid("the link is in use")
		}
	}
	_, err := t.outboundByMessageID(messageID)
	switch {
	case err == nil:
		return invalid("the Message-ID is in use")
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// permit is whether a mail may go to an address, and what that charges.
type permit struct {
	withheld string // why its address is not mailed
	dead     bool   // that address is
	budgets  []metered
	spent    *metered // the budget without room
	charges  []charge
}

// reason is why the mail does not go out now, "" when it does.
func (p permit) reason() string {
	if p.withheld == "" && p.spent != nil {
		return reasonSpent(p.spent)
	}
	return p.withheld
}

// allowed works out whether a mail of a kind may go to the address.
func (t *txn) allowed(now time.Time, address string, kind store.OutboundKind, budgets []metered) (p permit, err error) {
	p.budgets = budgets
	if p.withheld, p.dead, err = t.withheld(now, address, kind); err != nil || p.withheld != "" {
		return p, err
	}
	if kind == store.MailConfirmation {
		p.charges, p.spent = t.spendBehind(now, budgets)
	} else {
		p.charges, p.spent = t.spend(now, budgets)
	}
	return p, nil
}

// addConfirmation writes a confirmation as the permit says; one that was sent already
// stays so.
func (t *txn) addConfirmation(now time.Time, mail *store.Outbound, p permit, network string) error {
	if reason := p.reason(); mail.State == store.StateQueued && reason != "" {
		mail.State, mail.Reason, mail.DueAt, mail.DoneAt = store.StateSuppressed, reason, time.Time{}, now
		if p.spent != nil && !p.spent.Final {
			mail.State, mail.DoneAt = store.StateThrottled, time.Time{}
		}
	}
	t.putCharges(p.charges)
	if err := t.addOutbound(mail); err != nil || mail.State != store.StateThrottled {
		return err
	}
	return t.throttle(*mail, network, p.spent, p.budgets)
}

func (t *txn) renewLink(now time.Time, id store.LinkID, m store.Mailing) (store.Opened, error) {
	k, err := t.ticketByLink(now, id)
	if err == nil {
		err = t.unused(m.MessageID, m.Link)
	}
	if err != nil {
		return store.Opened{}, err
	}
	p, err := t.allowed(now, k.Requester.Email, store.MailLinks, meter(m.Budgets))
	if err != nil {
		return store.Opened{}, err
	}
	if reason := p.reason(); reason != "" {
		mail := linksMail(now, m.Region, k, m.MessageID)
		mail.State, mail.Reason, mail.DueAt = store.StateSuppressed, reason, time.Time{}
		return store.Opened{Ticket: k, Confirmation: mail}, nil
	}
	t.putCharges(p.charges)
	if k.ProvenAt.IsZero() {
		k.ProvenAt = now
	}
	if err := t.newLink(&k, m.Link, m.LinkExpires); err != nil {
		return store.Opened{}, err
	}
	mail := linksMail(now, m.Region, k, m.MessageID)
	if mail.InReplyTo, err = t.threadOf(k); err != nil {
		return store.Opened{}, err
	}
	return store.Opened{Ticket: k, Confirmation: mail}, errors.Join(t.putTicket(k), t.addOutbound(&mail))
}

// threadOf is the Message-ID that a mail of the ticket answers: that of its newest
// confirmation, "" where that went to another address.
func (t *txn) threadOf(k store.Ticket) (id string, err error) {
	mails, err := t.mailsOf(k.ID)
	for _, row := range mails {
		if row.Kind == store.MailConfirmation && store.AddressKey(row.To) == store.AddressKey(k.Requester.Email) {
			id = row.MessageID
		}
	}
	return id, err
}

// mailsOf returns the mails of a ticket, oldest first.
func (t *txn) mailsOf(id store.TicketID) (rows []store.Outbound, err error) {
	prefix := underTicket(id, ofTicketMail)
	err = t.walk(bTickets, prefix, prefix, func(key, value []byte) (bool, error) {
		row, err := outboundOfKey(t, key, value)
		rows = append(rows, row)
		return true, err
	})
	return rows, err
}

// newLink revokes the links to a ticket's page and gives it a new one; the ticket
// is still to be put.
func (t *txn) newLink(k *store.Ticket, id store.LinkID, expires time.Time) error {
	if err := t.revokeLinks(*k, false); err != nil {
		return err
	}
	k.Link = id
	return t.putLink(*k, store.Instant(expires))
}

// putLink writes the row of the ticket's own link.
func (t *txn) putLink(k store.Ticket, expires time.Time) error {
	return t.putExpiring(bLinks, expiryLink, digest(k.Link), link{ticket: k.ID, expires: expires}.bytes(), expires)
}

// revokeLinks revokes the ticket's own link and those that its mails carry; colleagues'
// among them where all are meant. It is logged as a change of the ticket: pages that are open
// by one of them close.
func (t *txn) revokeLinks(k store.Ticket, all bool) error {
	t.changed(letterTicket, uint64(k.ID))
	mails, err := t.mailsOf(k.ID)
	if err != nil {
		return err
	}
	links := []store.LinkID{k.Link}
	for _, row := range mails {
		if all || !row.ToColleague() {
			links = append(links, row.Link)
		}
	}
	for _, id := range links {
		if err := t.shutLink(k, id); err != nil {
			return err
		}
	}
	return nil
}

// shutLink revokes a link to a ticket's page; one that has expired, or the zero link of a
// mail that carries none, stays as it is.
func (t *txn) shutLink(k store.Ticket, id store.LinkID) error {
	l, ok := readLink(t.value(bLinks, id[:]))
	if !ok || l.revoked || l.ticket != k.ID {
		return nil
	}
	l.revoked = true
	return t.put(bLinks, id[:], l.bytes())
}

// LinksUntil implements store.Links. Links ascend as they are minted: an id begins with its
// milliseconds (store/ident).
func (s *Store) LinksUntil(ctx context.Context, now, minted time.Time) (last time.Time, err error) {
	now = store.Instant(now)
	behind := u64(uint64(minted.UnixMilli()))[2:]
	err = s.read(ctx, func(t *txn) error {
		return t.walk(bLinks, nil, nil, func(key, value []byte) (bool, error) {
			if bytes.Compare(key[:len(behind)], behind) > 0 {
				return false, nil
			}
			l, ok := readLink(value)
			if ok && !l.revoked && l.expires.After(now) && l.expires.After(last) {
				last = l.expires
			}
			return true, nil
		})
	})
	return last, wrap("links minted until", minted, err)
}

// RevokeLinks implements store.Links.
func (s *Store) RevokeLinks(ctx context.Context, now time.Time, by store.Actor, id store.TicketID) error {
	now = store.Instant(now)
	err := s.act(ctx, deed{now, by, store.ActRevokeLinks, ticketID(id)}, 0, func(t *txn) error {
		k, err := t.ticketFor(now, by, store.ActRevokeLinks, id)
		if err != nil {
			return err
		}
		if err := t.revokeLinks(k, true); err != nil {
			return err
		}
		return t.audit(now, by, store.Audit{Event: store.AuditLinksRevoked, Object: ticketObject(k), Region: k.Region})
	})
	return wrap("revoke links of ticket", id, err)
}

// linksMail is the mail that leads to tickets, the newest first.
func linksMail(
	now time.Time, region store.Region, newest store.Ticket, messageID string, more ...store.Ticket,
) store.Outbound {
	mail := confirmation(now, region, newest, messageID)
	mail.Kind, mail.Promise = store.MailLinks, store.Promise{}
	for _, k := range append([]store.Ticket{newest}, more...) {
		mail.Links = append(mail.Links, store.TicketLink{Number: k.Number, Link: k.Link})
	}
	return mail
}

// MailLinks implements store.Links.
func (s *Store) MailLinks(ctx context.Context, now time.Time, n store.LinkRequest) (mail store.Outbound, err error) {
	now = store.Instant(now)
	if err = checkLinkRequest(now, n); err == nil {
		err = s.write(ctx, 0, func(t *txn) (err error) {
			mail, err = t.mailLinks(now, n)
			return err
		})
	}
	if err != nil {
		mail = store.Outbound{}
	}
	return mail, wrap("mail links", "to an address", err)
}

func checkLinkRequest(now time.Time, n store.LinkRequest) error {
	if store.Domain(n.Address) == "" || len(n.Address) > store.MaxField {
		return invalid("it needs an address")
	}
	if len(n.Fresh) < store.MailedLinks {
		return invalid("it needs a fresh link for each that may have expired")
	}
	return checkMailing(now, store.Mailing{
		Region: n.Region, Link: n.Fresh[0], LinkExpires: n.LinkExpires, MessageID: n.MessageID, Budgets: n.Budgets,
	})
}

func (t *txn) mailLinks(now time.Time, n store.LinkRequest) (store.Outbound, error) {
	if err := t.unused(n.MessageID, n.Fresh...); err != nil {
		return store.Outbound{}, err
	}
	charges, spent := t.spend(now, meter(n.Budgets))
	t.putCharges(charges)
	tickets, err := t.newestOf(n.Address, store.Instant(n.Since))
	if err != nil || spent != nil || len(tickets) == 0 {
		return store.Outbound{}, err
	}
	if withheld, _, err := t.withheld(now, n.Address, store.MailLinks); err != nil || withheld != "" {
		return store.Outbound{}, err
	}
	for i := range tickets {
		if _, err := t.ticketByLink(now, tickets[i].Link); err == nil {
			continue
		}
		tickets[i].Link = n.Fresh[i]
		err := errors.Join(t.putLink(tickets[i], store.Instant(n.LinkExpires)), t.putTicket(tickets[i]))
		if err != nil {
			return store.Outbound{}, err
		}
	}
	mail := linksMail(now, n.Region, tickets[0], n.MessageID, tickets[1:]...)
	return mail, t.addOutbound(&mail)
}

// newestOf returns the newest tickets of an address, those opened before since
// left out, and those of the canary, which has no page to show.
func (t *txn) newestOf(address string, since time.Time) (tickets []store.Ticket, err error) {
	who := digestOf(store.AddressKey(address))
	err = t.walkBack(bRequesters, who[:], beforeKey(who[:], 0), func(key, _ []byte) (bool, error) {
		k, err := t.ticket(store.TicketID(readU64(key[16:])))
		if err != nil || k.OpenedAt.Before(since) || len(tickets) >= store.MailedLinks {
			return false, err
		}
		if k.Channel != store.ChannelCanary {
			tickets = append(tickets, k)
		}
		return true, nil
	})
	return tickets, err
}

// ChangeRequester implements store.Links.
func (s *Store) ChangeRequester(
	ctx context.Context, now time.Time, by store.Actor, n store.NewAddress,
) (opened store.Opened, err error) {
	now = store.Instant(now)
	err = s.asked(ctx, deed{now, by, store.ActChangeRequester, ticketID(n.Ticket)}, checkThrough(by, n.Link))
	if err == nil {
		err = checkMailing(now, n.Mailing)
	}
	if err == nil && (store.Domain(n.Email) == "" || len(n.Email) > store.MaxField) {
		err = invalid("it needs an address")
	}
	if err == nil {
		err = s.act(ctx, deed{now, by, store.ActChangeRequester, ticketID(n.Ticket)}, 0, func(t *txn) (err error) {
			opened, err = t.changeRequester(now, by, n)
			return err
		})
	}
	if err != nil {
		opened = store.Opened{}
	}
	return opened, wrap("change requester of ticket", n.Ticket, err)
}

func (t *txn) changeRequester(now time.Time, by store.Actor, n store.NewAddress) (store.Opened, error) {
	k, err := t.ticketFor(now, by, store.ActChangeRequester, n.Ticket)
	if err == nil {
		err = t.mayChange(now, by, k, n.Link)
	}
	if err == nil {
		err = t.unused(n.MessageID, n.Mailing.Link)
	}
	if err != nil {
		return store.Opened{}, err
	}
	p, err := t.allowed(now, n.Email, store.MailConfirmation, meter(n.Budgets))
	if err != nil {
		return store.Opened{}, err
	}
	before := k.Requester.Email
	k.Requester.Email, k.ProvenAt, k.Question, k.Trouble = n.Email, time.Time{}, "", ""
	if p.dead {
		k.Question = store.QuestionUndeliverable
	}
	if err := t.newLink(&k, n.Mailing.Link, n.LinkExpires); err != nil {
		return store.Opened{}, err
	}
	if c := named(k, n.Email); c.Number != 0 && c.State() != store.ColleagueRevoked {
		if err := t.endColleague(now, by, &k, c, store.EventColleagueRemoved); err != nil {
			return store.Opened{}, err
		}
	}
	told := store.Entry{
		Kind: store.EntryEvent, Event: store.EventAddressChanged, Author: by.Name, At: now, Body: before, By: by.Kind,
		Agent: by.Agent,
	}
	if err := t.addEntry(&k, &told); err != nil {
		return store.Opened{}, err
	}
	if err := t.moveRequester(now, k, before); err != nil {
		return store.Opened{}, err
	}
	mail := confirmation(now, n.Region, k, n.MessageID)
	if err := t.addConfirmation(now, &mail, p, n.Network); err != nil {
		return store.Opened{}, err
	}
	missed, err := t.missed(k)
	if err != nil {
		return store.Opened{}, err
	}
	return store.Opened{Ticket: k, Confirmation: mail, Missed: missed}, t.audit(now, by, store.Audit{
		Event: store.AuditRequesterChanged, Object: ticketObject(k), Region: k.Region,
		Changes: []store.Changed{{Field: "requester", Before: before, After: n.Email}},
	})
}

// mayChange refuses another address where the one who asks may not give one. Staff may;
// others by a link, while mail to the present one arrives; else, once the ticket is answered
// or its address proven, since its author may not be its requester.
func (t *txn) mayChange(now time.Time, who store.Actor, k store.Ticket, by store.LinkID) error {
	switch {
	case who.Kind != store.ActorPartner && who.Account != "":
		return nil
	case by != (store.LinkID{}):
	case !k.ProvenAt.IsZero():
		return fmt.Errorf("%w: its address is proven", store.ErrConflict)
	case k.Replies > 0:
		return fmt.Errorf("%w: it has been answered", store.ErrConflict)
	default:
		return nil
	}
	behind, err := t.ticketByLink(now, by)
	if err != nil || behind.ID != k.ID {
		return errors.Join(err, store.ErrNotFound)
	}
	_, dead, err := t.withheld(now, k.Requester.Email, store.MailConfirmation)
	if err == nil && !dead {
		err = fmt.Errorf("%w: mail to its address is not suppressed", store.ErrConflict)
	}
	return err
}

// moveRequester brings the indexes by address in line with the ticket's new
// requester, and ends the confirmations that still wait to go to the old one.
func (t *txn) moveRequester(now time.Time, k store.Ticket, before string) error {
	id := uint64(k.ID)
	err := errors.Join(
		t.delete(bRequesters, digestID(digestOf(store.AddressKey(before)), id)),
		t.put(bRequesters, digestID(digestOf(store.AddressKey(k.Requester.Email)), id), []byte{}),
	)
	if err != nil {
		return err
	}
	mails, err := t.mailsOf(k.ID)
	if err != nil {
		return err
	}
	for _, row := range mails {
		if err := t.indexRecipient(row); err != nil {
			return err
		}
		if !row.Kind.FollowsRequester() || row.ToColleague() {
			continue
		}
		if err := t.replace(now, row, store.RuleReplaced); err != nil {
			return err
		}
	}
	return nil
}

// indexRecipient writes or drops the row by which a mail is found that is not to
// its ticket's requester.
func (t *txn) indexRecipient(row store.Outbound) error {
	elsewhere, err := t.isElsewhere(row)
	switch {
	case err != nil:
		return err
	case elsewhere:
		return t.put(bOutRecipients, recipientKey(row), []byte{})
	}
	return t.delete(bOutRecipients, recipientKey(row))
}
