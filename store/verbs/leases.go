package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// What a process that ended, or a clock that was wrong, left behind in the outbox.

// EndLeases implements store.Upkeep.
func (s *Store) EndLeases(ctx context.Context, now time.Time, owner string) (ended int, err error) {
	now = store.Instant(now)
	err = s.write(ctx, 0, func(t *txn) error {
		ended = 0
		ids, err := t.leasedAfter(nil)
		for _, id := range ids {
			if err != nil {
				return err
			}
			var one bool
			if one, err = t.endLease(id, now, owner); one {
				ended++
			}
		}
		if err == nil {
			err = t.endDuties(owner)
		}
		return err
	})
	if err != nil {
		return 0, wrap("end leases at", now, err)
	}
	return ended, nil
}

func (t *txn) endLease(id store.OutboundID, now time.Time, owner string) (bool, error) {
	row, err := t.outbound(id)
	switch {
	case err != nil:
		return false, wrap("outbound", id, err)
	case owner != "" && row.Owner != owner || !row.Kind.AtMostOnce() && row.Attempts >= store.LeaseTries:
		return false, nil
	}
	if err := t.unlease(row); err != nil {
		return false, err
	}
	if row.Kind.AtMostOnce() {
		return true, t.giveUp(row, now)
	}
	row.DueAt, row.Claim, row.Owner = now, 0, ""
	state := store.StateQueued
	if row.Hold.Stage != "" {
		state = store.StateHeld
	}
	return true, errors.Join(t.setState(&row, state), t.enqueue(row), t.putOutbound(row))
}

// leasedAfter lists the rows whose leases end after an instant; nil: all.
func (t *txn) leasedAfter(by *time.Time) (ids []store.OutboundID, err error) {
	from := []byte{outLease}
	if by != nil {
		from = appendInstant(from, by.Add(time.Microsecond))
	}
	err = t.walk(bOutbox, []byte{outLease}, from, func(key, _ []byte) (bool, error) {
		ids = append(ids, outboxID(key))
		return true, nil
	})
	return ids, err
}

// PullOutbounds implements store.Upkeep. Mostly there is nothing to pull, so it
// looks in a transaction that holds up nobody.
func (s *Store) PullOutbounds(ctx context.Context, now, by time.Time, limit int) (pulled int, err error) {
	now, by = store.Instant(now), store.Instant(by)
	var ids []store.OutboundID
	err = s.read(ctx, func(t *txn) (err error) {
		ids, err = t.dueAfter(by, limit)
		return err
	})
	if err == nil && len(ids) > 0 {
		err = s.write(ctx, 0, func(t *txn) error {
			pulled = 0
			for _, id := range ids {
				one, err := t.pull(id, now, by)
				if err != nil {
					return wrap("outbound", id, err)
				}
				if one {
					pulled++
				}
			}
			return nil
		})
	}
	if err != nil {
		return 0, wrap("pull outbounds due after", by, err)
	}
	return pulled, nil
}

// dueAfter lists rows due after an instant, at most limit: those leased, then of
// each domain from its last row backwards.
func (t *txn) dueAfter(by time.Time, limit int) (ids []store.OutboundID, err error) {
	if ids, err = t.leasedAfter(&by); err != nil || len(ids) >= limit {
		return ids[:min(len(ids), max(limit, 0))], err
	}
	err = t.walk(bOutbox, []byte{outHead}, nil, func(_, dom []byte) (bool, error) {
		queue := queuePrefix(domain(dom))
		err := t.walkBack(bOutbox, queue, beforeKey(queue, 0), func(key, _ []byte) (bool, error) {
			if len(ids) >= limit || !readInstant(key[len(queue):]).After(by) {
				return false, nil
			}
			ids = append(ids, outboxID(key))
			return true, nil
		})
		return len(ids) < limit, err
	})
	return ids, err
}

// pull makes a waiting row due now, where it still is due after by.
func (t *txn) pull(id store.OutboundID, now, by time.Time) (bool, error) {
	row, err := t.outbound(id)
	if err != nil || !row.DueAt.After(by) {
		return false, err
	}
	if t.has(bOutbox, leaseKey(row)) {
		err = t.unlease(row)
		if err == nil && row.Kind.AtMostOnce() {
			return true, t.giveUp(row, now)
		}
	} else {
		err = t.dequeue(row)
	}
	row.DueAt = now
	if row.UndoUntil.After(now) {
		row.UndoUntil = now
	}
	return true, errors.Join(err, t.enqueue(row), t.putOutbound(row))
}
