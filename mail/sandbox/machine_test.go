package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"signpost/store"
)

func TestABounceReadsBackAsAReport(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	c := dialSMTP(t, s)
	mail := &smtp.MailOptions{EnvelopeID: "row-42", Return: smtp.DSNReturnHeaders}
	if err := c.Mail("support+b-tag@example.com", mail); err != nil {
		t.Fatal(err)
	}
	for to, opts := range map[string]*smtp.RcptOptions{
		"ann@bounce.example.net": {OriginalRecipientType: smtp.DSNAddressTypeRFC822,
			OriginalRecipient: "Ann@partner.example", Notify: []smtp.DSNNotify{smtp.DSNNotifyFailure}},
		"quiet@bounce.example.net": {Notify: []smtp.DSNNotify{smtp.DSNNotifyNever}},
		"bob@partner.example":      {},
	} {
		if err := c.Rcpt(to, opts); err != nil {
			t.Fatal(err)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(mailOf("support@example.com", "ann@bounce.example.net", "Your request"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := await(t, s, "support@example.com", "Undelivered")
	if m.EnvelopeFrom != "" || m.To != "support+b-tag@example.com" {
		t.Errorf("the report came from %q to %q", m.EnvelopeFrom, m.To)
	}
	parts := reportParts(t, m.Raw)
	for _, want := range []string{
		"Original-Envelope-Id: row-42\r\n", "Original-Recipient: RFC822;Ann@partner.example\r\n",
		"Final-Recipient: rfc822; ann@bounce.example.net\r\n", "Action: failed\r\n", "Status: 5.1.1\r\n",
	} {
		if !strings.Contains(parts["message/delivery-status"], want) {
			t.Errorf("no %q in:\n%s", want, parts["message/delivery-status"])
		}
	}
	if strings.Contains(string(m.Raw), "quiet@") {
		t.Errorf("NOTIFY=NEVER was reported:\n%s", m.Raw)
	}
	returned := parts["text/rfc822-headers"]
	if !strings.Contains(returned, "Subject: Your request") || strings.Contains(returned, "Hello there") {
		t.Errorf("returned with RET=HDRS:\n%s", returned)
	}
	if got := s.Mails("bob@partner.example", 0, 9); len(got) != 1 {
		t.Errorf("the good recipient has %d mails", len(got))
	}
}

func TestReasonsDelaysAndSuccessesAreReportedAsAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	raw := mailOf("me@example.com", "x", "x")
	for to, want := range map[string][]string{
		"full@bounce.example.net":  {"Status: 5.2.2\r\n", "Action: failed\r\n", "Content-Type: message/rfc822\r\n"},
		"delay@bounce.example.net": {"Status: 4.4.1\r\n", "Action: delayed\r\n"},
	} {
		send(t, s, "me@example.com", to, raw)
		await(t, s, "me@example.com", append(want, "Final-Recipient: rfc822; "+to)...)
	}
	c := dialSMTP(t, s)
	if err := c.Mail("me@example.com", nil); err != nil {
		t.Fatal(err)
	}
	notify := &smtp.RcptOptions{Notify: []smtp.DSNNotify{smtp.DSNNotifySuccess}}
	if err := c.Rcpt("ann@partner.example", notify); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(raw)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, s, "me@example.com", "Action: delivered\r\n", "Final-Recipient: rfc822; ann@partner.example")
}

// reportParts splits a multipart/report by the media types of its parts.
func reportParts(t testing.TB, raw []byte) map[string]string {
	t.Helper()
	m := parse(t, raw)
	mediaType, params := mediaTypeOf(t, m.Header.Get("Content-Type"))
	if mediaType != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Fatalf("Content-Type %s, %v", mediaType, params)
	}
	return partsOf(t, m.Body, params["boundary"])
}

func TestHostsThatRefusePutOffAndTakeTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{})
		try := func(to string) error {
			c := dialSMTP(t, s)
			defer c.Close()
			if err := c.Mail("me@example.com", nil); err != nil {
				t.Fatal(err)
			}
			return c.Rcpt(to, nil)
		}
		var reply *smtp.SMTPError
		if err := try("x@refuse.example.net"); !errors.As(err, &reply) || reply.Code != 550 ||
			reply.EnhancedCode != (smtp.EnhancedCode{5, 1, 1}) {
			t.Errorf("refuse: %v", err)
		}
		if err := try("x@greylist.example.net"); !errors.As(err, &reply) || reply.Code != 451 {
			t.Errorf("greylist, first try: %v", err)
		}
		time.Sleep(59 * time.Second)
		if err := try("x@greylist.example.net"); err == nil {
			t.Error("greylist let in too early")
		}
		time.Sleep(2 * time.Second)
		if err := try("X@greylist.example.net"); err != nil {
			t.Errorf("greylist after its time: %v", err)
		}
		began := time.Now()
		if err := try("x@slow.example.net"); err != nil || time.Since(began) < 5*time.Second {
			t.Errorf("slow: %v after %v", err, time.Since(began))
		}
	})
}

// TestGreylistingForgetsBeforeItGrows: its memory is bounded, however many addresses
// are tried.
func TestGreylistingForgetsBeforeItGrows(t *testing.T) {
	t.Parallel()
	s := New(Config{Greylist: time.Minute})
	t.Cleanup(func() { s.Close() })
	for i := range maxGreylisted + 10 {
		if s.greylist("ada@example.net", fmt.Sprintf("p%d@greylist.example.net", i)) == nil {
			t.Fatal("a first try was let in")
		}
	}
	if n := len(s.greylisted); n > maxGreylisted {
		t.Errorf("%d first tries are remembered", n)
	}
}

func TestAVacationAnswersAPersonOnceAndAMachineNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{})
		to := "bob@vacation.example.net"
		send(t, s, "ann@partner.example", to, mailOf("Ann <ann@partner.example>", to, "Lunch?"))
		synctest.Wait()
		got := s.Mails("ann@partner.example", 0, 9)
		if len(got) != 1 || got[0].EnvelopeFrom != "" || got[0].Subject != "Auto: Lunch?" {
			t.Fatalf("answers: %+v", got)
		}
		m, err := s.Mail(got[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		h := parse(t, m.Raw).Header
		if h.Get("Auto-Submitted") != "auto-replied (vacation)" || h.Get("In-Reply-To") == "" ||
			h.Get("In-Reply-To") != h.Get("References") {
			t.Errorf("header of the answer: %v", h)
		}
		send(t, s, "ann+list@partner.example", to, mailOf("Ann <ann@partner.example>", to, "Again"))
		send(t, s, "robot@partner.example", to, mailOf("robot@partner.example", to, "x", "Auto-Submitted: auto-generated"))
		send(t, s, "list@partner.example", to, mailOf("list@partner.example", to, "x", "List-Id: <l.example>"))
		send(t, s, "bcc@partner.example", to, mailOf("bcc@partner.example", "other@example.org", "x"))
		send(t, s, "", to, mailOf("MAILER-DAEMON@partner.example", to, "x"))
		synctest.Wait()
		if n := len(s.Mails("", 0, 99)); n != 7 {
			t.Errorf("%d mails in all, want the 6 sent and 1 answer", n)
		}
		time.Sleep(8 * 24 * time.Hour)
		send(t, s, "ann@partner.example", to, mailOf("Ann <ann@partner.example>", to, "A week on"))
		synctest.Wait()
		if n := len(s.Mails("ann@partner.example", 0, 99)); n != 2 {
			t.Errorf("%d answers after a week", n)
		}
	})
}

// A helpdesk answers the person where Reply-To names no address.
func TestAHelpdeskPassesOverAReplyToThatNamesNoAddress(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for name, replyTo := range map[string]string{"words": "the-team", "no domain": "<team>", "nothing": "<>"} {
		from := strings.ReplaceAll(name, " ", "-") + "@partner.example"
		send(t, s, from, "desk@helpdesk.example.net", mailOf(from, "desk@helpdesk.example.net", name, "Reply-To: "+replyTo))
		await(t, s, from, "Ticket received")
	}
}

func TestEveryLoopEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{MaxReplies: 20})
		send(t, s, "desk@helpdesk.example.net", "info@robot.example.net",
			mailOf("desk@helpdesk.example.net", "info@robot.example.net", "Round and round"))
		send(t, s, "one@robot.example.net", "two@robot.example.net",
			mailOf("one@robot.example.net", "two@robot.example.net", "me too"))
		synctest.Wait()
		sent := 0
		for _, info := range s.Switched() {
			sent += info.Sent
			if info.Sent > 20 {
				t.Errorf("%s sent %d mails", info.Key, info.Sent)
			}
		}
		if total := len(s.Mails("", 0, 999)); total != sent+2 || sent < 21 {
			t.Errorf("%d mails, %d of them by machines", total, sent)
		}
		senders := map[string]bool{}
		for _, m := range s.Mails("", 0, 999) {
			if store.Domain(m.EnvelopeFrom) == "robot.example.net" && !senders[m.EnvelopeFrom] {
				senders[m.EnvelopeFrom] = true
			}
		}
		if len(senders) < 10 {
			t.Errorf("the robot wrote from %d addresses, want a new one each time", len(senders))
		}
	})
}

func TestBehavioursAreSwitchedByAddressAndDomain(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for key, b := range map[string]Behaviour{
		"Partner.example": Bounce, "ann+x@partner.example": Plain, "bounce.example.net": Plain,
	} {
		if err := s.SetBehaviour(key, b); err != nil {
			t.Fatal(err)
		}
	}
	for address, want := range map[string]Behaviour{
		"bob@partner.example": Bounce, "ANN+y@partner.example": Plain,
		"x@bounce.example.net": Plain, "x@refuse.example.net": Refuse, "x@example.org": Plain,
	} {
		if got := s.BehaviourOf(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if err := s.SetBehaviour("bounce.example.net", ""); err != nil || s.BehaviourOf("x@bounce.example.net") != Bounce {
		t.Errorf("switched back: %v", err)
	}
	for _, bad := range []struct{ key, b string }{{"x@example.com", "explode"}, {"", "bounce"}, {"a b", "bounce"}} {
		if err := s.SetBehaviour(bad.key, Behaviour(bad.b)); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("switch %q to %q: %v", bad.key, bad.b, err)
		}
	}
}
