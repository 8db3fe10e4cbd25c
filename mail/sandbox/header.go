package sandbox

import (
	"bytes"
	"strings"

	"signpost/mail/header"
	"signpost/store/text"
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
	return strings.Join(strings.Fields(header.Unfold(v)), " ")
}

// splitHeader takes the header fields off a mail as hosts do, which hand on every byte:
// a line that is neither a field nor the fold of one ends the header. Rest begins
// with the empty line, where there is one. What a field says is read by mail/header.
func splitHeader(raw []byte) (all fields, rest []byte) {
	limit := min(len(raw), maxHeader)
	at := 0
	for at < limit {
		end := at + lineLen(raw[at:limit])
		line := raw[at:end]
		if line[0] == ' ' || line[0] == '\t' {
			if len(all) == 0 {
				return nil, raw
			}
			last := &all[len(all)-1]
			last.raw = raw[end-len(line)-len(last.raw) : end]
			at = end
			continue
		}
		name, _, ok := header.CutField(line)
		if !ok {
			break
		}
		all = append(all, field{name: strings.ToLower(string(name)), raw: line})
		at = end
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

// text is a field's value decoded for the eye, cut to 300 bytes.
func (h fields) text(name string) string {
	return text.Cut(header.DecodeWords(h.value(name)), 300)
}

// address is the first address of a field, "" when there is none to read.
func (h fields) address(name string) string {
	for _, a := range header.Addresses(h.value(name)) {
		return a.Address
	}
	return ""
}
