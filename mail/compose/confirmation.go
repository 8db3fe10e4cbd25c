package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
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
	subject := subjectOf(l, o)
	data := struct {
		Subject, Sender, Number, Date, Address, Link string
		// For the text alone: HTML isolates by elements, so that no reader
		// copies an invisible mark along with a number.
		MarkedNumber, MarkedAddress string
	}{
		Subject: subject, Sender: c.fromName(o), Number: number, Address: from,
		Link:         c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link),
		MarkedNumber: l.Isolate(number), MarkedAddress: l.Isolate(from),
	}
	if due := o.Promise.FirstResponseBy; !due.IsZero() {
		data.Date = l.Instant(due, c.zone(o.Region))
	}
	text, html, err := c.pages.confirmation[l.Tag()].fill(data)
	return letter{
		subject: subject, langs: []lang.Lang{l}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}
