package store

import (
	"context"
	"time"
)

// AlarmID is the store's own name of an alarm: ascending, never reused.
type AlarmID uint64

// Trouble is something that ails the service now.
type Trouble struct {
	Key  string // stays the same while it lasts, and when it comes again: "mailbox/us"
	What string // is wrong, in words; cut to 1,000 bytes by the driver, as is Do
	Do   string // what mends it, in words
	// Level is how bad it is, from 1 on. A higher one than was acknowledged
	// calls people again.
	Level int
}

// Alarm is a trouble over time.
type Alarm struct {
	ID AlarmID
	Trouble
	Since time.Time
	Over  time.Time // zero while it stands
	Acknowledgement
}

// Acknowledgement tells that a person knows of an alarm, which is then not told
// again; the zero one, that nobody does.
type Acknowledgement struct {
	By    string    // what they sign in with
	At    time.Time // zero: nobody acknowledged it
	Until time.Time // when it is to be told again all the same; zero: never
	// UpTo is the Level that was acknowledged.
	UpTo int
}

// Quiet tells whether a standing alarm is not to be told at now, since somebody
// acknowledged it as bad as it is.
func (a Alarm) Quiet(now time.Time) bool {
	return !a.At.IsZero() && a.Level <= a.UpTo && (a.Until.IsZero() || now.Before(a.Until))
}

// AlarmKept is how long an alarm is kept after it was over.
const AlarmKept = 90 * 24 * time.Hour

// Alarms are the verbs of those who are called when something is wrong.
type Alarms interface {
	// RaiseAlarm opens the alarm of a trouble, or brings the one that stands up
	// to date: words and level change, Since and the acknowledgement do not.
	// ErrInvalid without a key or below level 1.
	RaiseAlarm(ctx context.Context, now time.Time, t Trouble) (Alarm, error)
	// EndAlarm ends the alarm that stands under a key; ErrNotFound when none
	// does. The next one under that key is another, which nobody acknowledged.
	EndAlarm(ctx context.Context, now time.Time, key string) (Alarm, error)
	// AcknowledgeAlarm records who knows of a standing alarm, at its level now;
	// until until (zero: for as long as it is no worse); a later one replaces an earlier.
	// ErrNotFound for an unknown alarm, ErrConflict for one that is over,
	// ErrInvalid without the actor's Account, or with an until that is not after now.
	AcknowledgeAlarm(ctx context.Context, now time.Time, by Actor, id AlarmID, until time.Time) (Alarm, error)
	// StandingAlarms lists those not over, oldest first.
	StandingAlarms(ctx context.Context, p Page) (List[Alarm], error)
	// EndedAlarms lists those over, newest first.
	EndedAlarms(ctx context.Context, p Page) (List[Alarm], error)
}
