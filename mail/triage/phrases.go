package triage

import (
	"cmp"
	"embed"
	"io/fs"
	"slices"
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
	programNoun    section = "program-noun"
	goodsSubject   section = "goods-subject"
	challengeText  section = "challenge-text"
	challengeHost  section = "challenge-host"
	bounceText     section = "bounce-text"
	delayText      section = "delay-text"
	bounceFinal    section = "bounce-final"
	returnedMark   section = "returned-mark"
	refusalText    section = "refusal-text"
	senderVoice    section = "sender-voice"
	ackNoun        section = "ack-noun"
	ackDone        section = "ack-done"
	ackCourtesy    section = "ack-courtesy"
	firstPerson    section = "first-person"
	firstHouse     section = "first-house"
	thirdPerson    section = "third-person"
	mailboxWord    section = "mailbox-word"
	awayWord       section = "away-word"
	leftWord       section = "left-word"
	backWord       section = "back-word"
	pastWord       section = "past-word"
	returnWord     section = "return-word"
	request        section = "request"
	requestUs      section = "request-us"
	requestElse    section = "request-else"
	imperative     section = "imperative"
	sendWord       section = "send-word"
	messageWord    section = "message-word"
	laterWord      section = "later-word"
	requestUrgent  section = "request-urgent"
	letterWord     section = "letter"
	goodsWord      section = "goods"
	goodsOwn       section = "goods-own"
	matterWord     section = "matter"
	troubleWord    section = "trouble"
	jobWord        section = "job"
	ourWord        section = "our-word"
	houseWord      section = "house-word"
	handledWord    section = "handled"
	resendWord     section = "resend"
	contrastWord   section = "contrast"
	smallTalk      section = "small-talk"
	disclaimer     section = "disclaimer"
	endedWord      section = "ended"
)

// phrases is the phrase book: every section's phrases of all languages, folded.
type phrases struct {
	lists map[section][]string
	// heads are the lists by the phrases' first bytes: a text is compared with the
	// few phrases that could begin where it is looked at.
	heads map[section]*heads
	// ofSentence finds the phrases of all sections that are looked for in a sentence, so
	// that one pass tells which of them it bears.
	ofSentence *markedPhrases
	places     map[section]sectionSet // of each such section, its bit
}

// heads finds the phrases that may begin with three given bytes. There are
// thousands of phrases, so most places of a text are told by one look at the
// table to begin none.
type heads struct {
	groups [][]phrase   // longest first, the phrases whose heads fall together
	table  [4096]uint16 // of a head: its group's place, counted from 1; 0 for none
}

// phrase is its pieces, with a short gap between each two.
type phrase struct {
	whole, head string
	rest        []string
}

func headOf(text string) int {
	n := (uint32(text[0])*131+uint32(text[1]))*131 + uint32(text[2])
	return int((n ^ n>>11) & 4095)
}

func (h *heads) add(whole string) {
	if len(whole) < 3 {
		return
	}
	pieces := strings.Split(whole, "*")
	place := &h.table[headOf(whole)]
	if *place == 0 {
		h.groups = append(h.groups, nil)
		*place = uint16(len(h.groups))
	}
	group := &h.groups[*place-1]
	*group = append(*group, phrase{whole, pieces[0], pieces[1:]})
}

// at returns the phrase that text begins with.
func (h *heads) at(text string) (string, bool) {
	if h == nil || len(text) < 3 {
		return "", false
	}
	place := h.table[headOf(text)]
	if place == 0 {
		return "", false
	}
	return oneOf(h.groups[place-1], text)
}

func oneOf(group []phrase, text string) (string, bool) {
	for _, p := range group {
		if strings.HasPrefix(text, p.head) && p.goesOn(text[len(p.head):]) {
			return p.whole, true
		}
	}
	return "", false
}

// phraseGap is how many bytes the gap of a phrase spans.
const phraseGap = 48

// goesOn tells whether the rest of the phrase follows in text, each piece after a
// gap.
func (p phrase) goesOn(text string) bool {
	for _, piece := range p.rest {
		i := strings.Index(text[:min(len(text), phraseGap+len(piece))], piece)
		if i < 0 {
			return false
		}
		text = text[i+len(piece):]
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
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		h := &heads{}
		for _, p := range list {
			h.add(p)
		}
		b.heads[s] = h
	}
	b.markSections()
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
			b.lists[in] = append(b.lists[in], in.phrase(line))
		}
	}
}

// phrase makes a line of a file comparable. In the sections that are looked for in
// a sentence, marks count as spaces, a phrase begins where a word does, unless "~"
// stands before it or its script sets no spaces, and "_" is the end of a word.
func (s section) phrase(line string) string {
	if !s.ofSentences() {
		return trimHead(fold(line))
	}
	words := strings.TrimSpace(bareWords(fold(strings.ReplaceAll(line, "_", " "))))
	if first, _ := utf8.DecodeRuneInString(words); line[0] != '~' && !unspaced(first) {
		words = " " + words
	}
	if strings.HasSuffix(line, "_") {
		words += " "
	}
	return words
}

// unspaced tells the scripts that set no spaces between words.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Hangul)
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
	p, _, ok := b.find(text, s)
	return p, ok
}

// find is within with the place of the phrase.
func (b *phrases) find(text string, s section) (p string, at int, ok bool) {
	h := b.heads[s]
	if h == nil {
		return "", 0, false
	}
	for i := range max(len(text)-2, 0) {
		place := h.table[headOf(text[i:])]
		if place == 0 {
			continue
		}
		if p, ok := oneOf(h.groups[place-1], text[i:]); ok {
			return p, i, true
		}
	}
	return "", 0, false
}

// fold makes text comparable: lower case, every run of white space one space,
// typographic apostrophes plain.
func fold(s string) string {
	out, space := make([]byte, 0, len(s)), false
	for i := 0; i < len(s); {
		if n := foldedAlready(s[i:]); n > 0 {
			if space {
				out, space = append(out, ' '), false
			}
			out = append(out, s[i:i+n]...)
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch r = foldRune(r); {
		case r == dropped:
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

// foldedAlready returns how many bytes s begins with that fold to themselves:
// words of lower-case ASCII with one space between each two. They are nearly all
// of most texts.
func foldedAlready(s string) int {
	for i := range len(s) {
		if !foldsToItself(s[i]) && (s[i] != ' ' || i == 0 || i+1 == len(s) || !foldsToItself(s[i+1])) {
			return i
		}
	}
	return len(s)
}

func foldsToItself(c byte) bool {
	return c > ' ' && c < utf8.RuneSelf && (c < 'A' || c > 'Z') && c != '`'
}

// dropped is what foldRune makes of a character that shows nothing.
const dropped rune = -1

// foldRune folds one character, any white space to ' '.
func foldRune(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case unicode.IsSpace(r):
		return ' '
	case r == '`' || r == '\u2019' || r == '\u2018' || r == '\u00b4':
		return '\''
	case unicode.Is(unicode.Cf, r):
		return dropped
	}
	return unicode.ToLower(r)
}
