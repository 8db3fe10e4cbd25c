package bolt

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// WaitingOutbounds implements store.Board.
func (db *DB) WaitingOutbounds(ctx context.Context, after store.OutboundID, limit int) (rows []store.Outbound, err error) {
	err = db.read(ctx, func(t *txn) error {
		var from []byte
		if after != 0 {
			row, err := t.outbound(after)
			if err != nil {
				return err
			}
			from = append(instantID(row.QueuedAt, uint64(after)), 0)
		}
		return t.walk(bOutWaiting, nil, from, t.collect(&rows, limit))
	})
	if err != nil {
		return nil, fault("waiting outbounds, at most", limit, err)
	}
	return rows, nil
}

// FailedOutbounds implements store.Board.
func (db *DB) FailedOutbounds(ctx context.Context, before store.OutboundID, limit int) (rows []store.Outbound, err error) {
	err = db.read(ctx, func(t *txn) error {
		return t.walkBack(bOutFailed, nil, beforeKey(nil, uint64(before)), t.collect(&rows, limit))
	})
	if err != nil {
		return nil, fault("failed outbounds, at most", limit, err)
	}
	return rows, nil
}

// collect appends the outbound that each key ends in.
func (t *txn) collect(rows *[]store.Outbound, limit int) func(key, _ []byte) (bool, error) {
	return func(key, _ []byte) (bool, error) {
		if len(*rows) >= limit {
			return false, nil
		}
		row, err := t.outbound(store.OutboundID(readU64(key[len(key)-8:])))
		*rows = append(*rows, row)
		return true, err
	}
}

// RetryOutbounds implements store.Board.
func (db *DB) RetryOutbounds(ctx context.Context, now time.Time, ids []store.OutboundID) (retried []store.Outbound, err error) {
	now = store.Instant(now)
	err = db.write(ctx, 0, func(t *txn) error {
		retried = nil
		for _, id := range ids {
			if !t.has(bOutbounds, u64(uint64(id))) {
				return fault("outbound", id, store.ErrNotFound)
			}
		}
		for _, id := range ids {
			row, err := t.outbound(id)
			if err != nil {
				return err
			}
			again, err := t.retry(now, &row)
			if err != nil {
				return fault("outbound", id, err)
			}
			if again {
				retried = append(retried, row)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fault("retry outbounds, in all", len(ids), err)
	}
	return retried, nil
}

// retry makes a row due now, where its state allows that.
func (t *txn) retry(now time.Time, row *store.Outbound) (bool, error) {
	switch {
	case row.State == store.StateQueued && row.DueAt.After(now):
		if err := t.dequeue(*row); err != nil {
			return false, err
		}
		row.DueAt = now
		return true, errors.Join(t.enqueue(*row), t.putOutbound(*row))
	case row.State == store.StateThrottled:
		return true, t.unthrottle(row, now)
	case row.State == store.StateFailed && row.Kind != store.MailAutoResponse:
		row.QueuedAt, row.DueAt, row.DoneAt, row.Attempts = now, now, time.Time{}, 0
		t.setDelivery(row, store.Delivery{})
		return true, errors.Join(
			t.setState(row, store.StateQueued),
			t.put(bOutWaiting, instantID(row.QueuedAt, uint64(row.ID)), []byte{}),
			t.enqueue(*row),
			t.putOutbound(*row),
		)
	}
	return false, nil
}
