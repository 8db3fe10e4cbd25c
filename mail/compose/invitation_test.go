package compose

import (
	"strings"
	"testing"

	"signpost/store"
)

func invitationRow(tag string) store.Outbound {
	row := confirmationRow(tag)
	row.Kind, row.To, row.Colleague, row.Promise = store.MailColleague, "bea@partner.example", 1, store.Promise{}
	row.MessageID = "i.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com"
	return row
}

// A colleague is told of the number and the way to the page, and nothing that anybody
// wrote; the copies of replies have the same subject, so that they stay in one thread.
func TestAnInvitationHoldsFixedWordsTheNumberAndTheLink(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, l := range c.texts.Langs() {
		row := invitationRow(l.Tag())
		mail := open(t, mustCompose(t, c, row).Bytes)
		link := "https://help.example.com/t/" + ring(t).LinkToken(row.Link)
		for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
			for _, want := range []string{"US-1042", link, row.From, row.FromName} {
				if !strings.Contains(body, want) {
					t.Errorf("%s: the %s part lacks %q:\n%s", l.Tag(), part, want, body)
				}
			}
			if strings.Contains(body, "{{") || strings.Contains(body, "invite_") {
				t.Errorf("%s: the %s part has a place left open:\n%s", l.Tag(), part, body)
			}
		}
		wantHeader(t, mail.header, map[string]string{
			"Auto-Submitted": "auto-generated", "Precedence": "", "In-Reply-To": "", "To": row.To,
		})
		copied := row
		copied.Kind, copied.MessageID = store.MailReply, "r.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com"
		copied.InReplyTo, copied.References = row.MessageID, []string{row.MessageID}
		m, err := c.Reply(copied, Reply{Body: "Here.", Status: store.StatusPending})
		if err != nil {
			t.Fatal(err)
		}
		reply := open(t, m.Bytes)
		if got := reply.header.Get("Subject"); got != mail.header.Get("Subject") || !strings.Contains(reply.text, link) {
			t.Errorf("%s: a copy has the subject %q, the invitation %q", l.Tag(), got, mail.header.Get("Subject"))
		}
		index, first := reply.header.Get("Thread-Index"), mail.header.Get("Thread-Index")
		if len(index) < 20 || !strings.HasPrefix(index, first[:20]) {
			t.Errorf("%s: Outlook would not thread %q under %q", l.Tag(), index, first)
		}
	}
	row := invitationRow("en")
	row.Link = store.LinkID{}
	if _, err := c.Compose(row); err == nil {
		t.Error("an invitation without a link was composed")
	}
}
