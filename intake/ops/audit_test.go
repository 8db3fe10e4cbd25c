package ops_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// What staff do on these pages is told on the page of the audit log, which is for those
// who may read it.
func TestTheAuditLogTellsWhatStaffDid(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/audit", "Nothing was done yet")
	if !slices.Equal(h.door.acts, []store.Act{store.ActReadAudit}) {
		t.Errorf("the log is for those who may %v", h.door.acts)
	}
	h.do("POST", "/ops/suppressions", url.Values{"address": {"ann@partner.example"}, "scope": {"all"}, "term": {"180"},
		"note": {"<b>asked by phone</b>"}})
	h.do("POST", "/ops/mailboxes/answers", url.Values{"turn": {"off"}, "reason": {"a loop"}})
	opened := h.sends("bob@partner.example", store.StateFailed, "550 no")
	h.do("POST", "/ops/links/revoke", url.Values{"number": {opened.Number}})
	h.do("POST", "/ops/queue/retry", url.Values{"all": {"failed"}})
	h.do("POST", "/ops/health/canary", url.Values{})
	h.shows("/ops/audit", "suppressed", "ann@partner.example", "note: <bdi>&lt;b&gt;asked by phone&lt;/b&gt;</bdi>",
		"switched automatic answers for", "all mailboxes", "answers: <bdi>on</bdi> → <bdi>off</bdi>",
		"revoked the links of", opened.Number, "tried again", "sent the canary", `who=ana%40desk.example`)
	h.shows("/ops/audit?to="+opened.Number, "revoked the links of")
	h.shows("/ops/audit?who=ANA@desk.example", "suppressed")
	h.shows("/ops/audit?who=bob@desk.example", "No such entry")
	h.do("POST", "/ops/mailboxes/answers", url.Values{"turn": {"off"}, "mailbox": {"us"}, "reason": {"moving"}})
	h.shows("/ops/audit?to=mailbox+us", "switched automatic answers for", `href="/ops/audit?to=mailbox&#43;us"`)
	if w := h.do("GET", "/ops/audit?to=US-9", nil); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), "There is no ticket and no account of that name") {
		t.Errorf("a ticket that is not there: %d", w.Code)
	}
	if w := h.do("GET", "/ops/audit?to="+opened.Number, nil); strings.Contains(w.Body.String(), "ann@partner.example") {
		t.Error("the rows of a ticket tell of an address")
	}
}

func TestTheAuditLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 51 {
		err := h.db.RecordAct(t.Context(), time.Now(), store.ByCommandLine("root"), store.AuditCanaryTried,
			store.Object{Kind: store.ObjectCanary})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := h.do("GET", "/ops/audit", nil).Body.String()
	_, rest, more := strings.Cut(page, `href="/ops/audit?after=`)
	next, _, _ := strings.Cut(rest, `"`)
	if strings.Count(page, "op-auditrow") != 50 || !more {
		t.Fatalf("%d rows, another page: %v", strings.Count(page, "op-auditrow"), more)
	}
	if n := strings.Count(h.do("GET", "/ops/audit?after="+next, nil).Body.String(), "op-auditrow"); n != 1 {
		t.Errorf("the second page has %d rows", n)
	}
}

// A lead of some regions neither sees nor finds what was done in another.
func TestTheAuditLogEndsAtTheReadersRegions(t *testing.T) {
	t.Parallel()
	h := open(t)
	opened := h.sends("bob@partner.example", store.StateFailed, "550 no")
	h.do("POST", "/ops/links/revoke", url.Values{"number": {opened.Number}})
	h.do("POST", "/ops/mailboxes/answers", url.Values{"turn": {"off"}, "reason": {"a loop"}})
	h.door.regions = []string{"elsewhere"}
	h.shows("/ops/audit", "Nothing was done yet")
	if w := h.do("GET", "/ops/audit?to="+opened.Number, nil); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a ticket of another region: %d", w.Code)
	}
	h.door.regions = []string{"us"}
	page := h.shows("/ops/audit?to="+opened.Number, "revoked the links of")
	if strings.Contains(page+h.shows("/ops/audit"), "switched automatic answers") {
		t.Error("what concerns all regions is shown to a lead of one")
	}
}
