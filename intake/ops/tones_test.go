package ops

import (
	"testing"
	"time"

	"signpost/store"
)

// Red is for what a person must act on: a mail that failed and can be tried again. An
// answer that is sent at most once, or a mail whose address was replaced, asks for
// nothing.
func TestAFailedMailIsRedWhereItCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mail store.Outbound
		tone string
	}{
		{store.Outbound{Kind: store.MailConfirmation, State: store.StateFailed}, "red"},
		{store.Outbound{Kind: store.MailConfirmation, State: store.StateFailed, Reason: store.RuleReplaced}, ""},
		{store.Outbound{Kind: store.MailAutoResponse, State: store.StateFailed}, ""},
		{store.Outbound{Kind: store.MailConfirmation, State: store.StateHeld}, "amber"},
		{store.Outbound{Kind: store.MailConfirmation, State: store.StateQueued}, ""},
	} {
		if row := queued(c.mail, time.Now()); row.Tone != c.tone || row.CanRetry != (c.tone == "red" || c.tone == "amber") {
			t.Errorf("%s %s %q: %+v", c.mail.Kind, c.mail.State, c.mail.Reason, row)
		}
	}
}
