package verbs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// Every event adds one to a tally: a row of hours for its region or mailbox, and
// one of domainhours for the receiving domain of a mail sent. A transaction keeps
// the tallies it changes in memory and writes each once at its end, so a group of
// posts costs a row more for each of its regions.

// tallies are what a transaction changed and has still to write.
type tallies struct {
	hours, domains map[string]*store.Tally
	named          map[uint32]uint32 // domains counted under their names, by hour
}

// hourOf is the hour an instant lies in, counted from the Unix epoch.
func hourOf(at time.Time) uint32 { return uint32(max(at.Unix(), 0) / 3600) }

func hourStart(hour uint32) time.Time { return time.Unix(int64(hour)*3600, 0).UTC() }

// Kinds of rows in hours.
const (
	hourRegion  = 'r'
	hourMailbox = 'm'
	hourSilence = 's'
)

func hourKey(kind byte, name string, hour uint32) []byte {
	key := append(append(append(make([]byte, 0, 64), kind), name...), 0)
	return binary.BigEndian.AppendUint32(key, hour)
}

// hourIn splits a key of hours: whose it is, with its kind before and its 0
// behind, the hour, and what follows.
func hourIn(key []byte) (whose []byte, hour uint32, rest []byte) {
	end := bytes.IndexByte(key, 0) + 1
	if len(key) < end+4 {
		return key, 0, nil
	}
	return key[:end], readU32(key[end:]), key[end+4:]
}

// nextWhose is below the keys of whoever comes after.
func nextWhose(whose []byte) []byte { return append(bytes.Clone(whose[:len(whose)-1]), 1) }

// namedKey is where the number of an hour's domains stands; no domain's name
// begins with 0.
func namedKey(hour uint32) []byte { return append(u32(hour), 0) }

func (t *txn) regionTally(at time.Time, region string) (*store.Tally, error) {
	return t.tally(bHours, &t.tallies.hours, hourKey(hourRegion, region, hourOf(at)))
}

func (t *txn) mailboxTally(at time.Time, mailbox string) (*store.Tally, error) {
	return t.tally(bHours, &t.tallies.hours, hourKey(hourMailbox, mailbox, hourOf(at)))
}

// tally is a row to add to; it is written with the transaction.
func (t *txn) tally(b bucket, changed *map[string]*store.Tally, key []byte) (*store.Tally, error) {
	t.tx.Touch()
	if n := (*changed)[string(key)]; n != nil {
		return n, nil
	}
	n, err := readTally(t.value(b, key))
	if err != nil {
		return nil, wrap("tally", fmt.Sprintf("%x", key), err)
	}
	if *changed == nil {
		*changed = map[string]*store.Tally{}
	}
	(*changed)[string(key)] = &n
	return &n, nil
}

// domainTally is the row of the address's domain, or the one of all that are not
// counted under their names.
func (t *txn) domainTally(at time.Time, address string) (*store.Tally, error) {
	hour, name := hourOf(at), store.Domain(address)
	key := append(u32(hour), name...)
	if t.tallies.domains[string(key)] == nil && !t.has(bDomainHours, key) && !t.nameDomain(hour, name) {
		key = u32(hour)
	}
	return t.tally(bDomainHours, &t.tallies.domains, key)
}

// nameDomain makes room for one more name in the hour, where there is any for it.
func (t *txn) nameDomain(hour uint32, name string) bool {
	if name == "" || name[0] == 0 || len(name) > store.MaxDomain {
		return false
	}
	n, changed := t.tallies.named[hour]
	if !changed {
		n = readU32(t.value(bDomainHours, namedKey(hour)))
	}
	if n >= store.DomainsCounted || n >= store.DomainsNew && !t.namedBefore(hour, name) {
		return false
	}
	if t.tallies.named == nil {
		t.tallies.named = map[uint32]uint32{}
	}
	t.tallies.named[hour] = n + 1
	return true
}

// namedBefore tells whether the domain was counted within the day before.
func (t *txn) namedBefore(hour uint32, name string) bool {
	for h := hour - min(hour, 24); h < hour; h++ {
		if t.has(bDomainHours, append(u32(h), name...)) {
			return true
		}
	}
	return false
}

// putTallies writes the tallies that changed.
func (t *txn) putTallies() error {
	for key, n := range t.tallies.hours {
		if err := t.put(bHours, []byte(key), tallyBytes(n)); err != nil {
			return err
		}
	}
	for key, n := range t.tallies.domains {
		if err := t.put(bDomainHours, []byte(key), tallyBytes(n)); err != nil {
			return err
		}
	}
	for hour, n := range t.tallies.named {
		if err := t.put(bDomainHours, namedKey(hour), u32(n)); err != nil {
			return err
		}
	}
	return nil
}

// tallyBytes are the counts as varints by their places, the zeros at the end left
// out.
func tallyBytes(n *store.Tally) []byte {
	counts := n.Counts()
	last := len(counts)
	for last > 0 && *counts[last-1] == 0 {
		last--
	}
	b := make([]byte, 0, 2*last)
	for _, count := range counts[:last] {
		b = binary.AppendUvarint(b, *count)
	}
	return b
}

var errTally = errors.New("a tally does not read")

func readTally(b []byte) (n store.Tally, err error) {
	for _, count := range n.Counts() {
		if len(b) == 0 {
			return n, nil
		}
		v, size := binary.Uvarint(b)
		if size <= 0 {
			return n, errTally
		}
		*count, b = v, b[size:]
	}
	if len(b) > 0 {
		return n, errTally
	}
	return n, nil
}

// countOpened counts a new ticket.
func (t *txn) countOpened(k store.Ticket) error {
	n, err := t.regionTally(k.OpenedAt, k.Region)
	if err == nil {
		n.Opened++
	}
	return err
}

// countEnd counts a mail that was sent or withheld.
func (t *txn) countEnd(row store.Outbound) error {
	if row.State != store.StateSent && row.State != store.StateSuppressed {
		return nil
	}
	n, err := t.regionTally(row.DoneAt, row.Region)
	if err == nil {
		n.CountEnd(row.State)
	}
	return err
}

// countSentTo counts a mail that was sent by its domain. One that was withheld is
// counted under none: nothing bounds how many are named to us in vain.
func (t *txn) countSentTo(row store.Outbound) error {
	if row.State != store.StateSent {
		return nil
	}
	n, err := t.domainTally(row.DoneAt, row.To)
	if err == nil {
		n.Sent++
	}
	return err
}

// countGivenUp counts a mail that failed and whose refusal tells nothing.
func (t *txn) countGivenUp(row store.Outbound) error {
	if row.State != store.StateFailed {
		return nil
	}
	region, err1 := t.regionTally(row.DoneAt, row.Region)
	domain, err2 := t.domainTally(row.DoneAt, row.To)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	region.Failed++
	domain.Failed++
	return nil
}

// countFateOf counts what a report says of a mail.
func (t *txn) countFateOf(mail store.Outbound) error {
	region, err1 := t.regionTally(mail.Delivery.At, mail.Region)
	domain, err2 := t.domainTally(mail.Delivery.At, mail.To)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	region.CountFate(mail.Delivery)
	domain.CountFate(mail.Delivery)
	return nil
}

func (t *txn) countCame(row store.Inbound) error {
	n, err := t.mailboxTally(row.SeenAt, row.Mailbox)
	if err == nil {
		n.Came++
	}
	return err
}

// countSettled counts what became of a mail, and why it was not answered.
func (t *txn) countSettled(row store.Inbound) error {
	n, err := t.mailboxTally(row.SeenAt, row.Mailbox)
	if err != nil {
		return err
	}
	n.CountSettled(row)
	if row.Answer != 0 {
		return nil
	}
	key := append(hourKey(hourSilence, row.Mailbox, hourOf(row.SeenAt)), row.Marks()[0]...)
	key = append(append(key, 0), text.Cut(row.Verdict.Decider(), store.MaxEvidence)...)
	if n, err = t.tally(bHours, &t.tallies.hours, key); err == nil {
		n.CountSettled(row)
	}
	return err
}

// spanned is the hours from one instant until another, the last exclusive.
func spanned(from, until time.Time) (first, end uint32, err error) {
	if until.Sub(from) > store.TallyKept {
		return 0, 0, invalid("a span of hours is no longer than they are kept")
	}
	return hourOf(from), hourOf(until), nil
}

// RegionHours implements store.Numbers.
func (s *Store) RegionHours(ctx context.Context, region string, from, until time.Time) ([]store.Hour, error) {
	hours, err := s.tallied(ctx, hourRegion, region, from, until)
	return hours, wrap("hours of region", region, err)
}

// MailboxHours implements store.Numbers.
func (s *Store) MailboxHours(ctx context.Context, mailbox string, from, until time.Time) ([]store.Hour, error) {
	hours, err := s.tallied(ctx, hourMailbox, mailbox, from, until)
	return hours, wrap("hours of mailbox", mailbox, err)
}

func (s *Store) tallied(
	ctx context.Context, kind byte, name string, from, until time.Time,
) (hours []store.Hour, err error) {
	first, end, err := spanned(from, until)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, func(t *txn) error {
		return t.walkHours(kind, name, first, end, func(hour uint32, _ []byte, n store.Tally) {
			hours = append(hours, store.Hour{Start: hourStart(hour), Tally: n})
		})
	})
	if err != nil {
		return nil, err
	}
	return hours, nil
}

// walkHours visits the rows of hours from first on, below end.
func (t *txn) walkHours(
	kind byte, name string, first, end uint32, visit func(hour uint32, rest []byte, n store.Tally),
) error {
	from := hourKey(kind, name, first)
	return t.walk(bHours, from[:len(from)-4], from, func(key, value []byte) (bool, error) {
		_, hour, rest := hourIn(key)
		if hour >= end {
			return false, nil
		}
		n, err := readTally(value)
		if err == nil {
			visit(hour, rest, n)
		}
		return true, err
	})
}

// Silences implements store.Numbers.
func (s *Store) Silences(ctx context.Context, mailbox string, from, until time.Time) (all []store.Silence, err error) {
	sums := map[store.Silence]uint64{}
	first, end, err := spanned(from, until)
	if err == nil {
		err = s.read(ctx, func(t *txn) error {
			return t.walkHours(hourSilence, mailbox, first, end, func(_ uint32, reason []byte, n store.Tally) {
				mark, rule, _ := bytes.Cut(reason, []byte{0})
				sums[store.Silence{Mark: string(mark), Rule: string(rule)}] += n.Silent + n.Unclear
			})
		})
	}
	if err != nil {
		return nil, wrap("silences of mailbox", mailbox, err)
	}
	for s, count := range sums {
		s.Count = count
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b store.Silence) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Mark, b.Mark), cmp.Compare(a.Rule, b.Rule))
	})
	return all, nil
}

// ReceivingDomains implements store.Numbers.
func (s *Store) ReceivingDomains(
	ctx context.Context, from, until time.Time, p store.Page,
) (all store.Domains, err error) {
	sums := map[string]*store.Tally{}
	first, end, err := spanned(from, until)
	if err == nil {
		err = s.read(ctx, func(t *txn) error { return t.addDomains(sums, &all.Others, first, end) })
	}
	if err == nil {
		all.Busiest, err = cut(list{name: "domains"}, byVolume(sums), domainPlace, p)
	}
	if err != nil {
		return store.Domains{}, wrap("receiving domains, at most", p.Limit, err)
	}
	all.Named = len(sums)
	return all, nil
}

// byVolume lists the domains, the busiest first.
func byVolume(sums map[string]*store.Tally) []store.DomainTally {
	all := make([]store.DomainTally, 0, len(sums))
	for name, n := range sums {
		all = append(all, store.DomainTally{Domain: name, Tally: *n})
	}
	slices.SortFunc(all, func(a, b store.DomainTally) int {
		return cmp.Or(cmp.Compare(b.Volume(), a.Volume()), cmp.Compare(a.Domain, b.Domain))
	})
	return all
}

// domainPlace sorts as byVolume does.
func domainPlace(d store.DomainTally) []byte { return append(u64(^d.Volume()), d.Domain...) }

func (t *txn) addDomains(sums map[string]*store.Tally, others *store.Tally, first, end uint32) error {
	return t.walk(bDomainHours, nil, u32(first), func(key, value []byte) (bool, error) {
		name := key[4:]
		if readU32(key) >= end {
			return false, nil
		}
		if len(name) > 0 && name[0] == 0 {
			return true, nil
		}
		n, err := readTally(value)
		sum := others
		if len(name) > 0 {
			if sum = sums[string(name)]; sum == nil {
				sum = &store.Tally{}
				sums[string(name)] = sum
			}
		}
		sum.Add(n)
		return true, err
	})
}

// CountedSince implements store.Numbers.
func (s *Store) CountedSince(ctx context.Context) (since time.Time, err error) {
	err = s.read(ctx, func(t *txn) error {
		for key, _ := t.first(bHours, nil); key != nil; {
			whose, hour, _ := hourIn(key)
			if start := hourStart(hour); since.IsZero() || start.Before(since) {
				since = start
			}
			key, _ = t.firstFrom(bHours, nil, nextWhose(whose))
		}
		if since.IsZero() {
			return store.ErrNotFound
		}
		return nil
	})
	return since, wrap("counted", "since", err)
}
