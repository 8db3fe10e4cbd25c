package store

import (
	"context"
	"strings"
	"time"
)

// Deliveries are the verbs around what became of mails after the relay took
// them: whom not to write to any more, and which hosts refuse us. The reports
// themselves take effect in Ledger.DecideInbound.
type Deliveries interface {
	// OutboundsTo lists the mails to one address (compared by AddressKey), newest
	// first among those of TicketsLooked of the address's own tickets at a time, the
	// newest tickets first: where there are more, it stops looking behind each so many.
	OutboundsTo(ctx context.Context, address string, p Page) (List[Outbound], error)

	// Suppressions lists those in force at now, newest first.
	Suppressions(ctx context.Context, now time.Time, p Page) (List[Suppression], error)
	// SuppressionsOf returns those in force at now for one address (compared by
	// origin.SuppressionKey), the widest scope first; none is no error.
	SuppressionsOf(ctx context.Context, now time.Time, address string) ([]Suppression, error)
	// SuppressAddress keeps mail to s.Address back by hand from now on, until
	// s.Expires (zero: until it is released), and returns what then holds. Where
	// that scope is kept back already, it joins that one, and
	// never shortens it. Of s, Address, Scope, Expires and Note count.
	// ErrInvalid without an address, a known scope and an actor's Account, and for an
	// end that is not ahead.
	SuppressAddress(ctx context.Context, now time.Time, by Actor, s Suppression) (Suppression, error)
	// ReleaseSuppression ends one by hand and returns it as it was. A report that
	// has taken effect already does not bring it back. ErrNotFound for one that
	// is not in force at now.
	ReleaseSuppression(ctx context.Context, now time.Time, by Actor, id SuppressionID) (Suppression, error)
	// Refusals lists what hosts refused us for, each with all its cases, the one
	// seen last first, those seen at or after since. One that is seen again stands
	// first from then on; one not seen for RefusalKept may be gone.
	Refusals(ctx context.Context, since time.Time, p Page) (List[Refusal], error)

	// SettleQuestion closes the ticket's open question by hand; nothing changes
	// on a ticket without one.
	SettleQuestion(ctx context.Context, now time.Time, by Actor, id TicketID) (Ticket, error)
}

// TicketsLooked is how many tickets of an address OutboundsTo looks at for one page.
const TicketsLooked = 100

// Fate is what became of a mail after the relay took it, by the reports that
// came back, or by the words in which the relay refused it for good.
type Fate string

// The fates, each outranking those above it. A mail nobody reported on has none.
const (
	FateDelayed    Fate = "delayed"
	FateDelivered  Fate = "delivered"
	FateComplained Fate = "complained" // its reader called it abuse
	FateRefused    Fate = "refused"    // the host refuses us, or what we write: our problem
	FateBounced    Fate = "bounced"    // it did not arrive, and will not
)

// Outranks tells whether news of f replaces what was known. Equal fates do not,
// so a report that comes twice takes effect once.
func (f Fate) Outranks(known Fate) bool { return f.rank() > known.rank() }

func (f Fate) rank() int {
	for i, fate := range []Fate{"", FateDelayed, FateDelivered, FateComplained, FateRefused, FateBounced} {
		if f == fate {
			return i
		}
	}
	return 0
}

// Delivery is a mail's fate and who said so. At is zero while nobody did.
type Delivery struct {
	Fate       Fate
	At         time.Time
	Status     string    // RFC 3463, "" when nobody said one
	Reason     string    // Report.Reason
	Outcome    Outcome   // Report.Outcome: a bounce may be dead or later
	Diagnostic string    // in the server's words, cut to 1,000 bytes
	Inbound    InboundID // the mail that said so; 0: the relay itself, see Outbound.Reply
}

// Tie is by what a report was tied to the mail it is about.
type Tie string

// The ties. The first five hold a MAC of ours, or name a row through one; only
// they have effects.
const (
	TieEnvelope  Tie = "envelope"    // the tagged envelope sender it came back to
	TieMessageID Tie = "message-id"  // the original's Message-ID
	TieHeader    Tie = "header"      // X-Signpost-Ref of the original
	TieEnvID     Tie = "envid"       // Original-Envelope-Id (RFC 3464 section 2.2.1)
	TieInReplyTo Tie = "in-reply-to" // the report's own thread
	// TieOther: the report names another recipient than the mail it is tied to.
	TieOther Tie = "other-recipient"
	// TieProbable: nothing but a mail to that recipient not long ago.
	TieProbable Tie = "probable"
)

// Proven tells whether a report tied so may have effects.
func (t Tie) Proven() bool {
	switch t {
	case TieEnvelope, TieMessageID, TieHeader, TieEnvID, TieInReplyTo:
		return true
	}
	return false
}

// FateOf is what a report in a mail of that kind says of the mail it is about;
// "" when it says nothing, as of one handed on to a host that reports no more, or
// in feedback that is no complaint.
func FateOf(kind Kind, r Report) Fate {
	switch {
	case kind == KindComplaint && r.Outcome == OutcomeDone:
		return ""
	case kind == KindComplaint:
		return FateComplained
	case kind != KindBounce && kind != KindDelay && kind != KindDelivered:
		return ""
	case r.Action == ActionDelayed:
		return FateDelayed
	case r.Action == ActionDelivered:
		return FateDelivered
	case r.Action != ActionFailed:
		return ""
	case r.Outcome == OutcomeRefused:
		return FateRefused
	}
	return FateBounced
}

// EchoOf is the event by which a ticket tells of a mail of that kind which is about
// one of its own, "" for none.
func EchoOf(kind Kind) Event {
	switch kind {
	case KindAutoReply:
		return EventMailAutoReplied
	case KindChallenge:
		return EventMailChallenged
	case KindReceipt:
		return EventMailRead
	}
	return ""
}

// Outcome is what a report has us do about its recipient.
type Outcome string

// The outcomes of a report.
const (
	OutcomeDead    Outcome = "dead"    // the address takes no mail any more
	OutcomeRefused Outcome = "refused" // the address may be good; the host refuses us
	OutcomeLater   Outcome = "later"   // it may be good another time
	OutcomeDone    Outcome = "done"
)

// Action is what a host did with a mail (RFC 3464 section 2.3.3).
type Action string

// The actions.
const (
	ActionFailed    Action = "failed"
	ActionDelayed   Action = "delayed"
	ActionDelivered Action = "delivered"
	ActionRelayed   Action = "relayed"
	ActionExpanded  Action = "expanded"
)

// A mailbox that is full is empty another day, mostly. One found full FullTimes
// within FullWindow counts as undeliverable for another FullWindow: looked for
// among the newest FullLooked mails to it.
const (
	ReasonFull = "mailboxfull" // Report.Reason
	FullTimes  = 3
	FullWindow = 14 * 24 * time.Hour
	FullLooked = 50
)

// SuppressionID is the store's own name of a suppression: ascending, never reused.
type SuppressionID uint64

// Scope is which mail a suppression keeps back.
type Scope string

// The scopes, the widest first.
const (
	ScopeAll       Scope = "all"       // the address is dead
	ScopeAutomatic Scope = "automatic" // its owner complained: only what a person writes
	ScopeAnswers   Scope = "answers"   // an automatic answer came back
)

// Scopes lists them, the widest first.
func Scopes() []Scope { return []Scope{ScopeAll, ScopeAutomatic, ScopeAnswers} }

// Stops tells whether mail of that kind is kept back. An unknown scope stops all.
func (s Scope) Stops(kind OutboundKind) bool {
	switch s {
	case ScopeAutomatic:
		return kind.Automatic()
	case ScopeAnswers:
		return kind.Answers()
	}
	return true
}

// Kept is how long a suppression of that scope stands: a dead address may be
// given out anew, a person may change their mind. An automatic answer that came
// back is never repeated until somebody releases the address (RFC 3834 section
// 2): 0.
func (s Scope) Kept() time.Duration {
	switch s {
	case ScopeAll:
		return 180 * 24 * time.Hour
	case ScopeAutomatic:
		return 2 * 365 * 24 * time.Hour
	}
	return 0
}

// Suppression is an address that must not be mailed. There is at most one in
// force for an address and a scope; another report, or another hand, renews it and
// never shortens it.
type Suppression struct {
	ID         SuppressionID
	Address    string // as it was written to
	Scope      Scope
	Reason     string // Report.Reason
	Status     string
	Diagnostic string
	Since      time.Time
	Expires    time.Time // zero: until it is released
	Outbound   OutboundID
	Inbound    InboundID // the report that renewed it last, 0 where none did (the relay itself may have)
	// By is who keeps the address back by hand, and Note why; "" where only reports
	// do.
	By   string
	Note string
}

// InForce tells whether it still holds.
func (s Suppression) InForce(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// RuleSuppressed is why mail to a suppressed address is not queued or sent.
const RuleSuppressed = "address-suppressed"

// Refusal is one kind of refusal by one receiving host: all reports whose words
// are the same but for addresses, numbers and links.
type Refusal struct {
	Host       string // the receiving organisation's domain
	Text       string // RefusalText
	Status     string // of the last case, as are those below
	Reason     string
	Diagnostic string
	Outbound   OutboundID
	First      time.Time
	Last       time.Time
	Count      uint64
	Addresses  []string // whose mail was refused, each once; of more than RefusalAddresses the latest
	// Times are when each of Addresses was refused last, in the same order; zero
	// where nobody noted it.
	Times []time.Time
}

// Since counts the addresses refused at or after an instant.
func (r Refusal) Since(at time.Time) (n int) {
	for _, refused := range r.Times {
		if !refused.Before(at) {
			n++
		}
	}
	return n
}

const (
	// RefusalAddresses is how many addresses a Refusal names.
	RefusalAddresses = 20
	// RefusalKept is how long one is kept after its last case.
	RefusalKept = 90 * 24 * time.Hour
)

const maxRefusalText = 200

// RefusalText is what the words of refusals are grouped by: lower case, and
// without what differs from case to case.
func RefusalText(diagnostic string) string {
	var words []string
	for _, word := range strings.Fields(strings.ToLower(diagnostic)) {
		switch {
		case strings.ContainsAny(word, "@/"):
			word = "*"
		case strings.ContainsAny(word, "0123456789") && !isCode(word):
			word = "#"
		}
		if n := len(words); n == 0 || words[n-1] != word || len(word) > 1 {
			words = append(words, word)
		}
	}
	text := strings.Join(words, " ")
	if len(text) > maxRefusalText {
		text = strings.ToValidUTF8(text[:maxRefusalText], "")
	}
	return text
}

// isCode tells an SMTP reply code or an enhanced one, which say what a refusal
// is about.
func isCode(word string) bool {
	word = strings.Trim(word, "():;,.-")
	if len(word) > 9 || strings.Trim(word, "0123456789.") != "" {
		return false
	}
	dots := strings.Count(word, ".")
	return dots == 0 && len(word) == 3 || dots == 2 && strings.IndexByte("245", word[0]) >= 0
}
