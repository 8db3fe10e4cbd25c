package store

import (
	"slices"
	"time"
)

// OutboundID is the store's own name of a mail to send: ascending, never reused.
type OutboundID uint64

// OutboundKind is what a mail to send is.
type OutboundKind string

// The kinds of outbound mail.
const (
	MailConfirmation OutboundKind = "confirmation"
	MailAutoResponse OutboundKind = "autoresponse"
	MailLinks        OutboundKind = "links"     // the way to the requester's tickets, asked for by them
	MailReply        OutboundKind = "reply"     // what an agent wrote
	MailSolved       OutboundKind = "solved"    // an agent solved the ticket without a word
	MailColleague    OutboundKind = "colleague" // the way to their door, to one who was named
	// MailPromise: an agent gave another date of the next update, without a word.
	MailPromise OutboundKind = "promise"
	// Of the service itself: an alarm to those who run it, and the stray mail by
	// which its canary tries the road.
	MailAlarm  OutboundKind = "alarm"
	MailCanary OutboundKind = "canary"
	// About an agent's own account: the way into it, asked for by an admin or by who
	// forgot the password, and what happened to it.
	MailInvite OutboundKind = "invite"
	MailReset  OutboundKind = "reset"
	MailNotice OutboundKind = "notice"
)

// OutboundKinds lists them.
func OutboundKinds() []OutboundKind {
	return []OutboundKind{
		MailConfirmation, MailAutoResponse, MailLinks, MailReply, MailSolved, MailPromise, MailColleague, MailAlarm,
		MailCanary, MailInvite, MailReset, MailNotice,
	}
}

// AtMostOnce tells that a mail of the kind is given up when it may have gone out. Any
// other is sent again.
func (k OutboundKind) AtMostOnce() bool { return k == MailAutoResponse }

// OfTicket tells that a mail of the kind is part of a ticket and leads to its page:
// what becomes of it is told in the thread.
func (k OutboundKind) OfTicket() bool {
	return k == MailReply || k == MailColleague || k.FollowsRequester()
}

// FollowsRequester tells that a mail of the kind says nothing but the way to its ticket's
// page: it is not sent any more once the ticket has another requester.
func (k OutboundKind) FollowsRequester() bool {
	return k == MailConfirmation || k == MailLinks || k == MailSolved || k == MailPromise
}

// Automatic tells that the service writes a mail of the kind by itself. What a person
// writes reaches also those who complained of automatic mail. A kind that is not
// known counts as a person's.
func (k OutboundKind) Automatic() bool {
	switch k {
	case MailConfirmation, MailAutoResponse, MailLinks, MailSolved, MailPromise, MailColleague, MailAlarm, MailCanary,
		MailInvite, MailReset, MailNotice:
		return true
	}
	return false
}

// OfAccount tells that a mail of the kind is about an agent's own account.
func (k OutboundKind) OfAccount() bool { return k == MailInvite || k == MailReset || k == MailNotice }

// Opens tells that a mail of the kind leads into an agent's account.
func (k OutboundKind) Opens() bool { return k == MailInvite || k == MailReset }

// Answers tells that a mail of the kind answers one that arrived.
func (k OutboundKind) Answers() bool { return k == MailAutoResponse }

// OutboundState is where a mail to send stands.
type OutboundState string

// The states of an outbound. Queued, claimed and held are the waiting ones; a throttled
// one will be queued or suppressed (Outbox.ReleaseThrottled); the others are final.
const (
	StateThrottled OutboundState = "throttled" // a budget is spent, Reason names it
	StateQueued    OutboundState = "queued"
	StateClaimed   OutboundState = "claimed"
	// StateHeld: the relay refuses it for a reason of ours. It is tried as a queued
	// one is, and has no end but those: it was sent, or ops gave it up.
	StateHeld       OutboundState = "held"
	StateSent       OutboundState = "sent"       // the relay took it
	StateFailed     OutboundState = "failed"     // refused for good, or out of time
	StateSuppressed OutboundState = "suppressed" // never to be sent, Reason says why
	StateUnknown    OutboundState = "unknown"    // one of a kind sent at most once, which may have gone out
)

// Waiting tells whether a mail in that state is still to be sent.
func (s OutboundState) Waiting() bool {
	return s == StateQueued || s == StateClaimed || s == StateHeld
}

// Hold is how long a mail has been refused for a reason of ours; zero: never.
type Hold struct {
	Since, Last time.Time // of the first and the last such refusal
	// Stage is where in the dialogue the last one came, as the sender names it; ""
	// when something else was said since.
	Stage string
}

// Outbound is one mail to send: all that its bytes are made from, so that every
// try sends the same, and where it stands.
type Outbound struct {
	ID       OutboundID
	Kind     OutboundKind
	Region   string
	From     string // the region's address when it was queued
	FromName string
	To       string
	Langs    []string // BCP 47; an auto-response may hold two

	MessageID  string // without angle brackets
	InReplyTo  string
	References []string

	// Of a ticket's mail.
	Ticket  TicketID
	Number  string
	Promise Promise
	Link    LinkID // of a mail into an account (OutboundKind.Opens), the AgentLink
	// Agent is whose account a mail is about (OutboundKind.OfAccount).
	Agent AgentID
	// Entry is the Seq of the entry that a reply is, and UndoUntil until when its author
	// may take it back: it is not due before.
	Entry     uint32
	UndoUntil time.Time
	// Proven tells whether the address was proven when the reply was written, so that the
	// mail may hold what stood in the thread before.
	Proven bool
	// Attached tells, of a reply, whether its files go along in the mail: decided when it was
	// queued (Region.Attaches), so that every try sends the same.
	Attached bool
	// Colleague is the number of the one whom it goes to; 0: to the requester.
	Colleague uint32
	// Links are, of MailLinks, all tickets that it leads to, the newest first:
	// Ticket, Number and Link are that one's.
	Links []TicketLink
	// Of an auto-response: the mail it answers, and what its sender is counted by,
	// such as a domain and a network (CountParties).
	Inbound InboundID
	Parties []string
	// Of a mail of the service's own: what it says, as plain text with line
	// feeds, and the mark of a canary's stray. Text is, of a reply, its author's signature.
	Subject, Text, Mark string

	QueuedAt time.Time
	State    OutboundState
	Reason   string    // why it is suppressed or throttled
	Attempts int       // tries begun
	DueAt    time.Time // when it is next to be tried, or its lease runs out
	Claim    uint64    // the fence of the current claim; 0 when not claimed
	Owner    string    // who claimed it (Claim.Owner); "" when not claimed
	DoneAt   time.Time // when it reached a final state
	Reply    string    // the relay's last answer, or the last error
	// Code and Enhanced are the last SMTP reply's (RFC 5321 section 4.2, RFC
	// 3463); 0 and "" when no server spoke.
	Code     int
	Enhanced string
	Hold     Hold
	// Tries are the last ones that ended, MaxTries at most, the oldest first. One whose
	// process was gone before its end is missing from their numbers.
	Tries []Try
	// Delivery is what became of it after the relay took it, or what the relay said
	// when it refused it for good.
	Delivery Delivery
	// Echoes are the events (EchoOf) that its ticket has told of it, each once.
	Echoes []Event
}

// MaxTries is how many tries of a mail are kept.
const MaxTries = 20

// Try is how one try of a mail ended.
type Try struct {
	Number int       // from 1 on, as Attempts counted it
	At     time.Time // its end
	Server string    // who was asked, "" where none was
	State  OutboundState
	Reply  string // the server's words, or the error; at most MaxTryReply bytes
}

// TicketLink is a ticket's number and the link to its page.
type TicketLink struct {
	Number string
	Link   LinkID
}

const (
	// ThrottledKept is how long a throttled mail that promises nothing may wait.
	ThrottledKept = 24 * time.Hour
	// ThrottledLooked is how many one ReleaseThrottled looks at.
	ThrottledLooked = 100_000
)

// Released is what one ReleaseThrottled did.
type Released struct {
	Queued, Suppressed int
}

// LeaseTries is how many tries a mail may have cost when the process that made the
// last one is gone, for the next one to be made at once.
const LeaseTries = 3

// NewMail is a mail of the service's own: MailAlarm, MailCanary, or one about an
// agent's account (OutboundKind.OfAccount).
type NewMail struct {
	Kind      OutboundKind
	From      string
	FromName  string
	To        string
	MessageID string
	Subject   string
	Text      string // at most 16 KiB with Subject
	Mark      string // of MailCanary
	// Of a mail about an account: whose, the link into it (OutboundKind.Opens), and the
	// budgets without which there is no mail.
	Agent   AgentID
	Link    LinkID
	Budgets []Budget
}

// Claim is what ClaimOutbound may take.
type Claim struct {
	Limit     int
	PerDomain int // 0: no limit
	// Except are registered domains (origin.Organisation) whose mail is left alone;
	// Only is the one whose mail alone is taken, "" for any.
	Except []string
	Only   string
	Lease  Leases
	// Owner is the process that claims, "" for one without a name: a name of its own at
	// each start, so that what it leaves behind can be told from what others do
	// (Upkeep.EndLeases).
	Owner string
}

// Leases are how long a try may take before its mail is due again, by the number of the
// try: the first's first, the last for all that come later.
type Leases []time.Duration

// Of is the lease of a try, from 1 on.
func (l Leases) Of(attempt int) time.Duration { return l[min(max(attempt, 1), len(l))-1] }

// Finish tells how one attempt ended: in StateSent, StateFailed, StateQueued or
// StateHeld for another try at DueAt, or, for a mail of a kind sent at most once whose outcome cannot be known
// (the line fell silent after the final dot), StateUnknown.
type Finish struct {
	ID       OutboundID
	Claim    uint64
	State    OutboundState
	DueAt    time.Time
	Reply    string // cut to 1,000 bytes by the driver
	Code     int
	Enhanced string
	// Hold is, of StateHeld, where in the dialogue the refusal came.
	Hold string
	// Report is, of a mail in StateFailed that the relay refused for good, what its
	// reply says, read as a report of a bounce would be; of one in StateHeld, what
	// receiving servers hold against us. No Outcome: it says nothing of either.
	Report Report
	// Server is the relay that was asked, "" where none was. Untried tells that the mail
	// goes back as it was claimed, without a try.
	Server  string
	Untried bool
}

// MaxReferences is how many of a thread's Message-IDs a mail names: the first and the
// last ones (RFC 5322 section 3.6.4 lets the others go).
const MaxReferences = 20

// ToColleague tells a mail to a colleague of its ticket: an invitation, or a copy of what the
// requester was sent. What becomes of it changes nothing of the ticket's promises.
func (o Outbound) ToColleague() bool { return o.Colleague != 0 }

// Undone tells the mail of a reply that its author took back.
func (o Outbound) Undone() bool { return o.State == StateSuppressed && o.Reason == RuleUndone }

// Overtaken is why a notice of a ticket does not leave any more: what it tells of is so no
// longer. "" while it is, and for other mails.
func (o Outbound) Overtaken(k Ticket) string {
	switch {
	case o.Kind == MailSolved && !k.SolvedAt.Equal(o.QueuedAt):
		return RuleReopened
	case o.Kind == MailPromise && !k.Promise.NextUpdateBy.Equal(o.Promise.NextUpdateBy):
		return RuleMoved
	}
	return ""
}

// neverTold are the reasons for which a mail of a ticket has never left.
var neverTold = []string{RuleUndone, RuleReopened, RuleRemoved, RuleMoved, RuleTold}

// References are the Message-ID that a ticket's next mail to an address answers, and those
// of its thread, from the ticket as it is then and its mails in the order in which they were
// queued.
func References(k Ticket, mails []Outbound, to string) (last string, all []string) {
	for _, m := range mails {
		undone := m.State == StateSuppressed && slices.Contains(neverTold, m.Reason) ||
			m.State == StateQueued && m.Overtaken(k) != ""
		written := m.Kind.OfTicket() && m.Kind != MailLinks
		if written && !undone && AddressKey(m.To) == AddressKey(to) {
			all, last = append(all, m.MessageID), m.MessageID
		}
	}
	if over := len(all) - MaxReferences; over > 0 {
		all = slices.Delete(all, 1, 1+over)
	}
	return last, all
}

// MissedReplies are, of a ticket's mails in the order in which they were queued, the first
// ones of those replies of which none went to the address; without those taken back.
func MissedReplies(mails []Outbound, to string) (ids []OutboundID) {
	reached := map[uint32]bool{}
	for _, m := range mails {
		if m.Kind == MailReply && AddressKey(m.To) == AddressKey(to) {
			reached[m.Entry] = true
		}
	}
	for _, m := range mails {
		if m.Kind == MailReply && !m.Undone() && !reached[m.Entry] {
			reached[m.Entry] = true
			ids = append(ids, m.ID)
		}
	}
	return ids
}
