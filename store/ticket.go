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

// The statuses: open waits for support, pending waits for the partner (the
// resolution clock is paused), solved waits for nobody.
const (
	StatusOpen    Status = "open"
	StatusPending Status = "pending"
	StatusSolved  Status = "solved"
)

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
	Link      LinkID // the link its confirmation carries
	Entries   uint32 // how many entries the thread has; the last one's Seq
	Question  Question
}

// Question is what a person has to decide before a ticket can go on.
type Question string

// QuestionUndeliverable: mail to the requester's address does not arrive, so
// another way to them has to be found.
const QuestionUndeliverable Question = "undeliverable"

// EntryKind is what an item of a thread is.
type EntryKind string

// The kinds of entry.
const (
	EntryMessage EntryKind = "message" // the partner wrote
	EntryReply   EntryKind = "reply"   // support wrote to the partner
	EntryNote    EntryKind = "note"    // support wrote to itself
	EntryEvent   EntryKind = "event"   // something happened, see Event
)

// Event is what an EntryEvent tells of.
type Event string

// The events.
const (
	EventMailFailed Event = "mail_failed" // Outbound could not be delivered, Body is the server's answer
	// What reports said of Outbound later; Body is the diagnostic.
	EventMailBounced    Event = "mail_bounced"
	EventMailRefused    Event = "mail_refused"
	EventMailComplained Event = "mail_complained"
	// What its reader's programs sent back; Body is the subject. They change nothing.
	EventMailAutoReplied Event = "mail_auto_replied"
	EventMailChallenged  Event = "mail_challenged" // whoever sent it is to confirm that they did
	EventMailRead        Event = "mail_read"
	// The requester's address was replaced; Body is the one before.
	EventAddressChanged Event = "address_changed"
)

// Entry is one item of a ticket's thread, numbered from 1.
type Entry struct {
	Ticket   TicketID
	Seq      uint32
	Kind     EntryKind
	Event    Event
	Outbound OutboundID // the mail an event tells of, or a reply went out as
	Author   string     // display name, or "" for the service itself
	At       time.Time
	Body     string // plain text, line feeds only
	Files    []File
}

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

	Link        LinkID
	LinkExpires time.Time // after now

	// MessageID of the confirmation, minted by the caller (store/ident).
	MessageID string
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
	Confirmation Outbound
	Replayed     bool
}

// NewMessage is a partner's follow-up on the page behind a link.
type NewMessage struct {
	Link        LinkID
	Body        string
	Files       []File
	Idempotency string
	Fingerprint [32]byte
}

// DeadlineKind is which promise a deadline belongs to.
type DeadlineKind string

// The kinds of deadline.
const (
	DeadlineFirstResponse DeadlineKind = "first_response"
	DeadlineResolution    DeadlineKind = "resolution"
)

// DeadlineKept is how long a deadline stays in the list of those due: longer than
// any service is down before its clock goes on. The promise stays on its ticket.
const DeadlineKept = 90 * 24 * time.Hour

// Deadline is an instant by which a promise falls due.
type Deadline struct {
	Ticket TicketID
	Kind   DeadlineKind
	Due    time.Time
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
