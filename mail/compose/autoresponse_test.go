package compose

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
	"signpost/store/ident"
)

func autoResponseRow(tags ...string) store.Outbound {
	return store.Outbound{
		ID: 7002, Kind: store.MailAutoResponse, Region: "us", Langs: tags, Inbound: 99,
		From: "partner-us.support@example.com", FromName: "Partner Support, United States", To: "ana@partner.example",
		MessageID: "ar.aftg5jv2zbqwo3vyk2ivzqzqta.m5lqjw3zk6l2qk5x@example.com",
		InReplyTo: "CAJ+x1@mail.partner.example", References: []string{"root@mail.partner.example"},
		QueuedAt: queued,
	}
}

// ticketAnswerRow answers a requester who answered our mail.
func ticketAnswerRow(tags ...string) store.Outbound {
	row := autoResponseRow(tags...)
	row.Ticket, row.Number, row.Link = 42, "US-1042", linkID
	return row
}

func TestAutoResponseIsWhatResponderRulesAskFor(t *testing.T) {
	t.Parallel()
	m := mustCompose(t, composer(t), autoResponseRow("en"))
	if m.From != "" || m.To != "ana@partner.example" || m.Notify != NotifyNever {
		t.Errorf("envelope %+v", m)
	}
	mail := open(t, m.Bytes)
	wantHeader(t, mail.header, map[string]string{
		"Auto-Submitted": "auto-replied", "Precedence": "bulk", "X-Auto-Response-Suppress": "All",
		"X-Signpost-Instance": "f7k2m9", "To": "ana@partner.example", "Reply-To": "", "Sender": "",
		"In-Reply-To": "<CAJ+x1@mail.partner.example>",
		"References":  "<root@mail.partner.example> <CAJ+x1@mail.partner.example>",
	})
	if subject, _ := mail.header.Text("Subject"); subject != "Auto: This address only sends mail" {
		t.Errorf("subject %q", subject)
	}
	for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
		if !strings.Contains(body, "https://help.example.com/contact") || strings.Contains(body, "/t/") {
			t.Errorf("the %s part does not lead to the form, or to more than it:\n%s", part, body)
		}
	}
}

// One who answered our mail about their own request is shown its page, with the
// number, and the form for all else; it stays as small.
func TestAutoResponseLeadsToTheTicketItIsAbout(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, l := range c.texts.Langs() {
		row := ticketAnswerRow(l.Tag(), "en")
		m := mustCompose(t, c, row)
		mail := open(t, m.Bytes)
		page := "https://help.example.com/t/" + ring(t).LinkToken(row.Link)
		for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
			if !strings.Contains(body, page) || !strings.Contains(body, "US-1042") ||
				!strings.Contains(body, "https://help.example.com/contact") || len(body) >= 2000 {
				t.Errorf("%s: the %s part, %d bytes:\n%s", l.Tag(), part, len(body), body)
			}
		}
		if m.From != "" || m.Notify != NotifyNever {
			t.Errorf("envelope %+v", m)
		}
	}
}

// Where the relay refuses the null sender, what bounces comes back tagged.
func TestAutoResponseLeavesTaggedWhereTheNullSenderIsRefused(t *testing.T) {
	t.Parallel()
	c := composer(t, func(c *Config) { c.NullSender = false })
	m := mustCompose(t, c, autoResponseRow("en"))
	if tag, ok := ident.ParseEnvelope(m.From); !ok || tag.ID != 7002 {
		t.Errorf("envelope sender %q", m.From)
	}
}

// An auto-response goes to the address that the envelope named: it must be no
// larger than what may be sent to a person who never wrote.
func TestAutoResponseIsSmallInEveryPairOfLanguages(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, a := range c.texts.Langs() {
		for _, b := range c.texts.Langs() {
			m := mustCompose(t, c, autoResponseRow(a.Tag(), b.Tag()))
			mail := open(t, m.Bytes)
			if len(mail.text) >= 2000 || len(mail.html) >= 2000 || len(m.Bytes) >= 6000 {
				t.Errorf("%s and %s: text %d, HTML %d, all %d bytes", a.Tag(), b.Tag(), len(mail.text),
					len(mail.html), len(m.Bytes))
			}
			want := a.Tag()
			if a.Tag() != b.Tag() {
				want += ", " + b.Tag()
			}
			wantHeader(t, mail.header, map[string]string{"Content-Language": want})
		}
	}
}

// Two strangers' mails get the same answer: nothing of theirs is in it.
func TestAutoResponseHoldsNothingOfTheMailItAnswers(t *testing.T) {
	t.Parallel()
	c := composer(t)
	one, other := autoResponseRow("es"), autoResponseRow("es")
	other.To, other.Inbound, other.InReplyTo = "eve@evil.example", 5, "other@evil.example"
	a, b := open(t, mustCompose(t, c, one).Bytes), open(t, mustCompose(t, c, other).Bytes)
	if diff := cmp.Diff([]string{a.text, a.html}, []string{b.text, b.html}); diff != "" {
		t.Error(diff)
	}
}

// Other people's bounce parsers read our answer too, and must not take it for a
// bounce that suppresses our address.
func TestAutoResponseUsesNoWordOfABounce(t *testing.T) {
	t.Parallel()
	phrases := []string{
		"no longer", "not in use", "not monitored", "unmonitored", "unavailable", "not available",
		"does not exist", "not exist",
		"inactive", "disabled", "suspended", "deactivated", "unknown", "rejected", "refused", "blocked", "denied",
		"not accept", "cannot", "could not", "unable", "undeliver", "deliver", "fail", "error", "return to sender", "invalid",
		"out of office", "vacation", "full", "no existe", "no disponible", "inactiva", "rechaz", "error", "tidak ada",
		"tidak aktif", "ditolak", "gagal", "不存在", "停用", "退信", "无法", "失败", "غير موجود", "مرفوض", "فشل", "تعذر",
	}
	c := composer(t)
	for _, l := range c.texts.Langs() {
		mail := open(t, mustCompose(t, c, autoResponseRow(l.Tag())).Bytes)
		subject, _ := mail.header.Text("Subject")
		for _, phrase := range phrases {
			if strings.Contains(strings.ToLower(subject+"\n"+mail.text), phrase) {
				t.Errorf("%s: says %q:\n%s\n%s", l.Tag(), phrase, subject, mail.text)
			}
		}
	}
}
