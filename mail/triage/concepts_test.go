package triage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"signpost/store/addr"
)

func TestConceptFilesAreSound(t *testing.T) {
	t.Parallel()
	l := concepts()
	if len(l.all) < 8 || len(l.names) > maxConcepts {
		t.Fatalf("%d languages, %d concepts", len(l.all), len(l.names))
	}
	known := strings.Join(l.names, " ") + " "
	for _, name := range append(strings.Fields(strings.Join(coreConcepts, " ")), nearConcepts...) {
		if !strings.Contains(" "+known, " "+name+" ") {
			t.Errorf("no concept is called %q", name)
		}
	}
	for _, d := range l.all {
		for word := range d.whole {
			if word != bare(word) && !strings.HasSuffix(word, "'") || !addr.IsASCII(word) {
				t.Errorf("%s: %q is not as words of a text are compared", d.lang, word)
			}
		}
	}
}

func TestWordsHaveTheConceptsOfTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, lang, concept string }{
		{"Wir haben Betriebsferien bis Montag", "de", "holiday"},
		{"Je suis en congés jusqu'à lundi", "fr", "until"},
		{"Jestem na urlopie do poniedziałku", "pl", "holiday"},
		{"Ik ben t/m vrijdag met vakantie", "nl", "until"},
		{"I'm out of the office until Monday", "en", "office"},
		{"Estaré de vacaciones hasta el lunes", "es", "weekday"},
	} {
		list := tokens(fold(c.text))
		d := concepts().dictionaryOf([][]token{list})
		if d == nil || d.lang != c.lang {
			t.Errorf("%q is taken for another language than %s", c.text, c.lang)
			continue
		}
		found := false
		for _, word := range list {
			for _, x := range d.appendConcepts(nil, word.text) {
				found = found || concepts().names[x] == c.concept
			}
		}
		if !found {
			t.Errorf("%q: no word has the concept %s", c.text, c.concept)
		}
	}
	if d := concepts().dictionaryOf([][]token{tokens(fold("Я в отпуске до понедельника"))}); d != nil {
		t.Errorf("Russian is taken for %s", d.lang)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("l'ordine n° 12 d'Été -- t/m 3.4.? a@b.example «Ça»!")
	f.Fuzz(func(t *testing.T, text string) {
		for _, word := range tokens(fold(text)) {
			if word.text == "" || word.word && utf8.ValidString(text) && !utf8.ValidString(word.text) {
				t.Errorf("%q in %q", word.text, text)
			}
		}
	})
}
