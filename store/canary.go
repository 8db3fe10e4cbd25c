package store

import (
	"context"
	"time"
)

// OwnRegion stands for the region in what the service sends and opens for its
// own sake, alarms and the canary's tickets, so that no region's counts hold
// them. No configured region may have it as its id.
const OwnRegion = "signpost"

// ChannelCanary is the door by which the canary's tickets come in. They open
// solved and without a promise: nobody is to answer them.
const ChannelCanary Channel = "canary"

// CanaryField is the header field that bears the mark of a canary's stray.
const CanaryField = "X-Signpost-Canary"

// CanaryID is the store's own name of a canary's run: ascending, never reused.
type CanaryID uint64

// NewCanary is what BeginCanary needs.
type NewCanary struct {
	Region string // Region.ID: whose address is tried
	Mark   string // what the stray bears, unlike that of any other run
	Ticket NewTicket
	Stray  NewMail
}

// CanaryRun is one trial of the whole road: a stray mail to a support address,
// its answer, and the confirmation of a ticket, from the service through the
// relay and back into a mailbox it reads.
type CanaryRun struct {
	ID        CanaryID
	Region    string
	Mark      string
	StartedAt time.Time
	EndedAt   time.Time // zero while it is under way
	Ticket    TicketID
	Number    string
	StrayID   string // Message-ID of the stray
	// Seen is the stray in the support mailbox, by the ledger; Answer and
	// Confirmation are what came to the canary.
	Seen, Answer, Confirmation CanaryLeg
	Faults                     []string // what went wrong, in words; none: it passed
}

// Passed tells that the run ended well.
func (r CanaryRun) Passed() bool { return !r.EndedAt.IsZero() && len(r.Faults) == 0 }

// CanaryLeg is one mail of a run, as it arrived.
type CanaryLeg struct {
	ArrivedAt time.Time // of the first; zero: none did
	Count     int
	// What the receiving host states of it (RFC 8601), "" where it says nothing.
	SPF, DKIM, DMARC string
}

// CanaryKept is how long a run is kept.
const CanaryKept = 30 * 24 * time.Hour

// Canary are the verbs of the service's trials of itself.
type Canary interface {
	// BeginCanary opens the canary's ticket as OpenTicket does, queues the stray
	// as QueueMail does, and writes the run. ErrInvalid also when the ticket is
	// none of ChannelCanary in OwnRegion, or the run has no mark.
	BeginCanary(ctx context.Context, now time.Time, n NewCanary) (CanaryRun, error)
	// RecordCanary writes what was measured: Seen, Answer, Confirmation, Faults
	// and, once, EndedAt, with which the ticket's link opens nothing any more.
	// ErrNotFound for an unknown run, ErrConflict for one that has ended.
	RecordCanary(ctx context.Context, r CanaryRun) error
	// CanaryRuns lists runs, newest first. One may be gone CanaryKept after it began.
	CanaryRuns(ctx context.Context, p Page) (List[CanaryRun], error)
}
