package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store"
)

// readComplaint reads feedback reports (RFC 5965) and the older form of those who
// send the complaint as a bare message.
func (m *message) readComplaint() bool {
	for i := range m.parts {
		p := &m.parts[i]
		if p.media != "message/feedback-report" {
			continue
		}
		fields := feedbackFields(string(decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText)))
		n := m.readNotice()
		id := m.originalID(n)
		kind := fields.last("feedback-type")
		for _, address := range fields["original-rcpt-to"] {
			m.complain(typedAddress(address), kind, id)
		}
		if len(m.reports) == 0 {
			for _, a := range header.Addresses(n.original.Value("To")) {
				m.complain(a.Address, kind, id)
			}
		}
		if len(m.reports) == 0 && !isGrievance(kind) {
			m.reports = []store.Report{feedback("", kind, id)} // so that nobody takes it for a complaint whose author is hidden
		}
		return m.decide(store.KindComplaint, "part message/feedback-report, "+kind)
	}
	if _, v, ok := m.header.First("X-HmXmrOriginalRecipient"); ok { // Microsoft's program passes on the mail itself
		m.complain(header.BareAddress(v), "abuse", header.FirstID(m.header.Value("Message-ID")))
		return m.decide(store.KindComplaint, "X-HmXmrOriginalRecipient: "+v)
	}
	if _, v, ok := m.header.First("X-Apple-Unsubscribe"); ok && strings.EqualFold(strings.TrimSpace(v), "true") {
		return m.decide(store.KindComplaint, "X-Apple-Unsubscribe: true")
	}
	complaint := strings.HasPrefix(m.folded, "complaint about message from") ||
		strings.HasPrefix(m.folded, "email feedback report") ||
		strings.HasPrefix(m.folded, "abuse report") && m.hasPart("message/rfc822")
	if complaint {
		n := m.readNotice()
		for _, name := range []string{"X-HmXmrOriginalRecipient", "X-Original-To", "To"} {
			for _, a := range header.Addresses(n.original.Value(name)) {
				m.complain(a.Address, "abuse", m.originalID(n))
			}
			if len(m.reports) > 0 {
				break
			}
		}
		return m.decide(store.KindComplaint, "Subject: "+m.subject)
	}
	return false
}

func (m *message) hasPart(media string) bool {
	for i := range m.parts {
		if m.parts[i].media == media {
			return true
		}
	}
	return false
}

// complain adds a complaint of one recipient, whose address its provider may have
// hidden.
func (m *message) complain(address, kind, id string) {
	address = cut(header.Clean(address), 320)
	if !strings.Contains(address, "@") || len(m.reports) >= maxReports {
		return
	}
	for _, r := range m.reports {
		if keyOf(r.Recipient) == keyOf(address) {
			return
		}
	}
	m.reports = append(m.reports, feedback(address, kind, id))
}

// isGrievance tells feedback by which somebody wants no more of our mail from such
// as takes a complaint back (RFC 5965 section 7.3) or is about mail in our name
// that we may not have sent (RFC 6591).
func isGrievance(kind string) bool {
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind != "not-spam" && kind != "auth-failure"
}

func feedback(address, kind, id string) store.Report {
	r := store.Report{
		Recipient: address, Action: store.ActionFailed, Reason: "feedback", Outcome: store.OutcomeRefused,
		Diagnostic: cut(header.Clean(kind), 200), OriginalMessageID: id,
	}
	if !isGrievance(kind) {
		r.Outcome = store.OutcomeDone
	}
	return r
}

type fieldValues map[string][]string

func (f fieldValues) last(name string) string {
	if v := f[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

func feedbackFields(text string) fieldValues {
	fields := fieldValues{}
	for name, value := range statusFields(text) {
		if name != "" && len(fields[name]) < maxReports {
			fields[name] = append(fields[name], value)
		}
	}
	return fields
}

// maxReceipt is how long, in bytes, a receipt's text may be.
const maxReceipt = 1000

// readReceipt knows disposition notifications (RFC 8098) and the older receipts
// of clients that only change the subject and the class.
func (m *message) readReceipt() bool {
	if m.hasPart("message/disposition-notification") || m.hasPart("message/global-disposition-notification") {
		return m.decide(store.KindReceipt, "part message/disposition-notification")
	}
	if v := m.header.Value("Content-Type"); strings.Contains(strings.ToLower(v), "disposition-notification") {
		return m.decide(store.KindReceipt, "Content-Type: "+v)
	}
	// People write "Read: chapter 4" too, but then they go on at length or ask.
	if p, ok := phrasebook().prefix(m.folded, receiptSubject); ok && !m.bounceSubject() && len(m.text()) <= maxReceipt &&
		!m.questions() {
		return m.decide(store.KindReceipt, "Subject: "+p)
	}
	return false
}

// readAggregate knows DMARC aggregate reports (RFC 7489 section 7.2) by their
// file's name and TLS reports (RFC 8460) by their type.
func (m *message) readAggregate() bool {
	if name, v, ok := m.header.First("TLS-Report-Domain", "TLS-Report-Submitter"); ok {
		return m.decide(store.KindReport, name+": "+v)
	}
	if strings.HasPrefix(m.folded, "report domain:") || strings.HasPrefix(m.folded, "[preview] report domain:") {
		return m.decide(store.KindReport, "Subject: "+m.subject)
	}
	for i := range m.parts {
		p := &m.parts[i]
		if strings.HasPrefix(p.media, "application/tlsrpt") {
			return m.decide(store.KindReport, "part "+p.media)
		}
		name := p.filename()
		base, _, _ := strings.Cut(name, ".xml")
		kind := strings.Contains(name, ".xml") || strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, ".gz")
		if strings.Count(name, "!") >= 3 && kind && base != "" {
			return m.decide(store.KindReport, "file "+name)
		}
	}
	return false
}
