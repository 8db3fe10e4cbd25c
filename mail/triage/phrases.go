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
	awayText       section = "away-text"
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
	// heads are the lists by first letter, for prefixes: a subject is compared
	// with the few phrases that could match.
	heads map[section]map[rune][]string
}

// phrasebook reads the files at the first call; they are part of the program and
// checked by a test.
var phrasebook = sync.OnceValue(func() *phrases {
	b := &phrases{lists: map[section][]string{}, heads: map[section]map[rune][]string{}}
	files, _ := fs.Glob(phraseFiles, "phrases/*.txt")
	for _, file := range files {
		raw, _ := phraseFiles.ReadFile(file)
		b.read(string(raw))
	}
	for s, list := range b.lists {
		sort.Slice(list, func(i, j int) bool { return len(list[i]) > len(list[j]) })
		b.heads[s] = map[rune][]string{}
		for _, p := range list {
			for _, r := range p {
				b.heads[s][r] = append(b.heads[s][r], p)
				break
			}
		}
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
	first, _ := utf8.DecodeRuneInString(text)
	for _, s := range sections {
		for _, p := range b.heads[s][first] {
			if strings.HasPrefix(text, p) {
				return p, true
			}
		}
	}
	return "", false
}

// trimHead drops the marks that subjects and marker lines are dressed with.
func trimHead(text string) string { return strings.TrimLeft(text, "*[(<!-= \"'【") }

// within returns the phrase of the section that text holds.
func (b *phrases) within(text string, s section) (string, bool) {
	for _, p := range b.lists[s] {
		if strings.Contains(text, p) {
			return p, true
		}
	}
	return "", false
}

// fold makes text comparable: lower case, every run of white space one space,
// typographic apostrophes plain.
func fold(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = out.Len() > 0
			continue
		case r == '\u2019' || r == '\u2018' || r == '`' || r == '\u00b4':
			r = '\''
		case unicode.Is(unicode.Cf, r):
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
