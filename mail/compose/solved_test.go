package compose

import (
	"strings"
	"testing"

	"signpost/store"
)

func solvedRow(tag string) store.Outbound {
	row := confirmationRow(tag)
	row.Kind, row.InReplyTo, row.References = store.MailSolved, row.MessageID, []string{row.MessageID}
	row.MessageID, row.Promise = "s.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com", store.Promise{}
	return row
}

// A partner whose ticket was solved without a word hears so in its thread, until when they
// can reopen it, and where.
func TestATicketSolvedWithoutAWordIsToldOfInItsThread(t *testing.T) {
	t.Parallel()
	c := composer(t)
	first := open(t, mustCompose(t, c, confirmationRow("en")).Bytes)
	for _, l := range c.texts.Langs() {
		row := solvedRow(l.Tag())
		mail := open(t, mustCompose(t, c, row).Bytes)
		until := l.Instant(row.QueuedAt.Add(store.ClosedAfter), c.zone(row.Region))
		link := "https://help.example.com/t/" + ring(t).LinkToken(row.Link)
		for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
			if !strings.Contains(body, "US-1042") || !strings.Contains(body, until) || !strings.Contains(body, link) {
				t.Errorf("%s: the %s part lacks its number, %q or the link:\n%s", l.Tag(), part, until, body)
			}
		}
		wantHeader(t, mail.header, map[string]string{
			"Auto-Submitted": "auto-generated", "Precedence": "", "In-Reply-To": "<" + row.InReplyTo + ">",
			"References": "<" + row.InReplyTo + ">", "Thread-Topic": mail.header.Get("Thread-Topic"),
		})
		if l.Tag() == "en" && mail.header.Get("Subject") != first.header.Get("Subject") {
			t.Errorf("its subject is %q", mail.header.Get("Subject"))
		}
	}
	row := solvedRow("en")
	row.Link = store.LinkID{}
	if _, err := c.Compose(row); err == nil {
		t.Error("a mail without a link was composed")
	}
}
