package triage

import (
	"embed"
	"io/fs"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// phraseFiles hold the phrases by which mail is known, a file per language; the
// format stands at the top of phrases/en.txt.
//
//go:embed phrases/*.txt
var phraseFiles embed.FS

// section names one list of phrases.
type section string

// The sections of a phrase file.
const (
	autoSubject    section = "auto-subject"
	bounceSubject  section = "bounce-subject"
	bounceHint     section = "bounce-hint"
	delaySubject   section = "delay-subject"
	receiptSubject section = "receipt-subject"
	ackSubject     section = "ack-subject"
	ackText        section = "ack-text"
	ackMore        section = "ack-more"
	ackThanks      section = "ack-thanks"
	awaySubject    section = "away-subject"
	awayNamed      section = "away-named"
	awayText       section = "away-text"
	awayMore       section = "away-more"
	programText    section = "program-text"
	goodsSubject   section = "goods-subject"
	challengeText  section = "challenge-text"
	challengeHost  section = "challenge-host"
	bounceText     section = "bounce-text"
	delayText      section = "delay-text"
	bounceFinal    section = "bounce-final"
	returnedMark   section = "returned-mark"
)

// phrases is the phrase book: every section's phrases of all languages, folded.
type phrases struct {
	lists map[section][]string
	// heads are the lists by the phrases' first bytes: a text is compared with the
	// few phrases that could begin where it is looked at.
	heads map[section]*heads
}

// heads finds the phrases that may begin with three given bytes. There are
// thousands of phrases, so most places of a text are told by one bit to begin
// none.
type heads struct {
	bits [64]uint64
	by   map[[3]byte][]string // longest first
}

func (h *heads) bit(a, b, c byte) (word int, mask uint64) {
	n := (uint32(a)*131+uint32(b))*131 + uint32(c)
	n ^= n >> 11
	return int(n >> 6 & 63), 1 << (n & 63)
}

// at returns the phrase that text begins with.
func (h *heads) at(text string) (string, bool) {
	if h == nil || len(text) < 3 {
		return "", false
	}
	if word, mask := h.bit(text[0], text[1], text[2]); h.bits[word]&mask == 0 {
		return "", false
	}
	for _, p := range h.by[[3]byte{text[0], text[1], text[2]}] {
		if begins(text, p) {
			return p, true
		}
	}
	return "", false
}

// phraseGap is how many bytes the gap of a phrase spans.
const phraseGap = 48

// begins tells whether text begins with a phrase; "*" in it is a short gap.
func begins(text, phrase string) bool {
	head, rest, gap := strings.Cut(phrase, "*")
	if !strings.HasPrefix(text, head) {
		return false
	}
	for gap {
		var piece string
		text = text[len(head):]
		piece, rest, gap = strings.Cut(rest, "*")
		i := strings.Index(text[:min(len(text), phraseGap+len(piece))], piece)
		if i < 0 {
			return false
		}
		text, head = text[i:], piece
	}
	return true
}

// phrasebook reads the files at the first call; they are part of the program and
// checked by a test.
var phrasebook = sync.OnceValue(func() *phrases {
	b := &phrases{lists: map[section][]string{}, heads: map[section]*heads{}}
	files, _ := fs.Glob(phraseFiles, "phrases/*.txt")
	for _, file := range files {
		raw, _ := phraseFiles.ReadFile(file)
		b.read(string(raw))
	}
	for s, list := range b.lists {
		sort.Slice(list, func(i, j int) bool { return len(list[i]) > len(list[j]) })
		h := &heads{by: map[[3]byte][]string{}}
		for _, p := range list {
			if len(p) < 3 {
				continue
			}
			word, mask := h.bit(p[0], p[1], p[2])
			h.bits[word] |= mask
			head := [3]byte{p[0], p[1], p[2]}
			h.by[head] = append(h.by[head], p)
		}
		b.heads[s] = h
	}
	return b
})

func (b *phrases) read(file string) {
	var in section
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "== "):
			in = section(strings.TrimSpace(line[3:]))
		default:
			b.lists[in] = append(b.lists[in], trimHead(fold(line)))
		}
	}
}

func (b *phrases) list(s section) []string { return b.lists[s] }

// prefix returns the phrase of any of the sections that text begins with.
func (b *phrases) prefix(text string, sections ...section) (string, bool) {
	text = trimHead(text)
	for _, s := range sections {
		if p, ok := b.heads[s].at(text); ok {
			return p, true
		}
	}
	return "", false
}

// trimHead drops the marks that subjects and marker lines are dressed with.
func trimHead(text string) string { return strings.TrimLeft(text, "*[(<!-= \"'【") }

// within returns the first phrase of the section that text holds.
func (b *phrases) within(text string, s section) (string, bool) {
	h := b.heads[s]
	for i := range len(text) {
		if p, ok := h.at(text[i:]); ok {
			return p, true
		}
	}
	return "", false
}

// fold makes text comparable: lower case, every run of white space one space,
// typographic apostrophes plain.
func fold(s string) string {
	out, space := make([]byte, 0, len(s)), false
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		i += size
		r, kept := foldRune(r)
		switch {
		case !kept:
			continue
		case r == ' ':
			space = len(out) > 0
			continue
		case space:
			out, space = append(out, ' '), false
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// foldRune folds one character, any white space to ' '; false drops it. ASCII is
// spared the tables: it is nearly all of most texts.
func foldRune(r rune) (rune, bool) {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A', true
	case r >= '\t' && r <= '\r':
		return ' ', true
	case r == '`':
		return '\'', true
	case r < utf8.RuneSelf:
		return r, true
	case unicode.IsSpace(r):
		return ' ', true
	case r == '\u2019' || r == '\u2018' || r == '\u00b4':
		return '\'', true
	}
	return unicode.ToLower(r), !unicode.Is(unicode.Cf, r)
}
