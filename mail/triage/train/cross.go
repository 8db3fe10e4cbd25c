package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"signpost/mail/triage"
)

// judged is a text with its score by weights that did not learn from it.
type judged struct {
	*text
	score float64
}

// crossValidate prints, of texts that the weights did not learn from, how many notices
// stay silent and how many letters are silenced, at several scores and by language.
func crossValidate(texts []*text) {
	var all []judged
	for block := range blocks {
		var rest, left []*text
		for _, t := range texts {
			if t.block == block {
				left = append(left, t)
			} else {
				rest = append(rest, t)
			}
		}
		w := prune(learn(rest))
		for _, t := range left {
			s := score(w, t.signs)
			if !triage.Shaped(t.signs) {
				s = -9
			}
			all = append(all, judged{t, s})
		}
	}
	for _, bound := range []float64{0, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5} {
		fmt.Printf("score >= %.1f: %s\n", bound, figures(all, bound))
	}
	langs := map[string][]judged{}
	for _, j := range all {
		langs[j.Lang] = append(langs[j.Lang], j)
	}
	for _, lang := range slices.Sorted(maps.Keys(langs)) {
		fmt.Printf("%s, score >= 2.5: %s\n", lang, figures(langs[lang], 2.5))
	}
	slices.SortFunc(all, func(a, b judged) int { return cmp.Compare(b.score, a.score) })
	for _, j := range all {
		if j.Kind == "letter" && j.score >= 2 {
			fmt.Printf("letter %.1f %s %q %q\n", j.score, j.Lang, j.Subject, j.Body)
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

func score(w map[string]int, signs []string) (sum float64) {
	words := triage.Words(signs)
	for _, sign := range signs {
		sum += float64(w[sign]) / 100 * triage.Value(sign, words)
	}
	return sum
}
