package verbs

import (
	"bytes"
	"encoding/binary"
	"slices"

	"signpost/store"
)

// The mails to an address are found by two indexes: those that do not go to their
// ticket's requester by their recipient, the others by their tickets. An address may
// have any number of tickets, so the list goes through them in parts.

// ticketPart is a part of an address's tickets, and how far its mails were listed.
type ticketPart struct {
	below  uint64 // its tickets have ids below it; 0: it begins with the newest
	bottom uint64 // and from this one on
	before uint64 // its mails are listed from this id on, exclusive; 0: none was
	ids    []uint64
	more   bool // there are tickets with lower ids
}

func (p ticketPart) place() []byte {
	place := binary.BigEndian.AppendUint64(make([]byte, 0, 24), p.below)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(place, p.bottom), p.before)
}

// ticketPart reads the part that a place in the list lies in, nil for the first.
func (t *txn) ticketPart(who digest, place []byte) (p ticketPart, err error) {
	if len(place) == 24 {
		p.below, p.bottom, p.before = readU64(place), readU64(place[8:]), readU64(place[16:])
	}
	begun := p.bottom != 0
	err = t.walkBack(bRequesters, who[:], beforeKey(who[:], p.below), func(key, _ []byte) (bool, error) {
		id := lastID(key)
		if begun && id < p.bottom || !begun && len(p.ids) == store.TicketsLooked {
			p.more = true
			return false, nil
		}
		p.ids = append(p.ids, id)
		return true, nil
	})
	if !begun && len(p.ids) > 0 {
		p.bottom = p.ids[len(p.ids)-1]
	}
	return p, err
}

// next are the newest mails of the part that were not listed, newest first, at most so
// many; those to other addresses among them.
func (p ticketPart) next(t *txn, who digest, most int) (ids []uint64, err error) {
	add := func(b bucket, prefix []byte) error {
		n := 0
		return t.walkBack(b, prefix, beforeKey(prefix, p.before), func(key, _ []byte) (bool, error) {
			if n++; n > most {
				return false, nil
			}
			ids = append(ids, lastID(key))
			return true, nil
		})
	}
	if p.below == 0 {
		err = add(bOutRecipients, who[:])
	}
	for _, ticket := range p.ids {
		if err == nil {
			err = add(bTickets, underTicket(store.TicketID(ticket), ofTicketMail))
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids[:min(len(ids), most)], err
}

// outboundsTo reads a page of the mails to an address.
func (t *txn) outboundsTo(who digest, p store.Page) (found store.List[store.Outbound], err error) {
	names := list{"mails to an address", bytes.Clone(who[:])}
	place, err := names.begin(p)
	if err != nil {
		return found, err
	}
	part, err := t.ticketPart(who, place)
	for looked := 0; err == nil && looked < store.SearchLooked; {
		ids, err := part.next(t, who, p.Limit+1)
		if err != nil {
			return found, err
		}
		for _, id := range ids {
			row, err := t.outbound(store.OutboundID(id))
			if err != nil {
				return found, err
			}
			if digestOf(store.AddressKey(row.To)) == who {
				if len(found.Items) == p.Limit {
					found.Next = names.cursor(part.place())
					return found, nil
				}
				found.Items = append(found.Items, row)
			}
			part.before = id
		}
		if looked += len(ids); len(ids) <= p.Limit {
			if !part.more {
				return found, nil
			}
			part = ticketPart{below: part.bottom}
			break
		}
	}
	found.Next, found.Stopped = names.cursor(part.place()), len(found.Items) < p.Limit
	return found, err
}
