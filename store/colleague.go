package store

import (
	"context"
	"fmt"
	"time"
)

// Colleagues are the verbs around those who take part in a ticket beside its requester.
// Each has a link of their own to its page, which knows them: what is done there is theirs.
// Before they act on it they get nothing but the invitation, which holds no word of the
// ticket; from then on each reply as a mail of their own.
type Colleagues interface {
	// AddColleague names a colleague and mails them the invitation, in one transaction, with
	// an EventColleagueAdded. It is the requester's right once their address is proven, and
	// that of staff, who give a reason. One who is there already stays as they are, and is
	// mailed only where their link opens nothing any more. One who was removed is invited
	// anew; one who left, by staff alone.
	//
	// Where the mail is withheld (its address is suppressed, a budget of n.Budgets is
	// spent), nothing is written, and Invited.Mail is what would have been queued: without
	// an id, in StateSuppressed, with its Reason.
	//
	// ErrNotFound as TicketByLink, and for a ticket that staff may not see; ErrForbidden for
	// a colleague, and for a requester whose address is not proven; ErrClosed for a closed
	// ticket; ErrColleaguesFull and ErrColleagueLeft; ErrInvalid without an address, for the
	// requester's and the region's own, without a reason of staff, for one longer than
	// MaxReason, and for a link or a Message-ID in use.
	AddColleague(ctx context.Context, now time.Time, by Actor, n NewColleague) (Invited, error)
	// RemoveColleague shuts a colleague's door and ends what waits to be mailed to them
	// (RuleRemoved), also what is under way once it would be tried again. The requester and
	// staff remove any, with an EventColleagueRemoved; a colleague removes themselves alone,
	// proven or not, with an EventColleagueLeft. Of one who is removed nothing changes.
	// ErrNotFound as AddColleague and for a number that the ticket has not given out;
	// ErrForbidden for a colleague who would remove another, and as AddColleague.
	RemoveColleague(ctx context.Context, now time.Time, by Actor, r Removal) (Ticket, error)
	// Door returns what an unexpired, unrevoked link opens, and to whom: the link is the right.
	Door(ctx context.Context, now time.Time, link LinkID) (Door, error)
}

// Colleague is one who takes part in a ticket beside its requester.
type Colleague struct {
	Number uint32 // within the ticket, from 1; one who is named again keeps it
	Email  string
	Lang   string // BCP 47: of what is mailed to them
	// By is who named them, Agent which one of staff, and Reason why those did.
	By        ActorKind
	Agent     AgentID
	Reason    string
	NamedAt   time.Time
	ProvenAt  time.Time // when they first acted on their page, zero before
	RemovedAt time.Time // zero while they take part
	Left      bool      // they removed themselves
	Link      LinkID
}

// ColleagueState is where a colleague stands.
type ColleagueState string

// The states of a colleague.
const (
	ColleagueInvited ColleagueState = "invited" // they have not acted yet
	ColleagueActs    ColleagueState = "acts"
	ColleagueRevoked ColleagueState = "revoked" // removed, by another or by themselves
)

// State is where the colleague stands.
func (c Colleague) State() ColleagueState {
	switch {
	case !c.RemovedAt.IsZero():
		return ColleagueRevoked
	case c.ProvenAt.IsZero():
		return ColleagueInvited
	}
	return ColleagueActs
}

const (
	// MaxColleagues is how many take part in a ticket at a time, MaxNamed how many are
	// ever named in one.
	MaxColleagues = 10
	MaxNamed      = 30
	// MaxReason is how long the reason of staff may be, in bytes.
	MaxReason = 500
)

// RuleRemoved is why a mail is not sent to a colleague: they were removed.
const RuleRemoved = "colleague-removed"

// ErrColleaguesFull: as many take part in the ticket, or were named in it, as may. It is an
// ErrConflict, as is ErrColleagueLeft: they asked not to be mailed about the ticket.
var (
	ErrColleaguesFull = fmt.Errorf("%w: the ticket has as many colleagues as it may", ErrConflict)
	ErrColleagueLeft  = fmt.Errorf("%w: the colleague left the ticket", ErrConflict)
)

// NewColleague is what AddColleague needs.
type NewColleague struct {
	Ticket TicketID // zero for a partner: the one behind Link
	Link   LinkID   // by which a partner's page was opened; zero for staff
	Email  string
	Lang   string // "": the requester's
	Reason string // of staff, for staff
	Mailing
}

// Invited is the result of AddColleague. Mail is zero where nothing was to be mailed.
type Invited struct {
	Ticket    Ticket
	Colleague Colleague
	Mail      Outbound
}

// Removal is what RemoveColleague needs; Ticket and Link as in NewColleague.
type Removal struct {
	Ticket TicketID
	Link   LinkID
	Number uint32 // Colleague.Number; 0: of a colleague's link, their own
}

// Door is what a mailed link opens: a ticket, to its requester or to one of its colleagues.
type Door struct {
	Ticket    Ticket
	Colleague Colleague // zero: the requester's door
}

// Proven tells whether who the door is for has acted behind it.
func (d Door) Proven() bool {
	if d.OfColleague() {
		return !d.Colleague.ProvenAt.IsZero()
	}
	return !d.Ticket.ProvenAt.IsZero()
}

// OfColleague tells whether the door is a colleague's.
func (d Door) OfColleague() bool { return d.Colleague.Number != 0 }

// Email is the address that the door was mailed to.
func (d Door) Email() string {
	if d.OfColleague() {
		return d.Colleague.Email
	}
	return d.Ticket.Requester.Email
}

// Lang is the language of what is mailed there.
func (d Door) Lang() string {
	if d.OfColleague() {
		return d.Colleague.Lang
	}
	return d.Ticket.Requester.Lang
}

// Colleague finds one of the ticket's colleagues, removed ones among them.
func (k Ticket) Colleague(number uint32) (Colleague, bool) {
	for _, c := range k.Colleagues {
		if c.Number == number && number != 0 {
			return c, true
		}
	}
	return Colleague{}, false
}

// InCopy are the colleagues who get each reply.
func (k Ticket) InCopy() (acting []Colleague) {
	for _, c := range k.Colleagues {
		if c.State() == ColleagueActs {
			acting = append(acting, c)
		}
	}
	return acting
}

// CopyID is what a colleague's copy of a mail is made from, minted by the caller
// (store/ident): a verb that mails one to each colleague takes MaxColleagues of them.
type CopyID struct {
	MessageID string
	Link      LinkID // in the place of the colleague's own where that opens nothing any more
}
