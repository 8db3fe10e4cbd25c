package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

// How throttled mail is released fairly. Each row gets a turn when it is throttled:
// the one behind its network's last, and at least the lowest that is still to come.
// Rows are looked at by turn, so of each network one comes, then of each the next. A
// network that has none waiting starts at the turn that is on: behind nobody's
// backlog, and before nobody who has waited as many turns.

// throttledRecord is what a throttled mail waits for.
type throttledRecord struct {
	Turn    uint64          `cbor:"1,keyasint"`
	Network []byte          `cbor:"2,keyasint"` // digest
	Until   int64           `cbor:"3,keyasint"` // from then on it may not leave any more
	Spent   string          `cbor:"4,keyasint"` // the budget that was, when it was throttled
	Budgets []meteredRecord `cbor:"5,keyasint"`
	Waits   []byte          `cbor:"6,keyasint"` // digest of Spent
}

type meteredRecord struct {
	Name   string `cbor:"1,keyasint"`
	Key    []byte `cbor:"2,keyasint"` // digest
	Limit  int    `cbor:"3,keyasint"`
	Window int64  `cbor:"4,keyasint"` // nanoseconds
	Final  bool   `cbor:"5,keyasint,omitempty"`
}

func (r throttledRecord) budgets() []metered {
	all := make([]metered, len(r.Budgets))
	for i, b := range r.Budgets {
		all[i] = metered{store.Budget{Name: b.Name, Limit: b.Limit, Window: time.Duration(b.Window), Final: b.Final},
			digest(b.Key)}
	}
	return all
}

func (r throttledRecord) networkTurn(id store.OutboundID) []byte {
	return append(append(make([]byte, 0, 32), r.Network...), pair64(r.Turn, uint64(id))...)
}

func reasonSpent(b *metered) string { return store.RuleBudget + ": " + b.Name }

// spendBehind is spend for a new mail, which has half of a budget while other mail
// is throttled by it.
func (t *txn) spendBehind(now time.Time, budgets []metered) ([]charge, *metered) {
	if first, _ := t.first(bTurns, nil); first == nil {
		return t.spend(now, budgets)
	}
	left := slices.Clone(budgets)
	for i, b := range left {
		if first, _ := t.first(bBudgetWaits, b.key[:]); first != nil {
			left[i].Budget = b.Half()
		}
	}
	return t.spend(now, left)
}

// throttle gives a row in StateThrottled its turn.
func (t *txn) throttle(row store.Outbound, network string, spent *metered, budgets []metered) error {
	net, until := digestOf(network), row.Promise.FirstResponseBy
	if until.IsZero() {
		until = row.QueuedAt.Add(store.ThrottledKept)
	}
	r := throttledRecord{Network: net[:], Until: micros(until), Spent: spent.Name, Waits: spent.key[:]}
	if first, _ := t.first(bTurns, nil); first != nil {
		r.Turn = readU64(first)
	}
	err := t.walkBack(bNetworkTurns, net[:], beforeKey(net[:], 0), func(key, _ []byte) (bool, error) {
		r.Turn = max(r.Turn, readU64(key[len(net):])+1)
		return false, nil
	})
	for _, b := range budgets {
		r.Budgets = append(r.Budgets, meteredRecord{b.Name, b.key[:], b.Limit, int64(b.Window), b.Final})
	}
	t.addCount(countThrottled, spent.Name, 1)
	return errors.Join(err,
		t.putRecord(bThrottled, u64(uint64(row.ID)), &r),
		t.put(bTurns, pair64(r.Turn, uint64(row.ID)), []byte{}),
		t.put(bNetworkTurns, r.networkTurn(row.ID), []byte{}),
		t.put(bBudgetWaits, digestID(spent.key, uint64(row.ID)), []byte{}),
	)
}

func (t *txn) throttledRow(id store.OutboundID) (r throttledRecord, err error) {
	return r, t.record(bThrottled, u64(uint64(id)), &r)
}

// leaveTurn takes a throttled row out of its turn; its state is still to be changed.
func (t *txn) leaveTurn(id store.OutboundID) error {
	r, err := t.throttledRow(id)
	if err != nil {
		return err
	}
	t.addCount(countThrottled, r.Spent, -1)
	return errors.Join(
		t.delete(bThrottled, u64(uint64(id))),
		t.delete(bTurns, pair64(r.Turn, uint64(id))),
		t.delete(bNetworkTurns, r.networkTurn(id)),
		t.delete(bBudgetWaits, digestID(digest(r.Waits), uint64(id))),
	)
}

// unthrottle queues a throttled row.
func (t *txn) unthrottle(row *store.Outbound, now time.Time) error {
	err := errors.Join(t.leaveTurn(row.ID), t.setState(row, store.StateQueued))
	row.QueuedAt, row.DueAt, row.Reason = now, now, ""
	return errors.Join(err,
		t.put(bOutbox, waitingKey(*row), []byte{}),
		t.enqueue(*row),
		t.putOutbound(*row),
	)
}

// endThrottled ends a throttled row that may not leave any more.
func (t *txn) endThrottled(row store.Outbound, now time.Time, spent *metered) error {
	if spent != nil {
		row.Reason = reasonSpent(spent)
	}
	return errors.Join(t.leaveTurn(row.ID), t.end(&row, store.StateSuppressed, now), t.putOutbound(row))
}

// ReleaseThrottled implements store.Outbox. Mostly nothing is throttled, or nothing
// has room, so it looks in a transaction that holds up no writer.
func (s *Store) ReleaseThrottled(ctx context.Context, now time.Time, limit int) (done store.Released, err error) {
	now = store.Instant(now)
	var ready []store.OutboundID
	err = s.read(ctx, func(t *txn) (err error) {
		ready, err = t.readyTurns(now, limit)
		return err
	})
	if err == nil && len(ready) > 0 {
		err = s.write(ctx, 0, func(t *txn) (err error) {
			done, err = t.takeTurns(now, ready)
			return err
		})
	}
	if err != nil {
		return store.Released{}, wrap("release throttled outbounds, at most", limit, err)
	}
	return done, nil
}

// turn is what a row's turn has come to.
type turn struct {
	charges []charge
	spent   *metered // which budget has no room
	over    bool     // it may not leave any more
}

// look tells what is to be done with a throttled row now. Budgets in full are known to
// be spent: the many rows of a flood are passed over by them.
func (t *txn) look(now time.Time, r throttledRecord, full map[digest]bool) turn {
	budgets := r.budgets()
	known := slices.IndexFunc(budgets, func(b metered) bool { return full[b.key] })
	if known < 0 {
		known = len(budgets)
	}
	charges, spent := t.spend(now, budgets[:known])
	if spent == nil && known < len(budgets) {
		charges, spent = nil, &budgets[known]
	}
	return turn{charges, spent, micros(now) >= r.Until || spent != nil && spent.Final}
}

// readyTurns lists the rows to release or to end, at most limit, in their turns. The
// charges stay in this transaction, which writes nothing.
func (t *txn) readyTurns(now time.Time, limit int) (ready []store.OutboundID, err error) {
	full, looked := map[digest]bool{}, 0
	err = t.walk(bTurns, nil, nil, func(key, _ []byte) (bool, error) {
		if looked++; len(ready) >= limit || looked > store.ThrottledLooked {
			return false, nil
		}
		id := store.OutboundID(readU64(key[8:]))
		r, err := t.throttledRow(id)
		if err != nil {
			return false, wrap("throttled outbound", id, err)
		}
		turn := t.look(now, r, full)
		if turn.spent != nil {
			full[turn.spent.key] = true
		}
		if turn.over || turn.spent == nil {
			ready = append(ready, id)
		}
		if !turn.over {
			t.putCharges(turn.charges)
		}
		return true, nil
	})
	return ready, err
}

// takeTurns releases or ends the rows given, those of which that is still right.
func (t *txn) takeTurns(now time.Time, ready []store.OutboundID) (done store.Released, err error) {
	for _, id := range ready {
		r, err := t.throttledRow(id)
		if errors.Is(err, store.ErrNotFound) {
			continue // by hand, meanwhile
		}
		if err == nil {
			err = t.takeTurn(now, id, t.look(now, r, nil), &done)
		}
		if err != nil {
			return done, wrap("throttled outbound", id, err)
		}
	}
	return done, nil
}

func (t *txn) takeTurn(now time.Time, id store.OutboundID, turn turn, done *store.Released) error {
	row, err := t.outbound(id)
	switch {
	case err != nil:
	case turn.over:
		done.Suppressed++
		err = t.endThrottled(row, now, turn.spent)
	case turn.spent == nil:
		done.Queued++
		t.putCharges(turn.charges)
		err = t.unthrottle(&row, now)
	}
	return err
}

// ThrottledOutbounds implements store.Board.
func (s *Store) ThrottledOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error) {
	return readList(ctx, s, "throttled outbounds, at most", p.Limit, p,
		listing[store.Outbound]{name: "throttled", bucket: bTurns, read: outboundOfKey})
}

// throttled checks that a throttled row has its turn.
func (c *checker) throttled(row store.Outbound) {
	if row.State != store.StateThrottled {
		return
	}
	key := u64(uint64(row.ID))
	c.saw(bThrottled, key, c.value(bThrottled, key))
	r, err := c.throttledRow(row.ID)
	if err != nil || len(r.Network) != len(digest{}) || len(r.Waits) != len(digest{}) {
		c.fault("outbound %d: what it waits for does not read: %w", row.ID,
			errors.Join(err, fmt.Errorf("network %x, budget %x", r.Network, r.Waits)))
		return
	}
	c.counts[string(countThrottled)+r.Spent]++
	c.want(bBudgetWaits, digestID(digest(r.Waits), uint64(row.ID)), nil, "outbound", row.ID)
	c.want(bTurns, pair64(r.Turn, uint64(row.ID)), nil, "outbound", row.ID)
	c.want(bNetworkTurns, r.networkTurn(row.ID), nil, "outbound", row.ID)
}
