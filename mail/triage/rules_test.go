package triage

import (
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// person is a plain letter to the support address; each story changes one thing.
const person = `Return-Path: <ana@partner.example>
From: Ana Lima <ana@partner.example>
To: partner.support@example.com
Subject: Catalogue import stops at row 200
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <one@partner.example>

Hello, the import stops at row 200 since this morning.
`

// now is when the stories happen.
var now = time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)

func envelope() Envelope {
	return Envelope{
		Now: now, InternalDate: now, OwnInstance: "ours",
		Ours: func(a string) bool { return a == "partner.support@example.com" },
		OwnMessageID: func(id string) (store.OutboundKind, bool) {
			switch {
			case strings.HasPrefix(id, "ar."):
				return store.MailAutoResponse, true
			case strings.HasPrefix(id, "c."):
				return store.MailConfirmation, true
			}
			return "", false
		},
	}
}

func with(lines string) string { return strings.TrimSuffix(lines, "\n") + "\n" + person }

func without(prefix string) string {
	var out strings.Builder
	for line := range strings.Lines(person) {
		if !strings.HasPrefix(line, prefix) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// says is the letter with another subject and text.
func says(subject, text string) string {
	head, _, _ := strings.Cut(person, "Subject: ")
	return head + "Subject: " + subject + "\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n" +
		"Message-ID: <one@partner.example>\n\n" + text + "\n"
}

func replaced(old, new string) string {
	if !strings.Contains(person, old) {
		panic("the letter holds no " + old)
	}
	return strings.Replace(person, old, new, 1)
}

func TestAPersonIsAnswered(t *testing.T) {
	t.Parallel()
	r := Classify([]byte(person), envelope())
	if r.Kind != store.KindDirect || !r.Answer || r.AnswerTo != "ana@partner.example" || r.AnswerName != "Ana Lima" {
		t.Errorf("%+v", r)
	}
	if len(r.To) != 1 || r.To[0] != "partner.support@example.com" || r.MessageID != "one@partner.example" {
		t.Errorf("%+v", r)
	}
}

// Each rule, by the letter changed in one point: the rule must fire, with the
// words it fired on, and must decide the answer.
func TestEachRuleOnItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, raw, words string }{
		{"own-address", replaced("From: Ana Lima <ana@partner.example>", "From: Us <Partner.Support+x@example.com>"),
			"Partner.Support+x@example.com"},
		{"own-instance", with("X-Signpost-Instance: ours"), "X-Signpost-Instance: ours"},
		{"own-instance", replaced("<one@partner.example>", "<c.aa.bb@example.com>"), "c.aa.bb@example.com"},
		{RuleOwnList, with("List-ID: Support <partner.support.example.com>"), "partner.support.example.com"},
		{RuleOwnList, with("Mailing-list: list Partner.Support@example.com; contact partner.support+owners@example.com"),
			"Mailing-"},
		{RuleOwnList, with("X-BeenThere: partner.support@example.com"), "X-BeenThere"},
		{"answers-auto-response", with("In-Reply-To: <ar.aa.bb@example.com>"), "ar.aa.bb@example.com"},
		{"answers-auto-response", with("References: <x@y.example> <ar.aa.bb@example.com>"), "ar.aa.bb@example.com"},
		{"null-sender", replaced("<ana@partner.example>\n", "<>\n"), "<>"},
		{"bad-return-path", replaced("Return-Path: <ana@partner.example>", "Return-Path: <ana@localhost>"), "localhost"},
		{"bad-return-path", replaced("Return-Path: <ana@partner.example>", "Return-Path: <ana@[192.0.2.1]>"), "192.0.2.1"},
		{"bad-return-path", replaced("Return-Path: <ana@partner.example>", "Return-Path: <victim%third@relay.example>"),
			"victim%third"},
		{"bad-return-path", replaced("Return-Path: <ana@partner.example>", "Return-Path: <a!b@relay.example>"), "a!b"},
		{"robot-sender", replaced("From: Ana Lima <ana@partner.example>", "From: Shop <no-reply@partner.example>"),
			"no-reply"},
		{"robot-sender", replaced("Return-Path: <ana@partner.example>",
			"Return-Path: <bounce+x-ana=partner.example@esp.example>"), "bounce+x"},
		{"reply-to-elsewhere", "Reply-To: victim@elsewhere.example.org\n" +
			replaced("Return-Path: <ana@partner.example>", "Return-Path: <x@mailer.test>"), "victim@"},
		{"broken-from", without("From:"), "no From"},
		{"broken-from", with("From: other@partner.example"), "several"},
		{"broken-from", replaced("From: Ana Lima <ana@partner.example>", "From: MAILER"), "MAILER"},
		{"auto-submitted", with("Auto-Submitted: Auto-Replied (vacation); owner-email=x@y"), "Auto-Replied"},
		{"auto-submitted", with("Auto-Submitted: no\nAuto-Submitted: auto-notified"), "auto-notified"},
		{"precedence", with("Precedence: Bulk"), "Bulk"},
		{"precedence", with("X-Precedence: auto_reply"), "auto_reply"},
		{"list-header", with("List-Unsubscribe: <https://x.example/u>"), "List-Unsubscribe"},
		{"suppress-header", with("X-Auto-Response-Suppress: DR, OOF, AutoReply"), "OOF"},
		{"responder-header", with("X-Autoreply: yes"), "X-Autoreply"},
		{"responder-header", with("Delivered-To: Autoresponder"), "Autoresponder"},
		{"responder-header", with("In-Reply-To: <c.one@example.com>\nX-MS-Exchange-Inbox-Rules-Loop: ana@partner.example"),
			"Rules-Loop"},
		{"other-helpdesk", with("X-Signpost-Instance: another"), "another"},
		{"other-helpdesk", with("X-OTRS-Loop: hd@x.example"), "X-OTRS-Loop"},
		{"loop-header", with("X-Loop: x"), "X-Loop"},
		{"bulk-header", with("X-Campaign: 17"), "X-Campaign"},
		{"bulk-header", with("Feedback-ID: 1:2:3:esp\nPrecedence: bulk"), "Feedback-ID"},
		{"bulk-header", with("Feedback-ID: 1:2:3:esp\nList-Id: <x.example>"), "Feedback-ID"},
		{"bulk-header", "X-SG-EID: x\n" + replaced("Return-Path: <ana@partner.example>",
			"Return-Path: <bounces+1-ana=partner.example@esp.example>"), "X-SG-EID"},
		{"list-header", with("In-Reply-To: <c.one@example.com>\nList-Unsubscribe: <https://x.example/u>\nList-Id: " +
			"<x.example>"), "List-"},
		{"list-header", with("In-Reply-To: <c.one@example.com>\nList-Unsubscribe: <https://x.example/u>\nCc: " +
			"b@partner.example"), "List-Unsubscribe"},
		{"list-header", with("In-Reply-To: <c.one@example.com>\nList-Unsubscribe: <https://x.example/u>\nFeedback-ID: " +
			"1:2:3:esp"), "List-Unsubscribe"},
		{"report-part", with("Content-Type: multipart/mixed; report-type=x; boundary=b"), "report-type"},
		{"report-part", with("X-Failed-Recipients: x@y.example"), "x@y.example"},
		{"calendar", with("Content-Type: text/calendar; method=REPLY"), "reply"},
		{"calendar", with("Content-Class: urn:content-classes:calendarmessage"), "calendarmessage"},
		{"auto-subject", says("=?utf-8?q?R=C3=A9ponse_automatique_:?= x", "Je suis absent."), "réponse automatique"},
		{"auto-subject", says("自动回复： x", "我不在办公室。"), "自动回复"},
		{"away-text", "In-Reply-To: <x@example.com>\n" + says("Re: x", "I am out of the office until Monday."),
			"out of the office"},
		{"away-text", says("x", "I am on annual leave. If your matter is urgent, write to Tom."), "if your matter is urgent"},
		{"program-text", says("x", "This is an automated response."), "automated"},
		{"program-text", person + strings.Repeat("One more line of an order.\n", 200) +
			"\n-- \nThis is an automatically generated e-mail.", "automatically generated"},
		{"acknowledgement", replaced("Catalogue import stops at row 200", "[Acme #4711] Catalogue import") +
			"\nYour request has been received.", "has been received"},
		{"challenge", replaced("ana@partner.example>\nTo", "x@boxbe.com>\nTo"), "boxbe.com"},
		{"addressed-to-us", replaced("partner.support@example.com", "someone@example.com"), "someone@example.com"},
		{"resent-to-us", replaced("To: partner.support@example.com",
			"To: a@b.example\nResent-To: partner.support@example.com"), "partner.support"},
		{"many-recipients", with("Cc: " + strings.Repeat("a@b.example, ", 11)), "12 addresses"},
		{"date-off", replaced("22 Nov 2026 10", "02 Nov 2026 10"), "02 Nov 2026"},
		{"spam-mark", with("X-Spam-Flag: YES"), "YES"},
		{"spam-mark", with("X-MS-Exchange-Organization-SCL: 6"), "6"},
	} {
		r := Classify([]byte(c.raw), envelope())
		if r.Answer {
			t.Errorf("%s: answered\n%s", c.rule, c.raw)
		}
		found := false
		for _, rule := range r.Rules {
			found = found || rule.ID == c.rule && strings.Contains(rule.Evidence, c.words)
		}
		if !found {
			t.Errorf("%s did not fire on %q: %+v", c.rule, c.words, r.Rules)
		}
	}
}

// What looks like a mark and is none.
func TestPeopleAreNotTakenForMachines(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"auto-submitted no":       with("Auto-Submitted: no (really)"),
		"precedence normal":       with("Precedence: normal"),
		"reply about an absence":  replaced("Catalogue import", "Re: Automatic reply: Catalogue"),
		"question about a bounce": replaced("Catalogue import", "Question about delivery failure"),
		"forwarded bounce":        replaced("Catalogue import", "Fwd: Undelivered Mail Returned to Sender"),
		"going on vacation":       replaced("Hello,", "I am on vacation from Monday, please answer before."),
		"received a shipment":     replaced("Catalogue import stops", "We received your shipment and it stops"),
		"delivery in Indonesian":  replaced("Catalogue import", "Gagal mengirim formulir:"),
		"a delivery of goods":     replaced("Catalogue import", "Échec de livraison de la commande"),
		"a ticket's number":       replaced("Catalogue import", "[#4711] Still waiting, case 12"),
		"tagged by BATV":          replaced("<ana@partner.example>\n", "<prvs=0123456789=ana@partner.example>\n"),
		"forwarded by SRS": replaced("<ana@partner.example>\n",
			"<SRS0=ab1c=XY=partner.example=ana@forward.example>\n"),
		"calendar file attached":    with("Content-Type: text/calendar; method=PUBLISH"),
		"reply-to of the same firm": with("Reply-To: desk@mail.partner.example"),
		"reply-to elsewhere":        with("Reply-To: ana@private.example.net"),
		"answers our confirmation":  with("In-Reply-To: <c.aa.bb@example.com>"),
		"hosted by Fastmail":        with("Feedback-ID: i123:Fastmail"),
		"hosted by Proton":          with("Feedback-ID: 1:user:proton\nX-Pm-Message-ID: ab"),
		"hosted by WorkMail":        with("Feedback-ID: ::1.us-east-1.x:AmazonSES\nX-SES-Outgoing: 2026.11.22-192.0.2.1"),
		"a hoster's abuse contact":  with("X-Report-Abuse: abuse@host.example\nX-Report-Abuse-To: abuse@host.example"),
		"a relay for outgoing mail": with("X-SG-EID: x\nX-SG-ID: y"),
		"redirected by a rule":      with("X-MS-Exchange-Inbox-Rules-Loop: partner.support@example.com"),
		"through a sales tool": with("In-Reply-To: <c.one@example.com>\nList-Unsubscribe: " +
			"<https://crm.example/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"),
		"mbox line and BOM":       "\xef\xbb\xbfFrom ana@partner.example Sun Nov 22\n" + person,
		"DOS line ends":           strings.ReplaceAll(person, "\n", "\r\n"),
		"Mac line ends":           strings.ReplaceAll(person, "\n", "\r"),
		"a line that is no field": with("garbage without a colon"),
	} {
		r := Classify([]byte(raw), envelope())
		if !r.Answer || r.Kind != store.KindDirect || r.AnswerTo != "ana@partner.example" {
			t.Errorf("%s: %s, to %q, %+v", name, r.Kind, r.AnswerTo, r.Rules)
		}
	}
}

func TestAgeIsJudgedByTheMailbox(t *testing.T) {
	t.Parallel()
	e := envelope()
	e.InternalDate = now.Add(-73 * time.Hour)
	if r := Classify([]byte(person), e); r.Answer || !fired(r.Rules, "too-old") {
		t.Errorf("four-day-old mail: %+v", r.Rules)
	}
	e.InternalDate = time.Time{}
	if r := Classify([]byte(person), e); !r.Answer {
		t.Errorf("age unknown: %+v", r.Rules)
	}
}

func TestJunkFolderIsNeverAnswered(t *testing.T) {
	t.Parallel()
	e := envelope()
	e.Junk = true
	if r := Classify([]byte(person), e); r.Answer || r.Kind != store.KindSpam {
		t.Errorf("%s %+v", r.Kind, r.Rules)
	}
}

func TestWithoutConfigurationOurAddressesAreNotJudged(t *testing.T) {
	t.Parallel()
	if r := Classify([]byte(person), Envelope{}); !r.Answer || fired(r.Rules, "addressed-to-us") {
		t.Errorf("%+v", r.Rules)
	}
}

func TestNothingIsNoMail(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "\n\n", "\x00\x01\x02", "no header at all"} {
		if r := Classify([]byte(raw), envelope()); r.Kind != store.KindUnparsable || r.Answer {
			t.Errorf("%q: %+v", raw, r)
		}
	}
}

// Ledgers and pages name rules by their ids: each must be unique and say where it
// comes from.
func TestEveryRuleIsNamedAndSourced(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, group := range groups() {
		for _, r := range group {
			if r.id == "" || r.source == "" || r.effect == "" || seen[r.id] {
				t.Errorf("rule %q, effect %q, source %q", r.id, r.effect, r.source)
			}
			seen[r.id] = true
		}
	}
}

func TestAnAnswerCanThread(t *testing.T) {
	t.Parallel()
	var refs strings.Builder
	for _, id := range strings.Fields("a b c d e f g h i j k l m n") {
		refs.WriteString(" <" + id + "@partner.example>")
	}
	r := Classify([]byte(with("References:"+refs.String()+"\nIn-Reply-To: <n@partner.example>")), envelope())
	if len(r.References) != 11 || r.References[0] != "a@partner.example" ||
		r.References[10] != "n@partner.example" || r.InReplyTo != "n@partner.example" {
		t.Errorf("%q %q", r.References, r.InReplyTo)
	}
	// Ids that strict parsers refuse, and none at all.
	r = Classify([]byte(with("In-Reply-To: <[abc]@x.y> (somebody)")), envelope())
	if len(r.References) != 1 || r.References[0] != "[abc]@x.y" {
		t.Errorf("%q", r.References)
	}
}

func TestTheAnswersLanguageIsWhatTheMailNames(t *testing.T) {
	t.Parallel()
	r := Classify([]byte(with("Accept-Language: id, en;q=0.5\nContent-Language: ar")), envelope())
	if strings.Join(r.Languages, "|") != "ar|id, en;q=0.5" {
		t.Errorf("%q", r.Languages)
	}
}

func TestWhatIsShownIsDecodedAndClean(t *testing.T) {
	t.Parallel()
	subject := "=?iso-2022-jp?B?GyRCJDMbKEI=?= \x00\x07=?utf-8?q?caf=C3=A9?="
	r := Classify([]byte(replaced("Catalogue import", subject)), envelope())
	if !strings.HasPrefix(r.Subject, "こ") || !strings.Contains(r.Subject, "café") {
		t.Errorf("%q", r.Subject)
	}
	r = Classify([]byte(replaced("Catalogue import", strings.Repeat("é", 300))), envelope())
	if len(r.Subject) > 200 || !strings.HasSuffix(r.Subject, "é") {
		t.Errorf("%q", r.Subject)
	}
}
