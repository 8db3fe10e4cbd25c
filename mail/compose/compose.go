// Package compose turns a row of the outbox into the bytes of an RFC 5322
// message, with its envelope. But for the files of a reply, which attach.go reads as they
// are written (Blobs), it is pure: no I/O and no clock, and the same row
// gives the same bytes at every try, since the date, the MIME boundary and the
// time of the DKIM signature all come from the row.
//
// A call flows so: Compose picks the row's kind, whose own file (confirmation.go,
// links.go, reply.go, solved.go, promise.go, invitation.go, autoresponse.go, own.go) fills a letter: subject,
// languages, texts, and what is special in its envelope. The rest is the same for all kinds:
// header.go writes the fields, body.go the two alternatives, dkim.go signs; look.go has the
// colours of links and buttons, and the logo; attach.go the files of a reply whose row says
// that they go along.
//
// To add a kind of mail: a file with the function that fills its letter, its line in
// Composer.letter, and its texts in store/lang.
//
// # What of a ticket is mailed
//
// Each event of a ticket is mailed at most once, from its region's address, in the thread
// of its confirmation (In-Reply-To, References, the same Subject) but where the table says
// otherwise. "auto" is Auto-Submitted: auto-generated (RFC 3834 section 5). A date that no
// mail has told of moves without one. table_test.go walks the table.
//
//	event                                to          text                              headers
//	opened                               requester   confirmation.*: number, promise,  auto; begins the
//	                                                 link; not a word submitted        thread
//	an agent replies, with any status    requester   reply.*: their words, how to      none: a person
//	                                                 answer, status, the next update   wrote
//	                                                 of one on hold; what stood before
//	                                                 to a proven address alone
//	an agent takes a reply back          -           it never left                     -
//	an agent mails a reply again         requester   reply.*: as it was                none: a person
//	                                                                                   wrote
//	an agent solves without a reply      requester   solved.*: number, reopen until,   auto
//	                                                 link
//	solved, and open again before that   -           -                                 -
//	mail left
//	an agent gives the date of the next  requester   promise.*: number, the date, that auto
//	update                                           an answer was late, link
//	that date moves again within a day   -           the page says it                  -
//	that date moves before the mail      requester   promise.*: the last date alone    auto
//	left
//	the status changes otherwise         -           the page says it                  -
//	the resolution moves, as its clock   -           the page says it: no mail told    -
//	goes on                                          its date
//	a promise is missed                  -           the page alone says it, first,    -
//	                                                 until an agent gives another
//	                                                 date: no clock mails yet
//	the partner writes, solves, reopens  -           they did it, and the page says    -
//	or rates                                         so
//	the partner goes on from a closed    requester   confirmation.* of the new ticket  auto; begins a
//	ticket                                                                             thread
//	a colleague is named                 colleague   invitation.*: number and link;    auto; begins a
//	                                                 not a word submitted, nor who     thread of theirs
//	                                                 named them
//	an agent replies, or solves without  colleagues  as the requester's, to each who   as the requester's,
//	a reply                                          acts, with a link of their own    in the thread of
//	                                                                                   the invitation
//	a colleague joins, leaves, is        -           the desk and the requester's      -
//	removed                                          page say it
//	a new link is asked for              requester   links.*: number and link of each  auto; in the
//	                                                                                   thread for one
//	the requester's address changes      the new one confirmation.*, nothing of what   auto; begins a
//	                                                 stood before                      thread
//	their mail answers one of ours       the writer  answer.*: not read, the page's    auto-replied
//	                                                 link
//	a mail bounces                       -           it would bounce too: the desk     -
//	                                                 shows it
//	note, assignee, priority, category,  -           support's own                     -
//	tags
//
// No text of a stranger gets into a mail to partners: their letters hold texts
// of the catalogue, numbers, dates and links alone. What does come from outside (the
// address written to, the ids of the mail answered) is checked and, where it is
// not what it should be, refused or left out.
package compose

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/brand"
	"signpost/store/ident"
	"signpost/store/lang"
)

// Config is what all mails of an installation have in common.
type Config struct {
	// BaseURL is where the pages are served, "https://help.example.com",
	// without a slash at its end.
	BaseURL string
	// Product is the sender's display name where a row has none.
	Product string
	// Brand is how mails look, where not like ours. Its logo goes along in each that shows
	// it, beside the bytes of the texts; the answer to a stray mail shows none.
	Brand brand.Brand
	// Instance names the installation in X-Signpost-Instance, by which it knows
	// its own mail: letters, digits, dots and dashes, at most 64.
	Instance string
	// Zone is the time zone in which a region's promises are told; UTC where it
	// is nil or returns nil.
	Zone func(region string) *time.Location
	// Signers sign the mail of their domains; none is allowed.
	Signers []Signer
	// NullSender sends auto-responses with MAIL FROM <>, as RFC 5230 section
	// 5.1 asks. Wire it true; false is for a relay that refuses the null
	// sender: then they leave under the tagged address, as tickets' mail does.
	NullSender bool
	// Bounces is the address to which a region's bounces go, with the tag put in;
	// the region's own where it is nil or returns "". In another domain SPF no
	// longer speaks for From (RFC 7489 section 3.1.2): sign with DKIM then.
	Bounces func(region string) string
}

// Composer composes mails. It is safe for concurrent use.
type Composer struct {
	config Config
	ring   *ident.Ring
	texts  *lang.Catalogue
	look   look
	pages  pages
}

// Notify is what the relay is asked to report of a mail (RFC 3461 section 4.1).
type Notify int

// What may be asked for.
const (
	NotifyNever        Notify = iota // NOTIFY=NEVER
	NotifyFailureDelay               // NOTIFY=FAILURE,DELAY
)

// Message is one mail ready for the relay.
type Message struct {
	From string // envelope sender, "" is the null sender <>
	To   string // envelope recipient
	ID   string // the Message-ID, without angle brackets
	// EnvelopeID is the ENVID of the envelope (RFC 3461 section 4.4), to be
	// encoded as xtext: the Message-ID, or "" where that exceeds the 100
	// characters allowed.
	EnvelopeID string
	Notify     Notify
	UTF8       bool   // an address needs SMTPUTF8 (RFC 6531)
	Bytes      []byte // header and body, lines ending in CRLF
}

// letter is what a kind of mail says; see the file of each kind.
type letter struct {
	subject       string
	langs         []lang.Lang
	autoSubmitted string // RFC 3834 section 5; "" when a person wrote it
	suppress      string // X-Auto-Response-Suppress
	// bulk says Precedence: bulk, since some responders look at nothing else (RFC
	// 3834 section 3.1.8). Not on a mail about one person's ticket, which filters
	// would sort away with newsletters.
	bulk       bool
	nullSender bool
	notify     Notify
	mark       string // of a canary's stray, which bears no other mark of ours
	text, html []byte // html nil: the text is all
	attached   []Attachment
}

// New checks the configuration and prepares the templates and fixed texts.
func New(config Config, ring *ident.Ring, texts *lang.Catalogue) (*Composer, error) {
	err := errors.Join(checkBase(config.BaseURL), checkInstance(config.Instance), checkSigners(config.Signers),
		config.Brand.Validate())
	if err != nil {
		return nil, err
	}
	c := &Composer{config: config, ring: ring, texts: texts, look: lookOf(config)}
	c.pages, err = parsePages(texts.Langs(), c.look)
	return c, err
}

// Compose returns the mail of one row. An error is the row's own fault (an
// unknown kind, an address that is none, a Message-ID that cannot stand in a
// header) and another try would end the same, but for ErrUnread.
func (c *Composer) Compose(o store.Outbound) (Message, error) {
	return c.compose(o, func(from string) (letter, error) { return c.letter(o, from) })
}

// compose puts a letter into its envelope.
func (c *Composer) compose(o store.Outbound, write func(from string) (letter, error)) (Message, error) {
	if !validMessageID(o.MessageID) {
		return Message{}, fmt.Errorf("compose outbound %d: its Message-ID cannot stand in a header", o.ID)
	}
	from, err := parseAddress(o.From)
	if err != nil {
		return Message{}, fmt.Errorf("compose outbound %d: sender: %w", o.ID, err)
	}
	to, err := parseAddress(o.To)
	if err != nil {
		return Message{}, fmt.Errorf("compose outbound %d: recipient: %w", o.ID, err)
	}
	l, err := write(from)
	if err != nil {
		return Message{}, fmt.Errorf("compose outbound %d: %w", o.ID, err)
	}
	m := Message{To: to, ID: o.MessageID, Notify: l.notify}
	if len(o.MessageID) <= maxEnvelopeID {
		m.EnvelopeID = o.MessageID
	}
	switch {
	case l.mark != "":
		m.From = from
	case !l.nullSender:
		m.From = c.ring.EnvelopeFrom(c.bounces(o.Region, from), o.ID, o.To, o.QueuedAt)
	}
	m.UTF8 = !isASCII(from) || !isASCII(to)
	if m.Bytes, err = c.write(o, l, from, to); err == nil {
		m.Bytes, err = c.sign(m.Bytes, from, o.QueuedAt)
	}
	if err != nil {
		return Message{}, fmt.Errorf("compose outbound %d: %w", o.ID, err)
	}
	return m, nil
}

// letter lets the row's kind say what it says.
func (c *Composer) letter(o store.Outbound, from string) (letter, error) {
	switch o.Kind {
	case store.MailConfirmation:
		return c.confirmation(o, from)
	case store.MailAutoResponse:
		return c.autoResponse(o)
	case store.MailLinks:
		return c.links(o)
	case store.MailSolved:
		return c.solved(o)
	case store.MailColleague:
		return c.invitation(o, from)
	case store.MailPromise:
		return c.promise(o)
	case store.MailAlarm:
		return c.alarm(o)
	case store.MailCanary:
		return c.stray(o)
	}
	if o.Kind.OfAccount() {
		return c.account(o)
	}
	return letter{}, fmt.Errorf("no mail of kind %q is known", o.Kind)
}

// maxEnvelopeID is the limit of RFC 3461 section 4.4.
const maxEnvelopeID = 100

// instanceChars may stand in an installation id, and in a domain name too.
const instanceChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

// write puts header and body together. Every value that is not ours goes
// through clean or was checked before.
func (c *Composer) write(o store.Outbound, l letter, from, to string) ([]byte, error) {
	var h header
	h.raw("Date", o.QueuedAt.UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000"))
	h.raw("From", mailbox(c.fromName(o), from))
	h.raw("To", to)
	h.text("Subject", l.subject)
	h.raw("Message-ID", "<"+o.MessageID+">")
	h.thread(o.InReplyTo, o.References)
	if o.Kind.OfTicket() {
		h.conversation(o, l.subject)
	}
	if l.autoSubmitted != "" {
		h.raw("Auto-Submitted", l.autoSubmitted)
		if l.bulk {
			h.raw("Precedence", "bulk")
		}
		h.raw("X-Auto-Response-Suppress", l.suppress)
	}
	if l.mark != "" {
		h.raw(store.CanaryField, l.mark)
	} else {
		h.raw("X-Signpost-Instance", c.config.Instance)
		// Some relays give a mail another Message-ID; a bounce is tied by this then.
		h.raw("X-Signpost-Ref", "<"+o.MessageID+">")
	}
	h.raw("Content-Language", tags(l.langs))
	h.raw("MIME-Version", "1.0")
	switch {
	case l.html == nil:
		return plain(&h, l.text), nil
	case len(l.attached) > 0:
		return mixed(&h, o.MessageID, l, c.look.logo)
	}
	return alternatives(&h, o.MessageID, l, c.look.logo), nil
}

// fromName is the display name a mail leaves under.
func (c *Composer) fromName(o store.Outbound) string {
	if name := clean(o.FromName, maxName); name != "" {
		return name
	}
	return clean(c.config.Product, maxName)
}

// bounces is the address that a mail's bounces go to, still without its tag.
func (c *Composer) bounces(region, from string) string {
	if c.config.Bounces == nil {
		return from
	}
	return cmp.Or(c.config.Bounces(region), from)
}

func (c *Composer) zone(region string) *time.Location {
	if c.config.Zone == nil {
		return time.UTC
	}
	if zone := c.config.Zone(region); zone != nil {
		return zone
	}
	return time.UTC
}

// pick returns the catalogue's languages for a row's tags, each once, at most
// limit; English when none is known.
func (c *Composer) pick(tags []string, limit int) []lang.Lang {
	var langs []lang.Lang
	for _, tag := range tags {
		l, ok := c.texts.Match(tag)
		if ok && len(langs) < limit && !slices.Contains(langs, l) {
			langs = append(langs, l)
		}
	}
	if len(langs) == 0 {
		langs = append(langs, c.texts.Pick())
	}
	return langs
}

func tags(langs []lang.Lang) string {
	var all []string
	for _, l := range langs {
		all = append(all, l.Tag())
	}
	return strings.Join(all, ", ")
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.RawQuery != "", u.Fragment != "",
		u.User != nil:
		return fmt.Errorf("the base URL %q is not like https://help.example.com", base)
	case strings.HasSuffix(base, "/"):
		return fmt.Errorf("the base URL %q ends in a slash", base)
	case !isASCII(base) || strings.ContainsAny(base, " <>\"\r\n\t"):
		return fmt.Errorf("the base URL %q holds characters that break links in mails; write its host name in ASCII (xn--)",
			base)
	}
	return nil
}

func checkInstance(id string) error {
	if id == "" || len(id) > 64 || strings.Trim(id, instanceChars) != "" {
		return fmt.Errorf("the installation id %q is not 1 to 64 letters, digits, dots and dashes", id)
	}
	return nil
}
