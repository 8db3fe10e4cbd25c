package sandbox

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store/text"
)

// draft is a mail being written. Everything in it may be made up.
type draft struct {
	Kind     string
	Envelope string // sender, "" for none
	From     string // as the header says
	To       string
	Subject  string
	Headers  string // further header lines
	Body     string
}

// writeData is what the form shows.
type writeData struct {
	Tab     string
	Kinds   []kindChoice
	About   string // what the kind should lead to
	Support []string
	Draft   draft
	Faults  []writeFault
}

type kindChoice struct {
	Name, Link string
	Chosen     bool
}

type writeFault struct{ Field, Text string }

// Fault is the sentence at one field.
func (d writeData) Fault(field string) string {
	for _, f := range d.Faults {
		if f.Field == field {
			return f.Text
		}
	}
	return ""
}

func (b *Sandbox) writePage(d draft, faults []writeFault) writeData {
	data := writeData{Tab: "write", Support: b.deps.Support, Draft: d, Faults: faults}
	for _, k := range kinds() {
		q := url.Values{"kind": {k.id}}
		if d.To != "" {
			q.Set("to", d.To)
		}
		data.Kinds = append(data.Kinds, kindChoice{Name: k.name, Link: "/sandbox/write?" + q.Encode(),
			Chosen: k.id == d.Kind})
		if k.id == d.Kind {
			data.About = k.about
		}
	}
	return data
}

func (b *Sandbox) showWrite(x *web.Exchange) error {
	query := x.Request.URL.Query()
	to := text.Cut(query.Get("to"), 1000)
	if to == "" && len(b.deps.Support) > 0 {
		to = b.deps.Support[0]
	}
	d := kindOf(query.Get("kind")).draft(to)
	if as := text.Cut(query.Get("as"), 320); as != "" && strings.Contains(as, "@") {
		d.Envelope, d.From = as, as
	}
	if id, err := strconv.ParseUint(query.Get("answers"), 10, 64); err == nil {
		if m, err := b.deps.Host.Mail(id); err == nil {
			d.answer(m)
		}
	}
	x.ReferrerSameOrigin()
	return b.write.Show(x, http.StatusOK, b.writePage(d, nil))
}

// answer makes the draft a reply to a mail, in its thread.
func (d *draft) answer(m Mail) {
	headers := allHeaders(m)
	d.Body = "Thank you. One more thing:\n"
	if d.Subject = m.Subject; !strings.HasPrefix(strings.ToLower(d.Subject), "re:") {
		d.Subject = "Re: " + d.Subject
	}
	if id := headerValue(headers, "Message-ID"); id != "" {
		refs := strings.TrimSpace(headerValue(headers, "References") + " " + id)
		d.Headers = "In-Reply-To: " + id + "\nReferences: " + refs
	}
}

func (b *Sandbox) postWrite(x *web.Exchange) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	d := draft{
		Kind: kindOf(f.Get("kind")).id, Envelope: strings.TrimSpace(f.Get("envelope")),
		From: strings.TrimSpace(f.Get("from")), To: strings.TrimSpace(f.Get("to")),
		Subject: strings.TrimSpace(f.Get("subject")),
		Headers: strings.Trim(unixLines(f.Get("headers")), "\n"), Body: unixLines(f.Get("body")),
	}
	raw, to, faults := d.mail(time.Now())
	if len(faults) == 0 {
		err := b.deps.Host.Deliver(d.Envelope, to, raw)
		if err == nil {
			return x.Redirect(b.sentLink(to))
		}
		faults = []writeFault{{Field: "to", Text: "The host answered: " + text.Cut(err.Error(), 300)}}
	}
	x.ReferrerSameOrigin()
	return b.write.Show(x, http.StatusUnprocessableEntity, b.writePage(d, faults))
}

// sentLink opens the mailbox of a mail just sent, with the mail: the support
// address's when it is among the recipients.
func (b *Sandbox) sentLink(to []string) string {
	show := to[0]
	for _, address := range to {
		if b.isSupport(address) {
			show = address
		}
	}
	if list := b.deps.Host.Mails(show, 0, 1); len(list) > 0 {
		return link(list[0].Mailbox, list[0].ID, 0)
	}
	return "/sandbox?box=" // a bouncing address keeps nothing
}

func unixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

const maxWriteTo = 20 // recipients of one written mail

// mail puts the draft together, and says what is wrong with it.
func (d draft) mail(now time.Time) (raw []byte, to []string, faults []writeFault) {
	list, err := mail.ParseAddressList(d.To)
	if err != nil || len(list) > maxWriteTo {
		faults = append(faults, writeFault{"to",
			"Write one address or several with commas between them, such as ann@example.com."})
	}
	for _, a := range list {
		to = append(to, a.Address)
	}
	if d.Envelope != "" {
		if a, err := mail.ParseAddress(d.Envelope); err != nil || a.Address != d.Envelope {
			faults = append(faults, writeFault{"envelope", "Write a bare address, or nothing for a mail without a sender."})
		}
	}
	if strings.ContainsAny(d.From+d.Subject+d.To, "\r\n\x00") {
		faults = append(faults, writeFault{"from", "From, To and Subject are one line each."})
	}
	if fault := headerFault(d.Headers); fault != "" {
		faults = append(faults, writeFault{"headers", fault})
	}
	if len(faults) > 0 {
		return nil, nil, faults
	}
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" && !hasHeader(d.Headers, name) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	line("From", encodeFrom(d.From))
	line("To", d.To)
	line("Subject", mime.QEncoding.Encode("utf-8", d.Subject))
	line("Date", now.Format(time.RFC1123Z))
	line("Message-ID", fmt.Sprintf("<%d.written@%s>", now.UnixNano(), domainOf(d.From)))
	if d.Headers != "" {
		b.WriteString(strings.ReplaceAll(d.Headers, "\n", "\r\n") + "\r\n")
	}
	line("MIME-Version", "1.0")
	if !hasHeader(d.Headers, "Content-Type") {
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
	}
	b.WriteString("\r\n" + strings.ReplaceAll(d.Body, "\n", "\r\n"))
	return b.Bytes(), to, nil
}

// headerFault checks the further header lines: each a name and a colon, or the
// fold of the one before.
func headerFault(headers string) string {
	for i, line := range strings.Split(headers, "\n") {
		if line == "" && headers == "" {
			return ""
		}
		folded := i > 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"))
		name, _, ok := strings.Cut(line, ":")
		if !folded && (!ok || name == "" || strings.ContainsAny(name, " \t")) {
			return fmt.Sprintf("Line %d is not like \"Name: value\".", i+1)
		}
	}
	return ""
}

func hasHeader(headers, name string) bool {
	for _, line := range strings.Split(headers, "\n") {
		if n, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// encodeFrom keeps a readable From readable to machines; what is no address goes
// out as it was written.
func encodeFrom(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		return a.String()
	}
	return from
}

// domainOf is the domain of the first author.
func domainOf(from string) string {
	if list, err := mail.ParseAddressList(from); err == nil {
		return list[0].Address[strings.LastIndexByte(list[0].Address, '@')+1:]
	}
	return "sandbox.example.com"
}
