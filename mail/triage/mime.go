package triage

import (
	"bytes"
	"strings"

	"signpost/mail/header"
	"signpost/store/text"
)

// Bounds of the MIME walk (RFC 2046 sets none). Beyond them a part is left
// unread, never the mail.
const (
	maxParts = 1000
	maxDepth = 50
	// scanFactor bounds how many bytes the search for delimiters may pass over in
	// all, as a multiple of the mail: nesting makes it look at the inner parts
	// again.
	scanFactor = 4
	// candidateCost is charged to the same budget for each delimiter looked at, so
	// that a body made of them costs no more than another.
	candidateCost = 100
)

// part is one leaf of a mail, or an embedded message, which is not opened: what
// a returned or forwarded mail says is not said by this one.
type part struct {
	header  header.Header
	body    []byte
	media   string // lower-case type/subtype
	params  params
	parents string  // media types of the multiparts above it, outermost first, each with a space behind
	decoded *string // by text, nil before the first
}

type walker struct {
	parts []part
	scan  int // bytes that may still be searched
}

// walk lists the leaves of an entity in their order.
func walk(h header.Header, body []byte) []part {
	w := walker{parts: make([]part, 0, 4), scan: scanFactor*len(body) + 1<<20}
	w.entity(h, body, "", 0)
	return w.parts
}

func (w *walker) entity(h header.Header, body []byte, parents string, depth int) {
	if len(w.parts) >= maxParts {
		return
	}
	media, params := parseMedia(h.Value("Content-Type"))
	if strings.HasPrefix(media, "multipart/") && depth < maxDepth {
		if pieces := w.split(body, params.get("boundary")); len(pieces) > 0 {
			for _, piece := range pieces {
				ph, pb := readPartHeader(piece)
				w.entity(ph, pb, parents+media+" ", depth+1)
			}
			return
		}
	}
	w.parts = append(w.parts, part{header: h, body: body, media: media, params: params, parents: parents})
}

// readPartHeader is header.Read for a part, which may begin with a blank line and
// then has no header at all.
func readPartHeader(piece []byte) (header.Header, []byte) {
	line, rest := header.CutLine(piece)
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, rest
	}
	return header.Read(piece)
}

// split cuts a multipart's body at its delimiters (RFC 2046 section 5.1.1). The
// declared boundary is often not the one used, or missing: then the first line
// that looks like a delimiter tells it.
func (w *walker) split(body []byte, boundary string) [][]byte {
	if boundary != "" {
		if pieces := w.splitAt(body, boundary); len(pieces) > 0 {
			return pieces
		}
	}
	if guess := guessBoundary(body); guess != "" {
		return w.splitAt(body, guess)
	}
	return nil
}

func (w *walker) splitAt(body []byte, boundary string) (pieces [][]byte) {
	delimiter := []byte("--" + boundary)
	start, from := -1, 0
	for from <= len(body) && len(w.parts)+len(pieces) < maxParts && w.scan > 0 {
		i := bytes.Index(body[from:], delimiter)
		if i < 0 {
			w.scan -= len(body) - from
			break
		}
		w.scan -= i + len(delimiter) + candidateCost
		at := from + i
		from = at + len(delimiter)
		line := lineStart(body, at)
		if line < 0 {
			continue
		}
		last, ok := delimiterEnd(body[from:])
		if !ok {
			continue
		}
		if start >= 0 {
			pieces = append(pieces, body[start:max(start, line)])
		}
		start = from
		if nl := bytes.IndexByte(body[from:], '\n'); nl >= 0 {
			start = from + nl + 1
		} else {
			start = len(body)
		}
		if last && len(pieces) > 0 {
			return pieces
		}
	}
	if start >= 0 && start < len(body) {
		pieces = append(pieces, body[start:]) // the closing delimiter is missing
	}
	return pieces
}

// lineStart is where the line of the delimiter at i begins, -1 when something
// other than spaces stands before it.
func lineStart(body []byte, i int) int {
	for n := 0; i > 0 && n < 20 && (body[i-1] == ' ' || body[i-1] == '\t'); n++ {
		i--
	}
	if i == 0 || body[i-1] == '\n' {
		return i
	}
	return -1
}

// delimiterEnd tells whether a delimiter really ends here, and whether it is the
// closing one.
func delimiterEnd(rest []byte) (last, ok bool) {
	line, _ := header.CutLine(rest[:min(len(rest), 200)])
	line = bytes.TrimRight(line, " \t\r")
	return bytes.Equal(line, []byte("--")), len(line) == 0 || bytes.Equal(line, []byte("--"))
}

// guessBoundary takes the first line of the body that begins with two dashes and
// is followed by a part's header.
func guessBoundary(body []byte) string {
	body = body[:min(len(body), 64<<10)]
	for len(body) > 0 {
		var line []byte
		line, body = header.CutLine(body)
		line = bytes.TrimSpace(line)
		if len(line) > 4 && len(line) < 200 && line[0] == '-' && line[1] == '-' {
			next, _ := header.CutLine(body)
			if name, _, ok := header.CutField(next); ok && len(name) > 8 && strings.EqualFold(string(name[:8]), "content-") {
				return string(line[2:])
			}
		}
	}
	return ""
}

// params are a Content-Type's parameters, names in lower case.
type params []struct{ name, value string }

func (p params) get(name string) string {
	for _, kv := range p {
		if kv.name == name {
			return kv.value
		}
	}
	return ""
}

// parseMedia reads a Content-Type (RFC 2045 section 5.1) without refusing any:
// missing semicolons, bare special characters and doubled parameters all occur.
func parseMedia(value string) (string, params) {
	media, rest, _ := text.CutAny(value, "; \t")
	media = strings.ToLower(strings.TrimSpace(media))
	var list params
	for rest != "" && len(list) < 50 {
		rest = strings.TrimLeft(rest, "; \t\r\n")
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		var v string
		if v, rest = cutParam(strings.TrimLeft(after, " \t")); name != "" {
			list = append(list, struct{ name, value string }{strings.ToLower(strings.TrimSpace(name)), v})
		}
	}
	return media, list
}

func cutParam(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		if i := strings.IndexByte(s[1:], '"'); i >= 0 {
			return s[1 : 1+i], s[2+i:]
		}
		return s[1:], ""
	}
	value, rest, _ = text.CutAny(s, "; \t")
	return value, rest
}

// text is the part's readable text, decoded, at most maxText bytes of it.
func (p *part) text() string {
	if p.decoded != nil {
		return *p.decoded
	}
	raw := decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText)
	label := p.params.get("charset")
	if label == "" && p.media == "text/html" {
		label = metaCharset(raw)
	}
	s := header.ToUTF8(label, raw)
	if p.media == "text/html" {
		s = stripHTML(s)
	}
	s = dropControls(s)
	p.decoded = &s
	return s
}

// dropControls removes NUL and carriage returns, which only tell where a mail
// has been.
func dropControls(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.ReplaceAll(s, "\x00", "")
}

func (p *part) isText() bool {
	switch p.media {
	case "", "text", "text/plain", "text/html":
		return true
	}
	return strings.HasPrefix(p.media, "multipart/")
}

// filename is the name a part is offered under, in either of its places.
func (p *part) filename() string {
	_, d := parseMedia(p.header.Value("Content-Disposition"))
	for _, name := range []string{d.get("filename"), d.get("filename*"), p.params.get("name")} {
		if name != "" {
			return strings.ToLower(header.DecodeWords(name))
		}
	}
	return ""
}
