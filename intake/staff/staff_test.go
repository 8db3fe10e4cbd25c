package staff

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/verbs"
)

const (
	ana      = "ana@desk.example"
	password = "password"
	// cheap is its hash at a cost that tests can bear many times.
	cheap     = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	elsewhere = "203.0.113.9:1"
)

// house is the door before one room for ops, over a real store.
type house struct {
	*testing.T
	db     *verbs.Store
	ring   *ident.Ring
	server *web.Server
	door   *Staff
	log    *bytes.Buffer
	agent  store.Agent
}

func open(t *testing.T, change ...func(*Config, *web.Config)) *house {
	t.Helper()
	db, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	cfg, pages := Defaults(), web.Defaults()
	cfg.BaseURL = "https://help.example"
	for _, c := range change {
		c(&cfg, &pages)
	}
	var log bytes.Buffer
	server, err := web.New(pages, langs, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := ident.New([]byte(strings.Repeat("s", ident.SecretBytes)))
	if err != nil {
		t.Fatal(err)
	}
	door, err := New(cfg, Deps{Agents: db, Ring: ring, From: "us@desk.example", FromName: "Desk"})
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Mount(server); err != nil {
		t.Fatal(err)
	}
	opened := func(x *web.Exchange, who store.Agent) error {
		return x.Bytes(http.StatusOK, "text/plain", []byte("in: "+who.Email))
	}
	server.Handle(web.Route{Method: "GET", Path: "/room", Handler: door.Require(store.RoleOps, opened)})
	room := func(x *web.Exchange, _ store.Agent) error { return x.Bytes(http.StatusOK, "text/plain", []byte("in")) }
	server.Handle(web.Route{Method: "GET", Path: "/log", Handler: door.Permit(store.ActReadAudit, room)})
	h := &house{T: t, db: db, ring: ring, server: server, door: door, log: &log}
	h.agent = h.hire(ana, store.RoleOps)
	return h
}

func (h *house) hire(email string, roles ...store.Role) store.Agent {
	h.Helper()
	agent, err := h.db.AddAgent(h.Context(), time.Now(), store.ByService(),
		store.NewAgent{Email: email, Roles: roles, Password: cheap})
	if err != nil {
		h.Fatal(err)
	}
	return agent
}

// browser keeps cookies as one does, and knows where it stands in the network.
type browser struct {
	*house
	cookies map[string]string
	from    string
}

func (h *house) browser() *browser {
	return &browser{house: h, cookies: map[string]string{}, from: "192.0.2.1:1"}
}

func (b *browser) do(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.RemoteAddr = b.from
	w := httptest.NewRecorder()
	b.server.Handler().ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) get(path string, header ...string) *httptest.ResponseRecorder {
	b.Helper()
	return b.do("GET", path, nil, header...)
}

func (b *browser) signIn(email, password, code string) *httptest.ResponseRecorder {
	b.Helper()
	return b.do("POST", "/sign-in", url.Values{
		"email": {email}, "password": {password}, "code": {code}, "next": {"/room"},
	})
}

func (b *browser) isIn() {
	b.Helper()
	if w := b.get("/room"); w.Code != http.StatusOK {
		b.Errorf("in the room: %d", w.Code)
	}
}

func (b *browser) isOut() {
	b.Helper()
	if w := b.get("/room"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?next=%2Froom" {
		b.Errorf("in the room: %d, to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestSomebodySignsInAndOut(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	b.isOut()
	if w := b.get("/sign-in?next=/room"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `value="/room"`) ||
		w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the sign-in page: %d %s", w.Code, w.Header())
	}
	w := b.signIn(" ANA@desk.example ", password, "")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/room" {
		t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	b.isIn()
	if w := b.get("/sign-in"); w.Header().Get("Location") != "/account" {
		t.Errorf("signing in twice leads to %q", w.Header().Get("Location"))
	}
	if w := b.do("POST", "/sign-out", url.Values{}); w.Header().Get("Location") != "/sign-in" ||
		b.cookies["session"] != "" {
		t.Errorf("signing out: %d, %v left", w.Code, b.cookies)
	}
	b.isOut()
}

func TestWhatIsWrongIsNotTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	disabled := true
	if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), h.hire("off@desk.example").ID,
		store.AgentChange{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, c := range [][2]string{
		{ana, "wrong"}, {"nobody@desk.example", password}, {"off@desk.example", password},
		{"", ""}, {ana, strings.Repeat("x", 10_000)},
	} {
		b := h.browser()
		w := b.signIn(c[0], c[1], "")
		if w.Code != http.StatusUnprocessableEntity || len(b.cookies) != 0 {
			t.Errorf("%s: %d, cookies %v", c[0], w.Code, b.cookies)
		}
		page := strings.ReplaceAll(w.Body.String(), ` value="`+c[0]+`"`, "")
		pages = append(pages, regexp.MustCompile(` autofocus`).ReplaceAllString(page, ""))
		b.isOut()
	}
	for _, page := range pages {
		if page != pages[0] {
			t.Error("the pages tell the faults apart")
		}
	}
}

func TestAChangedPasswordSignsOutElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t)
	here, there := h.browser(), h.browser()
	here.signIn(ana, password, "")
	there.signIn(ana, password, "")
	change := func(old, chosen string) *httptest.ResponseRecorder {
		return here.do("POST", "/account/password", url.Values{"password": {old}, "new": {chosen}})
	}
	for _, c := range [][2]string{{"wrong", "a new password"}, {password, "short"}, {password, "Password2026!"},
		{password, "ana@desk.example"}} {
		if w := change(c[0], c[1]); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", c, w.Code)
		}
	}
	if w := change(password, "a new password"); w.Code != http.StatusSeeOther {
		t.Fatalf("changing: %d", w.Code)
	}
	here.isIn()
	there.isOut()
	if w := there.signIn(ana, password, ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the old password: %d", w.Code)
	}
	there.signIn(ana, "a new password", "")
	there.isIn()
	here.do("POST", "/account/sign-out", url.Values{})
	here.isOut()
	there.isOut()
}

func TestASessionIdlesAwayAndEndsInAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		b, live := h.browser(), h.browser()
		b.signIn(ana, password, "")
		live.signIn(ana, password, "")
		for range 5 { // in use over 20 hours; the other page only refreshes itself
			time.Sleep(3*time.Hour + 50*time.Minute)
			b.isIn()
			live.get("/room", LiveHeader, "1")
		}
		if w := live.get("/room", LiveHeader, "1"); w.Code != http.StatusUnauthorized {
			t.Errorf("a page that refreshes itself: %d", w.Code)
		}
		live.isOut()
		time.Sleep(3*time.Hour + 50*time.Minute)
		b.isIn()
		time.Sleep(time.Hour)
		b.isOut()
	})
}

func TestASignInReplacesTheSessionBeforeIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	b, thief := h.browser(), h.browser()
	b.signIn(ana, password, "")
	for name, value := range b.cookies { // fixed or stolen before
		thief.cookies[name] = value
	}
	b.signIn(ana, password, "")
	b.isIn()
	thief.isOut()
}

// A page that shows all regions is not for an account that sees some of them.
func TestARoomOfAllRegionsIsForThoseWhoSeeThem(t *testing.T) {
	t.Parallel()
	h := open(t)
	cy := h.hire("cy@desk.example", store.RoleOps)
	b := h.browser()
	b.signIn("cy@desk.example", password, "")
	b.isIn()
	some := store.AgentChange{Regions: &[]string{"us", "intl"}}
	if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), cy.ID, some); err != nil {
		t.Fatal(err)
	}
	w := b.get("/room")
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(),
		"sees <code>us</code>, <code>intl</code> only") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.get("/account"); !strings.Contains(w.Body.String(), "Sees the regions <code>us</code>, <code>intl</code>.") {
		t.Errorf("the account's page: %s", w.Body)
	}
}

func TestARoomIsForItsRole(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.hire("bob@desk.example", store.RoleAgent, store.RoleAdmin)
	b := h.browser()
	b.signIn("bob@desk.example", password, "")
	if w := b.get("/room"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "role <code>ops</code>") {
		t.Errorf("%d", w.Code)
	}
	w := h.browser().get("/room", "Accept", "application/json")
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "people who are signed in") {
		t.Errorf("a program without a session: %d %s", w.Code, w.Body)
	}
}

func TestNobodyIsSentToAnotherSite(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/ops?x=1": "/ops?x=1", "": "", "https://evil.example/": "", "//evil.example": "", `/\evil.example`: "",
		"/\tevil": "", "ops": "", "/" + strings.Repeat("x", 3000): "",
	} {
		if got := inside(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func TestTheCookieIsForThisHostAlone(t *testing.T) {
	t.Parallel()
	secure := open(t, func(_ *Config, c *web.Config) { c.URL = "https://help.example" })
	for _, h := range []*house{open(t), secure} {
		w := h.browser().signIn(ana, password, "")
		c := w.Result().Cookies()[0]
		want := map[bool]string{true: "__Host-session", false: "session"}[h == secure]
		if c.Name != want || !c.HttpOnly || c.Secure != (h == secure) ||
			c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %v", c)
		}
	}
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, password, "")
	for _, path := range []string{"/sign-in", "/sign-out", "/account/sign-out", "/account/password"} {
		if w := b.do("POST", path, url.Values{}, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	b.isIn()
}
