package triage

import "strings"

// contentRules: the parts, the subject or the text show a program's mail.
var contentRules = []rule{
	stop("report", "RFC 6522, RFC 3464, RFC 6533, RFC 5965, RFC 8098, RFC 7489, RFC 8460: a report answers nothing",
		func(m *message) (string, bool) { return m.reason, m.report != "" }),
	stop("report-part", "RFC 6522: multipart/report of any kind, and the parts reports are made of", reportPart),
	stop("calendar", "RFC 6047: an invitation and its answer are handled by programs", calendarPart),
	stop("reaction", "RFC 9078, and Gmail's form of it: an emoji in answer to a mail asks nothing", reaction),
	stop("auto-subject", "subjects that responders and mail systems write, data by language", subjectOfProgram),
	stop("away-text", "an absence notice without a mark in its header, told by the weights of its words and shape",
		absenceRule),
	stop("program-text", "a sentence in which a program says that it wrote the mail, data by language",
		textOfProgram),
	stop("acknowledgement",
		"a helpdesk's acknowledgement: its sentence in the text, and its subject, a ticket's mark or its promise",
		acknowledgement),
	stop("challenge", "a service that asks the sender to prove himself first", challenge),
}

func reportPart(m *message) (string, bool) {
	if v := m.header.Value("Content-Type"); v != "" {
		low := strings.ToLower(v)
		if strings.Contains(low, "multipart/report") || strings.Contains(low, "report-type=") {
			return "Content-Type: " + v, true
		}
	}
	if name, v, ok := m.header.First("X-Failed-Recipients"); ok {
		return name + ": " + v, true
	}
	for i := range m.parts {
		switch m.parts[i].media {
		case "message/delivery-status", "message/global-delivery-status", "message/xdelivery-status",
			"message/feedback-report", "message/disposition-notification", "message/global-disposition-notification",
			"application/tlsrpt+gzip", "application/tlsrpt+json":
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
		if p.media != "text/calendar" && p.media != "application/ics" {
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

// reaction finds a part that is one. Programs that know none show the text beside
// it; where a person wrote more there, the mail is that person's.
func reaction(m *message) (string, bool) {
	for i := range m.parts {
		p := &m.parts[i]
		disposition, _ := parseMedia(p.header.Value("Content-Disposition"))
		switch {
		case p.media == "text/vnd.google.email-reaction+json":
			return "part " + p.media, !m.asks()
		case disposition == "reaction":
			return "Content-Disposition: reaction", !m.asks()
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

// ticketNames stand before the number of a ticket in a subject.
var ticketNames = []string{
	"ticket", "case", "request", "incident", "inc", "req", "ritm", "ticket id", "case id", "vorgang", "anfrage",
	"caso", "chamado", "demande",
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
		for _, name := range ticketNames {
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
