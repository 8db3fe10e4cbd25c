package ops

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// healthStore reads and acknowledges alarms, and reads the canary's runs.
type healthStore interface {
	StandingAlarms(ctx context.Context, p store.Page) (store.List[store.Alarm], error)
	EndedAlarms(ctx context.Context, p store.Page) (store.List[store.Alarm], error)
	AcknowledgeAlarm(
		ctx context.Context, now time.Time, by store.Actor, id store.AlarmID, until time.Time,
	) (store.Alarm, error)
	CanaryRuns(ctx context.Context, p store.Page) (store.List[store.CanaryRun], error)
}

const (
	standingShown = 100
	endedShown    = 30
	// worsens is the level from which an alarm shows that it got worse.
	worsens = 2
)

// Check is one thing the service tells of itself.
type Check struct {
	Name  string
	Value string
	Note  string // what it means where it is not as it should be, else ""
	Tone  string // "" good, "amber" soon, "red" bad
}

type healthData struct {
	Sentence string
	Tone     string
	Standing []alarmRow
	Ended    []alarmRow
	// EndedPages lead through the alarms of 90 days.
	EndedPages pager
	Pauses     []pause
	Checks     []Check
	Canary     canaryData
	Done       string
}

type alarmRow struct {
	ID                   uint64
	Key, What            string
	Do                   []piece
	Since, Lasted, Known string
	Worse, Quiet         bool
}

// pause is for how long an alarm may be quiet.
type pause struct {
	Value, Words string
	length       time.Duration // 0: until it is over or worse
}

func pauses() []pause {
	return []pause{
		{"", "until it ends or gets worse", 0},
		{"1h", "for an hour", time.Hour},
		{"4h", "for 4 hours", 4 * time.Hour},
		{"24h", "for a day", 24 * time.Hour},
		{"168h", "for a week", 7 * 24 * time.Hour},
	}
}

func (o *Ops) showHealth(x *web.Exchange, who store.Agent) error {
	ctx, now := x.Request.Context(), time.Now()
	standing, err := store.Items(o.stores.health.StandingAlarms(ctx, store.Page{Limit: standingShown}))
	if err != nil {
		return err
	}
	ended, pages, err := part(x.Request.URL, "ended", endedShown, func(p store.Page) (store.List[store.Alarm], error) {
		return o.stores.health.EndedAlarms(ctx, p)
	})
	if err != nil {
		return err
	}
	d := healthData{Pauses: pauses(), Checks: o.deps.Checks(ctx), EndedPages: pages}
	if d.Canary, err = o.canary(ctx, x.Request.URL); err != nil {
		return err
	}
	for _, a := range standing {
		d.Standing = append(d.Standing, alarmOf(a, now))
	}
	for _, a := range ended {
		d.Ended = append(d.Ended, alarmOf(a, now))
	}
	d.Sentence, d.Tone = alarmSentence(d.Standing)
	switch x.Request.URL.Query().Get("done") {
	case "known":
		d.Done = "Acknowledged. It is not sent again until then."
	case "over":
		d.Done = "That alarm has already ended."
	case "tried":
		d.Done = "The canary was sent. Its results appear below."
	case "busy":
		d.Done = "A canary run is under way, or has just ended."
	}
	return o.health.Show(x, http.StatusOK, d)
}

func alarmSentence(rows []alarmRow) (words, tone string) {
	loud := 0
	for _, r := range rows {
		if !r.Quiet {
			loud++
		}
	}
	n := len(rows)
	switch {
	case n == 0:
		return "No active alarms.", ""
	case loud == 0 && n == 1:
		return "One active alarm, acknowledged.", "warn"
	case loud == 0:
		return fmt.Sprintf("%d active alarms, all acknowledged.", n), "warn"
	case n == 1:
		return "One active alarm, not acknowledged.", "bad"
	}
	if loud < n {
		return fmt.Sprintf("%d active alarms, %d of them not acknowledged.", n, loud), "bad"
	}
	return fmt.Sprintf("%d active alarms, none acknowledged.", n), "bad"
}

func alarmOf(a store.Alarm, now time.Time) alarmRow {
	until := now
	if !a.Over.IsZero() {
		until = a.Over
	}
	row := alarmRow{
		ID: uint64(a.ID), Key: a.Key, What: capital(a.What), Do: advice(a.Do),
		Since: when(a.Since), Lasted: web.Span(until.Sub(a.Since)),
		Worse: a.Level >= worsens, Quiet: a.Quiet(now),
	}
	if a.At.IsZero() {
		return row
	}
	row.Known = a.By + ", " + when(a.At)
	switch {
	case !a.Over.IsZero():
	case a.Level > a.UpTo:
		row.Known += "; it got worse since"
	case !a.Until.IsZero() && row.Quiet:
		row.Known += ", until " + when(a.Until)
	case !a.Until.IsZero():
		row.Known += "; that ended " + when(a.Until)
	}
	return row
}

// piece is a stretch of text, or the address of one of these pages.
type piece struct {
	Text string
	Page bool
}

// advice divides what to do about a trouble so that the pages it names are links.
func advice(text string) (all []piece) {
	for text != "" {
		at := strings.Index(text, "/ops/")
		if at < 0 {
			return append(all, piece{Text: text})
		}
		if at > 0 {
			all = append(all, piece{Text: text[:at]})
		}
		text = text[at:]
		end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("/?=abcdefghijklmnopqrstuvwxyz", r) })
		if end < 0 {
			end = len(text)
		}
		all = append(all, piece{text[:end], true})
		text = text[end:]
	}
	return all
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// postAcknowledge records that the agent has seen an alarm.
func (o *Ops) postAcknowledge(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	id, err := strconv.ParseUint(x.Request.PostForm.Get("id"), 10, 64)
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	now := time.Now()
	var until time.Time
	for _, p := range pauses() {
		if p.Value == x.Request.PostForm.Get("for") && p.length > 0 {
			until = now.Add(p.length)
		}
	}
	by := staff.ActorOf(x, who)
	alarm, err := o.stores.health.AcknowledgeAlarm(x.Request.Context(), now, by, store.AlarmID(id), until)
	if errors.Is(err, store.ErrConflict) {
		return x.Redirect("/ops/health?done=over")
	}
	if err != nil {
		return err
	}
	x.Log.Info("alarm acknowledged", "request", x.ID, "alarm", alarm.Key, "agent", who.ID, "until", alarm.Until)
	return x.Redirect("/ops/health?done=known")
}

// postCanary sends the canary now.
func (o *Ops) postCanary(x *web.Exchange, who store.Agent) error {
	if o.deps.Canary == nil {
		return &web.Fault{Status: http.StatusNotFound, Err: errors.New("the canary is off")}
	}
	if !o.deps.Canary.Try() {
		return x.Redirect("/ops/health?done=busy")
	}
	err := o.stores.audit.RecordAct(x.Request.Context(), time.Now(), staff.ActorOf(x, who), store.AuditCanaryTried,
		store.Object{Kind: store.ObjectCanary})
	if err != nil {
		return err
	}
	x.Log.Info("canary sent by hand", "request", x.ID, "agent", who.ID)
	return x.Redirect("/ops/health?done=tried")
}

// Canary is how the service tries itself.
type Canary struct {
	Address string
	Every   time.Duration // 0: by hand alone
	// Try begins a run soon; false while one is under way or was just now.
	Try func() bool
}

const (
	runsCharted = 60
	runsListed  = 12
)

type canaryData struct {
	On    bool
	Words string
	Runs  []runRow
	Pages pager
	Chart chart
}

type runRow struct {
	Started, Region string
	Tone, Word      string
	Answer, Confirm legRow
	Seen            legRow
	Faults          []string
}

// Legs are the mails of a run in the order of the table.
func (r runRow) Legs() []legRow { return []legRow{r.Seen, r.Answer, r.Confirm} }

// legRow is one mail of a run: how long it took and what its host states of it.
type legRow struct{ Name, Took, Results string }

// canary shows the newest runs in the chart, and the page of them that the address asks
// for in the list.
func (o *Ops) canary(ctx context.Context, at *url.URL) (d canaryData, err error) {
	charted, err := store.Items(o.stores.health.CanaryRuns(ctx, store.Page{Limit: runsCharted}))
	if err != nil {
		return d, err
	}
	runs, pages, err := part(at, "runs", runsListed, func(p store.Page) (store.List[store.CanaryRun], error) {
		return o.stores.health.CanaryRuns(ctx, p)
	})
	if err != nil {
		return d, err
	}
	d.Pages = pages
	d.Words = "The canary is off: see [canary] in the configuration."
	if c := o.deps.Canary; c != nil {
		d.On = true
		d.Words = "Sent only by hand, to and from " + c.Address + "."
		if c.Every > 0 {
			d.Words = "Sent every " + web.Span(c.Every) + ", to and from " + c.Address + "."
		}
	}
	for _, r := range runs {
		d.Runs = append(d.Runs, runOf(r))
	}
	d.Chart = newChart(charted)
	return d, nil
}

func runOf(r store.CanaryRun) runRow {
	row := runRow{
		Started: when(r.StartedAt), Region: r.Region, Tone: "teal", Word: "under way", Faults: r.Faults,
		Seen: legOf("stray seen", r.Seen, r.StartedAt), Answer: legOf("answer", r.Answer, r.StartedAt),
		Confirm: legOf("confirmation", r.Confirmation, r.StartedAt),
	}
	switch {
	case r.Passed():
		row.Tone, row.Word = "", "passed"
	case !r.EndedAt.IsZero():
		row.Tone, row.Word = "red", "failed"
	}
	return row
}

func legOf(name string, l store.CanaryLeg, began time.Time) legRow {
	row := legRow{Name: name, Took: "none"}
	if l.Count == 0 {
		return row
	}
	row.Took = seconds(l.ArrivedAt.Sub(began))
	if l.Count > 1 {
		row.Took += fmt.Sprintf(", %d of them", l.Count)
	}
	var said []string
	for _, r := range []struct{ method, value string }{{"SPF", l.SPF}, {"DKIM", l.DKIM}, {"DMARC", l.DMARC}} {
		if r.value != "" {
			said = append(said, r.method+" "+r.value)
		}
	}
	row.Results = strings.Join(said, ", ")
	return row
}

// seconds is a short time as a person reads it.
func seconds(d time.Duration) string {
	if d = max(d, 0); d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return web.Span(d)
}
