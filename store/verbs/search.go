package verbs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// Indexes of the ledger that follow from its rows: what a row is found under is
// what Inbound.Marks and Inbound.Addresses say.

func markPrefix(mark string) []byte { return append([]byte(mark), 0) }

func markKey(mark string, id store.InboundID) []byte {
	return append(markPrefix(mark), u64(uint64(id))...)
}

func addressKey(address string, id store.InboundID) []byte {
	return digestID(digestOf(address), uint64(id))
}

// inboundIndexes are the rows that a mail is found by, beside its UID, content and
// Message-ID.
func inboundIndexes(m store.Inbound) (rows []movedRow) {
	for _, mark := range m.Marks() {
		rows = append(rows, movedRow{bucket: bInMarks, key: markKey(mark, m.ID)})
	}
	for _, address := range m.Addresses() {
		rows = append(rows, movedRow{bucket: bInAddresses, key: addressKey(address, m.ID)})
	}
	return rows
}

// indexInbound brings the row's index rows from what it was to what it is; was
// is the zero Inbound for a new row.
func (t *txn) indexInbound(was, is store.Inbound) error {
	var err error
	if was.ID != 0 {
		for _, mark := range was.Marks() {
			err = errors.Join(err, t.delete(bInMarks, markKey(mark, was.ID)))
		}
	}
	for _, mark := range is.Marks() {
		err = errors.Join(err, t.put(bInMarks, markKey(mark, is.ID), []byte{}))
	}
	known := was.Addresses()
	for _, address := range is.Addresses() {
		if !slices.Contains(known, address) {
			err = errors.Join(err, t.put(bInAddresses, addressKey(address, is.ID), []byte{}))
		}
	}
	return err
}

// SearchInbound implements store.Board.
func (s *Store) SearchInbound(
	ctx context.Context, q store.InboundQuery, p store.Page,
) (store.List[store.Inbound], error) {
	return readPage(ctx, s, "search inbounds, at most", p.Limit, p, func(t *txn) (listing[store.Inbound], error) {
		return t.search(q), nil
	})
}

// search walks the index of a query.
func (t *txn) search(q store.InboundQuery) listing[store.Inbound] {
	index, prefix := searched(q)
	span := t.searchSpan(q)
	return listing[store.Inbound]{
		name: "search", filter: strings.Join([]string{q.Address, q.Mark, q.MessageID, q.Mailbox, q.Decider}, "\x00"),
		bucket: index, prefix: prefix, back: true,
		start: append(binary.BigEndian.AppendUint64(bytes.Clone(prefix), span.high), 0),
		ends:  func(key []byte) bool { return lastID(key) < span.low },
		pick: func(t *txn, key, _ []byte) (store.Inbound, bool, error) {
			return t.wanted(q, index, store.InboundID(lastID(key)))
		},
	}
}

// lastID is the id that a key ends in.
func lastID(key []byte) uint64 { return readU64(key[len(key)-8:]) }

// wanted is a row of the query's index, if it is all that the query asks for.
func (t *txn) wanted(q store.InboundQuery, index bucket, id store.InboundID) (row store.Inbound, ok bool, err error) {
	if q.Mark != "" && index != bInMarks && !t.has(bInMarks, markKey(q.Mark, id)) {
		return row, false, nil
	}
	if q.Address != "" && index != bInAddresses && !t.has(bInAddresses, addressKey(store.AddressKey(q.Address), id)) {
		return row, false, nil
	}
	row, err = t.inbound(id)
	ok = (q.Mailbox == "" || row.Mailbox == q.Mailbox) && (q.Decider == "" || row.Verdict.Decider() == q.Decider) &&
		seenWithin(q, row.SeenAt)
	return row, ok && err == nil, err
}

// searched is the index that narrows a query most.
func searched(q store.InboundQuery) (bucket, []byte) {
	switch {
	case q.MessageID != "":
		prefix := messageDigest(text.Cut(q.MessageID, store.MaxMessageID))
		return bInMessages, prefix[:]
	case q.Address != "":
		prefix := digestOf(store.AddressKey(q.Address))
		return bInAddresses, prefix[:]
	case q.Mark != "":
		return bInMarks, markPrefix(q.Mark)
	}
	return bInbounds, nil
}

// spanOfIDs are the ids of a ledger from low to high, both included.
type spanOfIDs struct{ low, high uint64 }

func (s spanOfIDs) bytes() []byte { return pair64(s.low, s.high) }

func readSpanOfIDs(b []byte) spanOfIDs {
	if len(b) != 16 {
		return spanOfIDs{math.MaxUint64, 0}
	}
	return spanOfIDs{readU64(b), readU64(b[8:])}
}

// add widens the span by another.
func (s *spanOfIDs) add(other spanOfIDs) {
	s.low, s.high = min(s.low, other.low), max(s.high, other.high)
}

// indexHour notes the id of a mail under the hour it was seen in.
func (t *txn) indexHour(row store.Inbound) error {
	key := u32(hourOf(row.SeenAt))
	span := readSpanOfIDs(t.value(bInHours, key))
	span.add(spanOfIDs{uint64(row.ID), uint64(row.ID)})
	return t.put(bInHours, key, span.bytes())
}

// searchSpan are the ids among which all mails are that a query's time allows: those
// seen in the hours it touches. Ids ascend as mails are seen unless the clock was set
// back, which only widens the span.
func (t *txn) searchSpan(q store.InboundQuery) spanOfIDs {
	if q.Since.IsZero() && q.Until.IsZero() {
		return spanOfIDs{0, math.MaxUint64}
	}
	span, from := readSpanOfIDs(nil), []byte(nil)
	if !q.Since.IsZero() {
		from = u32(hourOf(q.Since))
	}
	_ = t.walk(bInHours, nil, from, func(key, value []byte) (bool, error) { // the visit does not fail
		if !q.Until.IsZero() && !hourStart(readU32(key)).Before(q.Until) {
			return false, nil
		}
		span.add(readSpanOfIDs(value))
		return true, nil
	})
	return span
}

// seenWithin tells whether a mail was seen when the query asks for.
func seenWithin(q store.InboundQuery, seen time.Time) bool {
	return !seen.Before(q.Since) && (q.Until.IsZero() || seen.Before(q.Until))
}
