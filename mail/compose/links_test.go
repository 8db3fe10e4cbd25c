package compose

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"signpost/store"
)

// linksRow leads to so many tickets.
func linksRow(tag string, tickets int) store.Outbound {
	row := confirmationRow(tag)
	row.Kind, row.MessageID, row.InReplyTo = store.MailLinks, "l.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com",
		row.MessageID
	if tickets > 1 {
		row.InReplyTo = ""
	}
	for i := range tickets {
		row.Links = append(row.Links, store.TicketLink{Number: fmt.Sprintf("US-%d", 1042-i), Link: store.LinkID{1, byte(i)}})
	}
	row.Link = row.Links[0].Link
	return row
}

func TestAMailOfLinksLeadsToEachTicket(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, tickets := range []int{1, 3} {
		row := linksRow("en", tickets)
		mail := open(t, mustCompose(t, c, row).Bytes)
		for _, l := range row.Links {
			link := "https://help.example.com/t/" + ring(t).LinkToken(l.Link)
			if !strings.Contains(mail.text, l.Number+"\r\n"+link+"\r\n") || !strings.Contains(mail.html, l.Number) ||
				!strings.Contains(mail.html, `href="`+link+`"`) {
				t.Errorf("%s does not stand with its link:\n%s\n%s", l.Number, mail.text, mail.html)
			}
		}
		if subject, _ := mail.header.Text("Subject"); !strings.HasPrefix(subject, "[US-1042] ") {
			t.Errorf("subject %q", subject)
		}
		wantHeader(t, mail.header, map[string]string{"Auto-Submitted": "auto-generated", "Precedence": ""})
	}
	row := linksRow("en", 1)
	row.Links = nil
	if _, err := c.Compose(row); err == nil {
		t.Error("a mail of no link was composed")
	}
}

// One who never wrote is told what to do with the mail, in the HTML and in the
// text; the list of mails shows a line of the mail's own; Outlook sees a button.
func TestMailsOfATicketAreFitForEveryReader(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, l := range c.texts.Langs() {
		for ignore, row := range map[string]store.Outbound{
			"mail.confirm_ignore": confirmationRow(l.Tag()), "mail.links_ignore": linksRow(l.Tag(), 2),
		} {
			mail := open(t, mustCompose(t, c, row).Bytes)
			if !strings.Contains(mail.text, l.T(ignore)) || !strings.Contains(mail.html, l.T(ignore)) {
				t.Errorf("%s %s: nothing is said to one who did not ask for it", l.Tag(), row.Kind)
			}
			_, body, _ := strings.Cut(mail.html, "<body")
			if !regexp.MustCompile(`^[^>]*>\s*<div style="display:none[^>]*>[^<]*\S`).MatchString(body) {
				t.Errorf("%s %s: no preheader first:\n%.300s", l.Tag(), row.Kind, body)
			}
			if !regexp.MustCompile(`<td class="go"[^>]*padding:`).MatchString(body) ||
				regexp.MustCompile(`<a [^>]*padding:`).MatchString(body) {
				t.Errorf("%s %s: the button's room is not its cell's", l.Tag(), row.Kind)
			}
		}
	}
}
