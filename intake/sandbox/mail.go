package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // partners' mails come in any charset

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

const (
	maxParts = 200       // parts of one mail that are looked at
	maxDepth = 20        // of parts within parts
	maxShown = 256 << 10 // bytes of text shown
)

// mailView is one mail as the page shows it.
type mailView struct {
	ID         uint64
	Subject    string
	From, To   string
	Envelope   string // "" for the null sender
	Mailbox    string
	Folder     string
	ReceivedAt time.Time
	Size       string
	Explained  []headerView
	Headers    []headerView // all of them, as they stand
	Text       []textRun
	TextDir    string
	TextCut    bool
	HasText    bool
	HTML       string // address of the HTML part; "" when there is none
	Raw        string // address
	Source     string // the raw mail's beginning
	SourceCut  bool
	Parts      []partView
	Verdict    *verdictView
	Answer     string // address of the form that answers it
	Fault      string // why it could not be read to its end
}

type partView struct {
	Name, Type, Size, Link string
}

// textRun is a piece of text, a link when it holds an address of the web.
type textRun struct {
	Text string
	Link string
}

func (b *Sandbox) view(x *web.Exchange, m Mail) (*mailView, error) {
	read := readMail(m.Raw)
	v := &mailView{
		ID: m.ID, Subject: orElse(m.Subject, "(no subject)"), From: orElse(m.From, "(no From)"), To: m.To,
		Envelope: m.EnvelopeFrom, Mailbox: m.Mailbox, Folder: m.Folder, ReceivedAt: m.ReceivedAt, Size: size(m.Size),
		Headers: allHeaders(m), HasText: read.text != nil, Text: linkify(string(read.text)),
		TextDir: "auto", TextCut: read.textCut,
		Raw: fmt.Sprintf("/sandbox/mail/%d/raw", m.ID), Fault: read.fault,
	}
	v.Explained = explain(v.Headers)
	shown := string(m.Raw[:min(len(m.Raw), maxShown)])
	v.Source, v.SourceCut = text.Cut(strings.ToValidUTF8(shown, "\ufffd"), maxShown), len(m.Raw) > maxShown
	if read.html != nil {
		v.HTML = fmt.Sprintf("/sandbox/mail/%d/html", m.ID)
	}
	for i, p := range read.files {
		v.Parts = append(v.Parts, partView{Name: p.name, Type: p.mediaType, Size: size(int64(len(p.body))),
			Link: fmt.Sprintf("/sandbox/mail/%d/part/%d", m.ID, i)})
	}
	v.Answer = answerLink(m)
	if b.isSupport(m.Mailbox) {
		verdict, err := b.verdict(x.Request.Context(), m, headerValue(v.Headers, "Message-ID"))
		if err != nil {
			return nil, err
		}
		v.Verdict = verdict
	}
	return v, nil
}

// answerLink leads to the form filled in as the mail's recipient answering it.
func answerLink(m Mail) string {
	to := orElse(m.AnswerTo, m.EnvelopeFrom)
	q := url.Values{"kind": {"person"}, "as": {m.To}, "to": {to}, "answers": {fmt.Sprint(m.ID)}}
	return "/sandbox/write?" + q.Encode()
}

func (b *Sandbox) mailOf(x *web.Exchange) (Mail, error) {
	id, err := strconv.ParseUint(x.Param("id"), 10, 64)
	if err != nil {
		return Mail{}, fmt.Errorf("mail %q: %w", text.Cut(x.Param("id"), 40), store.ErrNotFound)
	}
	return b.deps.Host.Mail(id)
}

// showRaw serves the mail as it stands; as plain text no browser runs it.
func (b *Sandbox) showRaw(x *web.Exchange) error {
	m, err := b.mailOf(x)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Disposition", fmt.Sprintf(`inline; filename="mail-%d.txt"`, m.ID))
	x.Policy("sandbox", "")
	return x.Bytes(http.StatusOK, "text/plain; charset=utf-8", m.Raw)
}

// showHTML serves a mail's HTML part for the frame alone: without script, form,
// or anything fetched from elsewhere. Links open a window of their own.
func (b *Sandbox) showHTML(x *web.Exchange) error {
	m, err := b.mailOf(x)
	if err != nil {
		return err
	}
	html := readMail(m.Raw).html
	if html == nil {
		return fmt.Errorf("html of mail %d: %w", m.ID, store.ErrNotFound)
	}
	for directive, value := range map[string]string{
		"script-src": "'none'", "style-src": "'unsafe-inline'", "img-src": "data:", "connect-src": "'none'",
		"worker-src": "'none'", "form-action": "'none'", "frame-ancestors": "'self'",
		"sandbox": "allow-popups allow-popups-to-escape-sandbox",
	} {
		x.Policy(directive, value)
	}
	return x.Bytes(http.StatusOK, "text/html; charset=utf-8",
		append([]byte(`<!doctype html><base target="_blank">`), html...))
}

// downloadPart serves an attachment, always to be saved and never shown.
func (b *Sandbox) downloadPart(x *web.Exchange) error {
	m, err := b.mailOf(x)
	if err != nil {
		return err
	}
	files := readMail(m.Raw).files
	i, err := strconv.Atoi(x.Param("part"))
	if err != nil || i < 0 || i >= len(files) {
		return fmt.Errorf("part of mail %d: %w", m.ID, store.ErrNotFound)
	}
	x.Policy("sandbox", "")
	x.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": files[i].name}))
	return x.Bytes(http.StatusOK, "application/octet-stream", files[i].body)
}

// readParts is what could be read of a mail.
type readParts struct {
	text, html []byte // nil when there is none
	textCut    bool
	files      []filePart
	fault      string
}

type filePart struct {
	name, mediaType string
	body            []byte
}

// readMail takes a mail apart as far as it can be; a broken one gives what came
// before the break.
func readMail(raw []byte) (r readParts) {
	entity, err := message.Read(bytes.NewReader(raw))
	if entity == nil {
		r.fault = plainFault(err)
		return r
	}
	left := maxParts
	if err := r.walk(entity, maxDepth, &left); err != nil {
		r.fault = plainFault(err)
	}
	return r
}

func plainFault(err error) string { return text.Cut(strings.ToValidUTF8(err.Error(), "?"), 200) }

func (r *readParts) walk(e *message.Entity, depth int, left *int) error {
	if *left--; *left < 0 || depth == 0 {
		return fmt.Errorf("more than %d parts, or parts more than %d deep", maxParts, maxDepth)
	}
	if parts := e.MultipartReader(); parts != nil {
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				return nil
			}
			if part == nil {
				return err
			}
			if err := r.walk(part, depth-1, left); err != nil {
				return err
			}
		}
	}
	body, err := io.ReadAll(e.Body)
	r.keep(e, body)
	return err
}

func (r *readParts) keep(e *message.Entity, body []byte) {
	mediaType, params, _ := e.Header.ContentType()
	disposition, more, _ := e.Header.ContentDisposition()
	switch {
	case mediaType == "text/html" && disposition != "attachment" && r.html == nil:
		r.html = body
	case (mediaType == "text/plain" || mediaType == "") && disposition != "attachment" && r.text == nil:
		r.textCut = len(body) > maxShown
		r.text = []byte(strings.ToValidUTF8(string(body[:min(len(body), maxShown)]), "\ufffd"))
	default:
		r.draw(strings.Trim(e.Header.Get("Content-Id"), " <>"), mediaType, body)
		name := orElse(more["filename"], params["name"])
		r.files = append(r.files, filePart{name: fileName(name, mediaType), mediaType: text.Cut(mediaType, 100), body: body})
	}
}

// draw puts a picture of the mail itself where its HTML shows it by its id (RFC 2392), as mail
// programs do. The frame draws what stands in the page alone.
func (r *readParts) draw(id, mediaType string, body []byte) {
	if id == "" || mediaType != "image/png" && mediaType != "image/jpeg" || len(body) > maxShown {
		return
	}
	data := "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(body)
	r.html = bytes.Replace(r.html, []byte(`src="cid:`+id+`"`), []byte(`src="`+data+`"`), 1)
}

// fileName is a bare name to save a part under.
func fileName(name, mediaType string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, text.Cut(strings.ToValidUTF8(name, ""), 200))
	if name != "" && strings.Trim(name, ".") != "" {
		return name
	}
	switch mediaType {
	case "message/delivery-status", "message/global-delivery-status":
		return "delivery-status.txt"
	case "message/rfc822", "message/global":
		return "returned-mail.eml"
	case "text/rfc822-headers", "message/global-headers":
		return "returned-headers.txt"
	case "text/plain", "":
		return "text.txt"
	}
	return "part.bin"
}

// linkify splits text at its web addresses.
func linkify(text string) (runs []textRun) {
	for text != "" {
		at := strings.Index(text, "http")
		for at >= 0 && !strings.HasPrefix(text[at:], "http://") && !strings.HasPrefix(text[at:], "https://") {
			next := strings.Index(text[at+4:], "http")
			if next < 0 {
				at = -1
				break
			}
			at += 4 + next
		}
		if at < 0 {
			return append(runs, textRun{Text: text})
		}
		end := at + strings.IndexFunc(text[at:]+" ", func(c rune) bool {
			return c <= ' ' || strings.ContainsRune("<>\"'\u2028)]", c)
		})
		address := strings.TrimRight(text[at:end], ".,;:!?")
		if at > 0 {
			runs = append(runs, textRun{Text: text[:at]})
		}
		runs = append(runs, textRun{Text: address, Link: address})
		text = text[at+len(address):]
	}
	return runs
}

func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
