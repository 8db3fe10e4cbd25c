package verbs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
)

// Those who take part in a ticket beside its requester. They stand in the ticket's own
// record, and each one's links say in their rows whose they are (rows.go).

// AddColleague implements store.Colleagues.
func (s *Store) AddColleague(
	ctx context.Context, now time.Time, by store.Actor, n store.NewColleague,
) (done store.Invited, err error) {
	now = store.Instant(now)
	d := deed{now, by, store.ActNameColleague, ticketID(n.Ticket)}
	if err = s.asked(ctx, d, checkThrough(by, n.Link)); err == nil {
		err = checkColleague(now, by, n)
	}
	if err == nil {
		err = s.act(ctx, d, 0, func(t *txn) (err error) {
			done, err = t.addColleague(now, by, n)
			return err
		})
	}
	if err != nil {
		done = store.Invited{}
	}
	return done, wrap("add colleague to ticket", n.Ticket, err)
}

func (t *txn) addColleague(now time.Time, by store.Actor, n store.NewColleague) (store.Invited, error) {
	k, err := t.ticketNaming(now, by, n)
	if err == nil {
		err = mayName(k, by, n, now)
	}
	if err == nil {
		err = t.unused(n.MessageID, n.Mailing.Link)
	}
	if err != nil {
		return store.Invited{}, err
	}
	known := named(k, n.Email)
	isNew := known.Number == 0 || known.State() == store.ColleagueRevoked
	if !isNew {
		if _, err := t.door(now, known.Link); !errors.Is(err, store.ErrNotFound) {
			return store.Invited{Ticket: k, Colleague: known}, err
		}
	}
	c := invited(k, by, n, now)
	mail, err := t.invite(now, k, c, n)
	if err != nil || mail.State == store.StateSuppressed {
		return store.Invited{Ticket: k, Colleague: known, Mail: mail}, err
	}
	putColleague(&k, c)
	if err := t.putDoor(k, c, n.LinkExpires); err != nil {
		return store.Invited{}, err
	}
	if !isNew {
		return store.Invited{Ticket: k, Colleague: c, Mail: mail}, t.putTicket(k)
	}
	if err := t.tellColleague(now, by, &k, c, store.EventColleagueAdded); err != nil {
		return store.Invited{}, err
	}
	return store.Invited{Ticket: k, Colleague: c, Mail: mail}, t.audit(now, by, store.Audit{
		Event: store.AuditColleagueAdded, Object: ticketObject(k), Region: k.Region,
		Changes: []store.Changed{{Field: "colleague", After: c.Email}, {Field: "reason", After: c.Reason}},
	})
}

// ticketNaming is the ticket whose colleagues the actor may name.
func (t *txn) ticketNaming(now time.Time, by store.Actor, n store.NewColleague) (store.Ticket, error) {
	if by.Kind != store.ActorPartner {
		return t.deskTicket(by, store.ActNameColleague, n.Ticket)
	}
	k, err := t.ticketByLink(now, n.Link)
	if err == nil && k.ProvenAt.IsZero() {
		err = errUnproven
	}
	return k, err
}

// invite queues the invitation of a colleague; where it is withheld it writes nothing, and
// the mail is suppressed.
func (t *txn) invite(
	now time.Time, k store.Ticket, c store.Colleague, n store.NewColleague,
) (mail store.Outbound, err error) {
	if mail, err = t.colleagueMail(now, n.Region, k, c, n.MessageID); err != nil {
		return mail, err
	}
	mail.Kind = store.MailColleague
	p, err := t.allowed(now, c.Email, mail.Kind, meter(n.Budgets))
	if err != nil {
		return mail, err
	}
	if reason := p.reason(); reason != "" {
		mail.State, mail.Reason, mail.DueAt = store.StateSuppressed, reason, time.Time{}
		return mail, nil
	}
	t.putCharges(p.charges)
	return mail, t.addOutbound(&mail)
}

// colleagueMail is a mail to a colleague, in the thread of those that they were sent.
func (t *txn) colleagueMail(
	now time.Time, region store.Region, k store.Ticket, c store.Colleague, messageID string,
) (mail store.Outbound, err error) {
	k = inPlace(k, c)
	mail = confirmation(now, region, k, messageID)
	mail.Promise, mail.Colleague, mail.Proven = store.Promise{}, c.Number, !c.ProvenAt.IsZero()
	mail.InReplyTo, mail.References, err = t.references(k)
	return mail, err
}

// putDoor writes the row of a colleague's link.
func (t *txn) putDoor(k store.Ticket, c store.Colleague, expires time.Time) error {
	expires = store.Instant(expires)
	value := link{ticket: k.ID, expires: expires, colleague: c.Number}.bytes()
	return t.putExpiring(bLinks, expiryLink, digest(c.Link), value, expires)
}

// keepDoor gives a colleague a link in the place of one that opens nothing any more; the
// ticket is still to be put.
func (t *txn) keepDoor(
	now time.Time, k *store.Ticket, c *store.Colleague, fresh store.LinkID, expires time.Time,
) error {
	if _, err := t.door(now, c.Link); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	c.Link = fresh
	putColleague(k, *c)
	return t.putDoor(*k, *c, expires)
}

// tellColleague writes an event about a colleague, with the ticket.
func (t *txn) tellColleague(
	now time.Time, by store.Actor, k *store.Ticket, c store.Colleague, event store.Event,
) error {
	author := by.Name
	switch {
	case event == store.EventColleagueJoined || event == store.EventColleagueLeft:
		author = c.Email
	case by.Kind == store.ActorPartner:
		author = k.Requester.Name
	}
	return t.addEntry(k, &store.Entry{
		Kind: store.EntryEvent, Event: event, Author: author, At: now, Body: c.Email, By: by.Kind, Agent: by.Agent,
		Colleague: c.Number,
	})
}

// join notes that a colleague acted on their page first, with the ticket.
func (t *txn) join(now time.Time, by store.Actor, k *store.Ticket, c store.Colleague) error {
	c.ProvenAt = now
	putColleague(k, c)
	return t.tellColleague(now, by, k, c, store.EventColleagueJoined)
}

// RemoveColleague implements store.Colleagues.
func (s *Store) RemoveColleague(
	ctx context.Context, now time.Time, by store.Actor, r store.Removal,
) (k store.Ticket, err error) {
	now = store.Instant(now)
	d := deed{now, by, store.ActNameColleague, ticketID(r.Ticket)}
	if err = s.asked(ctx, d, checkThrough(by, r.Link)); err == nil {
		err = s.act(ctx, d, 0, func(t *txn) (err error) {
			k, err = t.removeColleague(now, by, r)
			return err
		})
	}
	if err != nil {
		k = store.Ticket{}
	}
	return k, wrap("remove colleague from ticket", r.Ticket, err)
}

func (t *txn) removeColleague(now time.Time, by store.Actor, r store.Removal) (k store.Ticket, err error) {
	event := store.EventColleagueRemoved
	if by.Kind == store.ActorPartner {
		d, err := t.door(now, r.Link)
		if err != nil {
			return k, err
		}
		if k = d.Ticket; d.OfColleague() {
			event = store.EventColleagueLeft
			r.Number = max(r.Number, d.Colleague.Number)
		}
		if err := mayLeave(d, r.Number); err != nil {
			return k, err
		}
	} else if k, err = t.deskTicket(by, store.ActNameColleague, r.Ticket); err != nil {
		return k, err
	}
	c, ok := k.Colleague(r.Number)
	switch {
	case !ok:
		return k, store.ErrNotFound
	case c.State() == store.ColleagueRevoked:
		return k, nil
	}
	return k, t.endColleague(now, by, &k, c, event)
}

// endColleague shuts a colleague's door and ends what waits to be mailed to them, with the
// ticket.
func (t *txn) endColleague(
	now time.Time, by store.Actor, k *store.Ticket, c store.Colleague, event store.Event,
) error {
	c.RemovedAt, c.Left = now, event == store.EventColleagueLeft
	putColleague(k, c)
	if err := t.shutLink(*k, c.Link); err != nil {
		return err
	}
	mails, err := t.mailsOf(k.ID)
	if err != nil {
		return err
	}
	for _, row := range mails {
		if row.Colleague != c.Number {
			continue
		}
		if err := errors.Join(t.shutLink(*k, row.Link), t.replace(now, row, store.RuleRemoved)); err != nil {
			return err
		}
	}
	if err := t.tellColleague(now, by, k, c, event); err != nil {
		return err
	}
	return t.audit(now, by, store.Audit{
		Event: store.AuditColleagueRemoved, Object: ticketObject(*k), Region: k.Region,
		Changes: []store.Changed{{Field: "colleague", Before: c.Email}},
	})
}

// Door implements store.Colleagues.
func (s *Store) Door(ctx context.Context, now time.Time, id store.LinkID) (d store.Door, err error) {
	now = store.Instant(now)
	err = s.read(ctx, func(t *txn) (err error) {
		d, err = t.door(now, id)
		return err
	})
	return d, wrap("door of link", linkName(id), err)
}

func (t *txn) door(now time.Time, id store.LinkID) (store.Door, error) {
	l, ok := readLink(t.value(bLinks, id[:]))
	if !ok || l.revoked || !now.Before(l.expires) {
		return store.Door{}, store.ErrNotFound
	}
	k, err := t.ticket(l.ticket)
	if err != nil || l.colleague == 0 {
		return store.Door{Ticket: k}, err
	}
	c, ok := k.Colleague(l.colleague)
	if !ok || c.State() == store.ColleagueRevoked {
		return store.Door{}, store.ErrNotFound
	}
	return store.Door{Ticket: k, Colleague: c}, nil
}

// ticketByLink is the ticket that a link opens to its requester.
func (t *txn) ticketByLink(now time.Time, id store.LinkID) (store.Ticket, error) {
	d, err := t.door(now, id)
	if err == nil && d.OfColleague() {
		return store.Ticket{}, fmt.Errorf("%w: it is the requester's to do", store.ErrForbidden)
	}
	return d.Ticket, err
}

// colleagues checks that they are numbered from 1 and each has an address of their own.
func (c *checker) colleagues(k store.Ticket) {
	seen := map[string]bool{store.AddressKey(k.Requester.Email): true}
	for i, one := range k.Colleagues {
		who := store.AddressKey(one.Email)
		if one.Number != uint32(i)+1 || seen[who] && one.State() != store.ColleagueRevoked {
			c.fault("ticket %d: colleague %d stands where %d should, or has another's address", k.ID, one.Number, i+1)
		}
		seen[who] = true
	}
}

// hasColleague checks that a colleague whom a row names is there.
func (c *checker) hasColleague(id store.TicketID, number uint32, of string, row any) bool {
	if number == 0 {
		return true
	}
	k, err := c.ticket(id)
	_, ok := k.Colleague(number)
	if err == nil && !ok {
		c.fault("%s %v: ticket %d has no colleague %d", of, row, id, number)
	}
	return err == nil && ok
}
