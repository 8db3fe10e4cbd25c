package verbs

import (
	"bytes"
	"time"

	"signpost/store"
)

// A budget's row stands under the instant at which it weighs nothing any more, so
// that Housekeep finds the rows that are over without an index, and a charge is one
// write: a post is charged to ten of them. In a new window a new row begins, and the
// one before is left to Housekeep.

// charge is a budget as it stands after it was spent once more.
type charge struct {
	key    digest
	window time.Duration
	usage  store.Usage
}

func budgetKey(b store.Budget) digest {
	return digestOf(b.Name, b.Key, b.Window.String())
}

// metered is a budget and the key under which it is counted, which is all that is
// kept of what it limits.
type metered struct {
	store.Budget
	key digest
}

func meter(budgets []store.Budget) []metered {
	all := make([]metered, len(budgets))
	for i, b := range budgets {
		all[i] = metered{b, budgetKey(b)}
	}
	return all
}

func (c charge) rowKey() []byte {
	return append(appendInstant(make([]byte, 0, 24), store.Budget{Window: c.window}.Expires(c.usage)), c.key[:]...)
}

// spend works out what charging every budget once leaves; it writes nothing.
// When one is spent already, it is returned and nothing is to be charged.
func (t *txn) spend(now time.Time, budgets []metered) (charges []charge, spent *metered) {
	for i := range budgets {
		b := &budgets[i]
		if b.Unlimited() {
			continue
		}
		c := charge{key: b.key, window: b.Window}
		c.usage = t.usage(now, b)
		for _, earlier := range charges {
			if earlier.key == c.key {
				c.usage = earlier.usage
			}
		}
		var ok bool
		if c.usage, ok = b.Spend(c.usage, now); !ok {
			return nil, b
		}
		charges = append(charges, c)
	}
	return charges, nil
}

// usage is what a budget was used for, earlier in this transaction or before it:
// in the window that now lies in or in the one before, or, when the clock was set
// back, in the one after.
func (t *txn) usage(now time.Time, b *metered) store.Usage {
	if c, charged := t.usages[b.key]; charged {
		return c.usage
	}
	start := b.Start(now)
	for _, start := range []time.Time{start.Add(b.Window), start, start.Add(-b.Window)} {
		c := charge{key: b.key, window: b.Window, usage: store.Usage{Start: start}}
		if value := t.value(bBudgets, c.rowKey()); value != nil {
			usage, _ := readUsage(value)
			return usage
		}
	}
	return store.Usage{}
}

func (t *txn) putCharges(charges []charge) {
	for _, c := range charges {
		t.tx.Touch()
		if t.usages == nil {
			t.usages = map[digest]charge{}
		}
		t.usages[c.key] = c
	}
}

// dropUsage forgets what a budget was used for.
func (t *txn) dropUsage(now time.Time, key digest, window time.Duration) {
	start := store.Budget{Window: window}.Start(now)
	t.putCharges([]charge{{key: key, window: window, usage: store.Usage{Start: start}}})
}

// putUsages writes the budgets that were charged.
func (t *txn) putUsages() error {
	for _, c := range t.usages {
		if err := t.put(bBudgets, c.rowKey(), usageBytes(c.usage, c.window)); err != nil {
			return err
		}
	}
	return nil
}

// sweepBudgets drops up to limit budgets that weigh nothing any more.
func (t *txn) sweepBudgets(now time.Time, limit int) (int, error) {
	var over [][]byte
	err := t.walk(bBudgets, nil, nil, func(key, _ []byte) (bool, error) {
		if len(over) >= limit || readInstant(key).After(now) {
			return false, nil
		}
		over = append(over, bytes.Clone(key))
		return true, nil
	})
	for _, key := range over {
		if err == nil {
			err = t.delete(bBudgets, key)
		}
	}
	return len(over), err
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

// budgets checks that each stands under the instant at which it ends.
func (c *checker) budgets() error {
	return c.each(bBudgets, func(key, value []byte) error {
		usage, window := readUsage(value)
		if len(key) != 24 || window <= 0 || !readInstant(key).Equal(store.Budget{Window: window}.Expires(usage)) {
			c.fault("budget %x: a row that does not read, or stands under another instant", key)
		}
		return nil
	})
}
