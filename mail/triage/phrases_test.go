package triage

import (
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"signpost/store/addr"
)

// A phrase in a section nobody reads, or one so short that people's subjects
// begin with it, is a fault in the data.
func TestPhraseFilesAreSound(t *testing.T) {
	t.Parallel()
	known := map[section]bool{
		autoSubject: true, bounceSubject: true, bounceHint: true, delaySubject: true, receiptSubject: true,
		ackSubject: true, ackText: true, ackMore: true, ackThanks: true,
		awaySubject: true, awayNamed: true, awayText: true, awayMore: true, programText: true, goodsSubject: true,
		challengeText: true, challengeHost: true, bounceText: true, delayText: true, bounceFinal: true, returnedMark: true,
		refusalText: true,
	}
	files, err := fs.Glob(phraseFiles, "phrases/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d phrase files, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := phraseFiles.ReadFile(file)
		if err != nil || !utf8.Valid(raw) {
			t.Fatalf("%s: %v", file, err)
		}
		for line := range strings.Lines(string(raw)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "== "); ok && !known[section(name)] &&
				!section(name).ofSentences() {
				t.Errorf("%s: no section is called %q", file, name)
			}
		}
	}
	for s, list := range phrasebook().lists {
		if !known[s] && !s.ofSentences() {
			t.Errorf("phrases %q stand in no section", list)
		}
		for _, p := range list {
			if n := utf8.RuneCountInString(p); n < 2 && !s.ofSentences() || len(p) < 3 || n < 4 && addr.IsASCII(p) &&
				!strings.ContainsAny(p, ": ") && !s.ofSentences() {
				t.Errorf("section %s: %q is too short to tell anything", s, p)
			}
			if i := strings.IndexByte(p, '*'); i >= 0 && i < 3 {
				t.Errorf("section %s: %q has its gap in the head by which it is found", s, p)
			}
		}
	}
}
