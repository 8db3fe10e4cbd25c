package form_test

import (
	"encoding/json"
	"html"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

func TestAPartnerSendsTwoFilesAndReadsTheirNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	picture := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\xff", 5000)
	sent := w.post(good(), file{"screen.png", picture}, file{"import.log", "line 1\r\nline 2\n"})
	status(t, sent, 303)

	received := w.get(sent.Header().Get("Location"))
	status(t, received, 200)
	contains(t, received.Body.String(), "US-1001", "partner-us.support@example.com", "ana@partner.example",
		"(UTC−0", "New York")
	shared := httptest.NewRecorder() // the same address in another browser
	w.handler.ServeHTTP(shared, httptest.NewRequest("GET", sent.Header().Get("Location"), nil))
	lacks(t, shared.Body.String(), "ana@partner.example", "/t/")

	ticket := w.ticket("US-1001")
	want := store.Contact{Name: "Ana Ruiz", Email: "ana@partner.example", Company: "Ruiz & Co", Country: "US", Lang: "en"}
	if diff := cmp.Diff(want, ticket.Requester); diff != "" {
		t.Errorf("requester (-want +got):\n%s", diff)
	}
	if ticket.Region != "us" || ticket.Channel != store.ChannelForm || ticket.Title != "Settlement" ||
		!ticket.ProvenAt.IsZero() {
		t.Errorf("%+v", ticket)
	}
	mails, err := store.Items(w.db.OutboundsOfTicket(t.Context(), ticket.ID, store.Page{Limit: 10}))
	if err != nil || len(mails) != 1 || mails[0].To != "ana@partner.example" ||
		mails[0].From != "partner-us.support@example.com" || w.kicked.Load() != 1 {
		t.Errorf("%d kicks, %v, mails %+v", w.kicked.Load(), err, mails)
	}

	page := w.get(w.proven(ticket)).Body.String()
	for name, content := range map[string]string{"screen.png": picture, "import.log": "line 1\r\nline 2\n"} {
		got := w.get(linkOf(t, page, name))
		if got.Code != 200 || got.Body.String() != content {
			t.Errorf("%s: %d, %d bytes of %d", name, got.Code, got.Body.Len(), len(content))
		}
	}
}

// linkOf finds the download link of a file on a ticket page.
func linkOf(t *testing.T, page, name string) string {
	t.Helper()
	for _, piece := range strings.Split(page, `<a href="`)[1:] {
		link, _, _ := strings.Cut(piece, `"`)
		if strings.HasSuffix(html.UnescapeString(link), "/"+url.PathEscape(name)) {
			return html.UnescapeString(link)
		}
	}
	t.Fatalf("no link to %q in\n%s", name, page)
	return ""
}

func TestAScriptGetsTheAgreedJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.asJSON(with(good(), "country", "ES"))
	status(t, created, 201)
	var receipt map[string]any
	fatal(t, json.Unmarshal(created.Body.Bytes(), &receipt))
	promise, _ := receipt["promise"].(map[string]any)
	for _, name := range []string{"first_response_by", "resolution_by"} {
		if _, err := time.Parse(time.RFC3339, promise[name].(string)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	delete(receipt, "promise")
	want := map[string]any{"number": "INT-1001", "region": "intl", "from": "partner.support@example.com"}
	if diff := cmp.Diff(want, receipt); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}

	refused := w.asJSON(url.Values{"email": {"ana"}, "description": {"too short"}})
	status(t, refused, 422)
	var faults struct {
		Errors map[string]string `json:"errors"`
	}
	fatal(t, json.Unmarshal(refused.Body.Bytes(), &faults))
	for _, field := range []string{"name", "email", "country", "description"} {
		if sentence := faults.Errors[field]; !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "form.") {
			t.Errorf("%s: %q is no sentence", field, sentence)
		}
	}
	if len(faults.Errors) != 4 {
		t.Errorf("faults %v, want those of four fields", faults.Errors)
	}

	encoded := w.send("POST", "/contact", "application/x-www-form-urlencoded", strings.NewReader(good().Encode()),
		"Accept", "application/json")
	status(t, encoded, 201)
	status(t, w.send("POST", "/contact", "text/plain", strings.NewReader("hello"), "Accept", "application/json"), 415)
}

func TestARefusedFormComesBackWithEverythingInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := url.Values{
		"name": {strings.Repeat("N", 10_000)}, "email": {"ana@@partner.example"}, "company": {"Ruiz <b>"}, "country": {"ZZ"},
		"title": {"T"}, "description": {"short"}, "lang": {"es"},
	}
	page := w.post(bad, file{"notes.txt", "kept all the same"})
	status(t, page, 422)
	text := page.Body.String()
	for _, id := range []string{"name", "email", "country", "description"} {
		contains(t, text, `id="`+id+`-fault"`, `aria-describedby="`, `href="#`+id+`"`)
	}
	contains(t, text, strings.Repeat("N", 10_000), "ana@@partner.example", "Ruiz &lt;b&gt;",
		">\nshort</textarea>", "notes.txt", `lang="es"`, "Hay algo que revisar")

	kept := hidden(text, "kept")
	if len(kept) != 1 {
		t.Fatalf("%d files are carried, want 1:\n%s", len(kept), text)
	}
	mended := good()
	mended.Set("kept", kept[0])
	mended.Set("idempotency_key", hidden(text, "idempotency_key")[0])
	status(t, w.post(mended), 303)
	files := w.entries(w.ticket("US-1001"))[0].Files
	if len(files) != 1 || files[0].Name != "notes.txt" || files[0].Size != int64(len("kept all the same")) {
		t.Errorf("files %+v", files)
	}
}

func TestACarriedFileIsBelievedOnlyWithOurSignatureAndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		page := w.post(with(good(), "description", "short"), file{"notes.txt", "kept"}).Body.String()
		token := hidden(page, "kept")[0]

		forged := with(good(), "kept", token[:len(token)-2]+"xx")
		status(t, w.post(forged), 303)
		if files := w.entries(w.ticket("US-1001"))[0].Files; len(files) != 0 {
			t.Errorf("a forged reference attached %+v", files)
		}

		time.Sleep(13 * time.Hour)
		late := w.post(with(good(), "kept", token))
		status(t, late, 422)
		contains(t, late.Body.String(), "notes.txt", "waiting too long")
	})
}

func TestSendingTwiceOpensOneTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.get("/contact").Body.String()
	key := hidden(page, "idempotency_key")[0]
	first := w.asJSON(with(good(), "idempotency_key", key))
	status(t, first, 201)
	again := w.asJSON(with(good(), "idempotency_key", key))
	status(t, again, 201)
	contains(t, again.Body.String(), "US-1001")

	changed := with(with(good(), "idempotency_key", key), "description", "Something else entirely is wrong as well.")
	conflict := w.post(changed)
	status(t, conflict, 409)
	contains(t, conflict.Body.String(), "US-1001", "Something else entirely is wrong as well.")
	fresh := hidden(conflict.Body.String(), "idempotency_key")[0]
	if fresh == key || fresh == "" {
		t.Fatalf("the form carries no fresh key but %q", fresh)
	}
	status(t, w.post(with(changed, "idempotency_key", fresh)), 303)
	if got := w.entries(w.ticket("US-1002"))[0].Body; got != "Something else entirely is wrong as well." {
		t.Errorf("the second ticket says %q", got)
	}
}

func TestWhatCannotBeSavedStaysInTheForm(t *testing.T) {
	t.Parallel()
	full := newWorld(t, func(s *setting) { s.deps.Tickets = fullDisk{s.deps.Tickets} })
	page := full.post(good(), file{"notes.txt", "kept"})
	status(t, page, 503)
	contains(t, page.Body.String(), "The settlement report lacks", "notes.txt", "cannot save anything")
	if page.Header().Get("Retry-After") == "" || full.kicked.Load() != 0 {
		t.Errorf("Retry-After %q, %d kicks", page.Header().Get("Retry-After"), full.kicked.Load())
	}
	status(t, full.asJSON(good()), 503)

	noRoom := newWorld(t, func(s *setting) { s.files.Blobs = fullBlobs{s.files.Blobs} })
	page = noRoom.post(good(), file{"notes.txt", "lost"})
	status(t, page, 503)
	contains(t, page.Body.String(), "The settlement report lacks", "<bdi>notes.txt</bdi>")
}

func TestTooManyPostsWaitWithTheirTextKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.PostsPerNetwork = 2 })
	status(t, w.post(good()), 303)
	status(t, w.post(good()), 303)
	page := w.post(good())
	status(t, page, 429)
	contains(t, page.Body.String(), "The settlement report lacks", "minutes")
	if page.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}

	oneAddress := newWorld(t, func(s *setting) { s.cfg.PostsPerAddress = 1 })
	status(t, oneAddress.asJSON(good()), 201)
	status(t, oneAddress.asJSON(with(good(), "email", "Ana+other@Partner.example")), 429)
	status(t, oneAddress.asJSON(with(good(), "email", "bo@partner.example")), 201)
}

func TestASuppressedConfirmationIsAdmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.ConfirmationsPerAddressDay = 1 })
	first := w.get(w.post(good()).Header().Get("Location")).Body.String()
	lacks(t, first, "did not send a confirmation")
	second := w.get(w.post(good()).Header().Get("Location")).Body.String()
	contains(t, second, "We did not send a confirmation", "US-1002")
}

func TestMachinesAreToldFromPeople(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		page := w.get("/contact").Body.String()
		filled := with(good(), "form_token", hidden(page, "form_token")[0])

		quick := w.post(filled)
		status(t, quick, 422)
		contains(t, quick.Body.String(), "very fast", "The settlement report lacks")

		time.Sleep(4 * time.Second)
		trapped := w.post(with(with(good(), "form_token", hidden(page, "form_token")[0]), "website", "https://spam.example"))
		status(t, trapped, 422)
		lacks(t, trapped.Body.String(), "spam.example") // a person whose browser filled it in presses again
		status(t, w.post(filled), 303)

		time.Sleep(10 * 24 * time.Hour)
		old := w.post(filled)
		status(t, old, 422)
		if fresh := hidden(old.Body.String(), "form_token")[0]; fresh == filled.Get("form_token") {
			t.Error("a form too old comes back with its old token")
		}
	})
}

func TestWorkIsAskedWhereTheSwitchIsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.ProofOfWork = 8 })
	page := w.get("/contact").Body.String()
	_, after, ok := strings.Cut(page, `data-challenge="`)
	challenge, _, _ := strings.Cut(after, `"`)
	if !ok {
		t.Fatalf("no challenge in\n%s", page)
	}
	status(t, w.post(good()), 422)
	status(t, w.post(with(good(), "work", solve(challenge))), 303)
}

func TestAMisspelledAddressIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := w.post(with(good(), "email", "ana@gmial.com"))
	status(t, asked, 422)
	contains(t, asked.Body.String(), `data-fix="ana@gmail.com"`, "Did you mean")
	sure := with(with(good(), "email", "ana@gmial.com"), "sure", hidden(asked.Body.String(), "sure")[0])
	status(t, w.post(sure), 303)
	if got := w.ticket("US-1001").Requester.Email; got != "ana@gmial.com" {
		t.Errorf("the address became %q", got)
	}
	status(t, w.asJSON(with(good(), "email", "bo@gmial.com")), 201) // a script cannot be asked back
}

func TestTheCountryDecidesTheRegionAndIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contains(t, w.get("/", "Accept-Language", "en-US").Body.String(), "Support for United States partners",
		"partner-us.support@example.com")
	contains(t, w.get("/?country=ID").Body.String(), "Support for Indonesia partners",
		"partner.support@example.com", "London")
	contains(t, w.get("/").Body.String(), "Indonesia partners") // the choice of before
	status(t, w.asJSON(with(good(), "country", "id")), 201)
	if got := w.ticket("INT-1001").Requester.Country; got != "ID" {
		t.Errorf("country %q", got)
	}
}

func TestTheLogHoldsNoTextAddressOrLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := w.post(good()).Header().Get("Location")
	w.get(received)
	ticket := w.ticket("US-1001")
	w.get(w.link(ticket))
	w.get(w.link(ticket) + "x")
	w.get("/t/nonsense?lang=es")
	log := w.log.String()
	lacks(t, log, "settlement report", "ana@", "Ana Ruiz", w.ring.LinkToken(ticket.Link),
		strings.TrimPrefix(received, "/contact/received/"), "192.0.2.1")
	contains(t, log, "ticket=US-1001", "route=/t/:token", "confirmation=queued")
}

// A program that writes on a ticket's page calls its message the body.
func TestAMessageIsTakenByTheNameOfBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.asJSON(good()), 201)
	ticket := w.ticket("US-1001")
	for _, body := range []string{
		part(`name="body"`, "Gr\xf6\xdfe", "Content-Type: text/plain; charset=latin1") + "--b--\r\n",
		part(`name="_charset_"`, "windows-1252") + part(`name="body"`, "Gr\xf6\xdfe") + "--b--\r\n",
		part(`name="_charset_"`, "windows-1251") +
			part(`name="body"`, "Gr\xf6\xdfe", "Content-Type: text/plain; charset=latin1") + "--b--\r\n",
	} {
		got := w.send("POST", w.link(ticket), "multipart/form-data; boundary=b", strings.NewReader(body),
			"Accept", "application/json", "Origin", "null")
		status(t, got, 201)
		if entries := w.entries(ticket); entries[len(entries)-1].Body != "Größe" {
			t.Errorf("the message became %q", entries[len(entries)-1].Body)
		}
	}
}

// The store holds valid UTF-8 without NUL: a key that is none is refused at its field,
// since a key that was changed would fold other posts than its sender means.
func TestAKeyThatCannotBeStoredIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a\x00b", "\xff\xfe", strings.Repeat("k", 201), strings.Repeat("é", 101)} {
		got := w.asJSON(with(good(), "idempotency_key", key))
		status(t, got, 422)
		contains(t, got.Body.String(), `{"errors":{"idempotency_key":"`)
		page := w.post(with(good(), "idempotency_key", key))
		status(t, page, 422)
		contains(t, page.Body.String(), typed)
		if fresh := hidden(page.Body.String(), "idempotency_key"); len(fresh) != 1 || len(fresh[0]) < 20 ||
			strings.ContainsAny(fresh[0], "k\x00\uFFFD") {
			t.Errorf("the page that refuses %.9q carries %q", key, fresh)
		}
	}
	status(t, w.asJSON(with(good(), "idempotency_key", strings.Repeat("k", 200))), 201)
	link := w.link(w.ticket("US-1001"))
	contentType, body := multi(url.Values{"description": {"More."}, "idempotency_key": {"a\x00b"}})
	got := w.send("POST", link, contentType, body, "Accept", "application/json", "Origin", "null")
	status(t, got, 422)
	contains(t, got.Body.String(), `{"errors":{"idempotency_key":"The idempotency key cannot be read`)
}
