package verbs

import (
	"bytes"
	"errors"

	"github.com/klauspost/compress/zstd"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/text"
)

// What becomes of the rows of older versions. Buckets that are named in keys.go have the
// numbers they have there.

// The buckets that schemas 1 to 8 had, and none since. Their keys were:
//
//	entries     ticket(8) seq(4)
//	outtickets  ticket(8) outbound(8)
//	outwaiting, outqueue, outheads, outleases, outleased: those of outbox without its kind
const (
	oldEntries bucket = bucketCount + iota
	oldOutTickets
	oldOutWaiting
	oldOutQueue
	oldOutHeads
	oldOutLeases
	oldOutLeased
)

// OlderLayouts are what an engine with rows of any older version is to be opened with.
func OlderLayouts() []engine.Layout {
	return append(layouts(), []engine.Layout{
		{Name: "entries"}, {Name: "outtickets"}, {Name: "outwaiting"}, {Name: "outqueue"}, {Name: "outheads"},
		{Name: "outleases"}, {Name: "outleased"},
	}...)
}

// move says what becomes of a row of a bucket.
type move func(m *mover, b bucket, key, value []byte) error

// moveOf is what becomes of the rows of a bucket, nil where another bucket's take them
// along, and which bucket its sequence goes to.
func moveOf(b bucket) (move, bucket) {
	switch b {
	case oldEntries, oldOutTickets, bDeadlines:
		return nil, 0 // moveTicket
	case oldOutWaiting:
		return moveOutbox(outWaiting), bOutbox
	case oldOutQueue:
		return moveOutbox(outQueue), bOutbox
	case oldOutHeads:
		return moveOutbox(outHead), bOutbox
	case oldOutLeases:
		return moveOutbox(outLease), bOutbox
	case oldOutLeased:
		return moveOutbox(outLeased), bOutbox
	}
	special := map[bucket]move{
		bMeta: moveMeta, bTickets: moveTicket, bOutbounds: moveOutbound, bInbounds: moveInbound, bRaws: moveRaw,
		bBudgets: moveBudget, bExpiry: moveExpiry, bOutRecipients: moveRecipient, bDomainHours: moveDomainHour,
		bSessions: moveSession, bCanaries: moveCanary, bAgents: moveChecked[agentRecord], bAlarms: moveChecked[alarmRecord],
		bSuppressions: moveChecked[suppressionRecord], bRefusals: moveChecked[refusalRecord],
	}
	if m := special[b]; m != nil {
		return m, b
	}
	return moveSame, b
}

// moveSame copies a row as it is: keys and names that the configuration gives are valid
// texts already.
func moveSame(m *mover, b bucket, key, value []byte) error { return m.put(b, key, value) }

func moveOutbox(kind byte) move {
	return func(m *mover, _ bucket, key, value []byte) error {
		return m.put(bOutbox, append([]byte{kind}, key...), value)
	}
}

// moveChecked copies a record as it is, and notes one with a text that is not valid.
func moveChecked[R any](m *mover, b bucket, key, value []byte) error {
	var r R
	if err := m.codec.read(value, &r); err != nil {
		return err
	}
	if text.Invalid(&r) != "" {
		m.unclean = append(m.unclean, movedRow{bucket: b, key: key})
	}
	return m.put(b, key, value)
}

// moveClean copies a record whose texts no other row depends on, cleaned.
func moveClean[R any](m *mover, b bucket, key, value []byte, r *R) error {
	if err := m.codec.read(value, r); err != nil {
		return err
	}
	if text.Clean(r) {
		var err error
		if value, err = m.codec.record(r); err != nil {
			return err
		}
	}
	return m.put(b, key, value)
}

func moveCanary(m *mover, b bucket, key, value []byte) error {
	return moveClean(m, b, key, value, &canaryRecord{})
}

// moveMeta leaves out the version, and writes the window of a budget that tripped the
// breaker before schema 6 beside it.
func moveMeta(m *mover, b bucket, key, value []byte) error {
	switch {
	case string(key) == schemaKey:
		return nil
	case !bytes.HasPrefix(key, []byte(responderKey)):
		return m.put(b, key, value)
	}
	var r responderRecord
	if err := m.codec.read(value, &r); err != nil {
		return err
	}
	text.Clean(&r)
	if m.version < 6 && len(r.Breaker) == len(digest{}) {
		_, window := readUsage(m.from.value(bBudgets, r.Breaker))
		r.Window = int64(window)
	}
	value, err := m.codec.record(&r)
	if err != nil {
		return err
	}
	return m.put(b, key, value)
}

// moveTicket takes a ticket's entries, mails and deadlines along, and notes on it where its
// thread stands, as schema 9 does.
func moveTicket(m *mover, b bucket, key, _ []byte) error {
	k, err := m.from.ticket(store.TicketID(readU64(key)))
	if err != nil {
		return err
	}
	changed := k.ChangedAt
	err = m.from.walk(oldEntries, key, nil, func(old, value []byte) (bool, error) {
		e, value, err := m.entry(value)
		if err != nil {
			return false, wrap("entry", readU32(old[8:]), err)
		}
		e.Seq = readU32(old[8:])
		noteEntry(&k, e)
		return true, m.put(b, entryKey(k.ID, e.Seq), value)
	})
	if err != nil {
		return err
	}
	k.ChangedAt = changed
	was := requesterKey(k)
	if text.Clean(&k) {
		m.unclean = append(m.unclean, movedRow{b, key, was})
	}
	value, err := m.codec.record(newTicketRecord(k))
	if err != nil {
		return err
	}
	if err := m.put(b, key, value); err != nil {
		return err
	}
	if err := m.putPlaces(k); err != nil {
		return err
	}
	return m.from.walk(oldOutTickets, key, nil, func(old, _ []byte) (bool, error) {
		return true, m.put(b, ticketMailKey(k.ID, outboxID(old)), []byte{})
	})
}

// putPlaces puts a ticket's rows in the lists of the desk and of the deadlines.
func (m *mover) putPlaces(k store.Ticket) error {
	if list, place, row, ok := deskPlace(k); ok {
		if err := m.put(list, place, row); err != nil {
			return err
		}
	}
	for _, d := range k.Deadlines() {
		if row := rowOfDeadline(d); bytes.Compare(row, m.from.deadlinesDropped()) > 0 {
			if err := m.put(bDeadlines, row, []byte{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry is the kind and the instant of an entry, and its record with its texts clean and its
// body packed as it is now.
func (m *mover) entry(value []byte) (store.Entry, []byte, error) {
	var r entryRecord
	if err := m.codec.read(value, &r); err != nil {
		return store.Entry{}, nil, err
	}
	e := store.Entry{Kind: store.EntryKind(r.Kind), At: instant(r.At)}
	packed, err := m.repacked(r.Body)
	if err != nil {
		return e, nil, err
	}
	body, err := m.codec.unpack(packed)
	if err != nil {
		return e, nil, err
	}
	changed := text.Clean(&r)
	if !text.IsValid(string(body)) {
		packed, changed = m.codec.text([]byte(text.Valid(string(body)))), true
	}
	if changed || !bytes.Equal(packed, r.Body) {
		r.Body = packed
		value, err = m.codec.record(&r)
	}
	return e, value, err
}

// zstdMagic is what a frame of zstd begins with (RFC 8878 section 3.1.1).
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// repacked is a text as it is packed now: some of schemas 1 to 3 were packed with zstd.
func (m *mover) repacked(packed []byte) ([]byte, error) {
	if m.version > 3 || len(packed) == 0 || packed[0] != textS2 || !bytes.HasPrefix(packed[1:], zstdMagic) {
		return packed, nil
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxText), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	plain, err := d.DecodeAll(packed[1:], nil)
	if err != nil {
		return packed, nil //nolint:nilerr // by chance the text of another packing begins so
	}
	return m.codec.text(plain), nil
}

func moveRaw(m *mover, b bucket, key, value []byte) error {
	value, err := m.repacked(value)
	if err != nil {
		return err
	}
	m.raws += uint64(len(value))
	return m.put(b, key, value)
}

// moveSession adds what is shown of a session to its agent, of which the versions before
// kept nothing but when it was opened.
func moveSession(m *mover, b bucket, key, value []byte) error {
	s, ok := readSession(value)
	if !ok {
		return errors.New("a session does not read")
	}
	shown, err := m.codec.record(&sessionRecord{Used: micros(s.opened)})
	if err != nil {
		return err
	}
	return errors.Join(
		m.put(b, key, value), m.put(bAgentSessions, agentSessionKey(s.agent, store.SessionID(key)), shown),
	)
}

// moveRecipient leaves out the rows of the index by recipient as schema 3 had it: of all
// mails.
func moveRecipient(m *mover, b bucket, key, value []byte) error {
	if m.version < 4 {
		return nil
	}
	return m.put(b, key, value)
}

// moveOutbound indexes the mails of files that are older than the indexes, as they are now,
// by recipient and of failed mails.
func moveOutbound(m *mover, b bucket, key, value []byte) error {
	row, err := m.from.outbound(store.OutboundID(readU64(key)))
	if err != nil {
		return err
	}
	if text.Invalid(&row) != "" {
		m.unclean = append(m.unclean, movedRow{bucket: b, key: key})
	}
	if m.version < 4 {
		elsewhere, err := m.from.isElsewhere(row)
		if err == nil && elsewhere {
			err = m.put(bOutRecipients, recipientKey(row), []byte{})
		}
		if err != nil {
			return err
		}
	}
	if m.version < 4 && row.State == store.StateFailed {
		if err := m.put(bOutFailed, key, []byte{}); err != nil {
			return err
		}
	}
	return m.put(b, key, value)
}

// moveInbound notes when the mail was seen, and indexes those of files that are older than
// the indexes by mark and address (4).
func moveInbound(m *mover, b bucket, key, value []byte) error {
	row, err := m.from.inbound(store.InboundID(readU64(key)))
	if err != nil {
		return err
	}
	if text.Invalid(&row) != "" {
		m.unclean = append(m.unclean, movedRow{bucket: b, key: key})
	}
	hour := hourOf(row.SeenAt)
	span, ok := m.hours[hour]
	if !ok {
		span = readSpanOfIDs(nil)
	}
	span.add(spanOfIDs{uint64(row.ID), uint64(row.ID)})
	m.hours[hour] = span
	if row.Blob != "" && !row.RawDropped {
		m.raws += uint64(row.Size)
	}
	if m.version < 4 {
		for _, index := range inboundIndexes(row) {
			if err := m.put(index.bucket, index.key, []byte{}); err != nil {
				return err
			}
		}
	}
	return m.put(b, key, value)
}

// moveBudget puts a budget's row under its end, where schema 6 moved it.
func moveBudget(m *mover, b bucket, key, value []byte) error {
	if m.version >= 6 || len(key) != len(digest{}) {
		return m.put(b, key, value)
	}
	usage, window := readUsage(value)
	if window <= 0 {
		return errors.New("a budget that does not read")
	}
	c := charge{key: digest(key), window: window, usage: usage}
	return m.put(b, c.rowKey(), value)
}

// moveExpiry leaves out the rows that budgets had here before schema 6.
func moveExpiry(m *mover, b bucket, key, value []byte) error {
	if m.version < 6 && len(key) > 8 && key[8] == expiryBudget {
		return nil
	}
	return m.put(b, key, value)
}

// moveDomainHour notes a domain whose name is no valid text: an address was not always one.
func moveDomainHour(m *mover, b bucket, key, value []byte) error {
	if len(key) > 4 && key[4] != 0 && !text.IsValid(string(key[4:])) {
		m.unclean = append(m.unclean, movedRow{bucket: b, key: key})
	}
	return m.put(b, key, value)
}

// beginCounting counts from here on what schema 5 began to count; what raw mails take, from
// the first.
func (m *mover) beginCounting() error {
	last := func(b bucket) uint64 { return m.from.tx.Last(b) }
	since := countedRecord{Tickets: last(bTickets), Outbounds: last(bOutbounds), Inbounds: last(bInbounds)}
	return m.update(func(t *txn) error {
		if m.raws > 0 {
			t.setCount(countRaw, "", m.raws)
		}
		if since == (countedRecord{}) {
			return nil
		}
		return t.putRecord(bMeta, []byte(countedKey), &since)
	})
}
