package header

import (
	"bytes"
	"strings"
)

// Bounds of what is read of a header. A field beyond them is not lost: it stands
// in the raw mail, only no rule looks at it.
const (
	MaxHeader = 1 << 20  // bytes of a header block
	MaxValue  = 64 << 10 // bytes of one field's value
	maxFields = 2000
)

// Field is one header field: slices of the raw mail, the value still folded and
// encoded, without its line end.
type Field struct{ Name, Value []byte }

// Header is the fields of one header block in their order. Names are asked for in any case.
type Header []Field

// Read splits raw into its header and its body. It takes what a strict
// parser refuses: an mbox "From " line or a byte order mark in front, blank lines
// before the first field, spaces before the colon (RFC 5322 section 4.5), folds of
// white space alone, lines that are no field at all, and a header that ends without a
// blank line.
func Read(raw []byte) (Header, []byte) {
	rest := skipPreamble(unixLines(raw))
	limit := min(len(rest), MaxHeader)
	h := make(Header, 0, 24)
	start := len(rest)
	isPassed := false // the last line was no field
	for start-len(rest) < limit && len(rest) > 0 {
		line, next := CutLine(rest)
		switch name, value, ok := CutField(line); {
		case isBlank(line):
			last, after, isFold := cutWhite(rest)
			if !isFold || len(h) == 0 {
				return h, next
			}
			if !isPassed {
				h.extend(last)
			}
			next = after
		case isFold(line) && len(h) > 0:
			if !isPassed {
				h.extend(line)
			}
		case ok && len(h) < maxFields:
			h, isPassed = append(h, Field{name, value}), false
		case !ok && !fieldFollows(next):
			return h, rest // the body began without a blank line
		default:
			isPassed = true
		}
		rest = next
	}
	return h, rest
}

// unixLines gives a mail whose lines end as those of old Macs did line ends that the
// readers know. Only then does it copy the mail.
func unixLines(raw []byte) []byte {
	if bytes.IndexByte(raw[:min(len(raw), MaxValue)], '\n') >= 0 || bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte{'\r'}, []byte{'\n'})
}

// skipPreamble drops what mail stores and careless exports put above a header.
func skipPreamble(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	for {
		line, next := CutLine(raw)
		bare := bytes.TrimLeft(line, ">")
		if len(next) == 0 || !isBlank(line) && !bytes.HasPrefix(bare, []byte("From ")) {
			return raw
		}
		raw = next
	}
}

// CutLine returns the first line without its end, and what follows.
func CutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line, rest
}

func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

func isFold(line []byte) bool { return len(line) > 0 && (line[0] == ' ' || line[0] == '\t') }

// cutWhite cuts off lines of white space that begin as folds do, and returns the last of
// them. They are folds (obs-FWS, RFC 5322 section 4.2) where a fold or a field follows;
// else the first is the blank line above the body, with spaces that a program added.
func cutWhite(b []byte) (last, rest []byte, ok bool) {
	for rest = b; ; {
		line, next := CutLine(rest)
		if !isFold(line) || !isBlank(line) {
			_, _, isField := CutField(line)
			return last, rest, last != nil && (isFold(line) || isField)
		}
		last, rest = line, next
	}
}

// CutField splits a line "Name: value": the name without the white space that may stand
// before the colon (RFC 5322 section 4.5), the value still folded and encoded. False
// when the line is no field.
func CutField(line []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i > 200 {
		return nil, nil, false
	}
	name = bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return nil, nil, false
		}
	}
	return name, line[i+1:], len(name) > 0
}

// fieldFollows tells whether the header goes on after a line that is no field: any
// field within three lines, or one that only mail has within thirty, since hosts
// lose the spaces that fold a long value.
func fieldFollows(rest []byte) bool {
	for i := range 30 {
		line, next := CutLine(rest)
		if name, _, ok := CutField(line); ok &&
			(i < 3 || IsName(name, "Received", "Message-ID", "Return-Path", "MIME-Version",
				"Content-Type", "X-Mailer", "DKIM-Signature")) {
			return true
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return len(next) > 0
		}
		rest = next
	}
	return false
}

// extend adds a folded line to the last field: the line follows the value in the
// raw mail, so the value is only made longer.
func (h Header) extend(line []byte) {
	last := &h[len(h)-1]
	from, to := cap(last.Value), cap(line)-len(line)
	if grown := from - to; grown >= len(last.Value) && grown <= MaxValue {
		last.Value = last.Value[:grown]
	}
}

// All calls yield with the value of each field of that name, until it says false.
func (h Header) All(name string, yield func(value []byte) bool) {
	for i := range h {
		if sameName(h[i].Name, name) && !yield(h[i].Value) {
			return
		}
	}
}

// Value is the first field of that name, unfolded; "" when there is none.
func (h Header) Value(name string) string {
	for i := range h {
		if sameName(h[i].Name, name) {
			return Unfold(h[i].Value)
		}
	}
	return ""
}

// First returns the first of the names that the header holds, with its value.
func (h Header) First(names ...string) (name, value string, ok bool) {
	for i := range h {
		for _, n := range names {
			if sameName(h[i].Name, n) {
				return n, Unfold(h[i].Value), true
			}
		}
	}
	return "", "", false
}

func (h Header) Count(name string) (n int) {
	h.All(name, func([]byte) bool { n++; return true })
	return n
}

// IsName tells a field's name that is one of names, whatever its case.
func IsName(name []byte, names ...string) bool {
	for _, n := range names {
		if sameName(name, n) {
			return true
		}
	}
	return false
}

// sameName compares a field's name without case (RFC 5322 section 1.2.2).
func sameName(b []byte, name string) bool {
	return len(b) == len(name) && (len(b) == 0 || lower(b[0]) == lower(name[0])) && strings.EqualFold(string(b), name)
}

// lower is c in lower case, if it is an ASCII letter.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Unfold joins a folded value to one line and drops what no header may hold.
func Unfold(value []byte) string {
	value = bytes.TrimSpace(value)
	if len(value) > MaxValue {
		value = value[:MaxValue]
	}
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, 0) < 0 && bytes.IndexByte(value, '\r') < 0 {
		return string(value)
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case 0, '\r':
		case '\n':
			for i+1 < len(value) && bytes.IndexByte([]byte(" \t\r\n"), value[i+1]) >= 0 {
				i++
			}
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return string(out)
}
