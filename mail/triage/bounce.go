package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store"
)

// maxReports is how many recipients of one report are read.
const maxReports = 100

// maxDiagnostic is how much of a server's words a report keeps.
const maxDiagnostic = 2000

// readReports reads what the mail reports of other mails: complaints, receipts,
// aggregate reports, delivery reports in their standard form, and last the many
// that only people can read.
func (m *message) readReports() {
	if _, ok := challengeService(m); ok {
		return // its challenges come dressed as delivery reports
	}
	for _, read := range []func(*message) bool{
		(*message).readComplaint, (*message).readRefusal, (*message).readReceipt, (*message).readAggregate,
		(*message).readStatus, (*message).readNotification, (*message).readBounce,
	} {
		if read(m) {
			return
		}
	}
}

func (m *message) decide(kind store.Kind, reason string) bool {
	m.report, m.reason = kind, reason
	return true
}

// finding is what was learned of one recipient, not yet judged.
type finding struct {
	recipient string // as reported
	original  string // as we wrote it, if the report says (RFC 3464 section 2.3.1)
	said
	diagnostic string // the words to keep; said.text may be more
}

// settleReports turns findings into reports and decides the mail's kind: a bounce
// when any recipient failed, a delay when any waits still.
func (m *message) settleReports(list []finding, n notice, reason string) bool {
	if len(list) == 0 {
		return false
	}
	id := m.originalID(n)
	seen := map[string]bool{}
	kind := store.KindDelivered
	for _, f := range list {
		r := f.report(id)
		key := store.AddressKey(r.Recipient) + " " + string(r.Action)
		if seen[key] || len(m.reports) == maxReports {
			continue
		}
		seen[key] = true
		m.reports = append(m.reports, r)
		switch {
		case r.Action == store.ActionFailed:
			kind = store.KindBounce
		case r.Action == store.ActionDelayed && kind != store.KindBounce:
			kind = store.KindDelay
		}
	}
	return m.decide(kind, reason)
}

func (f finding) report(id string) store.Report {
	f.text = cut(f.text, 8192)
	if f.command == "" {
		f.command = lastCommand(f.text)
	}
	if f.reply == "" {
		f.reply = smtpReply(f.text)
	}
	f.status = f.settledStatus()
	reason := f.why()
	recipient := f.recipient
	if !strings.Contains(recipient, "@") && f.original != "" {
		recipient = f.original
	}
	if f.diagnostic == "" {
		f.diagnostic = f.text
	}
	return store.Report{
		Recipient: recipient, Action: f.action, Status: f.status, Reason: reason,
		Hard: f.action == store.ActionFailed && f.isHard(reason), Outcome: f.outcome(reason),
		Diagnostic: cut(header.Clean(cut(f.diagnostic, 2*maxDiagnostic)), maxDiagnostic), OriginalMessageID: id,
		OriginalRecipient: f.original,
	}
}

// settledStatus chooses the status: the code in the remote server's own words if
// it says as much as the reported one, else whatever tells most.
func (f finding) settledStatus() string {
	words := f.diagnostic
	if words == "" {
		words = f.text
	}
	if status := preferStatus(f.status, words); precision(status) > 1 {
		return status
	}
	return preferStatus(f.status, f.text)
}

// originalID finds the Message-ID of the mail a report is about: in the returned
// header, in the report's own words, or as what the report answers.
func (m *message) originalID(n notice) string {
	for _, name := range []string{"X-Microsoft-Original-Message-ID", "Message-ID", "X-Original-Message-ID"} {
		if id := header.FirstID(n.original.Value(name)); id != "" {
			return id
		}
	}
	for line := range strings.Lines(n.words) {
		name, value, ok := strings.Cut(strings.TrimLeft(line, " \t>"), ":")
		if ok && containsAny(strings.ToLower(name), "message-id", "message id", "messageid") && len(name) < 40 {
			if id := header.FirstID(value); id != "" {
				return id
			}
		}
	}
	for _, name := range []string{"Original-Message-ID", "X-Original-Message-ID", "In-Reply-To", "References"} {
		if ids := m.references(name); len(ids) > 0 {
			return ids[len(ids)-1]
		}
	}
	return ""
}
