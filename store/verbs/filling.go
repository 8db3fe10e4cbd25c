package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// Arriving is one mail of FillLedger.
type Arriving struct {
	Now      time.Time
	Mail     store.NewInbound
	Decision store.Decision // on the mail; ID is set here
	// Answered is the final state that the answer ends in at Now, if one is
	// reserved, with what the relay said of it: for a past that nobody is to be
	// mailed about.
	Answered store.Finish
}

// FillLedger records and decides a batch in one transaction, each as
// RecordInbound and DecideInbound would, but that no mail is older than the
// mailbox's connection, whose instant moves back to the oldest: all of them or none.
// It fills a store fast; a batch of a few thousand is best. MarkRestored moves the
// connection to where real mail may be answered.
func (s *Store) FillLedger(ctx context.Context, batch []Arriving) ([]store.Inbound, error) {
	arrivals := make([]arrival, len(batch))
	for i, b := range batch {
		if err := errors.Join(checkArrival(b.Mail), checkDecision(b.Decision), checkFinish(b.Answered)); err != nil {
			return nil, wrap("fill ledger with mail of batch", i, err)
		}
		arrivals[i] = arrival{b.Mail, s.codec.text(b.Mail.Raw)}
	}
	rows := make([]store.Inbound, len(batch))
	err := s.write(ctx, engine.GroupBytes, func(t *txn) (err error) {
		for i, b := range batch {
			if rows[i], err = t.fill(arrivals[i], b); err != nil {
				return wrap("fill ledger with mail of batch", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (t *txn) fill(a arrival, b Arriving) (store.Inbound, error) {
	now := store.Instant(b.Now)
	rows, err := t.recordAll(now, []arrival{a})
	if err != nil {
		return store.Inbound{}, err
	}
	if rows[0].State != store.InboundStored {
		return rows[0], nil
	}
	if err := t.connectedBy(rows[0].InternalDate, rows[0].Mailbox); err != nil {
		return store.Inbound{}, err
	}
	b.Decision.ID = rows[0].ID
	if rows, err = t.decideAll(now, []store.Decision{b.Decision}); err != nil || rows[0].Answer == 0 {
		return rows[0], err
	}
	return rows[0], t.finishAt(now, rows[0].Answer, b.Answered)
}

// connectedBy moves a mailbox's connection back to an instant that lies before it.
func (t *txn) connectedBy(at time.Time, mailbox string) error {
	box, err := t.mailbox(mailbox)
	if err != nil || !at.Before(instant(box.Connected)) {
		return err
	}
	box.Connected = micros(store.ConnectionInstant(at))
	return t.putMailbox(mailbox, box)
}

// finishAt ends a queued mail as if it had been claimed, and tried, at now.
func (t *txn) finishAt(now time.Time, id store.OutboundID, f store.Finish) error {
	row, err := t.outbound(id)
	if err != nil {
		return err
	}
	row.Attempts, row.Claim = 1, 1
	f.ID, f.Claim = row.ID, row.Claim
	return errors.Join(t.setState(&row, store.StateClaimed), t.putOutbound(row), t.finish(now, f))
}
