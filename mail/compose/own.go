package compose

import (
	"errors"

	"signpost/store"
	"signpost/store/lang"
)

// alarm tells those who run the service what is wrong, as text alone: it is read
// on a telephone, at night.
func (c *Composer) alarm(o store.Outbound) (letter, error) {
	if o.Subject == "" || o.Text == "" {
		return letter{}, errors.New("an alarm that says nothing")
	}
	return letter{
		subject: o.Subject, langs: []lang.Lang{c.texts.Pick("en")}, text: []byte(o.Text),
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply",
		bulk: true, notify: NotifyFailureDelay,
	}, nil
}

// stray is the mail by which the canary asks for an automatic answer. It looks
// like what a person writes and leaves under its author's own address: nothing
// in it is ours but the mark, which only the canary's mint can make.
func (c *Composer) stray(o store.Outbound) (letter, error) {
	if o.Mark == "" {
		return letter{}, errors.New("a canary's mail without its mark")
	}
	return letter{
		subject: o.Subject, langs: []lang.Lang{c.texts.Pick("en")}, text: []byte(o.Text), mark: o.Mark, notify: NotifyNever,
	}, nil
}
