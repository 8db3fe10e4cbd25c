package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/sandbox"
)

var pageLink = regexp.MustCompile(`/t/[\w-]+`)

// visit asks for a page as a browser without cookies, or posts to it, and returns the status
// and the page that it is led to.
func (d *demo) visit(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	resp, err := http.Get(d.url() + path)
	if form != nil {
		resp, err = http.PostForm(d.url()+path, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(page)
}

// wantVisit is visit where the answer must be such.
func (d *demo) wantVisit(t *testing.T, path string, form url.Values, status int, words string) string {
	t.Helper()
	got, page := d.visit(t, path, form)
	if got != status || !strings.Contains(page, words) {
		t.Fatalf("%s %v: %d without %q:\n%.3000s", path, form, got, words, page)
	}
	return page
}

// awaitWords is await for a mail with words in it.
func (d *demo) awaitWords(t *testing.T, address, words string) sandbox.Mail {
	t.Helper()
	return d.await(t, address, func(m sandbox.Mail) bool { return bytes.Contains(m.Raw, []byte(words)) })
}

// TestAColleagueTakesPartInATicket is the whole road: a partner proves their address and
// names a colleague, who is asked, takes part and writes; an agent's answer reaches both,
// each in a thread of their own; the partner removes the colleague, whose door is shut and to
// whom the next answer does not go.
func TestAColleagueTakesPartInATicket(t *testing.T) {
	t.Parallel()
	var at0 time.Duration
	d := startDemoAs(t, func(c *config.Config) { c.SetUndo(&at0) })
	const partner, bea = "ana@partner.example.net", "bea@partner.example.net"
	k := d.opens(t, partner)
	confirmation := d.await(t, partner, anyMail)
	page := pageLink.FindString(plain(t, confirmation.Raw))
	d.wantVisit(t, page+"/mine", url.Values{}, http.StatusOK, "Colleagues")
	d.wantVisit(t, page+"/colleagues", url.Values{"colleague": {bea}}, http.StatusOK, "We are mailing the invitation.")

	invitation := d.await(t, bea, anyMail)
	asked := plain(t, invitation.Raw)
	for _, secret := range []string{"first thousand orders", "Ana", partner, page} {
		if bytes.Contains(invitation.Raw, []byte(secret)) {
			t.Errorf("the invitation tells %q:\n%s", secret, asked)
		}
	}
	door := pageLink.FindString(asked)
	d.wantVisit(t, door, nil, http.StatusOK, "Do you take part in this request?")
	d.wantVisit(t, door+"/mine", url.Values{}, http.StatusOK, "Stop sending me this")
	message := url.Values{"description": {"The second sheet has them."}}
	d.wantVisit(t, door, message, http.StatusOK, "We have what you added.")

	agent, path := d.signIn(t, "agent@example.com"), "/desk/tickets/"+k.Number
	_, ticket := agent.do("GET", path, nil)
	entries := ticket["entries"].([]any)
	last := entries[len(entries)-1].(map[string]any)
	if last["author"] != bea || last["body"] != "The second sheet has them." {
		t.Fatalf("the agent sees %v", last)
	}
	answer := func(words string) {
		t.Helper()
		_, now := agent.do("GET", path, nil)
		form := url.Values{"body": {words}, "then": {"pending"}, "version": {fmt.Sprint(now["version"])}}
		if status, got := agent.do("POST", path+"/reply", form); status != http.StatusCreated {
			t.Fatalf("the answer: %d %v", status, got)
		}
	}
	answer("It is mended now.")
	for address, first := range map[string]sandbox.Mail{partner: confirmation, bea: invitation} {
		reply := d.awaitWords(t, address, "It is mended now.")
		began := header(t, first.Raw, "Message-ID")
		if header(t, reply.Raw, "To") != address || header(t, reply.Raw, "Cc") != "" ||
			header(t, reply.Raw, "In-Reply-To") != began || header(t, reply.Raw, "References") != began ||
			header(t, reply.Raw, "Subject") != header(t, first.Raw, "Subject") {
			t.Errorf("%s's mail is not in the thread of %s:\n%s", address, began, reply.Raw)
		}
		if got, want := pageLink.FindString(plain(t, reply.Raw)), pageLink.FindString(plain(t, first.Raw)); got != want {
			t.Errorf("%s's mail leads to %s, their door is %s", address, got, want)
		}
	}

	d.wantVisit(t, page+"/remove", url.Values{"number": {"1"}}, http.StatusOK, "Their link no longer works.")
	d.wantVisit(t, door, nil, http.StatusGone, "This link has expired")
	answer("And it stays so.")
	d.awaitWords(t, partner, "And it stays so.")
	if mails := d.host.Mails(bea, 0, 50); len(mails) != 2 {
		t.Errorf("who was removed got %d mails, want the invitation and one answer", len(mails))
	}
}
