package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
)

// awaitFate waits until a report has told what became of a ticket's first mail.
func (d *demo) awaitFate(t *testing.T, id store.TicketID) store.Outbound {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		mails, err := store.Items(d.app.db.OutboundsOfTicket(ctx, id, store.Page{Limit: 1}))
		if err == nil && len(mails) == 1 && mails[0].Delivery.Fate != "" {
			return mails[0]
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatal("nobody reported on the confirmation")
	return store.Outbound{}
}

// opens posts a request as a partner with the address does.
func (d *demo) opens(t *testing.T, address string) store.Ticket {
	t.Helper()
	status, answer := contact(t, d.url(), request(address, "US"), nil)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	ticket, err := d.app.db.TicketByNumber(t.Context(), store.ByService(), store.ActReadTicket, answer["number"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// TestAConfirmationThatBouncesStandsOnItsTicket goes the whole road: a post with
// a dead address, the confirmation, the host's report, and what follows from it.
func TestAConfirmationThatBouncesStandsOnItsTicket(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const address = "someone@bounce.example.net"
	ticket := d.opens(t, address)
	mail := d.awaitFate(t, ticket.ID)
	if got := mail.Delivery; got.Fate != store.FateBounced || got.Outcome != store.OutcomeDead ||
		got.Status != "5.1.1" || !strings.Contains(got.Diagnostic, "User unknown") {
		t.Errorf("the confirmation's fate is %+v", got)
	}
	row, err := d.app.db.Inbound(t.Context(), mail.Delivery.Inbound)
	if err != nil || row.Verdict.Kind != store.KindBounce || row.Verdict.Reports[0].Tie != store.TieEnvelope ||
		row.Answer != 0 {
		t.Errorf("the report in the ledger: %+v, %v", row, err)
	}
	held, err := d.app.db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Reason != "userunknown" {
		t.Errorf("suppressed: %+v, %v", held, err)
	}
	if ticket, err = d.app.db.Ticket(t.Context(), ticket.ID); err != nil ||
		ticket.Question != store.QuestionUndeliverable {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	entries, err := store.Items(d.app.db.Entries(t.Context(), ticket.ID, 0, store.Page{Limit: 9}))
	if err != nil || len(entries) != 2 || entries[1].Event != store.EventMailBounced || entries[1].Outbound != mail.ID {
		t.Errorf("the thread is %+v, %v", entries, err)
	}

	// Whoever writes from there again is told on the page, not by mail.
	again := d.postForm(t, request(address, "US"))
	if !strings.Contains(again, "Email to your address comes back") {
		t.Errorf("the received page does not say that no confirmation went out:\n%.3000s", again)
	}
	tickets, err := store.Items(d.app.db.TicketsByRequester(t.Context(), store.ByService(), store.ActReadTicket,
		address, store.Page{Limit: 9}))
	if err != nil || len(tickets) != 2 {
		t.Fatalf("%d tickets, %v", len(tickets), err)
	}
	mails, err := store.Items(d.app.db.OutboundsOfTicket(t.Context(), tickets[0].ID, store.Page{Limit: 9}))
	if err != nil || len(mails) != 1 || mails[0].State != store.StateSuppressed ||
		!strings.HasPrefix(mails[0].Reason, store.RuleSuppressed) {
		t.Errorf("the second ticket's mails are %+v, %v", mails, err)
	}
	resp, err := http.Get(d.url() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := `signpost_outbox_fates{fate="bounced"} 1`; !strings.Contains(string(metrics), want) {
		t.Errorf("the metrics lack %s", want)
	}
	stats, err := d.app.db.Stats(t.Context())
	if err != nil || stats.Fates[store.FateBounced] != 1 || stats.Outbounds[store.StateSent] != 1 {
		t.Errorf("counted: %+v, %v", stats, err)
	}
}

// postForm posts the form as a program without JSON and returns the page it is
// led to.
func (d *demo) postForm(t *testing.T, fields map[string]string) string {
	t.Helper()
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	resp, err := http.PostForm(d.url()+"/contact", values)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v\n%.3000s", resp.Status, err, page)
	}
	return string(page)
}

// awaitHeld waits until so many suppressions of an address are in force.
func (d *demo) awaitHeld(t *testing.T, address string, n int) []store.Suppression {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if held, err := d.app.db.SuppressionsOf(ctx, time.Now(), address); err == nil && len(held) == n {
			return held
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("%s is not suppressed %d times", address, n)
	return nil
}

// TestARefusalAtHandOverDoesWhatABounceDoes: a host that says no to the relay's
// face, 550 5.1.1 at RCPT, has the same effects as one that sends a report.
func TestARefusalAtHandOverDoesWhatABounceDoes(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const address = "someone@refuse.example.net"
	ticket := d.opens(t, address)
	mail := d.awaitFate(t, ticket.ID)
	if got := mail.Delivery; mail.State != store.StateFailed || got.Fate != store.FateBounced ||
		got.Outcome != store.OutcomeDead || got.Inbound != 0 {
		t.Errorf("the confirmation is %+v", mail)
	}
	held, err := d.app.db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Reason != "userunknown" {
		t.Errorf("suppressed: %+v, %v", held, err)
	}
	if ticket, err = d.app.db.Ticket(t.Context(), ticket.ID); err != nil ||
		ticket.Question != store.QuestionUndeliverable {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	entries, err := store.Items(d.app.db.Entries(t.Context(), ticket.ID, 0, store.Page{Limit: 9}))
	if err != nil || len(entries) != 2 || entries[1].Event != store.EventMailBounced ||
		!strings.Contains(entries[1].Body, "5.1.1") {
		t.Errorf("the thread is %+v, %v", entries, err)
	}
	if again := d.postForm(t, request(address, "US")); !strings.Contains(again, "Email to your address comes back") {
		t.Errorf("the received page does not say that no confirmation went out:\n%.3000s", again)
	}

	// A stray mail from such an address is answered once: never after that.
	const us, stray = "partner-us.support@example.com", "other@refuse.example.net"
	if err := d.host.Deliver(stray, []string{us}, person(stray, us, "one@refuse.example.net")); err != nil {
		t.Fatal(err)
	}
	row := d.awaitVerdict(t, "one@refuse.example.net")
	if row.Answer == 0 {
		t.Fatalf("not answered: %+v", row.Verdict)
	}
	if held := d.awaitHeld(t, stray, 2); held[0].Scope != store.ScopeAll || held[1].Scope != store.ScopeAnswers {
		t.Errorf("suppressed: %+v", held)
	}
	if err := d.host.Deliver(stray, []string{us}, person(stray, us, "two@refuse.example.net")); err != nil {
		t.Fatal(err)
	}
	if row := d.awaitVerdict(t, "two@refuse.example.net"); row.Answer != 0 ||
		!strings.Contains(fmt.Sprint(row.Verdict.Rules), store.RuleSuppressed) {
		t.Errorf("answered again: %+v", row)
	}
}

// TestBouncesGoToAnAddressOfTheirOwn: with a bounce address every mail leaves with
// its tag, what comes back is read in that mailbox and ties as ever, and nobody who
// writes there is answered.
func TestBouncesGoToAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	const bounces, us = "bounces@mail.example.com", "partner-us.support@example.com"
	d := startDemoAs(t, func(cfg *config.Config) {
		region := cfg.Region["us"]
		region.BounceAddress = bounces
		cfg.Region["us"] = region
		box := cfg.Mailbox["us"]
		box.Username, box.Bounces = bounces, true
		cfg.Mailbox["bounces"] = box
		cfg.SMTP.NullSender = false // so that an answer may come back too
	})
	tagged := func(from string) bool {
		return strings.HasPrefix(from, "bounces+b-") && strings.HasSuffix(from, "@mail.example.com")
	}

	// A ticket's mail that arrives, and one that does not.
	if status, answer := contact(t, d.url(), request("ada@example.net", "US"), nil); status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	if m := d.await(t, "ada@example.net", anyMail); !tagged(m.EnvelopeFrom) || !strings.Contains(string(m.Raw), us) {
		t.Errorf("the confirmation left as from %q:\n%.2000s", m.EnvelopeFrom, m.Raw)
	}
	const dead = "someone@bounce.example.net"
	ticket := d.opens(t, dead)
	mail := d.awaitFate(t, ticket.ID)
	if mail.Delivery.Fate != store.FateBounced || mail.Delivery.Outcome != store.OutcomeDead {
		t.Errorf("the confirmation's fate is %+v", mail.Delivery)
	}
	row, err := d.app.db.Inbound(t.Context(), mail.Delivery.Inbound)
	if err != nil || row.Mailbox != "bounces" || row.Verdict.Kind != store.KindBounce ||
		row.Verdict.Reports[0].Tie != store.TieEnvelope {
		t.Errorf("the report in the ledger: %+v, %v", row, err)
	}
	d.awaitHeld(t, dead, 1)

	// An answer that comes back: it asks hosts for silence (NOTIFY=NEVER), and some
	// report all the same.
	const stray = "sue@example.net"
	if err := d.host.Deliver(stray, []string{us}, person(stray, us, "one@example.net")); err != nil {
		t.Fatal(err)
	}
	sent := d.await(t, stray, anyMail)
	if !tagged(sent.EnvelopeFrom) {
		t.Errorf("the answer left as from %q", sent.EnvelopeFrom)
	}
	back := "From: MAILER-DAEMON@example.net\r\nTo: " + sent.EnvelopeFrom + "\r\nMessage-ID: " +
		"<back@example.net>\r\nSubject: Undelivered Mail Returned to Sender\r\n" +
		"Auto-Submitted: auto-replied\r\n\r\n<" + stray + ">: 550 5.7.1 Message refused\r\n"
	if err := d.host.Deliver("", []string{sent.EnvelopeFrom}, []byte(back)); err != nil {
		t.Fatal(err)
	}
	if held := d.awaitHeld(t, stray, 1); held[0].Scope != store.ScopeAnswers {
		t.Errorf("suppressed: %+v", held)
	}

	// Somebody who writes to the bounce address is silently recorded, a report that
	// nothing proves is harmless.
	raw := person("eve@example.net", bounces, "two@example.net")
	if err := d.host.Deliver("eve@example.net", []string{bounces}, raw); err != nil {
		t.Fatal(err)
	}
	if row := d.awaitVerdict(t, "two@example.net"); row.Mailbox != "bounces" || row.Answer != 0 ||
		row.Verdict.Kind != store.KindDirect {
		t.Errorf("who writes to the bounce address: %+v", row)
	}
	forged := "From: MAILER-DAEMON@example.net\r\nTo: " + bounces + "\r\nMessage-ID: <three@example.net>\r\nSubject: " +
		"Undelivered Mail Returned to Sender\r\n" +
		"Auto-Submitted: auto-replied\r\n\r\n<ada@example.net>: 550 5.1.1 User unknown\r\n"
	if err := d.host.Deliver("", []string{bounces}, []byte(forged)); err != nil {
		t.Fatal(err)
	}
	if row := d.awaitVerdict(t, "three@example.net"); row.Verdict.Kind != store.KindBounce ||
		len(row.Verdict.Reports) != 1 || row.Verdict.Reports[0].Tie.Proven() {
		t.Errorf("the forged report: %+v", row.Verdict)
	}
	if held, err := d.app.db.SuppressionsOf(t.Context(), time.Now(), "ada@example.net"); err != nil || len(held) != 0 {
		t.Errorf("a forged report has suppressed %+v, %v", held, err)
	}
	for _, m := range d.host.Mails(us, 0, 100) {
		if m.EnvelopeFrom == "" {
			t.Errorf("a report came to the support address: %q", m.Subject)
		}
	}
}
