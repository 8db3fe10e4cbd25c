package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		var cfg Config
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
