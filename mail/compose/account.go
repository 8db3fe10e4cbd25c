package compose

import (
	"errors"
	"strings"

	"signpost/store"
	"signpost/store/lang"
)

// accountPages are where the mails into an account lead, and what their button says.
var accountPages = map[store.OutboundKind]struct{ path, button string }{
	store.MailInvite: {"/invite/", "Set up your account"},
	store.MailReset:  {"/reset/", "Choose a new password"},
}

// account tells an agent of their own account: what happened to it, or the way into it.
// Staff read English. The row holds the words, in paragraphs, and the link's id; the
// token is made here, so that the store alone opens no account.
func (c *Composer) account(o store.Outbound) (letter, error) {
	if o.Subject == "" || o.Text == "" || o.Kind.Opens() == (o.Link == store.LinkID{}) {
		return letter{}, errors.New("a mail about an account without its words, or without its link")
	}
	data := struct {
		Subject, Sender, Lead, Link, Button string
		More                                []string
	}{Subject: o.Subject, Sender: c.fromName(o)}
	parts := strings.Split(strings.TrimSpace(o.Text), "\n\n")
	data.Lead, data.More = parts[0], parts[1:]
	if o.Kind.Opens() {
		to := accountPages[o.Kind]
		data.Link, data.Button = c.config.BaseURL+to.path+c.ring.AgentLinkToken(o.Agent, o.Link), to.button
	}
	text, html, err := c.pages.account.fill(data)
	return letter{
		subject: o.Subject, langs: []lang.Lang{c.texts.Pick("en")}, text: text, html: html,
		autoSubmitted: "auto-generated", suppress: "DR, RN, NRN, OOF, AutoReply", notify: NotifyFailureDelay,
	}, err
}
