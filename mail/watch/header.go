package watch

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"signpost/mail/triage"
)

// Bounds of reading a header.
const (
	headerMost = 256 << 10 // bytes
	fieldsMost = 1000
	fieldMost  = 16 << 10 // bytes of one unfolded field
)

// field is one header field, unfolded.
type field struct{ name, value string } // name in lower case

// fields reads the header leniently, in order: lines that are no fields are
// passed over with what is folded behind them, which is not of the field before, and
// where it ends nobody is asked to agree.
func fields(raw []byte) (all []field) {
	raw = raw[:min(len(raw), headerMost)]
	var value []byte // of the last field, which may go on
	isPassed := false
	defer func() { finish(all, value) }()
	for len(raw) > 0 && len(all) < fieldsMost {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			if len(all) == 0 {
				continue // blank lines before the header
			}
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if !isPassed {
				value = unfold(value, line)
			}
			continue
		}
		name, first, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if isPassed = !ok || len(name) == 0 || bytes.ContainsAny(name, " \t"); isPassed {
			continue
		}
		finish(all, value)
		all = append(all, field{name: strings.ToLower(string(name))})
		value = unfold(value[:0], first)
	}
	return all
}

// finish gives the last field its value.
func finish(all []field, value []byte) {
	if len(all) > 0 {
		all[len(all)-1].value = string(value)
	}
}

// unfold appends a line to a value, up to fieldMost bytes.
func unfold(value, line []byte) []byte {
	if len(value) >= fieldMost {
		return value
	}
	line = bytes.TrimSpace([]byte(cut(string(bytes.TrimSpace(line)), fieldMost-len(value))))
	if len(value) > 0 && len(line) > 0 {
		value = append(value, ' ')
	}
	return append(value, line...)
}

// describe reads what the ledger shows of a mail: its Message-ID, From and
// subject. It is for the eye; triage reads them for itself.
func describe(raw []byte) (messageID, from, subject string) {
	for _, f := range fields(raw) {
		switch {
		case f.name == "message-id" && messageID == "":
			messageID = bareID(f.value)
		case f.name == "from" && from == "":
			from = cut(triage.DecodeWords(f.value), 320)
		case f.name == "subject" && subject == "":
			subject = cut(triage.DecodeWords(f.value), 200)
		}
	}
	return messageID, from, subject
}

// bareID is a Message-ID without its angle brackets, "" when it is none that
// could be put into a field of ours.
func bareID(value string) string {
	_, id, ok := strings.Cut(value, "<")
	id, _, closed := strings.Cut(id, ">")
	if !ok || !closed {
		id = strings.TrimSpace(value)
	}
	if !usableID(id) {
		return ""
	}
	return id
}

// usableID: RFC 5322 section 2.1.1 allows a line 998 characters; other people's
// software chokes earlier.
func usableID(id string) bool {
	if id == "" || len(id) > 500 {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

// cut shortens to at most n bytes, at the border of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
