package main

import (
	"context"

	page "signpost/intake/sandbox"
	"signpost/intake/web"
	"signpost/mail/header"
	"signpost/mail/sandbox"
)

// mount adds the window on the sandbox.
func (d *demo) mount(s *web.Server) error {
	var support []string
	for _, r := range d.app.cfg.Regions() {
		support = append(support, r.Address)
	}
	window, err := page.New(page.Deps{
		Host: shownHost{d.host}, Machines: shownHost{d.host}, Ledger: d.app.db, Support: support,
		SMTP: d.smtp.Addr().String(), IMAP: d.imap.Addr().String(), Password: demoPassword,
	})
	if err != nil {
		return err
	}
	return window.Mount(s)
}

// shownHost shows the mail host to its page, which has types of its own.
type shownHost struct{ *sandbox.Server }

func (h shownHost) Mailboxes() []page.Mailbox {
	var all []page.Mailbox
	for _, m := range h.Server.Mailboxes() {
		all = append(all, page.Mailbox{Address: m.Address, Mails: m.Mails, LastAt: m.LastAt, Behaviour: string(m.Behaviour)})
	}
	return all
}

func (h shownHost) Mails(address string, before uint64, limit int) []page.Mail {
	var all []page.Mail
	for _, m := range h.Server.Mails(address, sandbox.MailID(before), limit) {
		all = append(all, shownMail(m))
	}
	return all
}

func (h shownHost) Mail(id uint64) (page.Mail, error) {
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

func (h shownHost) Watch(ctx context.Context) <-chan struct{} { return h.Server.Watch(ctx) }

func (h shownHost) Machines() []page.Machine {
	var all []page.Machine
	for _, m := range h.Switched() {
		all = append(all, page.Machine{Key: m.Key, Behaviour: string(m.Behaviour), BuiltIn: m.BuiltIn, Sent: m.Sent,
			Limit: m.Limit})
	}
	return all
}

func (h shownHost) SetBehaviour(key, behaviour string) error {
	return h.Server.SetBehaviour(key, sandbox.Behaviour(behaviour))
}
