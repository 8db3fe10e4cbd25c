package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
)

// mailedLink is one line of a mail of links.
type mailedLink struct {
	Number, MarkedNumber, Link string // see confirmation
}

// links leads a requester to the pages of their tickets, since they asked for
// that. As in the confirmation, not a word of what was submitted is in it.
func (c *Composer) links(o store.Outbound) (letter, error) {
	if o.Number == "" || len(o.Links) == 0 {
		return letter{}, errors.New("a mail of links without a ticket number or a link")
	}
	l := c.pick(o.Langs, 1)[0]
	subject := "mail.links_subject"
	if len(o.Links) == 1 {
		subject = "mail.confirm_subject" // of the same thread
	}
	data := struct {
		Subject, Sender, Number, MarkedNumber string
		Links                                 []mailedLink
	}{Subject: l.T(subject, "number", clean(o.Number, maxName)), Sender: c.fromName(o)}
	for _, link := range o.Links {
		number := clean(link.Number, maxName)
		data.Links = append(data.Links, mailedLink{number, l.Isolate(number), c.config.BaseURL + "/t/" +
			c.ring.LinkToken(link.Link)})
	}
	data.Number, data.MarkedNumber = data.Links[0].Number, data.Links[0].MarkedNumber
	text, html, err := c.pages.links[l.Tag()].fill(data)
	return letter{
		subject: data.Subject, langs: []lang.Lang{l}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}
