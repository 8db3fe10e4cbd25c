package store

import (
	"maps"
	"slices"
	"time"
)

// InboundID is the store's own name of a ledger row: ascending, never reused.
type InboundID uint64

// InboundState is where a mail of the ledger stands.
type InboundState string

// The states of an inbound: every one ends decided or quarantined.
const (
	InboundStored      InboundState = "stored"
	InboundDecided     InboundState = "decided"
	InboundQuarantined InboundState = "quarantined"
)

// RawInline is the size in bytes up to which a mail's raw text is kept in the
// store itself; a larger one goes to the blob store.
const RawInline = 256 << 10

// NewInbound is one mail as the watcher fetched it.
type NewInbound struct {
	Mailbox      string
	UIDValidity  uint32
	UID          uint32
	InternalDate time.Time
	Size         int64    // bytes, as counted while reading
	Hash         [32]byte // SHA-256 of the raw mail
	MessageID    string   // without angle brackets, "" when it has none
	From         string   // for the eye only: cut to 320 bytes
	Subject      string   // decoded, for the eye only: cut to 200 bytes
	Raw          []byte   // at most RawInline bytes; nil when Blob is set
	Blob         BlobHash // where a larger mail lies
	Truncated    bool     // too large to keep whole: header and first part only
}

// Inbound is one mail seen in a mailbox: a row of the ledger.
type Inbound struct {
	ID           InboundID
	Mailbox      string
	UIDValidity  uint32
	UID          uint32
	InternalDate time.Time
	SeenAt       time.Time
	Size         int64
	Hash         [32]byte
	MessageID    string
	From         string
	Subject      string
	Blob         BlobHash
	Truncated    bool
	RawDropped   bool // its raw mail is no longer kept; Blob is "" then

	State     InboundState
	Attempts  int    // failed tries at handling it
	Fault     string // why it was quarantined
	DecidedAt time.Time
	Verdict   Verdict
	Answer    OutboundID // the auto-response reserved for it, 0 for none
}

// Kind is what a mail is.
type Kind string

// The kinds of mail.
const (
	KindDirect     Kind = "direct" // a person wrote
	KindBounce     Kind = "bounce"
	KindDelay      Kind = "delay"
	KindDelivered  Kind = "delivered"
	KindAutoReply  Kind = "auto_reply"
	KindList       Kind = "list"
	KindComplaint  Kind = "complaint"
	KindReceipt    Kind = "receipt"
	KindChallenge  Kind = "challenge"
	KindReport     Kind = "report"
	KindCalendar   Kind = "calendar"
	KindReaction   Kind = "reaction" // an emoji in answer to a mail, RFC 9078
	KindOwn        Kind = "own"
	KindSpam       Kind = "spam"
	KindUnparsable Kind = "unparsable"
)

// Effect is what a rule that fired does to the answer.
type Effect string

// The effects. A mail is answered when no rule stopped it and no need is
// missing.
const (
	EffectStop    Effect = "stop"    // forbids an answer
	EffectMissing Effect = "missing" // a condition of an answer does not hold
	EffectMet     Effect = "met"     // a condition of an answer holds
	EffectNote    Effect = "note"    // recorded, changes nothing
)

// Rule is one rule that fired on a mail.
type Rule struct {
	ID       string `json:"id"` // "null-sender"
	Effect   Effect `json:"effect"`
	Evidence string `json:"evidence"` // the words it fired on, cut to 200 bytes
}

// Report is what a bounce says of one recipient.
type Report struct {
	Recipient         string  `json:"recipient"`
	Action            Action  `json:"action"`
	Status            string  `json:"status"` // RFC 3463, "" when none was given
	Reason            string  `json:"reason"` // one word of the bounce vocabulary
	Hard              bool    `json:"hard"`   // follows from Reason
	Outcome           Outcome `json:"outcome"`
	Diagnostic        string  `json:"diagnostic"`
	OriginalMessageID string  `json:"original_message_id"`

	// OriginalRecipient is the address the mail was first written to, where the
	// report says so (RFC 3464 section 2.3.1).
	OriginalRecipient string `json:"-"`
	// Outbound is the mail it is about and Tie by what that was found out; 0 and
	// "" for a report that nothing verifies.
	Outbound OutboundID `json:"-"`
	Tie      Tie        `json:"-"`
	Host     string     `json:"-"` // the receiving organisation's domain; "" is the recipient's
}

// Verdict is what triage decided on a mail, with every rule that fired.
type Verdict struct {
	Kind    Kind
	Answer  bool
	Rules   []Rule
	Reports []Report
	// About is the mail of ours that an automatic reply, a challenge or a receipt
	// answers, where a MAC of ours proves it; 0: none.
	About OutboundID
}

// Decision is what DecideInbound applies to one mail.
type Decision struct {
	ID      InboundID
	Verdict Verdict
	// Answer is the auto-response to reserve when the verdict allows one and
	// no rule of the store's own stops it; nil for none. ID, State, QueuedAt,
	// DueAt and Inbound are set by the driver. Where it names a Link, that link
	// to the page of its Ticket is opened with it, until LinkExpires.
	Answer      *Outbound
	LinkExpires time.Time
	// Wrote is the ticket whose proven requester wrote the mail, in answer to one of the
	// ticket's; 0: none.
	Wrote TicketID
	// Limits the answer is held to.
	Limits AnswerLimits
}

// AnswerLimits bound automatic answers. A zero field is no limit.
type AnswerLimits struct {
	// Sender is the key of the person answered (AnswerKey): one reservation
	// within Period (RFC 5230 section 4.2: at least 1 day, 7 by default).
	Sender string
	Period time.Duration
	// Budgets by domain; a spent one stops the answer.
	Budgets []Budget
	// Breaker trips when spent, or when Returns is passed: it stops this answer and
	// every later one for a BreakerPause, or until SwitchResponder.
	Breaker Budget
	Returns ReturnLimit
}

// WroteTold is how long after a ticket told that its requester wrote to the unread mailbox
// it does not tell so again, unless that opens it.
const WroteTold = 24 * time.Hour

// AnswersWatched is how many automatic answers a ReturnLimit looks at: the last
// that were handed over, or refused for good by the relay.
const AnswersWatched = 50

// ReturnLimit bounds how many of the automatic answers may come back as a bounce
// or a complaint. What is counted are parties (CountParties), so that one sender
// with many addresses has one voice: it is passed when the answers to more than
// Percent of the parties watched came back, and to at least Parties of them, once
// Least answers are watched. A Percent of 0 is no limit.
type ReturnLimit struct {
	Percent int
	Least   int
	Parties int
}

// Passed tells whether so many parties, of those that the answers watched went to,
// are too many.
func (l ReturnLimit) Passed(answers, back, parties int) bool {
	return l.Percent > 0 && answers >= l.Least && back >= l.Parties && 100*back > l.Percent*parties
}

// CountParties counts unrelated senders: of is what each answer is counted by
// (Outbound.Parties), and those that share one of these, directly or through others,
// are one. An answer counted by nothing is a party of its own.
func CountParties(of [][]string) int {
	var parties []map[string]bool
	for _, keys := range of {
		one := map[string]bool{}
		for _, key := range keys {
			one[key] = true
		}
		parties = slices.DeleteFunc(parties, func(p map[string]bool) bool {
			if !slices.ContainsFunc(keys, func(key string) bool { return p[key] }) {
				return false
			}
			maps.Copy(one, p)
			return true
		})
		parties = append(parties, one)
	}
	return len(parties)
}

const (
	breakerFirst = 10 * time.Minute
	breakerLast  = 24 * time.Hour
	// BreakerQuiet is how long the breaker has to stay closed for its pauses to begin
	// anew.
	BreakerQuiet = 7 * 24 * time.Hour
)

// BreakerPause is how long the breaker stops automatic answers when it trips for the
// nth time in a row (from 1 on): 10 minutes, each time twice as long, a day at most.
func BreakerPause(n int) time.Duration {
	return min(breakerFirst<<min(max(n-1, 0), 10), breakerLast)
}

// Rules of the store's own, evaluated inside DecideInbound.
const (
	RuleAnswered  = "answered-already" // RFC 5230 section 4.2
	RuleBudget    = "budget-spent"
	RuleBreaker   = "breaker-open"
	RuleOff       = "responder-off"
	RuleMailbox   = "mailbox-off"       // the answers to this mailbox's mail are off
	RuleConnected = "before-connection" // arrived before the mailbox was connected or restored
)

// MailboxState is how far a mailbox has been read.
type MailboxState struct {
	Mailbox     string
	UIDValidity uint32 // 0 before the first epoch
	UID         uint32 // every UID up to it is decided or quarantined
	// ConnectedAt: mail with an earlier INTERNALDATE is never answered.
	ConnectedAt time.Time
}

// ConnectionInstant is now as ConnectedAt keeps it: to the second, as an
// INTERNALDATE is (RFC 9051 section 2.3.3), so that a mail which arrived in the
// second of the connection does not count as older.
func ConnectionInstant(now time.Time) time.Time { return now.UTC().Truncate(time.Second) }

// Responder is the state of the automatic answers, of all or of those to the mail
// of one mailbox.
type Responder struct {
	On      bool
	Tripped bool // off because the breaker tripped
	Since   time.Time
	Reason  string
	By      string // who switched them; "" for the breaker
	// Inbound is the mail at which the breaker tripped, 0 for none.
	Inbound InboundID
	// Trips is how often the breaker tripped in a row, with no BreakerQuiet between.
	Trips int
	// RearmsAt is when a tripped breaker lets answers go on by itself; zero for one
	// that has not tripped.
	RearmsAt time.Time
}

// Switch turns automatic answers on or off.
type Switch struct {
	Mailbox string // those to the mail of this mailbox; "" for all there are
	On      bool
	Reason  string
}
