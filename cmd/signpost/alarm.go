package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"signpost/mail/watch"
	"signpost/store"
)

// trouble is one thing that ails the service: an id that stays the same while it
// lasts, and a sentence for people.
type trouble struct{ ID, Text string }

const (
	// lookEvery is how often the service looks at itself; what it is told of, such
	// as a tripped breaker, it looks at once.
	lookEvery = 15 * time.Second
	// goneFor is how long a trouble must be gone to count as over, so that one
	// that comes and goes is one alarm and not many.
	goneFor = 2 * time.Minute
	// Between two tries to reach the webhook.
	webhookFirst = 5 * time.Second
	webhookLast  = 10 * time.Minute
)

// alarms tell of every trouble by the log, a metric and, where one is
// configured, a webhook: never by mail, which may be what is broken. What could
// not be told is told later; a trouble that lasts is told again.
type alarms struct {
	look    func(ctx context.Context) []trouble
	tell    func(ctx context.Context, n notice) error // nil: no webhook
	service string
	repeat  time.Duration
	log     *slog.Logger
	metrics *metrics
	kicked  chan struct{}

	// Of run's goroutine alone.
	known    map[string]*alarm
	failures int
	retryAt  time.Time
}

// alarm is a trouble over time.
type alarm struct {
	trouble
	since time.Time
	seen  time.Time // when it was last there
	told  time.Time // when the webhook last took it; zero: never
	over  bool
}

func newAlarms(a *App) *alarms {
	c := a.cfg.Alarm
	s := &alarms{
		look: a.troubles, service: a.cfg.Service.BaseURL, repeat: c.Repeat, log: a.log, metrics: a.metrics,
		kicked: make(chan struct{}, 1), known: map[string]*alarm{},
	}
	if c.Webhook != "" {
		s.tell = newWebhook(c.Webhook).post
	}
	return s
}

// kick has the service looked at soon. It never waits.
func (s *alarms) kick() {
	select {
	case s.kicked <- struct{}{}:
	default:
	}
}

// run looks until ctx ends.
func (s *alarms) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.round(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-s.kicked:
		case <-tick.C:
		}
	}
}

func (s *alarms) round(ctx context.Context) {
	list := s.look(ctx)
	if ctx.Err() != nil {
		return
	}
	s.update(time.Now(), list)
	s.metrics.alarmsStanding(s.standing())
	s.tellAll(ctx)
}

// update brings what is known up to date with what was found.
func (s *alarms) update(now time.Time, list []trouble) {
	for _, t := range list {
		a := s.known[t.ID]
		if a == nil {
			a = &alarm{since: now}
			s.known[t.ID] = a
			s.log.Warn("alarm raised", "alarm", t.ID, "what", t.Text)
		}
		a.trouble, a.seen, a.over = t, now, false
	}
	for id, a := range s.known {
		switch {
		case a.over || now.Sub(a.seen) < goneFor:
		case s.tell == nil || a.told.IsZero(): // nobody was told that it began
			s.log.Info("alarm over", "alarm", id, "lasted", a.seen.Sub(a.since).Round(time.Second))
			delete(s.known, id)
		default:
			s.log.Info("alarm over", "alarm", id, "lasted", a.seen.Sub(a.since).Round(time.Second))
			a.over = true
		}
	}
}

func (s *alarms) standing() (ids []string) {
	for id, a := range s.known {
		if !a.over {
			ids = append(ids, id)
		}
	}
	return ids
}

// tellAll posts what the webhook has not heard, oldest first, and stops at the
// first that it does not take.
func (s *alarms) tellAll(ctx context.Context) {
	if s.tell == nil || time.Now().Before(s.retryAt) {
		return
	}
	var due []*alarm
	for _, a := range s.known {
		if a.over || a.told.IsZero() || time.Since(a.told) >= s.repeat {
			due = append(due, a)
		}
	}
	slices.SortFunc(due, func(a, b *alarm) int { return a.since.Compare(b.since) })
	for _, a := range due {
		if err := s.tell(ctx, s.notice(a)); err != nil {
			s.metrics.noticed("failed")
			s.failures++
			pause := min(webhookFirst<<min(s.failures-1, 10), webhookLast)
			s.retryAt = time.Now().Add(pause)
			s.log.Error("the alarm webhook was not reached", "error", err, "alarm", a.ID, "retry_in", pause)
			return
		}
		s.metrics.noticed("sent")
		s.failures = 0
		if a.told = time.Now(); a.over {
			delete(s.known, a.ID)
		}
	}
}

func (s *alarms) notice(a *alarm) notice {
	n := notice{Alarm: a.ID, State: "raised", Text: a.Text, Since: store.Instant(a.since), At: store.Instant(time.Now()), Service: s.service}
	switch {
	case a.over:
		n.State, n.Text = "over", "Over: "+a.Text
	case !a.told.IsZero():
		n.State, n.Text = "standing", "Still: "+a.Text
	}
	return n
}

// watchObserver counts answers for the alarm on their rate, and has a tripped
// breaker told at once.
func (a *App) watchObserver() watch.Observer {
	o := a.metrics.watchObserver()
	decided := o.Decided
	o.Decided = func(row store.Inbound, lag time.Duration) {
		decided(row, lag)
		if row.Answer != 0 {
			a.rate.add(row.DecidedAt)
		} else if slices.ContainsFunc(row.Verdict.Rules, func(r store.Rule) bool { return r.ID == store.RuleBreaker }) {
			a.alarms.kick()
		}
	}
	return o
}

// raise is the stage that watches the service itself.
func (a *App) raise(ctx context.Context) error {
	if err := a.recallAnswers(ctx); err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error("earlier answers could not be counted", "error", err)
	}
	return a.alarms.run(ctx)
}
