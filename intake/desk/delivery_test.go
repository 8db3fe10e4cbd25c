package desk

import (
	"strings"
	"testing"
	"time"

	"signpost/store"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// mail is a reply to a partner that was queued an hour before noon.
func mail(state store.OutboundState, change func(*store.Outbound)) store.Outbound {
	o := store.Outbound{
		ID: 7, Kind: store.MailReply, Entry: 3, To: "ana@partner.example", State: state,
		QueuedAt: noon.Add(-time.Hour), DoneAt: noon.Add(-time.Minute), Reply: "250 as the relay said",
	}
	if change != nil {
		change(&o)
	}
	return o
}

// came is what a report said of a mail.
func came(fate store.Fate, outcome store.Outcome, reason string) func(*store.Outbound) {
	return func(o *store.Outbound) {
		o.Delivery = store.Delivery{
			Fate: fate, Outcome: outcome, Reason: reason, At: noon.Add(-time.Second), Diagnostic: "as the report said",
		}
	}
}

// TestAnAgentReadsWhereAMailStands: its state, since when, and what the server said.
func TestAnAgentReadsWhereAMailStands(t *testing.T) {
	t.Parallel()
	const relay, report = "250 as the relay said", "as the report said"
	tried := func(due time.Duration) func(*store.Outbound) {
		return func(o *store.Outbound) { o.Attempts, o.DueAt, o.UndoUntil = 2, noon.Add(due), noon }
	}
	for name, c := range map[string]struct {
		mail   store.Outbound
		state  string
		at     time.Duration // from noon
		words  string
		detail string
	}{
		"it may be taken back": {mail(store.StateQueued, func(o *store.Outbound) { o.UndoUntil = noon.Add(8 * time.Second) }),
			"waiting", 8 * time.Second, "can be taken back for 8 s", ""},
		"the undo has run out": {mail(store.StateQueued, func(o *store.Outbound) { o.UndoUntil = noon }),
			"queued", -time.Hour, "queued", ""},
		"the sender has it": {mail(store.StateClaimed, func(o *store.Outbound) { o.Attempts = 1 }),
			"queued", -time.Hour, "being sent", ""},
		"a try failed": {mail(store.StateQueued, tried(5*time.Minute)),
			"delayed", 5 * time.Minute, "delayed, next try in 5 min", "2 tries so far. The server said: " + relay},
		"a try is due": {mail(store.StateQueued, tried(0)),
			"delayed", 0, "delayed, next try now", "2 tries so far. The server said: " + relay},
		"the relay refuses us": {mail(store.StateHeld, func(o *store.Outbound) { o.Hold.Since = noon.Add(-2 * time.Hour) }),
			"held", -2 * time.Hour, "held for 2 h 0 min", relay},
		"a limit is reached": {mail(store.StateThrottled, func(o *store.Outbound) { o.Reason = "per-address" }),
			"held", -time.Hour, "held by a limit", "per-address"},
		"the relay took it": {mail(store.StateSent, nil), "sent", -time.Minute, "sent", relay},
		"the line fell silent": {mail(store.StateUnknown, nil),
			"sent", -time.Minute, "may have been sent", relay},
		"it arrived": {mail(store.StateSent, came(store.FateDelivered, store.OutcomeDone, "")),
			"delivered", -time.Second, "delivered", report},
		"the partner's server waits": {mail(store.StateSent, came(store.FateDelayed, store.OutcomeLater, "")),
			"delayed", -time.Second, "delayed at the partner's server", report},
		"the partner complained": {mail(store.StateSent, came(store.FateComplained, "", "")),
			"delivered", -time.Second, "delivered, and reported as spam", report},
		"it came back": {mail(store.StateSent, came(store.FateBounced, store.OutcomeDead, "")),
			"bounced", -time.Second, "bounced", report},
		"a report without words": {mail(store.StateSent, func(o *store.Outbound) { o.Delivery.Fate = store.FateBounced }),
			"bounced", -time.Minute, "bounced", relay},
		"the relay refused the address": {mail(store.StateFailed, came(store.FateBounced, store.OutcomeDead, "")),
			"bounced", -time.Second, "bounced", report},
		"it failed": {mail(store.StateFailed, nil), "failed", -time.Minute, "failed", relay},
		"the address was replaced": {mail(store.StateFailed, func(o *store.Outbound) { o.Reason = store.RuleReplaced }),
			"failed", -time.Minute, "not sent: the ticket has another address", ""},
		"it was taken back": {mail(store.StateSuppressed, func(o *store.Outbound) { o.Reason = store.RuleUndone }),
			"undone", -time.Minute, "taken back", ""},
		"the address is suppressed": {
			mail(store.StateSuppressed, func(o *store.Outbound) { o.Reason = store.RuleSuppressed }),
			"suppressed", -time.Minute, "not sent: the address is suppressed", store.RuleSuppressed},
	} {
		got := deliveryOf(c.mail, noon)
		words := strings.ReplaceAll(got.Words, "\u00a0", " ")
		if got.State != c.state || !got.At.Equal(noon.Add(c.at)) || words != c.words || got.Detail != c.detail {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestAMailThatCameBackSaysWhatToDo, by what the report holds against whom.
func TestAMailThatCameBackSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fate    store.Fate
		outcome store.Outcome
		reason  string
		do      string
	}{
		"refused":         {store.FateRefused, store.OutcomeDead, "", "refuses us, not the address"},
		"dead":            {store.FateBounced, store.OutcomeDead, store.ReasonFull, "does not exist any more"},
		"full":            {store.FateBounced, store.OutcomeLater, store.ReasonFull, "mailbox is full"},
		"later":           {store.FateBounced, store.OutcomeLater, "", "may work another time"},
		"nothing is said": {store.FateBounced, "", "", "Find another way"},
	} {
		got := deliveryOf(mail(store.StateSent, came(c.fate, c.outcome, c.reason)), noon)
		if got.State != "bounced" || !strings.Contains(got.Do, c.do) {
			t.Errorf("%s: got %+v", name, got)
		}
		if hasReason := strings.HasPrefix(got.Words, "bounced: "); hasReason != (c.reason != "") {
			t.Errorf("%s: the mark says %q", name, got.Words)
		}
	}
	for state, do := range map[store.OutboundState]bool{
		store.StateHeld: true, store.StateFailed: true, store.StateSuppressed: true, store.StateSent: false,
		store.StateQueued: false,
	} {
		if got := deliveryOf(mail(state, nil), noon); do != (got.Do != "") {
			t.Errorf("%s: an agent is to do %q", state, got.Do)
		}
	}
}

// TestAnEventNamesTheMailThatItIsAbout, and the fold shows what an agent has to act on.
func TestAnEventNamesTheMailThatItIsAbout(t *testing.T) {
	t.Parallel()
	th := thread{mails: map[store.OutboundID]store.Outbound{7: mail(store.StateSent, nil)}}
	for event, c := range map[store.Event]struct {
		words string
		acts  bool
	}{
		store.EventMailFailed:      {"The reply (entry 3) to ana@partner.example could not be delivered", true},
		store.EventMailBounced:     {"The reply (entry 3) to ana@partner.example bounced", true},
		store.EventMailRefused:     {"The reply (entry 3) to ana@partner.example was refused by the partner's server", true},
		store.EventMailComplained:  {"The reply (entry 3) to ana@partner.example was reported as spam", true},
		store.EventMailAutoReplied: {"An automatic reply came to the reply (entry 3) to ana@partner.example", false},
		store.EventMailChallenged: {
			"The partner's server asks for a confirmation of the reply (entry 3) to ana@partner.example", false},
		store.EventMailRead: {"The reply (entry 3) to ana@partner.example was opened, as its reader's program says", false},
	} {
		e := store.Entry{Kind: store.EntryEvent, Event: event, Outbound: 7}
		if got := th.eventWords(e); got != c.words || needsAct(event) != c.acts {
			t.Errorf("%s: %q, to act on: %t", event, got, needsAct(event))
		}
	}
	unknown := store.Entry{Kind: store.EntryEvent, Event: store.EventMailBounced, Outbound: 99}
	if got := th.eventWords(unknown); got != "A mail bounced" {
		t.Errorf("of a mail that is not there: %q", got)
	}
}

// Where replies leave at once the form says so, and no wait of nothing.
func TestTheFormSaysHowLongAReplyWaits(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{0: "", 10 * time.Second: "10 s", 30 * time.Second: "30 s"} {
		if got := strings.ReplaceAll(undoWords(wait), "\u00a0", " "); got != want {
			t.Errorf("a wait of %v is called %q, want %q", wait, got, want)
		}
	}
}
