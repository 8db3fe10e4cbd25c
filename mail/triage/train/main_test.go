package main

import (
	"bytes"
	"os"
	"testing"

	"signpost/mail/triage"
)

// maxFile bounds what the program carries for the weights.
const maxFile = 256 << 10

// The weights are made from the texts, never by hand: who changes a text, a phrase, a
// concept or a sign makes them again.
func TestTheWeightsAreThoseOfTheTexts(t *testing.T) {
	t.Parallel()
	texts, err := load("..")
	if err != nil || len(texts) < 1000 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	committed, err := os.ReadFile("../weights.dat")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, generate(texts)) {
		t.Error("weights.dat is not what the texts yield: run go generate ./mail/triage")
	}
	if len(committed) > maxFile {
		t.Errorf("weights.dat has %d bytes, more than the program should carry", len(committed))
	}
}

// Shares of the texts learned from that must be judged right; they are harder than
// ordinary mail.
const (
	learnedSilence = 0.85 // of the notices
	learnedAnswers = 0.99 // of the letters
)

func TestTheTextsLearnedFromAreJudgedRight(t *testing.T) {
	t.Parallel()
	texts, err := loadTexts("texts")
	if err != nil || len(texts) < 1000 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	all, right := map[string]int{}, map[string]int{}
	for _, text := range texts {
		if len(text.signs) == 0 { // in a language left to the phrases
			continue
		}
		all[text.Kind]++
		answer := triage.Classify([]byte(text.mail()), triage.Envelope{}).Answer
		switch {
		case answer == (text.Kind == "letter"):
			right[text.Kind]++
		case !answer:
			t.Logf("a letter in %s, %q, gets no answer", text.file, text.Subject)
		}
	}
	for kind, floor := range map[string]float64{"notice": learnedSilence, "letter": learnedAnswers} {
		if float64(right[kind]) < floor*float64(all[kind]) {
			t.Errorf("of %d texts of the kind %s only %d are judged right", all[kind], kind, right[kind])
		}
	}
}
