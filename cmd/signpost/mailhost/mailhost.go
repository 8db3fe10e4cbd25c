// Package mailhost shows the demo's mail host to its page (intake/sandbox), which has types
// of its own: mail, sandbox and intake never see one another.
package mailhost

import (
	"context"

	page "signpost/intake/sandbox"
	"signpost/mail/header"
	"signpost/mail/sandbox"
)

// Shown is a mail host as its page asks for it.
type Shown struct{ *sandbox.Server }

// Mailboxes lists the mailboxes there are.
func (h Shown) Mailboxes() []page.Mailbox {
	var all []page.Mailbox
	for _, m := range h.Server.Mailboxes() {
		all = append(all, page.Mailbox{Address: m.Address, Mails: m.Mails, LastAt: m.LastAt, Behaviour: string(m.Behaviour)})
	}
	return all
}

// Mails lists the mails of a mailbox, newest first, those with an id below before.
func (h Shown) Mails(address string, before uint64, limit int) []page.Mail {
	var all []page.Mail
	for _, m := range h.Server.Mails(address, sandbox.MailID(before), limit) {
		all = append(all, shownMail(m))
	}
	return all
}

// Mail is one mail with its text.
func (h Shown) Mail(id uint64) (page.Mail, error) {
	m, err := h.Server.Mail(sandbox.MailID(id))
	return shownMail(m), err
}

func shownMail(m sandbox.Mail) page.Mail {
	read, _ := header.Read(m.Raw)
	return page.Mail{
		ID: uint64(m.ID), Mailbox: m.Mailbox, Folder: m.Folder, EnvelopeFrom: m.EnvelopeFrom, To: m.To,
		ReceivedAt: m.ReceivedAt, Size: m.Size, From: m.From, Subject: m.Subject, Raw: m.Raw,
		Header: shownFields(read), AnswerTo: answerTo(read),
	}
}

const maxShownFields = 500

// shownFields decodes a header for the eye.
func shownFields(h header.Header) []page.Field {
	h = h[:min(len(h), maxShownFields)]
	all := make([]page.Field, len(h))
	for i, f := range h {
		all[i] = page.Field{Name: string(f.Name), Value: header.DecodeWords(header.Unfold(f.Value))}
	}
	return all
}

// answerTo is where a person's program sends an answer (RFC 5322 section 3.6.2): to the
// first address of Reply-To that can be read, else of From; "" without one.
func answerTo(h header.Header) string {
	for _, name := range []string{"Reply-To", "From"} {
		if address := header.FirstAddress(h.Value(name)); address != "" {
			return address
		}
	}
	return ""
}

// Watch tells of each change, until ctx ends.
func (h Shown) Watch(ctx context.Context) <-chan struct{} { return h.Server.Watch(ctx) }

// Machines lists the addresses and domains that behave as a machine does.
func (h Shown) Machines() []page.Machine {
	var all []page.Machine
	for _, m := range h.Switched() {
		all = append(all, page.Machine{Key: m.Key, Behaviour: string(m.Behaviour), BuiltIn: m.BuiltIn, Sent: m.Sent,
			Limit: m.Limit})
	}
	return all
}

// SetBehaviour makes an address or domain behave so.
func (h Shown) SetBehaviour(key, behaviour string) error {
	return h.Server.SetBehaviour(key, sandbox.Behaviour(behaviour))
}
