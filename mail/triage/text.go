package triage

import (
	"bytes"
	"encoding/base64"
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText is how much decoded text of one part is read: no bounce says more
// before it quotes the mail it returns.
const maxText = 256 << 10

func isASCII[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decodeUTF7 reads RFC 2152, which neither the standard library nor x/text does.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		i := bytes.IndexByte(b, '+')
		if i < 0 {
			out.Write(b)
			break
		}
		out.Write(b[:i])
		b = b[i+1:]
		n := 0
		for n < len(b) && isBase64(b[n]) {
			n++
		}
		if n == 0 {
			out.WriteByte('+')
		} else {
			out.WriteString(decodeUTF16(b[:n]))
		}
		b = b[n:]
		if len(b) > 0 && b[0] == '-' {
			b = b[1:]
		}
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

func decodeUTF16(b64 []byte) string {
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(b64)))
	n, _ := base64.RawStdEncoding.Decode(raw, b64)
	units := make([]uint16, 0, n/2)
	for i := 0; i+1 < n; i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units))
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// decodeTransfer undoes a Content-Transfer-Encoding (RFC 2045 section 6), as far
// as the text goes, to at most limit bytes. Identity encodings return b itself.
func decodeTransfer(encoding string, b []byte, limit int) []byte {
	switch encoding = strings.ToLower(strings.TrimSpace(encoding)); {
	case strings.HasPrefix(encoding, "base64"):
		return decodeBase64(b, limit)
	case strings.HasPrefix(encoding, "quoted-printable"):
		return decodeQuoted(b, limit)
	}
	return b[:min(len(b), limit)]
}

func decodeBase64(b []byte, limit int) []byte {
	b = b[:min(len(b), limit*3/2)]
	kept := make([]byte, 0, len(b))
	for _, c := range b {
		if isBase64(c) {
			kept = append(kept, c)
		}
	}
	kept = kept[:len(kept)-boolInt(len(kept)%4 == 1)]
	n, _ := base64.RawStdEncoding.Decode(kept, kept)
	return kept[:min(n, limit)]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func decodeQuoted(b []byte, limit int) []byte {
	out := make([]byte, 0, min(len(b), limit))
	for len(b) > 0 && len(out) < limit {
		line, rest := cutLine(b)
		hadEnd := len(line) < len(b)
		b = rest
		line = bytes.TrimRight(line, " \t")
		soft := len(line) > 0 && line[len(line)-1] == '='
		if soft {
			line = line[:len(line)-1]
		}
		out = appendUnquoted(out, line)
		if hadEnd && !soft {
			out = append(out, '\n')
		}
	}
	return out[:min(len(out), limit)]
}

func appendUnquoted(out, line []byte) []byte {
	for i := 0; i < len(line); i++ {
		if line[i] == '=' && i+2 < len(line) {
			if hi, lo := unhex(line[i+1]), unhex(line[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, line[i])
	}
	return out
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= lower(c) && lower(c) <= 'f':
		return int(lower(c)-'a') + 10
	}
	return -1
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

// clean makes text fit to be shown and stored: valid UTF-8, no control
// characters, white space folded.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] > ' ' && s[i] != 0x7f || s[i] == ' ' && i > 0 && i+1 < len(s) && s[i-1] != ' '
	}
	if plain && isASCII(s) {
		return s
	}
	var out strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = out.Len() > 0
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(r)
	}
	return out.String()
}

// cut shortens text to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
