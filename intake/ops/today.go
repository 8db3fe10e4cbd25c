package ops

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// todayStore reads what was counted, by hour.
type todayStore interface {
	CountedSince(ctx context.Context) (time.Time, error)
	ReceivingDomains(ctx context.Context, from, until time.Time, p store.Page) (store.Domains, error)
	RegionHours(ctx context.Context, region string, from, until time.Time) ([]store.Hour, error)
	MailboxHours(ctx context.Context, mailbox string, from, until time.Time) ([]store.Hour, error)
	Silences(ctx context.Context, mailbox string, from, until time.Time) ([]store.Silence, error)
}

// domainsShown is how many of the busiest receiving domains are shown.
const domainsShown = 25

type todayData struct {
	Flow          *flowData // whether mail flows now; nil beside another day or one region
	Title         string
	Day           string // as the address has it
	Date, Zone    string // of what is told of all chosen regions together
	Region        string
	Regions       []store.Region
	Earlier       string // the addresses of the days beside this one
	Later         string
	IsToday       bool
	Fault, Empty  string
	Cards         []dayCard
	Ranges        []chartRange
	Silences      []silenceRow
	Domains       []domainRow
	DomainsNamed  string
	DomainsPages  pager
	DomainsOthers *domainRow
}

// dayCard is a region's day, or that of a mailbox of none.
type dayCard struct {
	Name, When string
	Tone, Word string
	Now        string // heads the day's own counts
	Groups     [][]dayRow
	None       []string // what there is nothing of
	Hint       string
}

type dayRow struct {
	Name, Link         string
	Count, Week, Usual string
	Zero               bool
	Tone, Word         string
}

// chartRange is a length of time with its charts and the table behind them.
type chartRange struct {
	ID, Title, Column string
	Charts            []barChart
	Heads             []string
	Table             []tableRow
}

type tableRow struct {
	Label  string
	Counts []string
}

type silenceRow struct {
	Name, Link, Count string
	Tone              string
	Rules             []figure
}

type domainRow struct {
	Domain, Sent, Delivered, Delayed, Bounced, Complained string
	How                                                   string // it bounced
	Tone                                                  string
}

// choice is what a reader asked the page for.
type choice struct {
	date    time.Time // zero: each region's own today
	regions []store.Region
	boxes   []string       // the mailboxes of those regions, or all
	zone    *time.Location // of what is told of all of them together
	now     time.Time
	since   time.Time
}

func (o *Ops) showToday(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	d := todayData{Day: in.Get("day"), Region: in.Get("region"), Regions: o.deps.Regions}
	c := o.choose(d.Region, time.Now())
	d.Zone = c.zone.String()
	if d.Fault = c.pick(d.Day); d.Fault != "" {
		d.Title = "Today"
		return o.today.Show(x, http.StatusUnprocessableEntity, d)
	}
	d.name(c)
	var err error
	if d.IsToday && d.Region == "" {
		if d.Flow, err = o.flowNow(x.Request.Context(), c.now); err != nil {
			return err
		}
	}
	c.since, err = o.stores.today.CountedSince(x.Request.Context())
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.Empty = "Nothing has happened yet. From the first ticket or mail on, what happens is counted here by the hour."
	case err != nil:
		return err
	case c.days().until().Before(c.since):
		since := c.since.In(c.zone).Format("Monday 2 January 2006, 15:04")
		d.Empty = "Nothing was counted that long ago: there are counts since " + since + " (" + d.Zone + ")."
	default:
		if err = o.fillToday(x.Request.Context(), &d, c); err == nil {
			err = o.fillDomains(x.Request.Context(), &d, c.days(), x.Request.URL)
		}
	}
	if err != nil && d.Empty == "" {
		return err
	}
	return o.today.Show(x, http.StatusOK, d)
}

// choose finds the regions and mailboxes wanted; an unknown region stands for
// all.
func (o *Ops) choose(region string, now time.Time) *choice {
	c := &choice{now: now.UTC(), zone: time.UTC}
	add := func(box string) {
		if box != "" && !slices.Contains(c.boxes, box) {
			c.boxes = append(c.boxes, box)
		}
	}
	for _, r := range o.deps.Regions {
		if r.ID == region {
			c.regions = []store.Region{r}
			add(r.Mailbox)
		}
	}
	if c.regions == nil {
		c.regions = o.deps.Regions
		for _, r := range c.regions {
			add(r.Mailbox)
		}
		for _, b := range o.deps.Mailboxes() {
			add(b.ID)
		}
	}
	for i, r := range c.regions {
		if zone := o.zones[r.ID]; i == 0 {
			c.zone = zone
		} else if zone.String() != c.zone.String() {
			c.zone = time.UTC
			break
		}
	}
	return c
}

// pick reads the day wanted; what is wrong with it is returned in words.
func (c *choice) pick(text string) (fault string) {
	if text == "" {
		return ""
	}
	date, err := time.Parse(time.DateOnly, text)
	latest := dateIn(c.now.Add(14*time.Hour), time.UTC) // the zone that is ahead most
	switch {
	case err != nil:
		return "A day is written like 2026-11-23."
	case date.After(latest):
		return "That day has not begun yet."
	}
	c.date = date
	return ""
}

// days is the day chosen, in the zone of all regions together.
func (c *choice) days() days { return c.daysIn(c.zone) }

func (c *choice) daysIn(zone *time.Location) days {
	d := days{zone: zone, date: c.date, now: c.now, since: c.since}
	if d.date.IsZero() {
		d.date = dateIn(c.now, zone)
	}
	return d
}

// name fills in what the head of the page says.
func (d *todayData) name(c *choice) {
	day := c.days()
	today := dateIn(c.now, c.zone)
	d.IsToday = day.date.Equal(today)
	d.Date = day.date.Format("Monday 2 January")
	d.Title = day.date.Format("Monday 2 January 2006")
	if d.Day == "" {
		d.Title = "Today"
	}
	link := func(date time.Time) string {
		to := url.Values{"day": {date.Format(time.DateOnly)}, "region": {d.Region}}
		return "/ops/today" + kept(to, "day", "region")
	}
	d.Earlier = link(day.date.AddDate(0, 0, -1))
	if next := day.date.AddDate(0, 0, 1); next.Before(today) {
		d.Later = link(next)
	} else if next.Equal(today) {
		d.Later = "/ops/today" + strings.TrimSuffix(kept(url.Values{"region": {d.Region}}, "region"), "?")
	}
}

func (o *Ops) fillToday(ctx context.Context, d *todayData, c *choice) error {
	from, until := c.days().span()
	// A day of a zone begins and ends up to 14 hours beside that of another.
	r := &reader{
		ctx: ctx, store: o.stores.today, from: from.Add(-24 * time.Hour), until: until.Add(24 * time.Hour),
		regions: map[string][]store.Hour{}, mailbox: map[string][]store.Hour{},
	}
	if err := o.fillCards(r, d, c); err != nil {
		return err
	}
	if err := o.fillCharts(r, d, c); err != nil {
		return err
	}
	day := c.days()
	silences, err := o.silences(ctx, c.boxes, day.from(), day.until())
	if err != nil {
		return err
	}
	for _, s := range silences {
		d.Silences = append(d.Silences, silenceOf(s, day, c))
	}
	return nil
}

func (o *Ops) fillCards(r *reader, d *todayData, c *choice) error {
	var told []string
	for _, region := range c.regions {
		day := c.daysIn(o.zones[region.ID])
		out, err1 := r.region(region.ID)
		in, err2 := r.mail(region.Mailbox)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		day.hours = merged(out, in)
		groups := [][]counting{sentRows(), cameRows()}
		if region.Mailbox == "" {
			groups = groups[:1]
		}
		d.Cards = append(d.Cards, cardOf(region.Name, region.Mailbox, day, groups...))
		told = append(told, region.Mailbox)
	}
	for _, box := range c.boxes {
		if slices.Contains(told, box) {
			continue
		}
		day, hours, err := c.days(), []store.Hour(nil), error(nil)
		if hours, err = r.mail(box); err != nil {
			return err
		}
		day.hours = hours
		d.Cards = append(d.Cards, cardOf("Mailbox "+box, box, day, cameRows()))
	}
	return nil
}

// fillCharts draws the hours and the days of all that was chosen.
func (o *Ops) fillCharts(r *reader, d *todayData, c *choice) error {
	var lists [][]store.Hour
	for _, region := range c.regions {
		hours, err := r.region(region.ID)
		if err != nil {
			return err
		}
		lists = append(lists, hours)
	}
	for _, box := range c.boxes {
		hours, err := r.mail(box)
		if err != nil {
			return err
		}
		lists = append(lists, hours)
	}
	day := c.days()
	day.hours = merged(lists...)
	d.Ranges = []chartRange{hourRange(day), dayRange(day)}
	return nil
}

func hourRange(day days) chartRange {
	title := day.date.Format("Monday 2 January") + " by hour"
	from, until := day.from(), day.until()
	if !day.over() {
		title = "The last 24 hours"
		until = day.now.Truncate(time.Hour).Add(time.Hour)
		from = until.Add(-24 * time.Hour)
	}
	var points []point
	for at := from; at.Before(until); at = at.Add(time.Hour) {
		points = append(points, point{at.In(day.zone).Format("15:04"), day.sum(at, at.Add(time.Hour))})
	}
	return rangeOf("hours", title, "Hour from", points)
}

func dayRange(day days) chartRange {
	var points []point
	for i := 1 - daysShown; i <= 0; i++ {
		date := day.date.AddDate(0, 0, i)
		points = append(points, point{date.Format("2 Jan"), day.sum(day.begin(date), day.begin(date.AddDate(0, 0, 1)))})
	}
	return rangeOf("days", "30 days until "+day.date.Format("2 January"), "Day", points)
}

func rangeOf(id, title, column string, points []point) chartRange {
	sent := []series{
		{"sent", "accent", func(n store.Tally) uint64 { return n.Sent }},
		{"came back or failed", "red", func(n store.Tally) uint64 { return n.Bounced() + n.Failed }},
	}
	came := []series{
		{"answered", "accent", func(n store.Tally) uint64 { return n.Answered }},
		{"silent", "grey", func(n store.Tally) uint64 { return n.Silent }},
		{"unclear", "amber", func(n store.Tally) uint64 { return n.Unclear }},
	}
	opened := []series{{"opened", "accent", func(n store.Tally) uint64 { return n.Opened }}}
	r := chartRange{ID: id, Title: title, Column: column}
	for _, d := range []drawing{
		{id: id + "-tickets", title: "Tickets", series: opened},
		{id: id + "-sent", title: "Mail that went out", series: sent},
		{id: id + "-came", title: "Mail that came in", series: came, stacked: true},
	} {
		d.points, d.labelled = points, 6
		r.Charts = append(r.Charts, d.draw())
		for _, s := range d.series {
			r.Heads = append(r.Heads, s.Name)
		}
	}
	for _, p := range slices.Backward(points) {
		row := tableRow{Label: p.Label}
		for _, s := range slices.Concat(opened, sent, came) {
			row.Counts = append(row.Counts, count(s.of(p.tally)))
		}
		r.Table = append(r.Table, row)
	}
	return r
}

// dayLink is the address of the ledger's mails of a day.
func dayLink(day days, mark, mailbox, why string) string {
	return "/ops/ledger" + kept(url.Values{
		"mark": {mark}, "mailbox": {mailbox}, "why": {why},
		"from": {day.from().UTC().Format(exact)}, "to": {day.until().UTC().Format(exact)},
	}, "mark", "from", "to", "mailbox", "why")
}

func silenceOf(s markSilences, day days, c *choice) silenceRow {
	box := ""
	if len(c.boxes) == 1 {
		box = c.boxes[0]
	}
	m := verdict.MarkOf(s.mark)
	row := silenceRow{Name: m.Name, Tone: m.Tone, Count: count(s.count), Link: dayLink(day, s.mark, box, "")}
	for _, r := range s.rules {
		if r.Rule != "" {
			row.Rules = append(row.Rules, figure{r.Rule, dayLink(day, s.mark, box, r.Rule), r.Count, ""})
		}
	}
	return row
}

func (o *Ops) fillDomains(ctx context.Context, d *todayData, day days, at *url.URL) error {
	var domains store.Domains
	busiest, pages, err := part(at, "domains", domainsShown, func(p store.Page) (store.List[store.DomainTally], error) {
		var err error
		domains, err = o.stores.today.ReceivingDomains(ctx, day.from(), day.until(), p)
		return domains.Busiest, err
	}, "day", "region")
	if err != nil {
		return err
	}
	d.DomainsPages = pages
	for _, n := range busiest {
		d.Domains = append(d.Domains, domainOf(n.Domain, n.Tally))
	}
	d.DomainsNamed = count(uint64(domains.Named))
	if domains.Others.Volume() > 0 {
		row := domainOf("others, not told apart", domains.Others)
		d.DomainsOthers = &row
	}
	return nil
}

// Where more than a tenth of a domain's mail comes back, and it is no single
// case, something is wrong there.
const (
	bouncedShare = 10
	bouncedCases = 3
)

func domainOf(name string, n store.Tally) domainRow {
	row := domainRow{
		Domain: name, Sent: count(n.Sent), Delivered: count(n.Delivered), Delayed: count(n.Delayed),
		Bounced: count(n.Bounced() + n.Failed), Complained: count(n.Complained),
	}
	var how []string
	for _, part := range []struct {
		n    uint64
		word string
	}{{n.Dead, "for good"}, {n.Refused, "rejected"}, {n.Later, "for now"}, {n.Failed, "failed"}} {
		if part.n > 0 {
			how = append(how, count(part.n)+" "+part.word)
		}
	}
	row.How = strings.Join(how, ", ")
	if back := n.Bounced() + n.Failed; back >= bouncedCases && back*bouncedShare > n.Sent {
		row.Tone = "red"
	}
	return row
}
