package form_test

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// typed is what no refusal may lose.
const typed = "The settlement report lacks"

func TestMoreFilesThanAnyFormHoldsLoseNoText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var files []file
	for i := range 300 { // a whole folder, chosen without a script that counts
		files = append(files, file{fmt.Sprintf("%d.txt", i), strings.Repeat("x", 4000)})
	}
	contentType, body := multi(good(), files...)
	page := w.send("POST", "/contact", contentType, body)
	status(t, page, 400)
	contains(t, page.Body.String(), typed, "No more than 10 files", "choose any that are missing")
	if n := strings.Count(page.Body.String(), ".txt” was left out: no more"); n != 2*10 {
		t.Errorf("%d lines about files left out, above the form and at the field", n)
	}
	contains(t, page.Body.String(), "more files were left out")
	if body.Len() > 0 {
		t.Errorf("%d bytes were left unread: the browser would see a broken connection", body.Len())
	}
}

func TestABodyCutOffInTheMiddleComesBackWithItsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contentType, body := multi(good(), file{"half.txt", "half of it"})
	page := w.send("POST", "/contact", contentType, strings.NewReader(body.String()[:body.Len()-60]))
	status(t, page, 400)
	contains(t, page.Body.String(), typed, "did not arrive in full")
	encoded := strings.NewReader(good().Encode())
	page = w.send("POST", "/contact", "application/x-www-form-urlencoded", io.MultiReader(encoded, broken{}))
	status(t, page, 400)
	contains(t, page.Body.String(), typed)
}

func TestAnAttachmentThatIsGoneIsOurFaultAndInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good(), file{"notes.txt", "0123456789"}), 303)
	ticket := w.ticket("US-1001")
	link := linkOf(t, w.get(w.proven(ticket)).Body.String(), "notes.txt")
	fatal(t, w.blobs.Delete(t.Context(), w.entries(ticket)[0].Files[0].Hash))
	page := w.get(link)
	status(t, page, 500)
	contains(t, page.Body.String(), "our fault, not yours")
	contains(t, w.log.String(), "level=ERROR", "attachment of US-1001")
}

// broken is where a connection ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestFilesThatThereIsNoRoomForLoseNoTextAndNoTicket(t *testing.T) {
	t.Parallel()
	room := false
	w := newWorld(t, func(s *setting) { s.files.Room = func() bool { return room } })
	page := w.post(good(), file{"first.txt", "one"}, file{"second.txt", "two"})
	status(t, page, 503)
	contains(t, page.Body.String(), typed, "We cannot take files at the moment", "<bdi>first.txt</bdi>",
		"<bdi>second.txt</bdi>")
	if n := strings.Count(page.Body.String(), "We cannot take files"); n != 2 || page.Header().Get("Retry-After") == "" {
		t.Errorf("it says so %d times (above the form and at the field), and to come back after %q s", n,
			page.Header().Get("Retry-After"))
	}
	status(t, w.post(good()), 303)
	link := "/t/" + w.ring.LinkToken(w.ticket("US-1001").Link)
	contentType, body := multi(url.Values{"description": {"Here it is"}}, file{"late.txt", "late"})
	page = w.send("POST", link, contentType, body)
	status(t, page, 503)
	contains(t, page.Body.String(), "Here it is", "We cannot take files at the moment")
	room = true
	contentType, body = multi(url.Values{"description": {"Here it is"}}, file{"late.txt", "late"})
	status(t, w.send("POST", link, contentType, body), 303)
}

func TestFilesThatWerePassedOverAreAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.PostsPerNetwork = 1 })
	refused := w.post(with(good(), "description", "short"), file{"first.txt", "taken"})
	status(t, refused, 422)
	lacks(t, refused.Body.String(), "choose any that are missing")
	again := with(good(), "kept", hidden(refused.Body.String(), "kept")[0])
	page := w.post(again, file{"second.txt", "not taken"})
	status(t, page, 429)
	contains(t, page.Body.String(), "first.txt", "<bdi>second.txt</bdi>")
}

func TestAFollowUpToAnExpiredLinkBecomesANewRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	ticket := w.ticket("US-1001")
	fatal(t, w.db.RevokeLink(t.Context(), ticket.OpenedAt, store.ByPartner(ticket.Link), ticket.Link))
	for link, want := range map[string]int{w.link(ticket): 410, "/t/" + strings.Repeat("A", 43): 404} {
		contentType, body := multi(url.Values{"description": {"It happened again this morning."}}, file{"notes.txt", "kept"})
		page := w.send("POST", link, contentType, body)
		status(t, page, want)
		contains(t, page.Body.String(), "It happened again this morning.", "notes.txt", `action="/contact"`,
			`value="US" selected`)
	}
	contentType, body := multi(url.Values{"description": {"x"}})
	status(t, w.send("POST", w.link(ticket), contentType, body, "Accept", "application/json"), 410)
}

func TestAnotherLanguageOrAppearanceKeepsWhatStandsInTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.get("/contact").Body.String()
	contains(t, page, `formaction="?lang=es"`, `formaction="?theme=dark"`)
	// Return in a field presses the form's first button: that one must send.
	_, first, _ := strings.Cut(page, `form="letter"`)
	first, _, _ = strings.Cut(first, ">")
	lacks(t, first, "name=", "formaction")

	half := url.Values{"description": {"only a few words"}, "email": {"ana@"}, "switch": {"1"}, "lang": {"en"}}
	contentType, body := multi(half, file{"notes.txt", "kept"})
	turned := w.send("POST", "/contact?lang=es", contentType, body)
	status(t, turned, 200)
	contains(t, turned.Body.String(), `<html lang="es"`, "only a few words", "ana@", "notes.txt")
	lacks(t, turned.Body.String(), "aria-invalid", `id="summary"`)
	contentType, body = multi(half)
	dark := w.send("POST", "/contact?theme=dark", contentType, body)
	contains(t, dark.Body.String(), `data-theme="dark"`, `<html lang="es"`, "only a few words")

	status(t, w.asJSON(with(good(), "switch", "on")), 201) // a script's own field is none of ours
	ticket := w.ticket("US-1001")
	contentType, body = multi(with(half, "description", "A word more."))
	turned = w.send("POST", w.link(ticket)+"?lang=id", contentType, body)
	status(t, turned, 200)
	contains(t, turned.Body.String(), `<html lang="id"`, "A word more.")
	if n := len(w.entries(ticket)); n != 1 {
		t.Errorf("%d entries: turning the language sent the message", n)
	}
}

func TestOurOwnAddressIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, address := range []string{"partner.support@example.com", "Partner-US.Support+x@Example.com"} {
		got := w.asJSON(with(good(), "email", address))
		status(t, got, 422)
		contains(t, got.Body.String(), "our own address")
	}
}

func TestTwoScriptsMayCountFromOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, email := range []string{"ana@partner.example", "bo@partner.example"} {
		post := with(with(good(), "idempotency_key", "1"), "email", email)
		for range 2 {
			got := w.asJSON(post)
			status(t, got, 201)
			contains(t, got.Body.String(), fmt.Sprintf("US-100%d", i+1))
		}
	}
}

func TestALongTextWithinTheLimitIsStoredWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.MaxDescription = 200_000 })
	for _, letter := range []string{"漢", "𠀀"} {
		got := w.asJSON(with(good(), "description", strings.Repeat(letter, 200_000)))
		status(t, got, 201)
	}
	for i, size := range []int{600_000, 800_000} {
		if body := w.entries(w.ticket(fmt.Sprintf("US-100%d", i+1)))[0].Body; len(body) != size {
			t.Errorf("%d bytes of %d are stored", len(body), size)
		}
	}
}

func TestTheTicketPageNamesThePromiseUntilItIsKeptAndOwnsUpToADelay(t *testing.T) {
	t.Parallel()
	for promised, want := range map[time.Duration]string{
		24 * time.Hour: "You will hear from us by <time", -time.Hour: "You should have heard from us by <time",
	} {
		w := newWorld(t, func(s *setting) {
			s.deps.Promise = func(_ string, at time.Time) (store.Promise, error) {
				return store.Promise{FirstResponseBy: store.Instant(at.Add(promised))}, nil
			}
		})
		status(t, w.post(good()), 303)
		link := w.proven(w.ticket("US-1001"))
		contains(t, w.get(link).Body.String(), want)
		contentType, body := multi(url.Values{"description": {"It happened again."}})
		status(t, w.send("POST", link, contentType, body), 303)
		contains(t, w.get(link).Body.String(), "We have what you added", want)
	}
}
