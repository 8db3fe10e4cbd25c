package compose

import (
	"bytes"
	htmltemplate "html/template"
	"strings"

	"signpost/store"
)

// autoLangs is how many languages an auto-response speaks at most.
const autoLangs = 2

// autoResponse answers a mail to an address that is not read, and shows the
// way to the form (RFC 3834 section 3, RFC 5230 section 5). It is the same for
// every reader of a language: nothing of the mail it answers is in it, neither
// a name nor the subject nor a token in the link, so that it is of no use to
// a forger of the sender. Both alternatives stay under 2,000 bytes, so
// that it cannot be used to amplify an attack either.
//
// Only where the row names a ticket with a link, since a requester answered our
// mail about it, does it show the way to that ticket's page first.
//
// Its words avoid what other people's bounce parsers take for a bounce: it says
// that mail is not read, never that an address does not exist or is not in use.
func (c *Composer) autoResponse(o store.Outbound) (letter, error) {
	limit, page := autoLangs, ""
	if o.Ticket != 0 && o.Link != (store.LinkID{}) {
		limit, page = 1, c.config.BaseURL+"/t/"+c.ring.LinkToken(o.Link)
	}
	langs := c.pick(o.Langs, limit)
	number := clean(o.Number, maxName)
	var subjects []string
	var texts [][]byte
	sheet := struct {
		Lang, Dir, Subject string
		Answers            []htmltemplate.HTML
	}{Lang: langs[0].Tag(), Dir: langs[0].Dir()}
	for _, l := range langs {
		subjects = append(subjects, l.T("mail.auto_subject"))
		text, html, err := c.pages.answer[l.Tag()].fill(struct{ Link, Page, Number, MarkedNumber string }{
			c.config.BaseURL + "/contact", page, number, l.Isolate(number),
		})
		if err != nil {
			return letter{}, err
		}
		texts = append(texts, text)
		sheet.Answers = append(sheet.Answers, htmltemplate.HTML(html))
	}
	// "Auto: " is what RFC 5230 section 5.3 begins it with, in every language.
	sheet.Subject = "Auto: " + strings.Join(subjects, " / ")
	html, err := filled(c.pages.sheet, sheet)
	return letter{
		subject: sheet.Subject, langs: langs, text: bytes.Join(texts, []byte("\n* * *\n\n")), html: html,
		autoSubmitted: "auto-replied", suppress: "All", bulk: true,
		nullSender: c.config.NullSender, notify: NotifyNever,
	}, err
}
