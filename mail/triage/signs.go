package triage

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Signs are what the weights judge a mail by: its words and their pairs, parts of
// words, and the signs of its shape, which are the same in every language.
//
//	"w word", "p word word", "n part"   of the text; "sw", "sp", "sn" of a subject
//	"=sign"                             of the shape; "=1 sign" in the first two
//	                                    sentences, "=2 sign sign" in one sentence

// Bias is the sign that every text bears.
const Bias = "=text"

const (
	firstSentences = 2 // that are looked at apart
	partOfWord     = 5 // characters, the word's ends among them
)

// Signs lists the signs of a mail, none of one too long for a notice. It is for the
// program that learns the weights.
func Signs(raw []byte, e Envelope) []string {
	m := read(raw, &e)
	return m.signs()
}

// signSections are the sections whose words in a sentence are a sign each.
var signSections = []section{firstPerson, firstHouse, thirdPerson, mailboxWord, awayWord, leftWord, backWord, pastWord,
	returnWord, request, requestUs, requestElse, requestUrgent, letterWord, goodsWord, goodsOwn, imperative, sendWord,
	messageWord, laterWord, matterWord, troubleWord, jobWord, ourWord, houseWord, handledWord, resendWord,
	contrastWord, endedWord, ackNoun, ackDone, ackCourtesy}

// signSet lists signs, each once.
type signSet struct {
	list []string
	seen map[string]bool
}

func (l *signSet) add(sign string) {
	if !l.seen[sign] {
		l.seen[sign] = true
		l.list = append(l.list, sign)
	}
}

func (l *signSet) addFlag(name string, is bool) { l.add("=" + name + " " + strconv.FormatBool(is)) }

func (l *signSet) addCount(name string, n int) { l.add("=" + name + " " + strconv.Itoa(n)) }

func (m *message) signs() []string {
	if len(m.openingWords()) > maxNoticeText {
		return nil
	}
	l := &signSet{seen: map[string]bool{}}
	l.add(Bias)
	list, strange := m.sentences(), 0
	for i := range list {
		l.addSentence(m.shapeOf(&list[i]), i < firstSentences)
		l.addWords("", list[i].raw)
		strange += boolInt(!list[i].expected())
	}
	l.addCount("sentences", magnitude(len(list)))
	l.addCount("strange", min(strange, 4))
	l.addCount("bytes", magnitude(len(m.openingWords())/20))
	m.wholeSigns(l)
	if !m.replySubject() {
		l.addWords("s", m.folded)
	}
	return l.list
}

// wholeSigns are those of the mail as a whole: what the phrases' combinations say.
func (m *message) wholeSigns(l *signSet) {
	l.addFlag("answers", m.answers())
	l.addFlag("resubject", m.replySubject())
	l.addFlag("cites", m.cites())
	l.addFlag("subjectasks", m.subjectAsks())
	l.addFlag("asksus", m.asksUs())
	l.addFlag("asks", m.asks())
	stated, _ := m.absence()
	l.addFlag("absence", stated != "")
	for _, rule := range []struct {
		name  string
		judge func() (string, bool)
	}{
		{"away", m.away}, {"named", m.namesAbsence},
		{"program", func() (string, bool) { return programTextRule(m) }},
		{"auto", func() (string, bool) { return autoSubjectRule(m) }},
		{"ack", func() (string, bool) { return acknowledgement(m) }},
	} {
		_, is := rule.judge()
		l.addFlag(rule.name, is)
	}
}

// magnitude is the number of binary digits of n.
func magnitude(n int) (digits int) {
	for ; n > 0; n /= 2 {
		digits++
	}
	return digits
}

// shapeOf names the signs of a sentence's shape.
func (m *message) shapeOf(s *sentence) (shape []string) {
	for _, name := range signSections {
		if s.has(name) {
			shape = append(shape, string(name))
		}
	}
	for _, sign := range []struct {
		name string
		is   bool
	}{
		{"question", s.question}, {"asksus", s.asksUs()}, {"personal", s.personal()}, {"states", m.states(s)},
		{"points", s.pointsTo()}, {"redirects", s.redirects()}, {"author", m.namesAuthor(s)},
		{"long", longNumber(s.words)}, {"digit", hasDigit(s.raw)},
	} {
		if sign.is {
			shape = append(shape, sign.name)
		}
	}
	return shape
}

// addSentence adds a sentence's shape: each sign, and each two together.
func (l *signSet) addSentence(shape []string, first bool) {
	for i, name := range shape {
		l.add("=" + name)
		if first {
			l.add("=1 " + name)
		}
		for _, other := range shape[i+1:] {
			l.add("=2 " + name + " " + other)
		}
	}
}

// addWords adds the words of folded text, each two neighbours and the parts of long words.
func (l *signSet) addWords(place, text string) {
	last := "^"
	for _, field := range strings.Fields(text) {
		word := plainWord(field)
		switch {
		case word == "":
			continue
		case len(word) > 3 && unspacedText(word):
			l.addUnspaced(place, []rune(word))
			last = "^"
			continue
		}
		l.add(place + "w " + word)
		l.add(place + "p " + last + " " + word)
		l.addParts(place, " "+word+" ")
		last = word
	}
	l.add(place + "p " + last + " $")
}

// addUnspaced adds all runs of one to three characters.
func (l *signSet) addUnspaced(place string, text []rune) {
	for i := range text {
		for n := 1; n <= 3 && i+n <= len(text); n++ {
			l.add(place + "w " + string(text[i:i+n]))
		}
	}
}

// addParts adds all runs of five characters of a word that is longer.
func (l *signSet) addParts(place, word string) {
	if utf8.RuneCountInString(word) <= partOfWord+1 {
		return
	}
	runes := []rune(word)
	for i := 0; i+partOfWord <= len(runes); i++ {
		l.add(place + "n " + string(runes[i:i+partOfWord]))
	}
}

// plainWord is a word without its marks; of numbers and addresses only the kind tells.
func plainWord(field string) string {
	if strings.Contains(field, "@") {
		return "@"
	}
	word := strings.TrimFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if !hasDigit(word) {
		return word
	}
	digits := 0
	for _, r := range word {
		digits += boolInt(unicode.IsDigit(r))
	}
	return "#" + strconv.Itoa(min(digits, 5))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
