package verbs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
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
func (s *Store) TicketByNumber(
	ctx context.Context, by store.Actor, act store.Act, number string,
) (ticket store.Ticket, err error) {
	err = s.read(ctx, func(t *txn) error {
		if err := store.May(by, act, store.Anything()); err != nil {
			return err
		}
		id, err := t.numbered(number)
		if err == nil {
			ticket, err = t.deskTicket(by, act, id)
		}
		return err
	})
	return ticket, wrap("ticket by number", fmt.Sprintf("%q", text.Cut(number, store.MaxName)), err)
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

// RevokeLink implements store.Tickets.
func (s *Store) RevokeLink(ctx context.Context, now time.Time, by store.Actor, id store.LinkID) error {
	now = store.Instant(now)
	err := s.act(ctx, deed{now: now, by: by, act: store.ActRevokeLinks}, 0, func(t *txn) error {
		if err := checkThrough(by, id); err != nil {
			return err
		}
		l, ok := readLink(t.value(bLinks, id[:]))
		if !ok || !now.Before(l.expires) {
			return store.ErrNotFound
		}
		k, err := t.ticket(l.ticket)
		if err == nil {
			err = store.May(by, store.ActRevokeLinks, store.OfTicket(k).Behind(id))
		}
		if err != nil {
			return err
		}
		l.revoked = true
		if err := t.put(bLinks, id[:], l.bytes()); err != nil {
			return err
		}
		return t.audit(now, by, store.Audit{Event: store.AuditLinksRevoked, Object: ticketObject(k), Region: k.Region})
	})
	return wrap("revoke link", linkName(id), err)
}

// TicketsByRequester implements store.Tickets.
func (s *Store) TicketsByRequester(
	ctx context.Context, by store.Actor, act store.Act, address string, p store.Page,
) (store.List[store.Ticket], error) {
	if err := store.May(by, act, store.Anything()); err != nil {
		return store.List[store.Ticket]{}, wrap("tickets by requester, at most", p.Limit, err)
	}
	who := digestOf(store.AddressKey(address))
	return readList(ctx, s, "tickets by requester, at most", p.Limit, p, listing[store.Ticket]{
		name: "tickets of a requester", bucket: bRequesters, prefix: who[:], back: true,
		filter: strings.Join(by.Regions, "\x00"),
		pick: func(t *txn, key, _ []byte) (store.Ticket, bool, error) {
			k, err := t.ticket(store.TicketID(lastID(key)))
			return k, err == nil && store.May(by, act, store.OfTicket(k)) == nil, err
		},
	})
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
func (s *Store) Entries(
	ctx context.Context, id store.TicketID, after uint32, p store.Page,
) (store.List[store.Entry], error) {
	return readPage(ctx, s, "entries of ticket", id, p, func(t *txn) (l listing[store.Entry], err error) {
		if !t.has(bTickets, u64(uint64(id))) {
			return l, store.ErrNotFound
		}
		return listing[store.Entry]{
			name: "thread", bucket: bTickets, prefix: underTicket(id, ofTicketEntry),
			// The key behind that of after, which may be the highest number there is.
			start: append(entryKey(id, after), 0),
			read: func(t *txn, key, value []byte) (store.Entry, error) {
				return t.codec.entry(id, entrySeq(key), value)
			},
		}, nil
	})
}

// addEntry gives an entry its place behind the thread's last and writes it, with the
// ticket, whose other changes are written with it.
func (t *txn) addEntry(k *store.Ticket, e *store.Entry) error {
	data, err := t.codec.entryBytes(*e)
	if err != nil {
		return err
	}
	return t.appendEntry(k, e, data)
}

// appendEntry is addEntry for an entry that is encoded already.
func (t *txn) appendEntry(k *store.Ticket, e *store.Entry, data []byte) error {
	e.Ticket, e.Seq = k.ID, k.Entries+1
	noteEntry(k, *e)
	if err := t.put(bTickets, entryKey(k.ID, e.Seq), data); err != nil {
		return err
	}
	for _, f := range e.Files {
		if err := t.reference(f.Hash); err != nil {
			return err
		}
	}
	return t.putTicket(*k)
}

// putTicket writes a ticket and the rows that follow from it.
func (t *txn) putTicket(k store.Ticket) error {
	t.changed(letterTicket, uint64(k.ID))
	was, err := t.ticket(k.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := t.moveDeadlines(was, k); err != nil {
		return err
	}
	if err := t.moveOnDesk(was, k); err != nil {
		return err
	}
	return t.putRecord(bTickets, u64(uint64(k.ID)), newTicketRecord(k))
}

// retell tells of a ticket whose thread was changed where that stands now.
func (t *txn) retell(k *store.Ticket) error {
	prefix := underTicket(k.ID, ofTicketEntry)
	said := *k
	said.Version, said.Replies, said.LastPublic = 0, 0, ""
	said.LastPublicAt, said.LastPartnerAt, said.LastAgentAt = time.Time{}, time.Time{}, time.Time{}
	err := t.walk(bTickets, prefix, prefix, func(key, value []byte) (bool, error) {
		var r entryRecord
		if err := t.codec.read(value, &r); err != nil {
			return false, err
		}
		noteEntry(&said, store.Entry{
			Kind: store.EntryKind(r.Kind), Event: store.Event(r.Event),
			Seq: entrySeq(key), At: instant(r.At), UndoUntil: instant(r.Undo),
		})
		return true, nil
	})
	said.Entries, said.ChangedAt = k.Entries, k.ChangedAt
	*k = said
	return err
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
