package triage

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"sync"
)

// The weights that tell an absence notice from a letter: a logistic regression over the
// signs of signs.go, learned from train/texts and from the stories of the tests.
//
//go:generate go run signpost/mail/triage/train

//go:embed weights.dat
var weightFile []byte

// Bounds of the score, the logarithm of the odds that a mail is a notice.
const (
	// noticeScore is what silences alone. It is high on purpose: a person without an
	// answer is worse than a notice answered.
	noticeScore = 2.8
	// letterScore is below what a text is a letter, whatever words of a program it holds;
	// surelyLetterScore, whatever its subject.
	letterScore       = 0.0
	surelyLetterScore = -2.5

	maxReasons = 5 // words that are shown
	// scaleOfWords and scaleOfShape make a long text's words count as much as a short
	// one's, and both as much as its shape.
	scaleOfWords, scaleOfShape = 3.0, 0.3
	// WeightBytes is the size of a weight in the file, its sign and its value in
	// hundredths, big endian; the weights stand in the order of their signs.
	WeightBytes = 6
)

// Value is what a sign counts in a mail with so many signs of words.
func Value(s Sign, words int) float64 {
	if s&OfShape != 0 {
		return scaleOfShape
	}
	return scaleOfWords / math.Sqrt(float64(words+10))
}

// weightTable is an open hash table of weights.
type weightTable struct {
	signs  []Sign // 0 is free
	values []int16
	shift  int
}

var weights = sync.OnceValue(readWeights)

func readWeights() *weightTable {
	size := bits.Len(uint(len(weightFile)/WeightBytes)) + 1
	t := &weightTable{signs: make([]Sign, 1<<size), values: make([]int16, 1<<size), shift: 32 - size}
	for at := 0; at+WeightBytes <= len(weightFile); at += WeightBytes {
		s := Sign(binary.BigEndian.Uint32(weightFile[at:]))
		i := t.place(s)
		for t.signs[i] != 0 {
			i = (i + 1) & (1<<size - 1)
		}
		t.signs[i], t.values[i] = s, int16(binary.BigEndian.Uint16(weightFile[at+4:]))
	}
	return t
}

func (t *weightTable) place(s Sign) int { return int(uint32(s) * 0x9e3779b1 >> t.shift) }

func (t *weightTable) of(s Sign) float64 {
	for i := t.place(s); t.signs[i] != 0; i = (i + 1) & (len(t.signs) - 1) {
		if t.signs[i] == s {
			return float64(t.values[i]) / 100
		}
	}
	return 0
}

// judgement is what the weights say of a mail.
type judgement struct {
	score   float64
	known   bool // in a language that they know
	core    bool // with a concept of an absence
	reasons string
}

// weigh sums the weights of the mail's signs.
func (m *message) weigh() judgement {
	if m.weighed == nil {
		c := newCollector(weights())
		m.weighed = &judgement{}
		if m.collect(c) {
			m.weighed.known, m.weighed.core, m.weighed.reasons = true, c.core, c.reasons()
			m.weighed.score = c.words*Value(0, c.ofWord) + c.shape*scaleOfShape
		}
	}
	return *m.weighed
}

// absenceRule weighs the signs of a notice; of a language that the weights do not know
// the phrases' combinations decide.
func absenceRule(m *message) (string, bool) {
	if m.report != "" {
		return "", false
	}
	j := m.weigh()
	if !j.known {
		return m.away()
	}
	if j.score < noticeScore || !j.core {
		return "", false
	}
	stated, _ := m.absence()
	words := fmt.Sprintf("score %.1f of %.1f, by: %s; %s", j.score, noticeScore, j.reasons, stated)
	return strings.TrimSuffix(words, "; "), true
}

// textOfProgram is programTextRule for a mail whose text is no letter's: people cite
// what a program wrote.
func textOfProgram(m *message) (string, bool) {
	words, ok := programTextRule(m)
	return words, ok && (m.report != "" || !m.letter(letterScore))
}

// subjectOfProgram is autoSubjectRule for a mail whose text is no letter's: some mail
// programs set an automatic reply's subject above what a person writes.
func subjectOfProgram(m *message) (string, bool) {
	words, ok := autoSubjectRule(m)
	if !ok || m.report != "" {
		return words, ok
	}
	_, auto := phrasebook().prefix(m.folded, autoSubject)
	return words, !auto || !m.letter(surelyLetterScore)
}

// letter tells that the weights know the language of m, and score it below bound.
func (m *message) letter(bound float64) bool {
	j := m.weigh()
	return j.known && j.score < bound
}
