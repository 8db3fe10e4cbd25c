//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// TestE2EStrayMail: a person who writes to the support address is answered once,
// in the thread; a machine never; and the ledger says why.
func TestE2EStrayMail(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.Start(t)
	s.awaitRead(t) // what waits in a mailbox before is not answered

	const person = "person@example.net"
	h.write(t, person, s.US, letter(person, s.US, "first@example.net", "Where is my order?"))
	answer := h.awaitMail(t, person, 1)[0]
	if got := answer.Header.Get("In-Reply-To"); got != "<first@example.net>" {
		t.Errorf("the answer does not thread under the mail: In-Reply-To is %q", got)
	}
	if got := answer.Header.Get("Auto-Submitted"); got != "auto-replied" {
		t.Errorf("Auto-Submitted is %q", got)
	}
	if !strings.Contains(answer.Header.Get("From"), s.US) {
		t.Errorf("answered from %q, want %s", answer.Header.Get("From"), s.US)
	}
	if got := answer.Header.Get("Return-Path"); got != "<>" {
		t.Errorf("the answer left under %q, want the null sender", got)
	}
	if text := decodedParts(t, answer); !strings.Contains(text, s.URL+"/contact") ||
		strings.Contains(text, "Where is my order") {
		t.Errorf("the answer must hold the form's link and nothing of the mail:\n%s", text)
	}

	silent := []struct {
		rule, from, to, raw string
		seen                float64 // how often the rule has fired by then
	}{
		{"answered-already", person, s.US, letter(person, s.US, "second@example.net", "And again"), 1},
		{"auto-submitted", "away@example.net", s.US,
			with(letter("away@example.net", s.US, "away@example.net", "Gone fishing"), "Auto-Submitted: auto-replied"), 1},
		{"list-header", "news@example.org", s.Intl,
			with(letter("news@example.org", s.Intl, "news@example.org", "Our June offers"),
				"List-Unsubscribe: <mailto:leave@example.org>", "Precedence: bulk"), 1},
		{"list-header", "members@example.org", s.Intl,
			with(letter("members@example.org", s.Intl, "members@example.org", "[members] Lunch?"),
				"List-Id: Members <members.example.org>"), 2},
		{"null-sender", "", s.US, deliveryReport(s.US), 1},
	}
	for _, m := range silent {
		h.write(t, m.from, m.to, m.raw)
		eventually(t, 15*time.Second, "the ledger names the rule "+m.rule, func() error {
			if s.metric(t, fmt.Sprintf("signpost_verdict_rules_total{rule=%q}", m.rule)) < m.seen {
				return fmt.Errorf("it does not")
			}
			return nil
		})
	}
	eventually(t, 15*time.Second, "all six mails are decided", func() error {
		if n := s.metric(t, `signpost_inbound_mails{state="decided"}`); n != 6 {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})
	for _, address := range []string{"away@example.net", "news@example.org", "members@example.org"} {
		if got := h.mails(t, address); len(got) != 0 {
			t.Errorf("%s, a machine, was answered:\n%s", address, got[0].Raw)
		}
	}
	if got := h.mails(t, person); len(got) != 1 {
		t.Errorf("the person was answered %d times", len(got))
	}
}

// with puts header fields in front of a mail.
func with(raw string, fields ...string) string {
	return strings.Join(fields, "\n") + "\n" + raw
}

// deliveryReport is a bounce as Postfix writes it.
func deliveryReport(to string) string {
	return "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nTo: " + to + `
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<gone@example.org>: user unknown
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; gone@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b--
`
}

// TestE2ETwoSignposts: two installations whose mailboxes answer each other send
// at most one mail each.
func TestE2ETwoSignposts(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	a := newService(t, h, serviceOptions{us: "us@example.com", intl: "support@example.com"})
	b := newService(t, h, serviceOptions{us: "us@example.net", intl: "support@example.net"})
	a.Start(t)
	b.Start(t)
	a.awaitRead(t)
	b.awaitRead(t)
	// Somebody writes to A in B's name, from an address of B's that reads like a
	// person's.
	h.write(t, b.Intl, a.Intl, letter(b.Intl, a.Intl, "start@example.net", "Hello"))
	eventually(t, 15*time.Second, "A has decided the mail", func() error {
		if a.metric(t, `signpost_inbound_mails{state="decided"}`) < 1 {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	// What A answered lies in B's mailbox; B must have judged it before silence
	// means anything.
	answered := a.metric(t, `signpost_outbox_attempts_total{outcome="sent"}`)
	eventually(t, 15*time.Second, "B has decided A's answer", func() error {
		if answered = a.metric(t, `signpost_outbox_attempts_total{outcome="sent"}`); answered < 1 {
			return fmt.Errorf("A has not answered")
		}
		if b.metric(t, `signpost_inbound_mails{state="decided"}`) < 1 {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	if answered != 1 {
		t.Errorf("A sent %v mails, want 1", answered)
	}
	if sent := b.metric(t, `signpost_outbox_attempts_total{outcome="sent"}`); sent > 1 {
		t.Errorf("B sent %v mails, want at most 1", sent)
	}
	if got := len(h.mails(t, a.Intl)); got > 2 {
		t.Errorf("A's mailbox holds %d mails: a loop", got)
	}
}

// TestE2EKill kills the service in the middle of 64 concurrent posts, many
// times over: every post that was answered 201 is there afterwards, with its
// confirmation queued or sent, none twice.
func TestE2EKill(t *testing.T) {
	t.Parallel()
	const rounds, clients = 50, 64
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	acknowledged := map[string]string{} // number by address
	var mu sync.Mutex
	for round := range rounds {
		s.Start(t)
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		enough := make(chan struct{}, clients*100)
		for client := range clients {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					address := fmt.Sprintf("p%d-%d-%d@example.org", round, client, i)
					a, _, err := partnerPost(address, "US").send(ctx, s.URL)
					if err != nil {
						return // the service died under us
					}
					mu.Lock()
					acknowledged[address] = a.Number
					mu.Unlock()
					enough <- struct{}{}
				}
			})
		}
		for range clients / 2 {
			<-enough
		}
		s.Kill(t)
		stop()
		wg.Wait()
	}
	s.Start(t)
	checkNumbers(t, acknowledged)
	const opened, queued, claimed, sent = `signpost_tickets_total{region="us"}`, `signpost_outbox_mails{state="queued"}`,
		`signpost_outbox_mails{state="claimed"}`, `signpost_outbox_mails{state="sent"}`
	n := s.metrics(t, opened, queued, claimed, sent)
	tickets, confirmed := n[opened], n[queued]+n[claimed]+n[sent]
	t.Logf("%d posts acknowledged over %d kills, %v tickets, %v confirmations queued or sent, %v of them sent",
		len(acknowledged), rounds, tickets, confirmed, n[sent])
	if int(tickets) < len(acknowledged) {
		t.Errorf("%d posts were acknowledged, %v tickets are there", len(acknowledged), tickets)
	}
	if tickets != confirmed {
		t.Errorf("%v tickets have %v confirmations queued or sent", tickets, confirmed)
	}
	s.Kill(t)
	checkStoreOf(t, s, acknowledged)
}

// checkNumbers finds a number given to two partners.
func checkNumbers(t *testing.T, acknowledged map[string]string) {
	t.Helper()
	by := map[string]string{}
	for address, number := range acknowledged {
		if other, ok := by[number]; ok {
			t.Errorf("%s was given to both %s and %s", number, address, other)
		}
		by[number] = address
	}
}

// checkStoreOf opens the store of a killed service and looks every
// acknowledged post up in it.
func checkStoreOf(t *testing.T, s *service, acknowledged map[string]string) {
	t.Helper()
	s.inspect(t, func(db *verbs.Store) {
		for address, number := range acknowledged {
			ticket, _ := theMailOf(t, db, number)
			if ticket.Requester.Email != address {
				t.Fatalf("%s was acknowledged to %s; the store has %q", number, address, ticket.Requester.Email)
			}
			mine, err := store.Items(db.TicketsByRequester(t.Context(), store.ByService(), store.ActReadTicket,
				address, store.Page{Limit: 10}))
			if err != nil || len(mine) != 1 {
				t.Fatalf("%s posted once and has %d tickets: %v", address, len(mine), err)
			}
		}
	})
}

// TestE2EHostileHeaders: nothing a submitter writes gets into the mail.
func TestE2EHostileHeaders(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.Start(t)
	p := partnerPost("victim@example.org", "DE")
	p.Fields.Set("name", "Eve\r\nBcc: other@example.org")
	p.Fields.Set("title", "x\r\nX-Evil: 1")
	p.Fields.Set("company", "Buy at https://evil.example now")
	a, status, err := p.send(t.Context(), s.URL)
	if err != nil && status != 422 {
		t.Fatal(err)
	}
	if status == 422 { // refusing is as good, if it says why
		return
	}
	got := h.awaitMail(t, "victim@example.org", 1)[0]
	keys := make([]string, 0, len(got.Header))
	for k := range got.Header {
		keys = append(keys, textproto.CanonicalMIMEHeaderKey(k))
	}
	if slices.Contains(keys, "Bcc") || slices.Contains(keys, "X-Evil") {
		t.Errorf("a header field was injected:\n%s", got.Raw)
	}
	if text := decodedParts(t, got); strings.Contains(text, "evil") || strings.Contains(text, "Eve") ||
		!strings.Contains(text, a.Number) {
		t.Errorf("the confirmation of %s holds what the submitter wrote:\n%s", a.Number, text)
	}
}
