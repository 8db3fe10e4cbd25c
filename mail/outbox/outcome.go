package outbox

import (
	"fmt"
	"strings"
	"time"

	"signpost/mail/triage"
	"signpost/store"
)

// outcome decides what the store is told of a try that ended with err (nil: the
// relay took the mail, and said rep). relayAt is when the relay is worth asking
// again, the zero time unless the fault was its own. spread is as in jitter.
//
// A mail is given up when it was refused for good or when its next try would
// come too late. An auto-response whose final dot was met with silence is never
// tried again: one too few is the right error. A ticket's mail is, under the
// same Message-ID. A relay's last word on a mail goes with it as a report, so that
// it has the effects of a bounce that says the same.
func (c Config) outcome(row store.Outbound, rep reply, err *DeliveryError, relayAt, now time.Time, spread float64) store.Finish {
	f := store.Finish{ID: row.ID, Claim: row.Claim}
	if err == nil {
		f.State, f.Code, f.Enhanced = store.StateSent, rep.code, rep.enhanced
		f.Reply = (&DeliveryError{Code: rep.code, Enhanced: rep.enhanced, Reply: rep.text}).said()
		return f
	}
	f.Reply, f.Code, f.Enhanced = err.said(), err.Code, err.Enhanced
	switch due := now.Add(c.retryAfter(row.Attempts, spread)); {
	case err.Permanent:
		f.State = store.StateFailed
		f.Report = c.report(row, err)
	case err.uncertain() && row.Kind == store.MailAutoResponse:
		f.State = store.StateUnknown
	default:
		if !relayAt.IsZero() {
			due = relayAt
		}
		f.State, f.DueAt = store.StateQueued, due
		if limit := c.lastTry(row); due.After(limit) {
			f.State, f.DueAt = store.StateFailed, time.Time{}
			f.Reply = fmt.Sprintf("given up after %d tries: %s", row.Attempts, f.Reply)
			if row.Kind != store.MailAutoResponse { // greylisted once is no reason never to answer
				f.Report = c.report(row, err)
			}
		}
	}
	return f
}

// report is what a relay's refusal of the mail says; the zero Report where it was
// silent, or spoke of itself.
func (c Config) report(row store.Outbound, err *DeliveryError) store.Report {
	command, ok := map[Stage]string{StageMail: "MAIL", StageRcpt: "RCPT", StageData: "DATA", StageDot: "DATA"}[err.Stage]
	if !ok || err.Code == 0 || err.ofRelay() {
		return store.Report{}
	}
	r := triage.ReadReply(triage.Reply{Recipient: row.To, Command: command, Code: err.Code, Enhanced: err.Enhanced, Text: err.Reply})
	r.Host = strings.ToLower(c.host())
	return r
}

// lastTry is the instant after which a row is no longer tried.
func (c Config) lastTry(row store.Outbound) time.Time {
	if row.Kind == store.MailAutoResponse {
		return row.QueuedAt.Add(c.Fresh)
	}
	return row.QueuedAt.Add(c.GiveUp)
}

// putBack returns a claimed row that was not tried to the queue.
func putBack(row store.Outbound, due time.Time) store.Finish {
	return store.Finish{
		ID: row.ID, Claim: row.Claim, State: store.StateQueued, DueAt: due,
		Reply: row.Reply, Code: row.Code, Enhanced: row.Enhanced,
	}
}
