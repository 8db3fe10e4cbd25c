package store

import "time"

// DeadlineKind is which promise a deadline belongs to.
type DeadlineKind string

// The kinds of deadline.
const (
	DeadlineFirstResponse DeadlineKind = "first_response"
	DeadlineResolution    DeadlineKind = "resolution"
	DeadlineNextUpdate    DeadlineKind = "next_update"
)

// DeadlineKept is how long a deadline stays in the list of those due: longer than
// any service is down before its clock goes on. The promise stays on its ticket.
const DeadlineKept = 90 * 24 * time.Hour

// Deadline is an instant by which a promise falls due. It ends when the promise is met
// (Ticket.Deadlines).
type Deadline struct {
	Ticket TicketID
	Kind   DeadlineKind
	Due    time.Time
}

// Deadlines are those of a ticket that are still to be met. The first response is met by
// the first reply that the relay took, or by solving the ticket; the resolution by
// solving it, and it falls due at no instant while its clock stands. The next update is met
// by a reply, and by taking the ticket off hold.
func (k Ticket) Deadlines() (all []Deadline) {
	add := func(kind DeadlineKind, due time.Time, met bool) {
		if !due.IsZero() && !met {
			all = append(all, Deadline{Ticket: k.ID, Kind: kind, Due: due})
		}
	}
	add(DeadlineFirstResponse, k.Promise.FirstResponseBy, !k.FirstReplyAt.IsZero() || !k.Status.Waits())
	add(DeadlineResolution, k.Promise.ResolutionBy, k.Status.Stops())
	add(DeadlineNextUpdate, k.Promise.NextUpdateBy, k.Status != StatusOnHold)
	return all
}

// Span is a stretch of time. A zero To is one that lasts.
type Span struct{ From, To time.Time }

// Reckoning tells how a deadline came about. Its instants are in the zone of the region's
// calendar.
type Reckoning struct {
	Zone      *time.Location
	Target    time.Duration // business time
	From, Due time.Time
	Counted   []Span   // business time, each within one local date, ascending
	Holidays  []string // dates (YYYY-MM-DD) on which the region would have been open
	Pauses    []Span   // in which the clock stood before the deadline, ascending
}

// Moment is what happens to a ticket that its promise may depend on.
type Moment string

// The moments.
const (
	MomentOpened     Moment = "opened"     // with the promise that its door gave, if any
	MomentAnswered   Moment = "answered"   // the relay took the first reply
	MomentUnanswered Moment = "unanswered" // and no longer counts as having: it came back
	MomentStopped    Moment = "stopped"    // the clock of the resolution stands from now on
	MomentResumed    Moment = "resumed"    // it runs again; it stood since StoppedAt
	MomentHeld       Moment = "held"       // it waits for another than the partner from now on
)

// Promising works out the promise of a ticket at a moment, from the ticket as it stood
// just before. It is pure: the same arguments give the same promise.
type Promising func(m Moment, k Ticket, now time.Time) Promise
