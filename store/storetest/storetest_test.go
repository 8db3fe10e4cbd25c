package storetest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestEveryStoryIsInTheSuite reads the source: a list of stories that the suite does not
// name compiles, and none of them runs.
func TestEveryStoryIsInTheSuite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	list, call := regexp.MustCompile(`(?m)^func (\w+Stories\(\))`), regexp.MustCompile(`\w+Stories\(\)`)
	var written, run []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.FindAllSubmatch(text, -1) {
			written = append(written, string(m[1]))
		}
		if name == "storetest.go" {
			run = call.FindAllString(string(text), -1)
		}
	}
	if len(written) < 20 {
		t.Fatalf("found %q alone", written)
	}
	for _, name := range written {
		if !slices.Contains(run, name) {
			t.Errorf("the suite leaves out %s", name)
		}
	}
}
