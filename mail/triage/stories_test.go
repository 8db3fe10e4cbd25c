package triage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signpost/store"
)

// Each file of testdata/stories holds mails of one kind, each below its name; what
// a mail leaves out of the header is that of a plain letter. The file's name begins
// with the kind they must be taken for; only people's are answered. They are the
// counterpart of testdata/mail, which checks every rule of few mails: here many
// mails, in many languages, must come out right.
func TestManyStoriesInManyLanguages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		kind, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "-")
		if kind == "people" {
			kind = string(store.KindDirect)
		}
		for name, raw := range stories(t, file) {
			r := Classify([]byte(raw), envelope())
			if string(r.Kind) != kind || r.Answer != (r.Kind == store.KindDirect) {
				t.Errorf("%s: %s: %s, answer %v: %+v", file, name, r.Kind, r.Answer, r.Rules)
			}
			checkBounds(t, r)
		}
	}
}

// stories reads a file's mails by their names.
func stories(t testing.TB, file string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mails := map[string]string{}
	for _, story := range strings.Split("\n"+string(raw), "\n== ")[1:] {
		name, mail, _ := strings.Cut(story, "\n")
		if _, twice := mails[name]; twice {
			t.Errorf("%s: two stories are called %q", file, name)
		}
		mails[name] = letter(mail)
	}
	return mails
}

// letter completes a mail's header from the plain letter's.
func letter(mail string) string {
	header, body, _ := strings.Cut("\n"+mail, "\n\n")
	var out strings.Builder
	for line := range strings.Lines(person) {
		name, _, ok := strings.Cut(line, ":")
		if !ok {
			break
		}
		if name != "Subject" && !strings.Contains("\n"+header, "\n"+name+":") {
			out.WriteString(line)
		}
	}
	return out.String() + strings.TrimPrefix(header, "\n") + "\n\n" + body
}
