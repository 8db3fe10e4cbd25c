package ops

import (
	"slices"

	"signpost/store"
)

// reasonWords says the name of a bounce's reason (mail/triage, reason.go) in
// words; a name it does not know stands as it is.
func reasonWords(name string) string {
	words := map[string]string{
		"authfailure": "authentication failed", "contenterror": "content error", "exceedlimit": "over a limit",
		"failedstarttls": "no TLS", "hasmoved": "has moved", "hostunknown": "host unknown", "mailboxfull": "mailbox full",
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

// reportsInWords are reports as a page shows them.
func reportsInWords(reports []store.Report) []store.Report {
	shown := slices.Clone(reports)
	for i := range shown {
		shown[i].Reason = reasonWords(shown[i].Reason)
	}
	return shown
}
