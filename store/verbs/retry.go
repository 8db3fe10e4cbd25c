package verbs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// WaitingOutbounds implements store.Board.
func (s *Store) WaitingOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error) {
	return readList(ctx, s, "waiting outbounds, at most", p.Limit, p,
		listing[store.Outbound]{name: "waiting", bucket: bOutbox, prefix: []byte{outWaiting}, read: outboundOfKey})
}

// FailedOutbounds implements store.Board.
func (s *Store) FailedOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error) {
	return readList(ctx, s, "failed outbounds, at most", p.Limit, p,
		listing[store.Outbound]{name: "failed", bucket: bOutFailed, back: true, read: outboundOfKey})
}

// HeldOutbounds implements store.Board.
func (s *Store) HeldOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error) {
	return readList(ctx, s, "held outbounds, at most", p.Limit, p,
		listing[store.Outbound]{name: "held", bucket: bOutHeld, back: true, read: outboundOfKey})
}

// outboundOfKey is the outbound that a key ends in.
func outboundOfKey(t *txn, key, _ []byte) (store.Outbound, error) {
	return t.outbound(store.OutboundID(lastID(key)))
}

// eachOutbound lets change see rows that are all there, and that the actor may do the
// act to, in one transaction, of which every run starts with begin and ends with end.
func (s *Store) eachOutbound(
	ctx context.Context, d deed, ids []store.OutboundID,
	begin func(), change func(*txn, store.Outbound) error, end func(*txn) error,
) error {
	return s.act(ctx, d, 0, func(t *txn) error {
		begin()
		for _, id := range ids {
			row, err := t.outbound(id)
			if err == nil {
				err = store.May(d.by, d.act, store.InRegion(row.Region))
			}
			if err != nil {
				return wrap("outbound", id, err)
			}
		}
		for _, id := range ids {
			row, err := t.outbound(id)
			if err == nil {
				err = change(t, row)
			}
			if err != nil {
				return wrap("outbound", id, err)
			}
		}
		return end(t)
	})
}

// auditMails writes the row of an act on mails, none where it was done to none.
func (t *txn) auditMails(now time.Time, by store.Actor, event store.AuditEvent, rows []store.Outbound) error {
	if len(rows) == 0 {
		return nil
	}
	a := store.Audit{
		Event: event, Object: store.Object{Kind: store.ObjectOutbound}, Region: rows[0].Region, Count: uint64(len(rows)),
	}
	if len(rows) == 1 {
		a.Object.ID, a.Object.Name = uint64(rows[0].ID), rows[0].Number
	}
	for _, row := range rows {
		if row.Region != a.Region {
			a.Region = ""
		}
	}
	return t.audit(now, by, a)
}

// RetryOutbounds implements store.Board.
func (s *Store) RetryOutbounds(
	ctx context.Context, now time.Time, by store.Actor, r store.Retry,
) (done store.Retried, err error) {
	now = store.Instant(now)
	if r.Release {
		d := deed{now, by, store.ActSuppress, mailsObject(r.IDs)}
		if err := s.asked(ctx, d, store.May(by, store.ActSuppress, store.Everywhere())); err != nil {
			return store.Retried{}, wrap("retry outbounds and release, in all", len(r.IDs), err)
		}
	}
	begin := func() { done = store.Retried{} }
	end := func(t *txn) error { return t.auditMails(now, by, store.AuditMailRetried, done.Due) }
	d := deed{now, by, store.ActRetryMail, mailsObject(r.IDs)}
	err = s.eachOutbound(ctx, d, r.IDs, begin, func(t *txn, row store.Outbound) error {
		if !retriable(now, row) {
			return nil
		}
		if rule, err := t.outdated(row); err != nil || rule != "" {
			return cmp.Or(err, t.replace(now, row, rule))
		}
		free, err := t.freeAddress(now, by, row, r.Release)
		switch {
		case err != nil:
			return err
		case !free:
			done.Suppressed = append(done.Suppressed, row)
			return nil
		}
		err = t.retry(now, &row)
		done.Due = append(done.Due, row)
		return err
	}, end)
	if err != nil {
		return store.Retried{}, wrap("retry outbounds, in all", len(r.IDs), err)
	}
	return done, nil
}

// retriable tells whether a row waits for another try, or may begin anew.
func retriable(now time.Time, row store.Outbound) bool {
	switch row.State {
	case store.StateHeld, store.StateThrottled:
		return true
	case store.StateQueued:
		return row.DueAt.After(now) && !row.UndoUntil.After(now)
	case store.StateFailed:
		return !row.Kind.AtMostOnce()
	}
	return false
}

// freeAddress tells whether a row's address may be written to; with release it ends
// what keeps its mail back.
func (t *txn) freeAddress(now time.Time, by store.Actor, row store.Outbound, release bool) (bool, error) {
	for {
		s, err := t.suppressedFor(now, row.To, row.Kind)
		if err != nil || s == nil || !release {
			return s == nil, err
		}
		if err := t.releaseAddress(now, by, s.suppression()); err != nil {
			return false, err
		}
	}
}

// retry makes a row due now.
func (t *txn) retry(now time.Time, row *store.Outbound) error {
	switch row.State {
	case store.StateThrottled:
		return t.unthrottle(row, now)
	case store.StateQueued, store.StateHeld:
		if err := t.dequeue(*row); err != nil {
			return err
		}
		row.DueAt = now
		return errors.Join(t.enqueue(*row), t.putOutbound(*row))
	}
	row.QueuedAt, row.DueAt, row.DoneAt, row.Attempts, row.Hold = now, now, time.Time{}, 0, store.Hold{}
	row.UndoUntil = time.Time{}
	t.setDelivery(row, store.Delivery{})
	return errors.Join(
		t.setState(row, store.StateQueued),
		t.put(bOutbox, waitingKey(*row), []byte{}),
		t.enqueue(*row),
		t.putOutbound(*row),
	)
}

// GiveUpOutbounds implements store.Board.
func (s *Store) GiveUpOutbounds(
	ctx context.Context, now time.Time, by store.Actor, ids []store.OutboundID,
) (ended []store.Outbound, err error) {
	now = store.Instant(now)
	begin := func() { ended = nil }
	end := func(t *txn) error { return t.auditMails(now, by, store.AuditMailGivenUp, ended) }
	d := deed{now, by, store.ActGiveUpMail, mailsObject(ids)}
	err = s.eachOutbound(ctx, d, ids, begin, func(t *txn, row store.Outbound) error {
		if err := checkNamed(by); err != nil {
			return err
		}
		if row.State != store.StateHeld {
			return nil
		}
		if err := t.dequeue(row); err != nil {
			return err
		}
		row.Reply = text.Cut("given up by "+by.Account+": "+row.Reply, store.MaxReply)
		if err := t.end(&row, store.StateFailed, now); err != nil {
			return err
		}
		ended = append(ended, row)
		return errors.Join(t.putOutbound(row), t.countGivenUp(row), t.tellFailure(now, row))
	}, end)
	if err != nil {
		return nil, wrap("give up outbounds, in all", len(ids), err)
	}
	return ended, nil
}

// RenewPromise implements store.Outbox.
func (s *Store) RenewPromise(
	ctx context.Context, now time.Time, id store.OutboundID, claim uint64, p store.Promise,
) (row store.Outbound, err error) {
	p = store.Promise{FirstResponseBy: kept(p.FirstResponseBy), ResolutionBy: kept(p.ResolutionBy)}
	err = s.write(ctx, 0, func(t *txn) (err error) {
		if row, err = t.outbound(id); err != nil {
			return err
		}
		switch {
		case row.Kind != store.MailConfirmation:
			return invalid("no confirmation")
		case row.State != store.StateClaimed || row.Claim != claim:
			return fmt.Errorf("%w: it is not claimed under %d", store.ErrConflict, claim)
		}
		told := row.Promise
		row.Promise = p
		return errors.Join(t.putOutbound(row), t.renewTicket(store.Instant(now), row.Ticket, told, p))
	})
	if err != nil {
		return store.Outbound{}, wrap("renew the promise of outbound", id, err)
	}
	return row, nil
}

// renewTicket gives a ticket that still has a promise another one in its place.
func (t *txn) renewTicket(now time.Time, id store.TicketID, told, p store.Promise) error {
	k, err := t.ticket(id)
	told.NextUpdateBy, p.NextUpdateBy = k.Promise.NextUpdateBy, k.Promise.NextUpdateBy // not told by a confirmation
	if err != nil || k.Promise != told {
		return err
	}
	k.Promise, k.ChangedAt = p, now
	return t.putTicket(k)
}
