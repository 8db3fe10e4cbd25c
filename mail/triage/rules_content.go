package triage

import (
	"strings"

	"signpost/store"
)

// contentRules: the parts, the subject or the text show a program's mail.
var contentRules = []rule{
	stop("report", "RFC 6522, RFC 3464, RFC 6533, RFC 5965, RFC 8098, RFC 7489, RFC 8460: a report answers nothing", func(m *message) (string, bool) {
		return m.reason, m.report != ""
	}),
	stop("report-part", "RFC 6522: multipart/report of any kind, and the parts reports are made of", reportPart),
	stop("calendar", "RFC 6047: an invitation and its answer are handled by programs", calendarPart),
	stop("auto-subject", "subjects that responders and mail systems write, data by language", func(m *message) (string, bool) {
		p, ok := phrasebook().prefix(m.folded, autoSubject, bounceSubject, delaySubject, receiptSubject, ackSubject)
		return "Subject: " + m.subject + " [" + p + "]", ok
	}),
	stop("away-text", "an absence notice without a mark in its header, data by language", func(m *message) (string, bool) {
		return m.away()
	}),
	stop("acknowledgement", "a helpdesk's acknowledgement: a ticket's mark in the subject and its sentence in the text", acknowledgement),
	stop("challenge", "a service that asks the sender to prove himself first", challenge),
}

func reportPart(m *message) (string, bool) {
	if v := m.header.value("Content-Type"); v != "" {
		low := strings.ToLower(v)
		if strings.Contains(low, "multipart/report") || strings.Contains(low, "report-type=") {
			return "Content-Type: " + v, true
		}
	}
	if name, v, ok := m.header.has("X-Failed-Recipients"); ok {
		return name + ": " + v, true
	}
	for i := range m.parts {
		switch m.parts[i].media {
		case "message/delivery-status", "message/global-delivery-status", "message/xdelivery-status", "message/feedback-report",
			"message/disposition-notification", "message/global-disposition-notification", "application/tlsrpt+gzip", "application/tlsrpt+json":
			return "part " + m.parts[i].media, true
		}
	}
	return "", false
}

// calendarPart: a scheduling message names a method (RFC 5546 section 1.4); a
// calendar file a person attaches has method PUBLISH or none.
func calendarPart(m *message) (string, bool) {
	if words, ok := m.valued("Content-Class", func(v string) bool {
		return strings.Contains(strings.ToLower(v), "calendarmessage")
	}); ok {
		return words, true
	}
	for i := range m.parts {
		p := &m.parts[i]
		if p.media != "text/calendar" {
			continue
		}
		method := strings.ToLower(p.params.get("method"))
		if method == "" {
			method = calendarMethod(p.text())
		}
		switch method {
		case "reply", "request", "cancel", "counter", "declinecounter", "refresh", "add":
			return "text/calendar; method=" + method, true
		}
	}
	return "", false
}

func calendarMethod(text string) string {
	for line := range strings.Lines(cut(text, 4096)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "METHOD") {
			return strings.ToLower(strings.TrimSpace(value))
		}
	}
	return ""
}

// away looks for the sentences of absence notices. People write them too ("I am on
// vacation from Monday, please answer before"), so the absence counts only where
// the mail answers one; that it was written by a program counts anywhere.
func (m *message) away() (string, bool) {
	words, ok := m.opening(awayText, 400, 1500)
	if !ok {
		return "", false
	}
	return words, m.answers() || containsAny(words, programWords...)
}

// programWords are what the sentences of away-text that speak of programs hold.
var programWords = []string{"auto", "авто", "自动", "自動", "자동", "تلقائي", "آلي", "αυτόματ", "אוטומטי", "อัตโนมัติ", "tự động", "خودکار",
	"monitored", "unattended", "reply", "répondre", "responda", "rispondere", "antwort", "отвечайте", "回复", "回覆", "membalas", "gelesen", "consultée"}

// answers tells a mail that answers another, as far as its header shows.
func (m *message) answers() bool {
	if m.header.count("In-Reply-To") > 0 || m.header.count("References") > 0 {
		return true
	}
	head, _, ok := strings.Cut(m.folded, ":")
	return ok && len([]rune(strings.TrimSpace(head))) <= 4
}

// acknowledgement needs two signs, since people write ticket numbers too.
func acknowledgement(m *message) (string, bool) {
	if !ticketMark(m.folded) {
		return "", false
	}
	return m.opening(ackText, 1500, 0)
}

// ticketMark finds a number in the way helpdesks write one into a subject:
// [#123], [Ticket 123], ticket#123, case: 123.
func ticketMark(subject string) bool {
	for i := 0; i < len(subject); i++ {
		if c := subject[i]; c < '0' || c > '9' || i == 0 {
			continue
		}
		before := strings.TrimRight(subject[:i], "abcdefghijklmnopqrstuvwxyz-: ")
		word := strings.Trim(subject[len(before):i], "-: ")
		if strings.HasSuffix(before, "[") || strings.HasSuffix(before, "#") || strings.HasSuffix(before, "[#") {
			return true
		}
		for _, name := range []string{"ticket", "case", "request", "incident", "ticket id", "case id", "vorgang", "anfrage", "caso", "chamado", "demande"} {
			if strings.HasSuffix(word, name) {
				return true
			}
		}
		for i+1 < len(subject) && subject[i+1] >= '0' && subject[i+1] <= '9' {
			i++
		}
	}
	return false
}

// challenge: a known service, or a text that asks for proof beside a link.
func challenge(m *message) (string, bool) {
	if words, ok := challengeService(m); ok {
		return words, true
	}
	words, ok := m.opening(challengeText, 2000, 0)
	if !ok {
		return "", false
	}
	text := m.text()
	return words, containsAny(text, "http://", "https://") || containsAny(m.folded, "verif", "confirm", "action required", "challenge")
}

// challengeService tells a sender at one of the services that send challenges.
func challengeService(m *message) (string, bool) {
	for _, a := range append(m.addresses("Sender"), m.from...) {
		domain := store.Domain(a.address)
		for _, host := range phrasebook().list(challengeHost) {
			if domain == host || strings.HasSuffix(domain, "."+host) {
				return "From: " + a.address, true
			}
		}
	}
	return "", false
}

// opening looks for a phrase in the first window bytes of the text; when short is
// not 0 only in a text of at most that length, since programs are brief and a
// person's long letter may hold any sentence.
func (m *message) opening(section section, window, short int) (string, bool) {
	text := m.text()
	if short > 0 && len(strings.TrimSpace(text)) > short {
		return "", false
	}
	text = fold(cut(text, window))
	p, ok := phrasebook().within(text, section)
	return p, ok
}

// text is the mail's first readable text, quoted lines left out.
func (m *message) text() string {
	if m.hasText {
		return m.words
	}
	m.hasText = true
	for i := range m.parts {
		p := &m.parts[i]
		if p.isText() && p.filename() == "" {
			if t := strings.TrimSpace(p.text()); t != "" {
				m.words = withoutQuotes(t)
				break
			}
		}
	}
	return m.words
}

func withoutQuotes(s string) string {
	if !strings.Contains(s, "\n>") {
		return s
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, ">") {
			out.WriteString(line)
		}
	}
	return out.String()
}
