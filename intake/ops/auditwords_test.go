package ops

import (
	"strings"
	"testing"

	"signpost/store"
)

// Each event and object has words of its own on the page.
func TestEveryEventHasWords(t *testing.T) {
	t.Parallel()
	for _, e := range store.AuditEvents() {
		if words := eventWords(e); words == string(e) || strings.Contains(words, "_") {
			t.Errorf("%s is told as %q", e, words)
		}
	}
	own := store.Audit{Agent: 7, Event: store.AuditSignedIn,
		Object: store.Object{Kind: store.ObjectAgent, ID: 7, Name: "a@b"}}
	if row := auditRowOf(own); row.Did != "signed in" || row.Object != "" || row.Link != "" {
		t.Errorf("an agent's own sign-in is told as %+v", row)
	}
	own.Object.ID = 8
	if row := auditRowOf(own); row.Object != "a@b" || row.Link == "" {
		t.Errorf("an act on another's account is told as %+v", row)
	}
	for want, a := range map[string]store.Audit{
		"an address without an account": {Object: store.Object{Kind: store.ObjectAgent}},
		"mailbox us":                    {Object: store.Object{Kind: store.ObjectMailbox, Name: "us"}},
		"3 mails":                       {Object: store.Object{Kind: store.ObjectOutbound}, Count: 3},
		"a mail of US-1001":             {Object: store.Object{Kind: store.ObjectOutbound, ID: 4, Name: "US-1001"}},
		"mail 5":                        {Object: store.Object{Kind: store.ObjectInbound, ID: 5, Name: "us"}},
		"alarm relay":                   {Object: store.Object{Kind: store.ObjectAlarm, ID: 5, Name: "relay"}},
		"US-1002":                       {Object: store.Object{Kind: store.ObjectTicket, ID: 2, Name: "US-1002"}},
	} {
		if got := objectWords(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
