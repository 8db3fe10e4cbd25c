package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
)

// promise tells a partner by when they hear from support, where an agent gave another date
// without a word; and that the date before it was missed, where the row says so. It
// holds nothing that anybody wrote, so it may go to an unproven address.
func (c *Composer) promise(o store.Outbound) (letter, error) {
	next := o.Promise.NextUpdateBy
	if o.Number == "" || o.Link == (store.LinkID{}) || next.IsZero() {
		return letter{}, errors.New("a mail of a promise without its ticket's number, a link or a date")
	}
	l := c.pick(o.Langs, 1)[0]
	number := clean(o.Number, maxName)
	data := struct {
		Subject, Sender, Number, MarkedNumber, Date, Link string
		Late                                              bool
	}{
		Subject: l.T("mail.confirm_subject", "number", number), Sender: c.fromName(o), Number: number,
		MarkedNumber: l.Isolate(number), Link: c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link),
		Date: l.Instant(next, c.zone(o.Region)), Late: !o.Promise.FirstResponseBy.IsZero(),
	}
	text, html, err := c.pages.promise[l.Tag()].fill(data)
	return letter{
		subject: data.Subject, langs: []lang.Lang{l}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}
