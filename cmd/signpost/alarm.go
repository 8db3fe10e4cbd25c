package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/metrics"
	"signpost/mail/watch"
	"signpost/store"
)

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
	// wordsEvery is how often words that change all the time, as they do that say
	// how long a mail has waited, are written down anew.
	wordsEvery = time.Minute
	// standingMost bounds the alarms that are known at a time.
	standingMost = 500
)

// alarms tell of every trouble by the log, a metric, a webhook and mail, the
// webhook first, since mail may be what is broken. What could not be told is told
// later; a trouble that lasts is told again until somebody acknowledges it. They
// are kept in the store, so that a restart forgets neither them nor who knows of
// them; a store that fails keeps nobody from being told.
type alarms struct {
	look    func(ctx context.Context) []store.Trouble
	book    store.Alarms
	tell    func(ctx context.Context, n notice) error // nil: no webhook
	mail    *alarmMail                                // nil: nobody is mailed
	service string
	repeat  time.Duration
	log     *slog.Logger
	metrics *metrics.Metrics
	kicked  chan struct{}

	// Of run's goroutine alone.
	known    map[string]*alarm
	read     bool // what stood when the process began is among known
	bookErr  bool // the store failed when it was last asked
	failures int
	retryAt  time.Time
}

// alarm is an alarm and what was done about it.
type alarm struct {
	store.Alarm
	seen  time.Time // when it was last there
	saved time.Time // when the store last took its words; zero: never
	// kept are the words and the level that the store has.
	kept store.Trouble
	// What the webhook and the mail have told.
	hook, post told
}

// told is what one way of telling has said of an alarm.
type told struct {
	at    time.Time // zero: nothing
	level int       // the worst
}

// due tells whether there is something to say of a at now, again after repeat.
func (w told) due(a *alarm, now time.Time, repeat time.Duration) bool {
	switch {
	case !a.Over.IsZero():
		return !w.at.IsZero()
	case a.Quiet(now):
		return false
	}
	return w.at.IsZero() || a.Level > w.level || now.Sub(w.at) >= repeat
}

func (w *told) now(a *alarm, now time.Time) {
	w.at, w.level = now, max(w.level, a.Level)
}

func newAlarms(a *App) *alarms {
	c := a.cfg.Alarm
	s := &alarms{
		look: a.troubles, book: a.db, service: a.cfg.Service.BaseURL, repeat: c.Repeat, log: a.log, metrics: a.metrics,
		kicked: make(chan struct{}, 1), known: map[string]*alarm{},
	}
	if c.Webhook != "" {
		s.tell = newWebhook(c.Webhook).post
	}
	if len(c.Mail) > 0 {
		s.mail = newAlarmMail(a)
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
	now := time.Now()
	s.readBook(ctx, now)
	s.update(now, list)
	s.writeBook(ctx, now)
	s.metrics.AlarmsStanding(s.standing())
	s.tellAll(ctx)
	s.mailAll(ctx, now)
	s.forget()
}

// readBook learns who acknowledged what since the last round, and at first what
// stood when the process before ended.
func (s *alarms) readBook(ctx context.Context, now time.Time) {
	rows, err := s.book.StandingAlarms(ctx, standingMost)
	if s.booked(err); err != nil {
		return
	}
	for _, row := range rows {
		a := s.known[row.Key]
		if a == nil && !s.read {
			// Somebody may have been told: it is told again as one that stands.
			a = &alarm{Alarm: row, seen: now, saved: now, kept: row.Trouble}
			before := told{now.Add(-s.repeat), row.Level}
			a.hook, a.post = before, before
			s.known[row.Key] = a
		}
		if a != nil && a.Over.IsZero() {
			a.ID, a.Acknowledgement = row.ID, row.Acknowledgement
		}
	}
	s.read = true
}

// booked notes how the store took a verb, and logs when that changes.
func (s *alarms) booked(err error) {
	if err != nil && !s.bookErr {
		s.log.Error("alarms cannot be kept in the store; they are told all the same", "error", err)
	}
	s.bookErr = err != nil
}

// update brings what is known up to date with what was found.
func (s *alarms) update(now time.Time, list []store.Trouble) {
	for _, t := range list {
		a := s.known[t.Key]
		if a == nil || !a.Over.IsZero() {
			a = &alarm{Alarm: store.Alarm{Since: now}}
			s.known[t.Key] = a
			s.log.Warn("alarm raised", "alarm", t.Key, "what", t.What)
		}
		a.Trouble, a.seen = t, now
	}
	for key, a := range s.known {
		if a.Over.IsZero() && now.Sub(a.seen) >= goneFor {
			a.Over = now
			s.log.Info("alarm over", "alarm", key, "lasted", a.seen.Sub(a.Since).Round(time.Second))
		}
	}
}

// writeBook writes down what changed. A store that fails is asked no further.
func (s *alarms) writeBook(ctx context.Context, now time.Time) {
	for _, a := range s.byAge() {
		var err error
		switch isNew := a.saved.IsZero(); {
		case !a.Over.IsZero() && !isNew:
			if _, err = s.book.EndAlarm(ctx, now, a.Key); errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			if err == nil {
				a.saved = time.Time{} // nothing is left to write
			}
		case a.Over.IsZero() && (isNew || a.Level != a.kept.Level || a.Trouble != a.kept && now.Sub(a.saved) >= wordsEvery):
			var row store.Alarm
			if row, err = s.book.RaiseAlarm(ctx, now, a.Trouble); err == nil {
				a.ID, a.Acknowledgement, a.saved, a.kept = row.ID, row.Acknowledgement, now, a.Trouble
			}
		}
		if s.booked(err); err != nil {
			return
		}
	}
}

// byAge lists what is known, oldest first.
func (s *alarms) byAge() []*alarm {
	return slices.SortedFunc(maps.Values(s.known), func(a, b *alarm) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key)) })
}

func (s *alarms) standing() (keys []string) {
	for key, a := range s.known {
		if a.Over.IsZero() {
			keys = append(keys, key)
		}
	}
	return keys
}

// tellAll posts what the webhook has not heard, oldest first, and stops at the
// first that it does not take.
func (s *alarms) tellAll(ctx context.Context) {
	if s.tell == nil || time.Now().Before(s.retryAt) {
		return
	}
	for _, a := range s.byAge() {
		if !a.hook.due(a, time.Now(), s.repeat) {
			continue
		}
		if err := s.tell(ctx, s.notice(a, a.hook)); err != nil {
			s.metrics.Noticed("failed")
			s.failures++
			pause := min(webhookFirst<<min(s.failures-1, 10), webhookLast)
			s.retryAt = time.Now().Add(pause)
			s.log.Error("the alarm webhook was not reached", "error", err, "alarm", a.Key, "retry_in", pause)
			return
		}
		s.metrics.Noticed("sent")
		s.failures = 0
		if a.hook.now(a, time.Now()); !a.Over.IsZero() {
			a.hook = told{}
		}
	}
}

// forget drops what is over and told by every way that told of it.
func (s *alarms) forget() {
	maps.DeleteFunc(s.known, func(_ string, a *alarm) bool {
		isTold := (s.tell == nil || a.hook.at.IsZero()) && (s.mail == nil || a.post.at.IsZero())
		return !a.Over.IsZero() && isTold && (a.saved.IsZero() || s.bookErr)
	})
}

// notice is what there is to say of an alarm to whom w was said before.
func (s *alarms) notice(a *alarm, w told) notice {
	n := notice{
		Alarm: a.Key, State: "raised", Text: a.What, Do: a.Do, Level: a.Level,
		Since: store.Instant(a.Since), At: store.Instant(time.Now()), Service: s.service,
	}
	switch {
	case !a.Over.IsZero():
		n.State, n.Text, n.Do = "over", "Over: "+a.What, ""
	case w.at.IsZero():
	case a.Level > w.level:
		n.State, n.Text = "worse", "Worse: "+a.What
	default:
		n.State, n.Text = "standing", "Still: "+a.What
	}
	return n
}

// watchObserver counts answers for the alarm on their rate, and has a tripped
// breaker told at once.
func (a *App) watchObserver() watch.Observer {
	o := a.metrics.WatchObserver()
	decided := o.Decided
	o.Decided = func(row store.Inbound, lag time.Duration) {
		decided(row, lag)
		a.fronts.add(row)
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
	if err := a.recallFronts(ctx); err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error("earlier mail through lists could not be counted", "error", err)
	}
	return a.alarms.run(ctx)
}
