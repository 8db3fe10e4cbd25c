package watch

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"signpost/mail/sandbox"
	"signpost/store"
	"signpost/store/ident"
)

// posted is a ticket whose confirmation the relay took.
type posted struct {
	mail   store.Outbound
	sender string // its tagged envelope sender
}

// post opens a ticket for an address and sends its confirmation.
func (h *house) post(email string) posted {
	h.t.Helper()
	ctx, now := context.Background(), time.Now()
	opened, err := h.ledger.OpenTicket(ctx, now, store.NewTicket{
		Region: h.box.Regions[0], Channel: store.ChannelForm,
		Requester: store.Contact{Name: "Ann", Email: email, Country: "US", Lang: "es"},
		Title:     "x", Body: "y", Link: ident.NewLink(now), LinkExpires: now.Add(24 * time.Hour),
		MessageID: h.deps.Ring.MessageID(now, store.MailConfirmation, "example.com"),
	})
	h.must(err)
	rows, err := h.ledger.ClaimOutbound(ctx, now, store.Claim{Limit: 9, Lease: store.Leases{time.Minute}})
	h.must(err)
	for _, row := range rows {
		h.must(h.ledger.FinishOutbound(ctx, now, store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent,
			Reply: "250 ok", Code: 250}))
	}
	mail := opened.Confirmation
	return posted{mail, h.deps.Ring.EnvelopeFrom(mail.From, mail.ID, mail.To, mail.QueuedAt)}
}

// returned is the report that a host writes of a mail under our tagged sender,
// as it lies in our mailbox.
func (h *house) returned(p posted) string {
	h.t.Helper()
	host := sandbox.New(sandbox.Config{Host: "mx.example.com", Password: "demo"})
	defer host.Close()
	original := "From: <" + p.mail.From + ">\r\nTo: <" + p.mail.To + ">\r\nSubject: Your request\r\nMessage-ID: <" +
		p.mail.MessageID + ">\r\n\r\nText\r\n"
	h.must(host.Deliver(p.sender, []string{p.mail.To}, []byte(original)))
	m, err := host.Await(context.Background(), p.sender, func(sandbox.Mail) bool { return true })
	h.must(err)
	return string(m.Raw)
}

// untagged takes the envelope's tag out of a report, as a relay does that writes
// senders anew.
func (p posted) untagged(raw string) string { return strings.ReplaceAll(raw, p.sender, p.mail.From) }

// anonymous also takes out the Message-ID.
func (p posted) anonymous(raw string) string {
	return strings.ReplaceAll(p.untagged(raw), p.mail.MessageID, "0100018f@relay.example")
}

func withField(raw, field string) string { return field + "\r\n" + raw }

// fate is what the store knows of a mail's delivery.
func (h *house) fate(p posted) store.Delivery {
	h.t.Helper()
	mail, err := h.ledger.Outbound(context.Background(), p.mail.ID)
	h.must(err)
	return mail.Delivery
}

func (h *house) suppressed(address string) []store.Suppression {
	h.t.Helper()
	all, err := h.ledger.SuppressionsOf(context.Background(), time.Now(), address)
	h.must(err)
	return all
}

const lost = "nobody@bounce.example.net"

func TestABounceIsTiedToItsMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tie    store.Tie
		change func(h *house, p posted, raw string) string
	}{
		"by the tagged sender": {store.TieEnvelope, func(_ *house, _ posted, raw string) string { return raw }},
		"in capitals": {store.TieEnvelope, func(_ *house, p posted, raw string) string {
			return strings.ReplaceAll(raw, p.sender, strings.ToUpper(p.sender))
		}},
		"by the tag alone": {store.TieEnvelope, func(_ *house, p posted, raw string) string {
			return strings.ReplaceAll(raw, p.mail.MessageID, "0100018f@relay.example")
		}},
		"by the tag that only its original shows": {store.TieEnvelope, func(_ *house, p posted, raw string) string {
			return strings.Replace(p.anonymous(raw), "Subject: Your request",
				"Return-Path: <"+p.sender+">\r\nSubject: Your request", 1)
		}},
		"by the original's Message-ID": {store.TieMessageID,
			func(_ *house, p posted, raw string) string { return p.untagged(raw) }},
		"by our own header, where the relay gave another Message-ID": {store.TieHeader,
			func(_ *house, p posted, raw string) string {
				return strings.Replace(p.anonymous(raw), "Subject: Your request",
					"X-Signpost-Ref: <"+p.mail.MessageID+">\r\nSubject: Your request", 1)
			}},
		"by the envelope's id": {store.TieEnvID, func(_ *house, p posted, raw string) string {
			return strings.Replace(p.anonymous(raw), "Reporting-MTA:",
				"Original-Envelope-Id: "+p.mail.MessageID+"\r\nReporting-MTA:", 1)
		}},
		"by its thread": {store.TieInReplyTo, func(_ *house, p posted, raw string) string {
			return withField(p.anonymous(raw), "In-Reply-To: <"+p.mail.MessageID+">")
		}},
		"by the recipient it was first written to": {store.TieEnvelope, func(_ *house, _ posted, raw string) string {
			return strings.Replace(raw, "Final-Recipient: rfc822; "+lost,
				"Original-Recipient: rfc822;"+lost+"\r\nFinal-Recipient: rfc822; behind@elsewhere.test", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				p := h.post(lost)
				h.deliver(c.change(h, p, h.returned(p)))
				h.start()
				time.Sleep(time.Second)
				row := h.rows()[0]
				if len(row.Verdict.Reports) != 1 || row.Verdict.Reports[0].Tie != c.tie ||
					row.Verdict.Reports[0].Outbound != p.mail.ID || !fired(row, RuleTied) {
					t.Fatalf("the verdict is %+v", row.Verdict)
				}
				d := h.fate(p)
				if d.Fate != store.FateBounced || d.Outcome != store.OutcomeDead || d.Inbound != row.ID ||
					!strings.Contains(d.Diagnostic, "User unknown") {
					t.Errorf("the mail's fate is %+v", d)
				}
				if held := h.suppressed(lost); len(held) != 1 || held[0].Scope != store.ScopeAll {
					t.Errorf("suppressed: %+v", held)
				}
				k, err := h.ledger.Ticket(context.Background(), p.mail.Ticket)
				if err != nil || k.Question != store.QuestionUndeliverable {
					t.Errorf("the ticket is %+v, %v", k, err)
				}
			})
		})
	}
}

// What any sender can write, and what one can who once got a mail from us.
func TestAForgedBounceHasNoEffect(t *testing.T) {
	t.Parallel()
	const mallory = "mallory@bounce.example.net"
	for name, c := range map[string]struct {
		tie    store.Tie
		rule   string
		change func(h *house, p posted, raw string) string
	}{
		"it names a recipient and nothing of ours": {store.TieProbable, RuleProbable,
			func(_ *house, p posted, raw string) string { return p.anonymous(raw) }},
		"the tag's row was changed": {store.TieProbable, RuleProbable, func(h *house, p posted, raw string) string {
			other := h.deps.Ring.EnvelopeFrom(p.mail.From, p.mail.ID+1, p.mail.To, p.mail.QueuedAt)
			_, good, _ := strings.Cut(p.sender, "+b-")
			_, mac, _ := strings.Cut(good, "-")
			head, _, _ := strings.Cut(other[strings.Index(other, "+b-")+3:], "-")
			return strings.ReplaceAll(p.anonymous(raw), p.mail.From, strings.Replace(p.mail.From, "@", "+b-"+head+"-", 1)+mac)
		}},
		"a tag of another installation": {store.TieProbable, RuleProbable, func(_ *house, p posted, raw string) string {
			ring, err := ident.New(bytes.Repeat([]byte{8}, ident.SecretBytes))
			if err != nil {
				panic(err)
			}
			return withField(p.anonymous(raw),
				"Delivered-To: "+ring.EnvelopeFrom(p.mail.From, p.mail.ID, p.mail.To, p.mail.QueuedAt))
		}},
		"an invented Message-ID": {store.TieProbable, RuleProbable, func(_ *house, p posted, raw string) string {
			return strings.ReplaceAll(p.untagged(raw), p.mail.MessageID,
				"c."+strings.Repeat("a", 26)+"."+strings.Repeat("a", 16)+"@example.com")
		}},
		"the tag of another's mail": {store.TieOther, RuleOther, func(h *house, p posted, raw string) string {
			return strings.ReplaceAll(p.anonymous(raw), p.mail.From, h.post(mallory).sender)
		}},
		"the Message-ID of another's mail": {store.TieOther, RuleOther, func(h *house, p posted, raw string) string {
			return strings.ReplaceAll(p.untagged(raw), p.mail.MessageID, h.post(mallory).mail.MessageID)
		}},
		"about an address we never wrote to": {"", RuleUnverified, func(_ *house, p posted, raw string) string {
			return strings.ReplaceAll(p.anonymous(raw), lost, "stranger@bounce.example.net")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				p := h.post(lost)
				raw := h.returned(p)
				h.deliver(c.change(h, p, raw))
				h.start()
				time.Sleep(time.Second)
				row := h.rows()[0]
				if len(row.Verdict.Reports) != 1 || row.Verdict.Reports[0].Tie != c.tie || !fired(row, c.rule) {
					t.Errorf("the verdict is %+v", row.Verdict)
				}
				if d := h.fate(p); d.Fate != "" {
					t.Errorf("the mail's fate is %+v", d)
				}
				for _, address := range []string{lost, mallory, "stranger@bounce.example.net"} {
					if held := h.suppressed(address); len(held) > 0 {
						t.Errorf("suppressed: %+v", held)
					}
				}
			})
		})
	}
}

func TestAReportThatComesTooLateHasNoEffect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		p := h.post(lost)
		raw := h.returned(p)
		time.Sleep(tieKept + 25*time.Hour)
		h.deliver(raw)
		h.start()
		time.Sleep(time.Second)
		if row := h.rows()[0]; !fired(row, RuleUnverified) || h.fate(p).Fate != "" {
			t.Errorf("the verdict is %+v, the mail's fate %+v", row.Verdict, h.fate(p))
		}
	})
}

func TestADelayAndARefusalLeaveTheAddressAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		late, spam, full := h.post("delay@bounce.example.net"), h.post("spam@bounce.example.net"),
			h.post("full@bounce.example.net")
		for _, p := range []posted{late, spam, full} {
			h.deliver(h.returned(p))
		}
		h.start()
		time.Sleep(time.Second)
		for _, c := range []struct {
			p    posted
			fate store.Fate
		}{{late, store.FateDelayed}, {spam, store.FateRefused}, {full, store.FateBounced}} {
			if d := h.fate(c.p); d.Fate != c.fate {
				t.Errorf("%s: %+v, want %s", c.p.mail.To, d, c.fate)
			}
			if held := h.suppressed(c.p.mail.To); len(held) > 0 {
				t.Errorf("suppressed: %+v", held)
			}
		}
		refusals, err := store.Items(h.ledger.Refusals(context.Background(), time.Now().Add(-time.Hour),
			store.Page{Limit: 9}))
		if err != nil || len(refusals) != 1 || refusals[0].Host != "example.net" ||
			refusals[0].Text != "554 5.7.1 message rejected as spam by content filtering" {
			t.Errorf("refusals %+v, %v", refusals, err)
		}
	})
}

// complaintOf is a feedback report (RFC 5965) about a mail.
func complaintOf(p posted, recipient string) string {
	return strings.Join([]string{
		"Return-Path: <>", "From: <feedback@provider.example>", "To: <" + p.mail.From + ">", "Subject: FW: Your request",
		"Message-ID: <fbl@provider.example>", "MIME-Version: 1.0",
		`Content-Type: multipart/report; report-type=feedback-report; boundary="b"`, "",
		"--b", "Content-Type: text/plain", "", "This is an abuse report.", "",
		"--b", "Content-Type: message/feedback-report", "", "Feedback-Type: abuse", "User-Agent: Provider/1", "Version: 1",
		"Original-Rcpt-To: " + recipient, "",
		"--b", "Content-Type: message/rfc822", "", "From: <" + p.mail.From + ">", "Message-ID: <" + p.mail.MessageID + ">",
		"Subject: Your request", "", "Text",
		"--b--", "",
	}, "\r\n")
}

func TestAComplaintEndsAutomaticMailToTheOneWhoComplained(t *testing.T) {
	t.Parallel()
	for recipient, complained := range map[string]bool{
		"ann@partner.test":           true,
		"redacted-1234@partner.test": true,
		"nobody":                     true, // hidden altogether
		"bob@partner.test":           false,
	} {
		t.Run(recipient, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				p := h.post("ann@partner.test")
				h.deliver(complaintOf(p, recipient))
				h.start()
				time.Sleep(time.Second)
				held := h.suppressed("ann@partner.test")
				if complained != (len(held) == 1 && held[0].Scope == store.ScopeAutomatic) {
					t.Errorf("suppressed: %+v; verdict %+v", held, h.rows()[0].Verdict)
				}
				if got := h.fate(p).Fate == store.FateComplained; got != complained {
					t.Errorf("the mail's fate is %+v", h.fate(p))
				}
				if held := h.suppressed("bob@partner.test"); len(held) > 0 {
					t.Errorf("suppressed: %+v", held)
				}
			})
		})
	}
}

// Some feedback takes a complaint back, or is about mail that others sent in our
// name: it is recorded, and no partner loses mail by it.
func TestFeedbackThatIsNoComplaintHasNoEffect(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"not-spam", "auth-failure"} {
		for _, recipient := range []string{"ann@partner.test", "nobody"} {
			t.Run(kind+" "+recipient, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					h := newHouse(t)
					h.connectedBefore()
					p := h.post("ann@partner.test")
					h.deliver(strings.Replace(complaintOf(p, recipient), "Feedback-Type: abuse", "Feedback-Type: "+kind, 1))
					h.start()
					time.Sleep(time.Second)
					row := h.rows()[0]
					if row.Verdict.Kind != store.KindComplaint || !fired(row, RuleTied) ||
						row.Verdict.Reports[0].Outcome != store.OutcomeDone {
						t.Errorf("the verdict is %+v", row.Verdict)
					}
					if held := h.suppressed("ann@partner.test"); len(held) > 0 || h.fate(p).Fate != "" {
						t.Errorf("suppressed: %+v; the mail's fate is %+v", held, h.fate(p))
					}
				})
			})
		}
	}
}

func TestOneWhoseAnswerCameBackIsNotAnsweredAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.start()
		h.deliver(letter("ann@partner.test", "one@partner.test"))
		time.Sleep(time.Second)
		answer := h.outbox()[0]
		rows, err := h.ledger.ClaimOutbound(context.Background(), time.Now(),
			store.Claim{Limit: 1, Lease: store.Leases{time.Minute}})
		h.must(err)
		h.must(h.ledger.FinishOutbound(context.Background(), time.Now(),
			store.Finish{ID: answer.ID, Claim: rows[0].Claim, State: store.StateSent}))
		p := posted{mail: answer, sender: h.deps.Ring.EnvelopeFrom(answer.From, answer.ID, answer.To, answer.QueuedAt)}
		h.deliver(strings.ReplaceAll(h.returnedFrom(p, "bounce.example.net"), "bounce.example.net", "partner.test"))
		time.Sleep(8 * 24 * time.Hour)
		h.deliver(letter("ann@partner.test", "two@partner.test"))
		time.Sleep(time.Second)
		h.decided(3, 1)
		if row := h.rows()[2]; !fired(row, store.RuleSuppressed) {
			t.Errorf("the rules are %v", row.Verdict.Rules)
		}
	})
}

// returnedFrom is returned for a recipient at a domain that the sandbox does not
// play: it bounces at another and is spelled back.
func (h *house) returnedFrom(p posted, domain string) string {
	local, _, _ := strings.Cut(p.mail.To, "@")
	p.mail.To = local + "@" + domain
	return h.returned(p)
}

func TestEveryReportOfASeenMailIsBounded(t *testing.T) {
	t.Parallel()
	ring, err := ident.New(bytes.Repeat([]byte{7}, ident.SecretBytes))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "Message-ID: <%s>\r\nOriginal-Envelope-Id: %d\r\nX: %s\r\n",
			ring.MessageID(time.Now(), store.MailConfirmation, "example.com"),
			i, ring.EnvelopeFrom("support@example.com", store.OutboundID(i), "a@b.test", time.Now()))
	}
	if n := len(claims([]byte(text.String()), nil)); n != maxClaims {
		t.Errorf("%d claims, want %d", n, maxClaims)
	}
	for _, odd := range []string{
		"", "@", "@@@", "+b-@", "x+b--@x", strings.Repeat("+b-a@", 1000), "Remote-MTA:", "remote-mta: dns;", "\x00:\x00",
	} {
		if all := claims([]byte(odd), []store.Report{{}}); len(all) > 0 {
			t.Errorf("%.20q holds %v", odd, all)
		}
		if host := remoteHost([]byte(odd)); host != "" {
			t.Errorf("%.20q names the host %q", odd, host)
		}
	}
}

// A report's writer says which host refused; it is believed of one to which the
// recipient's mail goes.
func TestTheRefusingHostIsTheRecipients(t *testing.T) {
	t.Parallel()
	mx := &names{mx: map[string]any{
		"partner.test": []*net.MX{{Host: "mx1.provider.test."}, {Host: "mx2.provider.test."}},
		"evil.test":    []*net.MX{{Host: "mx.evil.test."}}, "silent.test": errNoReply,
	}}
	for _, c := range []struct {
		to, claimed string
		resolver    Resolver
		want        string
	}{
		{"ann@partner.test", "provider.test", mx, "provider.test"},
		{"ann@sales.partner.test", "partner.test", mx, "partner.test"},
		{"x@evil.test", "bank.test", mx, ""},
		{"x@silent.test", "bank.test", mx, ""},
		{"x@nowhere.test", "bank.test", mx, ""},
		{"ann@partner.test", "provider.test", nil, ""},
		{"ann@partner.test", "", mx, ""},
	} {
		w := New(Mailbox{}, Deps{Resolver: c.resolver})
		if got := w.receiverOf(t.Context(), c.to, c.claimed); got != c.want {
			t.Errorf("mail to %s refused by %q: named is %q, want %q", c.to, c.claimed, got, c.want)
		}
	}
}

func TestTheRefusingHostIsItsOrganisation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Remote-MTA: dns; mx1.mail.example.co.uk\r\n":                                             "example.co.uk",
		"Remote-MTA: dns; MX1.example.com.\r\nRemote-MTA: dns;mx2.example.com (192.0.2.1)\r\n":    "example.com",
		"Remote-MTA: dns; mx.one.example\r\nRemote-MTA: dns; mx.two.example\r\n":                  "",
		"Remote-MTA: dns; [192.0.2.1]\r\n":                                                        "",
		"Remote-MTA: dns; 192.0.2.1\r\n> Remote-MTA: dns; mail.partner.example\r\nNothing else\n": "partner.example",
	} {
		if got := remoteHost([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzClaims: whatever a report holds, few claims come of it, and each is one
// that the store can be asked about.
func FuzzClaims(f *testing.F) {
	ring, err := ident.New(bytes.Repeat([]byte{7}, ident.SecretBytes))
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tag := ring.EnvelopeFrom("support@example.com", 12, "a@b.test", now)
	f.Add([]byte("Delivered-To: "+tag+"\r\nIn-Reply-To: <a@b>\r\n\r\nMessage-ID: <c@d>\r\n"), "c@d")
	f.Add([]byte("To: <SRS0=x=y=example.com="+tag+">\n\nOriginal-Envelope-Id: e@f\nRemote-MTA: dns; mx.b.test\n"), "")
	f.Add([]byte("> Return-Path: <support+b-aaaa=\r\naaaa-bbbb@x>"), "<>")
	f.Fuzz(func(t *testing.T, raw []byte, id string) {
		text := unbroken(raw)
		all := claims(text, []store.Report{{OriginalMessageID: id}})
		if len(all) > maxClaims {
			t.Fatalf("%d claims", len(all))
		}
		for _, c := range all {
			tagged := bytes.Contains(bytes.ToLower(text), []byte("+b-"))
			if c.tie != store.TieEnvelope && c.id == "" || c.tie == store.TieEnvelope && !tagged {
				t.Fatalf("claim %+v of %q", c, raw)
			}
		}
		if host := remoteHost(text); strings.ContainsAny(host, " \r\n<>@/:") {
			t.Fatalf("host %q", host)
		}
	})
}

// What a reader's programs send back stands on the ticket, once, when it is proven
// to be about its mail.
func TestWhatProgramsSendBackIsToldOnTheTicket(t *testing.T) {
	t.Parallel()
	away := func(p posted, fields ...string) string {
		return strings.Join(append([]string{"Return-Path: <ann@partner.test>", "From: <ann@partner.test>",
			"To: <" + p.mail.From + ">",
			"Subject: Out of office: Your request", "Message-ID: <away@partner.test>", "Auto-Submitted: auto-replied"},
			append(fields, "", "Back on Monday.", "")...), "\r\n")
	}
	receipt := func(p posted) string {
		return strings.Join([]string{"Return-Path: <>", "From: <ann@partner.test>", "To: <" + p.mail.From + ">",
			"Subject: Read: Your request",
			"Message-ID: <read@partner.test>", "MIME-Version: 1.0",
			`Content-Type: multipart/report; report-type=disposition-notification; boundary="b"`, "",
			"--b", "Content-Type: text/plain", "", "Your message was read.", "",
			"--b", "Content-Type: message/disposition-notification", "", "Final-Recipient: rfc822; ann@partner.test",
			"Original-Message-ID: <" + p.mail.MessageID + ">", "Disposition: manual-action/MDN-sent-manually; displayed", "",
			"--b--", ""}, "\r\n")
	}
	for name, c := range map[string]struct {
		mail  func(p posted) string
		event store.Event
	}{
		"an absence in the thread": {func(p posted) string { return away(p, "In-Reply-To: <"+p.mail.MessageID+">") },
			store.EventMailAutoReplied},
		"an absence to the tagged name": {func(p posted) string { return away(p, "Delivered-To: "+p.sender) },
			store.EventMailAutoReplied},
		"a receipt":                {receipt, store.EventMailRead},
		"an absence about nothing": {func(p posted) string { return away(p) }, ""},
		"an id we never minted": {func(p posted) string {
			return away(p, "In-Reply-To: <"+strings.Replace(p.mail.MessageID, "c.", "c.a", 1)+">")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				p := h.post("ann@partner.test")
				h.deliver(c.mail(p))
				h.start()
				time.Sleep(time.Second)
				thread, err := store.Items(h.ledger.Entries(context.Background(), p.mail.Ticket, 1, store.Page{Limit: 9}))
				h.must(err)
				row := h.rows()[0]
				if c.event == "" {
					if len(thread) != 0 || fired(row, RuleEcho) || row.Verdict.About != 0 {
						t.Errorf("the thread is %+v, the verdict %+v", thread, row.Verdict)
					}
					return
				}
				if len(thread) != 1 || thread[0].Event != c.event || thread[0].Body != row.Subject || !fired(row, RuleEcho) ||
					row.Answer != 0 {
					t.Errorf("the thread is %+v, the verdict %+v", thread, row.Verdict)
				}
			})
		})
	}
}
