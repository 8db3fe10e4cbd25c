package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
)

// invitation asks a person who was named as a colleague whether they take part in a
// ticket. Others named the address, so the mail holds not a word that anybody wrote, nor who
// named them: a name may be a text.
func (c *Composer) invitation(o store.Outbound, from string) (letter, error) {
	if o.Number == "" || o.Link == (store.LinkID{}) {
		return letter{}, errors.New("an invitation without a ticket number or a link")
	}
	l := c.pick(o.Langs, 1)[0]
	number := clean(o.Number, maxName)
	data := struct {
		Subject, Sender, Number, Address, Link string
		MarkedNumber, MarkedAddress            string
	}{
		Subject: subjectOf(l, o), Sender: c.fromName(o), Number: number, Address: from,
		Link:         c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link),
		MarkedNumber: l.Isolate(number), MarkedAddress: l.Isolate(from),
	}
	text, html, err := c.pages.invitation[l.Tag()].fill(data)
	return letter{
		subject: data.Subject, langs: []lang.Lang{l}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		notify: NotifyFailureDelay,
	}, err
}

// subjectOf is the subject of a ticket's mails, the same in the whole thread of one reader.
func subjectOf(l lang.Lang, o store.Outbound) string {
	key := "mail.confirm_subject"
	if o.ToColleague() {
		key = "mail.invite_subject"
	}
	return l.T(key, "number", clean(o.Number, maxName))
}
