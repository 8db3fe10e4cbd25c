package outbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"signpost/store"
)

// Message is one mail as it goes over the wire.
type Message struct {
	From string // the envelope's sender; "" is the null reverse-path (RFC 5321 section 4.5.5)
	To   string // the one recipient
	// EnvelopeID is what a delivery status notification names the mail by (RFC
	// 3461 section 4.4); "" leaves it out.
	EnvelopeID string
	// NotifyNever asks for no delivery status notification at all; otherwise
	// failure and delay are asked for.
	NotifyNever bool
	// UTF8: an address or a header holds more than ASCII, so the relay must
	// offer SMTPUTF8 (RFC 6531).
	UTF8  bool
	Bytes []byte // the whole message, header and body
	// Smaller makes a smaller mail of the row, for a relay that takes none so large; nil where
	// there is none.
	Smaller func() (Message, error)
}

// Compose makes the bytes of a row; the same row gives the same bytes to a relay of the
// same limits. An error
// that holds a permanent *DeliveryError fails the mail, any other puts it off.
type Compose func(context.Context, store.Outbound) (Message, error)

// check refuses what must not get into a command line.
func (m Message) check() *DeliveryError {
	for _, address := range []string{m.From, m.To} {
		if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' }) {
			return unsendable("an envelope address holds a control character, a space or an angle bracket")
		}
	}
	if m.To == "" {
		return unsendable("no recipient")
	}
	return nil
}

// mailLine is the MAIL command, with those parameters that the relay offers:
// SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID (RFC
// 3461). Headers alone are asked back, so that a bounce carries no one's text.
func (m Message) mailLine(ext extensions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "MAIL FROM:<%s>", m.From)
	if ext.has(extSize) {
		fmt.Fprintf(&b, " SIZE=%d", len(m.Bytes))
	}
	if ext.has(ext8BitMIME) && !isASCII(m.Bytes) {
		b.WriteString(" BODY=8BITMIME")
	}
	if m.UTF8 {
		b.WriteString(" SMTPUTF8")
	}
	if ext.has(extDSN) {
		b.WriteString(" RET=HDRS")
		if m.EnvelopeID != "" {
			b.WriteString(" ENVID=" + xtext(m.EnvelopeID))
		}
	}
	return b.String()
}

// optional are the EHLO keywords whose parameters the mail has in the command of a
// stage and can do without: those that a reply names, all where it names none.
func (m Message) optional(stage Stage, said string) (all []string) {
	keywords := []string{extDSN}
	if stage == StageMail {
		keywords = []string{extDSN, extSize}
		if !isASCII(m.Bytes) {
			keywords = append(keywords, ext8BitMIME)
		}
	}
	for _, keyword := range keywords {
		if namedIn[keyword].MatchString(said) {
			all = append(all, keyword)
		}
	}
	switch {
	case stage == StageMail && namedIn[extSMTPUTF8].MatchString(said) && m.UTF8:
		return []string{extSMTPUTF8} // fits then says what is wrong
	case len(all) > 0:
		return all
	}
	return keywords
}

// namedIn find the parameters of each keyword in a reply.
var namedIn = map[string]*regexp.Regexp{
	extDSN:      regexp.MustCompile(`(?i)\b(RET|ENVID|NOTIFY|ORCPT|DSN)\b`),
	ext8BitMIME: regexp.MustCompile(`(?i)\b(BODY|8BITMIME)\b`),
	extSize:     regexp.MustCompile(`(?i)\bSIZE\b`),
	extSMTPUTF8: regexp.MustCompile(`(?i)\bSMTPUTF8\b`),
}

// rcptLine is the RCPT command, with NOTIFY and ORCPT (RFC 3461 sections 4.1
// and 4.2, RFC 6533 section 3 for an address beyond ASCII).
func (m Message) rcptLine(ext extensions) string {
	line := "RCPT TO:<" + m.To + ">"
	if !ext.has(extDSN) {
		return line
	}
	notify := "FAILURE,DELAY"
	if m.NotifyNever {
		notify = "NEVER"
	}
	original := "rfc822;" + xtext(m.To)
	if !isASCII([]byte(m.To)) {
		original = "utf-8;" + unitext(m.To)
	}
	return line + " NOTIFY=" + notify + " ORCPT=" + original
}

// xtext is the encoding of RFC 3461 section 4: all but printable ASCII, and "+"
// and "=", as "+" and two hexadecimal digits.
func xtext(s string) string { return escape(s, func(c byte) bool { return c >= 0x7f }, "+%02X") }

// unitext is RFC 6533 section 3: as it stands, but for what would end the
// parameter.
func unitext(s string) string {
	return escape(s, func(c byte) bool { return c == '\\' || c == 0x7f }, `\x{%02X}`)
}

func escape(s string, also func(byte) bool, format string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '+' || c == '=' || also(c) {
			fmt.Fprintf(&b, format, c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// writeBody writes the message with its lines ended by CRLF and leading dots
// doubled (RFC 5321 section 4.5.2), without the final dot. A lone CR or LF
// becomes a CRLF: left as it is, some relays would read an end of data into it.
func writeBody(w *bufio.Writer, message []byte) error {
	for len(message) > 0 {
		line, rest := cutLine(message)
		if len(line) > 0 && line[0] == '.' {
			w.WriteByte('.')
		}
		w.Write(line)
		if _, err := w.WriteString("\r\n"); err != nil {
			return err
		}
		message = rest
	}
	return nil
}

// cutLine splits off the first line, which ends at CRLF, LF or CR.
func cutLine(b []byte) (line, rest []byte) {
	line, rest = b, nil
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	}
	i := bytes.IndexByte(line, '\r')
	switch {
	case i < 0:
		return line, rest
	case i == len(line)-1: // the CR of a CRLF, or the message's last byte
		return line[:i], rest
	}
	return b[:i], b[i+1:]
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
