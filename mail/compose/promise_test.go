package compose

import (
	"strings"
	"testing"
	"time"

	"signpost/store"
)

func promiseRow(tag string) store.Outbound {
	row := solvedRow(tag)
	row.Kind, row.MessageID = store.MailPromise, "p.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com"
	row.Promise.NextUpdateBy = queued.Add(50 * time.Hour)
	return row
}

func lateRow(tag string) store.Outbound {
	row := promiseRow(tag)
	row.Promise.FirstResponseBy = queued.Add(-time.Hour)
	return row
}

// A partner hears of another date in the thread of their ticket, in their language and
// the region's zone, and of the date that was missed only where one was.
func TestAnotherDateIsToldOfInTheThread(t *testing.T) {
	t.Parallel()
	c := composer(t)
	first := open(t, mustCompose(t, c, confirmationRow("en")).Bytes)
	for _, l := range c.texts.Langs() {
		row := promiseRow(l.Tag())
		link := "https://help.example.com/t/" + ring(t).LinkToken(row.Link)
		date, sorry := l.Instant(row.Promise.NextUpdateBy, c.zone(row.Region)), l.T("mail.promise_late")
		for _, late := range []bool{false, true} {
			if late {
				row.Promise.FirstResponseBy = queued.Add(-time.Hour)
			}
			mail := open(t, mustCompose(t, c, row).Bytes)
			for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
				if !strings.Contains(body, "US-1042") || !strings.Contains(body, date) || !strings.Contains(body, link) ||
					strings.Contains(body, sorry) != late {
					t.Errorf("%s: the %s part lacks its number, %q, the link or the apology:\n%s", l.Tag(), part, date, body)
				}
			}
			wantHeader(t, mail.header, map[string]string{
				"Auto-Submitted": "auto-generated", "Precedence": "", "In-Reply-To": "<" + row.InReplyTo + ">",
				"References": "<" + row.InReplyTo + ">",
			})
			if l.Tag() == "en" && mail.header.Get("Subject") != first.header.Get("Subject") {
				t.Errorf("its subject is %q", mail.header.Get("Subject"))
			}
		}
	}
	row := promiseRow("en")
	row.Promise = store.Promise{}
	if _, err := c.Compose(row); err == nil {
		t.Error("a mail without a date was composed")
	}
}

// A reply to a ticket that stays on hold says by when the partner hears from support again.
func TestAReplyTellsOfTheNextUpdate(t *testing.T) {
	t.Parallel()
	c := composer(t)
	row := promiseRow("es")
	row.Kind = store.MailReply
	for _, next := range []time.Time{{}, queued.Add(50 * time.Hour)} {
		row.Promise.NextUpdateBy = next
		m, err := c.Reply(row, Reply{Body: "Seguimos en ello.", Status: store.StatusOnHold})
		if err != nil {
			t.Fatal(err)
		}
		mail := open(t, m.Bytes)
		for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
			if strings.Contains(body, "Volverá a tener noticias") == next.IsZero() {
				t.Errorf("the %s part, with %v:\n%s", part, next, body)
			}
		}
	}
}
