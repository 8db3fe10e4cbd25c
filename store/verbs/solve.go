package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// SolveTicket implements store.Desk.
func (s *Store) SolveTicket(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, m store.SolvedMail,
) (store.Ticket, error) {
	at := store.Instant(now)
	err := checkMailing(at, m.Mailing)
	if err == nil && (m.Undo < 0 || m.Undo > store.MaxUndo) {
		err = invalid("a mail is held back for 30 seconds at most")
	}
	if err != nil {
		return store.Ticket{}, wrap("solve ticket", id, err)
	}
	solve := func(t *txn, k *store.Ticket) (c store.Change, err error) {
		if !k.Status.Waits() {
			return c, nil
		}
		if m.Region.ID != k.Region {
			return c, invalid("the region is not the ticket's")
		}
		c.StatusFrom, c.StatusTo = k.Status, store.StatusSolved
		t.rules.setStatus(k, store.StatusSolved, at)
		return c, t.mailSolved(at, k, m)
	}
	return s.arrange(ctx, now, by, id, store.EventStatusChanged, solve)
}

// mailSolved queues the mail that tells of a ticket just solved.
func (t *txn) mailSolved(now time.Time, k *store.Ticket, m store.SolvedMail) error {
	if k.Link == (store.LinkID{}) {
		return nil
	}
	if err := errors.Join(t.unused(m.MessageID, m.Link), t.checkCopies(*k, m.Copies)); err != nil {
		return err
	}
	p, err := t.allowed(now, k.Requester.Email, store.MailSolved, nil)
	if err == nil {
		err = t.keepLink(now, k, m.Link, m.LinkExpires)
	}
	if err != nil {
		return err
	}
	mail := confirmation(now, m.Region, *k, m.MessageID)
	mail.Kind, mail.Promise, mail.DueAt = store.MailSolved, store.Promise{}, now.Add(m.Undo)
	if mail.InReplyTo, mail.References, err = t.references(*k); err != nil {
		return err
	}
	if err := t.addConfirmation(now, &mail, p, ""); err != nil {
		return err
	}
	mail.DueAt = now.Add(m.Undo) // also where the requester's is suppressed
	return t.mailCopies(now, k, mail, store.Entry{}, m.Mailing, m.Copies)
}
