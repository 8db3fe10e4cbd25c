package form

import (
	"context"
	"errors"
	"sync"
	"time"

	"signpost/store"
)

// Changes are the verbs by which an open page hears of what changed; see store.Changes.
type Changes interface {
	store.Changes
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
}

const (
	// changesAtOnce is how many changes one look at the log reads.
	changesAtOnce = 1000
	// feedPause is between two looks: many commits cost one.
	feedPause = 50 * time.Millisecond
	// feedRetry is after a look that failed.
	feedRetry = time.Second
)

// feed tells who follows a ticket that it or one of its mails changed. One reader of the
// log of changes serves all who follow, and works while there is one. It is safe for
// concurrent use.
type feed struct {
	log Changes

	mu        sync.Mutex
	followers map[store.TicketID]map[chan struct{}]bool
	stop      context.CancelFunc // nil while no one follows
}

func newFeed(log Changes) *feed {
	return &feed{log: log, followers: make(map[store.TicketID]map[chan struct{}]bool)}
}

// follow returns a channel that is sent to after each change to the ticket from now on,
// changes in a row once, and what ends that.
func (f *feed) follow(ctx context.Context, id store.TicketID) (changed <-chan struct{}, leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		last, err := f.log.LastChange(ctx)
		if err != nil {
			return nil, nil, err
		}
		reading, stop := context.WithCancel(context.Background())
		f.stop = stop
		go f.read(reading, last)
	}
	mine := make(chan struct{}, 1)
	if f.followers[id] == nil {
		f.followers[id] = make(map[chan struct{}]bool)
	}
	f.followers[id][mine] = true
	return mine, func() { f.leave(id, mine) }, nil
}

func (f *feed) leave(id store.TicketID, mine chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if delete(f.followers[id], mine); len(f.followers[id]) == 0 {
		delete(f.followers, id)
	}
	if len(f.followers) == 0 {
		f.stop()
		f.stop = nil
	}
}

// read reads the log behind a change until ctx ends.
func (f *feed) read(ctx context.Context, after uint64) {
	for ctx.Err() == nil {
		committed := f.log.Changed()
		changes, next, err := f.log.Changes(ctx, after, changesAtOnce)
		switch {
		case errors.Is(err, store.ErrBehind):
			f.tellAll()
			if next, err = f.log.LastChange(ctx); err == nil {
				after = next
				continue
			}
			fallthrough
		case err != nil:
			sleep(ctx, feedRetry)
			continue
		}
		after = next
		f.tell(ctx, changes)
		if len(changes) == changesAtOnce {
			continue
		}
		select {
		case <-committed:
			sleep(ctx, feedPause)
		case <-ctx.Done():
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// tell tells those who follow a ticket that is among the changes, or has a mail there.
func (f *feed) tell(ctx context.Context, changes []store.LoggedChange) {
	for _, c := range changes {
		switch c.Noun {
		case store.NounTicket:
			f.poke(store.TicketID(c.ID))
		case store.NounOutbound:
			// One that is gone, or cannot be read now, is no news to a reader of the page.
			if mail, err := f.log.Outbound(ctx, store.OutboundID(c.ID)); err == nil {
				f.poke(mail.Ticket)
			}
		}
	}
}

func (f *feed) poke(id store.TicketID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for follower := range f.followers[id] {
		poke(follower)
	}
}

func (f *feed) tellAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, followers := range f.followers {
		for follower := range followers {
			poke(follower)
		}
	}
}

func poke(follower chan struct{}) {
	select {
	case follower <- struct{}{}:
	default: // it has not yet read the last one
	}
}
