package verbs

import (
	"bytes"
	"context"
	"slices"
	"time"

	"signpost/store"
)

// The deadlines of tickets, one row each in the order of their instants, as long as
// they are to be met (store.Ticket.Deadlines).

// Kinds of deadline as keys hold them.
const (
	keyFirstResponse = 1
	keyResolution    = 2
	keyNextUpdate    = 3
)

func rowOfDeadline(d store.Deadline) []byte {
	kind := byte(keyFirstResponse)
	switch d.Kind {
	case store.DeadlineResolution:
		kind = keyResolution
	case store.DeadlineNextUpdate:
		kind = keyNextUpdate
	}
	return deadlineKey(d.Due, d.Ticket, kind)
}

// moveDeadlines brings the rows from those of a ticket as it was to those of what it
// is now.
func (t *txn) moveDeadlines(was, is store.Ticket) error {
	before, after := was.Deadlines(), is.Deadlines()
	for _, d := range before {
		if !slices.Contains(after, d) {
			if err := t.delete(bDeadlines, rowOfDeadline(d)); err != nil {
				return err
			}
		}
	}
	for _, d := range after {
		key := rowOfDeadline(d)
		// One that would have been dropped by now is not written.
		if slices.Contains(before, d) || bytes.Compare(key, t.deadlinesDropped()) <= 0 {
			continue
		}
		if err := t.put(bDeadlines, key, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

// DeadlinesDue implements store.Tickets.
func (s *Store) DeadlinesDue(
	ctx context.Context, since, until time.Time, p store.Page,
) (store.List[store.Deadline], error) {
	return readList(ctx, s, "deadlines due", until, p, listing[store.Deadline]{
		name: "deadlines", bucket: bDeadlines, start: appendInstant(nil, store.Instant(since)),
		ends: func(key []byte) bool { return readDeadline(key).Due.After(until) },
		read: func(_ *txn, key, _ []byte) (store.Deadline, error) { return readDeadline(key), nil },
	})
}

// pruneDeadlines drops at most limit deadlines that fell due longer ago than they
// are kept.
func (t *txn) pruneDeadlines(now time.Time, limit int) (int, error) {
	var past [][]byte
	err := t.walk(bDeadlines, nil, nil, func(key, _ []byte) (bool, error) {
		if len(past) >= limit || !readInstant(key).Before(now.Add(-store.DeadlineKept)) {
			return false, nil
		}
		past = append(past, bytes.Clone(key))
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range past {
		if err := t.delete(bDeadlines, key); err != nil {
			return 0, err
		}
	}
	if len(past) == 0 {
		return 0, nil
	}
	return len(past), t.put(bMeta, []byte(deadlinesKey), past[len(past)-1])
}

const deadlinesKey = "deadlines"

// deadlinesDropped is the key of the last deadline that was dropped: there is none
// up to it. nil: none was dropped yet.
func (t *txn) deadlinesDropped() []byte { return t.value(bMeta, []byte(deadlinesKey)) }

func readDeadline(key []byte) store.Deadline {
	d := store.Deadline{Due: readInstant(key), Ticket: store.TicketID(readU64(key[8:])), Kind: store.DeadlineFirstResponse}
	switch key[16] {
	case keyResolution:
		d.Kind = store.DeadlineResolution
	case keyNextUpdate:
		d.Kind = store.DeadlineNextUpdate
	}
	return d
}
