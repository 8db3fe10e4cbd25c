package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
)

// maxWhy is how many lines explain one date of a promise.
const maxWhy = 100

// why explains one date of a promise: what was counted, and what was not.
type why struct {
	Zone    string // the region's, in which the lines are
	From    string
	Target  string
	Lines   []whyLine
	More    int // lines that are not shown
	Due     string
	Left    string // working time that is left while the clock stands, "" while it runs
	Mine    string // the same instant in the reader's zone, "" where that is the region's
	Differs string // how far the promise is from what is reckoned, in words
}

// whyLine is one stretch of time.
type whyLine struct {
	Words string
	Took  string // what was counted of it, "" for nothing
	Sum   string // what was counted up to its end
	at    time.Time
}

// why explains one date of a ticket's promise; nil where its region has no policy any more.
func (d *Desk) why(f *frame, k store.Ticket, kind store.DeadlineKind, promised time.Time, pauses []store.Span) *why {
	r, err := d.deps.Why(k.Region, kind, k.OpenedAt, pauses)
	if err != nil {
		return nil
	}
	w := &why{
		Zone: r.Zone.String(), From: r.From.Format(whyTime), Target: hoursOf(r.Target), Due: r.Due.Format(whyTime + " MST"),
	}
	var left time.Duration
	if w.Lines, left = whyLines(r); left > 0 {
		w.Left = hoursOf(left)
	}
	if f.zone.String() != w.Zone {
		w.Mine = r.Due.In(f.zone).Format(whyTime+" MST") + " (" + f.zone.String() + ")"
	}
	if n := len(w.Lines) - maxWhy; n > 0 {
		w.Lines, w.More = w.Lines[:maxWhy], n
	}
	if apart := promised.Sub(r.Due).Abs(); apart >= time.Minute {
		w.Differs = "The date that was promised is " + promised.In(r.Zone).Format(whyTime+" MST") +
			". It was set under other hours or holidays, or anew when the confirmation could be sent, and stays as it is."
	}
	return w
}

const whyTime = "Mon 2 Jan, 15:04"

// whyLines are what was counted, the holidays and the pauses, in order of time; and what is
// left of the target where the clock stands, 0 where it runs.
func whyLines(r store.Reckoning) (all []whyLine, left time.Duration) {
	var stopped time.Time
	if n := len(r.Pauses); n > 0 && r.Pauses[n-1].To.IsZero() {
		stopped = r.Pauses[n-1].From
	}
	var sum time.Duration
	for _, c := range r.Counted {
		if !stopped.IsZero() {
			if !c.From.Before(stopped) {
				break
			}
			if c.To.After(stopped) {
				c.To = stopped
			}
		}
		sum += c.To.Sub(c.From)
		all = append(all, whyLine{
			Words: c.From.Format("Mon 2 Jan, 15:04 to ") + c.To.Format("15:04"), Took: hoursOf(c.To.Sub(c.From)),
			Sum: hoursOf(sum), at: c.From,
		})
	}
	for _, day := range r.Holidays {
		date, err := time.ParseInLocation(time.DateOnly, day, r.Zone)
		if err == nil && (stopped.IsZero() || date.Before(stopped)) {
			all = append(all, whyLine{Words: date.Format("Mon 2 Jan") + ", a holiday", at: date})
		}
	}
	for _, p := range r.Pauses {
		words := "Clock stopped since " + p.From.Format(whyTime)
		if !p.To.IsZero() {
			words = "Clock stopped from " + p.From.Format(whyTime) + " to " + p.To.Format(whyTime)
		}
		all = append(all, whyLine{Words: words, at: p.From})
	}
	slices.SortStableFunc(all, func(a, b whyLine) int { return a.at.Compare(b.at) })
	if !stopped.IsZero() {
		left = r.Target - sum
	}
	return all, left
}

// hoursOf is business time in hours and minutes.
func hoursOf(t time.Duration) string {
	t = t.Round(time.Minute)
	hours, minutes := int(t.Hours()), int(t.Minutes())%60
	var parts []string
	if hours > 0 {
		parts = append(parts, fmt.Sprintf("%d\u00a0h", hours))
	}
	if minutes > 0 || hours == 0 {
		parts = append(parts, fmt.Sprintf("%d\u00a0min", minutes))
	}
	return strings.Join(parts, "\u00a0")
}

// explain explains both dates of a ticket's promise. The thread is read for pauses only where
// the resolution was moved or its clock stands.
func (d *Desk) explain(ctx context.Context, f *frame, by store.Actor, k store.Ticket, all []promised) error {
	for i, p := range all {
		due := k.Promise.FirstResponseBy
		if p.kind == store.DeadlineResolution {
			due = k.Promise.ResolutionBy
		}
		w := d.why(f, k, p.kind, due, nil)
		if w != nil && p.kind == store.DeadlineResolution && (w.Differs != "" || !k.StoppedAt.IsZero()) {
			pauses, err := d.pausesOf(ctx, by, k)
			if err != nil {
				return err
			}
			w = d.why(f, k, p.kind, due, pauses)
		}
		all[i].Why = w
	}
	return nil
}

// pausesOf are the stretches in which the clock of a ticket's resolution stood, from what
// its thread tells of its status.
func (d *Desk) pausesOf(ctx context.Context, by store.Actor, k store.Ticket) (all []store.Span, err error) {
	for e, err := range d.entriesOf(ctx, by, k) {
		if err != nil {
			return nil, err
		}
		all = paused(all, e)
	}
	return all, nil
}

// paused is the pauses after one more entry. A mail that came back was no answer: the clock
// counts as never having stood for it (the store's rule for a ticket that such mail opens).
func paused(all []store.Span, e store.Entry) []store.Span {
	lasts := len(all) > 0 && all[len(all)-1].To.IsZero()
	switch from, to := e.Change.StatusFrom, e.Change.StatusTo; {
	case lasts && reopens(e.Event):
		return all[:len(all)-1]
	case cmp.Or(from, to) == "" || from.Stops() == to.Stops():
	case to.Stops() && !lasts:
		return append(all, store.Span{From: e.At})
	case lasts:
		all[len(all)-1].To = e.At
	}
	return all
}

// reopens tells an event that opens its ticket again.
func reopens(e store.Event) bool {
	return e == store.EventMailFailed || e == store.EventMailBounced || e == store.EventMailRefused
}
