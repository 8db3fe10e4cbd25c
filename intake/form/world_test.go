package form_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signpost/intake/form"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/verbs"
)

// world is the form on a real store and a real blob store.
type world struct {
	t       testing.TB
	db      *verbs.Store
	blobs   *blob.Local
	ring    *ident.Ring
	handler http.Handler
	log     *lockedBuffer
	kicked  *atomic.Int64
	cookies []*http.Cookie
}

// setting changes what a world is made from.
type setting struct {
	cfg   form.Config
	deps  form.Deps
	posts post.Config
	files post.Deps
	web   web.Config
}

func regions() []store.Region {
	return []store.Region{
		{ID: "us", Prefix: "US", Address: "partner-us.support@example.com", Name: "Support US", Countries: []string{"US"},
			Languages: []string{"en", "es"}, Zone: "America/New_York", Hours: "Mon-Fri 09:00-18:00",
			FirstResponse: 24 * time.Hour},
		{ID: "intl", Prefix: "INT", Address: "partner.support@example.com", Name: "Support",
			Languages: []string{"en"}, Zone: "Europe/London", Hours: "Mon-Fri 09:00-12:30,13:30-18:00",
			FirstResponse: 24 * time.Hour},
	}
}

func newWorld(t testing.TB, change ...func(*setting)) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, log: &lockedBuffer{}, kicked: &atomic.Int64{}}
	var err error
	w.db, err = datafile.Open(filepath.Join(dir, "db"), datafile.Options{})
	fatal(t, err)
	w.blobs, err = blob.Open(filepath.Join(dir, "blobs"))
	fatal(t, err)
	t.Cleanup(func() {
		if err := w.db.Check(context.Background()); err != nil {
			t.Errorf("the store is no longer sound: %v", err)
		}
		fatal(t, w.db.Close())
		fatal(t, w.blobs.Close())
	})
	w.ring, err = ident.New([]byte(strings.Repeat("k", ident.SecretBytes)))
	fatal(t, err)
	s := setting{cfg: form.Defaults(), web: web.Defaults(), posts: post.Defaults(), deps: form.Deps{
		Tickets: w.db, Blobs: w.blobs, Ring: w.ring, Regions: regions(),
		Promise: func(_ string, at time.Time) (store.Promise, error) {
			return store.Promise{
				FirstResponseBy: store.Instant(at.Add(24 * time.Hour)), ResolutionBy: store.Instant(at.Add(48 * time.Hour)),
			}, nil
		},
		Kick: func() { w.kicked.Add(1) },
	}}
	s.files = post.Deps{Blobs: w.blobs, Signer: w.ring}
	for _, c := range change {
		c(&s)
	}
	s.deps.Posts, err = post.New(s.posts, s.files)
	fatal(t, err)
	langs, err := lang.Load()
	fatal(t, err)
	server, err := web.New(s.web, langs, slog.New(
		slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	fatal(t, err)
	f, err := form.New(s.cfg, s.deps)
	fatal(t, err)
	fatal(t, f.Mount(server))
	w.handler = server.Handler()
	return w
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// file is an attachment of a test's post.
type file struct{ name, content string }

// good is a post without a fault.
func good() url.Values {
	return url.Values{
		"name": {"Ana Ruiz"}, "email": {"ana@partner.example"}, "country": {"US"}, "company": {"Ruiz & Co"},
		"title": {"Settlement"}, "description": {"The settlement report lacks every order since Saturday."},
	}
}

func with(v url.Values, name, value string) url.Values {
	v.Set(name, value)
	return v
}

// multi writes a form as a browser does.
func multi(fields url.Values, files ...file) (contentType string, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	m := multipart.NewWriter(body)
	for name, values := range fields {
		for _, v := range values {
			_ = m.WriteField(name, v)
		}
	}
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="files"; filename="%s"`, f.name))
		h.Set("Content-Type", "application/octet-stream")
		part, _ := m.CreatePart(h)
		_, _ = io.WriteString(part, f.content)
	}
	_ = m.Close()
	return m.FormDataContentType(), body
}

// send makes one request and keeps the cookies, as a browser does.
func (w *world) send(method, target, contentType string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, target, body)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range w.cookies {
		if strings.HasPrefix(target, c.Path) {
			r.AddCookie(c)
		}
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	w.cookies = append(w.cookies, out.Result().Cookies()...)
	return out
}

func (w *world) get(target string, header ...string) *httptest.ResponseRecorder {
	return w.send("GET", target, "", nil, header...)
}

// post sends the contact form.
func (w *world) post(fields url.Values, files ...file) *httptest.ResponseRecorder {
	contentType, body := multi(fields, files...)
	return w.send("POST", "/contact", contentType, body)
}

// asJSON sends the contact form as a script does.
func (w *world) asJSON(fields url.Values, files ...file) *httptest.ResponseRecorder {
	contentType, body := multi(fields, files...)
	return w.send("POST", "/contact", contentType, body, "Accept", "application/json")
}

// ticket is the one with this number.
func (w *world) ticket(number string) store.Ticket {
	w.t.Helper()
	ticket, err := w.db.TicketByNumber(w.t.Context(), store.ByService(), store.ActReadTicket, number)
	fatal(w.t, err)
	return ticket
}

func (w *world) entries(ticket store.Ticket) []store.Entry {
	w.t.Helper()
	entries, err := store.Items(w.db.Entries(w.t.Context(), ticket.ID, 0, store.Page{Limit: 100}))
	fatal(w.t, err)
	return entries
}

// link is the path of a ticket's page, as its confirmation will name it.
func (w *world) link(ticket store.Ticket) string { return "/t/" + w.ring.LinkToken(ticket.Link) }

// proven is link, after the reader has said there that the request is theirs.
func (w *world) proven(ticket store.Ticket) string {
	w.t.Helper()
	if got := w.send("POST", w.link(ticket)+"/mine", "", nil, "Origin", "null"); got.Code != 303 ||
		got.Header().Get("Location") != w.link(ticket) {
		w.t.Fatalf("POST mine: %d %s", got.Code, got.Body)
	}
	return w.link(ticket)
}

// hidden reads the values of a page's fields of one name.
func hidden(page, name string) []string {
	var values []string
	for _, m := range regexp.MustCompile(`name="`+name+`" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		values = append(values, m[1])
	}
	return values
}

func status(t *testing.T, got *httptest.ResponseRecorder, want int) {
	t.Helper()
	if got.Code != want {
		t.Fatalf("status %d, want %d:\n%s", got.Code, want, got.Body)
	}
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func lacks(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, u := range unwanted {
		if strings.Contains(text, u) {
			t.Errorf("%q stands in\n%s", u, text)
		}
	}
}
