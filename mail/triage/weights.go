package triage

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The weights that tell an absence notice from a letter: a logistic regression over
// the signs of signs.go, learned from the texts of train/texts and of the tests.
//
//go:generate go run signpost/mail/triage/train

//go:embed weights.txt
var weightFile string

// Bounds of the score, the logarithm of the odds that a mail is a notice.
const (
	// noticeScore is what silences alone. It is high on purpose: a person without an
	// answer is worse than a notice answered.
	noticeScore = 2.5
	// letterScore is below what a mail is a person's, whatever words of a program it holds.
	letterScore = 1.0
	// minKnown is the share of a text's words that the weights must know before they
	// judge it; other languages are left to the phrases.
	minKnown = 0.4
	minWords = 3

	maxReasons = 5 // words that are shown
	// scaleOfWords and scaleOfShape make a long text's words count as much as a short one's,
	// and both as much as its shape.
	scaleOfWords, scaleOfShape = 3.0, 0.3
)

// Value is what a sign counts in a text with so many signs of its words.
func Value(sign string, words int) float64 {
	if sign[0] == '=' {
		return scaleOfShape
	}
	return scaleOfWords / math.Sqrt(float64(words+10))
}

// Words counts the signs that are of words.
func Words(signs []string) (n int) {
	for _, s := range signs {
		if s[0] != '=' {
			n++
		}
	}
	return n
}

var weights = sync.OnceValue(func() map[string]int16 {
	table := make(map[string]int16, strings.Count(weightFile, "\n"))
	for line := range strings.Lines(weightFile) {
		number, sign, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if n, err := strconv.ParseInt(number, 10, 16); ok && err == nil {
			table[sign] = int16(n)
		}
	}
	return table
})

// judgement is what the weights say of a mail.
type judgement struct {
	score   float64
	known   bool // in a language that they know
	shaped  bool // with a sign of an absence
	reasons string
}

// reason is a sign with what it adds to the score.
type reason struct {
	sign  string
	worth float64
}

// weigh sums the weights of the mail's signs.
func (m *message) weigh() judgement {
	if m.weighed == nil {
		j := weighSigns(m.signs())
		m.weighed = &j
	}
	return *m.weighed
}

func weighSigns(signs []string) (j judgement) {
	table, words := weights(), Words(signs)
	plain, known := 0, 0 // words, and those that have a weight
	var reasons []reason
	for _, sign := range signs {
		weight, ok := table[sign]
		if strings.HasPrefix(sign, "w ") {
			plain++
			known += boolInt(ok)
		}
		if !ok {
			continue
		}
		worth := float64(weight) / 100 * Value(sign, words)
		j.score += worth
		if strings.HasPrefix(sign, "w ") || strings.HasPrefix(sign, "p ") {
			reasons = append(reasons, reason{sign, worth})
		}
	}
	j.known = plain >= minWords && float64(known) >= minKnown*float64(plain)
	j.shaped = Shaped(signs)
	j.reasons = strongest(reasons)
	return j
}

// strongest names the words that count most for a notice.
func strongest(list []reason) string {
	slices.SortStableFunc(list, func(a, b reason) int { return int(math.Copysign(1, b.worth-a.worth)) })
	var out []string
	for _, r := range list[:min(maxReasons, len(list))] {
		_, words, _ := strings.Cut(r.sign, " ")
		if words = strconv.Quote(strings.Trim(words, "^$ ")); !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return strings.Join(out, ", ")
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
	stated, _ := m.absence()
	words := fmt.Sprintf("score %.1f of %.1f, by %s; %s", j.score, noticeScore, j.reasons, stated)
	return strings.TrimSuffix(words, "; "), j.shaped && j.score >= noticeScore
}

// unlessLetter makes a rule on a program's words yield to a text that is clearly a letter.
func unlessLetter(judge func(*message) (string, bool)) func(*message) (string, bool) {
	return func(m *message) (string, bool) {
		words, ok := judge(m)
		if !ok {
			return words, false
		}
		j := m.weigh()
		return words, !j.known || j.score >= letterScore
	}
}

// coreSigns are those of which every notice bears one. Without any the weights do not
// judge, since their texts are of absences and of letters near them, and other mail may
// share its words with either.
var coreSigns = []string{"=" + string(awayWord), "=" + string(leftWord), "=" + string(returnWord),
	"=" + string(mailboxWord), "=" + string(endedWord), "=" + string(requestUrgent),
	"=absence true", "=named true", "=program true", "=ack true", "=auto true"}

// Shaped tells signs of an absence among a mail's; in an answer a time is one.
func Shaped(signs []string) bool {
	if slices.Contains(signs, "=answers true") && slices.Contains(signs, "="+string(backWord)) {
		return true
	}
	return slices.ContainsFunc(signs, func(s string) bool { return slices.Contains(coreSigns, s) })
}
