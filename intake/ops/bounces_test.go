package ops_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// bounces puts the report into the ledger that the mail's address is dead.
func (h *house) bounces(mails ...store.Outbound) store.Inbound {
	h.Helper()
	m := h.receives("MAILER-DAEMON@mx.example", "Undelivered")
	v := store.Verdict{Kind: store.KindBounce}
	for _, mail := range mails {
		v.Reports = append(v.Reports, store.Report{
			Recipient: mail.To, Action: "failed", Status: "5.1.1", Reason: "userunknown", Outcome: store.OutcomeDead,
			Diagnostic: "550 <gone>", Outbound: mail.ID, Tie: store.TieEnvelope,
		})
	}
	h.decides(m.ID, v)
	return m
}

func TestADeadAddressAndARefusingHostAreShown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/bounces", "No server has rejected our mail", "No address has bounced for good")
	dead := h.sends("gone@x.example", store.StateSent, "", func(n *store.NewTicket) {
		n.Title = "\u05e9\u05dc\u05d5\u05dd <b>"
	})
	h.sends("gone@x.example", store.StateSent, "", func(n *store.NewTicket) { n.Title = "Another matter" })
	refused, also := h.sends("ann@y.example", store.StateSent, ""), h.sends("bob@y.example", store.StateSent, "")
	report := h.bounces(dead)
	var reports []store.Report
	for _, mail := range []store.Outbound{refused, also} {
		reports = append(reports, store.Report{
			Recipient: mail.To, Action: "failed", Status: "5.7.1", Outcome: store.OutcomeRefused,
			Diagnostic: "554 5.7.1 <" + mail.To + "> blocked", Host: "y.example",
			Outbound: mail.ID, Tie: store.TieEnvelope,
		})
	}
	bounce := store.Verdict{Kind: store.KindBounce, Reports: reports}
	h.decides(h.receives("MAILER-DAEMON@mx.example", "Undelivered").ID, bounce)
	page := h.shows("/ops/bounces", "gone@x.example", "550 &lt;gone&gt;",
		"<code>5.1.1</code>", "user unknown", fmt.Sprintf("/ops/ledger/%d", report.ID),
		"US-1001", "<bdi>\u05e9\u05dc\u05d5\u05dd &lt;b&gt;</bdi>", "US-1002", "Another matter",
		"/ops/suppressions?q=gone%40x.example", "y.example", "2 rejected", "2 addresses",
		"/ops/ledger?q=bob%40y.example", "<code>5.7.1</code>")
	if strings.Index(page, "US-1001") > strings.Index(page, "US-1002") {
		t.Error("the ticket whose mail came back does not stand first")
	}
	if strings.Contains(page, "/release") {
		t.Error("an address is released in two places")
	}
	h.shows("/ops", `<span class="op-count nums">1</span> bounced`,
		`<span class="op-count nums">2</span> rejected by servers`)
}

func TestDeadAddressesAreFoundPageAfterPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 60 {
		h.bounces(h.sends(fmt.Sprintf("gone%d@x.example", i), store.StateSent, ""))
		// Those that only complained stand between them.
		h.suppresses(fmt.Sprintf("other%d@x.example", i), store.ScopeAutomatic)
	}
	seen, pages := 0, 0
	for path := "/ops/bounces"; path != ""; pages++ {
		page := h.shows(path)
		seen += strings.Count(page, `class="op-deadrow"`)
		path = nextPage(page, "dead")
	}
	if seen != 60 || pages != 3 {
		t.Errorf("%d addresses on %d pages", seen, pages)
	}
}

func TestDeadAddressesBehindManyOthersAreLookedForFurtherOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bounces(h.sends("gone@x.example", store.StateSent, ""))
	for i := range 1000 {
		h.suppresses(fmt.Sprintf("other%d@x.example", i), store.ScopeAutomatic)
	}
	page := h.shows("/ops/bounces", "None is among the addresses looked at")
	h.shows(nextPage(page, "dead"), "gone@x.example")
}

// suppresses keeps an address back by hand.
func (h *house) suppresses(address string, scope store.Scope) store.Suppression {
	h.Helper()
	s, err := h.db.SuppressAddress(h.Context(), time.Now(), store.ByCommandLine("ops@desk.example"),
		store.Suppression{Address: address, Scope: scope, Note: "asked"})
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func TestASuppressionIsExplainedAndReleased(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/suppressions", "No address is suppressed")
	report := h.bounces(h.sends("gone@x.example", store.StateSent, ""))
	proof := fmt.Sprintf("/ops/ledger/%d", report.ID)
	h.shows("/ops/suppressions", "gone@x.example", "550 &lt;gone&gt;", "all mail", "user unknown", proof, "US-1001",
		"until ")
	h.shows("/ops/suppressions?q=+gone@X.example", "all mail", "Show all")
	h.shows("/ops/suppressions?q=Gone@x.example", "is not suppressed.", "capitals count")
	list, err := store.Items(h.db.Suppressions(t.Context(), time.Now(), store.Page{Limit: 9}))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	release := url.Values{"id": {fmt.Sprint(list[0].ID)}}
	for range 2 { // the second is no fault: it is released
		w := h.do("POST", "/ops/suppressions/release", release)
		if w.Header().Get("Location") != "/ops/suppressions?released=1" {
			t.Errorf("releasing: %d", w.Code)
		}
	}
	h.shows("/ops/suppressions?released=1", "No address is suppressed", "the next mail to it is sent")
	if w := h.do("POST", "/ops/suppressions/release", url.Values{"id": {"x"}}); w.Code != http.StatusBadRequest {
		t.Errorf("releasing nothing: %d", w.Code)
	}
}

func TestAnAddressIsKeptBackByHand(t *testing.T) {
	t.Parallel()
	h := open(t)
	good := url.Values{
		"address": {" ann@x.example "}, "scope": {"automatic"}, "term": {"30"}, "note": {"asked by <phone>"},
	}
	for field, value := range map[string]string{
		"address": "Ann <ann@x.example>", "scope": "some", "term": "99", "note": " ",
	} {
		form := url.Values{}
		for name, v := range good {
			form[name] = v
		}
		form.Set(field, value)
		w := h.do("POST", "/ops/suppressions", form)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `aria-describedby="hold-fault"`) {
			t.Errorf("%s %q: %d", field, value, w.Code)
		}
		if field != "note" && !strings.Contains(w.Body.String(), "asked by &lt;phone&gt;") {
			t.Errorf("%s %q: what was typed is lost", field, value)
		}
	}
	w := h.do("POST", "/ops/suppressions", good)
	if w.Header().Get("Location") != "/ops/suppressions?held=1&q=ann%40x.example" {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Location"))
	}
	h.shows("/ops/suppressions?held=1&q=ann%40x.example", "suppressed from now on", "automatic mail",
		"asked by &lt;phone&gt;", "by hand, <bdi>ana@desk.example</bdi>")
	held, err := h.db.SuppressionsOf(t.Context(), time.Now(), "ann@x.example")
	if err != nil || len(held) != 1 || held[0].Expires.Sub(held[0].Since).Round(time.Hour) != 30*24*time.Hour {
		t.Errorf("%+v %v", held, err)
	}
}
