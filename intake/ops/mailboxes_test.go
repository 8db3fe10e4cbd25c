package ops_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/intake/ops"
	"signpost/store"
)

func TestEachMailboxIsShownAsItIs(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/mailboxes", "Support US", "us@desk.example", "none in the folder as it is now",
		"nothing waits", "Automatic answers are on", "0 s ago")
	first := h.receives("ann@partner.example", "hello")
	last := h.receives("bob@partner.example", "hello")
	h.decides(first.ID, store.Verdict{Kind: store.KindDirect})
	h.mailboxes = []ops.Mailbox{
		{ID: "us", Account: "us@desk.example, INBOX at mail.example:993",
			State: "waiting", LastError: "NO [X] <b>", Silent: true, Waiting: 7,
			TokenEnds: time.Now().Add(5*24*time.Hour + time.Minute), TokenFault: "invalid_grant"},
		{ID: "dry", State: "idle", Dry: true, TokenEnds: time.Now().Add(-time.Hour)},
	}
	page := h.shows("/ops/mailboxes", "INBOX at mail.example:993", "not read for too long",
		"NO [X] &lt;b&gt;", "7 to be read, 1 to be decided",
		fmt.Sprintf("/ops/ledger/%d", last.ID), "5 days left", "invalid_grant", "ended on", "bounces only")
	if strings.Contains(page, `id="why-dry"`) {
		t.Error("what the configuration keeps silent can be switched")
	}
	h.mailboxes = nil
	h.shows("/ops/mailboxes", "No mailbox is watched")
}

func TestAnswersArePausedAndResumed(t *testing.T) {
	t.Parallel()
	h := open(t)
	turn := func(mailbox, turn, reason string) (int, string) {
		w := h.do("POST", "/ops/mailboxes/answers", url.Values{"mailbox": {mailbox}, "turn": {turn}, "reason": {reason}})
		return w.Code, w.Header().Get("Location") + w.Body.String()
	}
	state := func(mailbox string) store.Responder {
		r, err := h.db.Responder(t.Context(), time.Now())
		if mailbox != "" {
			r, err = h.db.MailboxResponder(t.Context(), mailbox)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if code, said := turn("us", "off", " "); code != http.StatusUnprocessableEntity ||
		!strings.Contains(said, "Give a reason") || !state("us").On {
		t.Errorf("without a reason: %d", code)
	}
	for _, c := range []struct{ mailbox, turn string }{{"none", "off"}, {"us", ""}, {"", "maybe"}} {
		if code, _ := turn(c.mailbox, c.turn, "x"); code != http.StatusBadRequest {
			t.Errorf("%q %q: %d", c.mailbox, c.turn, code)
		}
	}
	if _, to := turn("us", "off", "a loop with <them>"); to != "/ops/mailboxes?switched=us" {
		t.Errorf("pausing one: %s", to)
	}
	if r := state("us"); r.On || r.Reason != "a loop with <them>" || r.By != "ana@desk.example" || !state("").On {
		t.Errorf("after the pause of one: %+v", r)
	}
	h.shows("/ops/mailboxes?switched=us", "Mailbox us: Automatic answers are off. Since ",
		"by ana@desk.example", "a loop with &lt;them&gt;", "Resume answers", "Pause all answers")
	h.shows("/ops", "Automatic answers are off.", "Automatic answers are on.") // of the region; of all
	turn("", "off", "weekend")
	h.shows("/ops/mailboxes?switched=all", "weekend", "Resume all answers")
	if page := h.shows("/ops/mailboxes"); strings.Contains(page, "\">on</span>") {
		t.Error("a mailbox seems to answer while all are off")
	}
	turn("", "on", "")
	turn("us", "on", "talked to them")
	if !state("").On || !state("us").On || state("us").Reason != "talked to them" {
		t.Error("the answers are not on again")
	}
}

func TestATrippedBreakerShowsWhatItTrippedOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	var last store.Inbound
	for i := range 2 {
		last = h.receives(fmt.Sprintf("p%d@partner.example", i), "hello")
		_, err := h.db.DecideInbound(t.Context(), time.Now(), []store.Decision{{
			ID: last.ID, Verdict: store.Verdict{Kind: store.KindDirect, Answer: true},
			Answer: &store.Outbound{
				Kind: store.MailAutoResponse, From: "us@desk.example", To: last.From,
				MessageID: fmt.Sprintf("a%d@desk.example", i),
			},
			Limits: store.AnswerLimits{Breaker: store.Budget{Name: "answer/all", Limit: 1, Window: time.Hour}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	h.shows("/ops/mailboxes", "stopped by the breaker", "answer/all", "They go on by themselves at ",
		fmt.Sprintf("/ops/ledger/%d", last.ID), "/ops/ledger?mark=answered", "Reset the breaker")
	h.do("POST", "/ops/mailboxes/answers", url.Values{"mailbox": {""}, "turn": {"on"}})
	page := h.shows("/ops/mailboxes?switched=all", "Pause all answers")
	if strings.Contains(page, "stopped by the breaker") {
		t.Error("the breaker was not reset")
	}
}
