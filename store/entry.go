package store

import "time"

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
