package form_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// The stories of this file are those of the people whom a partner names beside themselves.

const bea = "bea@partner.example"

// names posts a colleague's address as a script does.
func (w *world) names(page, email string) *httptest.ResponseRecorder {
	return w.acts(page+"/colleagues", url.Values{"colleague": {email}})
}

// invited is the page of a colleague who was named and has not acted.
func (w *world) invited(page, email string) string {
	w.t.Helper()
	if got := w.names(page, email); got.Code != 200 {
		w.t.Fatalf("POST colleagues: %d %s", got.Code, got.Body)
	}
	return w.door(email)
}

// door is the page that the last mail to an address leads to.
func (w *world) door(email string) (page string) {
	w.t.Helper()
	for _, m := range w.mailsOf(w.ticket("US-1001")) {
		if m.To == email {
			page = "/t/" + w.ring.LinkToken(m.Link)
		}
	}
	if page == "" {
		w.t.Fatalf("no mail to %s", email)
	}
	return page
}

// joined is the page of a colleague who said that they take part.
func (w *world) joined(page, email string) string {
	w.t.Helper()
	door := w.invited(page, email)
	if got := w.act(door+"/mine", nil); got.Code != 303 {
		w.t.Fatalf("POST mine: %d %s", got.Code, got.Body)
	}
	return door
}

// repliesToAll is an agent's reply, also to the colleagues who act.
func (w *world) repliesToAll(k store.Ticket, body string) store.Replied {
	w.t.Helper()
	now := time.Now()
	done, err := w.db.Reply(w.t.Context(), now, lee, store.NewReply{
		Ticket: k.ID, Body: body, Then: store.StatusPending, Force: true, Region: regions()[0],
		MessageID: w.ring.MessageID(now, store.MailReply, "example.com"), Link: ident.NewLink(now),
		LinkExpires: now.Add(24 * time.Hour), Copies: w.ring.Copies(now, store.MailReply, "example.com"),
	})
	fatal(w.t, err)
	return done
}

func TestAColleagueReadsNothingUntilTheySayThatTheyTakePart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	w.repliesToAll(ticket, "The secret is *mangrove*.")
	contains(t, w.get(page).Body.String(), "Colleagues", "email address", page+"/colleagues")
	door := w.invited(page, bea)
	contains(t, w.get(page).Body.String(), bea, "Invited, not confirmed yet")

	secrets := []string{"Settlement", "settlement report", "mangrove", "Ana Ruiz", "Ruiz &amp; Co", "ana@", "a***@", "Lee"}
	ask := w.get(door)
	status(t, ask, 200)
	contains(t, ask.Body.String(), "Do you take part in this request?", "US-1001", door+"/mine", door+"/leave")
	lacks(t, ask.Body.String(), secrets...)
	asJSON := w.get(door, "Accept", "application/json")
	contains(t, asJSON.Body.String(), `"proven":false`, `"title":""`, `"entries":[]`)
	lacks(t, asJSON.Body.String(), secrets...)
	for _, part := range []string{"/download", "/events", "/files/1/0/a.txt"} {
		got := w.get(door + part)
		status(t, got, 403)
		lacks(t, got.Body.String(), secrets...)
	}

	status(t, w.act(door+"/mine", nil), 303)
	shown := w.get(door).Body.String()
	contains(t, shown, "Settlement", "mangrove", "Ana Ruiz", "Requester", "Stop sending me this", door+"/leave")
	lacks(t, shown, "ana@partner.example", "a***@", "Ruiz &amp; Co", "/solved", "/reopen", "/rate", `"`+door+`/link"`,
		"/colleagues", "/address")
	status(t, w.get(door+"/download"), 200)
	contains(t, w.get(page).Body.String(), "Takes part")
}

func TestAColleagueWritesAsThemselvesAndIsToldOfTheirOwnMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	door := w.joined(page, bea)
	got := w.acts(door, url.Values{"body": {"I have the report here."}})
	status(t, got, 201)
	hers := w.thread(door)
	if last := hers.Entries[len(hers.Entries)-1]; last.Author != bea || last.Body != "I have the report here." {
		t.Errorf("her message: %+v", last)
	}
	theirs := w.get(page).Body.String()
	contains(t, theirs, "I have the report here.", `<bdi>`+bea, "Colleague ·")
	contains(t, w.get(door).Body.String(), "You ·", "Requester ·")

	w.repliesToAll(ticket, "Thank you both.")
	for link, mailed := range map[string]string{page: "a***@partner.example", door: "b***@partner.example"} {
		read := w.thread(link)
		if last := read.Entries[len(read.Entries)-1]; last.Delivery.Detail != mailed || last.Delivery.State != "queued" {
			t.Errorf("the answer on %s's page: %+v", mailed, last)
		}
	}
	if got := w.ticket("US-1001").Requester; got != ticket.Requester {
		t.Errorf("the requester is %+v", got)
	}
}

func TestWhatIsTheRequestersIsNotAColleagues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.asked()
	door := w.joined(page, bea)
	before := w.ticket("US-1001")
	for act, fields := range map[string]url.Values{
		"/solved": nil, "/reopen": nil, "/link": nil, "/rate": {"score": {"1"}}, "/address": {"email": {bea}},
		"/colleagues": {"colleague": {"cy@partner.example"}}, "/remove": {"number": {"1"}},
	} {
		for _, accept := range []string{"text/html", "application/json"} {
			if got := w.act(door+act, fields, "Accept", accept); got.Code != 403 {
				t.Errorf("%s as %s: %d %s", act, accept, got.Code, got.Body)
			}
		}
	}
	status(t, w.acts(page+"/leave", nil), 403) // nor is this the requester's
	if after := w.ticket("US-1001"); after.Entries != before.Entries || len(after.Colleagues) != 1 {
		t.Errorf("the ticket became %+v", after)
	}
}

func TestWhoMayNotBeNamedIsToldKindly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	unproven := w.link(w.ticket("US-1001"))
	status(t, w.names(unproven, bea), 403)
	contains(t, w.act(unproven+"/colleagues", url.Values{"colleague": {bea}}).Body.String(), "Did you write this?")
	if mails := w.mailsOf(w.ticket("US-1001")); len(mails) != 1 {
		t.Fatalf("a stranger had mail sent: %+v", mails)
	}
	page := w.proven(w.ticket("US-1001"))
	for email, want := range map[string]string{
		"ANA@partner.example":                 "That is your own address",
		"ana+2@partner.example":               "That is your own address",
		"partner-us.support@example.com":      "That is our own address",
		"partner.support+x@example.com":       "That is our own address",
		"bea":                                 "colleague_email",
		"<script>alert(1)</script>@b.example": "&lt;script&gt;alert(1)",
	} {
		got := w.act(page+"/colleagues", url.Values{"colleague": {email}})
		status(t, got, 422)
		if want == "colleague_email" {
			contains(t, got.Body.String(), `id="colleague-fault"`, `value="bea"`)
			continue
		}
		contains(t, got.Body.String(), want)
		lacks(t, got.Body.String(), "<script>alert")
	}
	status(t, w.names(page, bea), 200)
	status(t, w.acts(w.door(bea)+"/leave", nil), 200)
	left := w.names(page, bea)
	status(t, left, 422)
	contains(t, left.Body.String(), "They asked not to get email about this request.")
	contains(t, w.get(page).Body.String(), "Asked not to get email about this request")
	for i := range store.MaxColleagues {
		status(t, w.names(page, fmt.Sprintf("c%d@partner.example", i)), 200)
	}
	full := w.act(page+"/colleagues", url.Values{"colleague": {"more@partner.example"}})
	status(t, full, 422)
	contains(t, full.Body.String(), "as many colleagues as it can have", `value="more@partner.example"`)
}

func TestARemovedColleagueFindsTheDoorShut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	door := w.joined(page, bea)
	status(t, w.acts(page+"/remove", url.Values{"number": {"x"}}), 404)
	status(t, w.acts(page+"/remove", url.Values{"number": {"7"}}), 404)
	got := w.acts(page+"/remove", url.Values{"number": {"1"}})
	status(t, got, 200)
	var answer struct{ Colleagues []any }
	fatal(t, json.Unmarshal(got.Body.Bytes(), &answer))
	if len(answer.Colleagues) != 0 {
		t.Errorf("the answer is %s", got.Body)
	}
	for _, part := range []string{"", "/download", "/events", "/files/1/0/a.txt"} {
		status(t, w.get(door+part), 410)
	}
	for _, act := range []string{"", "/mine", "/leave"} {
		status(t, w.acts(door+act, url.Values{"body": {"let me in"}}), 410)
	}
	w.repliesToAll(ticket, "To one alone.")
	for _, m := range w.mailsOf(ticket) {
		if m.To == bea && m.Kind == store.MailReply {
			t.Errorf("mailed after the end: %+v", m)
		}
	}
	forged := door[:len(door)-2] + "AA"
	if forged == door {
		forged = door[:len(door)-2] + "BB"
	}
	status(t, w.get(forged), 404)
	// Invited anew they begin anew, behind another link.
	again := w.invited(page, bea)
	if again == door || w.thread(again).Proven {
		t.Errorf("their new door is %s, their old one %s", again, door)
	}
}

func TestAColleagueLeavesAlsoWithoutSayingThatTheyTakePart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.asked()
	door := w.invited(page, bea)
	got := w.act(door+"/leave", nil)
	status(t, got, 303)
	contains(t, w.get(got.Header().Get("Location")).Body.String(), "You get no more email about this request")
	status(t, w.get(door), 410)
}

func TestInvitationsAreHeldToTheirBudgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) {
		s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0
		s.cfg.ConfirmationsPerNetwork, s.cfg.ConfirmationsPerNetworkDay = 0, 0
	})
	sent := 0
	var last *httptest.ResponseRecorder
	for i := range 12 { // many tickets, one victim
		status(t, w.post(with(good(), "email", fmt.Sprintf("ana%d@partner.example", i))), 303)
		page := w.proven(w.ticket(fmt.Sprintf("US-%d", 1001+i)))
		if last = w.names(page, "victim@elsewhere.example"); last.Code == 200 {
			sent++
		}
	}
	if sent != 5 || last.Code != 429 || last.Header().Get("Retry-After") == "" {
		t.Errorf("%d invitations to one address, then %d %s", sent, last.Code, last.Body)
	}
	contains(t, last.Body.String(), "Too many invitations were sent just now.")
	if k := w.ticket("US-1012"); len(k.Colleagues) != 0 {
		t.Errorf("named without a mail: %+v", k.Colleagues)
	}
}

func TestAClosedTicketHasNoRoomForColleagues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.asked()
	door := w.joined(page, bea)
	link, ok := w.ring.ParseLink(page[len("/t/"):])
	if !ok {
		t.Fatal("the page's token is none")
	}
	_, err := w.db.SolveByPartner(t.Context(), time.Now().Add(-store.ClosedAfter), store.ByPartner(link), link)
	fatal(t, err)
	shown := w.get(door).Body.String()
	contains(t, shown, "Closed", "The requester can write a new one", "Stop sending me this")
	lacks(t, shown, "<textarea")
	status(t, w.acts(door, url.Values{"body": {"one more thing"}}), 409)
	lacks(t, w.get(page).Body.String(), `action="`+page+`/colleagues"`)
	status(t, w.names(page, "cy@partner.example"), 409)
	if strings.Contains(w.get(door).Body.String(), "one more thing") {
		t.Error("a closed ticket took a message")
	}
}
