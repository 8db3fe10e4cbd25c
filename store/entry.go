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
	// EventMailHeld stands in no thread: it is why a ticket is in trouble while the relay
	// refuses a reply for a reason of ours (Ticket.Trouble).
	EventMailHeld Event = "mail_held"
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
	// What an agent did; Change says what it changed.
	EventAssigned        Event = "assigned"
	EventStatusChanged   Event = "status_changed"
	EventPriorityChanged Event = "priority_changed"
	EventCategoryChanged Event = "category_changed"
	EventTagsChanged     Event = "tags_changed"
	EventReplyUndone     Event = "reply_undone" // it was a reply, Outbound its mail
	EventReplyResent     Event = "reply_resent" // Outbound is the mail it went out as again
	// The requester answered a mail of the ticket by mail, of which nothing is kept here.
	EventWroteUnread Event = "wrote_unread"
	// What the partner did on the ticket's page.
	EventPartnerSolved   Event = "partner_solved"
	EventPartnerReopened Event = "partner_reopened"
	EventRated           Event = "rated"    // Change has the score, Body is the comment
	EventFollowed        Event = "followed" // a new ticket goes on from this one, Body is its number
	// Of Colleague, whose address Body is.
	EventColleagueAdded   Event = "colleague_added"
	EventColleagueJoined  Event = "colleague_joined" // they acted on their page first
	EventColleagueRemoved Event = "colleague_removed"
	EventColleagueLeft    Event = "colleague_left"
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
	Body     string // with line feeds only: of a message and an event plain text, else Markdown
	Files    []File
	// By is from which side it came, and Agent who of those who work here; "" and 0 in
	// entries from before it was kept.
	By       ActorKind
	Agent    AgentID
	Change   Change    // what it changed on the ticket
	Mentions []AgentID // of a note
	// Colleague is the number of the one who wrote a message, or whom an event tells of; 0
	// for the requester, or none.
	Colleague uint32
	// UndoUntil is, of a reply, until when its author may take it back: partners are shown
	// it from then on. Zero: at once.
	UndoUntil time.Time
}

// PublicAt is from when on partners are shown a message or a reply.
func (e Entry) PublicAt() time.Time {
	if e.UndoUntil.After(e.At) {
		return e.UndoUntil
	}
	return e.At
}

// ShownAt tells what partners are shown at an instant: messages, and replies that can no
// longer be taken back.
func (e Entry) ShownAt(now time.Time) bool {
	return (e.Kind == EntryMessage || e.Kind == EntryReply) && !e.PublicAt().After(now)
}

// Change is what an act changed on its ticket, from what it was to what it is; two fields
// that are the same changed nothing. A reply says its status also where that is so.
type Change struct {
	StatusFrom, StatusTo     Status
	AssigneeFrom, AssigneeTo AgentID
	PriorityFrom, PriorityTo Priority
	CategoryFrom, CategoryTo string
	TagsAdded, TagsRemoved   []string
	ScoreFrom, ScoreTo       int       // of the partner's rating, 0 for none
	UpdateFrom, UpdateTo     time.Time // by when the next update is promised, zero for not
}
