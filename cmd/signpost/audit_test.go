package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// An operator exports the log of a service that runs, keeps its head elsewhere, and proves
// later with it that nothing was changed or cut off, also when no service runs.
func TestTheAuditLogIsExportedAndProven(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	data := d.app.cfg.Service.Data
	if _, resp, _ := signIn(t, d.url(), "agent@example.com", "wrong"); resp.StatusCode != 422 {
		t.Fatalf("a wrong password: %s", resp.Status)
	}
	signIn(t, d.url(), "admin@example.com", demoPassword)
	audit := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := typed(t, nil, append([]string{"audit"}, args...)...)
		if code != want {
			t.Fatalf("audit %v: %d\n%s%s", args, code, out, errs)
		}
		return out + errs
	}
	lines := strings.Split(strings.TrimSpace(audit(0, "export", "--demo", data)), "\n")
	var first struct {
		Line, Count int
		Event       string
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || first.Line != 1 {
		t.Errorf("the export begins with %s: %v", lines[0], err)
	}
	if text := strings.Join(lines, "\n"); !strings.Contains(text, `"sign_in_failed"`) ||
		!strings.Contains(text, `"account":"admin@example.com"`) || !strings.Contains(text, `"audit_exported"`) {
		t.Errorf("the export is\n%s", text)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	only := audit(0, "export", "--demo", data, "--event", "sign_in_failed", "--since", today)
	if strings.Count(only, "\n") != 2 {
		t.Errorf("the failed sign-ins are\n%s", only)
	}
	head := filepath.Join(t.TempDir(), "head.json")
	if err := os.WriteFile(head, []byte(audit(0, "head", "--demo", data)), 0o600); err != nil {
		t.Fatal(err)
	}
	signIn(t, d.url(), "admin@example.com", demoPassword)
	said := audit(0, "verify", "--demo", data, "--head", head)
	if !strings.Contains(said, "The audit log is whole: ") ||
		!strings.Contains(said, "It holds all that it held at line ") {
		t.Errorf("verify says\n%s", said)
	}
	err := os.WriteFile(head, []byte(`{"line":99,"at":"2026-11-29T00:00:00Z","mac":"AAAA","proof":"AAAA"}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if said := audit(1, "verify", "--demo", data, "--head", head); !strings.Contains(said, "does not hold all") {
		t.Errorf("verify with a forged head says\n%s", said)
	}
	said = audit(1, "erase", "--demo", data, "admin@example.com")
	if !strings.Contains(said, "disable the account first") {
		t.Errorf("erasing an agent who may sign in says\n%s", said)
	}
	audit(1, "erase", "--demo", data, "gone@example.com")
	audit(1, "verify", "--demo", t.TempDir())
	audit(2, "verify")
}

// The keys of the log are the installation's, whatever opens the store.
func TestTheAuditLogIsMACedWithTheInstallationsSecret(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	signIn(t, d.url(), "admin@example.com", demoPassword)
	found, err := d.app.db.ListAudits(t.Context(), store.ByService(), store.AuditQuery{}, store.Page{Limit: 100})
	if err != nil || len(found.Items) == 0 {
		t.Fatalf("%d rows, %v", len(found.Items), err)
	}
	for _, row := range found.Items {
		if row.Key != d.app.ring.AuditKey() || row.Key == "" || len(row.MAC) != 32 {
			t.Errorf("row %d has the key %q and a MAC of %d bytes", row.ID, row.Key, len(row.MAC))
		}
	}
}
