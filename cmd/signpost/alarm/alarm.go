package alarm

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/text"
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
	// maxStanding bounds the alarms that are known at a time.
	maxStanding = 500
)

// Source is all that ails the service at an instant.
type Source func(ctx context.Context, now time.Time) []store.Trouble

// Deps is what the alarms are plugged into.
type Deps struct {
	Source Source
	Book   store.Alarms
	Tell   func(ctx context.Context, n Notice) error // the webhook; nil: there is none
	Mail   *Mail                                     // nil: alarms do not go by mail
	// Standing is told at every look which alarms stand, and Noticed whether the
	// webhook took a notice: "sent" or "failed".
	Standing func(keys []string)
	Noticed  func(result string)
	Log      *slog.Logger

	Service string        // its address, in notices
	Repeat  time.Duration // after which a trouble that lasts is told again
}

// Alarms tell of every trouble by the log, a metric, a webhook and mail, the
// webhook first, since mail may be what is broken. What could not be told is told
// later; a trouble that lasts is told again until a person acknowledges it. They
// are kept in the store, so that a restart forgets neither them nor who knows of
// them; while the store fails they are told all the same.
type Alarms struct {
	Deps
	kicked chan struct{}

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

// markTold notes that a is told now.
func (w *told) markTold(a *alarm, now time.Time) {
	w.at, w.level = now, max(w.level, a.Level)
}

// New makes alarms that know of none yet.
func New(d Deps) *Alarms {
	return &Alarms{Deps: d, kicked: make(chan struct{}, 1), known: map[string]*alarm{}}
}

// Kick has the service looked at soon. It never waits.
func (s *Alarms) Kick() {
	select {
	case s.kicked <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends.
func (s *Alarms) Run(ctx context.Context) error {
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

func (s *Alarms) round(ctx context.Context) {
	list := s.Source(ctx, time.Now())
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	s.readBook(ctx, now)
	s.update(now, list)
	s.writeBook(ctx, now)
	s.Standing(s.standing())
	s.tellAll(ctx)
	s.mailAll(ctx, now)
	s.forget()
}

// readBook learns who acknowledged what since the last round, and at first what
// stood when the process before ended.
func (s *Alarms) readBook(ctx context.Context, now time.Time) {
	rows, err := store.Items(s.Book.StandingAlarms(ctx, store.Page{Limit: maxStanding}))
	if s.booked(err); err != nil {
		return
	}
	for _, row := range rows {
		a := s.known[row.Key]
		if a == nil && !s.read {
			// It may have been told: it is told again as one that stands.
			a = &alarm{Alarm: row, seen: now, saved: now, kept: row.Trouble}
			before := told{now.Add(-s.Repeat), row.Level}
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
func (s *Alarms) booked(err error) {
	if err != nil && !s.bookErr {
		s.Log.Error("alarms cannot be kept in the store; they are told all the same", "error", err)
	}
	s.bookErr = err != nil
}

// update brings what is known up to date with what was found.
func (s *Alarms) update(now time.Time, list []store.Trouble) {
	for _, t := range list {
		text.Clean(&t) // it may quote a server's words
		a := s.known[t.Key]
		if a == nil || !a.Over.IsZero() {
			a = &alarm{Alarm: store.Alarm{Since: now}}
			s.known[t.Key] = a
			s.Log.Warn("alarm raised", "alarm", t.Key, "what", t.What)
		}
		a.Trouble, a.seen = t, now
	}
	for key, a := range s.known {
		if a.Over.IsZero() && now.Sub(a.seen) >= goneFor {
			a.Over = now
			s.Log.Info("alarm over", "alarm", key, "lasted", a.seen.Sub(a.Since).Round(time.Second))
		}
	}
}

// writeBook writes down what changed. A store that fails is asked no further.
func (s *Alarms) writeBook(ctx context.Context, now time.Time) {
	for _, a := range s.byAge() {
		var err error
		switch isNew := a.saved.IsZero(); {
		case !a.Over.IsZero() && !isNew:
			if _, err = s.Book.EndAlarm(ctx, now, a.Key); errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			if err == nil {
				a.saved = time.Time{} // nothing is left to write
			}
		case a.Over.IsZero() && (isNew || a.Level != a.kept.Level || a.Trouble != a.kept && now.Sub(a.saved) >= wordsEvery):
			var row store.Alarm
			if row, err = s.Book.RaiseAlarm(ctx, now, a.Trouble); err == nil {
				a.ID, a.Acknowledgement, a.saved, a.kept = row.ID, row.Acknowledgement, now, a.Trouble
			}
		}
		if s.booked(err); err != nil {
			return
		}
	}
}

// byAge lists what is known, oldest first.
func (s *Alarms) byAge() []*alarm {
	return slices.SortedFunc(maps.Values(s.known), func(a, b *alarm) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
}

func (s *Alarms) standing() (keys []string) {
	for key, a := range s.known {
		if a.Over.IsZero() {
			keys = append(keys, key)
		}
	}
	return keys
}

// tellAll posts what the webhook has not heard, oldest first, and stops at the
// first that it does not take.
func (s *Alarms) tellAll(ctx context.Context) {
	if s.Tell == nil || time.Now().Before(s.retryAt) {
		return
	}
	for _, a := range s.byAge() {
		if !a.hook.due(a, time.Now(), s.Repeat) {
			continue
		}
		if err := s.Tell(ctx, s.notice(a, a.hook)); err != nil {
			s.Noticed("failed")
			s.failures++
			pause := min(webhookFirst<<min(s.failures-1, 10), webhookLast)
			s.retryAt = time.Now().Add(pause)
			s.Log.Error("the alarm webhook was not reached", "error", err, "alarm", a.Key, "retry_in", pause)
			return
		}
		s.Noticed("sent")
		s.failures = 0
		if a.hook.markTold(a, time.Now()); !a.Over.IsZero() {
			a.hook = told{}
		}
	}
}

// forget drops what is over and told by every way that told of it.
func (s *Alarms) forget() {
	maps.DeleteFunc(s.known, func(_ string, a *alarm) bool {
		isTold := (s.Tell == nil || a.hook.at.IsZero()) && (s.Mail == nil || a.post.at.IsZero())
		return !a.Over.IsZero() && isTold && (a.saved.IsZero() || s.bookErr)
	})
}

// notice is what there is to say of an alarm to whom w was said before.
func (s *Alarms) notice(a *alarm, w told) Notice {
	n := Notice{
		Alarm: a.Key, State: "raised", Text: a.What, Do: a.Do, Level: a.Level,
		Since: store.Instant(a.Since), At: store.Instant(time.Now()), Service: s.Service,
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
