package verbs

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
)

// PlanUpdate implements store.Desk.
func (s *Store) PlanUpdate(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, n store.PlannedUpdate,
) (store.Ticket, error) {
	at := store.Instant(now)
	n.By = kept(n.By)
	if err := checkPlanned(at, n); err != nil {
		return store.Ticket{}, wrap("plan the next update of ticket", id, err)
	}
	plan := func(t *txn, k *store.Ticket) (c store.Change, err error) {
		switch {
		case !k.Status.Waits():
			return c, fmt.Errorf("%w: the ticket is solved", store.ErrConflict)
		case n.Region.ID != k.Region:
			return c, invalid("the region is not the ticket's")
		case k.Status == store.StatusOnHold && k.Promise.NextUpdateBy.Equal(n.By):
			return c, nil
		}
		if k.Status != store.StatusOnHold {
			c.StatusFrom, c.StatusTo = k.Status, store.StatusOnHold
			t.rules.setStatus(k, store.StatusOnHold, at)
		}
		k.Promise.NextUpdateBy = n.By
		return c, t.mailPromise(at, k, n)
	}
	return s.arrange(ctx, now, by, id, store.EventStatusChanged, plan)
}

func checkPlanned(now time.Time, n store.PlannedUpdate) error {
	switch {
	case !n.By.After(now):
		return invalid("the next update is promised for a time that has passed")
	case n.By.After(now.Add(store.MaxPlanned)):
		return invalid("the next update is more than 90 days away")
	case n.Undo < 0 || n.Undo > store.MaxUndo:
		return invalid("a mail is held back for 30 seconds at most")
	}
	return checkMailing(now, n.Mailing)
}

// mailPromise queues the mail that tells of a ticket's next update.
func (t *txn) mailPromise(now time.Time, k *store.Ticket, n store.PlannedUpdate) error {
	if k.Link == (store.LinkID{}) {
		return nil
	}
	if err := t.unused(n.MessageID, n.Link); err != nil {
		return err
	}
	p, err := t.allowed(now, k.Requester.Email, store.MailPromise, nil)
	if err == nil && p.withheld == "" {
		p.withheld, err = t.promiseTold(now, *k)
	}
	if err == nil {
		err = t.keepLink(now, k, n.Link, n.LinkExpires)
	}
	if err != nil {
		return err
	}
	mail := confirmation(now, n.Region, *k, n.MessageID)
	mail.Kind, mail.DueAt = store.MailPromise, now.Add(n.Undo)
	mail.Promise = store.Promise{NextUpdateBy: n.By}
	if late := k.Promise.FirstResponseBy; k.FirstReplyAt.IsZero() && !late.IsZero() && late.Before(now) {
		mail.Promise.FirstResponseBy = late // what was missed
	}
	if mail.InReplyTo, mail.References, err = t.references(*k); err != nil {
		return err
	}
	return t.addConfirmation(now, &mail, p, "")
}

// promiseTold is why a ticket's requester is not told of another date now: they were
// within PromiseMailEvery. One that has not left tells of a date that no longer stands.
func (t *txn) promiseTold(now time.Time, k store.Ticket) (reason string, err error) {
	mails, err := t.mailsOf(k.ID)
	for _, m := range mails {
		left := m.State != store.StateQueued && m.State != store.StateSuppressed && m.State != store.StateFailed
		if m.Kind == store.MailPromise && left && now.Before(m.QueuedAt.Add(store.PromiseMailEvery)) &&
			store.AddressKey(m.To) == store.AddressKey(k.Requester.Email) {
			reason = store.RuleTold
		}
	}
	return reason, err
}
