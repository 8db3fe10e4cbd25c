package store

import (
	"context"
	"time"
)

// Links are the verbs around the mailed link of a ticket's page: what acting on
// that page proves, and how a partner comes to a new link or to another address.
type Links interface {
	// ProveAddress marks the requester's address of the ticket behind link as
	// proven; of one that is, nothing changes. Of a colleague's link it is their address,
	// which an EventColleagueJoined tells. ErrNotFound as TicketByLink.
	ProveAddress(ctx context.Context, now time.Time, by Actor, link LinkID) (Ticket, error)
	// RenewLink gives the ticket behind link a new one, mails it to the requester
	// (MailLinks, in the thread of the confirmation) and revokes every earlier one of theirs,
	// but no colleague's; it proves the address as AppendMessage does. Where the mail is withheld (its address
	// is suppressed, a budget of m.Budgets is spent), nothing is written, and
	// Confirmation is what would have been queued: without an id, in
	// StateSuppressed, with its Reason. ErrNotFound as TicketByLink; ErrInvalid
	// for a link or a Message-ID in use.
	RenewLink(ctx context.Context, now time.Time, by Actor, link LinkID, m Mailing) (Opened, error)
	// LinksUntil is when the last link ends that was minted before an instant and opens
	// something yet; zero for none. It looks at all of them.
	LinksUntil(ctx context.Context, now, minted time.Time) (time.Time, error)
	// RevokeLinks makes every link to the ticket's page open nothing from now on, those of
	// colleagues among them.
	// ErrNotFound for an unknown ticket.
	RevokeLinks(ctx context.Context, now time.Time, by Actor, id TicketID) error
	// MailLinks mails to n.Address one mail with the links of its newest
	// MailedLinks tickets that are not older than n.Since; a ticket whose link
	// opens nothing any more is given one of n.Fresh. It charges n.Budgets also
	// where the address has no ticket, so that an answer takes as long for one
	// that is known as for one that is not. It returns a zero Outbound, and no
	// error, where nothing is mailed: no ticket, a budget spent, the address
	// suppressed. ErrInvalid for a link or a Message-ID in use, and for fewer
	// fresh links than MailedLinks.
	MailLinks(ctx context.Context, now time.Time, n LinkRequest) (Outbound, error)
	// ChangeRequester gives a ticket another requester's address: unproven, with
	// a new link and a new confirmation, which is queued, throttled or suppressed as
	// in OpenTicket. Every earlier link is revoked, a mail which only leads there
	// (OutboundKind.FollowsRequester) and still waits ends suppressed (RuleReplaced), as
	// does one under way once it would be tried again; one that failed has that Reason and
	// stays failed. A reply goes on to the address that it was written to. An
	// EventAddressChanged entry tells of it, and Opened.Missed which replies the new
	// address has not got. A colleague with that address is one no more (RemoveColleague).
	//
	// Staff may always; another actor's is ErrConflict when the ticket has been answered or
	// its address proven, or, where n.Link is given, when mail to the address is not
	// suppressed in ScopeAll. ErrNotFound for an unknown ticket and for a link that does not
	// open it; ErrInvalid without an address, and as in OpenTicket.
	ChangeRequester(ctx context.Context, now time.Time, by Actor, n NewAddress) (Opened, error)
}

// MailedLinks is how many links one mail of MailLinks holds at most.
const MailedLinks = 10

// RuleReplaced is why a mail with a link is not sent whose ticket has been given
// another address.
const RuleReplaced = "address-replaced"

// Mailing is what a mail with a new link to a ticket's page is made from.
type Mailing struct {
	Region      Region // the From address
	Link        LinkID
	LinkExpires time.Time // after now
	MessageID   string    // minted by the caller (store/ident)
	Budgets     []Budget
	Network     string // as NewTicket.Network, for a confirmation
}

// LinkRequest asks for the links of an address's tickets; see MailLinks.
type LinkRequest struct {
	Region      Region // the From address: that of the newest ticket's region
	Address     string
	Since       time.Time // tickets opened earlier are left out
	Fresh       []LinkID
	LinkExpires time.Time // of a fresh link, after now
	MessageID   string
	Budgets     []Budget
}

// NewAddress gives a ticket another requester's address; see ChangeRequester.
type NewAddress struct {
	Ticket TicketID
	// Link is the one by which the page was opened that the change is made on;
	// zero: the ticket's author makes it, on the page that received the ticket.
	Link  LinkID
	Email string
	Mailing
}
