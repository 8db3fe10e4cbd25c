package verbs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// How the outbox is kept fair. Waiting rows stand in queues by recipient
// domain and due instant; the heads hold the first row of each domain by due
// instant, so a claim walks domains, not rows: a hundred thousand mails to one
// dead host are one head, passed over in one step while its leases run. A
// claimed row moves to the leases, and those of each domain are counted. The
// heads a claim passes over are domains at their limit, and their number is
// bounded by the leases that run.

// Bounds of one claim: how many leases that ran out it takes back, how many rows
// to suppressed addresses it drops.
const (
	expiredLeases  = 1024
	suppressedRows = 1024
	// passedHeads: domains passed over for Claim.Except and Claim.Only.
	passedHeads = 20_000
)

// claim leases due rows, oldest due first over all domains.
func (t *txn) claim(now time.Time, c store.Claim) ([]store.Outbound, error) {
	if err := t.returnLeases(now); err != nil {
		return nil, err
	}
	var rows []store.Outbound
	var after []byte // the head looked at last; those that a claim uncovers lie behind it
	for dropped, passed := 0, 0; len(rows) < c.Limit && dropped < suppressedRows && passed < passedHeads; {
		head, dom := t.headAfter(after)
		if head == nil || readInstant(head[1:]).After(now) {
			break
		}
		after = head
		if c.PerDomain > 0 && t.leased(dom) >= c.PerDomain {
			continue
		}
		id := outboxID(head)
		if wanted, err := t.takes(id, c); err != nil {
			return nil, wrap("outbound", id, err)
		} else if !wanted {
			passed++
			continue
		}
		switch suppressed, err := t.dropSuppressed(id, now); {
		case err != nil:
			return nil, wrap("suppress outbound", id, err)
		case suppressed:
			dropped++
			continue
		}
		row, err := t.lease(id, now, c)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// takes tells whether a claim takes mail to the registered domain of a row.
func (t *txn) takes(id store.OutboundID, c store.Claim) (bool, error) {
	if c.Only == "" && len(c.Except) == 0 {
		return true, nil
	}
	row, err := t.outbound(id)
	if err != nil {
		return false, err
	}
	to := origin.Organisation(store.Domain(row.To))
	return (c.Only == "" || c.Only == to) && !slices.Contains(c.Except, to), nil
}

func (t *txn) headAfter(after []byte) (head []byte, dom domain) {
	k, v := t.firstFrom(bOutbox, []byte{outHead}, append(bytes.Clone(after), 0))
	if k == nil {
		return nil, dom
	}
	copy(dom[:], v)
	return bytes.Clone(k), dom
}

// returnLeases ends the leases that ran out: the rows are due again. They keep
// their claim until somebody else takes them, so that an attempt that ends late
// can still say so; but an auto-response may have gone out, and is given up.
func (t *txn) returnLeases(now time.Time) error {
	var expired []store.OutboundID
	err := t.walk(bOutbox, []byte{outLease}, nil, func(key, _ []byte) (bool, error) {
		if len(expired) >= expiredLeases || readInstant(key[1:]).After(now) {
			return false, nil
		}
		expired = append(expired, outboxID(key))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, id := range expired {
		if err := t.returnLease(id, now); err != nil {
			return wrap("return the lease of outbound", id, err)
		}
	}
	return nil
}

func (t *txn) returnLease(id store.OutboundID, now time.Time) error {
	row, err := t.outbound(id)
	if err != nil {
		return err
	}
	if err := t.unlease(row); err != nil {
		return err
	}
	if !row.Kind.AtMostOnce() {
		return t.enqueue(row)
	}
	return t.giveUp(row, now)
}

// giveUp ends an auto-response that may have gone out.
func (t *txn) giveUp(row store.Outbound, now time.Time) error {
	if err := t.end(&row, store.StateUnknown, now); err != nil {
		return err
	}
	return errors.Join(t.putOutbound(row), t.watchAnswer(row))
}

// lease claims the row at the head of its domain.
func (t *txn) lease(id store.OutboundID, now time.Time, c store.Claim) (store.Outbound, error) {
	row, err := t.outbound(id)
	if err != nil {
		return row, wrap("lease outbound", id, err)
	}
	if err := t.dequeue(row); err != nil {
		return row, err
	}
	if err := t.dropUndo(row); err != nil {
		return row, err
	}
	row.Attempts++
	row.DueAt, row.Owner = store.Instant(now.Add(c.Lease.Of(row.Attempts))), c.Owner
	if row.Claim, err = t.next(bOutbox); err != nil {
		return row, err
	}
	if err := t.setState(&row, store.StateClaimed); err != nil {
		return row, err
	}
	return row, errors.Join(t.putLease(row), t.putOutbound(row))
}

// putLease lists a claimed row.
func (t *txn) putLease(row store.Outbound) error {
	dom := domainOf(row.To)
	if err := t.put(bOutbox, leaseKey(row), bytes.Clone(dom[:])); err != nil {
		return err
	}
	return t.putLeased(dom, t.leased(dom)+1)
}

func (t *txn) unlease(row store.Outbound) error {
	dom := domainOf(row.To)
	return errors.Join(
		t.delete(bOutbox, leaseKey(row)),
		t.putLeased(dom, t.leased(dom)-1),
	)
}

func (t *txn) leased(dom domain) int { return int(readU32(t.value(bOutbox, leasedKey(dom)))) }

func (t *txn) putLeased(dom domain, n int) error {
	if n <= 0 {
		return t.delete(bOutbox, leasedKey(dom))
	}
	return t.put(bOutbox, leasedKey(dom), u32(uint32(n)))
}

// unschedule takes a waiting row out of whichever index holds it.
func (t *txn) unschedule(row store.Outbound) error {
	if t.has(bOutbox, leaseKey(row)) {
		return t.unlease(row)
	}
	return t.dequeue(row)
}

// enqueue puts a row into its domain's queue, in front where it is due first.
func (t *txn) enqueue(row store.Outbound) error {
	dom := domainOf(row.To)
	key := queueKey(dom, row.DueAt, row.ID)
	first, _ := t.first(bOutbox, queuePrefix(dom))
	if first == nil || bytes.Compare(key, first) < 0 {
		if err := t.moveHead(dom, first, key); err != nil {
			return err
		}
	}
	return t.put(bOutbox, key, []byte{})
}

func (t *txn) dequeue(row store.Outbound) error {
	dom := domainOf(row.To)
	key := queueKey(dom, row.DueAt, row.ID)
	if !t.has(bOutbox, key) {
		return fmt.Errorf("outbound %d stands in no queue", row.ID)
	}
	first, _ := t.first(bOutbox, queuePrefix(dom))
	wasHead := bytes.Equal(first, key)
	if err := t.delete(bOutbox, key); err != nil || !wasHead {
		return err
	}
	next, _ := t.first(bOutbox, queuePrefix(dom))
	return t.moveHead(dom, key, next)
}

// moveHead replaces the domain's head, given by the keys of the queue's first rows;
// nil stands for none.
func (t *txn) moveHead(dom domain, from, to []byte) error {
	if from != nil {
		if err := t.delete(bOutbox, headKey(from)); err != nil {
			return err
		}
	}
	if to == nil {
		return nil
	}
	return t.put(bOutbox, headKey(to), bytes.Clone(dom[:]))
}

// headKey is the key of the head that a row of a queue is.
func headKey(queued []byte) []byte {
	return append([]byte{outHead}, queued[1+len(domain{}):]...)
}

// outboxID is the mail that a row of outbox which ends in one is of.
func outboxID(key []byte) store.OutboundID { return store.OutboundID(readU64(key[len(key)-8:])) }
