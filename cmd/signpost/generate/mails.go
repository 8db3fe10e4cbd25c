package generate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/origin"
	"signpost/store/text"
	"signpost/store/verbs"
)

// maxKept is how many of the generated confirmations are known to those
// who report on them.
const maxKept = 50_000

// arrival is one mail on its way into a support mailbox.
type arrival struct {
	at      time.Time
	region  store.Region
	from    string // the author's address
	name    string
	subject string
	about   store.Outbound // the confirmation it is about; ID 0: none
}

// mailShape is a kind of mail that lies in support mailboxes. body is what
// follows the fields all mails have: fields of its own, an empty line, the text;
// nil is what no program wrote as mail.
type mailShape struct {
	weight int // of 1000 mails
	kind   store.Kind
	body   func(g *Generator, a *arrival) string
}

// mailShapes are those of a mailbox that answers are not read from: half of it
// is people, the rest is what machines make of the mail that went out.
func mailShapes() []mailShape {
	return []mailShape{
		{460, store.KindDirect, stray},
		{190, store.KindAutoReply, awayNote},
		{120, store.KindBounce, func(g *Generator, a *arrival) string {
			return deliveryNotice(g, a, "failed", pick(g.rand, refusals))
		}},
		{40, store.KindDelay, func(g *Generator, a *arrival) string {
			return deliveryNotice(g, a, "delayed", "4.4.1 connection timed out; will be tried again")
		}},
		{90, store.KindList, newsletter}, {30, store.KindReceipt, readReceipt}, {20, store.KindCalendar, invitation},
		{20, store.KindReport, reportOnUs}, {10, store.KindComplaint, abuseReport}, {17, store.KindSpam, offer},
		{3, store.KindUnparsable, nil},
	}
}

// What servers say when they return a mail: most of it that they know no mailbox of that
// name.
var refusals = []string{
	"550 5.1.1 user unknown", "550 5.1.1 user unknown", "550 5.1.1 the account you tried to reach does not exist",
	"550 5.1.10 recipient not found", "550 5.7.1 message refused: the sending address is on a block list",
	"554 5.7.1 rejected by policy", "552 5.2.2 mailbox full", "451 4.2.1 mailbox disabled for now",
}

// FillLedger writes mails as they would have come in over the days, each with the
// verdict that triage gives it now. Reports are about the tickets filled before.
func (g *Generator) FillLedger(ctx context.Context) error {
	for _, r := range g.Regions {
		if _, err := g.Store.ConnectMailbox(ctx, g.began(), r.Mailbox); err != nil {
			return err
		}
	}
	n, mails := g.shape.Mails, g.mails
	for done := 0; done < n; done += batch {
		arriving := make([]verbs.Arriving, min(n-done, batch))
		for i := range arriving {
			at := g.when(done+i, n)
			for len(mails) > 1 && mails[1].QueuedAt.Before(at) {
				mails = mails[1:]
			}
			arriving[i] = g.arriving(at, mails)
			// An epoch that no server shows: they count theirs up from a time.
			arriving[i].Mail.UIDValidity, arriving[i].Mail.UID = ^uint32(g.now.Unix()), uint32(done+i+1)
		}
		if _, err := g.Store.FillLedger(ctx, arriving); err != nil {
			return err
		}
	}
	// What really lies in those mailboxes from the time that was made up is not to
	// be answered.
	return g.Store.MarkRestored(ctx, g.now)
}

// arriving is a mail of any shape, judged.
func (g *Generator) arriving(at time.Time, mails []store.Outbound) verbs.Arriving {
	first, last := pick(g.rand, firstNames), pick(g.rand, lastNames)
	a := &arrival{
		at: at, region: pick(g.rand, g.Regions), name: first + " " + last, from: g.again,
		subject: pick(g.rand, subjects) + " " + pick(g.rand, complaints),
	}
	if a.from == "" || g.rand.IntN(12) > 0 { // the others wrote a moment ago
		a.from = strings.ToLower(first+"."+last) + fmt.Sprintf("@shop%d.example.com", g.rand.IntN(20_000))
	}
	g.again = a.from
	if len(mails) > 0 && mails[0].QueuedAt.Before(at) {
		a.about = mails[0]
		for _, r := range g.Regions {
			if r.ID == a.about.Region {
				a.region = r
			}
		}
	}
	raw := g.raw(a)
	env := g.Triage
	env.Now, env.InternalDate = at, at
	r := triage.Classify(raw, env).Authenticate(triage.Auth{
		SPF: "pass", SPFDomain: store.Domain(a.from), Source: "Authentication-Results of mx.example.com", Checked: true,
	}, false)
	b := verbs.Arriving{
		Now: at.Add(time.Second),
		Mail: store.NewInbound{
			Mailbox: a.region.Mailbox, InternalDate: at, Size: int64(len(raw)), Hash: sha256.Sum256(raw),
			MessageID: r.MessageID, From: r.From, Subject: r.Subject, Raw: raw,
		},
		Decision: store.Decision{Verdict: tieGenerated(r.Verdict, a)},
		Answered: g.ended(),
	}
	if r.Answer {
		b.Decision.Answer, b.Decision.Limits = g.answer(a, r)
	}
	text.Clean(&b)
	return b
}

// raw is the whole mail.
func (g *Generator) raw(a *arrival) []byte {
	roll := g.rand.IntN(1000)
	for _, shape := range mailShapes() {
		if roll -= shape.weight; roll < 0 {
			return g.write(shape, a)
		}
	}
	panic("the weights of the shapes are no 1000")
}

// write makes a mail of a shape.
func (g *Generator) write(shape mailShape, a *arrival) []byte {
	if shape.body == nil {
		return fmt.Appendf(nil, "\x00\x01%x", g.rand.Uint64())
	}
	body := shape.body(g, a) // may change the author and the subject
	return []byte(strings.ReplaceAll(a.header(g.rand.Uint64())+body, "\n", "\r\n"))
}

// header is the beginning of the fields that all mails have.
func (a *arrival) header(id uint64) string {
	return fmt.Sprintf(`Return-Path: <%[1]s>
From: %[2]s <%[1]s>
To: <%[3]s>
Subject: %[4]s
Date: %[5]s
Message-ID: <%[6]x@%[7]s>
MIME-Version: 1.0
`, a.from, a.name, a.region.Address, a.subject, a.at.Format(time.RFC1123Z), id, store.Domain(a.from))
}

// tieGenerated ties reports to the mail they were made up about, as the watcher
// would by the Message-ID in them.
func tieGenerated(v store.Verdict, a *arrival) store.Verdict {
	for i, r := range v.Reports {
		if a.about.ID == 0 || r.Recipient != a.about.To {
			continue
		}
		v.Reports[i].Outbound, v.Reports[i].Tie, v.Reports[i].Host = a.about.ID, store.TieMessageID, store.Domain(r.Recipient)
		v.Rules = append(v.Rules, store.Rule{ID: watch.RuleTied, Effect: store.EffectNote,
			Evidence: fmt.Sprintf("by %s: mail %d", store.TieMessageID, a.about.ID)})
	}
	return v
}

func (g *Generator) answer(a *arrival, r triage.Result) (*store.Outbound, store.AnswerLimits) {
	return &store.Outbound{
		Kind: store.MailAutoResponse, Region: a.region.ID, From: a.region.Address, FromName: a.region.Name, To: r.AnswerTo,
		Langs: []string{"en"}, MessageID: g.Ring.MessageID(a.at, store.MailAutoResponse,
			store.Domain(a.region.Address)), InReplyTo: r.MessageID,
	}, store.AnswerLimits{Sender: origin.Mailbox(r.AnswerTo), Period: 7 * 24 * time.Hour}
}

// ended is how the sending of an answer went: nearly always well.
func (g *Generator) ended() store.Finish {
	switch g.rand.IntN(500) {
	case 0:
		return store.Finish{State: store.StateUnknown, Reply: "the connection broke after the final dot"}
	case 1, 2:
		return store.Finish{State: store.StateFailed, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 user unknown"}
	}
	return store.Finish{State: store.StateSent, Code: 250, Enhanced: "2.0.0",
		Reply: fmt.Sprintf("250 2.0.0 Ok: queued as %X", g.rand.Uint32())}
}

func stray(g *Generator, a *arrival) string {
	return "Content-Type: text/plain; charset=utf-8\n\n" + g.body() + "\n"
}

func awayNote(g *Generator, a *arrival) string {
	a.subject = "Automatic reply: " + a.subject
	return `Auto-Submitted: auto-replied
X-Auto-Response-Suppress: All
Content-Type: text/plain; charset=utf-8

I am out of the office until Monday and read your mail then.
`
}

// deliveryNotice is a report of the host on a confirmation (RFC 3464), or on a
// mail that is not in the outbox.
func deliveryNotice(g *Generator, a *arrival, action, said string) string {
	to, id := a.about.To, a.about.MessageID
	if a.about.ID == 0 {
		to, id = a.from, fmt.Sprintf("%x@example.com", g.rand.Uint64())
	}
	a.from, a.name, a.subject = "mailer-daemon@mx."+store.Domain(to), "Mail Delivery System", "Undelivered Mail "+
		"Returned to Sender"
	if action == "delayed" {
		a.subject = "Delayed Mail (still being retried)"
	}
	status := said
	for word := range strings.FieldsSeq(said) {
		if strings.Count(word, ".") == 2 {
			status = word
		}
	}
	return fmt.Sprintf(`Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

This is the mail system at host mx.%[1]s. <%[2]s>: %[5]s
--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.%[1]s

Final-Recipient: rfc822; %[2]s
Action: %[3]s
Status: %[4]s
Remote-MTA: dns; mx.%[1]s
Diagnostic-Code: smtp; %[5]s

--part
Content-Type: text/rfc822-headers

Message-ID: <%[6]s>
To: %[2]s
Subject: Your request

--part--
`, store.Domain(to), to, action, status, said, id)
}

func newsletter(g *Generator, a *arrival) string {
	a.subject = "What is new this month"
	domain := store.Domain(a.from)
	return fmt.Sprintf("List-Id: News of %[1]s <news.%[2]s>\nList-Unsubscribe: <mailto:leave@%[2]s>\nPrecedence: bulk\n",
		a.name, domain) + stray(g, a)
}

func readReceipt(g *Generator, a *arrival) string {
	a.subject = "Read: " + a.subject
	return fmt.Sprintf(`Content-Type: multipart/report; report-type=disposition-notification; boundary="part"

--part
Content-Type: text/plain

Your message was read.
--part
Content-Type: message/disposition-notification

Final-Recipient: rfc822; %s
Disposition: manual-action/MDN-sent-manually; displayed

--part--
`, a.from)
}

func invitation(g *Generator, a *arrival) string {
	a.subject = "Invitation: " + a.subject
	return `Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:A call
END:VEVENT
END:VCALENDAR
`
}

func reportOnUs(g *Generator, a *arrival) string {
	domain := store.Domain(a.from)
	a.from, a.name = "noreply-dmarc@"+domain, "DMARC reports"
	a.subject = "Report domain: example.com Submitter: " + domain + " Report-ID: <1>"
	return fmt.Sprintf(`Content-Type: application/gzip; name="%s!example.com!1!2.xml.gz"
Content-Transfer-Encoding: base64

H4sIAAAAAAAA
`, domain)
}

func abuseReport(g *Generator, a *arrival) string {
	to := cmp.Or(a.about.To, a.from)
	a.from, a.name, a.subject = "feedback@"+store.Domain(to), "Feedback loop", "Complaint about a message"
	return fmt.Sprintf(`Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain

A reader called this mail abuse.
--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
Original-Rcpt-To: %[1]s

--part
Content-Type: message/rfc822

Message-ID: <%[2]s>
To: %[1]s
Subject: Your request

Text
--part--
`, to, a.about.MessageID)
}

func offer(g *Generator, a *arrival) string {
	a.subject = "***SPAM*** A million for you"
	return "X-Spam-Flag: YES\nX-Spam-Status: Yes, score=17.2\n" + stray(g, a)
}
