package bolt

import (
	"errors"
	"time"

	"signpost/store"
)

// Links, posts, reservations, budgets, sessions, suppressions, refusals, alarms
// that are over and canary runs end at a known instant. Each such row has exactly
// one row in expiry, so that Housekeep walks from the oldest and touches nothing
// that still counts.

func (t *txn) putExpiring(b bucket, kind byte, key digest, value []byte, expires time.Time) error {
	if err := t.put(b, key[:], value); err != nil {
		return err
	}
	return t.put(bExpiry, expiryKey(expires, kind, key), []byte{})
}

func (t *txn) dropExpiry(kind byte, key digest, expires time.Time) error {
	return t.delete(bExpiry, expiryKey(expires, kind, key))
}

func expiring(kind byte) (bucket, bool) {
	switch kind {
	case expiryLink:
		return bLinks, true
	case expiryPost:
		return bPosts, true
	case expiryReservation:
		return bReservations, true
	case expiryBudget:
		return bBudgets, true
	case expirySession:
		return bSessions, true
	}
	return 0, false
}

// sweep drops up to limit rows that have expired by now.
func (t *txn) sweep(now time.Time, limit int) (int, error) {
	var expired [][]byte
	err := t.walk(bExpiry, nil, nil, func(key, _ []byte) (bool, error) {
		if len(expired) >= limit || readInstant(key).After(now) {
			return false, nil
		}
		expired = append(expired, append([]byte(nil), key...))
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range expired {
		if err := t.expire(key[8], digest(key[9:])); err != nil {
			return 0, err
		}
		if err := t.delete(bExpiry, key); err != nil {
			return 0, err
		}
	}
	return len(expired), nil
}

// expire drops one row that has expired, with its other index rows.
func (t *txn) expire(kind byte, key digest) error {
	switch kind {
	case expirySuppression:
		return t.forgetSuppression(key)
	case expiryRefusal:
		return t.forgetRefusal(key)
	case expiryAlarm:
		return t.delete(bAlarms, key[8:])
	case expiryCanary:
		return t.delete(bCanaries, key[8:])
	}
	if b, ok := expiring(kind); ok {
		return t.delete(b, key[:])
	}
	return nil
}

// usedPost returns what a post key was used for within store.IdempotencyKept.
func (t *txn) usedPost(key digest, now time.Time) (post, bool) {
	p, ok := readPost(t.value(bPosts, key[:]))
	return p, ok && now.Before(p.at.Add(store.IdempotencyKept))
}

func (t *txn) putPost(key digest, p post) error {
	if old, ok := readPost(t.value(bPosts, key[:])); ok {
		if err := t.dropExpiry(expiryPost, key, old.at.Add(store.IdempotencyKept)); err != nil {
			return err
		}
	}
	return t.putExpiring(bPosts, expiryPost, key, p.bytes(), p.at.Add(store.IdempotencyKept))
}

// charge is a budget as it stands after it was spent once more.
type charge struct {
	key    digest
	window time.Duration // zero for a budget forgotten
	usage  store.Usage
}

func budgetKey(b store.Budget) digest {
	return digestOf(b.Name, b.Key, b.Window.String())
}

// spend works out what charging every budget once leaves; it writes nothing.
// When one is spent already, its name is returned and nothing is to be charged.
func (t *txn) spend(now time.Time, budgets []store.Budget) (charges []charge, spent string) {
	for _, b := range budgets {
		if b.Unlimited() {
			continue
		}
		c := charge{key: budgetKey(b), window: b.Window}
		c.usage = t.usage(c.key)
		for _, earlier := range charges {
			if earlier.key == c.key {
				c.usage = earlier.usage
			}
		}
		var ok bool
		if c.usage, ok = b.Spend(c.usage, now); !ok {
			return nil, b.Name
		}
		charges = append(charges, c)
	}
	return charges, ""
}

// usage is what a budget was used for, earlier in this transaction or before it.
func (t *txn) usage(key digest) store.Usage {
	if c, charged := t.usages[key]; charged {
		return c.usage
	}
	usage, _ := readUsage(t.value(bBudgets, key[:]))
	return usage
}

func (t *txn) putCharges(charges []charge) {
	for _, c := range charges {
		t.writes++
		if t.usages == nil {
			t.usages = map[digest]charge{}
		}
		t.usages[c.key] = c
	}
}

// dropUsage forgets what a budget was used for.
func (t *txn) dropUsage(key digest) { t.putCharges([]charge{{key: key}}) }

// putUsages writes the budgets that were charged.
func (t *txn) putUsages() error {
	for key, c := range t.usages {
		if err := t.putUsage(key, c); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) putUsage(key digest, c charge) error {
	kept, window := readUsage(t.value(bBudgets, key[:]))
	if window == c.window && kept.Start.Equal(c.usage.Start) && window != 0 {
		// It expires when it did: most charges of a shared budget.
		return t.put(bBudgets, key[:], usageBytes(c.usage, c.window))
	}
	if window != 0 {
		err := errors.Join(t.delete(bBudgets, key[:]), t.dropExpiry(expiryBudget, key, store.Budget{Window: window}.Expires(kept)))
		if err != nil {
			return err
		}
	}
	if c.window == 0 {
		return nil
	}
	return t.putExpiring(bBudgets, expiryBudget, key, usageBytes(c.usage, c.window), store.Budget{Window: c.window}.Expires(c.usage))
}

func usageBytes(u store.Usage, window time.Duration) []byte {
	b := appendInstant(make([]byte, 0, 24), u.Start)
	b = append(append(b, u32(u.Before)...), u32(u.Current)...)
	return append(b, u64(uint64(window.Microseconds()))...)
}

// readUsage returns a zero window for a budget never charged.
func readUsage(b []byte) (store.Usage, time.Duration) {
	if len(b) != 24 {
		return store.Usage{}, 0
	}
	u := store.Usage{Start: readInstant(b), Before: readU32(b[8:]), Current: readU32(b[12:])}
	return u, time.Duration(readU64(b[16:])) * time.Microsecond
}
