package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"signpost/mail/triage"
)

// judged is a text with its score by weights that did not learn from it.
type judged struct {
	*text
	score float64
}

// translated begins the names of files whose texts share their situations across
// languages: such files are left out all at once.
var translated = []string{"everyday-", "daily-", "plain-", "short-", "near-"}

// crossValidate prints, of texts that the weights did not learn from, how many notices
// stay silent and how many letters are silenced, at several scores and by file.
func crossValidate(texts []*text) {
	var hard []judged
	for block := range blocks {
		hard = append(hard, judge(texts, func(t *text) bool { return t.block == block && !t.in(translated) })...)
	}
	show("texts", hard)
	for _, files := range translated {
		show(files, judge(texts, func(t *text) bool { return t.in([]string{files}) }))
	}
}

// in tells whether t stands in a file whose name begins so.
func (t *text) in(files []string) bool {
	return slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(t.file, name) })
}

// judge scores the texts left out by the weights that the others yield.
func judge(texts []*text, leftOut func(*text) bool) (all []judged) {
	var rest, left []*text
	for _, t := range texts {
		if leftOut(t) {
			left = append(left, t)
		} else {
			rest = append(rest, t)
		}
	}
	w := prune(learn(rest))
	for _, t := range left {
		all = append(all, judged{t, score(w, t)})
	}
	return all
}

func show(name string, all []judged) {
	for _, bound := range []float64{0, 0.5, 1, 1.5, 2, 2.5, 2.8, 3, 3.5, 4, 5} {
		fmt.Printf("%s, score >= %.1f: %s\n", name, bound, figures(all, bound))
	}
	files := map[string][]judged{}
	for _, j := range all {
		files[j.file] = append(files[j.file], j)
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		fmt.Printf("%s, score >= 2.8: %s\n", file, figures(files[file], 2.8))
	}
	slices.SortFunc(all, func(a, b judged) int { return cmp.Compare(b.score, a.score) })
	for _, j := range all {
		if j.Kind == "letter" && j.score >= 1.5 {
			fmt.Printf("letter %.1f %s %q %q\n", j.score, j.file, j.Subject, j.Body)
		}
	}
}

func figures(list []judged, bound float64) string {
	count := map[string]int{}
	for _, j := range list {
		count[j.Kind]++
		if j.score >= bound {
			count["silent "+j.Kind]++
		}
	}
	return fmt.Sprintf("notices silent %d of %d, letters silenced %d of %d", count["silent notice"], count["notice"],
		count["silent letter"], count["letter"])
}

func score(w map[triage.Sign]int16, t *text) (sum float64) {
	for _, sign := range t.signs {
		sum += float64(w[sign]) / 100 * triage.Value(sign, t.words)
	}
	return sum
}
