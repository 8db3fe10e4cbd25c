package verdict

import "signpost/store"

// Report is a report of delivery with its reason in words.
type Report struct {
	store.Report
	Means string // what is done about it
}

// Reports are the reports of a verdict, in its order.
func Reports(all []store.Report) []Report {
	told := make([]Report, len(all))
	for i, r := range all {
		told[i] = Report{r, means(r.Outcome)}
		told[i].Reason = Reason(r.Reason)
	}
	return told
}

func means(outcome store.Outcome) string {
	switch outcome {
	case store.OutcomeDead:
		return "the address gets no more mail"
	case store.OutcomeRefused:
		return "the mail was refused, the address stays good"
	case store.OutcomeLater:
		return "the address may work another time"
	case store.OutcomeDone:
		return "nothing to do"
	}
	return string(outcome)
}

// Reason says the name of a bounce's reason (mail/triage, reason.go) in words; a
// name it does not know stands as it is.
func Reason(name string) string {
	words := map[string]string{
		"authfailure": "authentication failed", "contenterror": "content error", "exceedlimit": "over a limit",
		"failedstarttls": "no TLS", "feedback": "complaint", "hasmoved": "has moved", "hostunknown": "host unknown",
		"mailboxfull": "mailbox full",
		"mailererror": "mailer error", "mesgtoobig": "message too big", "networkerror": "network error",
		"norelaying": "no relaying", "notaccept": "takes no mail", "notcompliantrfc": "against the standards",
		"onhold": "on hold", "policyviolation": "against their policy", "badreputation": "bad reputation",
		"requireptr": "needs a PTR record", "securityerror": "security error", "spamdetected": "taken for spam",
		"speeding": "too fast", "suspend": "suspended", "syntaxerror": "syntax error", "systemerror": "system error",
		"systemfull": "system full", "toomanyconn": "too many connections",
		"undefined": "not stated", "userunknown": "user unknown", "virusdetected": "taken for a virus",
	}[name]
	if words == "" {
		return name
	}
	return words
}
