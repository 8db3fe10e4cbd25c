// Package triage decides what a mail is and whether it may be answered. It is
// pure: raw bytes and what the caller knows of them go in, a verdict comes out,
// and nothing is asked of a clock, a store or the network.
//
// A call flows so: the header is read and the MIME parts are listed by readers
// that take whatever mail really looks like (header.go, mime.go, text.go); the
// reports of a bounce, a complaint or a receipt are read (bounce*.go); every rule
// is put to the mail, and each that fires is recorded with the words it fired on
// (rules*.go); the kind is decided, reports before automatic replies (kind.go).
// A mail may be answered when it is a person's, no rule stops it and no need is
// missing. Whether its sender is real needs DNS, so it is judged last and apart,
// by Result.Authenticate.
//
// The phrases by which mail is known lie in phrases/, a file per language. Whether a
// mail without a mark in its header is an absence notice is weighed: concepts/ lists the
// words of each concept by language, signs.go lists the signs of a mail, of its words
// and of the shape that phrases give it, weights.go sums their weights, and train/
// learns these from texts: to teach it a kind of mail, add texts there and run go
// generate. A language without a file in concepts/ is left to the phrases' combinations
// (absence.go).
package triage

import (
	"bytes"
	"fmt"
	"time"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/addr"
)

// MaxSize is the size in bytes up to which a mail is read whole; a caller gives
// of a larger one the header and the first part, and sets Envelope.Truncated.
const MaxSize = 25 << 20

// Envelope is what the caller knows of a mail that the mail itself does not say.
type Envelope struct {
	Now          time.Time // for the rules on age; zero: age is not judged
	InternalDate time.Time // when the mailbox took the mail; zero: age is not judged
	Truncated    bool      // the raw mail ends early
	Junk         bool      // it was found in the folder for junk
	// Ours tells whether an address (in lower case) is one of our own. Nil: the
	// rules on our own addresses and on being addressed to us are not judged.
	Ours func(address string) bool
	// OwnMessageID tells whether a Message-ID (without angle brackets) was minted
	// here, and for which kind of mail. Nil: not judged.
	OwnMessageID func(id string) (store.OutboundKind, bool)
	// OwnInstance is the value of X-Signpost-Instance that is ours.
	OwnInstance string
}

// Result is the verdict on one mail and what an answer to it needs. All texts are
// valid UTF-8 without control characters.
type Result struct {
	store.Verdict

	MessageID string // without angle brackets, at most 998 bytes
	Subject   string // decoded, at most 200 bytes
	From      string // the first From address, at most 320 bytes
	// AnswerTo is the address an answer goes to: the envelope sender, with prvs=
	// and SRS undone; "" when the mail names none that could be written to.
	AnswerTo   string
	AnswerName string // the display name of From, if its address is AnswerTo
	// InReplyTo and References are the mail's own, without angle brackets, for the
	// thread of an answer: the first and the last ten; of a mail without
	// References, what it answers (RFC 5322 section 3.6.4).
	InReplyTo  string
	References []string
	Languages  []string // BCP 47, from Content-Language and Accept-Language
	To         []string // our addresses among its recipients, lower case

	person string // the one From address there is; Authenticate may answer it
}

// Classify decides what raw is and whether its content allows an answer. It never
// fails: a mail that cannot be read is store.KindUnparsable.
func Classify(raw []byte, e Envelope) (r Result) {
	// The readers are made for hostile bytes and fuzzed; should one fail all the
	// same, the mail must still end in a verdict, and be left unanswered.
	defer func() {
		if fault := recover(); fault != nil {
			r = unparsable(fmt.Sprint("the reader failed: ", fault))
		}
	}()
	m := read(raw, &e)
	if len(m.header) == 0 {
		return unparsable("no header field")
	}
	m.readReports()
	rules := judge(m)
	kind := m.kind(rules)
	if kind != store.KindDirect {
		rules = append(rules, store.Rule{ID: "not-a-person", Effect: store.EffectStop, Evidence: string(kind)})
	}
	r = Result{
		Verdict:    store.Verdict{Kind: kind, Answer: allowed(rules), Rules: rules, Reports: m.reports},
		MessageID:  cut(header.FirstID(m.header.Value("Message-ID")), 998),
		Subject:    cut(m.subject, 200),
		AnswerTo:   m.sender,
		InReplyTo:  cut(header.FirstID(m.header.Value("In-Reply-To")), 998),
		References: boundReferences(m.references("References")),
		Languages:  m.languages(),
		To:         m.ours,
	}
	if len(r.References) == 0 && r.InReplyTo != "" {
		r.References = []string{r.InReplyTo}
	}
	if len(m.from) > 0 {
		r.From = m.from[0].Address
		if store.AddressKey(m.from[0].Address) == store.AddressKey(m.sender) {
			r.AnswerName = m.from[0].Name
		}
		if len(m.from) == 1 && isAddress(m.from[0].Address) {
			r.person = m.from[0].Address
		}
	}
	return r
}

func unparsable(why string) Result {
	return Result{Verdict: store.Verdict{Kind: store.KindUnparsable, Rules: []store.Rule{
		{ID: "unparsable", Effect: store.EffectStop, Evidence: evidence(why)},
	}}}
}

func allowed(rules []store.Rule) bool {
	for _, r := range rules {
		if r.Effect == store.EffectStop || r.Effect == store.EffectMissing {
			return false
		}
	}
	return true
}

// message is a mail while it is judged.
type message struct {
	env    *Envelope
	header header.Header
	body   []byte
	parts  []part

	subject string // decoded
	folded  string // the subject as phrases are compared with: lower case
	from    []header.Mailbox
	// returnPath is the envelope sender as the last host wrote it down, sender the
	// address in it.
	returnPath    string
	hasReturnPath bool
	null          bool
	sender        string
	wrapped       bool // sender was undone from returnPath

	to         []header.Mailbox // To and Cc
	ours       []string
	oursResent bool // only Resent-* names us

	words      string // the readable text, once asked for
	hasText    bool
	first      string // its opening, folded, once asked for
	hasOpening bool
	split      []sentence    // the opening's, once asked for
	weighed    *judgement    // once asked for
	program    *programWords // once asked for

	notice  *notice // once asked for
	inner   bool    // it came inside another mail
	reports []store.Report
	report  store.Kind // what the reports make of the mail, "" for none
	reason  string     // the words by which report was decided
}

// read takes a mail apart as far as every rule needs it.
func read(raw []byte, e *Envelope) *message {
	m := &message{env: e}
	m.header, m.body = header.Read(raw)
	m.parts = walk(m.header, m.body)
	m.subject = header.DecodeWords(m.header.Value("Subject"))
	m.folded = fold(m.subject)
	m.from = m.addresses("From")
	m.readSender()
	m.to = append(m.addresses("To"), m.addresses("Cc")...)
	m.findOurs()
	return m
}

func (m *message) addresses(names ...string) (list []header.Mailbox) {
	for _, name := range names {
		m.header.All(name, func(v []byte) bool {
			list = append(list, header.Addresses(header.Unfold(v))...)
			return len(list) < header.MaxAddresses
		})
	}
	return list
}

// readSender finds the envelope sender: the topmost Return-Path is the one the
// last host wrote (RFC 5321 section 4.4).
func (m *message) readSender() {
	value, ok := "", false
	if _, value, ok = m.header.First("Return-Path", "X-Envelope-From", "Envelope-From"); !ok {
		return
	}
	m.hasReturnPath, m.returnPath = true, value
	address := value
	if open := bytes.LastIndexByte([]byte(value), '<'); open >= 0 {
		address = value[open:]
	}
	address = header.BareAddress(address)
	m.null = address == ""
	address, m.wrapped = unwrapSender(address)
	if _, problem := addr.Parse(address); problem == "" && isAddress(address) {
		m.sender = address // one that the outbox can write to
	}
}

// findOurs lists which of our addresses the mail names as a recipient.
func (m *message) findOurs() {
	if m.env.Ours == nil {
		return
	}
	m.addOurs(m.to)
	m.addOurs(m.addresses("Bcc"))
	if len(m.ours) == 0 {
		m.addOurs(m.addresses("Resent-To", "Resent-Cc", "Resent-Bcc"))
		m.oursResent = len(m.ours) > 0
	}
}

func (m *message) addOurs(list []header.Mailbox) {
	for _, to := range list {
		if len(m.ours) == 20 {
			return
		}
		if address, ok := m.isOurs(to.Address); ok && !contains(m.ours, address) {
			m.ours = append(m.ours, address)
		}
	}
}

// isOurs tells whether an address is ours, also in the forms hosts and we give it
// on the way: a "+tag" (RFC 5233), prvs=, SRS. It returns the plainest form that is.
func (m *message) isOurs(address string) (string, bool) {
	if m.env.Ours == nil || address == "" {
		return "", false
	}
	bare, _ := unwrapSender(store.AddressKey(address))
	for _, form := range []string{store.AnswerKey(bare), store.AddressKey(bare), store.AddressKey(address)} {
		if m.env.Ours(form) {
			return form, true
		}
	}
	return "", false
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// languages are the tags the mail names, Content-Language first (RFC 3282).
func (m *message) languages() (tags []string) {
	for _, name := range []string{"Content-Language", "Accept-Language"} {
		if v := header.Clean(m.header.Value(name)); v != "" && len(v) <= 200 {
			tags = append(tags, v)
		}
	}
	return tags
}
