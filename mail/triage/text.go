package triage

import (
	"bytes"
	"html"
	"strings"

	"signpost/mail/header"
	"signpost/store/addr"
	"signpost/store/text"
)

// maxText is how much decoded text of one part is read: no bounce says more
// before it quotes the mail it returns.
const maxText = header.MaxText

// decodeTransfer undoes a Content-Transfer-Encoding (RFC 2045 section 6), as far
// as the text goes, to at most limit bytes. Identity encodings return b itself.
func decodeTransfer(encoding string, b []byte, limit int) []byte {
	switch encoding = strings.ToLower(strings.TrimSpace(encoding)); {
	case strings.HasPrefix(encoding, "base64"):
		return header.Base64(b, limit)
	case strings.HasPrefix(encoding, "quoted-printable"):
		return decodeQuoted(b, limit)
	}
	return b[:min(len(b), limit)]
}

func decodeQuoted(b []byte, limit int) []byte {
	out := make([]byte, 0, min(len(b), limit))
	for len(b) > 0 && len(out) < limit {
		line, rest := header.CutLine(b)
		hadEnd := len(line) < len(b)
		b = rest
		line = bytes.TrimRight(line, " \t")
		soft := len(line) > 0 && line[len(line)-1] == '='
		if soft {
			line = line[:len(line)-1]
		}
		out = header.AppendUnquoted(out, line)
		if hadEnd && !soft {
			out = append(out, '\n')
		}
	}
	return out[:min(len(out), limit)]
}

// metaCharset is the charset that a page names within itself, for a part that
// bears no label.
func metaCharset(page []byte) string {
	head := bytes.ToLower(page[:min(len(page), 1024)])
	i := bytes.Index(head, []byte("charset="))
	if i < 0 || addr.IsASCII(string(page)) {
		return ""
	}
	value := string(bytes.TrimLeft(head[i+len("charset="):], "\"' "))
	value, _, _ = text.CutAny(value, "\"' />;")
	return value
}

// stripHTML leaves the text of a page: tags become spaces or line ends, scripts
// and styles vanish, the common entities are resolved.
func stripHTML(s string) string {
	var out strings.Builder
	out.Grow(len(s) / 2)
	for len(s) > 0 {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			out.WriteString(s)
			break
		}
		out.WriteString(s[:open])
		s = s[open:]
		end := strings.IndexByte(s, '>')
		if end < 0 {
			out.WriteString(s)
			break
		}
		if at := strings.IndexByte(s[:end], '@'); at > 0 { // <someone@example.com>, unescaped
			out.WriteString(s[:end+1])
		}
		s = skipElement(s, end, &out)
	}
	return html.UnescapeString(out.String())
}

// skipElement steps over one tag, and over the content of those that show none.
func skipElement(s string, end int, out *strings.Builder) string {
	tag := strings.ToLower(strings.TrimLeft(s[1:min(end, 12)], "/"))
	rest := s[end+1:]
	for _, hidden := range []string{"style", "script", "title"} {
		if strings.HasPrefix(tag, hidden) && s[1] != '/' {
			if i := strings.Index(rest, "</"); i >= 0 {
				return rest[i:]
			}
			return "" // it never ends: a search at each such tag would take for ever
		}
	}
	for _, block := range []string{"br", "p", "div", "tr", "li", "h", "table", "pre"} {
		if strings.HasPrefix(tag, block) {
			out.WriteByte('\n')
			return rest
		}
	}
	if strings.HasPrefix(tag, "td") {
		out.WriteByte(' ')
	}
	return rest
}

// cut is text.Cut, for the functions here that call what they read text.
func cut(s string, n int) string { return text.Cut(s, n) }
