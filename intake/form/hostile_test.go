package form_test

import (
	"bytes"
	"net/url"
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
	tickets, err := store.Items(w.db.TicketsByRequester(t.Context(), store.ByService(), store.ActReadTicket,
		"ana@partner.example", store.Page{Limit: 10}))
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
	for _, field := range []string{
		"name", "email", "company", "country", "category", "title", "description", "lang", "idempotency_key", "form_token",
		"website", "sure", "kept",
	} {
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
	names := []string{
		"../../etc/passwd.txt", `C:\Users\ana\notes.txt`, "..", "/", "a\tb\u202Etxt.exe.txt", long, "CON: <1>.txt", " . ",
	}
	for _, n := range names {
		status(t, w.asJSON(good(), file{n, "hello " + n}), 201)
	}
	tickets, err := store.Items(w.db.TicketsByRequester(t.Context(), store.ByService(), store.ActReadTicket,
		"ana@partner.example", store.Page{Limit: 20}))
	fatal(t, err)
	for _, ticket := range tickets {
		for _, f := range w.entries(ticket)[0].Files {
			if strings.Trim(f.Name, ".") == "" || len(f.Name) > 150 || !utf8.ValidString(f.Name) ||
				strings.ContainsAny(f.Name, "/\\\x00:<>\n\t\"\u202E") {
				t.Errorf("name %q", f.Name)
			}
		}
	}
	page := w.get(w.proven(tickets[len(tickets)-1])).Body.String()
	contains(t, page, ">passwd.txt<")
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

func TestTheTicketPageIsForTheHolderOfTheLinkAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good(), file{"notes.txt", "0123456789"}), 303)
	ticket := w.ticket("US-1001")
	page := w.get(w.link(ticket))
	status(t, page, 200)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
	} {
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
	if got.Body.String() != "234" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%q %v", got.Body, h)
	}
	for _, path := range []string{
		"/files/1/1/x", "/files/0/0/x", "/files/2/0/x", "/files/1/-1/x", "/files/99999999999/0/x",
	} {
		status(t, w.get(w.link(ticket)+path), 404)
	}
	forged := w.link(ticket)[:len(w.link(ticket))-1] + "A"
	if forged == w.link(ticket) {
		forged = forged[:len(forged)-1] + "B"
	}
	status(t, w.get(forged), 404)
	status(t, w.get("/t/x"), 404)
	fatal(t, w.db.RevokeLink(t.Context(), ticket.OpenedAt, store.ByPartner(ticket.Link), ticket.Link))
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
		// Browsers name no origin from a page that hides its address.
		sent := w.send("POST", w.link(ticket), contentType, body, "Origin", "null")
		status(t, sent, 303)
	}
	entries := w.entries(ticket)
	if len(entries) != 2 || entries[1].Body != "Yes." || entries[1].Kind != store.EntryMessage ||
		len(entries[1].Files) != 1 {
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
