package store

import (
	"context"
	"slices"
	"time"
)

// Numbers are the verbs of what happened hour by hour. Every event is counted in
// the transaction that writes it, in the hour of UTC its instant lies in. Counts
// begin when a driver learned to keep them: earlier rows are in none.
//
// The spans asked for are cut to whole hours: from the hour that from lies in
// until the one that until lies in, exclusive. ErrInvalid for one longer than
// TallyKept. Hours older than the time a count is kept may be gone.
type Numbers interface {
	// RegionHours lists what happened in a region to its tickets and to the mail
	// it sends, earliest first; hours in which nothing did are left out. What a
	// report says counts in the hour the report was decided.
	RegionHours(ctx context.Context, region string, from, until time.Time) ([]Hour, error)
	// MailboxHours lists what became of the mail seen in a mailbox, by the hour
	// it was seen, as RegionHours does.
	MailboxHours(ctx context.Context, mailbox string, from, until time.Time) ([]Hour, error)
	// Silences counts the mails seen in a mailbox that were not answered, by
	// reason, the most frequent first.
	Silences(ctx context.Context, mailbox string, from, until time.Time) ([]Silence, error)
	// ReceivingDomains adds up what happened to the mail sent, by its recipients'
	// domains, and lists those, the busiest first.
	ReceivingDomains(ctx context.Context, from, until time.Time, p Page) (Domains, error)
	// CountedSince is the first hour there is a count of; ErrNotFound while
	// nothing was counted.
	CountedSince(ctx context.Context) (time.Time, error)
}

const (
	// TallyKept is how long the counts of regions and mailboxes are kept.
	TallyKept = 400 * 24 * time.Hour
	// DomainTallyKept is how long those of receiving domains are, of which there
	// are many.
	DomainTallyKept = 35 * 24 * time.Hour
)

// Whoever fills in a form chooses a domain we write to, so the names counted are
// bounded: in one hour the first DomainsNew, and beyond them, up to
// DomainsCounted, those counted within the day before. So a flood of invented
// domains does not push out the ones that matter. Others are counted together.
const (
	DomainsNew     = 1000
	DomainsCounted = 2000
)

// Tally counts what happened. A number never goes down: a mail that is delayed
// and then delivered counts in both.
type Tally struct {
	Opened uint64 // tickets

	Sent     uint64 // mails that the relay took
	Failed   uint64 // mails given up, but for those whose refusal counts below
	Withheld uint64 // mails not sent: the address is suppressed, or a budget is spent

	// What reports said of mails that were sent, or the relay at the hand-over.
	Delivered  uint64
	Delayed    uint64
	Dead       uint64 // bounced, by Report.Outcome
	Refused    uint64
	Later      uint64
	Complained uint64

	// Mails that came; those that are in none of the last three are not decided.
	Came     uint64
	Answered uint64
	Silent   uint64 // not answered, for a reason that is as it should be
	Unclear  uint64 // not answered, see Inbound.Unclear
}

// Counts are the numbers of a tally, always in the same order: drivers keep them
// by their places, so new ones are added at the end.
func (n *Tally) Counts() [14]*uint64 {
	return [...]*uint64{
		&n.Opened, &n.Sent, &n.Failed, &n.Withheld, &n.Delivered, &n.Delayed, &n.Dead, &n.Refused, &n.Later, &n.Complained,
		&n.Came, &n.Answered, &n.Silent, &n.Unclear,
	}
}

// Add adds other to n.
func (n *Tally) Add(other Tally) {
	more := other.Counts()
	for i, count := range n.Counts() {
		*count += *more[i]
	}
}

// Bounced is how many mails came back.
func (n Tally) Bounced() uint64 { return n.Dead + n.Refused + n.Later }

// Volume is how much happened in all: what domains are ordered by.
func (n Tally) Volume() (all uint64) {
	for _, count := range n.Counts() {
		all += *count
	}
	return all
}

// CountFate counts a mail's new fate.
func (n *Tally) CountFate(d Delivery) {
	switch d.Fate {
	case FateDelivered:
		n.Delivered++
	case FateDelayed:
		n.Delayed++
	case FateComplained:
		n.Complained++
	case FateRefused:
		n.Refused++
	case FateBounced:
		if d.Outcome == OutcomeDead {
			n.Dead++
		} else {
			n.Later++
		}
	}
}

// CountEnd counts the state in which a mail to send ended; one that failed counts
// by its refusal, or in Failed.
func (n *Tally) CountEnd(s OutboundState) {
	switch s {
	case StateSent:
		n.Sent++
	case StateSuppressed:
		n.Withheld++
	}
}

// CountSettled counts what became of a mail that came.
func (n *Tally) CountSettled(m Inbound) {
	switch {
	case m.Answer != 0:
		n.Answered++
	case m.Unclear():
		n.Unclear++
	default:
		n.Silent++
	}
}

// Hour is a tally and when its hour begins.
type Hour struct {
	Start time.Time
	Tally
}

// Silence is a reason for which mails were not answered.
type Silence struct {
	Mark  string // as in InboundQuery: a Kind, or InboundQuarantined
	Rule  string // Verdict.Decider
	Count uint64
}

// Domains is what happened to the mail sent, by receiving domain.
type Domains struct {
	Busiest List[DomainTally] // by Volume, then by name
	Named   int               // how many domains were counted under their names
	Others  Tally             // the mails to domains beyond those counted
}

// DomainTally is what happened to the mail to one domain.
type DomainTally struct {
	Domain string // lower case
	Tally
}

// Decider is the rule for which a mail is not answered: the first that forbids
// it, else the first condition that does not hold; "" when there is none.
func (v Verdict) Decider() string {
	for _, effect := range []Effect{EffectStop, EffectMissing} {
		for _, r := range v.Rules {
			if r.Effect == effect {
				return r.ID
			}
		}
	}
	return ""
}

// Unclear tells a mail that somebody may have to look at: a person's that was
// not answered, now or within the period before, or one that could not be read
// or handled.
func (m Inbound) Unclear() bool {
	switch {
	case m.State == InboundQuarantined:
		return true
	case m.State != InboundDecided || m.Answer != 0:
		return false
	}
	answered := slices.ContainsFunc(m.Verdict.Rules, func(r Rule) bool { return r.ID == RuleAnswered })
	return m.Verdict.Kind == KindUnparsable || m.Verdict.Kind == KindDirect && !answered
}
