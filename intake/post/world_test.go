package post_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
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
	"testing"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/ident"
	"signpost/store/lang"
)

// maxNote is how many characters a note may have.
const maxNote = 20_000

// note is a post to the door of these tests: a text and files, as on an agent's desk.
type note struct {
	post.Draft
	Subject, Body string
}

func newNote() *note {
	n := &note{}
	n.Fields = []post.Field{
		{Name: "subject", Label: "mail.subject", Into: &n.Subject},
		{Name: "body", Alias: "text", Into: &n.Body, Kind: post.Text},
	}
	return n
}

// notes is a door without a store: it keeps what it took, by its key.
type notes struct {
	posts *post.Reader

	mu    sync.Mutex
	busy  bool // too many posts
	fault error
	taken []*note
	keys  map[string][32]byte
}

var notePage = template.Must(template.New("note").Parse(`<form>
{{range .Faults}}<p data-at="{{.Field}}">{{.Label}} {{.Text}}</p>{{end}}
<input name="subject" value="{{.Note.Subject}}"><textarea name="body">{{.Note.Body}}</textarea>
<input name="idempotency_key" value="{{.Note.Key}}">
{{range .Files.Kept}}<input name="kept" value="{{.Token}}"> {{.Name}} {{.Size}}{{end}}
{{range .Files.Left}}<li>{{.}}</li>{{end}}{{with .Files.More}}<li>{{.}} more</li>{{end}}</form>`))

func (s *notes) show(x *web.Exchange, status int, n *note) error {
	var page bytes.Buffer
	data := map[string]any{
		"Faults": n.Sentences(x.Lang), "Note": n, "Files": s.posts.FileArea(time.Now(), &n.Draft),
	}
	if err := notePage.Execute(&page, data); err != nil {
		return err
	}
	return x.Bytes(status, "text/html; charset=utf-8", page.Bytes())
}

func (s *notes) post(x *web.Exchange) error {
	n := newNote()
	page := func(status int) error { return s.show(x, status, n) }
	if err := s.posts.Read(x, &n.Draft); err != nil {
		return s.posts.RefuseBody(x, &n.Draft, err, page)
	}
	if n.Switched(x) {
		return page(http.StatusOK)
	}
	n.Limit("subject", n.Subject, 100)
	if n.CheckMessage("body", n.Body, maxNote); n.HasFaults() {
		return n.Refuse(x, page)
	}
	again, err := s.take(n)
	switch {
	case errors.Is(err, errBusy):
		return n.RefuseRate(x, 90*time.Second, page)
	case errors.Is(err, store.ErrConflict):
		return n.RefuseRepeat(x, post.Problem{Key: "form.fault_repeat_message"}, page)
	case err != nil:
		return n.RefuseStore(x, err, page)
	}
	return x.JSON(http.StatusCreated, map[string]bool{"again": again})
}

var errBusy = errors.New("busy")

// take keeps a note, and tells whether its key came before.
func (s *notes) take(n *note) (again bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := n.Fingerprint(n.Subject, n.Body)
	before, again := s.keys[n.Key]
	switch {
	case s.busy:
		return false, errBusy
	case s.fault != nil:
		return false, s.fault
	case again && before != said:
		return true, store.ErrConflict
	case again:
		return true, nil
	}
	if n.Key != "" {
		s.keys[n.Key] = said
	}
	s.taken = append(s.taken, n)
	return false, nil
}

func (s *notes) crowded(x *web.Exchange, status int) error {
	n := newNote()
	s.posts.ReadBeginning(x, &n.Draft)
	return n.Answer(x, status, func(status int) error { return s.show(x, status, n) })
}

// world is the door on a real server and a real blob store.
type world struct {
	*notes
	t       testing.TB
	blobs   *blob.Local
	handler http.Handler
	log     *lockedBuffer
}

// setting changes what a world is made from.
type setting struct {
	cfg  post.Config
	deps post.Deps
	web  web.Config
}

func newWorld(t testing.TB, change ...func(*setting)) *world {
	t.Helper()
	w := &world{t: t, log: &lockedBuffer{}, notes: &notes{keys: make(map[string][32]byte)}}
	var err error
	w.blobs, err = blob.Open(filepath.Join(t.TempDir(), "blobs"))
	fatal(t, err)
	t.Cleanup(func() { fatal(t, w.blobs.Close()) })
	ring, err := ident.New([]byte(strings.Repeat("k", ident.SecretBytes)))
	fatal(t, err)
	s := setting{cfg: post.Defaults(), web: web.Defaults(), deps: post.Deps{Blobs: w.blobs, Signer: ring}}
	for _, c := range change {
		c(&s)
	}
	w.posts, err = post.New(s.cfg, s.deps)
	fatal(t, err)
	langs, err := lang.Load()
	fatal(t, err)
	server, err := web.New(s.web, langs, slog.New(
		slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	fatal(t, err)
	server.Handle(web.Route{
		Method: "POST", Path: "/note", Handler: w.notes.post, Body: w.posts.Pace(), Crowded: w.crowded,
	})
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

// fullBlobs has no room for another file.
type fullBlobs struct{ post.Blobs }

func (fullBlobs) Put(_ context.Context, r io.Reader, _ int64) (store.BlobHash, int64, error) {
	_, _ = io.CopyN(io.Discard, r, 2)
	return "", 0, fmt.Errorf("put blob: %w", store.ErrFull)
}

// file is a file of a test's post.
type file struct{ name, content string }

const typed = "The export has been repaired; see the log."

// good is a post without a fault.
func good() url.Values { return url.Values{"subject": {"Export"}, "body": {typed}} }

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

// part writes one part of a multipart body whose boundary is b.
func part(disposition, content string, head ...string) string {
	head = append([]string{"--b", "Content-Disposition: form-data; " + disposition}, head...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + content + "\r\n"
}

// parts is a whole post without a fault, with other parts before it.
func parts(extra ...string) string {
	body := strings.Join(extra, "")
	for _, field := range []string{"subject", "body"} {
		if !strings.Contains(body, `name="`+field+`"`) {
			body += part(`name="`+field+`"`, good().Get(field))
		}
	}
	return body + "--b--\r\n"
}

// send makes one request.
func (w *world) send(contentType string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest("POST", "/note", body)
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

// page sends a form as a browser does.
func (w *world) page(fields url.Values, files ...file) *httptest.ResponseRecorder {
	contentType, body := multi(fields, files...)
	return w.send(contentType, body)
}

// asJSON sends a form as a script does.
func (w *world) asJSON(fields url.Values, files ...file) *httptest.ResponseRecorder {
	contentType, body := multi(fields, files...)
	return w.send(contentType, body, "Accept", "application/json")
}

func (w *world) raw(contentType, body string) *httptest.ResponseRecorder {
	return w.send(contentType, strings.NewReader(body), "Accept", "application/json")
}

// last is the note that was taken last.
func (w *world) last() *note {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.taken) == 0 {
		w.t.Fatal("no note was taken")
	}
	return w.taken[len(w.taken)-1]
}

// content reads a file back from the blob store.
func (w *world) content(f store.File) string {
	w.t.Helper()
	r, _, err := w.blobs.Open(w.t.Context(), f.Hash)
	fatal(w.t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	fatal(w.t, err)
	return string(text)
}

// hidden reads the values of a page's fields of one name.
func hidden(page, name string) []string {
	var values []string
	for _, m := range regexp.MustCompile(`name="`+name+`" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		values = append(values, m[1])
	}
	return values
}

func status(t testing.TB, got *httptest.ResponseRecorder, want int) {
	t.Helper()
	if got.Code != want {
		t.Fatalf("status %d, want %d:\n%s", got.Code, want, got.Body)
	}
}

func contains(t testing.TB, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func lacks(t testing.TB, text string, unwanted ...string) {
	t.Helper()
	for _, u := range unwanted {
		if strings.Contains(text, u) {
			t.Errorf("%q stands in\n%s", u, text)
		}
	}
}
