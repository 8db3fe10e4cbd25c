package header

import (
	"strings"

	"signpost/store/addr"
)

// word is one encoded word (RFC 2047 section 2), its text still encoded.
type word struct{ charset, encoding, text string }

// DecodeWords reads the encoded words (RFC 2047) of an unfolded header value, in any
// charset known, and returns text for display: valid UTF-8 without control characters,
// its white space folded. What cannot be read stays as it stands. Neighbours of one
// charset and encoding are joined before they are decoded: programs cut characters, and
// the state of ISO-2022-JP, between two words, which section 5 forbids.
func DecodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return Clean(decodeBare(s))
	}
	var out strings.Builder
	var run []word
	flush := func() {
		if len(run) > 0 {
			out.WriteString(decodeRun(run))
		}
		run = run[:0]
	}
	for s != "" {
		start, end, w := findWord(s)
		if start < 0 {
			break
		}
		// White space between two encoded words is no text (section 6.2).
		if between := s[:start]; len(run) == 0 || strings.TrimSpace(between) != "" {
			flush()
			out.WriteString(decodeBare(between))
		}
		if len(run) > 0 && (!strings.EqualFold(run[0].charset, w.charset) || run[0].encoding != w.encoding) {
			flush()
		}
		run = append(run, w)
		s = s[end:]
	}
	flush()
	out.WriteString(decodeBare(s))
	return Clean(out.String())
}

// decodeBare reads what stands in a header outside of encoded words.
func decodeBare(s string) string {
	if addr.IsASCII(s) && !strings.Contains(s, "\x1b$") {
		return s
	}
	return ToUTF8("", []byte(s))
}

// findWord finds the first encoded word and its bounds, -1 without one. Spaces
// within its text are forbidden and occur.
func findWord(s string) (start, end int, w word) {
	for at := 0; ; {
		i := strings.Index(s[at:], "=?")
		if i < 0 {
			return -1, 0, w
		}
		start, at = at+i, at+i+2
		name, rest, ok := strings.Cut(s[at:], "?")
		if !ok || len(name) > 60 || strings.ContainsAny(name, " \t=") || len(rest) < 3 || rest[1] != '?' {
			continue
		}
		w = word{charset: name, encoding: strings.ToLower(rest[:1])}
		if w.encoding != "b" && w.encoding != "q" {
			continue
		}
		var closed bool
		if w.text, _, closed = strings.Cut(rest[2:], "?="); !closed {
			return -1, 0, w
		}
		return start, at + len(name) + 3 + len(w.text) + 2, w
	}
}

// decodeRun decodes neighbours of one charset and encoding.
func decodeRun(run []word) string {
	var each, whole []byte
	cut := false // a word ends within a group of four letters, and bears no padding
	for i, w := range run {
		whole = append(whole, w.text...)
		switch {
		case w.encoding == "q":
			each = append(each, decodeQ(w.text)...)
			continue
		case !addr.IsASCII(w.text): // bytes put there bare
			each = append(each, w.text...)
			continue
		}
		cut = cut || i+1 < len(run) && len(w.text)%4 != 0 && !strings.Contains(w.text, "=")
		each = append(each, Base64([]byte(w.text), MaxValue)...)
	}
	text := ToUTF8(run[0].charset, each)
	if cut {
		// Either its padding was left out or the group goes on in the next word:
		// what reads without a fault is meant.
		if other := ToUTF8(run[0].charset, Base64(whole, MaxValue)); faults(other) < faults(text) {
			return other
		}
	}
	return text
}

// faults counts characters that a wrong decoding leaves behind.
func faults(s string) (n int) {
	for _, r := range s {
		if r == '\uFFFD' || r < ' ' || r >= 0x7f && r < 0xa0 {
			n++
		}
	}
	return n
}

// decodeQ undoes the "Q" encoding (RFC 2047 section 4.2).
func decodeQ(s string) []byte {
	return AppendUnquoted(make([]byte, 0, len(s)), []byte(strings.ReplaceAll(s, "_", " ")))
}
