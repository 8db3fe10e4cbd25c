package sandbox

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"

	"github.com/emersion/go-message/charset"

	"signpost/mail/triage"
)

// maxHeader is how much of a mail is read as its header, in bytes; what comes
// after counts as text.
const maxHeader = 1 << 20

// field is one header field as it stands in the mail, folds and line end
// included.
type field struct {
	name string // lower case
	raw  []byte
}

func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte{':'})
	return strings.Join(strings.Fields(string(v)), " ")
}

// splitHeader takes the header fields off a mail as leniently as hosts do: a
// line that is neither a field nor the fold of one ends the header. Rest begins
// with the empty line, where there is one.
func splitHeader(raw []byte) (fields []field, rest []byte) {
	limit := min(len(raw), maxHeader)
	at := 0
	for at < limit {
		end := at + lineLen(raw[at:limit])
		line := raw[at:end]
		if line[0] == ' ' || line[0] == '\t' {
			if len(fields) == 0 {
				return nil, raw
			}
			last := &fields[len(fields)-1]
			last.raw = raw[end-len(line)-len(last.raw) : end]
			at = end
			continue
		}
		name, ok := fieldName(line)
		if !ok {
			break
		}
		fields = append(fields, field{name: name, raw: line})
		at = end
	}
	return fields, raw[at:]
}

func lineLen(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// fieldName reads the name of a header field: printable ASCII without a colon
// (RFC 5322 section 2.2).
func fieldName(line []byte) (string, bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return "", false
	}
	name := bytes.TrimRight(line[:colon], " \t") // RFC 5322 section 4.5
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return strings.ToLower(string(name)), len(name) > 0
}

type header []field

// value returns the first field of that name (lower case), unfolded, "" without
// one.
func (h header) value(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value()
		}
	}
	return ""
}

func (h header) has(prefix string) bool {
	for _, f := range h {
		if strings.HasPrefix(f.name, prefix) {
			return true
		}
	}
	return false
}

func (h header) count(name string) (n int) {
	for _, f := range h {
		if f.name == name {
			n++
		}
	}
	return n
}

// text is a field's value decoded for the eye, cut to 300 bytes.
func (h header) text(name string) string {
	return cut(triage.DecodeWords(h.value(name)), 300)
}

// address is the first address of a field, "" when there is none to read.
func (h header) address(name string) string {
	decoder := &mime.WordDecoder{CharsetReader: charset.Reader}
	list, err := (&mail.AddressParser{WordDecoder: decoder}).ParseList(h.value(name))
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].Address
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
