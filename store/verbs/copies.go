package verbs

import (
	"fmt"
	"time"

	"signpost/store"
)

// What a ticket's requester is mailed goes also to each colleague who acts, as a mail of
// their own.

// checkCopies refuses ids that do not suffice for the colleagues in copy, or are in use.
func (t *txn) checkCopies(k store.Ticket, ids []store.CopyID) error {
	acting := len(k.InCopy())
	if len(ids) < acting {
		return invalid("it needs a Message-ID and a link for each colleague in copy")
	}
	for _, id := range ids[:acting] {
		if id.MessageID == "" || len(id.MessageID) > store.MaxField || id.Link == (store.LinkID{}) {
			return invalid("a copy has no Message-ID or no link")
		}
		if err := t.unused(id.MessageID, id.Link); err != nil {
			return err
		}
	}
	return nil
}

// mailCopies queues the copies of a mail that tells of an entry, which is an agent's reply
// or without an author. The ticket is still to be put.
func (t *txn) mailCopies(
	now time.Time, k *store.Ticket, of store.Outbound, e store.Entry, m store.Mailing, ids []store.CopyID,
) error {
	for i, c := range k.InCopy() {
		if err := t.keepDoor(now, k, &c, ids[i].Link, m.LinkExpires); err != nil {
			return err
		}
		mail, err := t.colleagueMail(now, m.Region, *k, c, ids[i].MessageID)
		if err != nil {
			return err
		}
		mail.Kind, mail.Entry, mail.UndoUntil, mail.DueAt = of.Kind, of.Entry, of.UndoUntil, of.DueAt
		mail.Attached = m.Region.Attaches(mail.Proven, e.Files)
		if e.Agent != 0 {
			if mail.Text, err = t.signature(e.Agent, mail.Langs); err != nil {
				return err
			}
		}
		p, err := t.allowed(now, c.Email, mail.Kind, nil)
		if err != nil {
			return err
		}
		if err := t.addConfirmation(now, &mail, p, ""); err != nil {
			return err
		}
	}
	return nil
}

// copiesStay refuses to take back a reply of which a copy has left.
func (t *txn) copiesStay(id store.TicketID, entry uint32) error {
	return t.eachCopy(id, entry, func(row store.Outbound) error {
		if row.Attempts > 0 {
			return fmt.Errorf("%w: it is too late to take it back", store.ErrConflict)
		}
		return nil
	})
}

// takeBackCopies ends the copies of a reply that is taken back.
func (t *txn) takeBackCopies(now time.Time, id store.TicketID, entry uint32) error {
	return t.eachCopy(id, entry, func(row store.Outbound) error { return t.endWaiting(now, row, store.RuleUndone) })
}

func (t *txn) eachCopy(id store.TicketID, entry uint32, visit func(store.Outbound) error) error {
	mails, err := t.mailsOf(id)
	for _, row := range mails {
		if err == nil && row.ToColleague() && row.Kind == store.MailReply && row.Entry == entry {
			err = visit(row)
		}
	}
	return err
}
