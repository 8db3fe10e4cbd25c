package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// ConnectMailbox implements store.Ledger.
func (s *Store) ConnectMailbox(
	ctx context.Context, now time.Time, mailbox string,
) (state store.MailboxState, err error) {
	now = store.Instant(now)
	if err := checkMailboxName(mailbox); err != nil {
		return state, wrap("connect mailbox", strconv.Quote(text.Cut(mailbox, 200)), err)
	}
	err = s.write(ctx, 0, func(t *txn) error {
		box, err := t.mailbox(mailbox)
		if errors.Is(err, store.ErrNotFound) {
			box, err = t.newMailbox(now, mailbox)
		}
		state = box.state(mailbox)
		return err
	})
	return state, wrap("connect mailbox", mailbox, err)
}

func checkMailboxName(name string) error {
	if name == "" || badName(name) {
		return invalid("a mailbox needs a name")
	}
	return nil
}

// badName tells what cannot be such a name: they stand in keys, which are short,
// and where a 0 closes them. No record checks a key.
func badName(name string) bool { return len(name) > store.MaxName || !text.IsValid(name) }

func (t *txn) newMailbox(now time.Time, name string) (mailboxRecord, error) {
	number, err := t.next(bMailboxes)
	if err != nil {
		return mailboxRecord{}, err
	}
	box := mailboxRecord{Number: uint32(number), Connected: micros(store.ConnectionInstant(now))}
	return box, t.putMailbox(name, box)
}

func (t *txn) mailbox(name string) (mailboxRecord, error) {
	var r mailboxRecord
	if err := t.record(bMailboxes, []byte(name), &r); err != nil {
		return r, wrap("mailbox", strconv.Quote(name), err)
	}
	return r, nil
}

func (t *txn) putMailbox(name string, r mailboxRecord) error {
	return t.putRecord(bMailboxes, []byte(name), &r)
}

// BeginEpoch implements store.Ledger.
func (s *Store) BeginEpoch(
	ctx context.Context, now time.Time, mailbox string, uidValidity uint32,
) (state store.MailboxState, err error) {
	if uidValidity == 0 {
		return state, wrap("begin epoch of mailbox", mailbox, invalid("UIDVALIDITY is never 0"))
	}
	err = s.write(ctx, 0, func(t *txn) error {
		box, err := t.mailbox(mailbox)
		if err == nil && box.UIDValidity != uidValidity {
			box.UIDValidity, box.UID = uidValidity, 0
			err = t.putMailbox(mailbox, box)
		}
		state = box.state(mailbox)
		return err
	})
	if err != nil {
		return store.MailboxState{}, wrap("begin epoch of mailbox", mailbox, err)
	}
	return state, nil
}

// SkipTo implements store.Ledger.
func (s *Store) SkipTo(ctx context.Context, mailbox string, uidValidity, uid uint32) error {
	err := s.write(ctx, 0, func(t *txn) error {
		box, err := t.mailbox(mailbox)
		if err == nil && box.UIDValidity != uidValidity {
			err = fmt.Errorf("%w: the mailbox is in epoch %d", store.ErrConflict, box.UIDValidity)
		}
		if err != nil {
			return err
		}
		return t.moveCursor(mailbox, uidValidity, uid)
	})
	return wrap("skip in mailbox", mailbox, err)
}

// moveCursor moves the mailbox's cursor on to uid, when it is of the running
// epoch and further on.
func (t *txn) moveCursor(mailbox string, uidValidity, uid uint32) error {
	box, err := t.mailbox(mailbox)
	if err != nil || box.UIDValidity != uidValidity || uid <= box.UID {
		return err
	}
	box.UID = uid
	return t.putMailbox(mailbox, box)
}

// arrival is a NewInbound made ready outside the transaction.
type arrival struct {
	store.NewInbound
	text []byte // Raw, packed
}

// RecordInbound implements store.Ledger.
func (s *Store) RecordInbound(
	ctx context.Context, now time.Time, mails []store.NewInbound,
) (rows []store.Inbound, err error) {
	now = store.Instant(now)
	arrivals := make([]arrival, len(mails))
	size := 0
	for i, m := range mails {
		if err := checkArrival(m); err != nil {
			return nil, wrap("record inbound", m.UID, err)
		}
		arrivals[i] = arrival{m, s.codec.text(m.Raw)}
		size += len(arrivals[i].text)
	}
	if len(mails) == 0 {
		return nil, nil
	}
	err = s.write(ctx, size, func(t *txn) (err error) {
		rows, err = t.recordAll(now, arrivals)
		return err
	})
	if err != nil {
		return nil, wrap("record inbounds, in all", len(mails), err)
	}
	return rows, nil
}

func checkArrival(m store.NewInbound) error {
	switch {
	case m.Mailbox == "" || badName(m.Mailbox) || m.UIDValidity == 0 || m.UID == 0:
		return invalid("a mail needs its mailbox, UIDVALIDITY and UID")
	case len(m.Raw) > store.RawInline:
		return invalid("a mail of more than 256 KiB belongs in the blob store")
	case m.Blob != "" && m.Raw != nil:
		return invalid("a mail lies in the store or in the blob store, not in both")
	}
	if _, ok := blobKey(m.Blob); m.Blob != "" && !ok {
		return invalid("the blob's hash is no SHA-256 in lower-case hex")
	}
	return nil
}

func (t *txn) recordAll(now time.Time, arrivals []arrival) ([]store.Inbound, error) {
	boxes := make([]mailboxRecord, len(arrivals))
	for i, a := range arrivals {
		var err error
		if boxes[i], err = t.mailbox(a.Mailbox); err != nil {
			return nil, err
		}
	}
	rows := make([]store.Inbound, len(arrivals))
	for i, a := range arrivals {
		var err error
		if rows[i], err = t.recordOne(now, boxes[i].Number, a); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (t *txn) recordOne(now time.Time, box uint32, a arrival) (store.Inbound, error) {
	if id := t.value(bInUIDs, uidKey(box, a.UIDValidity, a.UID)); id != nil {
		return t.inbound(store.InboundID(readU64(id)))
	}
	row, known, err := t.sameContent(box, a)
	if err != nil {
		return row, err
	}
	if known {
		return t.moveInbound(box, row, a)
	}
	return t.addInbound(now, box, a)
}

// sameContent finds the first row of another epoch with the mail's content.
func (t *txn) sameContent(box uint32, a arrival) (found store.Inbound, ok bool, err error) {
	prefix := hashPrefix(box, a.Hash)
	err = t.walk(bInHashes, prefix, prefix, func(key, _ []byte) (bool, error) {
		row, err := t.inbound(store.InboundID(readU64(key[len(prefix):])))
		if err == nil && row.UIDValidity != a.UIDValidity && row.Hash == a.Hash {
			found, ok = row, true
		}
		return !ok, err
	})
	return found, ok, err
}

// moveInbound gives a row the UID its mail has in the new epoch.
func (t *txn) moveInbound(box uint32, row store.Inbound, a arrival) (store.Inbound, error) {
	if err := t.delete(bInUIDs, uidKey(box, row.UIDValidity, row.UID)); err != nil {
		return row, err
	}
	row.UIDValidity, row.UID = a.UIDValidity, a.UID
	return row, errors.Join(
		t.put(bInUIDs, uidKey(box, row.UIDValidity, row.UID), u64(uint64(row.ID))),
		t.putInbound(row),
	)
}

func (t *txn) addInbound(now time.Time, box uint32, a arrival) (store.Inbound, error) {
	id, err := t.next(bInbounds)
	if err != nil {
		return store.Inbound{}, err
	}
	row := store.Inbound{
		ID: store.InboundID(id), Mailbox: a.Mailbox, UIDValidity: a.UIDValidity, UID: a.UID,
		InternalDate: kept(a.InternalDate), SeenAt: now, Size: a.Size, Hash: a.Hash,
		MessageID: text.Cut(a.MessageID, store.MaxMessageID), From: text.Cut(a.From, store.MaxFrom),
		Subject: text.Cut(a.Subject, store.MaxSubject), Blob: a.Blob, Truncated: a.Truncated, State: store.InboundStored,
	}
	t.addCount(countInbound, string(row.State), 1)
	err = errors.Join(
		t.countCame(row),
		t.putInbound(row),
		t.indexInbound(store.Inbound{}, row),
		t.indexHour(row),
		t.put(bInUIDs, uidKey(box, a.UIDValidity, a.UID), u64(id)),
		t.put(bInHashes, append(hashPrefix(box, a.Hash), u64(id)...), []byte{}),
		t.put(bInPending, pendingKey(box, row.ID), []byte{}),
	)
	if row.MessageID != "" {
		err = errors.Join(err, t.put(bInMessages, digestID(messageDigest(row.MessageID), id), []byte{}))
	}
	if row.Blob != "" {
		t.addCount(countRaw, "", int(row.Size))
		return row, errors.Join(err, t.reference(row.Blob))
	}
	t.addCount(countRaw, "", len(a.text))
	return row, errors.Join(err, t.put(bRaws, u64(id), a.text))
}

// QuarantineInbound implements store.Ledger.
func (s *Store) QuarantineInbound(
	ctx context.Context, now time.Time, id store.InboundID, reason string,
) (row store.Inbound, err error) {
	now = store.Instant(now)
	err = s.write(ctx, 0, func(t *txn) (err error) {
		row, err = t.quarantine(now, id, text.Cut(reason, store.MaxFault))
		return err
	})
	if err != nil {
		return store.Inbound{}, wrap("quarantine inbound", id, err)
	}
	return row, nil
}

func (t *txn) quarantine(now time.Time, id store.InboundID, reason string) (store.Inbound, error) {
	row, err := t.inbound(id)
	if err == nil && row.State != store.InboundStored {
		err = fmt.Errorf("%w: it is %s already", store.ErrConflict, row.State)
	}
	if err != nil {
		return row, err
	}
	row.Attempts++
	if row.Attempts < store.QuarantineAfter {
		return row, t.putInbound(row)
	}
	row.Fault, row.DecidedAt = reason, now
	if err := t.settle(&row, store.InboundQuarantined); err != nil {
		return row, err
	}
	return row, t.moveCursor(row.Mailbox, row.UIDValidity, row.UID)
}

// settle brings a stored row to its final state and writes it.
func (t *txn) settle(row *store.Inbound, state store.InboundState) error {
	box, err := t.mailbox(row.Mailbox)
	if err != nil {
		return err
	}
	from := row.State
	was := *row
	was.Verdict, was.Answer = store.Verdict{}, 0
	row.State = state
	t.addCount(countInbound, string(from), -1)
	t.addCount(countInbound, string(state), 1)
	return errors.Join(
		t.indexInbound(was, *row),
		t.delete(bInPending, pendingKey(box.Number, row.ID)),
		t.countSettled(*row),
		t.putInbound(*row),
	)
}

// Inbound implements store.Ledger.
func (s *Store) Inbound(ctx context.Context, id store.InboundID) (row store.Inbound, err error) {
	err = s.read(ctx, func(t *txn) (err error) {
		row, err = t.inbound(id)
		return err
	})
	return row, wrap("inbound", id, err)
}

// RawInbound implements store.Ledger.
func (s *Store) RawInbound(ctx context.Context, id store.InboundID) (raw []byte, err error) {
	var text []byte
	err = s.read(ctx, func(t *txn) error {
		text = bytes.Clone(t.value(bRaws, u64(uint64(id))))
		if text == nil {
			return store.ErrNotFound
		}
		return nil
	})
	if err == nil {
		raw, err = s.codec.unpack(text)
	}
	return raw, wrap("raw inbound", id, err)
}

// InboundByUID implements store.Ledger.
func (s *Store) InboundByUID(
	ctx context.Context, mailbox string, uidValidity, uid uint32,
) (row store.Inbound, err error) {
	err = s.read(ctx, func(t *txn) error {
		box, err := t.mailbox(mailbox)
		if err != nil {
			return err
		}
		id := t.value(bInUIDs, uidKey(box.Number, uidValidity, uid))
		if id == nil {
			return store.ErrNotFound
		}
		row, err = t.inbound(store.InboundID(readU64(id)))
		return err
	})
	return row, wrap("inbound by UID", uid, err)
}

// LatestInbound implements store.Ledger.
func (s *Store) LatestInbound(ctx context.Context, mailbox string) (row store.Inbound, err error) {
	err = s.read(ctx, func(t *txn) error {
		box, err := t.mailbox(mailbox)
		if err != nil {
			return err
		}
		epoch := uidKey(box.Number, box.UIDValidity, 0)[:8]
		err = t.walkBack(bInUIDs, epoch, beforeKey(epoch, 0), func(_, id []byte) (more bool, err error) {
			row, err = t.inbound(store.InboundID(readU64(id)))
			return false, err
		})
		if err == nil && row.ID == 0 {
			err = store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return store.Inbound{}, wrap("latest inbound of mailbox", strconv.Quote(mailbox), err)
	}
	return row, nil
}

// InboundByMessageID implements store.Ledger.
func (s *Store) InboundByMessageID(
	ctx context.Context, messageID string, p store.Page,
) (store.List[store.Inbound], error) {
	prefix := messageDigest(text.Cut(messageID, store.MaxMessageID))
	return readList(ctx, s, "inbounds by Message-ID, at most", p.Limit, p, listing[store.Inbound]{
		name: "mails of a Message-ID", bucket: bInMessages, prefix: prefix[:], back: true, read: inboundOfKey,
	})
}

// ListInbound implements store.Ledger.
func (s *Store) ListInbound(ctx context.Context, p store.Page) (store.List[store.Inbound], error) {
	return readList(ctx, s, "list inbounds, at most", p.Limit, p,
		listing[store.Inbound]{name: "ledger", bucket: bInbounds, back: true, read: inboundOfKey})
}

// PendingInbound implements store.Ledger.
func (s *Store) PendingInbound(
	ctx context.Context, mailbox string, p store.Page,
) (store.List[store.Inbound], error) {
	what := "pending inbounds of mailbox"
	return readPage(ctx, s, what, strconv.Quote(mailbox), p, func(t *txn) (l listing[store.Inbound], err error) {
		box, err := t.mailbox(mailbox)
		if err != nil {
			return l, err
		}
		return listing[store.Inbound]{
			name: "pending", bucket: bInPending, prefix: u32(box.Number), read: inboundOfKey,
		}, nil
	})
}

// inboundOfKey is the inbound that a key ends in.
func inboundOfKey(t *txn, key, _ []byte) (store.Inbound, error) {
	return t.inbound(store.InboundID(lastID(key)))
}
