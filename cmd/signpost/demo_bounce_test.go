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

	"signpost/store"
)

// awaitFate waits until a report has told what became of a ticket's first mail.
func (d *demo) awaitFate(t *testing.T, id store.TicketID) store.Outbound {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		mails, err := d.app.db.OutboundsOfTicket(ctx, id, 1)
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

// TestAConfirmationThatBouncesStandsOnItsTicket goes the whole road: a post with
// a dead address, the confirmation, the host's report, and what follows from it.
func TestAConfirmationThatBouncesStandsOnItsTicket(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const address = "someone@bounce.example.net"
	status, answer := contact(t, d.url(), request(address, "US"), nil)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	ticket, err := d.app.db.TicketByNumber(t.Context(), answer["number"].(string))
	if err != nil {
		t.Fatal(err)
	}
	mail := d.awaitFate(t, ticket.ID)
	if got := mail.Delivery; got.Fate != store.FateBounced || got.Outcome != store.OutcomeDead || got.Status != "5.1.1" || !strings.Contains(got.Diagnostic, "User unknown") {
		t.Errorf("the confirmation's fate is %+v", got)
	}
	row, err := d.app.db.Inbound(t.Context(), mail.Delivery.Inbound)
	if err != nil || row.Verdict.Kind != store.KindBounce || row.Verdict.Reports[0].Tie != store.TieEnvelope || row.Answer != 0 {
		t.Errorf("the report in the ledger: %+v, %v", row, err)
	}
	held, err := d.app.db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Reason != "userunknown" {
		t.Errorf("suppressed: %+v, %v", held, err)
	}
	if ticket, err = d.app.db.Ticket(t.Context(), ticket.ID); err != nil || ticket.Question != store.QuestionUndeliverable {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	entries, err := d.app.db.Entries(t.Context(), ticket.ID, 0, 9)
	if err != nil || len(entries) != 2 || entries[1].Event != store.EventMailBounced || entries[1].Outbound != mail.ID {
		t.Errorf("the thread is %+v, %v", entries, err)
	}

	// Whoever writes from there again is told on the page, not by mail.
	again := d.postForm(t, request(address, "US"))
	if !strings.Contains(again, "We did not send a confirmation") {
		t.Errorf("the received page does not say that no confirmation went out:\n%.3000s", again)
	}
	tickets, err := d.app.db.TicketsByRequester(t.Context(), address, 0, 9)
	if err != nil || len(tickets) != 2 {
		t.Fatalf("%d tickets, %v", len(tickets), err)
	}
	mails, err := d.app.db.OutboundsOfTicket(t.Context(), tickets[0].ID, 9)
	if err != nil || len(mails) != 1 || mails[0].State != store.StateSuppressed || !strings.HasPrefix(mails[0].Reason, store.RuleSuppressed) {
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
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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
	status, answer := contact(t, d.url(), request(address, "US"), nil)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	ticket, err := d.app.db.TicketByNumber(t.Context(), answer["number"].(string))
	if err != nil {
		t.Fatal(err)
	}
	mail := d.awaitFate(t, ticket.ID)
	if got := mail.Delivery; mail.State != store.StateFailed || got.Fate != store.FateBounced || got.Outcome != store.OutcomeDead || got.Inbound != 0 {
		t.Errorf("the confirmation is %+v", mail)
	}
	held, err := d.app.db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Reason != "userunknown" {
		t.Errorf("suppressed: %+v, %v", held, err)
	}
	if ticket, err = d.app.db.Ticket(t.Context(), ticket.ID); err != nil || ticket.Question != store.QuestionUndeliverable {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	entries, err := d.app.db.Entries(t.Context(), ticket.ID, 0, 9)
	if err != nil || len(entries) != 2 || entries[1].Event != store.EventMailBounced || !strings.Contains(entries[1].Body, "5.1.1") {
		t.Errorf("the thread is %+v, %v", entries, err)
	}
	if again := d.postForm(t, request(address, "US")); !strings.Contains(again, "We did not send a confirmation") {
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
	if row := d.awaitVerdict(t, "two@refuse.example.net"); row.Answer != 0 || !strings.Contains(fmt.Sprint(row.Verdict.Rules), store.RuleSuppressed) {
		t.Errorf("answered again: %+v", row)
	}
}
