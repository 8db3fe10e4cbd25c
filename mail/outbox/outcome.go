package outbox

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

// outcome decides what the store is told of a try that ended with err (nil: the
// relay took the mail, and said rep). relayAt is when the relay is worth asking
// again, the zero time unless the fault was its own. spread is as in jitter.
//
// A mail is given up when it was refused for good or when its next try would
// come too late. What the relay refuses for a reason of ours is held until relayAt,
// and is never given up. An auto-response whose final dot was met with silence is never
// tried again: one too few is the right error. A ticket's mail is, under the
// same Message-ID. A relay's last word on a mail goes with it as a report, so that
// it has the effects of a bounce that says the same.
func (c Config) outcome(row store.Outbound, rep reply, err *DeliveryError, relayAt, now time.Time,
	spread float64,
) store.Finish {
	f := store.Finish{ID: row.ID, Claim: row.Claim}
	if err == nil || err.Stage != StageCompose {
		f.Server = c.host()
	}
	if err == nil {
		f.State, f.Code, f.Enhanced = store.StateSent, rep.code, rep.enhanced
		f.Reply = (&DeliveryError{Code: rep.code, Enhanced: rep.enhanced, Reply: rep.text}).said()
		return f
	}
	f.Reply, f.Code, f.Enhanced = err.said(), err.Code, err.Enhanced
	switch due := now.Add(c.retryAfter(triesOf(row, now), spread)); {
	case err.Verdict == Fail:
		f.State = store.StateFailed
		f.Report = c.report(err)
	case err.Verdict == Hold && !(row.Kind.AtMostOnce() && relayAt.After(c.lastTry(row))):
		f.State, f.DueAt, f.Hold = store.StateHeld, relayAt, string(err.Stage)
		f.Report = c.report(err)
	case err.uncertain() && row.Kind.AtMostOnce():
		f.State = store.StateUnknown
	default:
		if !relayAt.IsZero() {
			due = relayAt
		}
		f.State, f.DueAt = store.StateQueued, due
		if limit := c.lastTry(row); due.After(limit) {
			f.State, f.DueAt = store.StateFailed, time.Time{}
			f.Reply = fmt.Sprintf("given up after %d tries: %s", row.Attempts, f.Reply)
			if !row.Kind.AtMostOnce() { // greylisted once is no reason never to answer
				f.Report = c.report(err)
			}
		}
	}
	return f
}

// triesOf is the number of a try for the wait that follows it. The probes of a hold
// are no tries of the mail: from its end on time counts, a try for ten minutes.
func triesOf(row store.Outbound, now time.Time) int {
	if row.Hold.Last.IsZero() {
		return row.Attempts
	}
	return min(row.Attempts, 1+int(now.Sub(row.Hold.Last)/holdPatient))
}

// report is what a relay's last word says of the recipient, or of our standing; the
// zero Report where it says nothing of either.
func (c Config) report(err *DeliveryError) store.Report {
	r := err.Report
	if r.Outcome == "" {
		return store.Report{}
	}
	r.Host = strings.ToLower(c.host())
	return r
}

// lastTry is the instant after which a row is no longer tried.
func (c Config) lastTry(row store.Outbound) time.Time {
	if row.Kind.AtMostOnce() {
		return row.QueuedAt.Add(c.Fresh)
	}
	since := row.QueuedAt
	if row.Hold.Last.After(since) { // a held mail does not grow old
		since = row.Hold.Last
	}
	return since.Add(c.GiveUp)
}

// putBack returns a claimed row that was not tried to the queue.
func putBack(row store.Outbound, due time.Time) store.Finish {
	f := store.Finish{
		ID: row.ID, Claim: row.Claim, State: store.StateQueued, DueAt: due,
		Reply: row.Reply, Code: row.Code, Enhanced: row.Enhanced, Hold: row.Hold.Stage, Untried: true,
	}
	if f.Hold != "" {
		f.State = store.StateHeld
	}
	return f
}
