package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/config/configtest"
)

// operated is the file of a configuration whose data folder is data, and whose
// secrets are all somewhere else.
func operated(t *testing.T, data string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "signpost.toml")
	text := strings.Replace(config.Example, "/var/lib/signpost", data, 1)
	text = strings.Replace(text, "secret_file = ", "# secret_file = ", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTheKillSwitchNeedsNoPassword: in an emergency it is used from a shell that
// has none of the secrets the service was started with.
func TestTheKillSwitchNeedsNoPassword(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	file := operated(t, d.app.cfg.Service.Data)
	code, out, errs := typed(t, nil, "responder", "off", "--config", file, "--mailbox", "us", "--reason", "a loop")
	if code != 0 || !strings.Contains(out, "Automatic answers of mailbox us are off") {
		t.Fatalf("responder off --mailbox us: %d %s%s", code, out, errs)
	}
	code, out, errs = typed(t, nil, "responder", "--config", file)
	if code != 0 || !strings.Contains(out, "Automatic answers are on") ||
		!strings.Contains(out, "\nAutomatic answers of mailbox us are off") || strings.Contains(out, "intl") {
		t.Errorf("the state of all answers hides one mailbox that is off, or shows one that is on: %d %s%s", code, out, errs)
	}
	if code, _, errs := typed(t, nil, "backup", "--config", file, "--to", filepath.Join(t.TempDir(), "b")); code != 0 {
		t.Errorf("backup: %d %s", code, errs)
	}
}

// TestWithoutAServiceOnlyItsOwnSecretIsNeeded: nothing logs in at a mail host.
func TestWithoutAServiceOnlyItsOwnSecretIsNeeded(t *testing.T) {
	t.Parallel()
	file := operated(t, filepath.Join(t.TempDir(), "data"))
	if code, _, errs := typed(t, nil, "responder", "off", "--config", file); code != 1 ||
		!strings.Contains(errs, "the configuration has 1 fault:") || !strings.Contains(errs, "no installation secret") {
		t.Errorf("without any secret: %d %s", code, errs)
	}
	if code, out, errs := typed(t, configtest.Secrets()[:1], "responder", "off", "--config", file); code != 0 ||
		!strings.Contains(out, "are off") {
		t.Errorf("with the installation's secret: %d %s%s", code, out, errs)
	}
}

// TestABackupOfNothingFails: the folder is misspelt or its disk not mounted, and a
// nightly run that calls that a backup is found out on the day it is needed.
func TestABackupOfNothingFails(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	file, to := operated(t, data), filepath.Join(t.TempDir(), "backup")
	code, out, errs := typed(t, configtest.Secrets(), "backup", "--config", file, "--to", to)
	if code != 1 || !strings.Contains(errs, "nothing is stored in "+data) {
		t.Errorf("backup of a folder that is not there: %d %s%s", code, out, errs)
	}
	for _, path := range []string{data, to} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

// TestABackupOfARottenDatabaseSaysSo: the copy is as the disk returned it, and the
// older backups are the ones to keep.
func TestABackupOfARottenDatabaseSaysSo(t *testing.T) {
	t.Parallel()
	data, to := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "backup")
	if code, _, errs := typed(t, nil, "generate", "--demo", data, "--tickets", "50"); code != 0 {
		t.Fatal(errs)
	}
	database := filepath.Join(data, config.DatabaseFile)
	text, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	rotten := bytes.ReplaceAll(text, []byte("US-1001"), []byte("US-9001"))
	if err := os.WriteFile(database, rotten, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := typed(t, configtest.Secrets(), "backup", "--config", operated(t, data), "--to", to)
	if code != 1 || !strings.Contains(errs, "keep the older backups") || !strings.Contains(errs, "ticket") {
		t.Errorf("backup of a rotten database: %d %s%s", code, out, errs)
	}
}

// TestARestoreLeavesTheFolderWhereItIs: a data folder may be a mount or a link,
// with its own owner and no right to what is above it.
func TestARestoreLeavesTheFolderWhereItIs(t *testing.T) {
	t.Parallel()
	d, dir := startDemo(t), t.TempDir()
	backedUp := filepath.Join(dir, "backup")
	if _, err := d.app.Backup(t.Context(), backedUp); err != nil {
		t.Fatal(err)
	}
	disk, data := filepath.Join(dir, "disk"), filepath.Join(dir, "data")
	if err := os.MkdirAll(filepath.Join(disk, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(disk, data); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Restore(t.Context(), backedUp, data, d.proven, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(disk, config.DatabaseFile)); err != nil {
		t.Errorf("what was restored is not on the disk that the link names: %v", err)
	}

	// Cut short, it is run again; meanwhile nothing serves half of it.
	if err := os.Mkdir(filepath.Join(data, ".restoring"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := d.app.cfg
	cfg.Service.Data = data
	if app, err := openApp(cfg, quietLog()); err == nil || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("half a restore is served: %v", err)
		app.Close()
	}
	if _, err := archive.Restore(t.Context(), backedUp, data, d.proven, time.Now()); err != nil {
		t.Errorf("a restore that was cut short cannot be run again: %v", err)
	}
	app, err := openApp(cfg, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	app.Close()

	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Restore(t.Context(), backedUp, precious, d.proven, time.Now()); err == nil {
		t.Error("a restore into a file succeeded")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error("a restore deleted a file")
	}
}

// TestNothingMadeUpAmongPartnersTickets: with the wrong --config nobody would get
// them out again.
func TestNothingMadeUpAmongPartnersTickets(t *testing.T) {
	t.Parallel()
	file := operated(t, filepath.Join(t.TempDir(), "data"))
	code, out, errs := typed(t, configtest.Secrets(), "generate", "--config", file, "--tickets", "5")
	if code != 0 || !strings.Contains(out, "signpost agent add") {
		t.Fatalf("generate into a new folder, without agents: %d %s%s", code, out, errs)
	}
	code, out, errs = typed(t, configtest.Secrets(), "generate", "--config", file, "--tickets", "7")
	if code != 1 || !strings.Contains(errs, "holds 5 tickets already") || out != "" {
		t.Errorf("generate among tickets: %d %s%s", code, out, errs)
	}
}

// TestWhatMakesNoSenseOnACommandLine is refused in words before anything is
// touched.
func TestWhatMakesNoSenseOnACommandLine(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	for _, number := range []string{"--tickets=-1", "--mails=-1", "--chars=-1", "--days=0"} {
		if code, _, errs := typed(t, nil, "generate", "--demo", data, number); code != 2 ||
			!strings.Contains(errs, "--days from 1") {
			t.Errorf("generate %s: %d %s", number, code, errs)
		}
	}
	file := operated(t, data)
	for _, address := range []string{"nobody", "a b@example.com", "a\n@example.com", "Ada <ada@example.com>"} {
		if code, _, errs := typed(t, configtest.Secrets(), "agent", "add", address, "--config", file); code != 1 ||
			!strings.Contains(errs, "is no mail address") {
			t.Errorf("agent add %q: %d %s", address, code, errs)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("the data folder was made")
	}
}
