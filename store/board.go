package store

import (
	"context"
	"strings"
	"time"
)

// InboundQuery says which mails of the ledger are wanted. Zero fields want all.
type InboundQuery struct {
	// Address is the author, or a recipient that a report names; compared by
	// AddressKey.
	Address string
	// Mark is a Kind, MarkAnswered, or the InboundState of a mail not decided.
	Mark      string
	MessageID string    // without angle brackets, compared without case
	Mailbox   string    // it came to
	Decider   string    // Verdict.Decider
	Since     time.Time // seen at or after
	Until     time.Time // seen before
}

// MarkAnswered marks the mails that got an automatic answer.
const MarkAnswered = "answered"

// Marks are what an inbound is found under: its kind once it is decided, else
// its state, and whether it was answered.
func (m Inbound) Marks() []string {
	if m.State != InboundDecided {
		return []string{string(m.State)}
	}
	if m.Answer != 0 {
		return []string{string(m.Verdict.Kind), MarkAnswered}
	}
	return []string{string(m.Verdict.Kind)}
}

// Addresses are whom an inbound is found under, each once: its author and the
// recipients its reports name, by AddressKey.
func (m Inbound) Addresses() []string {
	var all []string
	add := func(address string) {
		key := AddressKey(address)
		if key == "" {
			return
		}
		for _, known := range all {
			if known == key {
				return
			}
		}
		all = append(all, key)
	}
	add(authorOf(m.From))
	for _, r := range m.Verdict.Reports {
		add(r.Recipient)
	}
	return all
}

// authorOf is the address in a From as it is shown.
func authorOf(from string) string {
	if open := strings.LastIndexByte(from, '<'); open >= 0 {
		from, _, _ = strings.Cut(from[open+1:], ">")
	}
	if !strings.Contains(from, "@") {
		return ""
	}
	return from
}

// Board are the verbs of those who watch over the flow of mail.
type Board interface {
	// SearchInbound lists the mails of the ledger that q wants, newest first. It
	// walks the index of the narrowest field given.
	SearchInbound(ctx context.Context, q InboundQuery, p Page) (List[Inbound], error)
	// WaitingOutbounds lists the queued, claimed and held mails, the one queued first
	// first.
	WaitingOutbounds(ctx context.Context, p Page) (List[Outbound], error)
	// FailedOutbounds lists the mails in StateFailed, newest first.
	FailedOutbounds(ctx context.Context, p Page) (List[Outbound], error)
	// ThrottledOutbounds lists the throttled mails in the order of their turns.
	ThrottledOutbounds(ctx context.Context, p Page) (List[Outbound], error)
	// HeldOutbounds lists the mails in StateHeld, newest first.
	HeldOutbounds(ctx context.Context, p Page) (List[Outbound], error)
	// RetryOutbounds makes mails due now: those that wait for another try, those
	// anew with the same bytes and no fate. A mail that is in none of these states is left
	// alone, as is a failed auto-response, which is sent at most once. One whose address is
	// suppressed for its kind would not leave: it is left alone and named, or, with Release,
	// that suppression ends in the same step.
	// One whose ticket has been given another address is left alone too, and has
	// RuleReplaced for its Reason from then on.
	// ErrNotFound, and nothing written, when an id is unknown, or of a region that the actor
	// does not see.
	RetryOutbounds(ctx context.Context, now time.Time, by Actor, r Retry) (Retried, error)
	// GiveUpOutbounds ends held mails in StateFailed by the word of the actor, as a final
	// failure in FinishOutbound without a Report does. Mails in another state are
	// left alone. It returns those it ended. ErrNotFound as for RetryOutbounds, ErrInvalid
	// without the actor's Account.
	GiveUpOutbounds(ctx context.Context, now time.Time, by Actor, ids []OutboundID) ([]Outbound, error)
}

// Retry names the mails to try again.
type Retry struct {
	IDs     []OutboundID
	Release bool // also those whose address is suppressed
}

// Retried is what RetryOutbounds did: what is due now, and what would not leave.
type Retried struct {
	Due        []Outbound
	Suppressed []Outbound
}
