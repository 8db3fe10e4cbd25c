package verbs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

// Parts of threads, read from their end: what a page shows of a ticket does not take longer
// the more was written before.

// ThreadBefore implements store.Desk.
func (s *Store) ThreadBefore(
	ctx context.Context, by store.Actor, id store.TicketID, before uint32, most int,
) (part store.ThreadPart, err error) {
	all := func(store.Entry) bool { return true }
	if err = checkPart(most); err == nil {
		err = s.read(ctx, func(t *txn) (err error) {
			if part.Ticket, err = t.deskTicket(by, store.ActReadTicket, id); err != nil {
				return err
			}
			part.Read = t.readUpTo(by, id)
			if part.Entries, err = t.entriesBefore(id, before, most, all); err == nil {
				part.Mails, err = t.mailsOfPart(id, part.Entries)
			}
			return err
		})
	}
	if err != nil {
		return store.ThreadPart{}, wrap("part of thread, ticket", id, err)
	}
	return part, nil
}

// ShownBefore implements store.Tickets.
func (s *Store) ShownBefore(
	ctx context.Context, now time.Time, id store.TicketID, before uint32, most int,
) (part store.ThreadPart, err error) {
	shown := func(e store.Entry) bool { return e.ShownAt(store.Instant(now)) }
	if err = checkPart(most); err == nil {
		err = s.read(ctx, func(t *txn) (err error) {
			if part.Ticket, err = t.ticket(id); err != nil {
				return err
			}
			if part.Entries, err = t.entriesBefore(id, before, most, shown); err == nil {
				part.Mails, err = t.mailsOfPart(id, part.Entries)
			}
			return err
		})
	}
	if err != nil {
		return store.ThreadPart{}, wrap("part of thread, ticket", id, err)
	}
	return part, nil
}

func checkPart(most int) error {
	if most < 1 || most > store.MaxPage {
		return invalid(fmt.Sprintf("%d entries; from 1 to %d can be asked for", most, store.MaxPage))
	}
	return nil
}

// entriesBefore are the last entries that are wanted in front of one, 0 for the thread's end,
// in their order.
func (t *txn) entriesBefore(
	id store.TicketID, before uint32, most int, wanted func(store.Entry) bool,
) (all []store.Entry, err error) {
	looked := 0
	prefix := underTicket(id, ofTicketEntry)
	start := entryKey(id, before)
	if before == 0 {
		start = beforeKey(prefix, 0)
	}
	err = t.walkBack(bTickets, prefix, start, func(key, value []byte) (bool, error) {
		e, err := t.codec.entry(id, entrySeq(key), value)
		if err != nil {
			return false, err
		}
		if wanted(e) {
			all = append(all, e)
		}
		looked++
		return len(all) < most && looked < store.SearchLooked, nil
	})
	slices.Reverse(all)
	return all, err
}

// mailsOfPart are the mails of the replies among the entries, and those that its events tell
// of. A reply's own mail is older than all that it went out as later.
func (t *txn) mailsOfPart(id store.TicketID, entries []store.Entry) (all []store.Outbound, err error) {
	told := map[store.OutboundID]bool{}
	first := store.OutboundID(0) // of the replies
	for _, e := range entries {
		if e.Kind == store.EntryReply && (first == 0 || e.Outbound < first) {
			first = e.Outbound
		}
		told[e.Outbound] = e.Outbound != 0
	}
	if first != 0 {
		from := entries[0].Seq
		to := entries[len(entries)-1].Seq
		prefix := underTicket(id, ofTicketMail)
		err = t.walk(bTickets, prefix, ticketMailKey(id, first), func(key, value []byte) (bool, error) {
			row, err := outboundOfKey(t, key, value)
			if err == nil && (told[row.ID] || row.Entry >= from && row.Entry <= to) {
				all = append(all, row)
				told[row.ID] = false
			}
			return true, err
		})
	}
	for mail, wanted := range told {
		if wanted && err == nil {
			var row store.Outbound
			row, err = t.outbound(mail)
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b store.Outbound) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

// mailsNamed are those of a ticket's mails that its next one to its requester names
// (store.References), in their order: the first and the last ones.
func (t *txn) mailsNamed(k store.Ticket) (all []store.Outbound, err error) {
	prefix := underTicket(k.ID, ofTicketMail)
	most := store.MaxReferences
	visit := func(key, value []byte) (bool, error) {
		row, err := outboundOfKey(t, key, value)
		if named, _ := store.References(k, []store.Outbound{row}, k.Requester.Email); named != "" && err == nil {
			all = append(all, row)
		}
		return err == nil && len(all) < most, err
	}
	if err = t.walkBack(bTickets, prefix, beforeKey(prefix, 0), visit); err != nil {
		return nil, err
	}
	if len(all) == most { // the first one may be older still
		most++
		err = t.walk(bTickets, prefix, prefix, visit)
	}
	if n := len(all); n > 1 && all[n-1].ID == all[n-2].ID {
		all = all[:n-1]
	}
	slices.Reverse(all)
	return all, err
}
