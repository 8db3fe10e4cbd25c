package ops

import (
	"context"
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

// queueStore reads the outbox and retries its mails.
type queueStore interface {
	Stats(ctx context.Context) (store.Stats, error)
	WaitingOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	FailedOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	ThrottledOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	HeldOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	RetryOutbounds(ctx context.Context, now time.Time, by store.Actor, r store.Retry) (store.Retried, error)
}

const (
	queuePage = 50
	// retryBatch is how many mails one transaction retries, retryMost how many one
	// press of "all" does.
	retryBatch = 500
	retryMost  = 100_000
)

type queueData struct {
	Tabs                                                 web.Tabs
	Holds                                                []holdRow
	Held, Waiting, Throttled, Failed                     []queueRow
	HeldPages, WaitingPages, ThrottledPages, FailedPages pager
	HeldCount, WaitingCount, ThrottledCount, FailedCount uint64
	Done                                                 string
	Left, LeftID, LeftAll                                string // what was not tried again, and which it was
	Relay                                                []Relay
}

type queueRow struct {
	ID                 uint64
	To, Kind, Number   string
	State, Tone        string
	Queued, Next, Done string
	Attempts           int
	Reply              string
	CanRetry           bool
	CanGiveUp          bool
	Replaced           bool   // its ticket has another address by now
	Suppressed         string // why it would not leave, "" when it would
}

func (o *Ops) showQueue(x *web.Exchange, who store.Agent) error {
	ctx, in, now := x.Request.Context(), x.Request.URL.Query(), time.Now()
	stats, err := o.stores.queue.Stats(ctx)
	if err != nil {
		return err
	}
	d := queueData{
		Tabs:         delivery("/ops/queue"),
		WaitingCount: stats.Outbounds[store.StateQueued] + stats.Outbounds[store.StateClaimed],
		FailedCount:  stats.Outbounds[store.StateFailed], HeldCount: stats.Outbounds[store.StateHeld],
		ThrottledCount: stats.Outbounds[store.StateThrottled],
		Holds:          holdRows(o.deps.Holds(), now), Relay: o.deps.Relay(),
	}
	d.told(in)
	lists := o.queueLists(ctx)
	for _, of := range []struct {
		name  string
		rows  *[]queueRow
		pages *pager
	}{
		{"held", &d.Held, &d.HeldPages}, {"waiting", &d.Waiting, &d.WaitingPages},
		{"throttled", &d.Throttled, &d.ThrottledPages}, {"failed", &d.Failed, &d.FailedPages},
	} {
		mails, pages, err := part(x.Request.URL, of.name, queuePage, lists[of.name])
		if err != nil {
			return err
		}
		if of.name == "waiting" {
			mails = notHeld(mails)
		}
		*of.pages = pages
		if *of.rows, err = o.queueRows(ctx, mails, now); err != nil {
			return err
		}
	}
	return o.queue.Show(x, http.StatusOK, d)
}

type outboundList func(store.Page) (store.List[store.Outbound], error)

// queueLists are the lists of the outbox by their names in addresses and forms.
func (o *Ops) queueLists(ctx context.Context) map[string]outboundList {
	of := func(list func(context.Context, store.Page) (store.List[store.Outbound], error)) outboundList {
		return func(p store.Page) (store.List[store.Outbound], error) { return list(ctx, p) }
	}
	return map[string]outboundList{
		"held": of(o.stores.queue.HeldOutbounds), "waiting": of(o.stores.queue.WaitingOutbounds),
		"throttled": of(o.stores.queue.ThrottledOutbounds), "failed": of(o.stores.queue.FailedOutbounds),
	}
}

// notHeld leaves out the mails that are shown as held.
func notHeld(rows []store.Outbound) (others []store.Outbound) {
	for _, row := range rows {
		if row.State != store.StateHeld {
			others = append(others, row)
		}
	}
	return others
}

// told takes up what the last press of a button did.
func (d *queueData) told(in url.Values) {
	if n, err := strconv.Atoi(in.Get("retried")); err == nil {
		d.Done = retriedWords(n)
	}
	if n, err := strconv.Atoi(in.Get("givenup")); err == nil {
		d.Done = givenUpWords(n)
	}
	if n, err := strconv.Atoi(in.Get("suppressed")); err == nil && n > 0 {
		if in.Get("retried") == "0" {
			d.Done = ""
		}
		d.Left, d.LeftID, d.LeftAll = leftWords(n), in.Get("id"), in.Get("all")
	}
}

func (o *Ops) queueRows(ctx context.Context, mails []store.Outbound, now time.Time) (rows []queueRow, err error) {
	for _, m := range mails {
		row := queued(m, now)
		if row.CanRetry {
			if row.Suppressed, err = o.suppressedWords(ctx, m, now); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func retriedWords(n int) string {
	switch n {
	case 0:
		return "Nothing was left to try again."
	case 1:
		return "One mail is due now; the sender has been woken."
	}
	return fmt.Sprintf("%d mails are due now; the sender has been woken.", n)
}

func queued(m store.Outbound, now time.Time) queueRow {
	row := queueRow{
		ID: uint64(m.ID), To: m.To, Kind: kindWords(m.Kind), Number: m.Number, Queued: when(m.QueuedAt), Done: when(m.DoneAt),
		Attempts: m.Attempts, Reply: m.Reply,
	}
	switch m.State {
	case store.StateClaimed:
		row.State, row.Tone = "under way", "teal"
	case store.StateThrottled:
		row.State, row.Tone = "throttled", "amber"
		row.Next = "beyond " + limitWords(strings.TrimPrefix(m.Reason, store.RuleBudget+": "))
		row.CanRetry = true
	case store.StateFailed:
		row.State, row.Tone = "failed", "red"
		row.Replaced = m.Reason == store.RuleReplaced
		row.CanRetry = !m.Kind.AtMostOnce() && !row.Replaced
		if !row.CanRetry { // there is nothing for a person to do about it
			row.Tone = ""
		}
	case store.StateHeld:
		row.State, row.Tone, row.Next = "held", "amber", "for "+web.Span(now.Sub(m.Hold.Since))
		row.CanRetry, row.CanGiveUp = true, true
	case store.StateQueued:
		row.State, row.Next = "waiting", "due now"
		if m.DueAt.After(now) {
			row.State, row.Tone = "retrying", "amber"
			row.Next = "next try in " + web.Span(m.DueAt.Sub(now))
			row.CanRetry = true
		}
	}
	return row
}

// limitWords names a limit of confirmations; one not known here names itself.
func limitWords(budget string) string {
	of, day := strings.CutSuffix(strings.TrimPrefix(budget, "confirmation/"), "-day")
	words, ok := map[string]string{
		"address": "the limit of its mailbox", "domain": "the limit of its domain",
		"network": "the limit of its network", "all": "the limit over all",
	}[of]
	switch {
	case !ok:
		return budget
	case day:
		return words + " for a day"
	}
	return words
}

func kindWords(k store.OutboundKind) string {
	switch k {
	case store.MailConfirmation:
		return "confirmation"
	case store.MailAutoResponse:
		return "answer to a stray mail"
	case store.MailLinks:
		return "links asked for"
	case store.MailReply:
		return "reply of an agent"
	case store.MailSolved:
		return "notice that a ticket is solved"
	case store.MailColleague:
		return "invitation of a colleague"
	case store.MailInvite:
		return "invitation to sign in"
	case store.MailReset:
		return "link to choose a password"
	case store.MailNotice:
		return "notice about an account"
	case store.MailPromise:
		return "notice of the next update"
	}
	return string(k)
}

func (o *Ops) postRetry(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	release, by := f.Get("release") == "1", staff.ActorOf(x, who)
	var done retried
	var err error
	switch all := f.Get("all"); all {
	case "waiting", "failed", "held":
		done, err = o.retryAll(x.Request.Context(), by, all, release)
	default:
		id, parseErr := strconv.ParseUint(f.Get("id"), 10, 64)
		if parseErr != nil {
			return &web.Fault{Status: http.StatusBadRequest, Err: parseErr}
		}
		one := store.Retry{IDs: []store.OutboundID{store.OutboundID(id)}, Release: release}
		err = o.retry(x.Request.Context(), by, one, &done)
	}
	if err != nil {
		return err
	}
	if done.due > 0 {
		o.deps.Kick()
		x.Log.Info("mails to be tried again", "request", x.ID, "mails", done.due, "suppressions_released", release, "agent",
			who.ID)
	}
	back := url.Values{"retried": {strconv.Itoa(done.due)}}
	if done.suppressed > 0 {
		back.Set("suppressed", strconv.Itoa(done.suppressed))
		back.Set("id", f.Get("id"))
		back.Set("all", f.Get("all"))
	}
	return x.Redirect("/ops/queue?" + back.Encode())
}

// retried counts the mails that are due now, and those left alone since their
// address is suppressed.
type retried struct{ due, suppressed int }

func (o *Ops) retry(ctx context.Context, by store.Actor, r store.Retry, done *retried) error {
	now, err := o.stores.queue.RetryOutbounds(ctx, time.Now(), by, r)
	done.due += len(now.Due)
	done.suppressed += len(now.Suppressed)
	return err
}

// retryAll retries batch after batch of a list. A retried mail that failed leaves the
// list and one that waits stays in its place, so all go on behind the last seen.
func (o *Ops) retryAll(
	ctx context.Context, by store.Actor, of string, release bool,
) (done retried, err error) {
	for mails, err := range store.Pages(retryBatch, o.queueLists(ctx)[of]) {
		if err != nil {
			return done, err
		}
		r := store.Retry{Release: release}
		for _, m := range mails {
			r.IDs = append(r.IDs, m.ID)
		}
		if err := o.retry(ctx, by, r, &done); err != nil || done.due+done.suppressed >= retryMost {
			return done, err
		}
	}
	return done, nil
}
