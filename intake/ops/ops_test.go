package ops_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/intake/ops"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/lang"
	"signpost/store/verbs"
)

// openDoor lets everybody in as ops; who is kept out is the door's own story.
type openDoor struct {
	roles   []store.Role
	acts    []store.Act
	regions []string // that they see; none: all
}

func (o *openDoor) Require(role store.Role, h staff.Handler) web.Handler {
	o.roles = append(o.roles, role)
	who := store.Agent{ID: 1, Email: "ana@desk.example", Roles: []store.Role{role}}
	return func(x *web.Exchange) error {
		who := who
		who.Regions = o.regions
		return h(x, who)
	}
}

func (o *openDoor) Permit(act store.Act, h staff.Handler) web.Handler {
	o.acts = append(o.acts, act)
	return o.Require(store.RoleOps, h)
}

// house is the board over real stores.
type house struct {
	holds []ops.Hold
	testing.TB
	db        *verbs.Store
	blobs     *blob.Local
	server    *web.Server
	door      *openDoor
	mailboxes []ops.Mailbox
	troubles  []string
	kicked    int
	checks    []ops.Check
	tried     int
	uid       uint32
	links     byte
}

func open(t testing.TB, regions ...store.Region) *house {
	t.Helper()
	if regions == nil {
		regions = []store.Region{{ID: "us", Name: "Support US", Address: "us@desk.example", Mailbox: "us"}}
	}
	db, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Defaults(), langs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, db: db, blobs: blobs, server: server, door: &openDoor{}}
	h.mailboxes = []ops.Mailbox{{ID: "us", State: "idle", LastCycle: time.Now()}}
	board, err := ops.New(ops.Deps{
		Store: db, Blobs: blobs, Door: h.door, Regions: regions,
		Mailboxes: func() []ops.Mailbox { return h.mailboxes },
		Troubles:  func(context.Context) []string { return h.troubles },
		Checks:    func(context.Context) []ops.Check { return h.checks },
		Canary: &ops.Canary{
			Address: "canary@desk.example", Every: time.Hour,
			Try: func() bool { h.tried++; return h.tried == 1 },
		},
		Kick:  func() { h.kicked++ },
		Holds: func() []ops.Hold { return h.holds },
		Relay: func() []ops.Relay { return []ops.Relay{{Name: "DSN", Value: "offered"}} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Mount(server); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ConnectMailbox(t.Context(), time.Now(), "us"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.BeginEpoch(t.Context(), time.Now(), "us", 1); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, r)
	return w
}

func (h *house) shows(path string, parts ...string) string {
	h.Helper()
	w := h.do("GET", path, nil)
	if w.Code != http.StatusOK {
		h.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	page := strings.ReplaceAll(w.Body.String(), "\u00a0", " ") // as it reads
	for _, p := range parts {
		if !strings.Contains(page, p) {
			h.Errorf("GET %s does not show %q", path, p)
		}
	}
	return page
}

// receives puts a mail into the ledger, undecided.
func (h *house) receives(from, subject string, change ...func(*store.NewInbound)) store.Inbound {
	h.Helper()
	h.uid++
	raw := fmt.Appendf(nil, "From: %s\r\nSubject: %s\r\n\r\nmail %d\r\n", from, subject, h.uid)
	m := store.NewInbound{
		Mailbox: "us", UIDValidity: 1, UID: h.uid, InternalDate: time.Now(), Size: int64(len(raw)), Hash: sha256.Sum256(raw),
		MessageID: fmt.Sprintf("m%d@partner.example", h.uid), From: from, Subject: subject, Raw: raw,
	}
	for _, c := range change {
		c(&m)
	}
	rows, err := h.db.RecordInbound(h.Context(), time.Now(), []store.NewInbound{m})
	if err != nil {
		h.Fatal(err)
	}
	return rows[0]
}

func (h *house) decides(id store.InboundID, v store.Verdict) {
	h.Helper()
	if _, err := h.db.DecideInbound(h.Context(), time.Now(), []store.Decision{{ID: id, Verdict: v}}); err != nil {
		h.Fatal(err)
	}
}

// sends queues a confirmation and ends its first attempt as told.
func (h *house) sends(
	to string, state store.OutboundState, reply string, change ...func(*store.NewTicket),
) store.Outbound {
	h.Helper()
	h.links++
	now := time.Now()
	ticket := store.NewTicket{
		Region: store.Region{ID: "us", Prefix: "US", Address: "us@desk.example"}, Requester: store.Contact{Email: to},
		Link: store.LinkID{h.links}, LinkExpires: now.Add(time.Hour), MessageID: fmt.Sprintf("c%d@desk.example", h.links),
	}
	for _, c := range change {
		c(&ticket)
	}
	opened, err := h.db.OpenTicket(h.Context(), now, ticket)
	if err != nil {
		h.Fatal(err)
	}
	rows, err := h.db.ClaimOutbound(h.Context(), now, store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	if err != nil || len(rows) != 1 {
		h.Fatal(rows, err)
	}
	err = h.db.FinishOutbound(h.Context(), now, store.Finish{
		ID: rows[0].ID, Claim: rows[0].Claim, State: state, DueAt: now.Add(3 * time.Hour), Reply: reply,
	})
	if err != nil {
		h.Fatal(err)
	}
	return opened.Confirmation
}

func (h *house) outbound(id store.OutboundID) store.Outbound {
	h.Helper()
	row, err := h.db.Outbound(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	return row
}

func TestEveryRoomIsForOps(t *testing.T) {
	t.Parallel()
	h := open(t)
	if len(h.door.roles) < 7 {
		t.Errorf("%d routes stand behind the door", len(h.door.roles))
	}
	for _, role := range h.door.roles {
		if role != store.RoleOps {
			t.Errorf("a route is for %q", role)
		}
	}
}

func TestEmptyPagesSayWhatWillBeThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops", "Everything queued has gone out; its mailbox was read to the end 0 s ago.", "All systems are working",
		"Automatic answers are on", "No mail has come to a support address yet")
	h.shows("/ops/ledger", "No mail has come yet")
	h.shows("/ops/ledger?q=nobody@partner.example", "No such mail")
	h.shows("/ops/queue", "Nothing waits", "No mail has failed")
	if w := h.do("GET", "/ops/ledger/7", nil); w.Code != http.StatusNotFound {
		t.Errorf("a mail that is not there: %d", w.Code)
	}
	w := h.do("GET", "/ops/ledger?from=yesterday", nil)
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "like 2026-11-23") {
		t.Errorf("a day nobody can read: %d", w.Code)
	}
}

// A mail under more newer ones than one search looks at is not said to be none:
// the page says that it stopped, and the link goes on.
func TestASearchThatStoppedSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	wanted := h.receives("ann@partner.example", "The one that is wanted")
	h.decides(wanted.ID, store.Verdict{Kind: store.KindBounce,
		Rules: []store.Rule{{ID: "null-sender", Effect: store.EffectStop}}})
	newer := make([]store.NewInbound, store.SearchLooked+1)
	for i := range newer {
		raw := fmt.Appendf(nil, "newer %d", i)
		newer[i] = store.NewInbound{Mailbox: "us", UIDValidity: 1, UID: uint32(10 + i), InternalDate: time.Now(),
			Hash: sha256.Sum256(raw), Raw: raw}
	}
	if _, err := h.db.RecordInbound(h.Context(), time.Now(), newer); err != nil {
		h.Fatal(err)
	}
	page := h.shows("/ops/ledger?why=null-sender", "No such mail so far", "10,000 mails")
	next := nextPage(page, "")
	if !strings.Contains(next, "why=null-sender") {
		t.Fatalf("no link goes on: %q", next)
	}
	if page := h.shows(next, "The one that is wanted"); strings.Contains(page,
		"so far") {
		t.Error("a search that is done says that it stopped")
	}
}

func TestTroubleIsSeenFirst(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.mailboxes = []ops.Mailbox{{ID: "us", State: "refused", LastError: "NO [AUTHENTICATIONFAILED] <b>", Silent: true}}
	h.troubles = []string{"the relay does not take mail: 454 try later"}
	h.sends("ann@partner.example", store.StateQueued, "451 later")
	if _, err := h.db.SwitchResponder(t.Context(), time.Now(), store.ByCommandLine("ops"),
		store.Switch{Reason: "maintenance"}); err != nil {
		t.Fatal(err)
	}
	h.shows("/ops", "1 mail has waited", "was not read to the end yet, which is too long",
		"Automatic answers are off.", "454 try later", "stopped", "maintenance")
	h.shows("/ops/mailboxes", "[AUTHENTICATIONFAILED] &lt;b&gt;")
}

// TestAMailThatWasSetAsideSaysWhy, in the list and on its own page, and is found
// among those of its kind.
func TestAMailThatWasSetAsideSaysWhy(t *testing.T) {
	t.Parallel()
	h := open(t)
	poison := h.receives("eve@partner.example", "Poison")
	for poison.State != store.InboundQuarantined {
		var err error
		poison, err = h.db.QuarantineInbound(t.Context(), time.Now(), poison.ID, "judging it took <too> long")
		if err != nil {
			t.Fatal(err)
		}
	}
	h.receives("ann@partner.example", "Where is my order?")
	page := h.shows("/ops/ledger?mark=quarantined", "Poison", "judging it took &lt;too&gt; long", "set aside")
	if strings.Contains(page, "my order") {
		t.Error("a mail that waits is shown among those that were set aside")
	}
	h.shows(fmt.Sprintf("/ops/ledger/%d", poison.ID), "judging it took &lt;too&gt; long")
}

func TestAMailIsFoundAndShownWithItsEvidence(t *testing.T) {
	t.Parallel()
	h := open(t)
	person := h.receives("Ann <ann@partner.example>", "Where is <my> order?")
	h.decides(person.ID, store.Verdict{Kind: store.KindDirect, Rules: []store.Rule{
		{ID: "to-us", Effect: store.EffectMet, Evidence: "To: us@desk.example"},
		{ID: "spf-fail", Effect: store.EffectStop, Evidence: "spf=fail <script>"},
	}})
	bounce := h.receives("MAILER-DAEMON@mx.example", "Undelivered")
	h.decides(bounce.ID, store.Verdict{Kind: store.KindBounce, Reports: []store.Report{
		{Recipient: "gone@partner.example", Action: "failed", Status: "5.1.1", Reason: "no-such-user",
			Hard: true, Outcome: "dead", Diagnostic: "550 5.1.1 no such user"},
	}})
	mine, theirs := fmt.Sprintf("/ops/ledger/%d", person.ID), fmt.Sprintf("/ops/ledger/%d", bounce.ID)
	for query, want := range map[string]string{
		"": mine + " " + theirs, "q=ANN@partner.example": mine, "q=gone@partner.example": theirs, "mark=bounce": theirs,
		"q=%3Cm1@partner.example%3E": mine, "q=ann@partner.example&mark=bounce": "", "from=2020-01-01&to=2020-02-01": "",
		"from=2020-01-01": mine + " " + theirs,
	} {
		page := h.shows("/ops/ledger?" + query)
		for _, link := range []string{mine, theirs} {
			if strings.Contains(page, link+`"`) != strings.Contains(want, link) {
				t.Errorf("?%s shows %s: %v", query, link, !strings.Contains(want, link))
			}
		}
	}
	h.shows(mine, "Where is &lt;my&gt; order?", "spf-fail", "spf=fail &lt;script&gt;", "blocks a reply",
		"One rule blocks a reply", "m1@partner.example")
	h.shows(theirs, "gone@partner.example", "550 5.1.1 no such user", "for good", "dead")
	h.shows("/ops", `<span class="op-count nums">1</span> bounce`)
}

// TestAnAuthorAndTheirAddressRunEachTheirOwnWay: a name in Hebrew does not turn
// the address beside it around.
func TestAnAuthorAndTheirAddressRunEachTheirOwnWay(t *testing.T) {
	t.Parallel()
	h := open(t)
	for from, want := range map[string]string{
		"דנה <dana@partner.example>": "<bdi>דנה</bdi> <bdi>&lt;dana@partner.example&gt;</bdi>",
		"ann@partner.example":        "<bdi>ann@partner.example</bdi>",
		"":                           "<bdi>no author</bdi>",
	} {
		h.receives(from, "hello")
		h.shows("/ops/ledger", want)
	}
}

func TestTheLedgerIsReadPageAfterPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 120 {
		h.receives("ann@partner.example", fmt.Sprint("number ", i))
	}
	seen := 0
	for path := "/ops/ledger?q=ann@partner.example"; path != ""; {
		page := h.shows(path)
		seen += strings.Count(page, `class="op-subject"`)
		path = nextPage(page, "")
	}
	if seen != 120 {
		t.Errorf("%d mails on all pages", seen)
	}
}

func TestTheRawMailIsDownloadedByteForByte(t *testing.T) {
	t.Parallel()
	h := open(t)
	small := h.receives("ann@partner.example", "small")
	content := strings.Repeat("X: large\r\n", 100)
	hash, _, err := h.blobs.Put(t.Context(), strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	large := h.receives("ann@partner.example", "large", func(n *store.NewInbound) { n.Raw, n.Blob = nil, hash })
	for id, want := range map[store.InboundID]string{
		small.ID: "From: ann@partner.example\r\nSubject: small\r\n\r\nmail 1\r\n", large.ID: content,
	} {
		w := h.do("GET", fmt.Sprintf("/ops/ledger/%d/raw", id), nil)
		if w.Body.String() != want {
			t.Errorf("mail %d: %q", id, w.Body)
		}
		d, mediaType := w.Header().Get("Content-Disposition"), w.Header().Get("Content-Type")
		if !strings.HasPrefix(d, "attachment") || mediaType != "application/octet-stream" {
			t.Errorf("mail %d comes as %q", id, d)
		}
	}
}

// A mail kept no longer still shows what was decided, and offers nothing to take.
func TestAMailThatIsKeptNoLongerSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.receives("ann@partner.example", "hello")
	listID := store.Rule{ID: "list-id", Effect: store.EffectStop, Evidence: "List-Id: x"}
	h.decides(m.ID, store.Verdict{Kind: store.KindList, Rules: []store.Rule{listID}})
	if n, err := h.db.DropRaws(t.Context(), time.Now().Add(time.Hour), 0, 9); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	page := h.shows(fmt.Sprintf("/ops/ledger/%d", m.ID), "no longer kept", "list-id")
	if strings.Contains(page, "/raw") || strings.Contains(page, "/case") {
		t.Error("it offers a mail that is gone")
	}
	for _, path := range []string{"raw", "case"} {
		method := map[string]string{"raw": "GET", "case": "POST"}[path]
		w := h.do(method, fmt.Sprintf("/ops/ledger/%d/%s", m.ID, path), url.Values{"should": {"answer"}})
		if w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

func TestAWrongVerdictBecomesATestCase(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.receives("ann@partner.example", "hello")
	listID := store.Rule{ID: "list-id", Effect: store.EffectStop, Evidence: "List-Id: x"}
	h.decides(m.ID, store.Verdict{Kind: store.KindList, Rules: []store.Rule{listID}})
	path := fmt.Sprintf("/ops/ledger/%d/case", m.ID)
	w := h.do("POST", path, url.Values{"should": {"answer"}, "why": {"a person forwarded it"}})
	z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	if err != nil || len(z.File) != 2 {
		t.Fatalf("%d: %v", w.Code, err)
	}
	var texts []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		texts = append(texts, string(text))
	}
	if !strings.HasSuffix(texts[0], "mail 1\r\n") ||
		!strings.HasPrefix(texts[1], "This mail should have been answered.\na person forwarded it\n") ||
		!strings.Contains(texts[1], "stop\tlist-id\tList-Id: x") {
		t.Errorf("the case holds %q", texts)
	}
	if w := h.do("POST", path, url.Values{}); w.Code != http.StatusBadRequest {
		t.Errorf("without a side: %d", w.Code)
	}
}

// TestThrottledMailIsShownAndSentByHand: each row names the limit it waits for.
func TestThrottledMailIsShownAndSentByHand(t *testing.T) {
	t.Parallel()
	h := open(t)
	once := store.Budget{Name: "confirmation/network", Key: "n", Limit: 1, Window: time.Hour}
	h.sends("a@x.example", store.StateSent, "", func(n *store.NewTicket) { n.Budgets = []store.Budget{once} })
	var last store.Opened
	for i := range byte(51) {
		n := store.NewTicket{
			Region:    store.Region{ID: "us", Prefix: "US", Address: "us@desk.example"},
			Requester: store.Contact{Email: fmt.Sprintf("p%d@y.example", i)},
			Link:      store.LinkID{9, i}, LinkExpires: time.Now().Add(time.Hour), MessageID: fmt.Sprintf("t%d@desk.example", i),
			Budgets: []store.Budget{once}, Network: "n",
		}
		var err error
		if last, err = h.db.OpenTicket(t.Context(), time.Now(), n); err != nil {
			t.Fatal(err)
		}
	}
	page := h.shows("/ops/queue", "Throttled", "p0@y.example", "beyond the limit of its network", "Next page")
	h.shows(nextPage(page, "throttled"), last.Confirmation.To, "First page")
	h.shows("/ops", "throttled")
	h.do("POST", "/ops/queue/retry", url.Values{"id": {fmt.Sprint(last.Confirmation.ID)}})
	if state := h.outbound(last.Confirmation.ID).State; state != store.StateQueued {
		t.Errorf("sent by hand it is %s", state)
	}
}

func TestMailsAreTriedAgainOneOrAll(t *testing.T) {
	t.Parallel()
	h := open(t)
	later := h.sends("a@x.example", store.StateQueued, "451 greylisted")
	never := h.sends("b@x.example", store.StateFailed, "550 <no>")
	other := h.sends("c@x.example", store.StateFailed, "")
	h.shows("/ops/queue", "a@x.example", "next try in 2 h 59 min", "451 greylisted",
		"550 &lt;no&gt;", "US-1002", "c@x.example")
	w := h.do("POST", "/ops/queue/retry", url.Values{"id": {fmt.Sprint(never.ID)}})
	location := w.Header().Get("Location")
	if location != "/ops/queue?retried=1" || h.kicked != 1 || h.outbound(never.ID).State != store.StateQueued {
		t.Errorf("one: %d, kicked %d, %s", w.Code, h.kicked, h.outbound(never.ID).State)
	}
	h.do("POST", "/ops/queue/retry", url.Values{"all": {"failed"}})
	if h.outbound(other.ID).State != store.StateQueued {
		t.Error("a failed mail stayed behind")
	}
	w = h.do("POST", "/ops/queue/retry", url.Values{"all": {"waiting"}})
	if w.Header().Get("Location") != "/ops/queue?retried=1" || h.outbound(later.ID).DueAt.After(time.Now()) {
		t.Errorf("those that wait: %s", w.Header().Get("Location"))
	}
	h.do("POST", "/ops/queue/retry", url.Values{"all": {"failed"}})
	if h.kicked != 3 {
		t.Errorf("the sender was woken %d times", h.kicked)
	}
	h.shows("/ops/queue?retried=1", "One mail is due now")
	for _, form := range []url.Values{{}, {"id": {"x"}}, {"all": {"sent"}}} {
		if w := h.do("POST", "/ops/queue/retry", form); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	if w := h.do("POST", "/ops/queue/retry", url.Values{"id": {"99"}}); w.Code != http.StatusNotFound {
		t.Errorf("a mail that is not there: %d", w.Code)
	}
}

func (h *house) raises(key, what string, level int) store.Alarm {
	h.Helper()
	a, err := h.db.RaiseAlarm(h.Context(), time.Now(), store.Trouble{
		Key: key, What: what, Do: "Mend it. /ops/ledger?mark=answered, or /ops/queue.", Level: level,
	})
	if err != nil {
		h.Fatal(err)
	}
	return a
}

func TestAnAlarmIsAcknowledgedByWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/health", "No active alarms.", "None yet. An alarm stays here", "No run yet.")
	relay := h.raises("relay", "the relay says <no>", 1)
	h.raises("disk", "little room", 1)
	page := h.shows("/ops/health", "2 active alarms, none acknowledged.", "The relay says &lt;no&gt;", "Mend it. ",
		`<a href="/ops/ledger?mark=answered">`, `<a href="/ops/queue">`)
	if strings.Contains(page, "Acknowledged by") {
		t.Error("acknowledged already")
	}
	known := func(id store.AlarmID, pause string) string {
		w := h.do("POST", "/ops/health/acknowledge", url.Values{"id": {fmt.Sprint(id)}, "for": {pause}})
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Header().Get("Location")
	}
	h.shows(known(relay.ID, "4h"), "Acknowledged. It", "1 of them not acknowledged",
		"Acknowledged by <bdi>ana@desk.example", "until")
	standing, err := store.Items(h.db.StandingAlarms(t.Context(), store.Page{Limit: 9}))
	if err != nil || standing[0].By != "ana@desk.example" ||
		time.Until(standing[0].Until) < 3*time.Hour || time.Until(standing[0].Until) > 4*time.Hour {
		t.Errorf("kept as %+v, %v", standing, err)
	}
	known(relay.ID, "")
	h.raises("relay", "it burns", 2)
	h.shows("/ops/health", "it got worse since", "got worse</span>")
	if _, err := h.db.EndAlarm(t.Context(), time.Now(), "relay"); err != nil {
		t.Fatal(err)
	}
	h.shows(known(relay.ID, ""), "That alarm has already ended.", "acknowledged by <bdi>ana@desk.example", "It burns",
		"One active alarm, not acknowledged")
	for _, bad := range []string{"", "x", "99"} {
		w := h.do("POST", "/ops/health/acknowledge", url.Values{"id": {bad}})
		if w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound {
			t.Errorf("acknowledging %q: %d", bad, w.Code)
		}
	}
}

func TestTheServiceTellsOfItselfAndOfItsCanary(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.checks = []ops.Check{{Name: "Disk", Value: "1 GiB free", Note: "look <there>", Tone: "amber"}}
	now := time.Now().Add(-time.Hour)
	for i := range byte(2) {
		run, err := h.db.BeginCanary(t.Context(), now, store.NewCanary{
			Region: "us", Mark: "m", Stray: store.NewMail{
				Kind: store.MailCanary, From: "canary@desk.example", To: "us@desk.example",
				MessageID: fmt.Sprint("stray@", i),
			},
			Ticket: store.NewTicket{
				Region:    store.Region{ID: store.OwnRegion, Prefix: "CANARY", Address: "us@desk.example"},
				Channel:   store.ChannelCanary,
				Requester: store.Contact{Email: "canary@desk.example"}, Link: store.LinkID{9, i},
				LinkExpires: now.Add(time.Hour), MessageID: fmt.Sprint("conf@", i),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		run.Answer = store.CanaryLeg{ArrivedAt: now.Add(2500 * time.Millisecond), Count: 1, SPF: "none", DMARC: "pass"}
		if run.EndedAt = now.Add(time.Minute); i == 1 {
			run.Faults = []string{"550 <b>no</b>"}
		}
		if err := h.db.RecordCanary(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	h.shows("/ops/health", "1 GiB free", "look &lt;there&gt;",
		"Sent every 1 h 0 min, to and from canary@desk.example",
		"2.5 s", "SPF none, DMARC pass", "550 &lt;b&gt;no&lt;/b&gt;",
		"half of the mails came within 2.5 s, all that came within 2.5 s; 1 runs failed", ">passed<", ">failed<")
	for i, want := range []string{"The canary was sent", "A canary run is under way"} {
		w := h.do("POST", "/ops/health/canary", url.Values{})
		if h.shows(w.Header().Get("Location"), want); h.tried != i+1 {
			t.Errorf("tried %d times", h.tried)
		}
	}
}
