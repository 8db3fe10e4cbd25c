package main

import (
	"os"
	"slices"
	"testing"

	"signpost/mail/triage"
	"signpost/store"
)

// The weights are made from the texts, never by hand: who changes a text, a phrase or
// a sign makes them again.
func TestTheWeightsAreThoseOfTheTexts(t *testing.T) {
	t.Parallel()
	texts, err := load("..")
	if err != nil || len(texts) < 1000 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	committed, err := os.ReadFile("../weights.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != generate(texts) {
		t.Error("weights.txt is not what the texts yield: run go generate ./mail/triage")
	}
	if len(committed) > 150<<10 {
		t.Errorf("weights.txt has %d bytes, more than the program should carry", len(committed))
	}
}

// learnedSilence is the share of the notices learned from that must stay silent. No letter
// learned from is silenced by what the weights decide; a subject that a mail system sets
// counts as a mark in the header.
const learnedSilence = 0.75

func TestTheTextsLearnedFromAreJudgedRight(t *testing.T) {
	t.Parallel()
	texts, err := loadTexts("texts")
	if err != nil || len(texts) < 1000 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	notices, silent := 0, 0
	for _, text := range texts {
		r := triage.Classify([]byte(text.mail()), triage.Envelope{})
		switch {
		case text.Kind == "notice":
			notices++
			if !r.Answer {
				silent++
			}
		case slices.ContainsFunc(r.Rules, weighed):
			t.Errorf("a letter in %s, %q, gets no answer: %+v", text.Lang, text.Subject, r.Rules)
		}
	}
	if float64(silent) < learnedSilence*float64(notices) {
		t.Errorf("of %d notices only %d are silent", notices, silent)
	}
}

func weighed(r store.Rule) bool {
	return r.Effect == store.EffectStop && (r.ID == "away-text" || r.ID == "program-text")
}
