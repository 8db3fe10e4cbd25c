package watch

import "strings"

// result is one statement of an Authentication-Results field.
type result struct {
	method, value string // in lower case
	props         map[string]string
}

const resultsMost = 50

// parseResults reads the value of an Authentication-Results field (RFC 8601
// section 2.2) leniently: comments and unknown words are passed over. false when
// it says nothing. Microsoft 365 leaves the id out; its fields are given the id
// "outlook.com".
func parseResults(value string) (id string, results []result, ok bool) {
	plain, _ := withoutComments(value)
	parts := splitUnquoted(plain)
	head := strings.Fields(parts[0])
	if len(head) == 0 {
		return "", nil, false
	}
	if strings.Contains(head[0], "=") {
		id = "outlook.com"
	} else {
		id, parts = strings.Trim(head[0], `"`), parts[1:]
	}
	for _, part := range parts {
		if r, ok := parseResult(part); ok && len(results) < resultsMost {
			results = append(results, r)
		}
	}
	return id, results, len(results) > 0
}

// parseResult reads "method/version=value reason=... ptype.property=...".
func parseResult(part string) (r result, ok bool) {
	for i, word := range strings.Fields(joinEquals(part)) {
		key, value, pair := strings.Cut(word, "=")
		key, value = strings.ToLower(key), strings.Trim(value, `"`)
		if !pair {
			if i == 0 {
				return r, false
			}
			continue
		}
		if i == 0 {
			r.method, _, _ = strings.Cut(key, "/")
			r.value, r.props = strings.ToLower(value), map[string]string{}
		} else if _, twice := r.props[key]; !twice {
			r.props[key] = value
		}
	}
	return r, r.method != ""
}

// joinEquals takes the white space away that may stand around "=", and makes one
// space of what else there is. Anybody may send sixteen thousand in a row.
func joinEquals(s string) string {
	var b strings.Builder
	gap, equals := false, true
	for i := range len(s) {
		c := s[i]
		if c == ' ' || c == '\t' {
			gap = true
			continue
		}
		if gap && !equals && c != '=' {
			b.WriteByte(' ')
		}
		gap, equals = false, c == '='
		b.WriteByte(c)
	}
	return b.String()
}

// withoutComments takes the comments (RFC 5322 section 3.2.2, they nest) out of
// a value and returns the first of them apart.
func withoutComments(value string) (plain, first string) {
	var text, comment strings.Builder
	depth, quoted, seen := 0, false, false
	for i := 0; i < len(value); i++ {
		c := value[i]
		escaped := c == '\\' && i+1 < len(value) && (depth > 0 || quoted)
		switch {
		case escaped:
			i++
			c = value[i]
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
			continue
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				seen = true
				text.WriteByte(' ')
			}
			continue
		}
		if depth == 0 {
			text.WriteByte(c)
		} else if !seen {
			comment.WriteByte(c)
		}
	}
	return text.String(), comment.String()
}

// splitUnquoted splits at the semicolons outside quoted strings.
func splitUnquoted(s string) (parts []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, s[from:])
}
