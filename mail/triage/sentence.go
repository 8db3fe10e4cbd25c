package triage

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence is one of the mail's own, folded.
type sentence struct {
	raw      string
	words    string // raw with its marks made spaces, and one at each end
	question bool
	bears    sectionSet // once asked for
	looked   bool
	known    [questions]answer
}

// What is asked of a sentence more than once.
const (
	askedPoints = iota
	askedUs
	askedPersonal
	askedStates
	askedExpected
	questions
)

// answer is one that is kept.
type answer uint8

// once asks a question the first time, and gives the same answer then.
func (s *sentence) once(question int, ask func() bool) bool {
	if s.known[question] == 0 {
		s.known[question] = 1
		if ask() {
			s.known[question] = 2
		}
	}
	return s.known[question] == 2
}

// has tells whether s bears a phrase of one of the sections for sentences.
func (s *sentence) has(name section) bool { return s.sections()&phrasebook().places[name] != 0 }

func (s *sentence) sections() sectionSet {
	if !s.looked {
		s.looked, s.bears = true, phrasebook().ofSentence.in(s.words)
	}
	return s.bears
}

// startsWith tells that s begins with a phrase: an imperative, mostly.
func (s *sentence) startsWith(name section) bool {
	if !s.has(name) {
		return false
	}
	_, ok := phrasebook().heads[name].at(s.words)
	return ok
}

// count is how many words s has.
func (s *sentence) count() int { return strings.Count(s.words, " ") - 1 }

// sentences are those of the opening, without the signature.
func (m *message) sentences() []sentence {
	if m.split == nil {
		m.split = cutSentences(cut(withoutSignature(m.text()), maxOpening))
	}
	return m.split
}

// cutSentences splits text at marks and at blank lines.
func cutSentences(text string) []sentence {
	list := make([]sentence, 0, 8)
	for _, paragraph := range strings.Split(blankLines(text), "\n\n") {
		rest := withoutSpeech(fold(paragraph))
		for rest != "" && len(list) < maxSentences {
			end, question := sentenceEnd(rest)
			if raw := strings.TrimSpace(rest[:end]); raw != "" {
				s := sentence{raw: raw, words: bareWords(raw), question: question}
				if len(list) > 0 && s.has(disclaimer) { // its paragraph asks for what no writer means
					break
				}
				list = append(list, s)
			}
			rest = rest[end:]
		}
	}
	return list
}

// blankLines makes lines of white space empty.
func blankLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			line = "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

const (
	fullStops     = ".!。！।"
	questionMarks = "?？؟"
)

// sentenceEnd is where the first sentence of folded text ends. A full stop behind a
// digit or an abbreviation ends none: "30.11.", "i.v.m.", "Dr."; behind a year or a
// telephone number it does.
func sentenceEnd(text string) (end int, question bool) {
	word := 0 // where the last word begins
	digits := 0
	for i, r := range text {
		next := i + utf8.RuneLen(r)
		last := next >= len(text) || text[next] == ' '
		switch {
		case strings.ContainsRune(questionMarks, r) && (last || r != '?'), r == ';' && last && hasGreek(text[:i]):
			return next, true
		case r == '。' && strings.HasSuffix(text[:i], "か"):
			return next, true
		case last && (r == ';' || r == '；'):
			return next, false
		case strings.ContainsRune(fullStops, r) &&
			(r >= utf8.RuneSelf || last && (r == '!' || !abbreviates(text[word:i], digits))):
			return next, false
		case r == ' ':
			word = next
		case unicode.IsDigit(r):
			digits++
			continue
		}
		digits = 0
	}
	return len(text), false
}

// abbreviations end in a full stop within a sentence; so do single letters, and
// words with a full stop within.
var abbreviations = strings.Fields(`dr mr mrs ms st nr no bzw ca tel ggf evtl inkl usw etc zzgl hr fr dhr mw dhw
	sra sr srta dra dott ing inż ul str ext tlf fa abt prof dipl vs max min mme mlle av jl jln bpk sdr yth кв ул тел им
	см нач зам руб гос prim pl mld mio num núm jan feb apr jun jul aug sep sept okt oct nov dez dec avr juil févr déc
	ene abr ago dic gen giu lug ott fev mån tis tors fre lör sön`)

// abbreviates tells that a full stop behind word, which ends in so many digits, ends
// no sentence.
func abbreviates(word string, digits int) bool {
	if digits > 0 {
		return digits < 4 && !strings.Contains(word, "/") // "2/1" is no ordinal
	}
	word = strings.TrimLeft(word, "(\"'")
	dotted := strings.Contains(word, ".") && !strings.Contains(word, "@")
	return utf8.RuneCountInString(word) < 2 || dotted || slices.Contains(abbreviations, word)
}

func hasGreek(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Greek, r) })
}

// bareWords leaves letters, digits and what stands within words, a space at both
// ends and behind an elided word: "l'ordine", "d'envoyer".
func bareWords(s string) string {
	out := make([]byte, 0, len(s)+2)
	out = append(out, ' ')
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && !isAlnum(byte(r)) && r != '\'' && r != '-' && r != '*',
			r >= utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			if out[len(out)-1] != ' ' {
				out = append(out, ' ')
			}
		case r == '\'' && len(out)-1-bytes.LastIndexByte(out, ' ') <= maxElided:
			out = append(out, '\'', ' ')
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	if out[len(out)-1] != ' ' {
		out = append(out, ' ')
	}
	return string(out)
}
