package form_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// The stories of this file are those of a partner on the page of their ticket, with an
// agent who answers by the verbs of the desk.

var lee = store.Actor{
	Kind: store.ActorStaff, Agent: 1, Account: "lee@example.com", Name: "Lee", Roles: []store.Role{store.RoleAgent},
}

// asked is a ticket whose requester has said that it is theirs.
func (w *world) asked() (store.Ticket, string) {
	w.t.Helper()
	if got := w.post(good()); got.Code != 303 {
		w.t.Fatalf("POST /contact: %d", got.Code)
	}
	ticket := w.ticket("US-1001")
	return ticket, w.proven(ticket)
}

// replies is an agent's reply, which may be taken back for a while.
func (w *world) replies(k store.Ticket, body string, then store.Status, undo time.Duration) store.Replied {
	w.t.Helper()
	now := time.Now()
	done, err := w.db.Reply(w.t.Context(), now, lee, store.NewReply{
		Ticket: k.ID, Body: body, Then: then, Force: true, Undo: undo, Region: regions()[0],
		MessageID: w.ring.MessageID(now, store.MailReply, "example.com"), Link: ident.NewLink(now),
		LinkExpires: now.Add(24 * time.Hour),
	})
	fatal(w.t, err)
	return done
}

// acts posts to the page as a script does.
func (w *world) acts(path string, fields url.Values) *httptest.ResponseRecorder {
	return w.act(path, fields, "Accept", "application/json")
}

func TestAPartnerReadsAnAnswerSolvesRatesAndReopens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	shown := w.get(page)
	contains(t, shown.Body.String(), "Received", "We have your request.", "It has been our turn since",
		"You will hear from us by")

	w.replies(ticket, "Not **yet**.", store.StatusPending, 20*time.Second)
	lacks(t, w.get(page).Body.String(), "yet", "Waiting for you")
	if read := w.thread(page); len(read.Entries) != 1 || read.Status != "open" || read.Promise.Paused {
		t.Errorf("a reply that may be taken back shows: %+v", read)
	}

	w.replies(ticket, "It is **mended**.\n\n<script>alert(1)</script>", store.StatusPending, 0)
	html := w.get(page).Body.String()
	contains(t, html, "Waiting for you", "It has been your turn since", "<strong>mended</strong>",
		"&lt;script&gt;alert(1)", "On its way by email to", "a***@partner.example")
	lacks(t, html, "<script>alert", ">ana@partner.example", "[Not]")
	read := w.thread(page)
	if last := read.Entries[len(read.Entries)-1]; last.Delivery.State != "queued" || last.Author != "Lee" ||
		last.Delivery.Detail != "a***@partner.example" || !read.Promise.Paused || read.Status != "pending" {
		t.Errorf("the answer: %+v", read)
	}

	status(t, w.acts(page+"/solved", nil), 200)
	status(t, w.act(page+"/solved", nil), 303) // thanks again
	if read := w.thread(page); read.Status != "solved" {
		t.Errorf("after solving: %+v", read)
	}
	contains(t, w.get(page+"?done=solved").Body.String(), "marked your request as solved", "You can reopen it until",
		"How was our support?", `name="score" value="5"`)

	status(t, w.acts(page+"/rate", url.Values{"score": {"4"}, "comment": {"Quick."}}), 200)
	got := w.act(page+"/rate", url.Values{"score": {"5"}})
	status(t, got, 303)
	contains(t, w.get(got.Header().Get("Location")).Body.String(), "Your rating: 5 of 5",
		"Quick.</textarea>") // a score alone leaves the comment
	for _, wrong := range []string{"", "0", "6", "five", "4.5"} {
		status(t, w.acts(page+"/rate", url.Values{"score": {wrong}}), 422)
	}
	status(t, w.act(page+"/rate", url.Values{"score": {"3"}, "comment": {strings.Repeat("x", 2001)}}), 422)

	status(t, w.acts(page+"/reopen", nil), 200)
	read = w.thread(page + "?events=1")
	var events []string
	for _, e := range read.Entries {
		if e.Kind == "event" {
			events = append(events, e.Event)
		}
	}
	if want := []string{"partner_solved", "rated", "rated", "partner_reopened"}; !slices.Equal(events, want) ||
		read.Status != "open" || read.Number != ticket.Number {
		t.Errorf("events %v, status %s", events, read.Status)
	}
}

// What support writes to itself, and who works on what, is not the partner's to read.
func TestAPartnersPageLeavesOutWhatIsSupportsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	_, err := w.db.Note(t.Context(), time.Now(), lee, store.NewNote{Ticket: ticket.ID, Body: "A difficult one."})
	fatal(t, err)
	_, err = w.db.SetTags(t.Context(), time.Now(), lee, ticket.ID, []string{"whale"})
	fatal(t, err)
	undone := w.replies(ticket, "Rash words.", store.StatusSolved, 20*time.Second)
	_, err = w.db.Undo(t.Context(), time.Now(), lee, undone.Mail.ID)
	fatal(t, err)
	for _, accept := range []string{"text/html", "application/json"} {
		for _, target := range []string{page, page + "?events=1"} {
			lacks(t, w.get(target, "Accept", accept).Body.String(), "difficult", "whale", "Rash", `"tags"`, `"assignee"`,
				`"version"`, "reply_undone")
		}
	}
}

func TestAClosedTicketGoesOnInANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	longAgo := time.Now().Add(-store.ClosedAfter)
	_, err := w.db.SolveByPartner(t.Context(), longAgo, store.ByPartner(ticket.Link), ticket.Link)
	fatal(t, err)
	contains(t, w.get(page).Body.String(), "Closed", "New request about this", "can no longer be reopened")
	if read := w.thread(page); read.Status != "closed" {
		t.Errorf("status %s", read.Status)
	}
	status(t, w.acts(page+"/reopen", nil), 409)
	if got := w.act(page+"/reopen", nil); got.Code != 303 || got.Header().Get("Location") != page {
		t.Errorf("reopen: %d %s", got.Code, got.Header())
	}

	more := url.Values{"body": {"It is back."}, "idempotency_key": {"again"}}
	for range 2 { // the second is the first repeated
		got := w.acts(page, more)
		status(t, got, 201)
		contains(t, got.Body.String(), `"number":"US-1002"`, `"seq":1`)
	}
	next := w.ticket("US-1002")
	if next.Title != ticket.Title || next.Requester != ticket.Requester || next.ProvenAt.IsZero() {
		t.Errorf("the new one: %+v", next)
	}
	contains(t, w.get(w.link(next)).Body.String(), "It is back.", "goes on from", `href="`+page+`"`)
	contains(t, w.get(page).Body.String(), "It goes on in request", `href="`+w.link(next)+`"`)
	got := w.act(page, url.Values{"description": {"And again."}})
	status(t, got, 303)
	contains(t, w.get(got.Header().Get("Location")).Body.String(), "And again.")

	// Once the new one is another person's, neither page leads to the other.
	now := time.Now()
	_, err = w.db.SuppressAddress(t.Context(), now, store.ByCommandLine("ops"),
		store.Suppression{Address: next.Requester.Email, Scope: store.ScopeAll})
	fatal(t, err)
	_, err = w.db.ChangeRequester(t.Context(), now, store.ByPartner(next.Link), store.NewAddress{Ticket: next.ID,
		Link: next.Link, Email: "bob@partner.example", Mailing: store.Mailing{Region: regions()[0],
			Link: ident.NewLink(now), LinkExpires: now.Add(time.Hour),
			MessageID: w.ring.MessageID(now, store.MailConfirmation, "example.com")}})
	fatal(t, err)
	bobs := w.get(w.proven(w.ticket("US-1002"))).Body.String()
	contains(t, bobs, "goes on from", "US-1001")
	lacks(t, bobs, page)
}

func TestAPartnerKeepsTheWholeTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(with(good(), "title", "Träger"), file{"a.txt", "first"}, file{"a.txt", "second"}), 303)
	ticket := w.ticket("US-1001")
	page := w.link(ticket)
	status(t, w.get(page+"/download"), 403)
	w.proven(ticket)
	w.replies(ticket, "See **below**.", store.StatusOpen, 0)
	got := w.get(page + "/download")
	status(t, got, 200)
	contains(t, got.Header().Get("Content-Disposition"), "attachment", "US-1001.zip")
	z, err := zip.NewReader(bytes.NewReader(got.Body.Bytes()), int64(got.Body.Len()))
	fatal(t, err)
	read := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		fatal(t, err)
		content, err := io.ReadAll(r)
		fatal(t, err)
		read[f.Name] = string(content)
	}
	contains(t, read["US-1001.txt"], "Träger", "The settlement report", "See below.", "Lee (Support)",
		"files/1-2-a.txt")
	if len(read) != 3 || read["files/1-1-a.txt"] != "first" || read["files/1-2-a.txt"] != "second" {
		t.Errorf("the archive holds %q", read)
	}
}

// A link shows one ticket; reading changes nothing; a guessed one opens nothing.
func TestThePageOfATicketIsNoWayIntoAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good(), file{"secret.txt", "mine alone"}), 303)
	status(t, w.post(with(good(), "email", "bob@partner.example")), 303)
	ana, bob := w.ticket("US-1001"), w.ticket("US-1002")
	bobs := w.proven(bob)
	status(t, w.get(bobs+"/files/1/0/secret.txt"), 404)
	before := w.ticket("US-1001")
	for _, path := range []string{
		"", "/mine", "/solved", "/reopen", "/rate", "/link", "/download", "?events=1", "/address",
	} {
		for _, accept := range []string{"text/html", "application/json"} {
			body := w.get(w.link(ana)+path, "Accept", accept).Body.String() // as a scanner of mail would
			lacks(t, body, "settlement report", "Settlement", "secret.txt", "Ana")
		}
	}
	if after := w.ticket("US-1001"); after.ChangedAt != before.ChangedAt || !after.ProvenAt.IsZero() ||
		after.Status != before.Status {
		t.Errorf("reading changed %+v to %+v", before, after)
	}
	forged := "/t/" + strings.Repeat("A", len(strings.TrimPrefix(bobs, "/t/")))
	for _, path := range []string{"", "/mine", "/solved", "/reopen", "/rate", "/link"} {
		status(t, w.acts(forged+path, url.Values{"score": {"5"}, "body": {"x"}}), 404)
	}
	status(t, w.get(forged+"/download"), 404)
}

func TestPayloadsInARatingStayText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.asked()
	status(t, w.acts(page+"/solved", nil), 200)
	payload := `"><img src=x onerror=alert(1)></textarea><script>alert(2)</script>{{.Key}}`
	status(t, w.act(page+"/rate", url.Values{"score": {"1"}, "comment": {payload}}), 303)
	lacks(t, w.get(page).Body.String(), "<img", "</textarea><script>")
	got := w.act(page+"/rate", url.Values{"score": {payload}, "comment": {payload}})
	status(t, got, 422)
	lacks(t, got.Body.String(), "<img", "</textarea><script>")
}

// A partner who solves their ticket while an answer may still be taken back sees at once
// that they did.
func TestAPartnersOwnActShowsBesideAnAnswerThatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	w.replies(ticket, "On its way.", store.StatusPending, 20*time.Second)
	status(t, w.acts(page+"/solved", nil), 200)
	if read := w.thread(page); read.Status != "solved" || len(read.Entries) != 1 {
		t.Errorf("after solving: status %s, %d entries", read.Status, len(read.Entries))
	}
}
