package duty

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// room is a store that several processes share, and their loops, which count how often
// they run.
type room struct {
	*testing.T
	db *verbs.Store
}

// bubble tells a story in which time passes by itself.
func bubble(t *testing.T, story func(r *room)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := memory.Open(verbs.Layouts(), memory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		db, err := verbs.Open(e, verbs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		story(&room{t, db})
	})
}

// process is one that has a duty to do.
type process struct {
	failing atomic.Bool // its store does
	works   atomic.Bool // its loop runs now
	began   atomic.Int64
	under   atomic.Value // the context of its loop
	stop    context.CancelFunc
	done    chan error
	store   *verbs.Store
}

var errStore = errors.New("the disk fails")

func (p *process) TakeDuty(
	ctx context.Context, now time.Time, name, owner string, length time.Duration,
) (store.Duty, error) {
	if p.failing.Load() {
		return store.Duty{}, errStore
	}
	return p.store.TakeDuty(ctx, now, name, owner, length)
}

func (p *process) RenewDuty(
	ctx context.Context, now time.Time, d store.Duty, length time.Duration,
) (store.Duty, error) {
	if p.failing.Load() {
		return store.Duty{}, errStore
	}
	return p.store.RenewDuty(ctx, now, d, length)
}

func (p *process) GiveUpDuty(ctx context.Context, d store.Duty) error {
	return p.store.GiveUpDuty(ctx, d)
}

// starts a process; change may alter it before.
func (r *room) starts(owner string, change ...func(*process)) *process {
	p := &process{store: r.db, done: make(chan error, 1)}
	for _, c := range change {
		c(p)
	}
	ctx, stop := context.WithCancel(r.Context())
	p.stop = stop
	r.Cleanup(stop)
	h := &Holder{Store: p, Owner: owner, Length: 30 * time.Second, Log: slog.New(slog.DiscardHandler)}
	work := h.Doing("upkeep", func(ctx context.Context) error {
		p.began.Add(1)
		p.under.Store(&ctx)
		p.works.Store(true)
		defer p.works.Store(false)
		<-ctx.Done()
		return nil
	})
	go func() { p.done <- work(ctx) }()
	return p
}

// acts does what the process's loop does: it writes.
func (p *process) acts() error {
	ctx := *p.under.Load().(*context.Context)
	_, err := p.store.RaiseAlarm(context.WithoutCancel(ctx), time.Now(), store.Trouble{Key: "k", Level: 1})
	return err
}

func (r *room) wantWorks(first, second *process, one, two bool) {
	r.Helper()
	if first.works.Load() != one || second.works.Load() != two {
		r.Errorf("at %v the first works: %v, the second: %v", time.Now(), first.works.Load(), second.works.Load())
	}
}

func TestAnotherProcessTakesOverWhenOneStops(t *testing.T) {
	bubble(t, func(r *room) {
		one := r.starts("one")
		synctest.Wait()
		two := r.starts("two")
		time.Sleep(time.Hour)
		r.wantWorks(one, two, true, false)
		if one.began.Load() != 1 {
			r.Errorf("in an hour its loop began %d times", one.began.Load())
		}
		one.stop()
		if err := <-one.done; err != nil {
			r.Error(err)
		}
		time.Sleep(11 * time.Second)
		r.wantWorks(one, two, false, true)
		if err := two.acts(); err != nil {
			r.Error(err)
		}
		two.stop()
		<-two.done
		if held, err := r.db.HeldDuties(r.Context(), time.Now()); err != nil || len(held) != 0 {
			r.Errorf("after both stopped %v is held, %v", held, err)
		}
	})
}

// A process that cannot reach the store goes on, until another has its duty: then what it
// writes is refused, and its loop ends when it hears of it.
func TestAProcessThatLostItsDutyWritesNothingAndStops(t *testing.T) {
	bubble(t, func(r *room) {
		one := r.starts("one")
		synctest.Wait()
		two := r.starts("two")
		one.failing.Store(true)
		time.Sleep(20 * time.Second)
		r.wantWorks(one, two, true, false)
		if err := one.acts(); err != nil {
			r.Errorf("before another took it: %v", err)
		}
		time.Sleep(40 * time.Second)
		r.wantWorks(one, two, true, true)
		if err := one.acts(); !errors.Is(err, store.ErrConflict) {
			r.Errorf("what it writes for a duty that is another's: %v", err)
		}
		if err := two.acts(); err != nil {
			r.Error(err)
		}
		one.failing.Store(false)
		time.Sleep(11 * time.Second)
		r.wantWorks(one, two, false, true)
		one.stop()
		two.stop()
		<-one.done
		<-two.done
	})
}

// While the store fails from the start, the work is done all the same; it goes on under a
// fence as soon as the store answers.
func TestWorkGoesOnWhileTheStoreFails(t *testing.T) {
	bubble(t, func(r *room) {
		one := r.starts("one", func(p *process) { p.failing.Store(true) })
		time.Sleep(time.Minute)
		if !one.works.Load() || one.began.Load() != 1 {
			r.Errorf("works: %v, begun %d times", one.works.Load(), one.began.Load())
		}
		one.failing.Store(false)
		time.Sleep(11 * time.Second)
		ctx := *one.under.Load().(*context.Context)
		if d, ok := store.DutyOf(ctx); !ok || d.Owner != "one" || !one.works.Load() || one.began.Load() != 2 {
			r.Errorf("its duty is %+v, works: %v, begun %d times", d, one.works.Load(), one.began.Load())
		}
		one.stop()
		<-one.done
	})
}

// What work returns by itself is what Doing returns, and the duty is free.
func TestWorkThatFailsEndsTheService(t *testing.T) {
	bubble(t, func(r *room) {
		fault := errors.New("it cannot watch at all")
		h := &Holder{Store: r.db, Owner: "one", Length: time.Minute, Log: slog.New(slog.DiscardHandler)}
		err := h.Doing("watch/us", func(context.Context) error { return fault })(r.Context())
		if !errors.Is(err, fault) {
			r.Errorf("got %v", err)
		}
		if held, _ := r.db.HeldDuties(r.Context(), time.Now()); len(held) != 0 {
			r.Errorf("%v is held", held)
		}
	})
}
