package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
)

// solved tells a partner that an agent solved their ticket without a reply, and until
// when they can reopen it. It holds nothing that anybody wrote, so it may go to an
// unproven address.
func (c *Composer) solved(o store.Outbound) (letter, error) {
	if o.Number == "" || o.Link == (store.LinkID{}) {
		return letter{}, errors.New("a mail of a solved ticket without its number or a link")
	}
	l := c.pick(o.Langs, 1)[0]
	number := clean(o.Number, maxName)
	data := struct{ Subject, Sender, Number, MarkedNumber, Date, Link string }{
		Subject: subjectOf(l, o), Sender: c.fromName(o), Number: number,
		MarkedNumber: l.Isolate(number), Link: c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link),
		Date: l.Instant(o.QueuedAt.Add(store.ClosedAfter), c.zone(o.Region)),
	}
	text, html, err := c.pages.solved[l.Tag()].fill(data)
	return letter{
		subject: data.Subject, langs: []lang.Lang{l}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}
