package triage

import (
	"strconv"
	"time"

	"signpost/mail/header"
)

// Limits of the rules on age and audience.
const (
	maxAge        = 3 * 24 * time.Hour // after an outage the backlog is left unanswered
	maxDateOff    = 7 * 24 * time.Hour
	maxRecipients = 10
)

// audienceRules: is it for us, and is it for us now?
var audienceRules = []rule{
	need("addressed-to-us", "RFC 5230 section 4.5: not respond unless an own address is among the recipients",
		addressedToUs),
	stop("resent-to-us", "only a Resent field names us: the author wrote to somebody else",
		func(m *message) (string, bool) { return "Resent-To: " + first(m.ours), m.oursResent }),
	stop("many-recipients", "a mass mail is not written to us", func(m *message) (string, bool) {
		return strconv.Itoa(len(m.to)) + " addresses in To and Cc", len(m.to) > maxRecipients
	}),
	stop("too-old", "after an outage or a new mailbox the backlog is never answered", func(m *message) (string, bool) {
		if m.env.Now.IsZero() || m.env.InternalDate.IsZero() {
			return "", false
		}
		age := m.env.Now.Sub(m.env.InternalDate)
		return "arrived " + m.env.InternalDate.UTC().Format(time.RFC3339), age > maxAge
	}),
	stop("date-off", "a Date far from the arrival: replayed or wandering mail", dateOff),
	note("truncated", "too large to be read whole", func(m *message) (string, bool) {
		return "header and first part only", m.env.Truncated
	}),
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func addressedToUs(m *message) (string, bool) {
	if m.env.Ours == nil {
		return "", false
	}
	if len(m.ours) == 0 {
		return "To: " + m.header.Value("To"), false
	}
	return m.ours[0], true
}

func dateOff(m *message) (string, bool) {
	if m.env.InternalDate.IsZero() {
		return "", false
	}
	value := m.header.Value("Date")
	date, ok := header.Date(cut(value, 100))
	if !ok {
		return "", false
	}
	off := m.env.InternalDate.Sub(date).Abs()
	return "Date: " + value, off > maxDateOff
}
