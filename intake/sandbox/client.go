package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

const (
	maxBoxes = 100 // shown at the left
	pageSize = 50  // mails a list shows at once
)

// clientData is what the mail client shows.
type clientData struct {
	Tab      string
	Support  []boxRow
	Others   []boxRow
	Hidden   int    // mailboxes beyond the list
	Box      string // the open mailbox; "" for all mail
	BoxKnown bool
	IsBox    bool // one mailbox is open, not all mail
	List     []mailRow
	Older    string // address of the next page of the list
	Mail     *mailView
	// At is which part a narrow screen shows: "boxes", "list" or "mail".
	At                   string
	SMTP, IMAP, Password string
	Total                int
}

type boxRow struct {
	Address   string
	Link      string
	Mails     int
	Behaviour string // "" for a plain mailbox
	Open      bool
}

type mailRow struct {
	Link    string
	From    string
	Subject string
	To      string
	At      time.Time
	Null    bool // no envelope sender
	Open    bool
}

// UTC is the zone times are sent in; the browser shows its own.
func (clientData) UTC() *time.Location { return time.UTC }

func (b *Sandbox) showClient(x *web.Exchange) error {
	query := x.Request.URL.Query()
	box := text.Cut(query.Get("box"), 320)
	id, _ := strconv.ParseUint(query.Get("mail"), 10, 64)
	before, _ := strconv.ParseUint(query.Get("before"), 10, 64)
	d := clientData{
		Tab: "mail", Box: box, IsBox: box != "", At: "boxes",
		SMTP: b.deps.SMTP, IMAP: b.deps.IMAP, Password: b.deps.Password,
	}
	if query.Has("box") || before > 0 {
		d.At = "list"
	}
	b.fillBoxes(&d)
	b.fillList(&d, id, before)
	if query.Get("mail") != "" {
		m, err := b.deps.Host.Mail(id)
		if err != nil {
			return err
		}
		if d.Mail, err = b.view(x, m); err != nil {
			return err
		}
		d.At = "mail"
	}
	x.Policy("frame-src", "'self'")
	return b.client.Show(x, http.StatusOK, d)
}

// fillBoxes lists the support mailboxes first, also before their first mail.
func (b *Sandbox) fillBoxes(d *clientData) {
	known := map[string]Mailbox{}
	var others []Mailbox
	for _, m := range b.deps.Host.Mailboxes() {
		known[m.Address] = m
		d.Total += m.Mails
		if !b.isSupport(m.Address) {
			others = append(others, m)
		}
	}
	for _, address := range b.deps.Support {
		m := known[store.AnswerKey(address)]
		m.Address = store.AnswerKey(address)
		d.Support = append(d.Support, boxRowOf(m, d.Box))
	}
	if len(others) > maxBoxes {
		d.Hidden = len(others) - maxBoxes
		others = others[:maxBoxes]
	}
	for _, m := range others {
		d.Others = append(d.Others, boxRowOf(m, d.Box))
	}
	_, d.BoxKnown = known[store.AnswerKey(d.Box)]
}

func (b *Sandbox) isSupport(address string) bool {
	for _, s := range b.deps.Support {
		if store.AnswerKey(s) == store.AnswerKey(address) {
			return true
		}
	}
	return false
}

func boxRowOf(m Mailbox, open string) boxRow {
	row := boxRow{Address: m.Address, Link: link(m.Address, 0, 0), Mails: m.Mails,
		Open: m.Address == store.AnswerKey(open)}
	if m.Behaviour != "plain" {
		row.Behaviour = m.Behaviour
	}
	return row
}

func (b *Sandbox) fillList(d *clientData, open, before uint64) {
	mails := b.deps.Host.Mails(d.Box, before, pageSize+1)
	if len(mails) > pageSize {
		mails = mails[:pageSize]
		d.Older = link(d.Box, 0, mails[pageSize-1].ID)
	}
	for _, m := range mails {
		d.List = append(d.List, mailRow{
			Link: link(d.Box, m.ID, before), From: shortName(m.From), Subject: orElse(m.Subject, "(no subject)"),
			To: m.To, At: m.ReceivedAt, Null: m.EnvelopeFrom == "", Open: m.ID == open,
		})
	}
}

// shortName is the author's name where the mail has one, else the address.
func shortName(from string) string {
	name, rest, ok := strings.Cut(from, "<")
	if name = strings.Trim(name, "\" "); ok && name != "" {
		return name
	}
	return orElse(strings.Trim(orElse(rest, from), "<> "), "(no From)")
}

// link is the client's address with a mailbox, a mail and a page of the list.
func link(box string, mail, before uint64) string {
	q := url.Values{"box": {box}}
	if mail > 0 {
		q.Set("mail", fmt.Sprint(mail))
	}
	if before > 0 {
		q.Set("before", fmt.Sprint(before))
	}
	return "/sandbox?" + q.Encode()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// events tells an open page that something changed. A ledger row changes
// without a mail, so it speaks up once more a moment later.
func (b *Sandbox) events(x *web.Exchange) error {
	const turn = 25 * time.Second // shorter than proxies keep a silent connection
	h := x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	ctx := x.Request.Context()
	changed := b.deps.Host.Watch(ctx)
	say := func(what string) bool {
		x.SetDeadline(2 * turn)
		if _, err := fmt.Fprint(x.Writer, what); err != nil {
			return false
		}
		return http.NewResponseController(x.Writer).Flush() == nil
	}
	if !say("retry: 2000\n\n") {
		return nil
	}
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for {
		what := ": still here\n\n"
		select {
		case <-changed:
			what = "event: changed\ndata:\n\n"
		case <-tick.C:
		case <-ctx.Done():
			return nil
		case <-x.Stopping():
			return nil
		}
		if !say(what) {
			return nil
		}
	}
}
