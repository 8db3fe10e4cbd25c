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

// refuses has the relay refuse a confirmation for a reason of ours.
func (h *house) refuses(to, words string) store.Outbound {
	h.Helper()
	mail := h.sends(to, store.StateQueued, "")
	now := time.Now()
	if _, err := h.db.RetryOutbounds(h.Context(), now, store.ByService(),
		store.Retry{IDs: []store.OutboundID{mail.ID}}); err != nil {
		h.Fatal(err)
	}
	rows, err := h.db.ClaimOutbound(h.Context(), now,
		store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	if err != nil || len(rows) != 1 {
		h.Fatal(rows, err)
	}
	err = h.db.FinishOutbound(h.Context(), now, store.Finish{
		ID: rows[0].ID, Claim: rows[0].Claim, State: store.StateHeld, Hold: "rcpt", DueAt: now.Add(time.Hour), Reply: words,
	})
	if err != nil {
		h.Fatal(err)
	}
	return rows[0]
}

// What the relay holds against us is seen: since when, in which words, what mends it,
// which mails wait; they are tried now, or given up, by the word of a person.
func TestHeldMailIsSeenAndGivenUp(t *testing.T) {
	t.Parallel()
	h := open(t)
	if page := h.shows("/ops/queue", "Nothing waits", "DSN", "offered"); strings.Contains(page, "Give up") {
		t.Error("something is held on an empty page")
	}
	one, two := h.refuses("a@x.example", "550 <Sender> not allowed"), h.refuses("b@y.example", "550 no")
	h.holds = []ops.Hold{{Since: time.Now().Add(-2 * time.Hour), Words: "550 <Sender> not allowed", Stage: "rcpt",
		Do: "Allow the sender there.", ProbeAt: time.Now().Add(10*time.Minute + time.Second)}}
	h.shows("/ops/queue", "Held <span class=\"op-count nums\">2</span>",
		"The relay refuses all our mail (at rcpt, for 2 h 0 min)",
		"550 &lt;Sender&gt; not allowed", "Allow the sender there.", "one mail tries again in 10 min", "a@x.example",
		"b@y.example", "Give up")
	h.shows("/ops", `<span class="badge red">held</span>`)
	h.shows("/ops/queue", "No other mail waits")
	h.holds[0].Domain = "x.example"
	h.shows("/ops/queue", "Our mail to x.example is refused")
	h.shows("/ops", `<span class="badge amber">some held</span>`)

	h.do("POST", "/ops/queue/retry", url.Values{"id": {fmt.Sprint(one.ID)}})
	if row := h.outbound(one.ID); row.DueAt.After(time.Now()) || row.State != store.StateHeld || h.kicked != 1 {
		t.Errorf("tried now: %s, due %v, kicked %d", row.State, row.DueAt, h.kicked)
	}
	w := h.do("POST", "/ops/queue/give-up", url.Values{"id": {fmt.Sprint(one.ID)}})
	if row := h.outbound(one.ID); w.Header().Get("Location") != "/ops/queue?givenup=1" || row.State != store.StateFailed ||
		!strings.HasPrefix(row.Reply, "given up by ") {
		t.Errorf("given up: %s, %s: %s", w.Header().Get("Location"), row.State, row.Reply)
	}
	h.shows("/ops/queue?givenup=1", "One mail was given up")
	h.do("POST", "/ops/queue/give-up", url.Values{"all": {"held"}})
	if row := h.outbound(two.ID); row.State != store.StateFailed {
		t.Errorf("all given up: %s", row.State)
	}
	for _, form := range []url.Values{{}, {"id": {"x"}}, {"all": {"failed"}}} {
		if w := h.do("POST", "/ops/queue/give-up", form); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
}

// "Try again" on a suppressed address says that the mail would not leave, before and
// after, and releases the address in the same step.
func TestTryAgainOnASuppressedAddress(t *testing.T) {
	t.Parallel()
	h := open(t)
	kept, free := h.sends("a@x.example", store.StateFailed, "550 no"), h.sends("b@x.example", store.StateFailed, "550 no")
	_, err := h.db.SuppressAddress(t.Context(), time.Now(), store.ByCommandLine("ops@desk.example"),
		store.Suppression{Address: "a@x.example", Scope: store.ScopeAll})
	if err != nil {
		t.Fatal(err)
	}
	h.shows("/ops/queue", "This address has been suppressed since", "by ops@desk.example",
		"Release the address and try again")
	w := h.do("POST", "/ops/queue/retry", url.Values{"all": {"failed"}})
	back := w.Header().Get("Location")
	if h.outbound(kept.ID).State != store.StateFailed || h.outbound(free.ID).State != store.StateQueued ||
		!strings.Contains(back, "retried=1") || !strings.Contains(back, "suppressed=1") {
		t.Errorf("all: %s, the suppressed one is %s", back, h.outbound(kept.ID).State)
	}
	h.shows(back, "One mail was left alone: its address is suppressed", "Release and try again",
		`name="all" value="failed"`)
	w = h.do("POST", "/ops/queue/retry", url.Values{"id": {fmt.Sprint(kept.ID)}})
	h.shows(w.Header().Get("Location"), "One mail was left alone", fmt.Sprintf(`name="id" value="%d"`, kept.ID))
	w = h.do("POST", "/ops/queue/retry", url.Values{"id": {fmt.Sprint(kept.ID)}, "release": {"1"}})
	held, err := h.db.SuppressionsOf(t.Context(), time.Now(), "a@x.example")
	if w.Header().Get("Location") != "/ops/queue?retried=1" || h.outbound(kept.ID).State != store.StateQueued ||
		len(held) != 0 || err != nil {
		t.Errorf("released: %s, %s, %+v, %v", w.Header().Get("Location"), h.outbound(kept.ID).State, held, err)
	}
}
