package verbs

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
)

// ResendReply implements store.Desk.
func (s *Store) ResendReply(
	ctx context.Context, now time.Time, by store.Actor, id store.OutboundID, m store.Mailing,
) (mail store.Outbound, err error) {
	now = store.Instant(now)
	if err = checkMailing(now, m); err == nil {
		err = s.act(ctx, deed{now, by, store.ActAnswerTicket, outboundObject(id)}, 0, func(t *txn) (err error) {
			mail, err = t.resendReply(now, by, id, m)
			return err
		})
	}
	if err != nil {
		mail = store.Outbound{}
	}
	return mail, wrap("resend reply, outbound", id, err)
}

func (t *txn) resendReply(
	now time.Time, by store.Actor, id store.OutboundID, m store.Mailing,
) (store.Outbound, error) {
	was, err := t.outbound(id)
	if err != nil {
		return store.Outbound{}, err
	}
	if was.Kind != store.MailReply || was.Undone() {
		return store.Outbound{}, store.ErrNotFound
	}
	k, err := t.deskTicket(by, store.ActAnswerTicket, was.Ticket)
	if err != nil {
		return store.Outbound{}, err
	}
	if err := t.mayResend(now, k, was, m); err != nil {
		return store.Outbound{}, err
	}
	mail, err := t.mailAgain(now, &k, was, m)
	if err != nil {
		return store.Outbound{}, err
	}
	reply, err := t.entryAt(was.Ticket, was.Entry)
	if err != nil {
		return store.Outbound{}, err
	}
	mail.Entry, mail.Text = was.Entry, was.Text
	mail.Attached = m.Region.Attaches(mail.Proven, reply.Files)
	if err := t.addOutbound(&mail); err != nil {
		return store.Outbound{}, err
	}
	opened(&k, now)
	err = t.addEntry(&k, &store.Entry{
		Kind: store.EntryEvent, Event: store.EventReplyResent, Outbound: mail.ID, Author: by.Name, At: now, By: by.Kind,
		Agent: by.Agent, Colleague: mail.Colleague,
	})
	if err != nil {
		return store.Outbound{}, err
	}
	return mail, t.auditTicket(now, by, store.AuditReplyResent, k, store.Change{})
}

// mailAgain is the mail that a reply is sent as again; the ticket is still to be put.
func (t *txn) mailAgain(
	now time.Time, k *store.Ticket, was store.Outbound, m store.Mailing,
) (store.Outbound, error) {
	c, ok := k.Colleague(was.Colleague)
	if !ok {
		return t.newReplyMail(now, k, m)
	}
	if err := t.keepDoor(now, k, &c, m.Link, m.LinkExpires); err != nil {
		return store.Outbound{}, err
	}
	mail, err := t.colleagueMail(now, m.Region, *k, c, m.MessageID)
	mail.Kind = store.MailReply
	return mail, err
}

// mayResend refuses a mail that would not leave, or is on its way.
func (t *txn) mayResend(now time.Time, k store.Ticket, was store.Outbound, m store.Mailing) error {
	if m.Region.ID != k.Region {
		return invalid("the region is not the ticket's")
	}
	if err := t.unused(m.MessageID, m.Link); err != nil {
		return err
	}
	switch e, err := t.entryAt(k.ID, was.Entry); {
	case err != nil:
		return err
	case e.PublicAt().After(now):
		return fmt.Errorf("%w: its author can still take it back", store.ErrConflict)
	}
	to := k.Requester.Email
	if was.ToColleague() {
		c, _ := k.Colleague(was.Colleague)
		if c.State() != store.ColleagueActs {
			return fmt.Errorf("%w: the colleague takes no part in it", store.ErrConflict)
		}
		to = c.Email
	}
	mails, err := t.mailsOf(k.ID)
	if err != nil {
		return err
	}
	for _, row := range mails {
		same := row.Kind == store.MailReply && row.Entry == was.Entry
		if same && row.State.Waiting() && store.AddressKey(row.To) == store.AddressKey(to) {
			return fmt.Errorf("%w: it waits to be sent", store.ErrConflict)
		}
	}
	withheld, _, err := t.withheld(now, to, store.MailReply)
	if err == nil && withheld != "" {
		err = fmt.Errorf("%w: mail to its address is suppressed", store.ErrConflict)
	}
	return err
}

// newReplyMail is a mail of a reply to the ticket's requester, with a link that opens its
// page; the ticket is still to be put.
func (t *txn) newReplyMail(now time.Time, k *store.Ticket, m store.Mailing) (store.Outbound, error) {
	if err := t.keepLink(now, k, m.Link, m.LinkExpires); err != nil {
		return store.Outbound{}, err
	}
	mail := confirmation(now, m.Region, *k, m.MessageID)
	mail.Kind, mail.Promise, mail.Proven = store.MailReply, store.Promise{}, !k.ProvenAt.IsZero()
	mail.Promise.NextUpdateBy = k.Promise.NextUpdateBy
	var err error
	mail.InReplyTo, mail.References, err = t.references(*k)
	return mail, err
}

// missed are the replies of a ticket that its requester was not written to.
func (t *txn) missed(k store.Ticket) ([]store.OutboundID, error) {
	mails, err := t.mailsOf(k.ID)
	return store.MissedReplies(mails, k.Requester.Email), err
}
