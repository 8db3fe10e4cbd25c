package verbs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// The desk's lists. Each ticket but the canary's has one row in desk or desksolved, with
// all that a list filters by, so that a list reads none but the tickets that it shows.
// The keys are the order of the lists. A row is written here and not in CBOR: a list of
// twenty thousand tickets is read for each page and each count.
//
//	due(8)      its nearest deadline in microseconds, the highest for none
//	assignee(8)
//	flags(1)    deskTrouble, deskSeen
//	then each behind its length in one byte: status, priority, channel, region, category,
//	the number of its tags and each of them, number, address, name, title

const (
	deskTrouble = 1 << iota
	deskSeen
)

// deskRow is a row as it is read. Its slices die with the transaction.
type deskRow struct {
	assignee                            store.AgentID
	trouble, seen                       bool
	status                              store.Status
	priority, channel, region, category []byte
	tags, queried                       []byte // as they are in the row
}

// deskPlace is where a ticket's row lies, and the row; ok is false for one without.
func deskPlace(k store.Ticket) (b bucket, key, value []byte, ok bool) {
	if k.ID == 0 || k.Channel == store.ChannelCanary {
		return 0, nil, nil, false
	}
	value = deskBytes(k)
	if !k.Status.Waits() {
		return bDeskSolved, instantID(k.ChangedAt, uint64(k.ID)), value, true
	}
	calm := byte(1)
	if k.InTrouble() {
		calm = 0
	}
	key = append(append(make([]byte, 0, 17), calm), value[:8]...)
	return bDesk, binary.BigEndian.AppendUint64(key, uint64(k.ID)), value, true
}

// nearest is the first of a ticket's deadlines, zero for none.
func nearest(k store.Ticket) (due time.Time) {
	for _, d := range k.Deadlines() {
		if due.IsZero() || d.Due.Before(due) {
			due = d.Due
		}
	}
	return due
}

func deskBytes(k store.Ticket) []byte {
	due, flags := int64(math.MaxInt64), byte(0)
	if first := nearest(k); !first.IsZero() {
		due = max(first.UnixMicro(), 0)
	}
	if k.InTrouble() {
		flags |= deskTrouble
	}
	if !k.SeenAt.IsZero() {
		flags |= deskSeen
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 160), uint64(due))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Assignee))
	b = append(b, flags)
	for _, s := range []string{string(k.Status), string(k.Priority), string(k.Channel), k.Region, k.Category} {
		b = appendShort(b, s)
	}
	b = append(b, byte(len(k.Tags)))
	for _, tag := range k.Tags {
		b = appendShort(b, tag)
	}
	for _, s := range []string{k.Number, k.Requester.Email, k.Requester.Name, text.Cut(k.Title, store.MaxQueried)} {
		b = appendShort(b, strings.ToLower(text.Cut(s, store.MaxQueried)))
	}
	return b
}

// appendShort appends at most 255 bytes of a text behind their number.
func appendShort(b []byte, s string) []byte {
	s = text.Cut(s, math.MaxUint8)
	return append(append(b, byte(len(s))), s...)
}

var errDeskRow = errors.New("a row of the desk that does not read")

func readDeskRow(value []byte) (r deskRow, err error) {
	if len(value) < 18 {
		return r, errDeskRow
	}
	r.assignee = store.AgentID(readU64(value[8:]))
	r.trouble, r.seen = value[16]&deskTrouble != 0, value[16]&deskSeen != 0
	status, rest, err := cutShort(value[17:])
	if err != nil {
		return r, err
	}
	r.status = statusNamed(status)
	for _, field := range []*[]byte{&r.priority, &r.channel, &r.region, &r.category} {
		if *field, rest, err = cutShort(rest); err != nil {
			return r, err
		}
	}
	if len(rest) == 0 {
		return r, errDeskRow
	}
	n, tags := int(rest[0]), rest[1:]
	rest = tags
	for range n {
		if _, rest, err = cutShort(rest); err != nil {
			return r, err
		}
	}
	r.tags, r.queried = tags[:len(tags)-len(rest)], rest
	return r, nil
}

// statusNamed is the status of that name, without making a text of it.
func statusNamed(name []byte) store.Status {
	for _, s := range []store.Status{store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusSolved} {
		if string(name) == string(s) {
			return s
		}
	}
	return store.Status(name)
}

func cutShort(b []byte) (field, rest []byte, err error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, errDeskRow
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], nil
}

// moveOnDesk brings the row from that of a ticket as it was to that of what it is now.
func (t *txn) moveOnDesk(was, is store.Ticket) error {
	fromB, fromKey, fromValue, from := deskPlace(was)
	toB, toKey, toValue, to := deskPlace(is)
	stays := from && to && fromB == toB && bytes.Equal(fromKey, toKey)
	if stays && bytes.Equal(fromValue, toValue) {
		return nil
	}
	if from && !stays {
		if err := t.delete(fromB, fromKey); err != nil {
			return err
		}
	}
	if !to {
		return nil
	}
	return t.put(toB, toKey, toValue)
}

// onDesk wants the row of a ticket.
func (c *checker) onDesk(k store.Ticket) {
	if b, key, value, ok := deskPlace(k); ok {
		c.want(b, key, value, "ticket", k.ID)
	}
}
