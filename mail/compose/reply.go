package compose

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/lang"
	"signpost/store/markdown"
	"signpost/store/text"
)

// Reply is what an agent's mail holds beside its row. It is made from the ticket as it
// stood when the reply was written, so that every try gives the same bytes.
type Reply struct {
	Body      string // the agent's words, Markdown (store/markdown)
	Signature string // below them, Markdown; "" for none
	Status    store.Status
	// Files lie on the ticket's page. Attached are the same ones where they go along in the
	// mail, which says so.
	Files    []store.File
	Attached []Attachment
	// Earlier are the messages and replies before it, the newest first; none to an address
	// that is not proven, since its reader may be a stranger.
	Earlier []Earlier
}

// Earlier is one message or reply that stands below an agent's words.
type Earlier struct {
	Author string
	At     time.Time
	Body   string
	// Markdown tells an agent's words from a partner's plain text.
	Markdown bool
}

// What a reply shows of the messages before it. Gmail cuts an HTML mail off at 102 KiB, with the way
// to the ticket's page.
const (
	earlierShown = 5
	earlierBytes = 4 << 10 // of each
	wordsBytes   = 24 << 10
)

// Reply composes the mail of an agent's reply: their words first and nothing before them,
// then how to answer, the ticket's number and where it stands, then the messages before
// it, as quotes that mail programs fold. A person wrote it, so it does not say
// Auto-Submitted. Errors are as for Compose.
func (c *Composer) Reply(o store.Outbound, r Reply) (Message, error) {
	if o.Kind != store.MailReply {
		return Message{}, fmt.Errorf("compose outbound %d: a mail of kind %q is no reply", o.ID, o.Kind)
	}
	return c.compose(o, func(from string) (letter, error) { return c.reply(o, r) })
}

// replyPage is what the templates of a reply are filled with.
type replyPage struct {
	Subject, Sender, Number, MarkedNumber, Status, Link string
	Next                                                string // when they hear from us again, "" for not said
	Words                                               words
	Cut                                                 bool // the words go on, on the page
	Signature                                           words
	Files                                               []replyFile
	Attached                                            bool // the files go along
	Earlier                                             []earlierPage
	More                                                bool // there are older messages
}

// words are a text in both of its forms.
type words struct {
	Text string
	HTML htmltemplate.HTML
}

type replyFile struct{ Name, MarkedName, Size string }

type earlierPage struct {
	Author, MarkedAuthor, Date string
	Words                      words
}

func (c *Composer) reply(o store.Outbound, r Reply) (letter, error) {
	if o.Number == "" || o.Link == (store.LinkID{}) {
		return letter{}, errors.New("a reply without a ticket number or a link")
	}
	if strings.TrimSpace(r.Body) == "" {
		return letter{}, errors.New("a reply without words")
	}
	l := c.pick(o.Langs, 1)[0]
	number := clean(o.Number, maxName)
	link := c.config.BaseURL + "/t/" + c.ring.LinkToken(o.Link)
	body := text.Cut(r.Body, wordsBytes)
	page := replyPage{
		Subject: subjectOf(l, o), Sender: c.fromName(o), Number: number,
		MarkedNumber: l.Isolate(number), Status: l.T("mail.status_" + string(r.Status)), Link: link,
		Words: agentsWords(body, link, r.Files), Cut: len(body) < len(r.Body),
		More: len(r.Earlier) > earlierShown, Attached: len(r.Attached) > 0,
	}
	if next := o.Promise.NextUpdateBy; !next.IsZero() {
		page.Next = l.Instant(next, c.zone(o.Region))
	}
	if r.Signature != "" {
		page.Signature = agentsWords(text.Cut(r.Signature, earlierBytes), link, nil)
	}
	for _, f := range r.Files {
		name := clean(f.Name, maxName)
		page.Files = append(page.Files, replyFile{name, l.Isolate(name), text.Size(f.Size)})
	}
	for _, e := range r.Earlier[:min(len(r.Earlier), earlierShown)] {
		page.Earlier = append(page.Earlier, c.earlier(o, l, link, e))
	}
	plain, html, err := c.pages.reply[l.Tag()].fill(page)
	return letter{
		subject: page.Subject, langs: []lang.Lang{l}, text: plain, html: html, attached: r.Attached,
		notify: NotifyFailureDelay,
	}, err
}

// earlier is a message before the reply. What a partner wrote is text as it stands.
func (c *Composer) earlier(o store.Outbound, l lang.Lang, link string, e Earlier) earlierPage {
	author := clean(e.Author, maxName)
	page := earlierPage{Author: author, MarkedAuthor: l.Isolate(author), Date: l.Instant(e.At, c.zone(o.Region))}
	body := text.Cut(e.Body, earlierBytes)
	if len(body) < len(e.Body) {
		body += " [...]"
	}
	if e.Markdown {
		page.Words = agentsWords(body, link, nil)
	} else {
		page.Words = words{body, asHTML(body)}
	}
	page.Words.Text = quoted(page.Words.Text)
	return page
}

// agentsWords renders Markdown. The images of the ticket are on its page, never in the mail.
func agentsWords(body, link string, files []store.File) words {
	onPage := func(name string) (string, bool) {
		for _, f := range files {
			if f.Name == name {
				return link, false
			}
		}
		return "", false
	}
	return words{
		Text: strings.TrimRight(markdown.Text(body, onPage), "\n"),
		HTML: htmltemplate.HTML(strings.TrimRight(markdown.HTML(body, onPage), "\n")), // safe: markdown.HTML says so
	}
}

// asHTML is plain text as HTML, its lines kept.
func asHTML(body string) htmltemplate.HTML {
	escaped := htmltemplate.HTMLEscapeString(strings.TrimSpace(body))
	return htmltemplate.HTML("<p>" + strings.ReplaceAll(escaped, "\n", "<br>\n") + "</p>") // safe: it was escaped
}

// quoted puts the mark of a quote before each line.
func quoted(body string) string {
	lines := strings.Split(strings.TrimSpace(body), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("> "+line, " ")
	}
	return strings.Join(lines, "\n")
}
