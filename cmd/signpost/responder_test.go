package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signpost/cmd/signpost/config/configtest"
)

// TestAMailboxSwitchedOffByAnOlderVersionStaysOff: what that kept in a file is in
// the store at the first start, whichever command makes it, and the file is gone.
func TestAMailboxSwitchedOffByAnOlderVersionStaysOff(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, data := filepath.Join(folder, "signpost.toml"), filepath.Join(folder, "data")
	if code, _, errs := typed(t, nil, "init", file); code != 0 {
		t.Fatal(errs)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(data, silencedFile)
	write := func(content string) {
		if err := os.WriteFile(old, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	responder := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(&environment{
			args: append(append([]string{"responder"}, args...), "--config", file), environ: append(configtest.Secrets(),
				"SIGNPOST_SERVICE__DATA="+data),
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
		})
		return code, out.String() + errs.String()
	}
	write(`{"intl":{"since":"2026-03-01T10:00:00Z","reason":"a loop with a customer"}}`)
	for _, c := range []struct{ args, says string }{
		{"status --mailbox intl", "Automatic answers of mailbox intl are off since 2026-03-01T10:00:00Z, by an earlier " +
			"version: a loop with a customer."},
		{"status --mailbox us", "Automatic answers of mailbox us are on."},
		{"status", "Automatic answers are on."},
		{"on --mailbox intl --reason mended", "of mailbox intl are on since "},
		{"off --reason weekend", "at the command line: weekend."},
		{"status --mailbox intl", ": mended."},
	} {
		if code, said := responder(strings.Fields(c.args)...); code != 0 || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d %s", c.args, code, said)
		}
		if _, err := os.Stat(old); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
	}
	// A file that comes back, from a backup say, does not undo what was done since;
	// one that nobody can read keeps everything still.
	write(`{"intl":{"since":"2026-03-01T10:00:00Z","reason":"a loop"}}`)
	if _, said := responder("status", "--mailbox", "intl"); !strings.Contains(said, "are on") {
		t.Error(said)
	}
	write(`{"intl":`)
	if code, said := responder("status"); code == 0 || !strings.Contains(said, "mailboxes switched off") {
		t.Errorf("%d %s", code, said)
	}
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	if code, said := responder("off", "--mailbox", "none"); code == 0 ||
		!strings.Contains(said, "there is no [mailbox.none]") {
		t.Errorf("%d %s", code, said)
	}
}
