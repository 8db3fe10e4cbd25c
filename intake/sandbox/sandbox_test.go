package sandbox_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"signpost/intake/sandbox"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/lang"
	"signpost/store/verbs"
)

const support = "partner.support@example.com"

// post is a mail host of slices: what the pages need of the real one, which
// lives in another room.
type post struct {
	mu       sync.Mutex
	mails    []sandbox.Mail
	switched []sandbox.Machine
	watching []chan struct{}
	refuse   error
}

func (p *post) Mailboxes() []sandbox.Mailbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []sandbox.Mailbox
	for i := len(p.mails) - 1; i >= 0; i-- {
		all = append(all, sandbox.Mailbox{Address: p.mails[i].Mailbox, Mails: 1, LastAt: p.mails[i].ReceivedAt,
			Behaviour: "plain"})
	}
	return all
}

func (p *post) Mails(address string, before uint64, limit int) []sandbox.Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []sandbox.Mail
	for i := len(p.mails) - 1; i >= 0 && len(all) < limit; i-- {
		m := p.mails[i]
		if (address == "" || m.Mailbox == store.AnswerKey(address)) && (before == 0 || m.ID < before) {
			m.Raw = nil
			all = append(all, m)
		}
	}
	return all
}

func (p *post) Mail(id uint64) (sandbox.Mail, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id == 0 || id > uint64(len(p.mails)) {
		return sandbox.Mail{}, store.ErrNotFound
	}
	return p.mails[id-1], nil
}

func (p *post) Deliver(from string, to []string, raw []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		return p.refuse
	}
	for _, address := range to {
		p.mails = append(p.mails, sandbox.Mail{
			ID: uint64(len(p.mails) + 1), Mailbox: store.AnswerKey(address), Folder: "INBOX", EnvelopeFrom: from, To: address,
			ReceivedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Size: int64(len(raw)), Raw: raw,
			From: "Ann <ann@partner.example>", Subject: "Hello", Header: fieldsOf(raw), AnswerTo: "ann@partner.example",
		})
	}
	for _, w := range p.watching {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return nil
}

// fieldsOf reads the plain headers that these stories write.
func fieldsOf(raw []byte) (all []sandbox.Field) {
	for line := range strings.Lines(string(raw)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok {
			break
		}
		all = append(all, sandbox.Field{Name: name, Value: strings.TrimSpace(value)})
	}
	return all
}

func (p *post) Watch(context.Context) <-chan struct{} {
	w := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watching = append(p.watching, w)
	return w
}

func (p *post) Machines() []sandbox.Machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.switched
}

func (p *post) SetBehaviour(key, behaviour string) error {
	if !strings.Contains(key, ".") {
		return fmt.Errorf("switch: %w", store.ErrInvalid)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.switched = nil
	if behaviour != "" {
		p.switched = []sandbox.Machine{{Key: key, Behaviour: behaviour, Limit: 100}}
	}
	return nil
}

// house is the pages over an empty host and a real ledger.
type house struct {
	t      *testing.T
	post   *post
	ledger *verbs.Store
	server *web.Server
}

func open(t *testing.T) *house {
	t.Helper()
	ledger, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Defaults(), langs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t, &post{}, ledger, server}
	pages, err := sandbox.New(sandbox.Deps{Host: h.post, Machines: h.post, Ledger: ledger, Support: []string{support},
		SMTP: "127.0.0.1:2525", IMAP: "127.0.0.1:1143", Password: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	if err := pages.Mount(server); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func (h *house) submit(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, r)
	return w
}

// shows fails unless the page answers 200 with every one of parts.
func (h *house) shows(path string, parts ...string) string {
	h.t.Helper()
	w := h.get(path)
	if w.Code != http.StatusOK {
		h.t.Fatalf("GET %s: %d", path, w.Code)
	}
	for _, p := range parts {
		if !strings.Contains(w.Body.String(), p) {
			h.t.Errorf("GET %s does not show %q", path, p)
		}
	}
	return w.Body.String()
}

func (h *house) deliver(to, raw string) {
	h.t.Helper()
	err := h.post.Deliver("ann@partner.example", []string{to}, []byte(strings.ReplaceAll(raw, "\n", "\r\n")))
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestAnEmptySandboxSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/sandbox", "No mail has been sent yet", support, "127.0.0.1:2525")
	h.shows("/sandbox?box=new@partner.example", "No mail here yet")
	h.shows("/sandbox/machines", "full@bounce.example.net", "None. A machine")
	if w := h.get("/sandbox?mail=7"); w.Code != http.StatusNotFound {
		t.Errorf("a mail that is not there: %d", w.Code)
	}
}

func TestEveryReadyMadeMailCanBeSentAsItStands(t *testing.T) {
	t.Parallel()
	h := open(t)
	for n, kind := range []string{"person", "away", "newsletter", "report", "list", "forged"} {
		form := fields(t, h.shows("/sandbox/write?kind="+kind))
		sent := h.submit("/sandbox/write", form)
		if sent.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", kind, sent.Code, sent.Body)
		}
		page := h.shows(sent.Header().Get("Location"), "Headers that matter", "What the watcher decided", "Nothing yet")
		if kind == "away" && !strings.Contains(page, "auto-replied") {
			t.Errorf("an out-of-office without its mark")
		}
		if got := len(h.post.Mails(support, 0, 99)); got != n+1 {
			t.Errorf("%s: %d mails at support", kind, got)
		}
	}
}

// fields reads a page's form as a browser would send it.
func fields(t *testing.T, page string) url.Values {
	t.Helper()
	form := url.Values{}
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return form
		}
		token := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken ||
			token.Data != "input" && token.Data != "textarea" {
			continue
		}
		attr := map[string]string{}
		for _, a := range token.Attr {
			attr[a.Key] = a.Val
		}
		if token.Data == "textarea" && z.Next() == html.TextToken {
			attr["value"] = z.Token().Data
		}
		form.Set(attr["name"], attr["value"])
	}
}

func TestAFaultyDraftKeepsItsTextAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := open(t)
	good := url.Values{"kind": {"person"}, "from": {"Ann <ann@partner.example>"}, "envelope": {"ann@partner.example"},
		"to": {support}, "subject": {"Hello"}, "headers": {""}, "body": {"my long text"}}
	for field, bad := range map[string]string{
		"to": "nobody", "envelope": "two words", "headers": "no colon here", "subject": "a\r\nBcc: victim@example.org",
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(field, bad)
		w := h.submit("/sandbox/write", form)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "my long text") ||
			!strings.Contains(w.Body.String(), "The mail was not sent") {
			t.Errorf("%s %q: %d", field, bad, w.Code)
		}
	}
	h.post.refuse = errors.New("550 5.1.1 user unknown")
	if w := h.submit("/sandbox/write", good); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), "user unknown") {
		t.Errorf("the host's refusal: %d", w.Code)
	}
	if len(h.post.mails) != 0 {
		t.Errorf("%d mails were sent", len(h.post.mails))
	}
}

// A mail of two authors bears an id of the first one's domain.
func TestAWrittenMailHasAnIDOfItsFirstAuthorsDomain(t *testing.T) {
	t.Parallel()
	for from, domain := range map[string]string{
		"Ann <ann@partner.example>":                  "partner.example",
		"Ann <ann@partner.example>, bob@two.example": "partner.example",
		"nobody": "sandbox.example.com",
	} {
		h := open(t)
		form := url.Values{"kind": {"person"}, "from": {from}, "envelope": {"ann@partner.example"}, "to": {support},
			"subject": {"Hello"}, "headers": {""}, "body": {"text"}}
		if w := h.submit("/sandbox/write", form); w.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", from, w.Code, w.Body)
		}
		if raw := string(h.post.mails[0].Raw); !strings.Contains(raw, ".written@"+domain+">\r\n") {
			t.Errorf("%s wrote %q", from, raw)
		}
	}
}

// A picture that the mail carries is shown where its HTML names it, from nowhere else.
func TestAMailsOwnPictureIsShown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.deliver("ann@partner.example", "Subject: logo\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/related; type=\"text/html\"; boundary=b\n\n--b\nContent-Type: text/html\n\n"+
		"<p>Hi</p><img src=\"cid:l@x\"><img src=\"cid:s@x\">\n--b\nContent-Type: image/png\nContent-ID: <l@x>\n"+
		"Content-Transfer-Encoding: base64\n\nUE5H\n--b\nContent-Type: image/svg+xml\nContent-ID: <s@x>\n\n<svg/>\n--b--\n")
	framed := h.get("/sandbox/mail/1/html").Body.String()
	if !strings.Contains(framed, `src="data:image/png;base64,UE5H"`) || !strings.Contains(framed, `src="cid:s@x"`) {
		t.Errorf("the frame holds %s", framed)
	}
}

func TestAMailIsShownAsTextAsHTMLAndRaw(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.deliver("ann@partner.example", "From: \"<script>alert(1)</script>\" <x@example.org>\n"+
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n"+
		"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"+
		"Gr=FC=DFe <b>not bold</b> https://example.org/x.\n"+
		"--c\nContent-Type: text/html; charset=utf-8\n\n"+
		"<p>Hi</p><script>alert(2)</script><img src=https://spy.example/p.gif>\n--c--\n"+
		"--b\nContent-Type: application/x-evil; name=\"../../etc/passwd\"\nContent-Disposition: attachment\n\nbytes\n--b--\n")
	page := h.shows("/sandbox?box=ann@partner.example&mail=1", "Grüße &lt;b&gt;not bold",
		`<a href="https://example.org/x"`, "passwd", `src="/sandbox/mail/1/html"`, "sandbox=\"allow-popups")
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "What the watcher decided") {
		t.Error("the page runs a mail's script, or judges mail that is not support's")
	}
	framed := h.get("/sandbox/mail/1/html")
	policy := framed.Header().Get("Content-Security-Policy")
	for _, want := range []string{
		"script-src 'none'", "default-src 'none'", "img-src data:", "form-action 'none'", "frame-ancestors 'self'",
		"sandbox allow-popups",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the frame's policy lacks %q: %s", want, policy)
		}
	}
	if strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the frame may do too much: %s", policy)
	}
	part := h.get("/sandbox/mail/1/part/0")
	got := part.Header().Get("Content-Disposition")
	if part.Body.String() != "bytes" || got != "attachment; filename=passwd" ||
		part.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("attachment: %q, %s, %q", part.Body, got, part.Header().Get("Content-Type"))
	}
	raw := h.get("/sandbox/mail/1/raw")
	if raw.Header().Get("Content-Type") != "text/plain; charset=utf-8" ||
		!strings.Contains(raw.Body.String(), "Gr=FC=DFe") {
		t.Errorf("raw: %s", raw.Header().Get("Content-Type"))
	}
	for _, none := range []string{"/sandbox/mail/1/part/9", "/sandbox/mail/x/raw", "/sandbox/mail/99/html"} {
		if w := h.get(none); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", none, w.Code)
		}
	}
}

func TestBrokenMailIsShownAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	h := open(t)
	deep := "Content-Type: multipart/mixed; boundary=b0\n\n"
	for i := range 60 {
		deep += fmt.Sprintf("--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
	}
	for name, raw := range map[string]string{
		"empty": "", "no header": "just text", "NUL": "Subject: a\x00b\n\n\x00",
		"cut off":         "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nthe first part",
		"deep":            deep,
		"unknown charset": "Content-Type: text/plain; charset=klingon\n\nnuqneH",
		"invalid utf-8":   "Subject: \xff\n\n\xff\xfe",
		"no address":      "From: undisclosed\nTo: x\n\nhi",
	} {
		h.deliver(support, raw)
		w := h.get(fmt.Sprintf("/sandbox?box=%s&mail=%d", support, len(h.post.mails)))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Raw mail") {
			t.Errorf("%s: %d", name, w.Code)
		}
		if name == "cut off" && !strings.Contains(w.Body.String(), "the first part") {
			t.Errorf("%s: what came before the break is not shown", name)
		}
	}
}

func TestASupportMailShowsItsVerdictWithTheEvidence(t *testing.T) {
	t.Parallel()
	h := open(t)
	raw := "From: ann@partner.example\r\nMessage-ID: <one@partner.example>\r\nSubject: x\r\n\r\nHello\r\n"
	other := strings.Replace(raw, "Hello", "Another mail under the same id", 1)
	h.deliver(support, "From: ann@partner.example\nMessage-ID: <one@partner.example>\nSubject: x\n\nHello\n")
	for uid, text := range []string{raw, other} {
		decide(t, h.ledger, uint32(uid+1), text, store.Verdict{Kind: store.KindBounce, Rules: []store.Rule{
			{ID: "null-sender", Effect: store.EffectStop, Evidence: fmt.Sprintf("Return-Path: <> of %d", uid)},
		}, Reports: []store.Report{{Recipient: "gone@partner.example", Action: "failed", Status: "5.1.1",
			Reason: "userunknown", Hard: true, Outcome: "dead", Diagnostic: "550 <b>unknown</b>"}}})
	}
	page := h.shows("/sandbox?box="+support+"&mail=1", "not answered", "<strong>bounce</strong>", "user unknown",
		"null-sender", "of 0", "gone@partner.example", "5.1.1", "for good", "no more mail", "550 &lt;b&gt;")
	if strings.Contains(page, "of 1") || strings.Contains(page, "data-pending") {
		t.Error("the verdict of another mail with the same Message-ID is shown")
	}
}

func decide(t *testing.T, ledger *verbs.Store, uid uint32, raw string, v store.Verdict) {
	t.Helper()
	ctx, now := t.Context(), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	if _, err := ledger.ConnectMailbox(ctx, now, "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.BeginEpoch(ctx, now, "main", 7); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	rows, err := ledger.RecordInbound(ctx, now, []store.NewInbound{{
		Mailbox: "main", UIDValidity: 7, UID: uid, InternalDate: now, Size: int64(len(raw)), Hash: sha256.Sum256([]byte(raw)),
		MessageID: "one@partner.example", Raw: []byte(raw),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.DecideInbound(ctx, now, []store.Decision{{ID: rows[0].ID, Verdict: v}}); err != nil {
		t.Fatal(err)
	}
}

func TestAMachineIsSwitchedAndSwitchedBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	w := h.submit("/sandbox/machines", url.Values{"key": {"bob@partner.example"}, "behaviour": {"bounce"}})
	if w.Code != http.StatusSeeOther {
		t.Fatalf("switch: %d", w.Code)
	}
	h.shows("/sandbox/machines", "bob@partner.example", "0 of 100 mails this hour", "Switch back")
	w = h.submit("/sandbox/machines", url.Values{"key": {"<script>"}, "behaviour": {"bounce"}})
	if w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "<script>\"") {
		t.Errorf("nonsense: %d", w.Code)
	}
	w = h.submit("/sandbox/machines", url.Values{"key": {"bob@partner.example"}, "behaviour": {""}})
	if w.Code != http.StatusSeeOther || len(h.post.Machines()) != 0 {
		t.Errorf("switch back: %d", w.Code)
	}
}

func TestAnotherSiteCannotWriteMail(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := httptest.NewRequest("POST", "/sandbox/write", strings.NewReader("to="+support))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || len(h.post.mails) != 0 {
		t.Errorf("a foreign post: %d", w.Code)
	}
}

func TestAnOpenPageIsToldOfNewMail(t *testing.T) {
	t.Parallel()
	h := open(t)
	site := httptest.NewServer(h.server.Handler())
	defer site.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", site.URL+"/sandbox/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := site.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %s", got)
	}
	lines := bufio.NewReader(answer.Body)
	if _, err := lines.ReadString('\n'); err != nil { // the greeting: from here on it watches
		t.Fatal(err)
	}
	h.deliver(support, "Subject: x\n\ny")
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF || err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		if strings.HasPrefix(line, "event: changed") {
			return
		}
	}
}

func TestALongListIsPaged(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 120 {
		h.deliver("ann@partner.example", "Subject: x\n\ny")
	}
	seen, path := 0, "/sandbox?box=ann@partner.example"
	for path != "" {
		page := h.shows(path)
		seen += strings.Count(page, "sb-subject")
		_, rest, ok := strings.Cut(page, `<p class="sb-pad"><a href="`)
		path = ""
		if ok {
			older, _, _ := strings.Cut(rest, `"`)
			path = html.UnescapeString(older)
		}
	}
	if seen != 120 {
		t.Errorf("%d mails over all pages", seen)
	}
}
