package verbs

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"signpost/store"
)

// Ticket implements store.Tickets.
func (s *Store) Ticket(ctx context.Context, id store.TicketID) (ticket store.Ticket, err error) {
	err = s.read(ctx, func(t *txn) (err error) {
		ticket, err = t.ticket(id)
		return err
	})
	return ticket, wrap("ticket", id, err)
}

// TicketByNumber implements store.Tickets.
func (s *Store) TicketByNumber(ctx context.Context, number string) (ticket store.Ticket, err error) {
	err = s.read(ctx, func(t *txn) error {
		prefix, counter, ok := parseNumber(number)
		if !ok {
			return store.ErrNotFound
		}
		id := t.value(bNumbers, numberKey(prefix, counter))
		if id == nil {
			return store.ErrNotFound
		}
		ticket, err = t.ticket(store.TicketID(readU64(id)))
		return err
	})
	return ticket, wrap("ticket by number", strconv.Quote(number), err)
}

// parseNumber takes "US-1042" apart; false for what no ticket is called.
func parseNumber(number string) (prefix string, counter uint64, ok bool) {
	dash := strings.LastIndexByte(number, '-')
	if dash < 1 {
		return "", 0, false
	}
	counter, err := strconv.ParseUint(number[dash+1:], 10, 64)
	return number[:dash], counter, err == nil && strconv.FormatUint(counter, 10) == number[dash+1:]
}

// TicketByLink implements store.Tickets.
func (s *Store) TicketByLink(ctx context.Context, now time.Time, id store.LinkID) (ticket store.Ticket, err error) {
	now = store.Instant(now)
	err = s.read(ctx, func(t *txn) (err error) {
		ticket, err = t.ticketByLink(now, id)
		return err
	})
	return ticket, wrap("ticket by link", linkName(id), err)
}

// linkName shows of a link what logs may hold.
func linkName(id store.LinkID) string {
	return "of instant " + strconv.FormatUint(readU64(id[:])>>16, 16)
}

func (t *txn) ticketByLink(now time.Time, id store.LinkID) (store.Ticket, error) {
	l, ok := readLink(t.value(bLinks, id[:]))
	if !ok || l.revoked || !now.Before(l.expires) {
		return store.Ticket{}, store.ErrNotFound
	}
	return t.ticket(l.ticket)
}

// RevokeLink implements store.Tickets.
func (s *Store) RevokeLink(ctx context.Context, now time.Time, id store.LinkID) error {
	now = store.Instant(now)
	err := s.write(ctx, 0, func(t *txn) error {
		l, ok := readLink(t.value(bLinks, id[:]))
		if !ok || !now.Before(l.expires) {
			return store.ErrNotFound
		}
		l.revoked = true
		return t.put(bLinks, id[:], l.bytes())
	})
	return wrap("revoke link", linkName(id), err)
}

// TicketsByRequester implements store.Tickets.
func (s *Store) TicketsByRequester(ctx context.Context, address string, before store.TicketID, limit int) (tickets []store.Ticket, err error) {
	err = s.read(ctx, func(t *txn) error {
		who := digestOf(store.AddressKey(address))
		return t.walkBack(bRequesters, who[:], beforeKey(who[:], uint64(before)), func(key, _ []byte) (bool, error) {
			if len(tickets) >= limit {
				return false, nil
			}
			ticket, err := t.ticket(store.TicketID(readU64(key[16:])))
			tickets = append(tickets, ticket)
			return true, err
		})
	})
	if err != nil {
		return nil, wrap("tickets by requester before", before, err)
	}
	return tickets, nil
}

// beforeKey is where a walk back under prefix begins: at id before, exclusive, or
// behind the last for 0.
func beforeKey(prefix []byte, before uint64) []byte {
	key := bytes.Clone(prefix)
	if before == 0 {
		return append(key, bytes.Repeat([]byte{0xff}, 9)...)
	}
	return binary.BigEndian.AppendUint64(key, before)
}

// Entries implements store.Tickets.
func (s *Store) Entries(ctx context.Context, id store.TicketID, after uint32, limit int) (entries []store.Entry, err error) {
	err = s.read(ctx, func(t *txn) error {
		if !t.has(bTickets, u64(uint64(id))) {
			return store.ErrNotFound
		}
		// The key behind that of after, which may be the highest number there is.
		from := append(entryKey(id, after), 0)
		return t.walk(bEntries, u64(uint64(id)), from, func(key, value []byte) (bool, error) {
			if len(entries) >= limit {
				return false, nil
			}
			e, err := t.codec.entry(id, readU32(key[8:]), value)
			entries = append(entries, e)
			return true, err
		})
	})
	if err != nil {
		return nil, wrap("entries of ticket", id, err)
	}
	return entries, nil
}

// Kinds of deadline as keys hold them.
const (
	keyFirstResponse = 1
	keyResolution    = 2
)

// DeadlinesDue implements store.Tickets.
func (s *Store) DeadlinesDue(
	ctx context.Context, since, until time.Time, limit int,
) (deadlines []store.Deadline, err error) {
	err = s.read(ctx, func(t *txn) error {
		return t.walk(bDeadlines, nil, appendInstant(nil, store.Instant(since)), func(key, _ []byte) (bool, error) {
			d := readDeadline(key)
			if len(deadlines) >= limit || d.Due.After(until) {
				return false, nil
			}
			deadlines = append(deadlines, d)
			return true, nil
		})
	})
	return deadlines, wrap("deadlines due", until, err)
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
	if key[16] == keyResolution {
		d.Kind = store.DeadlineResolution
	}
	return d
}

// appendEntry writes an entry behind the thread's last and marks the ticket as
// changed; other changes of k are written with it.
func (t *txn) appendEntry(k *store.Ticket, at time.Time, data []byte, files []store.File) error {
	k.Entries++
	k.ChangedAt = at
	if err := t.put(bEntries, entryKey(k.ID, k.Entries), data); err != nil {
		return err
	}
	for _, f := range files {
		if err := t.reference(f.Hash); err != nil {
			return err
		}
	}
	return t.putTicket(*k)
}

// release counts one row less that names the blob.
func (t *txn) release(hash store.BlobHash) error {
	key, _ := blobKey(hash)
	if n := readU64(t.value(bBlobs, key)); n > 1 {
		return t.put(bBlobs, key, u64(n-1))
	}
	return t.delete(bBlobs, key)
}

// reference counts one more row that names the blob.
func (t *txn) reference(hash store.BlobHash) error {
	key, _ := blobKey(hash)
	return t.put(bBlobs, key, u64(readU64(t.value(bBlobs, key))+1))
}
