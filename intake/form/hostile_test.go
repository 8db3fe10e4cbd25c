package form_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"signpost/store"
)

func TestLinesAreNeverBegunByAField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inject := "x\r\nBcc: victim@example.org\r\n\r\nbody\u2028more"
	for _, field := range []string{"name", "company", "title"} {
		status(t, w.asJSON(with(good(), field, inject)), 201)
	}
	for _, field := range []string{"email", "country"} {
		status(t, w.asJSON(with(good(), field, good().Get(field)+"\r\nBcc: victim@example.org")), 422)
	}
	tickets, err := w.db.TicketsByRequester(t.Context(), "ana@partner.example", 0, 10)
	fatal(t, err)
	if len(tickets) != 3 {
		t.Fatalf("%d tickets, want 3", len(tickets))
	}
	for _, ticket := range tickets {
		for _, text := range []string{ticket.Requester.Name, ticket.Requester.Company, ticket.Title, ticket.Requester.Email} {
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' }) {
				t.Errorf("a control character survived in %q", text)
			}
		}
	}
}

func TestNULAndBrokenUTF8AreCleaned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := good()
	v.Set("name", "A\x00na\xff Ru\u202Eiz")
	v.Set("description", "It broke\x00 at once: \xc3\x28 was shown.\r\nSecond line\tkept.")
	status(t, w.asJSON(v), 201)
	ticket := w.ticket("US-1001")
	body := w.entries(ticket)[0].Body
	if ticket.Requester.Name != "A na\uFFFD Ruiz" || body != "It broke at once: \uFFFD( was shown.\nSecond line\tkept." {
		t.Errorf("name %q, body %q", ticket.Requester.Name, body)
	}
}

func TestNoMarkupGetsThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evil := `"><img src=x onerror=alert(1)><script>alert(2)</script>{{.}}'`
	v := url.Values{}
	for _, field := range []string{"name", "email", "company", "country", "category", "title", "description", "lang", "idempotency_key", "form_token", "website", "sure", "kept"} {
		v.Set(field, evil)
	}
	refused := w.post(v, file{`"><script>alert(3)<`, "%PDF-1.4"}, file{"<b>.exe", "MZ"})
	status(t, refused, 422)
	lacks(t, refused.Body.String(), "<img src=x", "<script>alert", "<b>")

	v = with(with(with(good(), "name", evil), "title", evil), "description", evil+evil)
	status(t, w.asJSON(v, file{`<script>alert(3)<.txt`, "hello"}), 201)
	page := w.get(w.link(w.ticket("US-1001")))
	status(t, page, 200)
	lacks(t, page.Body.String(), "<img src=x", "<script>alert")
	lacks(t, w.get("/?country=%22%3E%3Cscript%3E&lang=%22%3E&x=%22%3E%3Cscript%3Ealert(1)").Body.String(), "<script>alert")
}

func TestFileNamesAreNeverPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("ä", 400) + ".txt"
	names := []string{"../../etc/passwd.txt", `C:\Users\ana\notes.txt`, "..", "/", "a\tb\u202Etxt.exe.txt", long, "CON: <1>.txt", " . "}
	for _, n := range names {
		status(t, w.asJSON(good(), file{n, "hello " + n}), 201)
	}
	tickets, err := w.db.TicketsByRequester(t.Context(), "ana@partner.example", 0, 20)
	fatal(t, err)
	for _, ticket := range tickets {
		for _, f := range w.entries(ticket)[0].Files {
			if f.Name == "" || strings.ContainsAny(f.Name, "/\\\x00:<>\n\t\"") || strings.Trim(f.Name, ".") == "" || len(f.Name) > 150 || !utf8.ValidString(f.Name) || strings.ContainsRune(f.Name, '\u202E') {
				t.Errorf("name %q", f.Name)
			}
		}
	}
	page := w.get(w.proven(tickets[len(tickets)-1])).Body.String()
	contains(t, page, ">passwd.txt<")
}

func TestSizesAndNumbersOfFilesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.posts.MaxFiles, s.posts.MaxFile, s.posts.MaxTotal = 3, 1000, 2500 })
	text := func(n int) string { return strings.Repeat("x", n) }

	tooLarge := w.post(good(), file{"fits.txt", text(1000)}, file{"large.txt", text(1001)})
	status(t, tooLarge, 413)
	contains(t, tooLarge.Body.String(), "“large.txt” is larger than", "The settlement report lacks")
	if kept := hidden(tooLarge.Body.String(), "kept"); len(kept) != 1 {
		t.Errorf("%d files are carried, want the one that fits", len(kept))
	}
	together := w.asJSON(good(), file{"a.txt", text(900)}, file{"b.txt", text(901)}, file{"c.txt", text(902)})
	status(t, together, 413)
	contains(t, together.Body.String(), "c.txt", `"files"`)
	many := w.asJSON(good(), file{"a.txt", "1"}, file{"b.txt", "2"}, file{"c.txt", "3"}, file{"d.txt", "4"})
	status(t, many, 422)
	contains(t, many.Body.String(), "d.txt")
	status(t, w.asJSON(good(), file{"a.txt", "1"}, file{"b.txt", "2"}, file{"c.txt", "3"}), 201)
}

// endless is a body that never ends: a good form whose last file goes on.
type endless struct {
	head io.Reader
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.head.Read(p)
	if err == io.EOF {
		for i := range p {
			p[i] = 'x'
		}
		n = len(p)
	}
	e.read += int64(n)
	return n, nil
}

func TestABodyThatNeverEndsIsCutOffWithTheTextKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.posts.MaxFile, s.posts.MaxTotal = 1<<20, 1<<20 })
	head := strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nEverything that was typed before.\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"endless.txt\"\r\n\r\n")
	body := &endless{head: head}
	page := w.send("POST", "/contact", "multipart/form-data; boundary=b", body)
	status(t, page, 413)
	contains(t, page.Body.String(), "Everything that was typed before.")
	if limit := int64(8 << 20); body.read > limit {
		t.Errorf("%d bytes were read of an endless body, want at most %d", body.read, limit)
	}
}

// stalled is a body whose sender falls silent after its head.
type stalled struct{ head io.Reader }

func (s stalled) Read(p []byte) (int, error) {
	n, err := s.head.Read(p)
	if err == io.EOF {
		err = os.ErrDeadlineExceeded // as the connection's deadline ends it
	}
	return n, err
}

func TestASenderThatFallsSilentGetsItsTextBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contentType, body := multi(good(), file{"half.txt", "half of it"})
	half := strings.NewReader(body.String()[:body.Len()-60])
	page := w.send("POST", "/contact", contentType, stalled{half})
	status(t, page, 408)
	contains(t, page.Body.String(), "The settlement report lacks", "did not arrive in time")
	lacks(t, page.Body.String(), `name="kept"`) // half a file is none
}

func TestBodiesThatAreNoFormAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		contentType, body string
		want              int
	}{
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut off", 400},
		{"multipart/form-data; boundary=b", strings.Repeat("--b\r\n\r\n\r\n", 5000) + "--b--", 400},
		{"multipart/form-data; boundary=b", "--b\r\n" + strings.Repeat("X-A: b\r\n", 20000) + "\r\n--b--", 400},
		{"application/x-www-form-urlencoded", "%zz=%zz&name=%", 422},
		{"application/x-www-form-urlencoded", "description=" + strings.Repeat("x", 2<<20), 413},
		{"", "", 415},
	} {
		if got := w.send("POST", "/contact", c.contentType, strings.NewReader(c.body)); got.Code != c.want {
			t.Errorf("%s %.60q: %d, want %d", c.contentType, c.body, got.Code, c.want)
		}
	}
}

func TestALongDescriptionIsCountedInCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.asJSON(with(good(), "description", strings.Repeat("漢", 20_000))), 201)
	status(t, w.asJSON(with(good(), "description", "\n "+strings.Repeat("漢", 20_000)+" \r\n")), 201)
	page := w.post(with(good(), "description", strings.Repeat("漢", 20_001)))
	status(t, page, 422)
	contains(t, page.Body.String(), strings.Repeat("漢", 20_001), "20001")
	status(t, w.asJSON(with(good(), "description", strings.Repeat("é", 20))), 201)
	status(t, w.asJSON(with(good(), "description", "   "+strings.Repeat("é", 19)+"   ")), 422)
}

// A large file passes through; it is never held. Not parallel: it looks at what
// the whole process allocates.
func TestALargeFileIsNeverWholeInMemory(t *testing.T) {
	w := newWorld(t)
	contentType, body := multi(good(), file{"large.txt", strings.Repeat("a line of a log\n", 19<<20/16)})
	r := httptest.NewRequest("POST", "/contact", body)
	r.Header.Set("Content-Type", contentType)
	out, took := w.measured(r)
	status(t, out, 303)
	if took > 4<<20 {
		t.Errorf("19 MiB of file took %d bytes of memory", took)
	}
}

// measured answers one request and tells how many bytes that allocated.
func (w *world) measured(r *http.Request) (*httptest.ResponseRecorder, uint64) {
	var before, after runtime.MemStats
	out := httptest.NewRecorder()
	runtime.ReadMemStats(&before)
	w.handler.ServeHTTP(out, r)
	runtime.ReadMemStats(&after)
	return out, after.TotalAlloc - before.TotalAlloc
}

func TestTheTicketPageIsForTheHolderOfTheLinkAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good(), file{"notes.txt", "0123456789"}), 303)
	ticket := w.ticket("US-1001")
	page := w.get(w.link(ticket))
	status(t, page, 200)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"} {
		if got := page.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !w.ticket("US-1001").ProvenAt.IsZero() {
		t.Error("looking at the page proved the address; mail scanners look too")
	}

	link := linkOf(t, w.get(w.proven(ticket)).Body.String(), "notes.txt")
	got := w.get(link, "Range", "bytes=2-4")
	status(t, got, 206)
	h := got.Header()
	if got.Body.String() != "234" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%q %v", got.Body, h)
	}
	for _, path := range []string{"/files/1/1/x", "/files/0/0/x", "/files/2/0/x", "/files/1/-1/x", "/files/99999999999/0/x"} {
		status(t, w.get(w.link(ticket)+path), 404)
	}
	forged := w.link(ticket)[:len(w.link(ticket))-1] + "A"
	if forged == w.link(ticket) {
		forged = forged[:len(forged)-1] + "B"
	}
	status(t, w.get(forged), 404)
	status(t, w.get("/t/x"), 404)
	fatal(t, w.db.RevokeLink(t.Context(), ticket.OpenedAt, ticket.Link))
	gone := w.get(w.link(ticket))
	status(t, gone, 410)
	contains(t, gone.Body.String(), "expired", "/contact")
	status(t, w.get(link), 410)
}

func TestAFollowUpProvesTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	ticket := w.ticket("US-1001")
	key := "press-1"
	answer := url.Values{"description": {"Yes."}, "idempotency_key": {key}}
	for range 2 { // pressed twice
		contentType, body := multi(answer, file{"more.txt", "more"})
		sent := w.send("POST", w.link(ticket), contentType, body, "Origin", "null") // as browsers send it from a page that hides its address
		status(t, sent, 303)
	}
	entries := w.entries(ticket)
	if len(entries) != 2 || entries[1].Body != "Yes." || entries[1].Kind != store.EntryMessage || len(entries[1].Files) != 1 {
		t.Errorf("entries %+v", entries)
	}
	if w.ticket("US-1001").ProvenAt.IsZero() {
		t.Error("a follow-up did not prove the address")
	}

	contentType, body := multi(url.Values{"description": {" "}})
	empty := w.send("POST", w.link(ticket), contentType, body)
	status(t, empty, 422)
	contains(t, empty.Body.String(), `id="description-fault"`, "Please write a message", "The settlement report lacks")
	lacks(t, empty.Body.String(), "Did you choose files?")
	contentType, body = multi(url.Values{"description": {"Other words."}, "idempotency_key": {key}})
	other := w.send("POST", w.link(ticket), contentType, body)
	status(t, other, 409)
	contains(t, other.Body.String(), "Other words.", "it is added too")
	contentType, body = multi(url.Values{"description": {"hello"}})
	status(t, w.send("POST", "/t/"+strings.Repeat("A", 43), contentType, body), 404)
}

func TestPostsToTheFormFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contentType, body := multi(good())
	status(t, w.send("POST", "/contact", contentType, body, "Sec-Fetch-Site", "cross-site"), 403)
	status(t, w.send("POST", "/contact", contentType, bytes.NewReader(nil), "Origin", "https://evil.example"), 403)
}
