package watch

import (
	"context"
	"slices"
	"strings"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/text"
)

// authenticate finds out whether the mail comes from where it says, and puts
// that into the verdict. What a trusted host wrote into the header is taken
// first; only where that is not enough are signatures verified here. unsure: a
// name server that did not answer might have changed the outcome.
func (w *Watcher) authenticate(ctx context.Context, o open, r triage.Result) (checked triage.Result, unsure bool) {
	header := fields(o.head)
	said := w.box.Trust.stated(header)
	said.Checked = said.Checked || w.deps.Resolver != nil
	checked = r.Authenticate(said, w.box.AnswerUnauthenticated)
	signed := slices.ContainsFunc(header, func(f field) bool { return f.name == "dkim-signature" })
	if checked.Answer || !signed || w.deps.Resolver == nil || strings.EqualFold(said.DMARC, "fail") {
		return checked, false
	}
	domains, unsure := w.verify(ctx, o)
	if len(domains) == 0 {
		return checked, unsure
	}
	said.DKIM = append(said.DKIM, domains...)
	said.Source = strings.TrimPrefix(said.Source+", DKIM verified here", ", ")
	checked = r.Authenticate(said, w.box.AnswerUnauthenticated)
	return checked, unsure && !checked.Answer
}

// stated gathers what trusted hosts state of a mail (RFC 8601). Any sender can write
// such fields, and where they stand tells whose they are (trace). What proves the
// sender is stated by the host that let the mail in, above its own Received, or, if
// it states nothing there, in the first such field below; of those below that one, the sender
// may have written any. A host within saw a host of ours connect, so it can only
// speak of signatures, unless the mail was made within. What any of them holds against
// the mail counts.
func (t Trust) stated(header []field) triage.Auth {
	if len(t.Hosts) == 0 {
		return triage.Auth{}
	}
	where := t.readTrace(header)
	var h hearing
	for _, f := range where.entry {
		h.hear(t, f, provesAll)
	}
	if f, ok := where.firstResults(); ok && t.isOwn(where.hop.by) {
		proof := provesAll
		if h.Checked {
			proof = provesNothing
		}
		h.hear(t, f, proof)
	}
	within := provesSignatures
	if t.isWithin(where.hop) {
		within = provesAll
	}
	for _, f := range slices.Backward(where.inner) {
		h.hear(t, f, within)
	}
	if h.SPF == "" {
		h.hearSPF(t, where.entry)
	}
	return h.Auth
}

// firstResults is the first Authentication-Results below the Received of the entry,
// as long as no field stands before it that the author's program writes.
func (t trace) firstResults() (field, bool) {
	for _, f := range t.below {
		switch f.name {
		case "authentication-results":
			return f, true
		case "received", "from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date",
			"message-id", "in-reply-to", "references", "mime-version",
			"content-type", "content-transfer-encoding", "dkim-signature", "user-agent", "x-mailer":
			return field{}, false
		}
	}
	return field{}, false
}

// proof is what a field may prove by where it stands.
type proof int

const (
	provesNothing proof = iota
	provesSignatures
	provesAll
)

// hearing is what was heard of a mail so far.
type hearing struct {
	triage.Auth
	signatures bool // some field speaks of signatures
}

// hear adds what a field states, if it is one of a trusted host: as proof as far as
// that goes, else only where it is worse than what was heard.
func (h *hearing) hear(t Trust, f field, proof proof) {
	if f.name != "authentication-results" {
		return
	}
	id, results, ok := parseResults(f.value)
	if !ok || !t.believes(id) {
		return
	}
	if proof > provesNothing {
		h.Checked, h.Source = true, "Authentication-Results of "+text.Cut(id, 100)
	}
	s := readStatement(results)
	if s.spf != "" && (proof == provesAll && h.SPF == "" || badness(s.spf) > badness(h.SPF)) {
		h.SPF, h.SPFDomain = s.spf, s.spfDomain
	}
	if s.dmarc != "" && (proof == provesAll && h.DMARC == "" || badness(s.dmarc) > badness(h.DMARC)) {
		h.DMARC, h.DMARCDomain = s.dmarc, s.dmarcDomain
	}
	switch {
	case !s.signatures:
	case h.signatures:
		h.DKIM = slices.DeleteFunc(h.DKIM, func(d string) bool { return !slices.Contains(s.dkim, d) })
	case proof > provesNothing:
		h.DKIM, h.signatures = s.dkim, true
	}
}

// badness orders the words of a result (RFC 8601 section 2.7): a host that takes
// back what another proved is believed. Nothing stated is as bad as none.
func badness(word string) int {
	switch word {
	case "pass":
		return 0
	case "softfail":
		return 2
	case "fail", "hardfail":
		return 3
	}
	return 1
}

// statement is what one field says of each method.
type statement struct {
	spf, spfDomain, dmarc, dmarcDomain string
	dkim                               []string // domains whose signature passed
	signatures                         bool     // it speaks of some, or of none
}

// readStatement sums a field up. Where it says two things of one method, the worse
// counts: text of the sender's may have slipped into it.
func readStatement(results []result) (s statement) {
	isUnsigned := false
	for _, r := range results {
		switch r.method {
		case "spf":
			if r.prop("smtp.helo") != "" && r.mailFrom() == "" {
				continue // of another identity (RFC 7208 section 2.3), which is not the address answered
			}
			if s.spf == "" || badness(r.value) > badness(s.spf) {
				s.spf, s.spfDomain = r.value, senderDomain(r.mailFrom())
			}
		case "dmarc":
			if s.dmarc == "" || badness(r.value) > badness(s.dmarc) {
				s.dmarc, s.dmarcDomain = r.value, senderDomain(r.prop("header.from"))
			}
		case "dkim":
			s.signatures, isUnsigned = true, isUnsigned || r.value == "none"
			if d := r.signer(); r.value == "pass" && d != "" {
				s.dkim = append(s.dkim, d)
			}
		}
	}
	if isUnsigned {
		s.dkim = nil
	}
	return s
}

// mailFrom is the envelope sender that SPF was checked for; Yandex has a name of its
// own for it.
func (r result) mailFrom() string {
	if from := r.prop("smtp.mailfrom"); from != "" {
		return from
	}
	return r.prop("smtp.mail")
}

func (r result) signer() string {
	if d := r.prop("header.d"); d != "" {
		return strings.ToLower(d)
	}
	return store.Domain(r.prop("header.i")) // Google writes no header.d
}

func senderDomain(mailFrom string) string {
	mailFrom = strings.Trim(mailFrom, "<>")
	if d := store.Domain(mailFrom); d != "" {
		return d
	}
	return strings.ToLower(mailFrom)
}

// hearSPF falls back on the topmost Received-SPF (RFC 7208 section 9.1) among the
// fields above the entry's Received, where that host alone writes. One of the HELO
// name, or that another host says it wrote, is passed over.
func (h *hearing) hearSPF(t Trust, entry []field) {
	i := slices.IndexFunc(entry, func(f field) bool { return f.name == "received-spf" })
	if i < 0 {
		return
	}
	said := result{}
	for _, part := range scan(entry[i].value) {
		for _, p := range part {
			if p.key == "" && said.value == "" {
				said.value = strings.ToLower(p.value)
			}
			said.props = append(said.props, p)
		}
	}
	identity, receiver := said.prop("identity"), said.prop("receiver")
	if identity != "" && !strings.EqualFold(identity, "mailfrom") ||
		strings.Contains(receiver, ".") && !strings.Contains(receiver, "@") && !t.isOwn(receiver) {
		return
	}
	h.SPF, h.SPFDomain = said.value, senderDomain(said.prop("envelope-from"))
	if h.Checked = true; h.Source == "" {
		h.Source = "Received-SPF"
	}
}
