package lang

import (
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

// forms are the plural forms a text may have (CLDR).
var forms = []string{"zero", "one", "two", "few", "many", "other"}

var place = regexp.MustCompile(`\{\{\.([a-z_]+)\}\}`)

// text is one key in one language: its wording by plural form, "other" alone
// where it has none.
type text map[string]string

// read returns every file's texts: room, language, key.
func read(t *testing.T) map[string]map[string]map[string]text {
	t.Helper()
	files, err := fs.Glob(texts, "texts/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no texts", err)
	}
	rooms := map[string]map[string]map[string]text{}
	for _, file := range files {
		room, rest, _ := strings.Cut(strings.TrimPrefix(file, "texts/"), ".")
		tag, isTOML := strings.CutSuffix(rest, ".toml")
		if !isTOML {
			t.Fatalf("%s is not named ROOM.TAG.toml", file)
		}
		raw, err := fs.ReadFile(texts, file)
		if err != nil {
			t.Fatal(err)
		}
		if rooms[room] == nil {
			rooms[room] = map[string]map[string]text{}
		}
		rooms[room][tag] = parse(t, file, raw)
	}
	return rooms
}

func parse(t *testing.T, file string, raw []byte) map[string]text {
	t.Helper()
	var values map[string]any
	if err := toml.Unmarshal(raw, &values); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	all := map[string]text{}
	for key, value := range values {
		switch value := value.(type) {
		case string:
			all[key] = text{"other": value}
		case map[string]any:
			all[key] = text{}
			for form, wording := range value {
				if s, ok := wording.(string); ok && slices.Contains(forms, form) {
					all[key][form] = s
				} else {
					t.Errorf("%s: %s.%s is not a plural form with a text; write keys as \"room.name\" in quotes", file, key, form)
				}
			}
		default:
			t.Errorf("%s: %s is not a text", file, key)
		}
	}
	return all
}

func places(wording string) []string {
	var names []string
	for _, m := range place.FindAllStringSubmatch(wording, -1) {
		names = append(names, m[1])
	}
	sort.Strings(names)
	return slices.Compact(names)
}

// Every reader gets every text: each key of each room in each language, with
// the same places.
func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	t.Parallel()
	for room, languages := range read(t) {
		english := languages["en"]
		for _, l := range supported {
			got, ok := languages[l.String()]
			if !ok {
				t.Errorf("room %s has no file in %s", room, l)
				continue
			}
			for key, want := range english {
				if !strings.HasPrefix(key, room+".") {
					t.Errorf("%s.%s.toml: key %s does not begin with %q", room, l, key, room+".")
				}
				if diff := cmp.Diff(places(want["other"]), places(got[key]["other"])); diff != "" && got[key] != nil {
					t.Errorf("%s.%s.toml: %s has other places than English (-en +%s):\n%s", room, l, key, l, diff)
				}
				if got[key] == nil {
					t.Errorf("%s.%s.toml lacks %s (%q)", room, l, key, want["other"])
				}
			}
			for key := range got {
				if english[key] == nil {
					t.Errorf("%s.%s.toml: %s does not exist in English", room, l, key)
				}
			}
		}
		for tag := range languages {
			if !slices.ContainsFunc(supported, func(l language.Tag) bool { return l.String() == tag }) {
				t.Errorf("%s.%s.toml is in a language that is not offered", room, tag)
			}
		}
	}
}

// What a text says is whole: not empty, no place misspelt, no spaces at its
// ends, and in the calm voice of the house.
func TestEveryTextIsFitToRead(t *testing.T) {
	t.Parallel()
	for room, languages := range read(t) {
		for tag, keys := range languages {
			for key, wordings := range keys {
				if wordings["other"] == "" {
					t.Errorf("%s.%s.toml: %s is empty or lacks its form \"other\"", room, tag, key)
				}
				for form, wording := range wordings {
					for _, fault := range faults(wording, wordings["other"]) {
						t.Errorf("%s.%s.toml: %s (%s) %s: %q", room, tag, key, form, fault, wording)
					}
				}
			}
		}
	}
}

func faults(wording, other string) (found []string) {
	if strings.TrimSpace(wording) != wording || wording == "" {
		found = append(found, "is empty or has spaces at an end")
	}
	rest := place.ReplaceAllString(wording, "")
	if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		found = append(found, "has a place not of the form {{.name}}")
	}
	if strings.ContainsAny(wording, "!¡！") {
		found = append(found, "has an exclamation mark")
	}
	for _, name := range places(wording) {
		if !slices.Contains(places(other), name) {
			found = append(found, "has a place that its form \"other\" lacks: "+name)
		}
	}
	opened := strings.Count(wording, "\u2066") + strings.Count(wording, "\u2067") + strings.Count(wording, "\u2068")
	if opened != strings.Count(wording, "\u2069") {
		found = append(found, "opens a direction mark that it does not close")
	}
	return found
}

// A text with plural forms has each that its language counts with: a missing
// one would quietly read as "other".
func TestPluralsHaveTheFormsTheirLanguageCountsWith(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for room, languages := range read(t) {
		for _, l := range c.Langs() {
			for key, wordings := range languages[l.Tag()] {
				if len(languages["en"][key]) < 2 && len(wordings) < 2 {
					continue
				}
				for n := range 121 {
					data := map[string]any{"count": n}
					config := i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n}
					if _, err := l.localizer.Localize(&config); err != nil {
						t.Errorf("%s.%s.toml: %s for %d: %v", room, l.Tag(), key, n, err)
						break
					}
				}
			}
		}
	}
}
