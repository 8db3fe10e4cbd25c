package sandbox

import (
	"bytes"
	"strings"

	"signpost/mail/header"
	"signpost/store/text"
)

// field is one header field as it stands in the mail, folds and line end
// included.
type field struct {
	name string // lower case; "" of a line that is no field
	raw  []byte
}

func (f field) value() string {
	_, v, _ := bytes.Cut(f.raw, []byte{':'})
	return strings.Join(strings.Fields(header.Unfold(v)), " ")
}

// splitHeader takes the header off a mail, as far as mail/header reads one, and keeps every
// byte of it, as hosts do: a line that is no field, with its folds, is one without a name.
// Rest begins with the empty line, where there is one. A text without any field, and one
// below an empty line, has no header: fields of the host's will stand above it.
func splitHeader(raw []byte) (all fields, rest []byte) {
	_, body := header.Read(raw)
	named := false
	at := 0
	for end := len(raw) - len(body); at < end; {
		line := raw[at : at+lineLen(raw[at:end])]
		if isBlank := len(bytes.TrimSpace(line)) == 0; isBlank && (at == 0 || at+len(line) == end) {
			break
		}
		at += len(line)
		if n := len(all); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			all[n-1].raw = raw[at-len(line)-len(all[n-1].raw) : at]
			continue
		}
		name, _, ok := header.CutField(line)
		all, named = append(all, field{name: strings.ToLower(string(name)), raw: line}), named || ok
	}
	if !named {
		return nil, raw
	}
	return all, raw[at:]
}

func lineLen(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// fields are a mail's, in order.
type fields []field

// value returns the first field of that name (lower case), unfolded, "" without
// one.
func (h fields) value(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value()
		}
	}
	return ""
}

func (h fields) has(prefix string) bool {
	for _, f := range h {
		if strings.HasPrefix(f.name, prefix) {
			return true
		}
	}
	return false
}

func (h fields) count(name string) (n int) {
	for _, f := range h {
		if f.name == name {
			n++
		}
	}
	return n
}

// text is a field's value decoded for display, cut to 300 bytes.
func (h fields) text(name string) string {
	return text.Cut(header.DecodeWords(h.value(name)), 300)
}

// address is the first address of a field, "" when there is none to read.
func (h fields) address(name string) string { return header.FirstAddress(h.value(name)) }
