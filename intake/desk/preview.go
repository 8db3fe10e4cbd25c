package desk

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// Mail is a mail as it would be sent.
type Mail struct {
	From, To, Subject string
	Text, HTML        string
	Attached          []string // the names of the files in it, whose contents Raw leaves out
	Raw               []byte   // the whole of it, RFC 5322
}

type previewData struct {
	Ticket store.Ticket
	Linked []store.File // on the ticket's page alone
	Back   string
	Mail   Mail
	Size   int
	Frame  string // where its HTML is
	Raw    string
}

// mailJSON is a preview as JSON.
type mailJSON struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Raw     string `json:"raw"`

	Attached []string `json:"attached,omitempty"`
}

// postPreview shows the mail that the form would send now. It differs from the one sent in
// nothing but Message-ID, Date, the tag of its envelope and, where the ticket's link opens
// nothing any more, the link, and leaves the contents of files out. The form's text is kept
// as the draft.
func (d *Desk) postPreview(x *web.Exchange, who store.Agent, a written) error {
	k, then := a.ticket, a.then()
	if a.check(); a.HasFaults() {
		return a.Refuse(x, a.page)
	}
	mail, err := d.compose(x, who, k, a.answer, then)
	if err != nil {
		return err
	}
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, mailJSON{
			mail.From, mail.To, mail.Subject, mail.Text, mail.HTML, string(mail.Raw), mail.Attached,
		})
	}
	if err := d.keepDraft(x, who, a); err != nil {
		return d.refuse(x, a, err)
	}
	id := d.previews.keep(who.ID, k.Number, mail.HTML)
	x.Staff(who, "", topicList)
	x.Policy("frame-src", "'self'")
	var linked []store.File
	if len(mail.Attached) == 0 {
		linked = a.Files
	}
	return d.preview.Show(x, http.StatusOK, previewData{
		Linked: linked,
		Ticket: k, Back: withIn(ticketAddress(k.Number), a.In) + "#write", Mail: mail, Size: len(mail.Raw),
		Frame: ticketAddress(k.Number) + "/preview/" + id, Raw: string(mail.Raw),
	})
}

// compose is the mail of what stands in the form.
func (d *Desk) compose(x *web.Exchange, who store.Agent, k store.Ticket, a *answer, then store.Status) (Mail, error) {
	t := thread{ticket: k}
	if err := d.fill(x.Request.Context(), staff.ActorOf(x, who), &t); err != nil {
		return Mail{}, err
	}
	region, _ := d.region(k.Region)
	now := store.Instant(time.Now())
	o := store.Outbound{
		Kind: store.MailReply, Region: k.Region, From: region.Address, FromName: region.Name, To: k.Requester.Email,
		Langs: []string{k.Requester.Lang}, Ticket: k.ID, Number: k.Number, Link: k.Link, Entry: k.Entries + 1, QueuedAt: now,
		Proven: !k.ProvenAt.IsZero(), Attached: region.Attaches(!k.ProvenAt.IsZero(), a.Files),
		Text:      who.Signature(k.Requester.Lang),
		MessageID: d.deps.Ring.MessageID(now, store.MailReply, store.Domain(region.Address)),
	}
	if then == store.StatusOnHold && d.deps.Promising != nil {
		o.Promise.NextUpdateBy = d.deps.Promising(store.MomentHeld, k, now).NextUpdateBy
	}
	e := store.Entry{
		Ticket: k.ID, Seq: o.Entry, Kind: store.EntryReply, Author: who.Shown(), Agent: who.ID, At: now, Body: a.Body,
		Files: a.Files, Change: store.Change{StatusFrom: k.Status, StatusTo: then},
	}
	mails := slices.SortedFunc(maps.Values(t.mails), func(a, b store.Outbound) int { return cmp.Compare(a.ID, b.ID) })
	o.InReplyTo, o.References = store.References(k, mails, o.To)
	return d.deps.Preview(x.Request.Context(), o, e, t.public(now))
}

// public are the messages and replies that partners are shown at an instant, the newest
// first.
func (t thread) public(now time.Time) (all []store.Entry) {
	for _, e := range slices.Backward(t.entries) {
		written := e.Kind == store.EntryMessage || e.Kind == store.EntryReply
		if written && !e.PublicAt().After(now) {
			all = append(all, e)
		}
	}
	return all
}

// previews keeps the HTML of the last previews, which their frames fetch. It is safe for
// concurrent use.
type previews struct {
	mu   sync.Mutex
	last map[store.AgentID]shownMail
}

type shownMail struct{ id, number, html string }

func newPreviews() *previews { return &previews{last: make(map[store.AgentID]shownMail)} }

// keep replaces the agent's last one.
func (p *previews) keep(who store.AgentID, number, html string) (id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id = rand.Text()
	p.last[who] = shownMail{id, number, html}
	return id
}

func (p *previews) html(who store.AgentID, number, id string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.last[who]
	return m.html, m.id == id && m.number == number
}

// showPreviewHTML is the mail's HTML alone, for a frame that runs nothing.
func (d *Desk) showPreviewHTML(x *web.Exchange, who store.Agent) error {
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	html, ok := d.previews.html(who.ID, k.Number, x.Param("id"))
	if !ok {
		return store.ErrNotFound
	}
	h := x.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; frame-ancestors 'self'; sandbox")
	return x.Bytes(http.StatusOK, "text/html; charset=utf-8", []byte(html))
}
