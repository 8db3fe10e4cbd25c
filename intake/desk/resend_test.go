package desk_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// sends ends every mail that waits: with what is said of its address, else as sent.
func (w *world) sends(said map[string]store.Finish) {
	w.Helper()
	now := store.Instant(time.Now())
	rows, err := w.db.ClaimOutbound(w.Context(), now, store.Claim{Limit: 100, Lease: store.Leases{time.Minute}})
	fatal(w, err)
	for _, row := range rows {
		f, ok := said[row.To]
		if !ok {
			f = store.Finish{State: store.StateSent, Reply: "250 ok"}
		}
		f.ID, f.Claim = row.ID, row.Claim
		f.Report.Recipient = row.To
		if f.Report.Action == "" {
			f.Report = store.Report{}
		}
		fatal(w, w.db.FinishOutbound(w.Context(), now, f))
	}
}

// noSuchUser is what a server says of a dead address, mailboxFull of one that may work later.
func noSuchUser() store.Finish {
	return store.Finish{State: store.StateFailed, Reply: "550 5.1.1 no such user", Report: store.Report{Action: "failed",
		Status: "5.1.1", Reason: "userunknown", Hard: true, Outcome: store.OutcomeDead}}
}

func mailboxFull() store.Finish {
	return store.Finish{State: store.StateFailed, Reply: "552 5.2.2 full", Report: store.Report{Action: "failed",
		Status: "5.2.2", Reason: store.ReasonFull, Outcome: store.OutcomeLater}}
}

// replyMails are the mails of a ticket's replies, the oldest first.
func (w *world) replyMails(k store.Ticket) (all []store.Outbound) {
	w.Helper()
	mails, err := store.Items(w.db.OutboundsOfTicket(w.Context(), k.ID, store.Page{Limit: 100}))
	fatal(w, err)
	for _, m := range mails {
		if m.Kind == store.MailReply {
			all = append(all, m)
		}
	}
	return all
}

func delivery(t testing.TB, ticket map[string]any, entry int) map[string]any {
	t.Helper()
	return ticket["entries"].([]any)[entry].(map[string]any)["delivery"].(map[string]any)
}

// A reply bounces; its ticket stands in the list of delivery trouble, is given another
// address, and the reply is sent there.
func TestABouncedReplyGoesToAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "The export stops", "Words")
	path := "/desk/tickets/" + k.Number
	w.sends(nil) // the confirmation
	w.json("ana", "POST", path+"/reply", form("body", "Try again.", "then", "pending"), 201)
	w.sends(map[string]store.Finish{"pia@acme.example": noSuchUser()})

	has(t, w.page("ana", "/desk/tickets?view=trouble"), "The export stops", "bounced")
	page := w.page("ana", path)
	has(t, page, "bounced: ", "550 5.1.1 no such user", "No mail reaches <bdi", `href="#another">Another address</a>`,
		`<details class="another" open>`, `action="`+path+`/requester"`)
	lacks(t, page, "Send again", "has not got")
	bounced := w.replyMails(k)[0]
	id := delivery(t, w.json("ana", "GET", path, nil, 200), 1)["id"].(string)
	refused := w.json("ana", "POST", path+"/resend", form("id", id), 409)
	has(t, refused["error"].(string), "Mail to its address is suppressed.")

	got := w.ask("ana", "POST", path+"/requester", form("email", "pia@new.example", "in", "view=trouble"))
	if at := got.Header().Get("Location"); got.Code != http.StatusSeeOther || at != path+"?in=view%3Dtrouble" {
		t.Fatalf("another address: %d to %q\n%s", got.Code, at, got.Body)
	}
	page = w.page("ana", path)
	has(t, page, "pia@new.example</bdi> has not got a reply that went to another address", "Send it there now",
		`to <bdi class="mono">pia@acme.example`, "Ana changed the requester&#39;s address; it was pia@acme.example",
		"Send again",
		"Not proven")
	lacks(t, page, "No mail reaches <bdi", "The address does not exist any more")
	if missed := w.json("lee", "GET", path, nil, 200)["missed"].([]any); len(missed) != 1 || missed[0] != id {
		t.Errorf("missed: %v", missed)
	}

	before := w.kicked
	got = w.ask("ana", "POST", path+"/resend", form("id", id))
	if at := got.Header().Get("Location"); got.Code != http.StatusSeeOther || at != path || w.kicked == before {
		t.Fatalf("sent again: %d to %q\n%s", got.Code, at, got.Body)
	}
	has(t, w.json("ana", "POST", path+"/resend", form("id", id), 409)["error"].(string), "It waits to be sent.")
	w.sends(nil)
	mails := w.replyMails(k)
	if len(mails) != 2 || mails[1].To != "pia@new.example" || mails[1].State != store.StateSent ||
		mails[1].Entry != bounced.Entry || mails[1].MessageID == bounced.MessageID {
		t.Fatalf("the reply's mails: %+v", mails)
	}
	page = w.page("ana", path)
	has(t, page, "bounced: ", "Sent again to <bdi class=\"mono\">pia@new.example", "mailed the reply (entry 2) again")
	lacks(t, page, "has not got", "Send again", "Another address</a>", `<details class="another" open>`)
	after := w.json("ana", "GET", path, nil, 200)
	if said := delivery(t, after, 1); said["to"] != "pia@new.example" || said["state"] != "sent" ||
		after["requester"] != "pia@new.example" || len(after["missed"].([]any)) != 0 {
		t.Errorf("as JSON: %v", after)
	}
	audits, err := store.Items(w.db.ListAudits(w.Context(), store.ByService(), store.AuditQuery{}, store.Page{Limit: 100}))
	fatal(t, err)
	seen := map[store.AuditEvent]int{}
	for _, a := range audits {
		seen[a.Event]++
	}
	if seen[store.AuditRequesterChanged] != 1 || seen[store.AuditReplyResent] != 1 {
		t.Errorf("audited: %v", seen)
	}
}

// A reply that arrived asks for nothing, also where the ticket's address died since.
func TestADeadAddressConcernsTheReplyThatBounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	w.json("ana", "POST", path+"/reply", form("body", "This one arrives."), 201)
	w.sends(nil)
	w.json("ana", "POST", path+"/requester", form("email", "pia@old.example"), 200)
	w.json("ana", "POST", path+"/reply", form("body", "This one bounces."), 201)
	w.sends(map[string]store.Finish{"pia@old.example": noSuchUser()})
	page := w.page("ana", path)
	has(t, page, `to <bdi class="mono">pia@acme.example`)
	if n := strings.Count(page, `href="#another">Another address</a>`); n != 1 {
		t.Errorf("another address is asked for at %d replies", n)
	}
	lacks(t, page, "Send again", "has not got")
}

// A full mailbox may work later: the reply is sent again to the same address, also from a
// page without scripts.
func TestAReplyIsSentAgainToTheSameAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.json("ana", "POST", path+"/reply", form("body", "Hello"), 201)
	lacks(t, w.page("ana", path), "Send again")
	w.sends(map[string]store.Finish{"pia@acme.example": mailboxFull()})
	page := w.page("ana", path)
	has(t, page, "Send again", "This reply is mailed once more, now, to pia@acme.example.",
		`action="`+path+`/resend"`, `href="#another">Another address</a>`)
	id := delivery(t, w.json("ana", "GET", path, nil, 200), 1)["id"].(string)
	if said := delivery(t, w.json("ana", "POST", path+"/resend", form("id", id), 200), 1); said["state"] != "queued" {
		t.Errorf("sent again: %v", said)
	}
	w.sends(nil)
	if mails := w.replyMails(k); len(mails) != 2 || mails[1].To != "pia@acme.example" {
		t.Errorf("the reply's mails: %+v", mails)
	}
}

// A mail that our server refuses is tried again as it is: no second one is made of it.
func TestAHeldReplyIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.json("ana", "POST", path+"/reply", form("body", "Hello"), 201)
	held := store.Finish{State: store.StateHeld, Reply: "550 5.7.1 relaying denied", Hold: "mail",
		DueAt: time.Now().Add(time.Hour)}
	w.sends(map[string]store.Finish{"pia@acme.example": held})
	has(t, w.page("ana", path), "held for", "Send again", "It stays held while our mail server refuses it")
	has(t, w.page("ana", "/desk/tickets?view=trouble"), k.Number, `class="delivery amber"`, "held")
	mails := w.replyMails(k)
	id := delivery(t, w.json("ana", "GET", path, nil, 200), 1)["id"].(string)
	w.json("ana", "POST", path+"/resend", form("id", id), 200)
	w.sends(nil)
	lacks(t, w.page("ana", "/desk/tickets?view=trouble"), k.Number)
	if after := w.replyMails(k); len(mails) != 1 || len(after) != 1 || after[0].State != store.StateSent {
		t.Errorf("the reply's mails: %+v", after)
	}
}

func TestAnAddressThatCannotBeGivenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	other := w.opens(1, "Other", "Words")
	w.json("ana", "POST", "/desk/tickets/"+other.Number+"/reply", form("body", "Hello"), 201)
	for email, why := range map[string]string{
		"": "needed", "pia": "pia", "PIA@acme.example": "has this address already", "us@desk.example": "of ours",
		strings.Repeat("x", 300) + "@acme.example": "xxx",
	} {
		answer := w.json("ana", "POST", path+"/requester", form("email", email), 422)
		has(t, answer["error"].(string), why)
	}
	w.json("ana", "POST", path+"/requester", form("mail", "new@acme.example"), 422)
	// No reply of another ticket is sent by this one's address, and none that is not there.
	foreign := w.replyMails(other)[0]
	theirs := strconv.FormatUint(uint64(foreign.ID), 10)
	for id, status := range map[string]int{"x": 422, "": 422, "999": 404, "1": 404, theirs: 404} {
		w.json("ana", "POST", path+"/resend", form("id", id), status)
	}
	if mails := w.replyMails(other); len(mails) != 1 {
		t.Errorf("mailed again: %+v", mails)
	}
}

// What a partner thinks of the support given stands in the details and in the history.
func TestARatingIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	lacks(t, w.page("ana", path), "<dt>Rating</dt>")
	w.json("ana", "POST", path+"/reply", form("body", "Hello", "then", "solved"), 201)
	now := store.Instant(time.Now())
	_, err := w.db.RateTicket(w.Context(), now, store.ByPartner(k.Link), k.Link, 4, "Quick <and> kind")
	fatal(t, err)
	has(t, w.page("ana", path), "Rated 4 of 5: Quick &lt;and&gt; kind", "The partner rated our support 4 of 5")
	rating := w.json("ana", "GET", path, nil, 200)["rating"].(map[string]any)
	if rating["score"] != 4.0 || rating["comment"] != "Quick <and> kind" {
		t.Errorf("as JSON: %v", rating)
	}
}
