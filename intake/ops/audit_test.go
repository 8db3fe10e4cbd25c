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
	if !slices.Equal(h.door.acts, []store.Act{store.ActReadAudit, store.ActReadAudit}) {
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

// What was refused stands in the log, is searched for, and is downloaded with the rest.
func TestTheAuditLogIsSearchedAndDownloaded(t *testing.T) {
	t.Parallel()
	h := open(t)
	agent := store.Actor{Kind: store.ActorStaff, Agent: 9, Account: "lee@desk.example",
		Roles: []store.Role{store.RoleAgent}, Network: "192.0.2.0/24"}
	for range 3 {
		if _, err := h.db.SwitchResponder(t.Context(), time.Now(), agent, store.Switch{}); err == nil {
			t.Fatal("an agent switched the answers")
		}
	}
	err := h.db.RefuseAct(t.Context(), time.Now(), store.Actor{Network: "198.51.100.0/24"}, "", store.Object{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	h.do("POST", "/ops/mailboxes/answers", url.Values{"turn": {"off"}, "reason": {"a loop"}})
	h.shows("/ops/audit", "Refused", "asked to switch answers (3 times in an hour)",
		"a visitor who is not signed in sent a form (2 times in an hour)", `href="/ops/audit/export?"`)
	page := h.shows("/ops/audit?did=refused&who=lee@desk.example", "asked to switch answers")
	if strings.Contains(page, "switched automatic answers") || strings.Contains(page, "a visitor") {
		t.Error("a search for what was refused shows what was done")
	}
	today := time.Now().UTC()
	day := today.Format(time.DateOnly)
	h.shows("/ops/audit?from="+day+"&up="+day, "switched automatic answers")
	h.shows("/ops/audit?up="+today.AddDate(0, 0, -1).Format(time.DateOnly), "No such entry")
	if w := h.do("GET", "/ops/audit?from=yesterday", nil); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), "Write a day like") {
		t.Errorf("a day that is none: %d", w.Code)
	}
	lines := strings.Split(strings.TrimSpace(h.do("GET", "/ops/audit/export", nil).Body.String()), "\n")
	if len(lines) != 5 || !strings.Contains(lines[0], `"act":"switch_answers"`) ||
		!strings.Contains(lines[3], `"event":"audit_exported"`) || !strings.HasPrefix(lines[4], `{"lines":4,"head":{`) {
		t.Errorf("the export is\n%s", strings.Join(lines, "\n"))
	}
	only := h.do("GET", "/ops/audit/export?did=answers_switched", nil).Body.String()
	if strings.Count(only, "\n") != 2 {
		t.Errorf("the export of one event is\n%s", only)
	}
}
