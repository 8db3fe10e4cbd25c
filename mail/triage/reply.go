package triage

import (
	"fmt"
	"strings"

	"signpost/store"
)

// Reply is a relay's refusal of one mail in our own dialogue with it.
type Reply struct {
	Recipient string
	Command   string // the SMTP command it answered: MAIL, RCPT, DATA (its final dot too)
	Code      int    // RFC 5321 section 4.2
	Enhanced  string // RFC 3463, "" without one
	Text      string // its words
}

// ReadReply reads a final refusal as if it had come back in a bounce: the same
// words mean the same, whether a host speaks to us or to the relay before it.
func ReadReply(r Reply) store.Report {
	reply := fmt.Sprint(r.Code)
	f := finding{recipient: r.Recipient, said: said{
		status: r.Enhanced, reply: reply, command: r.Command, action: store.ActionFailed,
		text: strings.Join(strings.Fields(reply+" "+r.Enhanced+" "+r.Text), " "),
	}}
	report := f.report("")
	if r.Command == "MAIL" && report.Outcome == store.OutcomeDead {
		// No recipient was named yet: whoever is unknown there, it is we.
		report.Reason, report.Hard, report.Outcome = "rejected", false, store.OutcomeRefused
	}
	return report
}
