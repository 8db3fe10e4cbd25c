package verbs

import (
	"context"
	"errors"
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

// indexBoard makes schema 4: what the ledger is searched by, and the mails that
// failed.
func indexBoard(t *txn) error {
	err := t.walk(bInbounds, nil, nil, func(key, _ []byte) (bool, error) {
		row, err := t.inbound(store.InboundID(readU64(key)))
		if err != nil {
			return false, err
		}
		return true, t.indexInbound(store.Inbound{}, row)
	})
	if err != nil {
		return err
	}
	return t.walk(bOutbounds, nil, nil, func(key, _ []byte) (bool, error) {
		row, err := t.outbound(store.OutboundID(readU64(key)))
		if err != nil || row.State != store.StateFailed {
			return err == nil, err
		}
		return true, t.put(bOutFailed, u64(uint64(row.ID)), []byte{})
	})
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
	from, before := t.searchRange(q)
	return listing[store.Inbound]{
		name: "search", filter: strings.Join([]string{q.Address, q.Mark, q.MessageID, q.Mailbox, q.Decider}, "\x00"),
		bucket: index, prefix: prefix, back: true, start: beforeKey(prefix, before),
		ends: func(key []byte) bool { return lastID(key) < from },
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
	ok = (q.Mailbox == "" || row.Mailbox == q.Mailbox) && (q.Decider == "" || row.Verdict.Decider() == q.Decider)
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

// searchRange is the query's range of ids: from the first on, below the second,
// 0 for no end. Ids ascend as mails are seen.
func (t *txn) searchRange(q store.InboundQuery) (from, before uint64) {
	if !q.Since.IsZero() {
		from = t.seenFrom(q.Since)
	}
	if !q.Until.IsZero() {
		before = max(t.seenFrom(q.Until), 1)
	}
	return from, before
}

// seenFrom is the lowest id whose mail was seen at or after an instant, found by
// halving; one above the last when there is none.
func (t *txn) seenFrom(at time.Time) uint64 {
	low, high := uint64(1), t.tx.Last(bInbounds)+1
	for low < high {
		middle := low + (high-low)/2
		row, err := t.inbound(store.InboundID(middle))
		if err == nil && !row.SeenAt.Before(at) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}
