package store

import (
	"context"
	"fmt"
	"time"
)

// Partners are the verbs of a ticket's page beside writing on it (Tickets.AppendMessage)
// and its link (Links). Each is one transaction on the ticket behind link, proves the
// requester's address as AppendMessage does, and is an event of the thread with the partner
// as its author; one that changes nothing else writes no event. ErrNotFound as
// TicketByLink, ErrForbidden for a partner who came by another link.
type Partners interface {
	// SolveByPartner solves the ticket, as one that needs nothing more. Of a solved one
	// nothing changes, so that a thank-you does not reopen it.
	SolveByPartner(ctx context.Context, now time.Time, by Actor, link LinkID) (Ticket, error)
	// ReopenByPartner opens a solved or pending ticket, which keeps its number. ErrClosed
	// for one that is closed: OpenTicket with NewTicket.Follows goes on from it.
	ReopenByPartner(ctx context.Context, now time.Time, by Actor, link LinkID) (Ticket, error)
	// RateTicket rates the support given, from 1 to MaxScore, in the place of an earlier
	// rating. ErrConflict RatingOpen after the first one, unless it is the same again;
	// ErrInvalid for another score, and for a comment that is longer than MaxField.
	RateTicket(ctx context.Context, now time.Time, by Actor, link LinkID, score int, comment string) (Ticket, error)
}

// ErrClosed: the ticket has been solved for ClosedAfter, so it is not opened any more. It is
// an ErrConflict.
var ErrClosed = fmt.Errorf("%w: the ticket is closed", ErrConflict)

const (
	MaxScore = 5
	// RatingOpen is how long a rating may be changed.
	RatingOpen = 7 * 24 * time.Hour
)

// Rating is what a partner thinks of the support given; zero without one.
type Rating struct {
	Score   int // 1 to MaxScore, the best
	Comment string
	FirstAt time.Time // when the ticket was first rated
}

// ReopenUntil is until when the partner of a solved ticket may reopen it: it is closed from
// then on. Zero for one that is not solved.
func (k Ticket) ReopenUntil() time.Time {
	if k.Status != StatusSolved || k.SolvedAt.IsZero() {
		return time.Time{}
	}
	return k.SolvedAt.Add(ClosedAfter)
}
