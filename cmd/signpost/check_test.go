package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/watch"
	"signpost/store"
)

func TestCheckTellsADataFolderThatServeCouldNotMake(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := filepath.Join(home, "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{
		filepath.Join(file, "data"):            "Make the folder",
		filepath.Join(home, "not", "yet"):      "serve makes what it needs",
		filepath.Join(home, "not", "yet", "x"): "serve makes what it needs",
	} {
		var cfg config.Config
		cfg.Service.Data = folder
		var out strings.Builder
		r := &report{out: &out}
		checkStore(t.Context(), cfg, r)
		if !strings.Contains(out.String(), want) || (r.bad > 0) != strings.Contains(want, "Make") {
			t.Errorf("%s: %s", folder, out.String())
		}
	}
	if left, err := os.ReadDir(home); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestCheckAsksForTheHostThatAuthenticatesWherePeopleWouldGoUnanswered(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]bool{"unauthenticated": true, "robot-sender": false} {
		var out strings.Builder
		line := watch.Line{Subject: "Order", From: "ann@partner.example", Verdict: store.Verdict{Rules: []store.Rule{{ID: rule, Effect: store.EffectMissing}}}}
		checkMailbox(t.Context(), "Mailbox us", foundMailbox{[]watch.Line{line}}, &report{out: &out, timeout: time.Minute})
		if strings.Contains(out.String(), "Does trusted_authserv name the host") != want {
			t.Errorf("%s: %s", rule, out.String())
		}
	}
}

// foundMailbox is a mailbox that holds some mails.
type foundMailbox struct{ lines []watch.Line }

func (foundMailbox) Probe(context.Context) (watch.Findings, error) {
	return watch.Findings{Messages: 1}, nil
}

func (m foundMailbox) DryRun(context.Context, int) ([]watch.Line, error) {
	return m.lines, nil
}

// TestCheckComplainsOfReadableSecretsAndData, and of nothing that is its owner's
// alone.
func TestCheckComplainsOfReadableSecretsAndData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "signpost.toml")
	secret, password, key := filepath.Join(dir, "secret"), filepath.Join(dir, "password"), filepath.Join(dir, "key")
	cfg := config.Config{
		Service: config.Service{Data: data, SecretFile: secret},
		Mailbox: map[string]config.Mailbox{"us": {PasswordFile: password}},
		DKIM:    map[string]config.DKIM{"main": {KeyFile: key}},
		Alarm:   config.Alarm{Webhook: "https://alarm.example/token"},
	}
	modes := func(files, folder os.FileMode) string {
		t.Helper()
		for _, path := range []string{file, secret, password, key, filepath.Join(data, config.DatabaseFile)} {
			if err := os.MkdirAll(data, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("x"), files); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, files); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(data, folder); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		r := &report{out: &out}
		if checkModes(cfg, file, r); r.bad != 0 {
			t.Errorf("mail flows all the same: %s", out.String())
		}
		return out.String()
	}
	if said := modes(0o600, 0o700); !strings.Contains(said, "only the user whom they belong to") ||
		strings.Contains(said, "note") {
		t.Errorf("with all modes right: %s", said)
	}
	for files, who := range map[os.FileMode]string{0o644: "every user of this machine (mode 0644)",
		0o640: "the users of its group (mode 0640)"} {
		said := modes(files, 0o755)
		for _, want := range []string{
			"service.secret_file " + secret, "mailbox.us.password_file " + password, "dkim.main.key_file " + key,
			"the configuration " + file,
			who, "the data folder " + data, "the database", "(mode 0755)", "chmod 700 " + data, "chmod 600 " + secret,
		} {
			if !strings.Contains(said, want) {
				t.Errorf("check does not say %q:\n%s", want, said)
			}
		}
	}
}
