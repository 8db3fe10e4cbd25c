package store

import (
	"context"
	"time"
)

// Duty is work that one process at a time does for all: watching a mailbox, upkeep, the
// alarms, the canary. It is held by lease: whoever holds it renews it, and it is free when
// that did not happen in time or it was given up.
type Duty struct {
	Name  string
	Owner string // the process that holds it (Claim.Owner)
	// Fence ascends each time that the duty changes hands, so that what its last holder
	// still has under way can be told from what its holder does (UnderDuty).
	Fence uint64
	Until time.Time
}

// DutyLength bounds for how long a duty may be taken.
const DutyLength = time.Hour

// Duties are the verbs of those who do work that one process at a time does.
type Duties interface {
	// TakeDuty gives the duty of that name to owner until now plus length, when it is
	// free; one that owner holds stays theirs under the same fence. ErrConflict while
	// another process holds it; ErrInvalid for a name or an owner that is "" or no name,
	// and a length that is not above 0 or is above DutyLength.
	TakeDuty(ctx context.Context, now time.Time, name, owner string, length time.Duration) (Duty, error)
	// RenewDuty lets a duty last until now plus length, also one whose lease ran out as
	// long as no other process took it. ErrConflict when it is not d's owner's under d's
	// fence any more; ErrInvalid as for TakeDuty.
	RenewDuty(ctx context.Context, now time.Time, d Duty, length time.Duration) (Duty, error)
	// GiveUpDuty makes a duty free at once. One that is not d's owner's any more is left
	// alone.
	GiveUpDuty(ctx context.Context, d Duty) error
	// HeldDuties lists the duties held at now, by name.
	HeldDuties(ctx context.Context, now time.Time) ([]Duty, error)
}

type dutyKey struct{}

// UnderDuty is a context whose verbs act for a duty: one that writes is ErrConflict, and
// writes nothing, when the duty is no longer its owner's under its fence.
func UnderDuty(ctx context.Context, d Duty) context.Context {
	return context.WithValue(ctx, dutyKey{}, d)
}

// DutyOf is the duty that the verbs of a context act for.
func DutyOf(ctx context.Context) (Duty, bool) {
	d, ok := ctx.Value(dutyKey{}).(Duty)
	return d, ok
}
