package verbs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// Who may be named as a colleague of a ticket, and by whom.

// checkColleague looks at what AddColleague was called with.
func checkColleague(now time.Time, by store.Actor, n store.NewColleague) error {
	byStaff := by.Kind != store.ActorPartner
	switch {
	case store.Domain(n.Email) == "" || len(n.Email) > store.MaxFrom:
		return invalid("it needs an address")
	case byStaff && strings.TrimSpace(n.Reason) == "":
		return invalid("it needs a reason")
	case len(n.Reason) > store.MaxReason || !text.IsValid(n.Reason):
		return invalid("the reason is longer than 500 bytes, or no valid text")
	case badName(n.Lang):
		return invalid("the language is no name")
	}
	return checkMailing(now, n.Mailing)
}

// mayName refuses who may not be named.
func mayName(k store.Ticket, by store.Actor, n store.NewColleague, now time.Time) error {
	known := named(k, n.Email)
	taking := known.Number != 0 && known.State() != store.ColleagueRevoked
	switch {
	case n.Region.ID != k.Region:
		return invalid("the region is not the ticket's")
	case k.StatusAt(now) == store.StatusClosed:
		return store.ErrClosed
	case store.AnswerKey(n.Email) == store.AnswerKey(k.Requester.Email):
		return invalid("it is the requester's own address")
	case store.AnswerKey(n.Email) == store.AnswerKey(n.Region.Address):
		return invalid("it is the region's own address")
	case known.Left && by.Kind == store.ActorPartner:
		return store.ErrColleagueLeft
	case !taking && (known.Number == 0 && len(k.Colleagues) >= store.MaxNamed || takingPart(k) >= store.MaxColleagues):
		return store.ErrColleaguesFull
	}
	return nil
}

// named is the colleague of an address, removed ones among them; zero without one.
func named(k store.Ticket, address string) store.Colleague {
	for _, c := range k.Colleagues {
		if store.AddressKey(c.Email) == store.AddressKey(address) {
			return c
		}
	}
	return store.Colleague{}
}

func takingPart(k store.Ticket) (n int) {
	for _, c := range k.Colleagues {
		if c.State() != store.ColleagueRevoked {
			n++
		}
	}
	return n
}

// invited is the colleague that k has once n was named: the one who takes part already, with
// another link, or one who begins anew.
func invited(k store.Ticket, by store.Actor, n store.NewColleague, now time.Time) store.Colleague {
	c := named(k, n.Email)
	if c.Number != 0 && c.State() != store.ColleagueRevoked {
		c.Link = n.Mailing.Link
		return c
	}
	fresh := store.Colleague{
		Number: c.Number, Email: n.Email, Lang: n.Lang, By: by.Kind, Agent: by.Agent, Reason: n.Reason, NamedAt: now,
		Link: n.Mailing.Link,
	}
	if fresh.Lang == "" {
		fresh.Lang = k.Requester.Lang
	}
	if fresh.Number == 0 {
		fresh.Number = uint32(len(k.Colleagues)) + 1
	}
	return fresh
}

// putColleague puts c in its place among the colleagues of k, which is still to be put.
func putColleague(k *store.Ticket, c store.Colleague) {
	i := slices.IndexFunc(k.Colleagues, func(o store.Colleague) bool { return o.Number == c.Number })
	if i < 0 {
		k.Colleagues = append(k.Colleagues, c)
		return
	}
	k.Colleagues[i] = c
}

// inPlace is a ticket with a colleague in the place of its requester, for what is mailed to
// them.
func inPlace(k store.Ticket, c store.Colleague) store.Ticket {
	k.Requester = store.Contact{Email: c.Email, Lang: c.Lang}
	k.Link, k.ProvenAt = c.Link, c.ProvenAt
	return k
}

// mayLeave tells whether d's reader may remove the colleague of that number: the requester
// any, once their address is proven, and a colleague themselves.
func mayLeave(d store.Door, number uint32) error {
	switch {
	case d.OfColleague() && number != d.Colleague.Number:
		return fmt.Errorf("%w: a colleague removes themselves alone", store.ErrForbidden)
	case !d.OfColleague() && !d.Proven():
		return errUnproven
	}
	return nil
}

// errUnproven: the requester has not shown yet that the address is theirs.
var errUnproven = fmt.Errorf("%w: the address is not proven", store.ErrForbidden)

type colleagueRecord struct {
	Number  uint32 `cbor:"1,keyasint"`
	Email   string `cbor:"2,keyasint"`
	Lang    string `cbor:"3,keyasint,omitempty"`
	By      string `cbor:"4,keyasint"`
	Agent   uint64 `cbor:"5,keyasint,omitempty"`
	Reason  string `cbor:"6,keyasint,omitempty"`
	Named   int64  `cbor:"7,keyasint"`
	Proven  int64  `cbor:"8,keyasint,omitempty"`
	Removed int64  `cbor:"9,keyasint,omitempty"`
	Left    bool   `cbor:"10,keyasint,omitempty"`
	Link    []byte `cbor:"11,keyasint"`
}

func newColleagueRecords(all []store.Colleague) (records []colleagueRecord) {
	for _, c := range all {
		records = append(records, colleagueRecord{
			c.Number, c.Email, c.Lang, string(c.By), uint64(c.Agent), c.Reason, micros(c.NamedAt), micros(c.ProvenAt),
			micros(c.RemovedAt), c.Left, c.Link[:],
		})
	}
	return records
}

func (r colleagueRecord) colleague() store.Colleague {
	c := store.Colleague{
		Number: r.Number, Email: r.Email, Lang: r.Lang, By: store.ActorKind(r.By), Agent: store.AgentID(r.Agent),
		Reason: r.Reason, NamedAt: instant(r.Named), ProvenAt: instant(r.Proven), RemovedAt: instant(r.Removed), Left: r.Left,
	}
	copy(c.Link[:], r.Link)
	return c
}
