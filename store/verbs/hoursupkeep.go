package verbs

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"signpost/store"
)

const countedKey = "counted"

// countedRecord is what the hours hold: the rows with an id above these were
// counted from the first; those of a file that is older than the counts were
// not. Hours below these may be gone. There is none while all of it is 0.
type countedRecord struct {
	Tickets     uint64 `cbor:"1,keyasint,omitempty"`
	Outbounds   uint64 `cbor:"2,keyasint,omitempty"`
	Inbounds    uint64 `cbor:"3,keyasint,omitempty"`
	Hours       uint32 `cbor:"4,keyasint,omitempty"`
	DomainHours uint32 `cbor:"5,keyasint,omitempty"`
}

func (t *txn) counted() (r countedRecord, err error) {
	if err = t.record(bMeta, []byte(countedKey), &r); errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return r, err
}

// pruneHours drops up to limit rows of hours that are kept no longer.
func (t *txn) pruneHours(now time.Time, limit int) (int, error) {
	r, err := t.counted()
	if err != nil {
		return 0, err
	}
	hours, err := t.dropHours(bHours, t.oldHours(hourOf(now.Add(-store.TallyKept)), limit), &r.Hours)
	if err != nil {
		return 0, err
	}
	old := t.oldDomainHours(hourOf(now.Add(-store.DomainTallyKept)), limit-hours)
	domains, err := t.dropHours(bDomainHours, old, &r.DomainHours)
	if err != nil || hours+domains == 0 {
		return 0, err
	}
	return hours + domains, t.putRecord(bMeta, []byte(countedKey), &r)
}

// hourRow is the key of a row to drop, and its hour.
type hourRow struct {
	key  []byte
	hour uint32
}

// oldHours are up to limit rows of hours before kept, of each region and mailbox
// the oldest first.
func (t *txn) oldHours(kept uint32, limit int) (old []hourRow) {
	for from := []byte(nil); ; {
		var young []byte                                                  // whose rows are all kept from here on
		_ = t.walk(bHours, nil, from, func(key, _ []byte) (bool, error) { // the visit does not fail
			whose, hour, _ := hourIn(key)
			if hour >= kept {
				young = whose
			} else if len(old) < limit {
				old = append(old, hourRow{bytes.Clone(key), hour})
			}
			return young == nil && len(old) < limit, nil
		})
		if young == nil {
			return old
		}
		from = nextWhose(young)
	}
}

// oldDomainHours are up to limit rows of domains in hours before kept, the oldest
// first.
func (t *txn) oldDomainHours(kept uint32, limit int) (old []hourRow) {
	_ = t.walk(bDomainHours, nil, nil, func(key, _ []byte) (bool, error) { // the visit does not fail
		if len(old) >= limit || readU32(key) >= kept {
			return false, nil
		}
		old = append(old, hourRow{bytes.Clone(key), readU32(key)})
		return true, nil
	})
	return old
}

// dropHours drops rows and moves below, under which hour there may be none.
func (t *txn) dropHours(b bucket, old []hourRow, below *uint32) (int, error) {
	for _, row := range old {
		*below = max(*below, row.hour+1)
		if err := t.delete(b, row.key); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// hourCheck compares the tallies with the rows they count. A row of a file that
// is older than the counts may be counted or not, hence a least and a most.
type hourCheck struct {
	since       countedRecord
	least, most map[string]*store.Tally
}

func (c *checker) beginHours() (err error) {
	c.hours = hourCheck{least: map[string]*store.Tally{}, most: map[string]*store.Tally{}}
	c.hours.since, err = c.counted()
	return err
}

// expect says that a row is to be found in a tally.
func (h *hourCheck) expect(certain bool, at time.Time, kind byte, name string, count func(*store.Tally)) {
	if hourOf(at) < h.since.Hours {
		return
	}
	key := string(hourKey(kind, name, hourOf(at)))
	for _, m := range []map[string]*store.Tally{h.least, h.most} {
		if m[key] == nil {
			m[key] = &store.Tally{}
		}
	}
	count(h.most[key])
	if certain {
		count(h.least[key])
	}
}

func (h *hourCheck) ticket(k store.Ticket) {
	h.expect(uint64(k.ID) > h.since.Tickets, k.OpenedAt, hourRegion, k.Region, func(n *store.Tally) { n.Opened++ })
}

// outbound expects the final states that stay; a failed mail may be tried again.
func (h *hourCheck) outbound(row store.Outbound) {
	if row.State == store.StateSent || row.State == store.StateSuppressed {
		end := func(n *store.Tally) { n.CountEnd(row.State) }
		h.expect(uint64(row.ID) > h.since.Outbounds, row.DoneAt, hourRegion, row.Region, end)
	}
}

func (h *hourCheck) inbound(row store.Inbound) {
	certain := uint64(row.ID) > h.since.Inbounds
	h.expect(certain, row.SeenAt, hourMailbox, row.Mailbox, func(n *store.Tally) { n.Came++ })
	if row.State != store.InboundStored {
		h.expect(certain, row.SeenAt, hourMailbox, row.Mailbox, func(n *store.Tally) { n.CountSettled(row) })
	}
}

// lasting are the counts that the rows there are can prove.
func lasting(n *store.Tally) []*uint64 {
	return []*uint64{&n.Opened, &n.Sent, &n.Withheld, &n.Came, &n.Answered, &n.Silent, &n.Unclear}
}

// tallies checks each row of hours, and that none is missing.
func (c *checker) tallies() error {
	silent := map[string]uint64{} // by the row of the mailbox, those that are told apart by reason
	err := c.each(bHours, func(key, value []byte) error {
		n, err := readTally(value)
		if err != nil || len(key) < 5 {
			return wrap("tally", fmt.Sprintf("%x", key), errors.Join(err, errTally))
		}
		if whose, hour, _ := hourIn(key); key[0] == hourSilence {
			if hour >= c.hours.since.Hours {
				silent[string(hourKey(hourMailbox, string(whose[1:len(whose)-1]), hour))] += n.Silent + n.Unclear
			}
			return nil
		}
		c.compareTally(string(key), n)
		return nil
	})
	for key := range c.hours.least {
		c.compareTally(key, store.Tally{})
	}
	return errors.Join(err, c.silences(silent), c.domainTallies())
}

func (c *checker) compareTally(key string, n store.Tally) {
	least, most := c.hours.least[key], c.hours.most[key]
	delete(c.hours.least, key)
	delete(c.hours.most, key)
	if least == nil {
		least, most = &store.Tally{}, &store.Tally{}
	}
	low, high := lasting(least), lasting(most)
	for i, count := range lasting(&n) {
		if whose, hour, _ := hourIn([]byte(key)); hour >= c.hours.since.Hours && (*count < *low[i] || *count > *high[i]) {
			c.fault("hour %v of %q: counted %+v, by the rows %+v", hourStart(hour), whose, n, *most)
			return
		}
	}
}

// silences checks that the reasons add up to the mails that were not answered.
func (c *checker) silences(silent map[string]uint64) error {
	err := c.each(bHours, func(key, value []byte) error {
		whose, hour, _ := hourIn(key)
		if key[0] != hourMailbox || hour < c.hours.since.Hours {
			return nil
		}
		n, err := readTally(value)
		if told := silent[string(key)]; told != n.Silent+n.Unclear {
			c.fault("hour %v of mailbox %q: %d not answered, %d by reason", hourStart(hour), whose, n.Silent+n.Unclear, told)
		}
		delete(silent, string(key))
		return err
	})
	for key := range silent {
		c.fault("%q: reasons and no mail", key)
	}
	return err
}

// domainTallies checks that each hour says how many domains it names.
func (c *checker) domainTallies() error {
	named := map[uint32]int{}
	err := c.each(bDomainHours, func(key, value []byte) error {
		hour := readU32(key)
		switch {
		case hour < c.hours.since.DomainHours:
		case len(key) > 4 && key[4] == 0:
			named[hour] += int(readU32(value))
		default:
			if len(key) > 4 {
				named[hour]--
			}
			_, err := readTally(value)
			return err
		}
		return nil
	})
	for hour, n := range named {
		if n != 0 {
			c.fault("hour %v says %d domains more than it names", hourStart(hour), n)
		}
	}
	return err
}
