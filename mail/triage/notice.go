package triage

import (
	"strings"

	"signpost/mail/header"
)

// maxNotice is how much of a report's own words is read.
const maxNotice = 128 << 10

// notice is a report taken apart: what the mail system says, and the header of
// the mail it is about. The body of that mail is never looked at.
type notice struct {
	words    string
	original header.Header
	raw      string // the returned mail as far as it was read, "" when only a header came
}

// readNotice separates the mail system's words from the mail it returns, which
// comes as a part of its own or is pasted below a marker line.
func (m *message) readNotice() notice {
	if m.notice == nil {
		n := m.splitNotice()
		m.notice = &n
	}
	return *m.notice
}

func (m *message) splitNotice() notice {
	var n notice
	var html strings.Builder
	var words strings.Builder
	for i := range m.parts {
		p := &m.parts[i]
		switch {
		case p.header.Count("Received") > 0 && len(m.parts) > 1: // its own header is missing
			n.setHeader(p.header)
		case isReturned(p):
			n.setOriginal(string(decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText)))
		case !p.isText() || words.Len() > maxNotice:
		case p.media == "text/html":
			html.WriteString(p.text() + "\n\n")
		default:
			text := p.text()
			said, returned := cutReturned(text)
			if words.Len() > 0 && strings.TrimSpace(said) == "" || p.filename() == "" || words.Len() == 0 {
				words.WriteString(said + "\n\n")
			}
			n.setOriginal(returned)
		}
	}
	if strings.TrimSpace(words.String()) == "" {
		said, returned := cutReturned(html.String())
		words.WriteString(said)
		n.setOriginal(returned)
	}
	n.words = cut(words.String(), maxNotice)
	return n
}

func isReturned(p *part) bool {
	switch p.media {
	case "message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers", "message/partial",
		"text/rfc822", "text/rfc822-headers", "text/rfc822-header":
		return true
	}
	return false
}

// setOriginal reads the header of the returned mail; the first that has one wins.
func (n *notice) setOriginal(raw string) {
	if raw == "" || len(n.original) > 2 {
		return
	}
	h, _ := header.Read([]byte(strings.TrimLeft(raw, " \t\r\n>")))
	if n.setHeader(h) {
		n.raw = raw
	}
}

func (n *notice) setHeader(h header.Header) bool {
	if len(h) <= len(n.original) || len(n.original) > 2 {
		return false
	}
	n.original = h
	return true
}

// cutReturned splits text where the returned mail begins: at a marker line, or
// where a mail's header stands.
func cutReturned(text string) (words, returned string) {
	at := 0
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed != "" {
			if _, ok := phrasebook().prefix(fold(cut(trimmed, 200)), returnedMark); ok {
				return text[:at], skipToHeader(text[at+len(line):])
			}
			if startsHeader(text[at:], line) {
				return text[:at], text[at:]
			}
		}
		at += len(line)
	}
	return text, ""
}

// startsHeader tells the first line of a returned mail's header: a field that
// only mail has, followed by at least two more fields.
func startsHeader(text, line string) bool {
	if line[0] == ' ' || line[0] == '\t' {
		return false
	}
	name, _, ok := header.CutField([]byte(strings.TrimRight(line, "\r\n")))
	if !ok || !header.IsName(name, "Received", "Return-Path", "DKIM-Signature", "Message-ID", "MIME-Version",
		"X-Originating-IP", "Delivered-To", "From", "Date", "X-Received", "ARC-Seal") {
		return false
	}
	fields, certain, lines := 0, false, 0
	for next := range strings.Lines(cut(text, 4096)) {
		lines++
		if strings.TrimSpace(next) == "" || lines > 40 || fields >= 3 && certain {
			break
		}
		if next[0] == ' ' || next[0] == '\t' {
			continue
		}
		name, _, ok := header.CutField([]byte(strings.TrimRight(next, "\r\n")))
		if !ok || header.IsName(name, "Reporting-MTA", "Final-Recipient", "Status", "Action") {
			break
		}
		fields++
		certain = certain || header.IsName(name, "Received", "Return-Path", "Message-ID", "MIME-Version", "DKIM-Signature")
	}
	return fields >= 3 && certain
}

// skipToHeader drops what stands between a marker and the header under it.
func skipToHeader(text string) string {
	at := 0
	for line := range strings.Lines(text) {
		if _, _, ok := header.CutField([]byte(strings.TrimRight(line, "\r\n"))); ok || at > 2000 {
			break
		}
		at += len(line)
	}
	return text[at:]
}
