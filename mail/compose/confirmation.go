package compose

import (
	"errors"

	"signpost/store"
)

// confirmation tells a partner that the request has arrived: its number, when
// they will hear from us, where answers come from, and the way to its page.
// The address is unproven, so the mail holds not a word of what was submitted.
//
// X-Auto-Response-Suppress names every kind of automatic answer except NDR:
// "All" would ask Exchange to keep its bounces to itself, and a confirmation
// that cannot be delivered is something we want to be told of.
func (c *Composer) confirmation(o store.Outbound, from string) (letter, error) {
	if o.Number == "" || o.Link == (store.LinkID{}) {
		return letter{}, errors.New("a confirmation without a ticket number or a link")
	}
	l := c.pick(o.Langs, 1)[0]
	number := clean(o.Number, maxName)
	data := struct {
		words
		Lang, Dir, Start, Sender    string
		Subject, Number, Lead, Date string
		Promise, From, Link         string
	}{
		words: c.words[l.Tag()],
		Lang:  l.Tag(), Dir: l.Dir(), Start: start(l), Sender: c.fromName(o),
		Subject: l.T("mail.confirm_subject", "number", number),
		Number:  number,
		Lead:    l.T("mail.confirm_lead", "number", l.Isolate(number)),
		From:    l.T("mail.confirm_from", "address", l.Isolate(from)),
		Link:    c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link),
	}
	if !o.Promise.FirstResponseBy.IsZero() {
		data.Date = l.Instant(o.Promise.FirstResponseBy, c.zone(o.Region))
		data.Promise = l.T("mail.confirm_promise", "date", data.Date)
	}
	text, html, err := c.pages.confirmation.fill(data)
	return letter{
		subject: data.Subject, langs: c.pick(o.Langs, 1), text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}
