package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/config/configtest"
)

// TestADryRunChangesNothing looks into the mailboxes of a service that runs.
func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	raw := plainMail("ann@partner.test", "Order")
	if err := d.host.Deliver("ann@partner.test", []string{supportAddress}, raw); err != nil {
		t.Fatal(err)
	}
	d.awaitLedger(t, 1)
	raw = plainMail("away@partner.test", "Away", "Auto-Submitted: auto-replied")
	if err := d.host.Deliver("away@partner.test", []string{supportAddress}, raw); err != nil {
		t.Fatal(err)
	}
	d.awaitLedger(t, 2)
	settled(t, d.host, nil, d.app)
	file := config.Example
	for _, box := range []string{"us", "intl"} {
		file = strings.Replace(file, "[mailbox."+box+"]\naddress = \"imap.example.com:993\"\ntls = \"tls\"",
			"[mailbox."+box+"]\naddress = \""+d.imap.Addr().String()+"\"\ntls = \"none\"", 1)
	}
	file = strings.ReplaceAll(file, `trusted_authserv = ["mx.example.com"]`, `trusted_authserv = ["`+sandboxHost+`"]`)
	path := filepath.Join(t.TempDir(), "signpost.toml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(configtest.Secrets()[:2:2], "SIGNPOST_MAILBOX__US__PASSWORD="+demoPassword,
		"SIGNPOST_MAILBOX__INTL__PASSWORD="+demoPassword)
	var out, errs strings.Builder
	before := len(d.host.Mails("", 0, 100))
	code := run(&environment{args: []string{"watch", "--dry-run", "--config", path, "--mailbox", "intl", "--limit", "5"},
		environ: environ, stdout: &out, stderr: &errs})
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{
		"Mailbox intl", `"Order" from <ann@partner.test>`, "auto_reply: would stay silent", "2 mails",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the list does not hold %q:\n%s", want, out.String())
		}
	}
	if after := len(d.host.Mails("", 0, 100)); after != before {
		t.Errorf("%d mails were sent by a dry run", after-before)
	}
	for _, bad := range [][]string{
		{"watch", "--config", path},
		{"watch", "--dry-run", "--config", path, "--mailbox", "none"},
		{"watch", "--dry-run", "--config", path, "--limit", "0"},
	} {
		if code := run(&environment{args: bad, environ: environ, stdout: &out, stderr: &errs}); code == 0 {
			t.Errorf("%v was accepted", bad)
		}
	}
}
