package triage

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

// Every mail in testdata/mail has a .why beside it: what the mail is in words, a
// blank line, and the verdict it must get. All are written for this test; the
// support address is partner.support@example.com, our Message-IDs begin with
// "c." (confirmation) and "ar." (automatic answer).
func TestMailsAreJudgedAsTheirStoriesSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/mail/*/*.eml")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d mails, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.ToSlash(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/mail/"), ".eml")), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			why, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".why")
			if err != nil {
				t.Fatal(err)
			}
			story, want, ok := strings.Cut(string(why), "\n\n")
			if !ok {
				t.Fatalf("no verdict in the .why; the mail gets:\n%s", verdict(Classify(raw, envelope())))
			}
			if diff := cmp.Diff(want, verdict(Classify(raw, envelope()))); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", story, diff)
			}
			// Line ends of another system, an mbox line in front and names of fields
			// in another case must not change what it is.
			for name, other := range map[string]string{
				"CRLF":  strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n", "\r\n"),
				"mbox":  "From somebody Sun Nov 22 09:50:00 2026\n" + string(raw),
				"upper": fieldName.ReplaceAllStringFunc(string(raw), strings.ToUpper),
				"lower": fieldName.ReplaceAllStringFunc(string(raw), strings.ToLower),
			} {
				diff := cmp.Diff(want, verdict(Classify([]byte(other), envelope())))
				if diff != "" && !strings.HasPrefix(want, "kind: unparsable") {
					t.Errorf("%s, as %s\n(-want +got):\n%s", story, name, diff)
				}
			}
		})
	}
}

// fieldName is a known name of a field in a header, or in a part's.
var fieldName = regexp.MustCompile(`(?m)^[A-Z][A-Za-z]*(-[A-Za-z]+)*:`)

// verdict writes what matters of a result, a line each.
func verdict(r Result) string {
	var out strings.Builder
	fmt.Fprintf(&out, "kind: %s\nanswer: %v\n", r.Kind, r.Answer)
	if r.Answer {
		fmt.Fprintf(&out, "to: %s\n", r.AnswerTo)
	}
	for _, rule := range r.Rules {
		if rule.Effect == store.EffectStop || rule.Effect == store.EffectMissing {
			fmt.Fprintf(&out, "%s: %s\n", rule.Effect, rule.ID)
		}
	}
	for _, p := range r.Reports {
		soft := "soft"
		if p.Hard {
			soft = "hard"
		}
		fmt.Fprintf(&out, "report: %s %s %s %s %s %s <%s>\n",
			p.Recipient, p.Action, dash(p.Status), p.Reason, soft, p.Outcome, p.OriginalMessageID)
	}
	return out.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
