package doctor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
)

// closed is an installation on whose data folder no service runs.
func closed(cfg config.Config) Deps {
	return Deps{
		Config: cfg, Running: func() bool { return false },
		Open: func() (Database, error) { return datafile.Open(cfg.Service.Database(), datafile.Options{}) },
	}
}

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
		closed(cfg).checkStore(t.Context(), cfg, r)
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
		line := watch.Line{Subject: "Order", From: "ann@partner.example",
			Verdict: store.Verdict{Rules: []store.Rule{{ID: rule, Effect: store.EffectMissing}}}}
		checkMailbox(t.Context(), "Mailbox us", foundMailbox{[]watch.Line{line}}, &report{out: &out, timeout: time.Minute})
		if strings.Contains(out.String(), "Does trusted_authserv name the host") != want {
			t.Errorf("%s: %s", rule, out.String())
		}
	}
}

// TestAListInFrontOfAMailboxIsTold where most of what people wrote came through it.
func TestAListInFrontOfAMailboxIsTold(t *testing.T) {
	t.Parallel()
	listed := func(kind store.Kind) watch.Line {
		return watch.Line{Verdict: store.Verdict{Kind: kind,
			Rules: []store.Rule{{ID: triage.RuleOwnList, Effect: store.EffectNote}}}}
	}
	direct := watch.Line{Verdict: store.Verdict{Kind: store.KindDirect}}
	newsletter := watch.Line{Verdict: store.Verdict{Kind: store.KindList}}
	for name, c := range map[string]struct {
		mails []watch.Line
		told  bool
	}{
		"a list":                    {[]watch.Line{listed(store.KindList)}, true},
		"a group that writes as us": {[]watch.Line{listed(store.KindOwn), direct, listed(store.KindList)}, true},
		"half of them":              {[]watch.Line{listed(store.KindList), direct}, false},
		"newsletters":               {[]watch.Line{newsletter, newsletter, direct}, false},
		"bounces through it":        {[]watch.Line{listed(store.KindBounce), listed(store.KindBounce), direct}, false},
	} {
		var out strings.Builder
		checkMailbox(t.Context(), "Mailbox us", foundMailbox{c.mails}, &report{out: &out, timeout: time.Minute})
		if strings.Contains(out.String(), "came through a list or group of our own address") != c.told {
			t.Errorf("%s: %s", name, out.String())
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

// TestCheckTriesANewDataFolderAndLeavesItAsItWas: what check would make belongs to
// the user who runs it, and not to the service.
func TestCheckTriesANewDataFolderAndLeavesItAsItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]string{
		dir:                          "nothing is stored in it yet",
		filepath.Join(dir, "a", "b"): "nothing is stored in it yet",
		file:                         "not a directory",
		filepath.Join(file, "below"): "Make the folder",
	} {
		var out bytes.Buffer
		cfg := config.Config{Service: config.Service{Data: data}}
		r := &report{out: &out, timeout: time.Second}
		closed(cfg).checkStore(t.Context(), cfg, r)
		checkBlobs(t.Context(), cfg, r)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s, want %q", data, &out, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("check left %v (%v)", left, err)
	}
}

// TestAttachmentsThatAreNotThereAreTold, and nothing when all are.
func TestAttachmentsThatAreNotThereAreTold(t *testing.T) {
	t.Parallel()
	cfg := config.Config{Service: config.Service{Data: t.TempDir()}}
	names := fillData(t, cfg.Service)
	said := func() (bad int, text string) {
		var out strings.Builder
		r := &report{out: &out, timeout: time.Minute}
		closed(cfg).checkStore(t.Context(), cfg, r)
		return r.bad, out.String()
	}
	if bad, text := said(); bad != 0 || !strings.Contains(text, "is there (3)") {
		t.Errorf("all there: %s", text)
	}
	if err := os.Remove(filepath.Join(cfg.Service.Data, names[1])); err != nil {
		t.Fatal(err)
	}
	if bad, text := said(); bad != 1 || !strings.Contains(text, "are missing: 1 of 3, such as "+names[1]) {
		t.Errorf("one is not: %s", text)
	}
}

// fillData opens tickets with a file each, and returns the files' paths in the folder.
func fillData(t *testing.T, data config.Service) (names []string) {
	t.Helper()
	db, err := datafile.Open(data.Database(), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blobs, err := blob.Open(data.Blobs())
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	for i := range 3 {
		hash, size, err := blobs.Put(t.Context(), strings.NewReader(fmt.Sprint("log ", i)), 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		_, err = db.OpenTicket(t.Context(), now, store.NewTicket{
			Region:    store.Region{ID: "us", Prefix: "US", Address: "us@example.com", Name: "Support"},
			Channel:   store.ChannelForm,
			Requester: store.Contact{Name: "Partner", Email: fmt.Sprintf("p%d@example.net", i)},
			Title:     "Export", Body: "It stops half way.",
			Files:   []store.File{{Name: "log.txt", Size: size, Hash: hash}},
			Promise: store.Promise{FirstResponseBy: now.Add(time.Hour), ResolutionBy: now.Add(2 * time.Hour)},
			Link:    ident.NewLink(now), LinkExpires: now.Add(time.Hour), MessageID: fmt.Sprintf("%d@example.com", i),
		})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Join(config.BlobFolder, blob.Path(hash)))
	}
	return names
}
