package store

import "time"

// TicketID is the store's own name of a ticket: ascending, never reused. People
// see its Number.
type TicketID uint64

// Channel is the door a ticket came in by.
type Channel string

// The channels.
const (
	ChannelForm    Channel = "form"
	ChannelConsole Channel = "console"
	ChannelDesk    Channel = "desk"
	ChannelAPI     Channel = "api"
)

// Status is where a ticket stands.
type Status string

// The statuses.
const (
	StatusOpen    Status = "open"    // it waits for support
	StatusPending Status = "pending" // it waits for the partner; the clock of its resolution stands
	StatusOnHold  Status = "on_hold" // it waits for another, and the clock runs
	StatusSolved  Status = "solved"
	// StatusClosed is how a ticket is shown that has been solved for ClosedAfter
	// (Ticket.StatusAt); none is kept so.
	StatusClosed Status = "closed"
)

// ClosedAfter is how long after it was solved a ticket is shown as closed.
const ClosedAfter = 14 * 24 * time.Hour

// Waits tells whether a ticket in that status is still to be solved.
func (s Status) Waits() bool { return s != StatusSolved && s != StatusClosed }

// Stops tells whether the clock of the resolution stands in that status.
func (s Status) Stops() bool { return s == StatusPending || !s.Waits() }

// Contact is a person as they described themselves; nothing in it is proven.
type Contact struct {
	Name    string
	Email   string
	Company string
	Country string // ISO 3166 alpha-2, upper case
	Lang    string // BCP 47: the language the partner chose or was served
}

// Promise is what support promised a partner, fixed when the ticket opens. A
// zero instant is no promise.
type Promise struct {
	FirstResponseBy time.Time
	ResolutionBy    time.Time
	// NextUpdateBy is, of a ticket on hold, when its partner hears from support again: what
	// was planned with it (Desk.PlanUpdate), else what Promising gives at MomentHeld.
	NextUpdateBy time.Time
}

// Ticket is what lists and headings show; the thread is its entries.
type Ticket struct {
	ID        TicketID
	Number    string // "US-1042": the region's prefix and a counter without gaps
	Region    string // Region.ID
	Channel   Channel
	Status    Status
	Requester Contact
	// ProvenAt is when the requester's address was proven by acting on the page
	// behind a mailed link; zero before.
	ProvenAt  time.Time
	Category  string
	Title     string
	OpenedAt  time.Time
	ChangedAt time.Time
	Promise   Promise
	Link      LinkID // the link its confirmation carries; zero for a ticket without a page
	Entries   uint32 // how many entries the thread has; the last one's Seq
	Question  Question

	// Version is the Seq of the last message, reply or note: what an answer has to have
	// seen. Events do not move it.
	Version uint32
	// FirstReplyAt is when the relay took the first reply that did not come back, and
	// FirstReply that reply; zero while there is none.
	FirstReplyAt time.Time
	FirstReply   OutboundID
	// LastPublic is which of a message and a reply came last, at LastPublicAt.
	// LastPartnerAt is when the last message came or the requester wrote to the unread
	// mailbox, LastAgentAt the last reply or note; zero while there is none.
	LastPublic    EntryKind
	Replies       uint32 // how many the thread has
	LastPublicAt  time.Time
	LastPartnerAt time.Time
	LastAgentAt   time.Time
	// StoppedAt is since when the clock of the resolution stands, zero while it runs;
	// SolvedAt since when the ticket is solved, zero while it is not.
	StoppedAt time.Time
	SolvedAt  time.Time

	Assignee AgentID // 0: none
	Priority Priority
	Tags     []string // lower case, sorted
	// SeenAt is when an agent opened it first, zero before.
	SeenAt time.Time
	// Trouble is the event that told of a mail which did not arrive, or EventMailHeld for a
	// reply that is held; "" once one did.
	Trouble Event

	// WroteAt is when its requester last answered one of its mails by mail, as its thread
	// tells (EventWroteUnread); zero for never.
	WroteAt time.Time

	Rating Rating
	// Follows is the closed ticket that this one goes on from, FollowedBy the newest that
	// goes on from this one; 0 for none.
	Follows, FollowedBy TicketID

	// Colleagues are those who were named to take part beside the requester, in the order in
	// which they were first named, removed ones among them.
	Colleagues []Colleague
}

// InTrouble tells whether what support wrote last did not arrive, or cannot.
func (k Ticket) InTrouble() bool { return k.Trouble != "" || k.Question == QuestionUndeliverable }

// StatusAt is the status as it is shown at an instant: of a ticket solved for
// ClosedAfter StatusClosed.
func (k Ticket) StatusAt(now time.Time) Status {
	if until := k.ReopenUntil(); !until.IsZero() && !now.Before(until) {
		return StatusClosed
	}
	return k.Status
}

// Question is what a person has to decide before a ticket can go on.
type Question string

// QuestionUndeliverable: mail to the requester's address does not arrive, so
// another way to them has to be found.
const QuestionUndeliverable Question = "undeliverable"

// BlobHash names an attachment by its content: lower-case hex SHA-256.
type BlobHash string

// File is one attachment as it was offered; its bytes lie in the blob store.
type File struct {
	Name string // a bare, cleaned file name; never a path
	Size int64  // bytes
	Type string // media type by content, not by claim
	Hash BlobHash
}

// LinkID names a mailed link to a ticket's page. The token in the link is this
// id and a MAC over it under the installation's secret (store/ident), so a copy
// of the store opens no ticket, as with a stored hash, and a guessed token is
// refused before the store is asked.
type LinkID [16]byte

// NewTicket is what OpenTicket needs.
type NewTicket struct {
	Region    Region // the number's prefix, the From address
	Channel   Channel
	Requester Contact
	Category  string
	Title     string
	Body      string
	Files     []File
	Promise   Promise

	// Link is the mailed way to the ticket's page, and MessageID the confirmation's,
	// minted by the caller (store/ident). A ticket of ChannelDesk or ChannelAPI may have
	// neither, or a link alone: then no confirmation is mailed.
	Link        LinkID
	LinkExpires time.Time // after now
	MessageID   string
	// Follows is the link of a closed ticket's page, from which the new one goes on for the
	// same address; that is then proven. Zero for none.
	Follows LinkID
	// Idempotency folds repeated posts, "" for none: a key chosen by the client,
	// at most 200 bytes. Fingerprint is a hash over what the post said.
	Idempotency string
	Fingerprint [32]byte

	// Budgets the confirmation is charged to, asked in this order. If one is spent
	// the ticket opens all the same and the confirmation is throttled, or, where
	// that budget is Final, suppressed.
	Budgets []Budget
	// Network is where the post came from, "" for unknown: a throttled confirmation
	// takes its turn among all that come from there. It is kept as a digest.
	Network string
}

// IdempotencyKept is how long a repeated post is folded.
const IdempotencyKept = 7 * 24 * time.Hour

// Opened is the result of OpenTicket.
type Opened struct {
	Ticket       Ticket
	Confirmation Outbound // zero where none is mailed
	// Missed are, of ChangeRequester, the replies that went to the former address or wait
	// to, the oldest first: Desk.ResendReply mails one to the new one.
	Missed   []OutboundID
	Replayed bool
}

// NewMessage is a partner's follow-up on the page behind a link.
type NewMessage struct {
	Link        LinkID
	Body        string
	Files       []File
	Idempotency string
	Fingerprint [32]byte
}

// Budget is a limit on how often something may happen: at most Limit times in
// any Window, for each Key on its own. Drivers keep a sliding count (the window
// before weighs in by the share of it still in view), so a burst across a
// window's edge does not pass twice. Limit 0 or less is no limit.
type Budget struct {
	Name   string // "confirmation/address"; names the limit in logs and verdicts
	Key    string // "" for one limit over all
	Limit  int
	Window time.Duration
	// Final: a ticket's mail for which this budget is spent is never sent, rather
	// than later.
	Final bool
}
