package duty

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"signpost/store"
)

// blindEvery is how often a store that failed is asked again for a duty.
const blindEvery = 10 * time.Second

// Store is the part of the store that gives duties out.
type Store interface {
	TakeDuty(ctx context.Context, now time.Time, name, owner string, length time.Duration) (store.Duty, error)
	RenewDuty(ctx context.Context, now time.Time, d store.Duty, length time.Duration) (store.Duty, error)
	GiveUpDuty(ctx context.Context, d store.Duty) error
}

// Holder is this process as the holder of duties. It is safe for concurrent use.
type Holder struct {
	Store Store
	Owner string // this process (store.Claim.Owner)
	// Length is for how long a duty is taken; it is renewed three times as often. A store
	// that one process owns frees all duties at its start, so there it may be long.
	Length time.Duration
	Log    *slog.Logger
}

// Doing runs work while this process holds the duty of a name, until ctx ends or work
// does. work is stopped when the duty is another's, and run anew when it is ours again.
//
// While the store fails and does not say who holds the duty, work runs without its fence:
// its verbs fail as long, and what needs no store, such as telling an alarm, must go on.
func (h *Holder) Doing(name string, work func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			d, ok := h.take(ctx, name)
			if !ok {
				return nil
			}
			ended, err := h.hold(ctx, name, d, work)
			if ended {
				return err
			}
		}
	}
}

// take waits until the duty is ours, or the store fails: then it is the zero one. ok is
// false when ctx ended before.
func (h *Holder) take(ctx context.Context, name string) (d store.Duty, ok bool) {
	for waiting := false; ; {
		d, err := h.Store.TakeDuty(ctx, time.Now(), name, h.Owner, h.Length)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				h.giveUp(ctx, d)
			}
			return store.Duty{}, false
		case err == nil:
			return d, true
		case !errors.Is(err, store.ErrConflict):
			h.Log.Error("a duty cannot be taken; its work goes on without", "duty", name, "error", err)
			return store.Duty{}, true
		case !waiting:
			waiting = true
			h.Log.Info("another process does it", "duty", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return store.Duty{}, false
		case <-time.After(h.Length / 3):
		}
	}
}

// hold runs work under d until ctx or work ends, which ended tells, or d is to be taken
// anew.
func (h *Holder) hold(
	ctx context.Context, name string, d store.Duty, work func(context.Context) error,
) (ended bool, err error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	if d.Name != "" {
		running = store.UnderDuty(running, d)
	}
	done := make(chan error, 1)
	go func() { done <- work(running) }()
	for held := true; held; {
		select {
		case err := <-done:
			h.giveUp(ctx, d)
			return true, err
		case <-time.After(h.beat(d)):
			d, held = h.renew(ctx, name, d)
		}
	}
	stop()
	err = <-done
	if ctx.Err() != nil {
		h.giveUp(ctx, d)
		return true, err
	}
	// What it says of being stopped, or of verbs refused under a lost duty, ends no service.
	ended = err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrConflict)
	return ended, err
}

func (h *Holder) beat(d store.Duty) time.Duration {
	if d.Name == "" {
		return min(blindEvery, h.Length/3)
	}
	return h.Length / 3
}

// renew keeps d; held is false when its work is to stop, because another process has it
// or, where the store failed before, because it can be taken now.
func (h *Holder) renew(ctx context.Context, name string, d store.Duty) (_ store.Duty, held bool) {
	if d.Name == "" {
		taken, err := h.Store.TakeDuty(ctx, time.Now(), name, h.Owner, h.Length)
		return taken, err != nil && !errors.Is(err, store.ErrConflict)
	}
	renewed, err := h.Store.RenewDuty(ctx, time.Now(), d, h.Length)
	switch {
	case err == nil:
		return renewed, true
	case errors.Is(err, store.ErrConflict):
		h.Log.Warn("another process took it over", "duty", name, "error", err)
		return d, false
	}
	if ctx.Err() == nil {
		h.Log.Error("a duty cannot be renewed; its work goes on", "duty", name, "error", err)
	}
	return d, true
}

// giveUp frees a duty for the next process; where that fails its lease runs out.
func (h *Holder) giveUp(ctx context.Context, d store.Duty) {
	if d.Name == "" {
		return
	}
	if err := h.Store.GiveUpDuty(context.WithoutCancel(ctx), d); err != nil {
		h.Log.Warn("a duty could not be given up", "duty", d.Name, "error", err)
	}
}
