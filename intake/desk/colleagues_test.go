package desk_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

const bea = "bea@acme.example"

// joins names a colleague of a ticket by Ana, who says that they take part.
func (w *world) joins(k store.Ticket, email string) {
	w.Helper()
	form := url.Values{"email": {email}, "reason": {"keeps the books"}}
	w.json("ana", "POST", "/desk/tickets/"+k.Number+"/colleagues", form, http.StatusOK)
	now, err := w.db.Ticket(w.Context(), k.ID)
	fatal(w, err)
	link := now.Colleagues[len(now.Colleagues)-1].Link
	_, err = w.db.ProveAddress(w.Context(), time.Now(), store.ByPartner(link), link)
	fatal(w, err)
}

func TestAnAgentNamesAColleagueForAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Payout", "Where is it?")
	at := "/desk/tickets/" + k.Number
	has(t, w.page("ana", at), "People", "Requester, gets each reply", "Add a colleague", "Reason, for the audit log")
	for _, c := range []struct{ email, reason, want string }{
		{bea, "", "Say why bea@acme.example is to read this ticket"},
		{"", "x", "An address is needed"},
		{"bea", "x", "has no @"},
		{"PIA@acme.example", "x", "The ticket has this address already"},
		{"intl@desk.example", "x", "an address of ours"},
		{bea, strings.Repeat("x", 501), "longer than 500 bytes"},
	} {
		form := url.Values{"email": {c.email}, "reason": {c.reason}}
		got := w.ask("ana", "POST", at+"/colleagues", form)
		if got.Code != http.StatusUnprocessableEntity {
			t.Fatalf("%q, %q: %d", c.email, c.reason, got.Code)
		}
		has(t, got.Body.String(), c.want)
		if c.email != "" && c.reason != "" { // what was typed stands in the form again
			has(t, got.Body.String(), `value="`+c.email+`"`, `value="`+c.reason+`"`)
		}
	}
	kicked := w.kicked
	form := url.Values{"email": {bea}, "reason": {"keeps the books"}}
	if got := w.ask("ana", "POST", at+"/colleagues", form); got.Code != http.StatusSeeOther || w.kicked == kicked {
		t.Fatalf("%d %s, the sender was not told", got.Code, got.Body)
	}
	page := w.page("ana", at)
	has(t, page, "Invited", "Added by Ana: keeps the books", "Ana named bea@acme.example as a colleague: keeps the books")
	lacks(t, page, "in copy</span>")
	if got := w.ask("lee", "POST", at+"/remove", url.Values{"number": {"9"}}); got.Code != 422 {
		t.Errorf("removing one who is not there: %d", got.Code)
	}
	if got := w.ask("lee", "POST", at+"/remove", url.Values{"number": {"1"}}); got.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	has(t, w.page("ana", at), "Removed", "Lee removed the colleague bea@acme.example")
	audits, err := store.Items(w.db.ListAudits(w.Context(), store.ByService(), store.AuditQuery{}, store.Page{Limit: 10}))
	fatal(t, err)
	told := fmt.Sprint(audits)
	has(t, told, "colleague_added", "colleague_removed", "keeps the books")
	far := w.opens(1, "Far", "x")
	if got := w.ask("lee", "POST", "/desk/tickets/"+far.Number+"/colleagues", form); got.Code != http.StatusNotFound {
		t.Errorf("an agent of another region: %d", got.Code)
	}
}

func TestAReplyNamesWhoGetsItInCopyAndWhatBecameOfEachCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Payout", "Where is it?")
	at := "/desk/tickets/" + k.Number
	w.joins(k, bea)
	w.joins(k, "cy@acme.example")
	has(t, w.page("ana", at), "Send to <bdi>Pia Partner</bdi> and 2 colleagues in copy", "In copy",
		"bea@acme.example takes part now, and gets each reply in copy")
	w.sends(nil)
	w.json("ana", "POST", at+"/reply", url.Values{"body": {"On Friday."}, "then": {"solved"}, "version": {"1"}}, 201)
	if mails := w.replyMails(k); len(mails) != 3 || mails[0].To != "pia@acme.example" || mails[1].To != bea {
		t.Fatalf("mailed: %+v", mails)
	}
	w.sends(map[string]store.Finish{bea: mailboxFull()})
	page := w.page("ana", at)
	has(t, page, `Copy to <bdi class="mono">bea@acme.example</bdi>`, "552 5.2.2 full", "Send the copy again",
		"The copy of the reply (entry 6) to bea@acme.example bounced")
	now, err := w.db.Ticket(t.Context(), k.ID)
	fatal(t, err)
	if now.Status != store.StatusSolved || now.InTrouble() || now.FirstReplyAt.IsZero() {
		t.Errorf("a copy that bounced changed the ticket: %+v", now)
	}
	ticket := w.json("ana", "GET", at, nil, 200)
	if d := delivery(t, ticket, 1); d["state"] != "sent" || d["to"] != "pia@acme.example" {
		t.Errorf("the reply's own mail is %v", d)
	}
	w.json("ana", "POST", at+"/resend", url.Values{"id": {fmt.Sprint(w.replyMails(k)[1].ID)}}, 200)
	mails := w.replyMails(k)
	if last := mails[len(mails)-1]; len(mails) != 4 || last.To != bea || last.State != store.StateQueued {
		t.Errorf("sent again: %+v", mails)
	}
	if all, ok := ticket["colleagues"].([]any); !ok || len(all) != 2 {
		t.Errorf("colleagues: %v", ticket["colleagues"])
	}
}

func TestACopyIsTakenBackWithItsReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20*time.Second)
	k := w.opens(0, "Payout", "Where is it?")
	at := "/desk/tickets/" + k.Number
	w.joins(k, bea)
	done := w.json("ana", "POST", at+"/reply", url.Values{"body": {"No."}, "version": {"1"}}, 201)
	w.json("ana", "POST", at+"/undo", url.Values{"id": {done["undo"].(string)}}, 200)
	for _, m := range w.replyMails(k) {
		if !m.Undone() {
			t.Errorf("still to be sent: %+v", m)
		}
	}
}

func TestACopyIsNotMailedToADeadAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Payout", "Where is it?")
	at := "/desk/tickets/" + k.Number
	w.joins(k, bea)
	w.json("ana", "POST", at+"/reply", url.Values{"body": {"One."}, "version": {"1"}}, 201)
	w.sends(map[string]store.Finish{bea: noSuchUser()})
	has(t, w.page("ana", at), "No mail reaches them. Mail to it bounced")
	w.json("ana", "POST", at+"/reply", url.Values{"body": {"Two."}, "version": {"99"}}, 201)
	w.sends(nil)
	has(t, w.page("ana", at), "not sent: the address is suppressed")
	mails := w.replyMails(k)
	if len(mails) != 4 || mails[2].State != store.StateSent || mails[3].State != store.StateSuppressed {
		t.Errorf("mailed: %+v", mails)
	}
}
