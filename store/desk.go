package store

import (
	"context"
	"time"
)

// Desk are the verbs of the agents' desk. A ticket that its actor may not see, by its
// region or because it is the canary's, is ErrNotFound to each of them, as is an unknown
// one. Every act on a ticket is an entry of its thread, with the actor and what it
// changed (Entry.Change), and a row of the audit log; one that changes nothing writes
// nothing.
type Desk interface {
	// Reply writes an agent's reply, gives the ticket the status n.Then, and queues the
	// reply as one mail (MailReply), held until n.Undo has passed, in one transaction. The
	// mail goes to the requester's address as it is now, whatever becomes of that, and a copy
	// of its own to each colleague who acts (Ticket.InCopy), suppressed where their address
	// is. A ticket without an assignee is the author's from then on, the author has read it up
	// to the reply, and their draft of a reply is dropped. The first response is met when the
	// relay takes the mail
	// (Outbox.FinishOutbound), not before.
	//
	// ErrConflict, and nothing written, when the ticket's Version is beyond n.Version and
	// n.Force is not set: Replied.Newer are the messages, replies and notes behind it, the
	// newest last, at most MaxPage of them. ErrConflict too when mail to the address is
	// suppressed: Replied.Withheld says why. n.Idempotency as in OpenTicket, for each
	// ticket and author on its own. ErrInvalid without a body, for a status that none can
	// be given, a region that is not the ticket's, and a link or Message-ID in use.
	Reply(ctx context.Context, now time.Time, by Actor, n NewReply) (Replied, error)
	// Undo takes back a reply of which no sender has claimed a mail and whose time is not over:
	// the ticket has its former status, assignee, promise and version, but for what was
	// changed since, and the reply is the author's draft again, in front of what they have
	// typed meanwhile. Its entry stays as an EventReplyUndone without text.
	// ErrForbidden for another than the author, ErrConflict when it is too late.
	Undo(ctx context.Context, now time.Time, by Actor, id OutboundID) (Undone, error)
	// ResendReply mails a reply once more, as a mail of its own and at once, to the
	// colleague whose copy id is, or to the requester's address as it is now: where the
	// first mail did not arrive, or the ticket had another requester then (Opened.Missed).
	// m.Link is as NewReply.Link. ErrConflict while the reply can still be taken back or a
	// mail of it to that address waits to be sent, when mail to that is suppressed, and for a
	// colleague who does not act; ErrNotFound for a mail that is no reply, or one that was
	// taken back.
	ResendReply(ctx context.Context, now time.Time, by Actor, id OutboundID, m Mailing) (Outbound, error)
	// Note writes an internal note, up to which its author has read the thread then, and
	// drops their draft of one.
	// ErrInvalid without a body, and for a mention of an agent who is not there.
	Note(ctx context.Context, now time.Time, by Actor, n NewNote) (Noted, error)

	// AssignTicket gives the ticket to an agent, or to none (0). ErrInvalid for one who is
	// disabled or may not answer it.
	AssignTicket(ctx context.Context, now time.Time, by Actor, id TicketID, to AgentID) (Ticket, error)
	// SolveTicket solves the ticket without a reply, and tells the requester and each
	// colleague who acts so by one mail each (MailSolved), which waits until m.Undo has
	// passed, in one transaction. None is sent where the ticket is no longer solved by then
	// (RuleReopened), and each is suppressed where its address is. Of a solved ticket nothing
	// changes, and nothing is mailed for one without a page. ErrInvalid for a region that is
	// not the ticket's, and for a link or Message-ID in use.
	SolveTicket(ctx context.Context, now time.Time, by Actor, id TicketID, m SolvedMail) (Ticket, error)
	// SetStatus gives the ticket another status, of which it mails nothing; ErrInvalid for
	// one that none can be given.
	SetStatus(ctx context.Context, now time.Time, by Actor, id TicketID, to Status) (Ticket, error)
	// PlanUpdate puts the ticket on hold and gives the date by which its requester hears
	// from support again, of which one mail tells (MailPromise) that waits until n.Undo has
	// passed, in one transaction. The mail is not sent where another date stands by then
	// (RuleMoved). It is suppressed where its address is, and where the date was told of by
	// such a mail within PromiseMailEvery (RuleTold). Of a ticket on hold with that
	// date nothing changes, and nothing is mailed for one without a page. ErrInvalid for a
	// date that is not after now or later than MaxPlanned, for a region that is not the
	// ticket's, and for a link or Message-ID in use; ErrConflict for a solved ticket.
	PlanUpdate(ctx context.Context, now time.Time, by Actor, id TicketID, n PlannedUpdate) (Ticket, error)
	SetPriority(ctx context.Context, now time.Time, by Actor, id TicketID, to Priority) (Ticket, error)
	// SetCategory sets the id of a category, "" for none.
	SetCategory(ctx context.Context, now time.Time, by Actor, id TicketID, to string) (Ticket, error)
	// SetTags replaces the tags: lower case, each once, in order. ErrInvalid for more than
	// MaxTags, and for one that is empty or longer than MaxTag bytes.
	SetTags(ctx context.Context, now time.Time, by Actor, id TicketID, tags []string) (Ticket, error)

	// DeskTicket finds a ticket by its number, compared without case.
	DeskTicket(ctx context.Context, by Actor, number string) (Ticket, error)
	// Thread lists a ticket's entries in order, the events among them.
	Thread(ctx context.Context, by Actor, id TicketID, p Page) (List[Entry], error)
	// ThreadBefore reads the most entries in front of an entry, or with before 0 those at
	// the thread's end, at most MaxPage, with the ticket and their mails as they were at
	// that instant.
	ThreadBefore(ctx context.Context, by Actor, id TicketID, before uint32, most int) (ThreadPart, error)
	// DeskTickets lists the tickets that f wants, those in trouble first, then by their
	// nearest deadline, those without one last; solved ones behind them, the one changed
	// last first. It looks at no more than DeskLooked tickets to be solved and SearchLooked
	// solved ones for one page.
	DeskTickets(ctx context.Context, by Actor, f TicketFilter, p Page) (List[DeskRow], error)
	// DeskCounts counts the tickets of each view and region that the actor may see.
	DeskCounts(ctx context.Context, by Actor) (DeskCounts, error)

	// MarkRead notes that the actor has read the thread up to an entry, and that an agent
	// has opened the ticket. It never goes back.
	MarkRead(ctx context.Context, now time.Time, by Actor, id TicketID, seq uint32) error
	// ReadUpTo is the entry up to which the actor has read the thread, 0 for none.
	ReadUpTo(ctx context.Context, by Actor, id TicketID) (uint32, error)

	// SaveDraft keeps what the actor is typing, one draft for each ticket and kind, which
	// no act of another changes. ErrInvalid for another kind.
	SaveDraft(ctx context.Context, now time.Time, by Actor, d Draft) error
	// Draft returns it; ErrNotFound without one.
	Draft(ctx context.Context, by Actor, id TicketID, kind EntryKind) (Draft, error)
	// DropDraft drops it; without one nothing happens.
	DropDraft(ctx context.Context, by Actor, id TicketID, kind EntryKind) error
}

// ThreadPart is a part of a ticket's thread.
type ThreadPart struct {
	Ticket  Ticket
	Read    uint32  // as ReadUpTo
	Entries []Entry // in their order; the events among them
	// Mails are those that the replies among the entries went out as, also again, and those
	// that its events tell of, in the order in which they were queued.
	Mails []Outbound
}

// Priority is how urgent support takes a ticket to be; PriorityNormal until another is set.
type Priority string

// The priorities.
const (
	PriorityLow    Priority = "low"
	PriorityNormal Priority = "normal"
	PriorityHigh   Priority = "high"
	PriorityUrgent Priority = "urgent"
)

// Priorities lists them, the least urgent first.
func Priorities() []Priority {
	return []Priority{PriorityLow, PriorityNormal, PriorityHigh, PriorityUrgent}
}

// NewReply is what Reply needs.
type NewReply struct {
	Ticket TicketID
	Body   string // Markdown
	Files  []File
	Then   Status // StatusOpen, StatusPending, StatusOnHold or StatusSolved
	// Version is the Ticket.Version that the author has seen. Force sends also what was
	// written without having seen the newest.
	Version uint32
	Force   bool
	// Undo is how long the mail is held back, 0: not at all.
	Undo time.Duration

	Region    Region // the ticket's, for the From address
	MessageID string // minted by the caller (store/ident)
	// Link takes the place of the ticket's own where that opens nothing any more.
	Link        LinkID
	LinkExpires time.Time
	// Copies are for the colleagues who get the reply too: MaxColleagues of them, or as many
	// as act at the least.
	Copies []CopyID

	Idempotency string
	Fingerprint [32]byte
}

// Replied is the result of Reply. Beside ErrConflict, Ticket is what the ticket is.
type Replied struct {
	Ticket   Ticket
	Entry    Entry
	Mail     Outbound
	Replayed bool
	Newer    []Entry
	Withheld string
}

// SolvedMail is what SolveTicket needs for its mail.
type SolvedMail struct {
	// Mailing has the link that takes the place of the ticket's own where that opens
	// nothing any more, and neither budgets nor a network.
	Mailing
	Undo   time.Duration // how long the mail is held back, MaxUndo at most
	Copies []CopyID      // as in NewReply
}

// PlannedUpdate is what PlanUpdate needs.
type PlannedUpdate struct {
	By      time.Time
	Mailing               // as SolvedMail.Mailing
	Undo    time.Duration // how long the mail is held back, MaxUndo at most
}

const (
	// MaxPlanned is how far away the next update of a ticket may be.
	MaxPlanned = 90 * 24 * time.Hour
	// PromiseMailEvery is how long after one mail that a date moved the next one of the same
	// ticket is sent.
	PromiseMailEvery = 24 * time.Hour
)

// Why the mail that tells of a date is not sent: another date stands by now, or one was
// told of the same day. The page shows it.
const (
	RuleMoved = "promise-moved"
	RuleTold  = "promise-told"
)

// RuleReopened is why the mail that a ticket is solved is not sent: it no longer is.
const RuleReopened = "reopened"

// RuleUndone is why a reply that was taken back is not sent.
const RuleUndone = "undone"

// Undone is the result of Undo.
type Undone struct {
	Ticket Ticket
	Draft  Draft
}

// NewNote is what Note needs.
type NewNote struct {
	Ticket   TicketID
	Body     string // Markdown
	Files    []File
	Mentions []AgentID

	Idempotency string
	Fingerprint [32]byte
}

// Noted is the result of Note.
type Noted struct {
	Ticket   Ticket
	Entry    Entry
	Replayed bool
}

// Draft is a reply or a note that an agent has begun.
type Draft struct {
	Ticket   TicketID
	Kind     EntryKind // EntryReply or EntryNote
	Body     string
	Files    []File
	Then     Status // that the agent chose for a reply, "" for none
	Version  uint32 // the Ticket.Version it was begun on
	Mentions []AgentID
	SavedAt  time.Time
}

// View is a list of the desk.
type View string

// The views. Without one, a list holds every ticket that is not solved.
const (
	ViewMine           View = "mine"            // assigned to the actor
	ViewUnassigned     View = "unassigned"      // to none
	ViewWaitingUs      View = "waiting_us"      // open
	ViewWaitingPartner View = "waiting_partner" // pending
	ViewTrouble        View = "trouble"         // a mail did not arrive (Ticket.InTrouble)
	ViewUnopened       View = "unopened"        // no agent has opened it
	ViewAll            View = "all"             // also those solved
	ViewSolved         View = "solved"          // they alone
)

// Views lists them.
func Views() []View {
	return []View{
		ViewMine, ViewUnassigned, ViewWaitingUs, ViewWaitingPartner, ViewTrouble, ViewUnopened, ViewAll, ViewSolved,
	}
}

// TicketFilter says which tickets are wanted. Of each field with several values one has to
// fit; an empty field wants all.
type TicketFilter struct {
	View       View
	Regions    []string
	Statuses   []Status
	Categories []string
	Assignees  []AgentID // 0: none
	Tags       []string
	Channels   []Channel
	Priorities []Priority
	Trouble    bool // those in trouble alone
	// Query are words, each of which stands in the number, the requester's address or
	// name, or the title, in any case. Of a title it knows the first MaxQueried bytes. A
	// whole number finds its ticket alone, and a whole address its solved tickets by the
	// newest, however many there are of others.
	Query string
}

const (
	// DeskLooked is how many tickets to be solved one DeskTickets or DeskCounts looks at.
	DeskLooked = 100_000
	// MaxQueried is how much of a title is searched.
	MaxQueried = 200
	MaxTags    = 20
	MaxTag     = 50
)

// DeskRow is a ticket in a list of the desk.
type DeskRow struct {
	Ticket Ticket
	// Due is its nearest deadline, zero for none.
	Due    time.Time
	Unread bool   // the actor has not read its last message, reply or note
	Words  string // that one's first, at most 200 bytes
	// Last is the kind of that one: the words of a reply and of a note are Markdown.
	Last EntryKind
}

// DeskCounts are how many tickets there are by view and region.
type DeskCounts struct {
	// Views has every view, and "" for every ticket that is not solved.
	Views map[View]map[string]uint64
	// Stopped tells that there are more tickets to solve than DeskLooked.
	Stopped bool
}

// Of is the count of a view over all regions.
func (c DeskCounts) Of(v View) (n uint64) {
	for _, count := range c.Views[v] {
		n += count
	}
	return n
}
