package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"signpost/intake/web"
	"signpost/store"
)

// staffRoom is a room with a staff page and a navigation of two sections.
func staffRoom(t *testing.T, who store.Agent, counts map[string]web.Count, fault error) *web.Server {
	t.Helper()
	s, _ := testRoom(t, web.Defaults())
	set := s.Pages(fstest.MapFS{
		"templates/desk.html": {Data: []byte(`{{define "title"}}Desk{{end}}{{define "main"}}<h1>{{.D.Text}}</h1>{{end}}`)},
	}).Keys(web.Key{Press: "r", Name: "Reply", Group: "Ticket", Act: "reply"})
	desk := web.DeclareStaff[noteData](set, "desk.html")
	if err := set.Ready(); err != nil {
		t.Fatal(err)
	}
	has := func(role store.Role) func(store.Agent) bool {
		return func(who store.Agent) bool { return who.Has(role) }
	}
	s.Navigation(web.Section{ID: "desk", Name: "Tickets", Sees: has(store.RoleAgent),
		Items:  []web.Item{{ID: "mine", Name: "My work", Icon: "inbox", Path: "/desk", Key: "m"}},
		Counts: func(context.Context, store.Agent) (map[string]web.Count, error) { return counts, fault }})
	s.Navigation(web.Section{ID: "ops", Name: "Operations", Sees: has(store.RoleOps),
		Items: []web.Item{{ID: "today", Name: "Today", Icon: "chart", Path: "/ops"}}})
	s.Handle(web.Route{Method: "GET", Path: "/desk", Handler: func(x *web.Exchange) error {
		x.Staff(who, "mine", "desk", "ticket/US-1")
		return desk.Show(x, http.StatusOK, noteData{Text: "<Work>"})
	}})
	s.Handle(web.Route{Method: "GET", Path: "/stranger", Handler: func(x *web.Exchange) error {
		return desk.Show(x, http.StatusOK, noteData{})
	}})
	s.Handle(web.Route{Method: "GET", Path: "/gone", Handler: func(x *web.Exchange) error {
		x.Staff(who, "mine")
		return store.ErrNotFound
	}})
	return s
}

func get(s *web.Server, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func has(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not have %s", part)
		}
	}
}

// Who signed in sees the sections of their roles, where they are, what waits there,
// and finds each item and each key of the room in the one table of keys.
func TestTheShellShowsWhatItsReaderMayOpen(t *testing.T) {
	t.Parallel()
	ana := store.Agent{ID: 1, Name: "Ana María López", Email: "ana@example.com", Roles: []store.Role{store.RoleAgent}}
	counts := map[string]web.Count{"mine": {N: 1001, Words: "open tickets", Tone: "red"}}
	page := get(staffRoom(t, ana, counts, nil), "/desk").Body.String()
	has(t, page, "<h1>&lt;Work&gt;</h1>", `<a href="/desk" aria-current="page"`, "1,000&#43;", "open tickets", ">AL<",
		`data-topics="desk ticket/US-1"`, `data-press="g m" data-act-of="" data-go="/desk"`,
		`data-press="r" data-act-of="reply"`, `data-density="compact"`, `data-side="wide"`)
	if strings.Contains(page, "Operations") {
		t.Error("an agent sees the navigation of ops")
	}
	if !regexp.MustCompile(`data-events="[a-z0-9]+-0"`).MatchString(page) {
		t.Error("the page does not say up to which event it is right")
	}
	both := store.Agent{ID: 2, Email: "ops@example.com", Roles: []store.Role{store.RoleOps, store.RoleAgent}}
	has(t, get(staffRoom(t, both, nil, nil), "/desk").Body.String(), "Operations", "My work", ">O<")
}

// A count that cannot be read takes nothing else away.
func TestTheShellStandsWithoutItsCounts(t *testing.T) {
	t.Parallel()
	ana := store.Agent{ID: 1, Email: "ana@example.com", Roles: []store.Role{store.RoleAgent}}
	w := get(staffRoom(t, ana, nil, errors.New("no room")), "/desk")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "My work") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// An error meets who signed in within the shell, with its way back.
func TestErrorsOfStaffStandInTheShell(t *testing.T) {
	t.Parallel()
	ana := store.Agent{ID: 1, Email: "ana@example.com", Roles: []store.Role{store.RoleAgent}}
	s := staffRoom(t, ana, nil, nil)
	if w := get(s, "/gone"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "My work") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := get(s, "/stranger")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "My work") {
		t.Errorf("a page of the shell without a reader: %d", w.Code)
	}
}

// How the shell looks is the reader's choice, kept, from short lists.
func TestTheShellIsAsItsReaderChose(t *testing.T) {
	t.Parallel()
	ana := store.Agent{ID: 1, Email: "ana@example.com", Roles: []store.Role{store.RoleAgent}}
	s := staffRoom(t, ana, nil, nil)
	w := get(s, "/desk?density=comfortable&side=narrow")
	has(t, w.Body.String(), `data-density="comfortable"`, `data-side="narrow"`)
	var kept []string
	for _, c := range w.Result().Cookies() {
		kept = append(kept, c.Name+"="+c.Value)
	}
	has(t, get(s, "/desk", "Cookie", strings.Join(kept, "; ")).Body.String(),
		`data-density="comfortable"`, `data-side="narrow"`)
	w = get(s, `/desk?density="><b>&side=x`, "Cookie", "density=huge")
	has(t, w.Body.String(), `data-density="compact"`, `data-side="wide"`)
	if cookies := w.Result().Cookies(); len(cookies) != 0 {
		t.Errorf("what is no choice is kept: %v", cookies)
	}
}

// A profile that turns single keys off turns them off on every page of the shell.
func TestTheShellObeysTheKeysOfTheProfile(t *testing.T) {
	t.Parallel()
	ana := store.Agent{ID: 1, Email: "ana@example.com", Roles: []store.Role{store.RoleAgent}}
	page := get(staffRoom(t, ana, nil, nil), "/desk").Body.String()
	has(t, page, `id="keys-on"`)
	if strings.Contains(page, "data-keys") {
		t.Error("single keys are off without a word of the profile")
	}
	ana.Profile.KeysOff = true
	for _, path := range []string{"/desk", "/gone"} {
		page := get(staffRoom(t, ana, nil, nil), path).Body.String()
		has(t, page, ` data-keys="off"`, "Single keys are turned off in")
		if strings.Contains(page, `id="keys-on"`) {
			t.Errorf("%s offers to turn them on in this browser", path)
		}
	}
}

// Keys are told as a person reads them.
func TestKeysAreNamed(t *testing.T) {
	t.Parallel()
	for press, want := range map[string]string{
		"j | ArrowDown": "j|↓", "Control+k": "Ctrl+K", "g t": "g t", "A": "Shift+A", "Control+Enter": "Ctrl+Enter",
		"Control+Shift+Enter": "Ctrl+Shift+Enter", "?": "?", "Escape": "Esc", "* a": "* a", "+": "+",
	} {
		var all []string
		for _, sequence := range (web.Key{Press: press}).Presses() {
			all = append(all, strings.Join(sequence, " "))
		}
		if got := strings.Join(all, "|"); got != want {
			t.Errorf("%q reads %q, not %q", press, got, want)
		}
	}
}

// A person is told by the first and the last of their names.
func TestInitials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ana María López": "AL", "ada": "A", "": "M", "Jean-Luc": "JL", "  ": "M", "李 明": "李明", "é z": "ÉZ",
	} {
		if got := web.Initials(name, "mail@example.com"); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}
