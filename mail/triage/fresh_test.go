package triage

import (
	"os"
	"path/filepath"
	"testing"
)

// Floors of a set of mails whose writers had not seen the phrases.
const (
	freshMails   = 40   // notices, and letters, at least
	freshSilence = 0.90 // of the notices; every letter is answered
)

// Each folder testdata/fresh* holds mails that were written without a look at the
// phrases: absence notices without a mark in their header, and letters that people
// write about absences, departures and returned mail. A mail that is missed here
// tells of a kind that the phrases lack; a phrase for the one mail is no remedy.
func TestMailsWrittenWithoutALookAtThePhrases(t *testing.T) {
	t.Parallel()
	sets, err := filepath.Glob("testdata/fresh*")
	if err != nil || len(sets) == 0 {
		t.Fatalf("no set of mails, %v", err)
	}
	for _, set := range sets {
		t.Run(filepath.Base(set), func(t *testing.T) {
			t.Parallel()
			answered, silent := freshVerdicts(t, filepath.Join(set, "notices"))
			if all := len(answered) + len(silent); float64(len(silent)) < freshSilence*float64(all) {
				t.Errorf("of %d notices, %d are answered: %v", all, len(answered), answered)
			}
			if answered, silent = freshVerdicts(t, filepath.Join(set, "letters")); len(silent) > 0 {
				t.Errorf("of %d letters, %d get no answer: %v", len(answered)+len(silent), len(silent), silent)
			}
		})
	}
}

// freshVerdicts lists which mails of a folder are answered and which are not.
func freshVerdicts(t *testing.T, folder string) (answered, silent []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
	if err != nil || len(files) < freshMails {
		t.Fatalf("%s: %d mails, at least %d are needed, %v", folder, len(files), freshMails, err)
	}
	var e Envelope // neither their age nor the address they are sent to decides
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if Classify(raw, e).Answer {
			answered = append(answered, filepath.Base(file))
		} else {
			silent = append(silent, filepath.Base(file))
		}
	}
	return answered, silent
}
