package verbs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// Check implements store.Upkeep: first what the rows say of one another, beside
// the writers, then how the engine keeps them, while writers wait. Where rows cannot
// be read the engine's own check is left out.
//
// Each row asks for index rows, and an index holds these and no other. To look each up
// would read the file criss-cross; so what is asked for is only counted and summed
// (checker.want), every bucket is walked once, and number and sum of its rows compared.
// Where they differ all is done again, looking each up, to say what is wrong.
func (s *Store) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return check(ctx, s.engine, s.codec, s.keys)
}

// CheckRows checks as Check does rows that no store has open, a backup's, and changes
// nothing in them; the audit log's chain is for who has its keys. ErrOtherSchema where
// another version wrote them.
func CheckRows(ctx context.Context, e engine.Engine) error {
	codec, err1 := newCodec()
	version, err2 := schemaVersion(e)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if version != schema {
		return refuse(version)
	}
	return check(ctx, e, codec, plainKeys{})
}

func check(ctx context.Context, e engine.Engine, codec *codec, keys store.AuditKeys) error {
	if err := e.ReadAhead(ctx); err != nil {
		return wrap("check", "the file", err)
	}
	err := view(ctx, e, codec, func(t *txn) error {
		t.keys = keys
		err := newChecker(ctx, t).run()
		if err == nil || ctx.Err() != nil || errors.Is(err, engine.ErrDamaged) {
			return err
		}
		again := newChecker(ctx, t)
		again.lookUp = true
		return cmp.Or(again.run(), err)
	})
	if errors.Is(err, engine.ErrDamaged) {
		return wrap("check", "rows", err)
	}
	return errors.Join(err, ctx.Err(), wrap("check", "pages", e.Check(ctx)))
}

// maxFaults is how many inconsistencies are told; a file with more is lost.
const maxFaults = 100

type checker struct {
	*txn
	ctx    context.Context
	lookUp bool                // each index row asked for
	rows   [bucketCount]rowSum // those that the rows ask for
	seed   maphash.Seed
	counts map[string]uint64 // counts as the rows give them
	hours  hourCheck
	faults []error
}

// rowSum is how many rows there are, and the sum of their hashes, in any order.
type rowSum struct {
	n   int
	sum uint64
}

func newChecker(ctx context.Context, t *txn) *checker {
	return &checker{txn: t, ctx: ctx, seed: maphash.MakeSeed(), counts: map[string]uint64{}}
}

func (c *checker) add(s *rowSum, key, value []byte) {
	s.n++
	s.sum += maphash.Bytes(c.seed, key) * (maphash.Bytes(c.seed, value) | 1) // a product ties the two together
}

func (c *checker) fault(format string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, fmt.Errorf(format, args...))
	}
}

func (c *checker) run() error {
	for _, step := range []func() error{
		c.beginHours, c.switches, c.tickets, c.numbers, c.outbounds, c.queues, c.inbounds,
		c.drafts, c.reads, c.blobs, c.checkAgents, c.handBacks, c.suppressions, c.refusals, c.answers,
		c.alarms, c.canaries, c.duties, c.tokens, c.audits, c.budgets, c.expiries,
		c.tallies, c.changeLog, c.compareRows, c.compareCounts,
	} {
		if err := errors.Join(step(), c.ctx.Err()); err != nil {
			return wrap("check", "rows", err)
		}
	}
	return errors.Join(c.faults...)
}

func (c *checker) each(b bucket, visit func(key, value []byte) error) error {
	return c.walk(b, nil, nil, func(key, value []byte) (bool, error) {
		return true, visit(key, value)
	})
}

// saw counts a row that is there, in a bucket that holds index rows too.
func (c *checker) saw(b bucket, key, value []byte) { c.add(&c.rows[b], key, value) }

// want asks for an index row that a row of another bucket stands for.
func (c *checker) want(b bucket, key []byte, value []byte, of string, id any) {
	c.add(&c.rows[b], key, value)
	if !c.lookUp {
		return
	}
	if found := c.value(b, key); found == nil || !bytes.Equal(found, value) {
		c.fault("%s %v: %s holds %x under %x, not %x", of, id, nameOf(b), found, key, value)
	}
}

// switches checks that those of the automatic answers can be read.
func (c *checker) switches() error {
	return c.walk(bMeta, []byte(responderKey), []byte(responderKey), func(key, _ []byte) (bool, error) {
		var r responderRecord
		if err := c.record(bMeta, key, &r); err != nil {
			c.fault("switch %q: %w", key, err)
		}
		return true, nil
	})
}

func (c *checker) tickets() error {
	return c.each(bTickets, func(key, value []byte) error {
		if len(key) != 8 {
			return nil // a row of a ticket, which asks for it
		}
		c.saw(bTickets, key, value)
		k, err := c.ticket(store.TicketID(readU64(key)))
		if err != nil {
			return wrap("ticket", readU64(key), err)
		}
		prefix, counter, _ := parseNumber(k.Number)
		who := digestOf(store.AddressKey(k.Requester.Email))
		c.want(bNumbers, numberKey(prefix, counter), key, "ticket", k.ID)
		c.want(bRequesters, digestID(who, uint64(k.ID)), nil, "ticket", k.ID)
		c.onDesk(k)
		for _, d := range k.Deadlines() {
			c.wantDeadline(d)
		}
		if first, _ := c.first(bTickets, underTicket(k.ID, ofTicketMail)); first == nil && !mayBeUntold(k.Channel) {
			c.fault("ticket %d has no confirmation", k.ID)
		}
		c.counts[string(countTicket)+k.Region]++
		c.hours.ticket(k)
		c.follows(k)
		c.colleagues(k)
		return c.thread(k)
	})
}

// wantDeadline wants the row of a deadline that was not dropped.
func (c *checker) wantDeadline(d store.Deadline) {
	if key := rowOfDeadline(d); bytes.Compare(key, c.deadlinesDropped()) > 0 {
		c.want(bDeadlines, key, nil, "ticket", d.Ticket)
	}
}

// thread checks that a ticket's entries are numbered from 1 to their count.
func (c *checker) thread(k store.Ticket) error {
	seq := uint32(0)
	prefix := underTicket(k.ID, ofTicketEntry)
	err := c.walk(bTickets, prefix, prefix, func(key, value []byte) (bool, error) {
		seq++
		e, err := c.codec.entry(k.ID, entrySeq(key), value)
		if err != nil {
			return false, wrap("entry of ticket", k.ID, err)
		}
		if e.Seq != seq {
			c.fault("ticket %d: entry %d stands where %d should", k.ID, e.Seq, seq)
		}
		for _, f := range e.Files {
			c.counts["blob"+string(f.Hash)]++
		}
		c.saw(bTickets, key, value)
		return true, nil
	})
	if seq != k.Entries {
		c.fault("ticket %d: %d entries, says %d", k.ID, seq, k.Entries)
	}
	return err
}

// numbers checks that each prefix was numbered without a gap up to its count.
func (c *checker) numbers() error {
	return c.each(bNumbers, func(key, _ []byte) error {
		prefix, counter := string(key[:len(key)-8]), readU64(key[len(key)-8:])
		name := string(countNumber) + prefix
		if want := max(c.counts[name], store.FirstNumber-1) + 1; counter != want {
			c.fault("number %s%d follows %d", prefix, counter, want-1)
		}
		c.counts[name] = counter
		return nil
	})
}

func (c *checker) outbounds() error {
	return c.each(bOutbounds, func(key, _ []byte) error {
		row, err := c.outbound(store.OutboundID(readU64(key)))
		if err != nil {
			return wrap("outbound", readU64(key), err)
		}
		c.want(bOutMessages, append(messageKeyPrefix(row.MessageID), key...), nil, "outbound", row.ID)
		if elsewhere, err := c.isElsewhere(row); elsewhere || err != nil {
			c.want(bOutRecipients, recipientKey(row), nil, "outbound", row.ID)
		}
		c.counts[string(countOutbound)+string(row.State)]++
		c.hours.outbound(row)
		if row.State == store.StateFailed {
			c.want(bOutFailed, key, nil, "outbound", row.ID)
		}
		if row.State == store.StateHeld {
			c.want(bOutHeld, key, nil, "outbound", row.ID)
		}
		if fate := row.Delivery.Fate; fate != "" {
			c.counts[string(countFate)+string(fate)]++
		}
		if row.Ticket != 0 {
			c.want(bTickets, ticketMailKey(row.Ticket, row.ID), nil, "outbound", row.ID)
			if !c.has(bTickets, u64(uint64(row.Ticket))) {
				c.fault("outbound %d: no ticket %d", row.ID, row.Ticket)
			}
			c.hasColleague(row.Ticket, row.Colleague, "outbound", row.ID)
		}
		if row.Inbound != 0 && !c.has(bInbounds, u64(uint64(row.Inbound))) {
			c.fault("outbound %d: no inbound %d", row.ID, row.Inbound)
		}
		if row.Kind.OfAccount() && !c.has(bAgents, u64(uint64(row.Agent))) {
			c.fault("outbound %d: no agent %d", row.ID, row.Agent)
		}
		c.waiting(row)
		c.undo(row)
		c.throttled(row)
		return nil
	})
}

// waiting checks that a waiting row stands in one index by due instant.
func (c *checker) waiting(row store.Outbound) {
	if !row.State.Waiting() {
		return
	}
	dom := domainOf(row.To)
	c.want(bOutbox, waitingKey(row), nil, "outbound", row.ID)
	if row.State == store.StateClaimed && c.has(bOutbox, leaseKey(row)) {
		c.want(bOutbox, leaseKey(row), dom[:], "outbound", row.ID)
		c.counts["leased"+string(dom[:])]++
		return
	}
	c.want(bOutbox, queueKey(dom, row.DueAt, row.ID), nil, "outbound", row.ID)
}

// queues checks the heads and the leases' counts.
func (c *checker) queues() error {
	var last domain
	seen := false
	err := c.walk(bOutbox, []byte{outQueue}, nil, func(key, _ []byte) (bool, error) {
		if dom := domain(key[1:9]); !seen || dom != last {
			seen, last = true, dom
			c.want(bOutbox, headKey(key), dom[:], "domain", fmt.Sprintf("%x", dom))
		}
		return true, nil
	})
	return errors.Join(err, c.walk(bOutbox, []byte{outLeased}, nil, func(key, value []byte) (bool, error) {
		c.saw(bOutbox, key, value)
		dom := string(key[1:])
		if n := c.counts["leased"+dom]; n != uint64(readU32(value)) {
			c.fault("domain %x: %d rows leased, says %d", dom, n, readU32(value))
		}
		delete(c.counts, "leased"+dom)
		return true, nil
	}))
}

func (c *checker) inbounds() error {
	return c.each(bInbounds, func(key, _ []byte) error {
		row, err := c.inbound(store.InboundID(readU64(key)))
		if err != nil {
			return wrap("inbound", readU64(key), err)
		}
		box, err := c.mailbox(row.Mailbox)
		if err != nil {
			return wrap("inbound", row.ID, err)
		}
		c.want(bInUIDs, uidKey(box.Number, row.UIDValidity, row.UID), key, "inbound", row.ID)
		c.want(bInHashes, append(hashPrefix(box.Number, row.Hash), key...), nil, "inbound", row.ID)
		if row.MessageID != "" {
			c.want(bInMessages, digestID(messageDigest(row.MessageID), uint64(row.ID)), nil, "inbound", row.ID)
		}
		if row.Answer != 0 && !c.has(bOutbounds, u64(uint64(row.Answer))) {
			c.fault("inbound %d: no answer %d", row.ID, row.Answer)
		}
		for _, mark := range row.Marks() {
			c.want(bInMarks, markKey(mark, row.ID), nil, "inbound", row.ID)
		}
		for _, address := range row.Addresses() {
			c.want(bInAddresses, addressKey(address, row.ID), nil, "inbound", row.ID)
		}
		span := readSpanOfIDs(c.value(bInHours, u32(hourOf(row.SeenAt))))
		if uint64(row.ID) < span.low || uint64(row.ID) > span.high {
			c.fault("inbound %d: its hour, %v, is said to hold %d to %d", row.ID, row.SeenAt, span.low, span.high)
		}
		c.content(row)
		c.hours.inbound(row)
		c.verdict(row, box)
		return nil
	})
}

func (c *checker) content(row store.Inbound) {
	c.counts[string(countRaw)] += uint64(c.rawSize(row))
	if row.Blob != "" {
		c.counts["blob"+string(row.Blob)]++
		return
	}
	if row.RawDropped {
		return
	}
	key := u64(uint64(row.ID))
	packed := c.value(bRaws, key)
	c.saw(bRaws, key, packed)
	if _, err := c.codec.unpack(packed); err != nil {
		c.fault("inbound %d: its raw mail: %w", row.ID, err)
	}
}

func (c *checker) verdict(row store.Inbound, box mailboxRecord) {
	c.counts[string(countInbound)+string(row.State)]++
	switch row.State {
	case store.InboundStored:
		c.want(bInPending, pendingKey(box.Number, row.ID), nil, "inbound", row.ID)
	case store.InboundDecided:
		c.counts[string(countKind)+string(row.Verdict.Kind)]++
		for i, rule := range row.Verdict.Rules {
			if !ruleIn(row.Verdict.Rules[:i], rule.ID) {
				c.counts[string(countRule)+rule.ID]++
			}
		}
	}
}

func ruleIn(rules []store.Rule, id string) bool {
	for _, r := range rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

func (c *checker) blobs() error {
	return c.each(bBlobs, func(key, value []byte) error {
		name := "blob" + string(blobHash(key))
		c.saw(bBlobs, key, value)
		if c.counts[name] != readU64(value) {
			c.fault("blob %x: %d references, says %d", key, c.counts[name], readU64(value))
		}
		delete(c.counts, name)
		return nil
	})
}

// expiries checks that each row that expires has its row in expiry.
func (c *checker) expiries() error {
	wants := func(kind byte, ends func([]byte) (time.Time, bool)) func(key, value []byte) error {
		return func(key, value []byte) error {
			at, ok := ends(value)
			if !ok || len(key) != len(digest{}) {
				c.fault("a row of kind %c that does not read: %x", kind, key)
				return nil
			}
			c.want(bExpiry, expiryKey(at, kind, digest(key)), nil, "expiring row", fmt.Sprintf("%x", key))
			return nil
		}
	}
	return errors.Join(
		c.each(bLinks, wants(expiryLink, func(b []byte) (time.Time, bool) {
			l, ok := readLink(b)
			return l.expires, ok && c.has(bTickets, u64(uint64(l.ticket))) &&
				c.hasColleague(l.ticket, l.colleague, "link to ticket", l.ticket)
		})),
		c.each(bPosts, wants(expiryPost, func(b []byte) (time.Time, bool) {
			p, ok := readPost(b)
			return p.at.Add(store.IdempotencyKept), ok && c.has(bTickets, entryKey(p.ticket, p.seq))
		})),
		c.each(bReservations, wants(expiryReservation, func(b []byte) (time.Time, bool) {
			return readInstant(b), len(b) == 8
		})),
		c.each(bChallenges, wants(expiryChallenge, func(b []byte) (time.Time, bool) {
			return readInstant(b), len(b) == 8
		})),
		c.each(bSessions, wants(expirySession, func(b []byte) (time.Time, bool) {
			s, ok := readSession(b)
			return s.until, ok
		})),
	)
}

// compareRows checks that an index holds no row that nothing asked for.
func (c *checker) compareRows() error {
	for _, b := range []bucket{
		bTickets, bNumbers, bRequesters, bDeadlines, bOutMessages, bOutbox, bOutHeld, bOutRecipients, bOutFailed,
		bInUIDs, bInHashes, bInMessages, bInPending, bRaws, bInMarks, bInAddresses, bBlobs, bExpiry, bAgentNames,
		bSupOrder, bRefuSeen, bAlarmKeys, bThrottled, bTurns, bNetworkTurns, bBudgetWaits, bDesk, bDeskSolved, bUndos,
		bAuditIndex, bAuditPeople,
	} {
		var all rowSum
		if err := c.each(b, func(key, value []byte) error { c.add(&all, key, value); return nil }); err != nil {
			return err
		}
		switch want := c.rows[b]; {
		case all.n != want.n:
			c.fault("%s holds %d rows, %d are asked for", nameOf(b), all.n, want.n)
		case all.sum != want.sum:
			c.fault("%s holds %d rows, but not those that are asked for", nameOf(b), all.n)
		}
	}
	return nil
}

// compareCounts checks the counts beside the rows; what remains in c.counts then
// was asked for and is not there.
func (c *checker) compareCounts() error {
	err := c.each(bCounts, func(key, value []byte) error {
		if c.counts[string(key)] != readU64(value) {
			c.fault("count %q: %d by the rows, says %d", key, c.counts[string(key)], readU64(value))
		}
		delete(c.counts, string(key))
		return nil
	})
	for name, n := range c.counts {
		c.fault("count %q: %d by the rows, and nowhere else", name, n)
	}
	return err
}
