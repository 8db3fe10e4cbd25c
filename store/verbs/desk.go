package verbs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// What the desk reads: a ticket by its number, its thread, the lists and their counts.

// DeskTicket implements store.Desk.
func (s *Store) DeskTicket(ctx context.Context, by store.Actor, number string) (store.Ticket, error) {
	return s.TicketByNumber(ctx, by, store.ActReadTicket, number)
}

// numbered finds a ticket by its number.
func (t *txn) numbered(number string) (store.TicketID, error) {
	prefix, counter, ok := parseNumber(number)
	if !ok {
		return 0, store.ErrNotFound
	}
	id := t.value(bNumbers, numberKey(prefix, counter))
	if id == nil {
		return 0, store.ErrNotFound
	}
	return store.TicketID(readU64(id)), nil
}

// Thread implements store.Desk.
func (s *Store) Thread(
	ctx context.Context, by store.Actor, id store.TicketID, p store.Page,
) (store.List[store.Entry], error) {
	return readPage(ctx, s, "thread of ticket", id, p, func(t *txn) (listing[store.Entry], error) {
		_, err := t.deskTicket(by, store.ActReadTicket, id)
		return listing[store.Entry]{
			name: "thread", bucket: bTickets, prefix: underTicket(id, ofTicketEntry),
			read: func(t *txn, key, value []byte) (store.Entry, error) {
				return t.codec.entry(id, entrySeq(key), value)
			},
		}, err
	})
}

// DeskTickets implements store.Desk.
func (s *Store) DeskTickets(
	ctx context.Context, by store.Actor, f store.TicketFilter, p store.Page,
) (found store.List[store.DeskRow], err error) {
	if err = checkFilter(f); err == nil {
		err = store.May(by, store.ActReadTicket, store.Anything())
	}
	if err == nil {
		err = s.read(ctx, func(t *txn) (err error) {
			found, err = t.deskTickets(newWanted(by, f), p)
			return err
		})
	}
	if err != nil {
		return store.List[store.DeskRow]{}, wrap("tickets of the desk, view", f.View, err)
	}
	return found, nil
}

func checkFilter(f store.TicketFilter) error {
	if f.View != "" && !slices.Contains(store.Views(), f.View) {
		return invalid("there is no such view")
	}
	if len(f.Query) > store.MaxField {
		return invalid("the query is longer than 16 KiB")
	}
	return nil
}

// The parts of a list, the first byte of its places.
const (
	partUnsolved = 'u'
	partSolved   = 's'
	partOfOne    = 'a' // those solved of one address
)

// deskTickets walks the tickets to be solved in the order of their rows, and behind them
// the solved ones, as far as the view shows them.
func (t *txn) deskTickets(w *wanted, p store.Page) (found store.List[store.DeskRow], err error) {
	names := list{"desk", []byte(fmt.Sprintf("%d %+v", w.by.Agent, w.TicketFilter))}
	place, err := names.begin(p)
	if err != nil {
		return found, err
	}
	if id, err := t.numbered(strings.TrimSpace(w.Query)); err == nil {
		found.Items, err = t.deskOne(w, id)
		return found, err
	}
	walk := deskWalk{txn: t, wanted: w, limit: p.Limit}
	if w.looksAtUnsolved() && (place == nil || place[0] == partUnsolved) {
		var from []byte
		if place != nil {
			from = append(slices.Clone(place[1:]), 0)
		}
		walk.part, walk.most = partUnsolved, store.DeskLooked
		err = t.walk(bDesk, nil, from, walk.visit)
		place = nil
	}
	if err == nil && w.looksAtSolved() && walk.next == nil {
		err = walk.solved(place)
	}
	if err != nil {
		return found, err
	}
	if walk.next != nil {
		found.Next, found.Stopped = names.cursor(walk.next), walk.stopped
	}
	found.Items, err = t.deskItems(w.by, walk.ids)
	return found, err
}

// deskWalk gathers the tickets of one page.
type deskWalk struct {
	*txn
	wanted  *wanted
	part    byte
	limit   int
	ids     []store.TicketID
	most    int // to look at
	looked  int
	last    []byte // the place looked at last
	next    []byte // the place before the next page; nil while there is none
	stopped bool
}

// solved walks the solved tickets behind a place: where one address is asked for that
// has tickets, the tickets of that address.
func (d *deskWalk) solved(place []byte) error {
	d.most, d.looked = store.SearchLooked, 0
	who := digestOf(store.AddressKey(d.wanted.Query))
	if key, _ := d.first(bRequesters, who[:]); key != nil {
		d.part = partOfOne
		before := uint64(0)
		if place != nil {
			before = readU64(place[1:])
		}
		return d.walkBack(bRequesters, who[:], beforeKey(who[:], before), func(key, _ []byte) (bool, error) {
			k, err := d.ticket(store.TicketID(readU64(key[len(who):])))
			if b, _, row, ok := deskPlace(k); err == nil && ok && b == bDeskSolved {
				return d.visit(key[len(who):], row)
			}
			return true, err
		})
	}
	d.part = partSolved
	before := beforeKey(nil, 0)
	if place != nil {
		before = slices.Clone(place[1:])
	}
	return d.walkBack(bDeskSolved, nil, before, d.visit)
}

// deskOne lists the ticket of a number that was asked for, where the rest of the filter
// wants it.
func (t *txn) deskOne(w *wanted, id store.TicketID) ([]store.DeskRow, error) {
	k, err := t.ticket(id)
	if err != nil {
		return nil, err
	}
	_, _, row, ok := deskPlace(k)
	if !ok {
		return nil, nil
	}
	r, err := readDeskRow(row)
	if err != nil || !w.fits(&r) {
		return nil, err
	}
	return t.deskItems(w.by, []store.TicketID{id})
}

func (d *deskWalk) visit(key, value []byte) (bool, error) {
	if d.looked == d.most {
		d.next, d.stopped = d.last, true
		return false, nil
	}
	d.looked++
	fits, err := d.wanted.fitsRow(value)
	if err != nil {
		return false, wrap("ticket", readU64(key[len(key)-8:]), err)
	}
	if fits && len(d.ids) == d.limit {
		d.next = d.last
		return false, nil
	}
	if fits {
		d.ids = append(d.ids, store.TicketID(readU64(key[len(key)-8:])))
	}
	if fits || len(d.ids) < d.limit {
		d.last = append(append(d.last[:0], d.part), key...)
	}
	return true, nil
}

// deskItems reads the tickets of a page.
func (t *txn) deskItems(by store.Actor, ids []store.TicketID) ([]store.DeskRow, error) {
	rows := make([]store.DeskRow, 0, len(ids))
	for _, id := range ids {
		k, err := t.ticket(id)
		if err != nil {
			return nil, wrap("ticket", id, err)
		}
		row := store.DeskRow{Ticket: k, Due: nearest(k), Unread: t.readUpTo(by, id) < k.Version}
		e, err := t.entryAt(id, k.Version)
		if err != nil {
			return nil, wrap("ticket", id, err)
		}
		row.Words, row.Last = firstWords(e.Body), e.Kind
		rows = append(rows, row)
	}
	return rows, nil
}

const wordsShown = 200

// firstWords are the first words of a text on one line.
func firstWords(body string) string {
	return text.Cut(strings.Join(strings.Fields(text.Cut(body, 4*wordsShown)), " "), wordsShown)
}

// DeskCounts implements store.Desk.
func (s *Store) DeskCounts(ctx context.Context, by store.Actor) (counts store.DeskCounts, err error) {
	if err = store.May(by, store.ActReadTicket, store.Anything()); err == nil {
		err = s.read(ctx, func(t *txn) (err error) {
			counts, err = t.deskCounts(by, s.unsolved)
			return err
		})
	}
	if err != nil {
		return store.DeskCounts{}, wrap("counts of the desk for agent", by.Agent, err)
	}
	return counts, nil
}

func (t *txn) deskCounts(by store.Actor, once *countedOnce) (store.DeskCounts, error) {
	counts := store.DeskCounts{Views: map[store.View]map[string]uint64{}}
	for _, v := range countedViews() {
		counts.Views[v] = map[string]uint64{}
	}
	found, err := once.unsolved(t)
	if err != nil {
		return counts, err
	}
	counts.Stopped = found.stopped
	found.add(by, counts)
	return counts, t.countSolved(by, counts)
}

// countSolved adds the solved tickets, which are all but those to be solved.
func (t *txn) countSolved(by store.Actor, counts store.DeskCounts) error {
	kind := []byte{countTicket}
	return t.walk(bCounts, kind, kind, func(key, value []byte) (bool, error) {
		region := string(key[1:])
		if region == store.OwnRegion || !by.Sees(region) {
			return true, nil
		}
		all, unsolved := readU64(value), counts.Views[""][region]
		if all > 0 {
			counts.Views[store.ViewAll][region] = all
		}
		if all > unsolved && !counts.Stopped {
			counts.Views[store.ViewSolved][region] = all - unsolved
		}
		return true, nil
	})
}

// MarkRead implements store.Desk.
func (s *Store) MarkRead(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, seq uint32,
) error {
	now = store.Instant(now)
	err := checkReader(by)
	if err == nil {
		err = s.act(ctx, deed{now, by, store.ActReadTicket, ticketID(id)}, 0, func(t *txn) error {
			return t.markRead(now, by, id, seq)
		})
	}
	return wrap("mark read, ticket", id, err)
}

func checkReader(by store.Actor) error {
	if by.Agent == 0 {
		return invalid("only an agent reads")
	}
	return nil
}

func (t *txn) markRead(now time.Time, by store.Actor, id store.TicketID, seq uint32) error {
	k, err := t.deskTicket(by, store.ActReadTicket, id)
	if err != nil {
		return err
	}
	if k.SeenAt.IsZero() {
		opened(&k, now)
		if err := t.putTicket(k); err != nil {
			return err
		}
	}
	return t.hasRead(by, id, min(seq, k.Entries))
}

// hasRead notes that an agent has read a thread up to an entry.
func (t *txn) hasRead(by store.Actor, id store.TicketID, seq uint32) error {
	if by.Agent == 0 || seq <= t.readUpTo(by, id) {
		return nil
	}
	return t.put(bReads, pair64(uint64(id), uint64(by.Agent)), u32(seq))
}

func (t *txn) readUpTo(by store.Actor, id store.TicketID) uint32 {
	return readU32(t.value(bReads, pair64(uint64(id), uint64(by.Agent))))
}

// reads checks that what agents have read is there.
func (c *checker) reads() error {
	return c.each(bReads, func(key, value []byte) error {
		k, err := c.ticket(store.TicketID(readU64(key)))
		if err != nil || readU32(value) > k.Entries {
			c.fault("agent %d has read ticket %d up to entry %d: %v", readU64(key[8:]), readU64(key), readU32(value), err)
		}
		return nil
	})
}

// ReadUpTo implements store.Desk.
func (s *Store) ReadUpTo(ctx context.Context, by store.Actor, id store.TicketID) (seq uint32, err error) {
	if err = checkReader(by); err == nil {
		err = s.read(ctx, func(t *txn) error {
			_, err := t.deskTicket(by, store.ActReadTicket, id)
			seq = t.readUpTo(by, id)
			return err
		})
	}
	if err != nil {
		return 0, wrap("read up to, ticket", id, err)
	}
	return seq, nil
}
