package alarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/intake/staff"
	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/store"
)

// Subject is the service that is looked at. It needs Store and Sender; the rest is not
// looked at where it is empty.
type Subject struct {
	Config   config.Config
	Began    time.Time // when the service did
	Store    Store
	Sender   Sender
	Watchers []Watcher
	Accounts config.Accounts
	Disk     *Disk
	Guessed  func(now time.Time) []staff.Guessed

	answers answerRate
	lists   lists
}

// Store is the part of the store that tells how the service does.
type Store interface {
	Stats(ctx context.Context) (store.Stats, error)
	Responder(ctx context.Context, now time.Time) (store.Responder, error)
	MailboxResponder(ctx context.Context, mailbox string) (store.Responder, error)
	Refusals(ctx context.Context, since time.Time, p store.Page) (store.List[store.Refusal], error)
	CanaryRuns(ctx context.Context, p store.Page) (store.List[store.CanaryRun], error)
	HeldOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	WaitingOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	ListInbound(ctx context.Context, p store.Page) (store.List[store.Inbound], error)
}

// Sender is what *outbox.Sender knows of the relay.
type Sender interface {
	Relay() outbox.RelayStatus
	Holds() []outbox.HoldStatus
	HoldsAll() bool
	Holding(address string) bool
	Freed(address string) time.Time
}

// Watcher is what *watch.Watcher knows of its mailbox.
type Watcher interface{ Health() watch.Health }

// KeyStore is the one trouble in which no ticket could be taken.
const KeyStore = "store"

// Troubles is a Source: all that ails the service, as it may be shown everywhere.
func (s *Subject) Troubles(ctx context.Context, now time.Time) []store.Trouble {
	list := s.asSaid(ctx, now)
	for i := range list {
		list[i].What = tidy(list[i].What)
	}
	return list
}

// asSaid are all troubles, each with what mends it, in words among which servers' own
// stand. A level rises when a trouble gets worse, so that it is told anew.
func (s *Subject) asSaid(ctx context.Context, now time.Time) []store.Trouble {
	stats, err := s.Store.Stats(ctx)
	if err != nil {
		return append([]store.Trouble{{
			Key: KeyStore, What: fmt.Sprintf("the store cannot be read: %v", err), Level: 3,
			Do: "No ticket can be taken until it can. Look at the disk and the log of the service; signpost check " +
				"tests the data file.",
		}}, s.listTroubles()...)
	}
	held := s.heldTrouble(ctx, now, stats)
	var canary []store.Trouble
	if len(held) == 0 || !s.Sender.HoldsAll() { // else its mails wait as all others do
		canary = s.canaryTroubles(ctx, now)
	}
	return slices.Concat(
		throttledTroubles(stats, s.Config.Alarm.Throttled),
		outboxTroubles(now, s.oldestUnheld(ctx, now, stats), s.Sender.Relay()), held, s.mailboxTroubles(now),
		s.responderTroubles(ctx, now),
		s.refusalTroubles(ctx, now), s.tokenTroubles(now), s.silencedTroubles(ctx), s.diskTroubles(now), canary,
		s.guessTroubles(now), s.listTroubles(),
	)
}

// Decided counts a mail that was decided, and tells whether the breaker has just
// stopped its answer: then it is worth a look at once.
func (s *Subject) Decided(row store.Inbound) (tripped bool) {
	s.lists.add(row)
	if row.Answer != 0 {
		s.answers.add(row.DecidedAt)
		return false
	}
	return slices.ContainsFunc(row.Verdict.Rules, func(r store.Rule) bool { return r.ID == store.RuleBreaker })
}

// Recall counts what was decided before this process began.
func (s *Subject) Recall(ctx context.Context) error {
	return errors.Join(s.recallAnswers(ctx), s.recallLists(ctx))
}

// level is how many of the limits a value has passed: 1 beyond the first.
func level[T int | time.Duration](value T, limits ...T) (n int) {
	for _, limit := range limits {
		if value >= limit {
			n++
		}
	}
	return n
}
