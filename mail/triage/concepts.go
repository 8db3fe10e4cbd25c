package triage

import (
	"embed"
	"io/fs"
	"math/bits"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// conceptFiles hold the words of each concept, a file per language; the format stands
// at the top of concepts/en.txt.
//
//go:embed concepts/*.txt
var conceptFiles embed.FS

// Bounds of the look-up.
const (
	maxConcepts  = 229 // they are numbered in a byte
	longStem     = 5   // bytes from which a stem counts beside a whole word
	minKnown     = 0.5 // of a text's words, in the language that it is taken for
	minWords     = 2
	firstInfix   = 2 // bytes before a stem within a word
	infixedWords = 7 // bytes of a word from which stems within it are looked for
)

// concept is the number of one, counted from 1.
type concept uint8

// The numbers of what stands in the place of a concept.
const (
	conceptBegin concept = maxConcepts + 1 + iota // of a sentence
	conceptEnd
	conceptUnknown // a word of none
	conceptAddress
	conceptQuestion
	conceptCall // an exclamation mark
	conceptNumber
)

// conceptOfMark is what a token that is no word counts as; numbers by their digits.
func conceptOfMark(text string) concept {
	switch text[0] {
	case '@':
		return conceptAddress
	case '?':
		return conceptQuestion
	case '!':
		return conceptCall
	}
	return conceptNumber + concept(len(text))
}

// dictionary finds the concepts of the words of one language.
type dictionary struct {
	lang  string
	whole map[string][]concept
	stems map[string][]stem // by their first three bytes, longest first
	infix []stem
}

// stem is the beginning of words, or what stands within them.
type stem struct {
	text     string
	concepts []concept
}

// lexicon is the dictionaries of all languages.
type lexicon struct {
	names []string // of the concepts
	all   []*dictionary
	// spoken tells, by bits in the order of all, in which languages a word is listed whole.
	spoken map[string]uint16
	core   [256]bool
	near   [256]bool
}

// coreConcepts are those of which nearly every notice bears one, and nearConcepts what
// the other ones speak of that answer a mail. Without any the weights do not silence,
// since their texts are of absences and of letters near them, and other mail may share
// its words with either.
var (
	coreConcepts = strings.Fields(`away office holiday publicholiday travel fair sick parental bereavement
		sabbatical closed openhours back left retire employed reachable urgent delay until limited mailbox
		automatic forwarded parttime inventory moved sold weekday nolonger`)
	nearConcepts = strings.Fields(`answer read contact week internet handover exist season`)
)

// concepts reads the files at the first call; they are part of the program and checked
// by a test.
var concepts = sync.OnceValue(func() *lexicon {
	l := &lexicon{names: []string{""}, spoken: map[string]uint16{}}
	files, _ := fs.Glob(conceptFiles, "concepts/*.txt")
	for i, file := range files {
		raw, _ := conceptFiles.ReadFile(file)
		d := l.read(string(raw))
		d.lang = strings.TrimSuffix(path.Base(file), ".txt")
		l.all = append(l.all, d)
		for word := range d.whole {
			l.spoken[word] |= 1 << i
		}
	}
	for i, name := range l.names {
		l.core[i] = slices.Contains(coreConcepts, name)
		l.near[i] = slices.Contains(nearConcepts, name)
	}
	return l
})

func (l *lexicon) read(file string) *dictionary {
	d := &dictionary{whole: map[string][]concept{}, stems: map[string][]stem{}}
	for line := range strings.Lines(file) {
		name, words, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		c := l.number(name)
		for _, word := range strings.Fields(words) {
			d.add(word, c)
		}
	}
	for _, list := range d.stems {
		slices.SortStableFunc(list, func(a, b stem) int { return len(b.text) - len(a.text) })
	}
	return d
}

func (l *lexicon) number(name string) concept {
	i := slices.Index(l.names, name)
	if i < 0 {
		i = len(l.names)
		l.names = append(l.names, name)
	}
	return concept(min(i, maxConcepts))
}

func (d *dictionary) add(word string, c concept) {
	switch text := strings.Trim(word, "~*"); {
	case word[0] == '~':
		d.infix = addStem(d.infix, text, c)
	case word[len(word)-1] == '*' && len(text) >= 3:
		d.stems[text[:3]] = addStem(d.stems[text[:3]], text, c)
	default:
		d.whole[text] = append(d.whole[text], c)
	}
}

func addStem(list []stem, text string, c concept) []stem {
	for i := range list {
		if list[i].text == text {
			list[i].concepts = append(list[i].concepts, c)
			return list
		}
	}
	return append(list, stem{text, []concept{c}})
}

// appendConcepts adds the concepts of a bare word to list.
func (d *dictionary) appendConcepts(list []concept, word string) []concept {
	whole := d.whole[word]
	list = append(list, whole...)
	if len(word) >= 3 {
		for _, s := range d.stems[word[:3]] {
			if strings.HasPrefix(word, s.text) {
				if len(whole) == 0 || len(s.text) >= longStem {
					list = append(list, s.concepts...)
				}
				break
			}
		}
	}
	if len(word) >= infixedWords {
		for _, s := range d.infix {
			if strings.Contains(word[firstInfix:], s.text) {
				list = append(list, s.concepts...)
			}
		}
	}
	return list
}

// token is a word of a text, or a mark that counts as one.
type token struct {
	text string // a word bare; '#' and how many digits for a number, '@' for an address, '?', '!'
	word bool
}

// dictionaryOf finds the language of words, nil when they are of none that is known.
func (l *lexicon) dictionaryOf(sentences [][]token) *dictionary {
	d := l.all[l.likeliest(sentences)]
	words, known := 0, 0
	var found []concept
	for _, list := range sentences {
		for _, t := range list {
			if t.word {
				found = d.appendConcepts(found[:0], t.text)
				words++
				known += min(len(found), 1)
			}
		}
	}
	if words < minWords || float64(known) < minKnown*float64(words) {
		return nil
	}
	return d
}

// likeliest is the language with the most of the words; one of few languages says more.
func (l *lexicon) likeliest(sentences [][]token) (best int) {
	var hits [16]float64
	for _, list := range sentences {
		for _, t := range list {
			spoken := l.spoken[t.text]
			for rest := spoken; rest != 0; rest &= rest - 1 {
				hits[bits.TrailingZeros16(rest)] += 1 / float64(bits.OnesCount16(spoken))
			}
		}
	}
	for i := range l.all {
		if hits[i] > hits[best] {
			best = i
		}
	}
	return best
}

// tokens cuts folded text into its words and marks.
func tokens(text string) (list []token) {
	list = make([]token, 0, len(text)/5+1)
	for _, field := range strings.Fields(text) {
		if strings.Contains(field, "@") {
			list = append(list, token{text: "@"})
			continue
		}
		end := strings.TrimRight(field, "\"')]»”*_.,:;…")
		list = appendWords(list, bare(field))
		if n := len(end); n > 0 && (end[n-1] == '?' || end[n-1] == '!') {
			list = append(list, token{text: end[n-1:]})
		}
	}
	return list
}

// appendWords adds a field's words: one that is listed stays whole, others are cut at
// their marks: "l'ordine", "pouvez-vous".
func appendWords(list []token, field string) []token {
	field = strings.Trim(field, "'-")
	if field == "" {
		return list
	}
	if digits := countDigits(field); digits > 0 {
		return append(list, token{text: "#####"[:min(digits, 5)]})
	}
	if _, ok := concepts().spoken[field]; !ok {
		if i := strings.IndexAny(field, "'-"); i > 0 && i+1 < len(field) {
			head := field[:i]
			if field[i] == '\'' {
				if _, elided := concepts().spoken[field[:i+1]]; elided {
					head = field[:i+1]
				}
			}
			return appendWords(append(list, token{text: head, word: true}), field[i+1:])
		}
	}
	return append(list, token{text: field, word: true})
}

func countDigits(s string) (n int) {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// bare leaves letters without diacritics, digits and the marks within words.
func bare(field string) string {
	plain := true
	for i := range len(field) {
		if c := field[i]; c >= utf8.RuneSelf || !isAlnum(c) && c != '\'' && c != '-' {
			plain = false
			break
		}
	}
	if plain {
		return field
	}
	out := make([]byte, 0, len(field))
	for _, r := range field {
		switch {
		case r < utf8.RuneSelf:
			if isAlnum(byte(r)) || r == '\'' || r == '-' {
				out = append(out, byte(r))
			} else if r == '/' || r == '.' && len(out) > 0 || r == ',' {
				out = append(out, '-') // "t/m", "Mo.-Fr.", "on.Please"
			}
		case int(r) < len(plainLetters):
			out = append(out, plainLetters[r]...)
		case unicode.IsLetter(r):
			out = utf8.AppendRune(out, r)
		}
	}
	return strings.Trim(string(out), "-'")
}

// plainLetters are the letters that the ones with diacritics below are written without.
var plainLetters = func() (table [0x180]string) {
	for plain, letters := range map[string]string{
		"a": "àáâãäåāăą", "c": "çćĉċč", "d": "ďđð", "e": "èéêëēĕėęě", "g": "ĝğġģ", "h": "ĥħ", "i": "ìíîïĩīĭįı",
		"j": "ĵ", "k": "ķ", "l": "ĺļľŀł", "n": "ñńņňŉ", "o": "òóôõöøōŏő", "r": "ŕŗř", "s": "śŝşš", "t": "ţťŧ",
		"u": "ùúûüũūŭůűų", "w": "ŵ", "y": "ýÿŷ", "z": "źżž", "ss": "ß", "ae": "æ", "oe": "œ",
	} {
		for _, r := range letters {
			table[r] = plain
		}
	}
	return table
}()
