package form_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/intake/form"
	"signpost/store"
)

// act posts a few fields as a browser does from a page of ours.
func (w *world) act(path string, fields url.Values, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.send("POST", path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()), header...)
}

// mailsOf are the mails of a ticket, oldest first.
func (w *world) mailsOf(ticket store.Ticket) []store.Outbound {
	w.t.Helper()
	mails, err := store.Items(w.db.OutboundsOfTicket(w.t.Context(), ticket.ID, store.Page{Limit: 100}))
	fatal(w.t, err)
	return mails
}

// cameBack tells that the mail was refused since its address is dead.
func (w *world) cameBack(mail store.Outbound) {
	w.t.Helper()
	rows, err := w.db.ClaimOutbound(w.t.Context(), time.Now(),
		store.Claim{Limit: 100, Lease: store.Leases{time.Minute}})
	fatal(w.t, err)
	for _, row := range rows {
		f := store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent, Reply: "250 ok"}
		if row.ID == mail.ID {
			f.State, f.Reply = store.StateFailed, "550 5.1.1 no such user"
			f.Report = store.Report{Recipient: row.To, Action: "failed", Status: "5.1.1", Reason: "userunknown", Hard: true,
				Outcome: store.OutcomeDead}
		}
		fatal(w.t, w.db.FinishOutbound(w.t.Context(), time.Now(), f))
	}
}

// An address that a stranger typed gets a link to the stranger's words: its owner
// is asked first, and until they answer nothing of it is shown in any way.
func TestTheMailedLinkAsksBeforeItShowsAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := with(with(good(), "title", "Buy pills"), "description", "The stranger wrote this, and more of it.")
	status(t, w.post(with(post, "name", "Mallory"), file{"pills.txt", "buy"}), 303)
	ticket := w.ticket("US-1001")
	written := []string{"Buy pills", "stranger", "pills.txt", "Mallory", "Ruiz &amp; Co", "<textarea"}

	page := w.get(w.link(ticket))
	status(t, page, 200)
	contains(t, page.Body.String(), "Did you write this?", "US-1001", `action="`+w.link(ticket)+`/mine"`,
		"You did not write it?")
	lacks(t, page.Body.String(), written...)
	for _, accept := range []string{"text/html", "application/json"} {
		download := w.get(w.link(ticket)+"/files/1/0/pills.txt", "Accept", accept)
		status(t, download, 403)
		lacks(t, download.Body.String(), "buy", "Buy pills")
	}
	unproven := w.thread(w.link(ticket))
	if unproven.Proven || unproven.Title != "" || len(unproven.Entries) != 0 || unproven.Entries == nil ||
		unproven.Number != "US-1001" {
		t.Errorf("%+v", unproven)
	}
	contentType, body := multi(url.Values{"description": {" "}}) // a fault shows the form again, and nothing else
	faulty := w.send("POST", w.link(ticket), contentType, body)
	status(t, faulty, 422)
	lacks(t, faulty.Body.String(), "Buy pills", "stranger", "pills.txt", "Mallory")
	if !w.ticket("US-1001").ProvenAt.IsZero() {
		t.Fatal("proven before its reader said so")
	}

	shown := w.get(w.proven(ticket)).Body.String()
	contains(t, shown, "Buy pills", "The stranger wrote this", "pills.txt", "Mallory")
	proven := w.thread(w.link(ticket))
	if !proven.Proven || proven.Title != "Buy pills" || len(proven.Entries) != 1 ||
		proven.Entries[0].Files[0].Name != "pills.txt" {
		t.Errorf("%+v", proven)
	}
	status(t, w.get(linkOf(t, shown, "pills.txt")), 200)
}

// thread is a ticket's page as a script reads it.
type thread struct {
	Number, Status, Title, Region string
	Proven                        bool
	Promise                       struct {
		NextUpdateBy    string `json:"next_update_by"`
		FirstResponseBy string `json:"first_response_by"`
		Paused          bool
	}
	Entries []struct {
		Seq                           int
		Kind, Event, Author, At, Body string
		Files                         []struct {
			Name string
			Size int64
		}
		Delivery *struct{ State, At, Detail string }
	}
}

func (w *world) thread(link string) (out thread) {
	w.t.Helper()
	got := w.get(link, "Accept", "application/json")
	if got.Code != 200 {
		w.t.Fatalf("%d %s", got.Code, got.Body)
	}
	fatal(w.t, json.Unmarshal(got.Body.Bytes(), &out))
	return out
}

func TestAScriptReadsAndAddsToATicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good(), file{"a.txt", "abc"}), 303)
	link := w.link(w.ticket("US-1001"))
	said := w.act(link+"/mine", nil, "Accept", "application/json")
	status(t, said, 200)
	contains(t, said.Body.String(), `"proven":true`, `"priority":""`, `"delivery":{"state":""`)
	contentType, body := multi(url.Values{"description": {"More."}})
	added := w.send("POST", link, contentType, body, "Accept", "application/json")
	status(t, added, 201)
	contains(t, added.Body.String(), `"number":"US-1001"`, `"seq":2`)
	got := w.thread(link)
	if len(got.Entries) != 2 || got.Entries[1].Body != "More." || got.Entries[0].Author != "Ana Ruiz" ||
		got.Entries[0].Files[0].Size != 3 ||
		got.Status != "open" || got.Region != "us" || got.Promise.FirstResponseBy == "" || got.Promise.Paused ||
		got.Entries[0].Delivery == nil {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"/mine", "/link"} {
		status(t, w.act("/t/"+strings.Repeat("A", 43)+path, nil, "Accept", "application/json"), 404)
	}
}

// The reader is led to what they have just added, and told of it there alone.
func TestWhatWasAddedIsToldWhereItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	link := w.proven(w.ticket("US-1001"))
	contentType, body := multi(url.Values{"description": {"It happened again."}})
	sent := w.send("POST", link, contentType, body)
	status(t, sent, 303)
	to := sent.Header().Get("Location")
	if to != link+"?added=2#e2" {
		t.Errorf("it leads to %s", to)
	}
	page := w.get(strings.TrimSuffix(to, "#e2")).Body.String()
	contains(t, page, `id="e2" tabindex="-1" data-added`, `<span class="badge teal">`)
	if n := strings.Count(page, "<span>We have what you added.</span>"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	lacks(t, w.get(link).Body.String(), "data-added", "<span>We have what you added.</span>")
}

func TestANewLinkIsMailedAndTheOldOneOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	old := w.ticket("US-1001")
	asked := w.act(w.proven(old)+"/link", nil)
	status(t, asked, 303)
	contains(t, w.get(asked.Header().Get("Location")).Body.String(), "A new link is on its way")
	now := w.ticket("US-1001")
	if now.Link == old.Link || w.kicked.Load() != 2 {
		t.Errorf("link %x, before %x; %d kicks", now.Link, old.Link, w.kicked.Load())
	}
	if mails := w.mailsOf(now); len(mails) != 2 || mails[1].Kind != store.MailLinks ||
		mails[1].To != old.Requester.Email || mails[1].Link != now.Link {
		t.Errorf("mails %+v", mails)
	}
	status(t, w.get(w.link(old)), 410)
	status(t, w.get(w.link(now)), 200)
	status(t, w.act(w.link(now)+"/link", nil, "Accept", "application/json"), 200)

	// Pressed too often, it mails nothing, and the link still opens its page.
	for range 10 {
		if got := w.act(w.link(w.ticket("US-1001"))+"/link", nil, "Accept", "application/json"); got.Code == 429 {
			break
		}
	}
	last := w.ticket("US-1001")
	sent := len(w.mailsOf(last))
	status(t, w.act(w.link(last)+"/link", nil, "Accept", "application/json"), 429)
	held := w.act(w.link(last)+"/link", nil)
	status(t, held, 303)
	contains(t, w.get(strings.TrimSuffix(held.Header().Get("Location"), "#link")).Body.String(),
		"We cannot mail you a new link just now")
	if n := len(w.mailsOf(last)); n != sent || sent > 7 {
		t.Errorf("%d mails, then %d", sent, n)
	}
}

// The answer to a request for links does not say who wrote to us: a known address, an
// unknown one and one that has asked too often hear the same words.
func TestLinksAreMailedAgainAndTheAnswerTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		status(t, w.post(good()), 303)
	}
	var answers []string
	ask := func(email string) {
		t.Helper()
		got := w.act("/link", url.Values{"email": {email}})
		status(t, got, 303)
		page := w.get(got.Header().Get("Location"))
		status(t, page, 200)
		answers = append(answers, got.Header().Get("Location")+page.Body.String())
		script := w.act("/link", url.Values{"email": {email}}, "Accept", "application/json")
		status(t, script, 200)
		answers[len(answers)-1] += script.Body.String()
	}
	ask("ANA@partner.example ")
	newest := w.ticket("US-1002")
	mails := w.mailsOf(newest)
	if len(mails) != 3 || mails[1].Kind != store.MailLinks || len(mails[1].Links) != 2 ||
		mails[1].To != "ana@partner.example" {
		t.Fatalf("mails %+v", mails)
	}
	ask("unknown@partner.example")
	for range 5 {
		ask("ana@partner.example")
	}
	for i, answer := range answers {
		if answer != answers[0] {
			t.Errorf("answer %d differs:\n%s\nfrom\n%s", i, answer, answers[0])
		}
	}
	if n := len(w.mailsOf(newest)); n != 1+5 {
		t.Errorf("%d mails to one mailbox, want the confirmation and 5", n)
	}
	bad := w.act("/link", url.Values{"email": {"ana"}})
	status(t, bad, 422)
	contains(t, bad.Body.String(), "needs an @", `value="ana"`)
	lacks(t, w.log.String(), "ana@partner.example", "unknown@")
}

// One whose address is dead is not told that the answer comes by mail, and gives
// another one at once; the ticket stays.
func TestADeadAddressIsSaidAndReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.SuppressAddress(t.Context(), time.Now(), store.ByCommandLine("ops"),
		store.Suppression{Address: "ana@partner.example", Scope: store.ScopeAll})
	fatal(t, err)
	received := w.post(good()).Header().Get("Location")
	page := w.get(received).Body.String()
	contains(t, page, "Email to your address comes back", "US-1001", `action="`+received+`/address"`)
	lacks(t, page, "We are writing to", "You will hear from us", "Our email comes from", "holds a link to your request")

	faulty := w.act(received+"/address", url.Values{"email": {"ana@"}})
	status(t, faulty, 422)
	contains(t, faulty.Body.String(), "Something is missing after the @", `value="ana@"`)
	changed := w.act(received+"/address", url.Values{"email": {"ana@home.example"}})
	status(t, changed, 303)
	ticket := w.ticket("US-1001")
	mails := w.mailsOf(ticket)
	if ticket.Requester.Email != "ana@home.example" || ticket.Question != "" || len(mails) != 2 ||
		mails[1].To != "ana@home.example" || w.kicked.Load() != 2 {
		t.Errorf("%+v; mails %+v; %d kicks", ticket, mails, w.kicked.Load())
	}
	again := w.get(changed.Header().Get("Location")).Body.String()
	contains(t, again, "We are writing to", "ana@home.example", "US-1001")
	lacks(t, again, "comes back")
}

// A script hears of a dead address what the page says, is promised nothing there,
// and gives another one where the answer points.
func TestAScriptIsToldOfADeadAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.SuppressAddress(t.Context(), time.Now(), store.ByCommandLine("ops"),
		store.Suppression{Address: "ana@partner.example", Scope: store.ScopeAll})
	fatal(t, err)
	told := w.asJSON(good())
	status(t, told, 201)
	contains(t, told.Body.String(), `"promise":{}`, `"confirmation":"back"`, "has come back to us", "US-1001")
	changed := w.send("POST", told.Header().Get("Location")+"/address", "application/x-www-form-urlencoded",
		strings.NewReader("email=ana%40home.example"), "Accept", "application/json")
	status(t, changed, 200)
	contains(t, changed.Body.String(), `"first_response_by"`, "US-1001")
	lacks(t, changed.Body.String(), "confirmation", "notice")
}

// A confirmation that the relay refuses for a reason of ours, or has not taken for
// minutes, is late: its reader is not sent to look for it in a spam folder.
func TestAConfirmationThatIsHeldIsSaidToBeLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := w.post(good()).Header().Get("Location")
	contains(t, w.get(received).Body.String(), "We are writing to", "spam folder")
	now := time.Now().Add(time.Second)
	claimed, err := w.db.ClaimOutbound(t.Context(), now,
		store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	fatal(t, err)
	fatal(t, w.db.FinishOutbound(t.Context(), now, store.Finish{
		ID: claimed[0].ID, Claim: claimed[0].Claim, State: store.StateHeld, Hold: "mail", DueAt: now.Add(time.Hour),
		Reply: "550 sender not allowed",
	}))
	for lang, want := range map[string]string{
		"en": "Our email to you is delayed", "es": "se retrasa", "zh-Hans": "给您的邮件会延迟", "id": "tertunda",
		"ar": "ستتأخر رسالتنا إليك",
	} {
		page := w.get(received, "Accept-Language", lang).Body.String()
		contains(t, page, want, "ana@partner.example", received+"/address")
		lacks(t, page, "spam", "We did not send", "sender not allowed")
	}
}

// A confirmation that comes back later is told to the browser that sent the
// request, with what it sent; to no other, and never support's answer.
func TestTheBrowserThatSentARequestSeesWhatBecameOfItsConfirmation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := w.post(good(), file{"notes.txt", "x"}).Header().Get("Location")
	page := w.get(received).Body.String()
	contains(t, page, "We are writing to", "ana@partner.example", "What you sent", "The settlement report lacks",
		"notes.txt", "Another email address")
	w.cameBack(w.mailsOf(w.ticket("US-1001"))[0])
	page = w.get(received).Body.String()
	contains(t, page, "Email to your address comes back", "The settlement report lacks", `action="`+received+`/address"`)

	elsewhere := *w
	elsewhere.cookies = nil
	other := elsewhere.get(received).Body.String()
	contains(t, other, "US-1001")
	lacks(t, other, "ana@", "settlement", "notes.txt", "/address")
	refused := elsewhere.act(received+"/address", url.Values{"email": {"eve@evil.example"}})
	status(t, refused, 403)
	forged := w.post(with(good(), "email", "eve@evil.example")).Result().Cookies()
	elsewhere.cookies = nil
	for _, c := range forged { // a cookie of another request
		c.Path = "/"
		elsewhere.cookies = append(elsewhere.cookies, c)
	}
	status(t, elsewhere.act(received+"/address", url.Values{"email": {"eve@evil.example"}}), 403)
	lacks(t, elsewhere.get(received).Body.String(), "settlement", "ana@")
	if got := w.ticket("US-1001").Requester.Email; got != "ana@partner.example" {
		t.Errorf("a stranger turned the ticket to %s", got)
	}
}

// Once its owner has said that the request is theirs, the browser that sent it can
// no longer turn it elsewhere.
func TestAConfirmedAddressIsNoLongerChangedByTheSender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	received := w.post(good()).Header().Get("Location")
	w.proven(w.ticket("US-1001"))
	lacks(t, w.get(received).Body.String(), "/address")
	late := w.act(received+"/address", url.Values{"email": {"eve@evil.example"}})
	status(t, late, 409)
	contains(t, late.Body.String(), "can no longer be changed here")
}

// The other states of a confirmation are told as they are.
func TestTheReceivedPageIsHonestAboutTheConfirmation(t *testing.T) {
	t.Parallel()
	t.Run("complaint", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, err := w.db.SuppressAddress(t.Context(), time.Now(), store.ByCommandLine("ops"),
			store.Suppression{Address: "ana@partner.example", Scope: store.ScopeAutomatic})
		fatal(t, err)
		page := w.get(w.post(good()).Header().Get("Location")).Body.String()
		contains(t, page, "reported as unwanted", "/address")
		lacks(t, page, "comes back")
	})
	t.Run("refusal", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		received := w.post(good()).Header().Get("Location")
		rows, err := w.db.ClaimOutbound(t.Context(), time.Now(),
			store.Claim{Limit: 1, Lease: store.Leases{time.Minute}})
		fatal(t, err)
		fatal(t, w.db.FinishOutbound(t.Context(), time.Now(),
			store.Finish{ID: rows[0].ID, Claim: rows[0].Claim, State: store.StateFailed, Reply: "out of time"}))
		contains(t, w.get(received).Body.String(), "Our confirmation could not be sent", "/address")
	})
}

// On the ticket's page too: mail that comes back is said, and another address
// given, whose owner is asked anew; the old link opens nothing.
func TestATicketPageWhoseAddressDiedTakesAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	old := w.ticket("US-1001")
	link := w.proven(old)
	alive := w.act(link+"/address", url.Values{"email": {"eve@evil.example"}})
	status(t, alive, 409) // mail to it arrives: who holds the link may not turn it elsewhere
	w.cameBack(w.mailsOf(old)[0])
	page := w.get(link).Body.String()
	contains(t, page, "comes back", `action="`+link+`/address"`, "The settlement report lacks")
	lacks(t, page, "Our email comes from", link+`/link"`)
	changed := w.act(link+"/address", url.Values{"email": {"ana@home.example"}})
	status(t, changed, 303)
	now := w.ticket("US-1001")
	if now.Requester.Email != "ana@home.example" || !now.ProvenAt.IsZero() {
		t.Errorf("%+v", now)
	}
	status(t, w.get(link), 410)
	contains(t, w.get(w.link(now)).Body.String(), "Did you write this?")
}

// failing is a store on which one verb fails.
type failing struct{ form.Tickets }

func (failing) MailLinks(context.Context, time.Time, store.LinkRequest) (store.Outbound, error) {
	return store.Outbound{}, store.ErrFull
}

func TestALinkThatCannotBeMailedIsNoPromise(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.deps.Tickets = failing{s.deps.Tickets} })
	got := w.act("/link", url.Values{"email": {"ana@partner.example"}})
	status(t, got, 503)
	contains(t, got.Body.String(), "We cannot save anything at the moment", `value="ana@partner.example"`)
}
