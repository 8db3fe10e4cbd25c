package store

import (
	"context"
	"errors"
)

// Noun is what a change is of.
type Noun string

// The nouns whose changes are logged.
const (
	NounTicket   Noun = "ticket" // or an entry of its thread
	NounOutbound Noun = "outbound"
	NounInbound  Noun = "inbound"
)

// LoggedChange tells that something was written or became something else. What it is now
// is read under its id.
type LoggedChange struct {
	Seq  uint64 // its place among all changes, in the order of the commits, from 1
	Noun Noun
	ID   uint64
}

// ErrBehind: the log of changes no longer holds all that its reader has not seen.
var ErrBehind = errors.New("changes were missed")

// ChangesKept is how many of the last changes Housekeep keeps, in some 10 MB: what a
// busy desk writes in days.
const ChangesKept = 1 << 20

// Changes are the verbs of those who keep beside the store what follows from it: an
// index for search, a page that is open.
//
// Such a reader begins by asking LastChange and then reads all there is; from then on
// it asks Changes and reads what those name. One that only tells what is new begins
// with LastChange alone.
type Changes interface {
	// Changes lists what changed after the change numbered after, at most limit. It
	// also returns the number from which to go on: that of the last one listed, or
	// after where there is none. What changed more than once in one commit stands
	// there once. ErrBehind when changes behind after were dropped (Housekeep, and
	// MarkRestored, which drops all), or after is none of this store's: the reader
	// begins anew.
	Changes(ctx context.Context, after uint64, limit int) (changes []LoggedChange, next uint64, err error)
	// LastChange is the number of the last change, 0 before the first.
	LastChange(ctx context.Context) (uint64, error)
	// Changed returns a channel that is closed once something was committed after the
	// call. It may be closed although no change was logged. A reader takes the channel,
	// reads what Changes has, and only then waits.
	Changed() <-chan struct{}
}
