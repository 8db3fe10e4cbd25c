package triage

import (
	"math/bits"
	"strings"
)

// Signs are what the weights judge a mail by, each a number. Those of the words are the
// concepts of a text, alone, by neighbours and by sentences, its words, pairs of words
// and runs of five letters; those of the shape are the sections of phrases that its
// sentences bear, and what the rules make of it. Concepts and shape are the same in
// every language.

// Sign is the number of one sign, a hash of its kind and of what it holds.
type Sign uint32

// OfShape marks the signs of the shape.
const OfShape Sign = 1 << 31

const (
	maxWeighed     = 1500 // bytes of the text whose words are looked at
	firstSentences = 2    // whose shape is looked at apart
	lettersOfRun   = 5
	maxSigns       = 1 << 13
)

// The kinds of signs; those of a subject's words are apart from those of a text's.
const (
	kindConcept = iota + 1
	kindFirst   // a concept of the first sentence
	kindNext    // two concepts that are neighbours
	kindSkipped // with a word between
	kindTogether
	kindWord
	kindWords // two that are neighbours
	kindRun
	kindSection
	kindSectionFirst
	kindSections // two in one sentence
	kindFlag
	kindAmount
	kindOfSubject = 32 // added
)

// Signs lists the signs of a mail, none of one too long for a notice or in a language
// that the lexicon does not know. It is for the program that learns the weights.
func Signs(raw []byte, e Envelope) []Sign {
	m := read(raw, &e)
	c := newCollector(nil)
	m.collect(c)
	return c.list
}

// collector takes each sign once: lists it, or sums its weight.
type collector struct {
	table  *weightTable // nil: to list
	list   []Sign
	seen   []Sign // an open hash table; 0 is free
	count  int
	ofWord int     // how many are of words
	words  float64 // sums of weights
	shape  float64
	best   [maxReasons]reason
	core   bool // the mail bears a sign of an absence
}

func newCollector(table *weightTable) *collector {
	return &collector{table: table, seen: make([]Sign, 2*maxSigns)}
}

// mix folds n into a hash.
func mix(h, n uint64) uint64 {
	high, low := bits.Mul64(h^n^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return high ^ low
}

func hashText(text string) uint64 {
	h := uint64(len(text))
	for i := range len(text) {
		h = h*0x100000001b3 ^ uint64(text[i])
	}
	return mix(h, 1)
}

// add takes the sign of a kind that holds n; text is shown as its reason.
func (c *collector) add(kind int, n uint64, text string) {
	s := Sign(mix(n, uint64(kind)))&^OfShape | 1
	if kind >= kindSection && kind < kindOfSubject {
		s |= OfShape
	}
	if !c.insert(s) {
		return
	}
	if s&OfShape == 0 {
		c.ofWord++
	}
	if c.table == nil {
		c.list = append(c.list, s)
		return
	}
	weight := c.table.of(s)
	switch {
	case s&OfShape != 0:
		c.shape += weight
	default:
		c.words += weight
		c.remember(text, weight)
	}
}

// insert tells whether s is new.
func (c *collector) insert(s Sign) bool {
	if c.count >= maxSigns {
		return false
	}
	for i := uint32(s>>1) % uint32(len(c.seen)); ; i = (i + 1) % uint32(len(c.seen)) {
		switch c.seen[i] {
		case s:
			return false
		case 0:
			c.seen[i] = s
			c.count++
			return true
		}
	}
}

func (c *collector) flag(name string, is bool) {
	n := uint64(0)
	if is {
		n = 1
	}
	c.add(kindFlag, mix(hashText(name), n), "")
}

// amount takes a sign for each step up to n.
func (c *collector) amount(name string, n int) {
	h := hashText(name)
	for i := range n + 1 {
		c.add(kindAmount, mix(h, uint64(i)), "")
	}
}

// collect takes the signs of m; false when there are none.
func (m *message) collect(c *collector) bool {
	if len(m.openingWords()) > maxNoticeText {
		return false
	}
	list := m.sentences()
	cut, left := make([][]token, 0, len(list)+1), maxWeighed
	for i := range list {
		if left -= len(list[i].raw); left < 0 && i > 0 {
			break
		}
		cut = append(cut, tokens(list[i].raw))
	}
	var subject []token
	if !m.replySubject() {
		subject = tokens(m.folded)
	}
	d := concepts().dictionaryOf(append(cut, subject))
	if d == nil {
		return false
	}
	w := wording{c: c, d: d}
	for i := range cut {
		w.sentence(cut[i], 0, i == 0)
	}
	w.amounts(list)
	w.sentence(subject, kindOfSubject, false)
	for i := range cut {
		c.sections(m, &list[i], i < firstSentences)
	}
	m.wholeSigns(c)
	c.core = w.core || m.answers() && w.near || m.anySentence((*sentence).absent)
	return true
}

// wording takes the signs of words.
type wording struct {
	c       *collector
	d       *dictionary
	found   []concept // of the sentence, in order
	words   int
	strange int  // words without a concept
	most    int  // of them in one sentence
	core    bool // a concept of which nearly every notice bears one
	near    bool // or one of those that answer
}

// sentence takes the signs of one; of is 0 or kindOfSubject.
func (w *wording) sentence(list []token, of int, first bool) {
	w.found = w.found[:0]
	last, before := []concept{conceptBegin}, []concept(nil)
	lastWord, strange := uint64(conceptBegin), 0
	for _, t := range list {
		at := len(w.found)
		if t.word {
			w.found = w.d.appendConcepts(w.found, t.text)
			strange += boolInt(len(w.found) == at)
		} else {
			w.found = append(w.found, conceptOfMark(t.text))
		}
		here := w.found[at:]
		for _, x := range here {
			if of == 0 {
				w.core = w.core || concepts().core[x]
				w.near = w.near || concepts().near[x]
			}
			w.concept(x, last, before, of, first, t.text)
		}
		if before = last; len(here) > 0 {
			last = here
		} else {
			last = []concept{conceptUnknown}
		}
		lastWord = w.word(t, lastWord, of)
	}
	for _, y := range last {
		w.c.add(kindNext+of, uint64(y)<<8|uint64(conceptEnd), "")
	}
	w.together(of)
	w.c.add(kindWords+of, mix(lastWord, uint64(conceptEnd)), "")
	if of == 0 {
		w.words += len(list)
		w.strange += strange
		w.most = max(w.most, strange)
	}
}

// concept takes the signs of one behind the last and the one before it.
func (w *wording) concept(x concept, last, before []concept, of int, first bool, text string) {
	w.c.add(kindConcept+of, uint64(x), text)
	if first {
		w.c.add(kindFirst+of, uint64(x), text)
	}
	for _, y := range last {
		w.c.add(kindNext+of, uint64(y)<<8|uint64(x), text)
	}
	for _, y := range before {
		w.c.add(kindSkipped+of, uint64(y)<<8|uint64(x), text)
	}
}

// together takes each two concepts of a sentence.
func (w *wording) together(of int) {
	for i, x := range w.found {
		for _, y := range w.found[i+1:] {
			w.c.add(kindTogether+of, uint64(min(x, y))<<8|uint64(max(x, y)), "")
		}
	}
}

// word takes a word, its pair with the last one and its runs of letters.
func (w *wording) word(t token, last uint64, of int) uint64 {
	h := hashText(t.text)
	w.c.add(kindWord+of, h, t.text)
	w.c.add(kindWords+of, mix(last, h), t.text)
	if !t.word || len(t.text)+2 <= lettersOfRun {
		return h
	}
	run := uint64('_')
	for i := range len(t.text) + 1 {
		letter := byte('_')
		if i < len(t.text) {
			letter = t.text[i]
		}
		run = run<<8&(1<<(8*lettersOfRun)-1) | uint64(letter)
		if i+2 >= lettersOfRun {
			w.c.add(kindRun+of, run, t.text)
		}
	}
	return h
}

// amounts takes how much of the text is about something else than a notice.
func (w *wording) amounts(list []sentence) {
	strange := 0
	for i := range list {
		strange += boolInt(!list[i].expected())
	}
	w.c.amount("strange words of ten", 10*w.strange/max(w.words, 1))
	w.c.amount("strange words", bits.Len(uint(w.strange)))
	w.c.amount("strange words of a sentence", min(w.most/2, 6))
	w.c.amount("strange sentences", min(strange, 5))
	w.c.amount("sentences", bits.Len(uint(len(list))))
	w.c.amount("words", bits.Len(uint(w.words)))
}

// sections takes the shape of a sentence: each sign, and each two together.
func (c *collector) sections(m *message, s *sentence, first bool) {
	set := uint64(s.sections())
	for i, is := range []bool{s.question, s.asksUs(), s.personal(), m.states(s), s.pointsTo(), s.redirects(),
		m.namesAuthor(s), longNumber(s.words), hasDigit(s.raw), s.expected()} {
		set |= uint64(boolInt(is)) << (63 - i)
	}
	for ; set != 0; set &= set - 1 {
		x := uint64(bits.TrailingZeros64(set))
		c.add(kindSection, x, "")
		if first {
			c.add(kindSectionFirst, x, "")
		}
		for rest := set & (set - 1); rest != 0; rest &= rest - 1 {
			c.add(kindSections, x<<8|uint64(bits.TrailingZeros64(rest)), "")
		}
	}
}

// absent tells a phrase of an absence, or of what comes with one.
func (s *sentence) absent() bool {
	return s.has(awayWord) || s.has(leftWord) || s.has(returnWord) || s.has(mailboxWord) || s.has(endedWord)
}

// wholeSigns are those of the mail as a whole: what the phrases' combinations say.
func (m *message) wholeSigns(c *collector) {
	c.flag("text", true)
	c.flag("answers", m.answers())
	c.flag("resubject", m.replySubject())
	c.flag("cites", m.cites())
	c.flag("subjectasks", m.subjectAsks())
	c.flag("asksus", m.asksUs())
	c.flag("asks", m.asks())
	stated, _ := m.absence()
	c.flag("absence", stated != "")
	for _, rule := range []struct {
		name  string
		judge func(*message) (string, bool)
	}{
		{"away", (*message).away}, {"named", (*message).namesAbsence}, {"program", programTextRule},
		{"auto", autoSubjectRule}, {"ack", acknowledgement},
	} {
		_, is := rule.judge(m)
		c.flag(rule.name, is)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reason is a word with what its strongest sign adds.
type reason struct {
	text   string
	weight float64
}

// remember keeps the words that speak most for a notice, strongest first.
func (c *collector) remember(text string, weight float64) {
	last := len(c.best) - 1
	if text == "" || weight <= c.best[last].weight {
		return
	}
	at := last
	for i, r := range c.best {
		if r.text == text {
			if weight <= r.weight {
				return
			}
			at = i
			break
		}
	}
	c.best[at] = reason{text, weight}
	for ; at > 0 && c.best[at].weight > c.best[at-1].weight; at-- {
		c.best[at], c.best[at-1] = c.best[at-1], c.best[at]
	}
}

// reasons are the words kept.
func (c *collector) reasons() string {
	var list []string
	for _, r := range c.best {
		if r.text != "" {
			list = append(list, r.text)
		}
	}
	return strings.Join(list, ", ")
}
