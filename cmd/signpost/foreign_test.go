package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"signpost/cmd/signpost/config/configtest"
	"signpost/cmd/signpost/doctor"
	"signpost/mail/watch"
	"signpost/store"
)

// hostile is what a stranger may put into a From, a name or a server's reply.
const hostile = "\x1b]0;x\x07\x1b[2J\u009b31m \u202egnp.exe\u202c\u2066 \u200b\u2028end\r\nok\x7f\U000E0041"

// shownAsIs tells whether some of a text changes what a terminal shows around it.
func shownAsIs(text string) bool {
	return strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), func(r rune) bool {
		return unicode.Is(unicode.Cc, r) && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' ||
			r == '\u200b' || r >= 0xE0000
	})
}

func TestATerminalIsToldNothingByStrangers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"José \u200c\u200d نام 中 🙂\n\tx":      "José \u200c\u200d نام 中 🙂\n\tx",
		"\x1b[31m\u009b0m\x7f\r":              `\u001b[31m\u009b0m\u007f\u000d`,
		"a\u202eb\u2069c\u061cd\u200ee\ufeff": `a\u202eb\u2069c\u061cd\u200ee\ufeff`,
		"\x9b31m\xff":                         `\x9b31m\xff`,
		"\U000E0041":                          `\udb40\udc41`,
		"\ufffd":                              "\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		// However it is cut into writes.
		for size := 1; size < 5; size++ {
			var out bytes.Buffer
			w := &terminal{to: &out}
			for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				if n, err := w.Write(rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
					t.Fatal(n, err)
				}
			}
			if out.String() != want {
				t.Errorf("%q in pieces of %d is shown as %q, want %q", text, size, out.String(), want)
			}
		}
	}
}

// TestWhatStrangersWroteIsPrinted tells of them by every subcommand that prints what
// others wrote.
func TestWhatStrangersWroteIsPrinted(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, data := filepath.Join(folder, "signpost.toml"), filepath.Join(folder, "data")
	if code, _, errs := typed(t, nil, "init", file); code != 0 {
		t.Fatal(errs)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	signpost := func(args ...string) string {
		var out, errs bytes.Buffer
		run(&environment{
			args: args, environ: append(configtest.Secrets(), "SIGNPOST_SERVICE__DATA="+data),
			stdin: strings.NewReader("From: " + hostile + " <a@b.test>\r\nAuto-Submitted: auto-replied" + hostile +
				"\r\n\r\nx"),
			stdout: &out, stderr: &errs,
		})
		return out.String() + errs.String()
	}
	lines := map[string]string{
		"agent add":         signpost("agent", "add", "ana@desk.example", "--name", hostile, "--config", file),
		"agent list":        signpost("agent", "list", "--config", file),
		"agent list --json": signpost("agent", "list", "--json", "--config", file),
		"responder":         signpost("responder", "off", "--reason", hostile, "--config", file),
		"classify":          signpost("classify", "-"),
		"an unknown word":   signpost("no-" + hostile),
		"a wrong address":   signpost("agent", "add", hostile, "--config", file),
	}
	for what, said := range lines {
		if said == "" || shownAsIs(said) {
			t.Errorf("%s prints %q", what, said)
		}
	}
	if !strings.Contains(lines["agent list"], `\u009b31m`) {
		t.Errorf("the name is not told: %q", lines["agent list"])
	}
	var agents []AgentStatus
	if err := json.Unmarshal([]byte(lines["agent list --json"]), &agents); err != nil || len(agents) != 1 ||
		!strings.Contains(agents[0].Name, "\u009b31m") {
		t.Errorf("as JSON %+v, %v", agents, err)
	}
	var verdict classified
	if err := json.Unmarshal([]byte(lines["classify"]), &verdict); err != nil || verdict.Kind != store.KindAutoReply {
		t.Errorf("the verdict %+v, %v", verdict, err)
	}
	var out bytes.Buffer
	fmt.Fprintln(&terminal{to: &out}, doctor.DryRunLine(watch.Line{From: hostile, Subject: hostile}))
	if shownAsIs(out.String()) || strings.Count(out.String(), "\n") > 2 {
		t.Errorf("check prints %q", out.String())
	}
}
