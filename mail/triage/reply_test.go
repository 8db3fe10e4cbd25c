package triage

import (
	"strings"
	"testing"

	"signpost/store"
)

// A relay's own words mean what the same words mean in a bounce; said before a
// recipient is named they are about us.
func TestARelaysRefusalIsReadAsABounce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command  string
		code     int
		enhanced string
		words    string

		status, reason, outcome string
		hard                    bool
	}{
		{"RCPT", 550, "5.1.1", "<x@y.example>: Recipient address rejected: User unknown in virtual mailbox table",
			"5.1.1", "userunknown", "dead", true},
		{"RCPT", 550, "", "No such user here", "", "userunknown", "dead", true},
		{"RCPT", 550, "5.4.4", "<x@y.example>: Recipient address rejected: Domain not found",
			"5.4.4", "hostunknown", "dead", true},
		{"RCPT", 556, "5.1.10", "Recipient domain has a null MX", "5.1.10", "notaccept", "dead", true},
		{"RCPT", 550, "5.4.1", "Recipient address rejected: Access denied. [XX.prod.outlook.example]",
			"5.4.1", "userunknown", "dead", true},
		{"RCPT", 552, "5.2.2", "mailbox full", "5.2.2", "mailboxfull", "later", false},
		{"RCPT", 554, "5.7.1", "<x@y.example>: Relay access denied", "5.7.1", "norelaying", "refused", false},
		{"RCPT", 550, "5.7.1", "Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.example",
			"5.7.1", "blocked", "refused", false},
		{"DATA", 554, "5.7.1", "Message rejected as spam", "5.7.1", "spamdetected", "refused", false},
		{"DATA", 552, "5.3.4", "Message too big", "5.3.4", "mesgtoobig", "refused", false},
		{"DATA", 550, "", "your complaint rate is too high, message refused for policy reasons",
			"", "policyviolation", "refused", false},
		{"MAIL", 550, "5.1.1", "User unknown", "5.1.1", "rejected", "refused", false},
		{"MAIL", 553, "5.1.8", "Sender address rejected: Domain not found", "5.1.8", "rejected", "refused", false},
	} {
		got := ReadReply(Reply{
			Recipient: "x@y.example", Command: c.command, Code: c.code, Enhanced: c.enhanced, Text: c.words,
		})
		if got.Recipient != "x@y.example" || got.Action != "failed" || store.FateOf(store.KindBounce, got) == "" {
			t.Errorf("%s: %+v", c.words, got)
		}
		if got.Status != c.status || got.Reason != c.reason || string(got.Outcome) != c.outcome || got.Hard != c.hard {
			t.Errorf("%s: %s %q: read as %s %s %s hard %v, want %s %s %s hard %v",
				c.command, c.enhanced, c.words, got.Status, got.Reason, got.Outcome, got.Hard,
				c.status, c.reason, c.outcome, c.hard)
		}
		if !strings.HasPrefix(got.Diagnostic, "55") || !strings.HasSuffix(got.Diagnostic, c.words) {
			t.Errorf("the server's words are kept as %q", got.Diagnostic)
		}
	}
}
