package canary

import (
	"context"
	"errors"
	"time"

	"signpost/mail/watch"
	"signpost/store"
)

// lookLimit bounds one look.
const lookLimit = 2 * time.Minute

// look brings the progress up to date with the ledger and the mailbox. With clean
// the letters of this run and of earlier ones are deleted.
func (c *Canary) look(ctx context.Context, p *progress, clean bool) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := c.lookInLedger(ctx, p); err != nil {
		return err
	}
	var answer, confirmation store.CanaryLeg
	var late int
	var inside error
	p.fault = c.deps.Mailbox.Visit(ctx, p.run.StartedAt, func(letters []watch.Letter) (remove []uint32) {
		now := time.Now()
		for _, l := range letters {
			row, err := c.outbound(ctx, l.Ref)
			switch {
			case errors.Is(err, store.ErrNotFound):
				continue // nothing of ours
			case err != nil:
				inside = err
				return nil
			case row.ID == p.answer.ID:
				answer = c.leg(answer, l, p.run, now)
			case row.Kind == store.MailConfirmation && row.Ticket == p.run.Ticket:
				confirmation = c.leg(confirmation, l, p.run, now)
			case row.QueuedAt.Before(p.run.StartedAt):
				if !l.Arrived.Before(p.run.StartedAt) {
					late++
				}
			default:
				continue
			}
			remove = append(remove, l.UID)
		}
		if !clean {
			return nil
		}
		return remove
	})
	if p.fault == nil && inside == nil {
		// Which of them came first was told at the first look.
		p.run.Answer, p.run.Confirmation = firstSeen(p.run.Answer, answer), firstSeen(p.run.Confirmation, confirmation)
		p.late = max(p.late, late)
	}
	return errors.Join(p.fault, inside)
}

// firstSeen is a leg as first seen, with the highest count.
func firstSeen(known, now store.CanaryLeg) store.CanaryLeg {
	if known.Count == 0 {
		return now
	}
	known.Count = max(known.Count, now.Count)
	return known
}

// outbound is the mail of ours to the canary that a letter is, by its reference.
func (c *Canary) outbound(ctx context.Context, ref string) (store.Outbound, error) {
	if _, ours := c.deps.Ring.OwnMessageID(ref); !ours {
		return store.Outbound{}, store.ErrNotFound
	}
	row, err := c.deps.Store.OutboundByMessageID(ctx, ref)
	if err == nil && store.AddressKey(row.To) != store.AddressKey(c.cfg.Address) {
		err = store.ErrNotFound
	}
	return row, err
}

// lookInLedger finds the stray and the answer reserved for it.
func (c *Canary) lookInLedger(ctx context.Context, p *progress) error {
	rows, err := store.Items(c.deps.Store.InboundByMessageID(ctx, p.run.StrayID, store.Page{Limit: 5}))
	if err != nil || len(rows) == 0 {
		return err
	}
	p.stray = rows[len(rows)-1] // the one seen first
	if p.run.Seen.Count == 0 {
		raw, err := c.deps.Store.RawInbound(ctx, p.stray.ID)
		if err != nil {
			return err
		}
		p.run.Seen = stated(p.run.Seen, watch.Stated(raw, c.deps.Trusted(p.stray.Mailbox)))
		p.run.Seen.ArrivedAt = within(p.stray.SeenAt, p.run.StartedAt, time.Now())
	}
	p.run.Seen.Count = len(rows)
	for _, row := range rows {
		if row.Answer != 0 {
			p.stray = row
			p.answer, err = c.deps.Store.Outbound(ctx, row.Answer)
		}
	}
	return err
}
