package desk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/intake/desk"
	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/engine/memory"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/markdown"
	"signpost/store/verbs"
)

// namedDoor lets in whom the request names; who is kept out is the door's own story.
type namedDoor struct{ staff map[string]store.Agent }

func (d namedDoor) Require(role store.Role, h staff.Handler) web.Handler {
	return func(x *web.Exchange) error {
		who, ok := d.staff[x.Request.Header.Get("Who")]
		if !ok || !who.Has(role) {
			return store.ErrForbidden
		}
		x.Private()
		x.Staff(who, "")
		return h(x, who)
	}
}

// world is the desk over real verbs: Ana answers everywhere, Lee sees the United States
// alone.
type world struct {
	testing.TB
	db     *verbs.Store
	blobs  *blob.Local
	server *web.Server
	door   namedDoor
	kicked int
	links  byte
	broken error // what the verbs of writing fail with
}

var regions = []store.Region{
	{ID: "us", Prefix: "US", Name: "Support US", Address: "us@desk.example", Zone: "America/New_York"},
	{ID: "intl", Prefix: "INT", Name: "Support", Address: "intl@desk.example", Zone: "Europe/London"},
}

func newWorld(t testing.TB, undo time.Duration, change ...func(*store.Region)) *world {
	t.Helper()
	regions := slices.Clone(regions)
	for i := range regions {
		for _, c := range change {
			c(&regions[i])
		}
	}
	engine, err := memory.Open(verbs.Layouts(), memory.Options{})
	fatal(t, err)
	db, err := verbs.Open(engine, verbs.Options{})
	fatal(t, err)
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	fatal(t, err)
	langs, err := lang.Load()
	fatal(t, err)
	server, err := web.New(web.Defaults(), langs, slog.New(slog.DiscardHandler))
	fatal(t, err)
	ring, err := ident.New(make([]byte, 32))
	fatal(t, err)
	posts, err := post.New(post.Defaults(), post.Deps{Blobs: blobs, Signer: ring})
	fatal(t, err)
	w := &world{TB: t, db: db, blobs: blobs, server: server, door: namedDoor{map[string]store.Agent{}}}
	t.Cleanup(func() {
		if err := db.Check(context.Background()); err != nil {
			t.Errorf("the store contradicts itself: %v", err)
		}
		_ = db.Close()
		_ = blobs.Close()
	})
	w.hire("ana", store.NewAgent{Name: "Ana", Roles: []store.Role{store.RoleAgent}})
	w.hire("lee", store.NewAgent{Name: "Lee", Roles: []store.Role{store.RoleAgent}, Regions: []string{"us"}})
	room, err := desk.New(desk.Deps{
		Store: breakable{db, w}, Blobs: blobs, Door: w.door, Posts: posts, Ring: ring, English: langs.Langs()[0],
		Regions: regions, Categories: []string{"Orders", "Other"}, LinkKept: time.Hour, Undo: &undo,
		Kick: func() { w.kicked++ },
		Why:  roundTheClock, Words: markdown.NewCache(1 << 20),
		Preview: func(_ context.Context, o store.Outbound, e store.Entry, earlier []store.Entry) (desk.Mail, error) {
			return desk.Mail{From: o.From, To: o.To, Subject: "[" + o.Number + "]", Text: e.Body, HTML: "<p>Hello</p>"}, nil
		},
	})
	fatal(t, err)
	fatal(t, room.Mount(server))
	return w
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) hire(name string, n store.NewAgent) {
	w.Helper()
	n.Email = name + "@desk.example"
	who, err := w.db.AddAgent(w.Context(), time.Now(), store.ByService(), n)
	fatal(w, err)
	w.door.staff[name] = who
}

// opens writes a ticket as the form does.
func (w *world) opens(region int, title, body string) store.Ticket {
	w.Helper()
	w.links++
	now := store.Instant(time.Now())
	opened, err := w.db.OpenTicket(w.Context(), now, store.NewTicket{
		Region: regions[region], Channel: store.ChannelForm, Title: title, Body: body,
		Requester: store.Contact{Name: "Pia Partner", Email: "pia@acme.example", Company: "Acme", Lang: "en"},
		Promise:   store.Promise{FirstResponseBy: now.Add(time.Hour), ResolutionBy: now.Add(48 * time.Hour)},
		Link:      store.LinkID{w.links}, LinkExpires: now.Add(time.Hour),
		MessageID: string('a'+rune(w.links)) + "@desk.example",
	})
	fatal(w, err)
	return opened.Ticket
}

// ask sends a request as one of the staff; form nil asks for a page.
func (w *world) ask(who, method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Who", who)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(answer, r)
	return answer
}

// json is ask for a program; the status must be the one wanted.
func (w *world) json(who, method, path string, form url.Values, status int) map[string]any {
	w.Helper()
	got := w.ask(who, method, path, form, "Accept", "application/json")
	if got.Code != status {
		w.Fatalf("%s %s: %d, want %d\n%s", method, path, got.Code, status, got.Body)
	}
	var answer map[string]any
	fatal(w, json.Unmarshal(got.Body.Bytes(), &answer))
	return answer
}

// page is a page that must be there, as it reads.
func (w *world) page(who, path string) string {
	w.Helper()
	got := w.ask(who, "GET", path, nil)
	if got.Code != http.StatusOK {
		w.Fatalf("GET %s: %d\n%s", path, got.Code, got.Body)
	}
	return strings.ReplaceAll(got.Body.String(), "\u00a0", " ")
}

// upload posts a form with files.
func (w *world) upload(who, path string, fields map[string]string, files map[string]string) *httptest.ResponseRecorder {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		fatal(w, form.WriteField(name, value))
	}
	for name, content := range files {
		part, err := form.CreateFormFile("files", name)
		fatal(w, err)
		_, err = part.Write([]byte(content))
		fatal(w, err)
	}
	fatal(w, form.Close())
	r := httptest.NewRequest("POST", path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Who", who)
	answer := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(answer, r)
	return answer
}

func has(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%.300s", part, text)
		}
	}
}

func lacks(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q stands in:\n%.300s", part, text)
		}
	}
}
