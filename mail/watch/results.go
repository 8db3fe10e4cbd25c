package watch

import "strings"

// result is one statement of an Authentication-Results field.
type result struct {
	method, value string // in lower case
	props         []pair // "ptype.property" in lower case
}

// prop is the first value of a property, "" where there is none.
func (r result) prop(name string) string {
	for _, p := range r.props {
		if p.key == name {
			return p.value
		}
	}
	return ""
}

const maxResults = 50

// parseResults reads the value of an Authentication-Results field (RFC 8601
// section 2.2) leniently: comments and unknown words are passed over. false when
// it says nothing. Microsoft 365 leaves the id out; its fields are given the id
// "outlook.com".
func parseResults(value string) (id string, results []result, ok bool) {
	parts := scan(value)
	if len(parts[0]) == 0 {
		return "", nil, false
	}
	if parts[0][0].key != "" {
		id = exchangeID
	} else {
		id, parts = parts[0][0].value, parts[1:]
	}
	for _, part := range parts {
		if len(part) == 0 || part[0].key == "" || len(results) == maxResults {
			continue
		}
		method, _, _ := strings.Cut(part[0].key, "/") // "method/version"
		results = append(results, result{method, strings.ToLower(part[0].value), part[1:]})
	}
	return id, results, len(results) > 0
}

// pair is one word of a structured value: key=value, or a value alone. Keys are in
// lower case.
type pair struct{ key, value string }

// scan takes a structured value apart: at the semicolons, and those parts into
// words. Comments (RFC 5322 section 3.2.2, they nest) are white space, and white
// space around "=" is none. Quotes are taken off only after the splitting: what
// stands between them, which may be a stranger's, is neither a semicolon, an equals
// sign nor white space. There is one part at least.
func scan(value string) [][]pair {
	s := scanner{parts: [][]pair{nil}}
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && i+1 < len(value) && (s.quoted || s.depth > 0):
			i++
			s.add(value[i])
		case c == '"' && s.depth == 0:
			s.quoted, s.begun = !s.quoted, true
		case s.quoted:
			s.add(c)
		case c == '(':
			s.depth++
			s.gap = true
		case c == ')' && s.depth > 0:
			s.depth--
		case s.depth > 0:
		case c == ';':
			s.endWord()
			s.parts = append(s.parts, nil)
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.gap = true
		case c == '=':
			s.equals()
		default:
			s.add(c)
		}
	}
	s.endWord()
	return s.parts
}

// scanner is the state of scan within a value.
type scanner struct {
	parts  [][]pair
	key    string
	word   []byte // the value that grows, or what may yet turn out to be a key
	begun  bool   // there is a word, be it empty
	hasKey bool
	gap    bool // white space since the last byte of the word
	quoted bool
	depth  int // of comments
}

func (s *scanner) add(c byte) {
	if s.depth > 0 {
		return
	}
	if s.gap && s.begun && !s.quoted && (len(s.word) > 0 || !s.hasKey) {
		s.endWord()
	}
	s.gap, s.begun = false, true
	s.word = append(s.word, c)
}

// equals makes a key of the word, or is part of a value: base64 ends with such.
func (s *scanner) equals() {
	if s.hasKey || !s.begun {
		s.add('=')
		return
	}
	s.key, s.hasKey, s.gap = strings.ToLower(string(s.word)), true, false
	s.word = s.word[:0]
}

func (s *scanner) endWord() {
	if s.begun {
		last := &s.parts[len(s.parts)-1]
		*last = append(*last, pair{s.key, string(s.word)})
	}
	s.key, s.word, s.begun, s.hasKey, s.gap = "", s.word[:0], false, false, false
}
