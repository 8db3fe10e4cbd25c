package ops

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

const (
	queuePage = 50
	// retryBatch is how many mails one transaction retries, retryMost how many one
	// press of "all" does.
	retryBatch = 500
	retryMost  = 100_000
)

type queueData struct {
	page
	Waiting, Throttled, Failed                []queueRow
	WaitingCount, ThrottledCount, FailedCount uint64
	MoreWaiting, MoreThrottled, MoreFailed    string
	Done                                      string
}

type queueRow struct {
	ID                 uint64
	To, Kind, Number   string
	State, Tone        string
	Queued, Next, Done string
	Attempts           int
	Reply              string
	CanRetry           bool
}

func (o *Ops) showQueue(x *web.Exchange, who store.Agent) error {
	ctx, in, now := x.Request.Context(), x.Request.URL.Query(), time.Now()
	after, _ := strconv.ParseUint(in.Get("after"), 10, 64)
	before, _ := strconv.ParseUint(in.Get("before"), 10, 64)
	stats, err := o.deps.Store.Stats(ctx)
	if err != nil {
		return err
	}
	waiting, err := o.deps.Store.WaitingOutbounds(ctx, store.OutboundID(after), queuePage)
	if err != nil {
		return err
	}
	failed, err := o.deps.Store.FailedOutbounds(ctx, store.OutboundID(before), queuePage)
	if err != nil {
		return err
	}
	throttled, err := o.deps.Store.ThrottledOutbounds(ctx, store.Page{After: store.Cursor(in.Get("turn")), Limit: queuePage})
	if errors.Is(err, store.ErrInvalid) {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	if err != nil {
		return err
	}
	d := queueData{
		page: page{"queue", who.Email}, WaitingCount: stats.Outbounds[store.StateQueued] + stats.Outbounds[store.StateClaimed],
		FailedCount: stats.Outbounds[store.StateFailed], ThrottledCount: stats.Outbounds[store.StateThrottled],
	}
	if n, err := strconv.Atoi(in.Get("retried")); err == nil {
		d.Done = retriedWords(n)
	}
	for _, row := range waiting {
		d.Waiting = append(d.Waiting, queued(row, now))
	}
	for _, row := range throttled.Items {
		d.Throttled = append(d.Throttled, queued(row, now))
	}
	for _, row := range failed {
		d.Failed = append(d.Failed, queued(row, now))
	}
	if len(waiting) == queuePage {
		d.MoreWaiting = fmt.Sprintf("/ops/queue?after=%d", waiting[queuePage-1].ID)
	}
	if len(failed) == queuePage {
		d.MoreFailed = fmt.Sprintf("/ops/queue?before=%d#failed", failed[queuePage-1].ID)
	}
	if throttled.Next != "" {
		d.MoreThrottled = fmt.Sprintf("/ops/queue?turn=%s#throttled", throttled.Next)
	}
	return o.queue.Show(x, http.StatusOK, d)
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
		row.Next = "waits for " + strings.TrimPrefix(m.Reason, store.RuleBudget+": ")
		row.CanRetry = true
	case store.StateFailed:
		row.State, row.Tone = "failed", "red"
		row.CanRetry = m.Kind != store.MailAutoResponse
	case store.StateQueued:
		row.State, row.Next = "waiting", "due now"
		if m.DueAt.After(now) {
			row.State, row.Tone = "retrying", "amber"
			row.Next = "next try in " + span(m.DueAt.Sub(now))
			row.CanRetry = true
		}
	}
	return row
}

func kindWords(k store.OutboundKind) string {
	switch k {
	case store.MailConfirmation:
		return "confirmation"
	case store.MailAutoResponse:
		return "answer to a stray mail"
	case store.MailLinks:
		return "links asked for"
	}
	return string(k)
}

func (o *Ops) postRetry(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	var n int
	var err error
	switch all := f.Get("all"); all {
	case "waiting", "failed":
		n, err = o.retryAll(x.Request.Context(), all == "failed")
	default:
		id, parseErr := strconv.ParseUint(f.Get("id"), 10, 64)
		if parseErr != nil {
			return &web.Fault{Status: http.StatusBadRequest, Err: parseErr}
		}
		n, err = o.retry(x.Request.Context(), []store.OutboundID{store.OutboundID(id)})
	}
	if err != nil {
		return err
	}
	if n > 0 {
		o.deps.Kick()
		x.Log.Info("mails to be tried again", "request", x.ID, "mails", n, "agent", who.ID)
	}
	return x.Redirect("/ops/queue?retried=" + strconv.Itoa(n))
}

func (o *Ops) retry(ctx context.Context, ids []store.OutboundID) (int, error) {
	retried, err := o.deps.Store.RetryOutbounds(ctx, time.Now(), ids)
	return len(retried), err
}

// retryAll retries batch after batch. A retried mail that failed leaves the list
// and one that waits stays in its place, so both go on behind the last seen.
func (o *Ops) retryAll(ctx context.Context, failed bool) (n int, err error) {
	list := o.deps.Store.WaitingOutbounds
	if failed {
		list = o.deps.Store.FailedOutbounds
	}
	for last := store.OutboundID(0); n < retryMost; {
		rows, err := list(ctx, last, retryBatch)
		if err != nil || len(rows) == 0 {
			return n, err
		}
		var ids []store.OutboundID
		for _, row := range rows {
			ids = append(ids, row.ID)
			last = row.ID
		}
		more, err := o.retry(ctx, ids)
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}
