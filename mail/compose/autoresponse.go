package compose

import (
	"strings"

	"signpost/store"
)

// autoLangs is how many languages an auto-response speaks at most.
const autoLangs = 2

// autoResponse answers a mail to an address that nobody reads, and shows the
// way to the form (RFC 3834 section 3, RFC 5230 section 5). It is the same for
// every reader of a language: nothing of the mail it answers is in it, neither
// a name nor the subject nor a token in the link, so that it is of no use to
// somebody who forged the sender. Both alternatives stay under 2,000 bytes, so
// that it is none for amplifying either.
//
// Its words avoid what other people's bounce parsers take for a bounce: it says
// that mail is not read, never that an address does not exist or is not in use.
func (c *Composer) autoResponse(o store.Outbound) (letter, error) {
	type block struct {
		words
		Lang, Dir string
	}
	langs := c.pick(o.Langs, autoLangs)
	data := struct {
		Lang, Dir, Subject, Link string
		Blocks                   []block
	}{Lang: langs[0].Tag(), Dir: langs[0].Dir(), Link: c.config.BaseURL + "/contact"}
	var subjects []string
	for _, l := range langs {
		w := c.words[l.Tag()]
		subjects = append(subjects, w.AutoSubject)
		data.Blocks = append(data.Blocks, block{words: w, Lang: l.Tag(), Dir: l.Dir()})
	}
	// "Auto: " is what RFC 5230 section 5.3 begins it with, in every language.
	data.Subject = "Auto: " + strings.Join(subjects, " / ")
	text, html, err := c.pages.autoResponse.fill(data)
	return letter{
		subject: data.Subject, langs: langs, text: text, html: html,
		autoSubmitted: "auto-replied", suppress: "All",
		nullSender: c.config.NullSender, notify: NotifyNever,
	}, err
}
