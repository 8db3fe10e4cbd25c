package ops

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"signpost/store"
)

// daysShown is how many days the longer charts look back over; the days a day is
// compared with are among them.
const daysShown = 30

// days is a calendar day and the hours read of it and of those before it. A day
// of the calendar is written as midnight of that day in UTC, whatever the zone.
type days struct {
	zone  *time.Location
	date  time.Time
	now   time.Time
	since time.Time // when counting began
	hours []store.Hour
}

func dateIn(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// begin is when a day begins in the zone, at the first instant that there is in
// it: some zones skip midnight in spring. Counts are kept by hours of UTC, so
// where a zone is off by half an hour the day begins with the hour before.
func (d days) begin(date time.Time) time.Time {
	y, m, day := date.Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, d.zone)
	if dateIn(t, d.zone).Before(date) {
		t = t.Add(time.Hour)
	}
	return t.Truncate(time.Hour)
}

func (d days) from() time.Time  { return d.begin(d.date) }
func (d days) until() time.Time { return d.begin(d.date.AddDate(0, 0, 1)) }

func (d days) over() bool     { return !d.now.Before(d.until()) }
func (d days) hasBegun() bool { return !d.now.Before(d.from()) }

// span is what has to be read: the days shown, to the end of this one.
func (d days) span() (from, until time.Time) {
	return d.begin(d.date.AddDate(0, 0, 1-daysShown)), d.until()
}

// sum adds up what happened from one instant until another. Of an hour that is
// only in part among them its share counts, rounded.
func (d days) sum(from, until time.Time) (all store.Tally) {
	first, _ := slices.BinarySearchFunc(d.hours, from, func(h store.Hour, t time.Time) int { return h.Start.Compare(t) })
	for _, h := range d.hours[first:] {
		rest := until.Sub(h.Start)
		if rest <= 0 {
			break
		}
		if rest < time.Hour {
			for _, count := range h.Counts() {
				*count = uint64(math.Round(float64(*count) * float64(rest) / float64(time.Hour)))
			}
		}
		all.Add(h.Tally)
	}
	return all
}

// comparison is a day beside the days before it, each up to the same time of day.
type comparison struct {
	day      store.Tally
	weekAgo  store.Tally // the same weekday
	usual    store.Tally // the median of the days of the week before
	compared int         // how many days before were counted, 7 at most
}

// compared days say what is usual from three on.
const usualFrom = 3

func (c comparison) hasWeek() bool  { return c.compared == 7 }
func (c comparison) hasUsual() bool { return c.compared >= usualFrom }

func (d days) compare() comparison {
	c := comparison{day: d.sum(d.from(), d.until())}
	var before []store.Tally
	for i := 1; i <= 7; i++ {
		date := d.date.AddDate(0, 0, -i)
		from, until := d.begin(date), d.begin(date.AddDate(0, 0, 1))
		if d.since.IsZero() || from.Before(d.since) {
			break
		}
		if !d.over() {
			until = from.Add(max(d.now.Sub(d.from()), 0))
		}
		before = append(before, d.sum(from, until))
	}
	c.compared = len(before)
	if c.hasWeek() {
		c.weekAgo = before[6]
	}
	if c.hasUsual() {
		c.usual = median(before)
	}
	return c
}

// median is that of each count on its own.
func median(all []store.Tally) (middle store.Tally) {
	for i, count := range middle.Counts() {
		values := make([]uint64, len(all))
		for j := range all {
			values[j] = *all[j].Counts()[i]
		}
		slices.Sort(values)
		*count = values[len(values)/2]
	}
	return middle
}

// merged adds up the hours of several regions and mailboxes.
func merged(lists ...[]store.Hour) (all []store.Hour) {
	for _, hours := range lists {
		all = added(all, hours)
	}
	return all
}

// added is two lists in the order of their hours, as one.
func added(a, b []store.Hour) []store.Hour {
	all := make([]store.Hour, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := a[0].Start.Compare(b[0].Start); {
		case order < 0:
			all, a = append(all, a[0]), a[1:]
		case order > 0:
			all, b = append(all, b[0]), b[1:]
		default:
			sum := a[0]
			sum.Add(b[0].Tally)
			all, a, b = append(all, sum), a[1:], b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// reader reads the hours of regions and mailboxes, each once.
type reader struct {
	ctx     context.Context
	store   todayStore
	from    time.Time
	until   time.Time
	regions map[string][]store.Hour
	mailbox map[string][]store.Hour
}

func (r *reader) region(id string) ([]store.Hour, error) {
	return read(r, r.regions, id, r.store.RegionHours)
}

func (r *reader) mail(mailbox string) ([]store.Hour, error) {
	return read(r, r.mailbox, mailbox, r.store.MailboxHours)
}

// hourList is a verb of the store that lists the hours of what the name names.
type hourList func(ctx context.Context, name string, from, until time.Time) ([]store.Hour, error)

func read(r *reader, known map[string][]store.Hour, name string, list hourList) ([]store.Hour, error) {
	if hours, ok := known[name]; ok {
		return hours, nil
	}
	hours, err := list(r.ctx, name, r.from, r.until)
	known[name] = hours
	return hours, err
}

// silences adds up why the mail of some mailboxes was not answered, by mark, the
// most frequent first.
func (o *Ops) silences(
	ctx context.Context, mailboxes []string, from, until time.Time,
) (marks []markSilences, err error) {
	sums := map[store.Silence]uint64{}
	for _, mailbox := range mailboxes {
		all, err := o.stores.today.Silences(ctx, mailbox, from, until)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			sums[store.Silence{Mark: s.Mark, Rule: s.Rule}] += s.Count
		}
	}
	for s, n := range sums {
		i := slices.IndexFunc(marks, func(m markSilences) bool { return m.mark == s.Mark })
		if i < 0 {
			i, marks = len(marks), append(marks, markSilences{mark: s.Mark})
		}
		marks[i].count += n
		s.Count = n
		marks[i].rules = append(marks[i].rules, s)
	}
	for _, m := range marks {
		slices.SortFunc(m.rules, func(a, b store.Silence) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule))
		})
	}
	slices.SortFunc(marks, func(a, b markSilences) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.mark, b.mark))
	})
	return marks, nil
}

// markSilences are the reasons for which mail under one mark was not answered.
type markSilences struct {
	mark  string
	count uint64
	rules []store.Silence
}
