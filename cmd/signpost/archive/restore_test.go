package archive

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
)

// site is an installation: what is backed up, and under which secret.
type site struct {
	from   Source
	secret []byte
}

// proven is how a restore with the site's secret judges a manifest.
func (s *site) proven(m Manifest) error { return m.Proven(s.from.Ring, [][]byte{s.secret}) }

// vouched is how a restore with --unsigned does.
func vouched(Manifest) error { return nil }

// newSite holds a few tickets with files.
func newSite(t *testing.T) *site {
	t.Helper()
	data := config.Service{Data: t.TempDir()}
	db, err := datafile.Open(data.Database(), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := blob.Open(data.Blobs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	secret := []byte(strings.Repeat("a site's secret. ", 2))
	ring, err := ident.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		text := fmt.Sprintf("log of partner %d", i)
		hash, size, err := blobs.Put(t.Context(), strings.NewReader(text), 1<<10)
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
			Link:    ident.NewLink(now), LinkExpires: now.Add(time.Hour),
			MessageID: ring.MessageID(now, store.MailConfirmation, "example.com"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return &site{Source{Database: db, Blobs: blobs, Ring: ring, Version: "test"}, secret}
}

// backedUp is a site and a backup of it.
func backedUp(t *testing.T) (s *site, folder string) {
	t.Helper()
	s, folder = newSite(t), filepath.Join(t.TempDir(), "backup")
	m, err := Backup(t.Context(), s.from, folder)
	if err != nil || m.Blobs != 3 {
		t.Fatalf("%+v, %v", m, err)
	}
	return s, folder
}

// attachmentIn is the path of one of the backup's attachments.
func attachmentIn(t *testing.T, folder string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, blobFolder, "??", "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("the backup has no attachments: %v", err)
	}
	return all[0]
}

// rewrite changes the manifest as an attacker could who has the folder.
func rewrite(t *testing.T, folder string, change func(*Manifest)) {
	t.Helper()
	path := filepath.Join(folder, manifestFile)
	text, err := os.ReadFile(path)
	var m Manifest
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	change(&m)
	text, _ = json.Marshal(m)
	replace(t, path, func() error { return os.WriteFile(path, text, 0o600) })
}

// replace puts something else in the place of a file.
func replace(t *testing.T, path string, make func() error) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := make(); err != nil {
		t.Fatal(err)
	}
}

// earlier makes the backup one of a version that had neither list nor MAC.
func earlier(m *Manifest) { m.List, m.MAC = FileSum{}, "" }

func mustRestore(t *testing.T, folder string, proven func(Manifest) error) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	m, err := Restore(t.Context(), folder, data, proven, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob(filepath.Join(data, blobFolder, "??", "*"))
	if m.Blobs != 3 || len(all) != 3 {
		t.Errorf("%d attachments of %d came back", len(all), m.Blobs)
	}
}

func mustRefuse(t *testing.T, folder string, proven func(Manifest) error, want string) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	_, err := Restore(t.Context(), folder, data, proven, time.Now())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the restore says %v, want %q", err, want)
	}
	if left, _ := os.ReadDir(data); len(left) != 0 {
		t.Errorf("what was refused left %v", left)
	}
}

// TestOnlyWhatOurSecretVouchesForIsRestored, or what the operator does.
func TestOnlyWhatOurSecretVouchesForIsRestored(t *testing.T) {
	t.Parallel()
	d, folder := backedUp(t)
	mustRestore(t, folder, d.proven)
	under := func(secrets ...[]byte) func(Manifest) error {
		ring, err := ident.New(secrets...)
		if err != nil {
			t.Fatal(err)
		}
		return func(m Manifest) error { return m.Proven(ring, secrets) }
	}
	another := []byte(strings.Repeat("another secret. ", 2))
	mustRefuse(t, folder, under(another), "under an installation secret")
	mustRestore(t, folder, under(another, d.secret)) // the newest goes first
	mustRestore(t, folder, vouched)

	rewrite(t, folder, func(m *Manifest) { m.MadeAt = m.MadeAt.Add(time.Hour) })
	mustRefuse(t, folder, d.proven, "its MAC does not fit")
	rewrite(t, folder, func(m *Manifest) { m.MAC = "" })
	mustRefuse(t, folder, d.proven, "carries no MAC")
	rewrite(t, folder, earlier)
	mustRefuse(t, folder, d.proven, "carries no MAC")
	mustRestore(t, folder, vouched)
}

// TestARestoreReadsRegularFilesAlone: a link names any file of the machine, a pipe
// and a device never end. Also where the operator vouches, and in backups of
// before there was a list.
func TestARestoreReadsRegularFilesAlone(t *testing.T) {
	t.Parallel()
	d, whole := backedUp(t)
	secret := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(secret, []byte("log of partner 0"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		path func(folder string) string
		make func(path string) error
	}{
		"a link to the manifest":    {inFolder(manifestFile), linkTo(secret)},
		"a link to the database":    {inFolder(databaseFile), linkTo(secret)},
		"a pipe for the database":   {inFolder(databaseFile), func(p string) error { return syscall.Mkfifo(p, 0o600) }},
		"a folder for the database": {inFolder(databaseFile), func(p string) error { return os.Mkdir(p, 0o700) }},
		"a device for the database": {inFolder(databaseFile), linkTo("/dev/zero")},
		"a link to an attachment":   {func(f string) string { return attachmentIn(t, f) }, linkTo(secret)},
		"a pipe for an attachment": {func(f string) string { return attachmentIn(t, f) },
			func(p string) error { return syscall.Mkfifo(p, 0o600) }},
		"a link to the attachments": {inFolder(blobFolder), linkTo(filepath.Dir(secret))},
		"a link to some attachments": {func(f string) string { return filepath.Dir(attachmentIn(t, f)) },
			linkTo(filepath.Dir(secret))},
	} {
		t.Run(what, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "backup")
			if err := os.CopyFS(folder, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			path := c.path(folder)
			replace(t, path, func() error { return c.make(path) })
			mustRefuse(t, folder, d.proven, "")
			if !strings.Contains(what, "manifest") {
				rewrite(t, folder, earlier)
				mustRefuse(t, folder, vouched, "")
			}
		})
	}
}

func inFolder(name string) func(string) string {
	return func(folder string) string { return filepath.Join(folder, name) }
}

func linkTo(target string) func(string) error {
	return func(path string) error { return os.Symlink(target, path) }
}

// TestARestoreTakesNoMoreThanTheManifestSays, of each file and of all.
func TestARestoreTakesNoMoreThanTheManifestSays(t *testing.T) {
	t.Parallel()
	d, folder := backedUp(t)
	grow := func(path string) {
		t.Helper()
		if err := os.Truncate(path, 1<<40); err != nil { // a hole: it takes no room
			t.Fatal(err)
		}
	}
	one := attachmentIn(t, folder)
	whole, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	grow(one)
	mustRefuse(t, folder, d.proven, "its list says 16")
	if err := os.WriteFile(one, []byte("LOG OF PARTNER 0"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, folder, d.proven, "its content is")
	if err := os.WriteFile(one, whole, 0o600); err != nil {
		t.Fatal(err)
	}

	stray := strings.Repeat("f", 64)
	if err := os.WriteFile(filepath.Join(folder, blobFolder, "ff", stray), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, folder, d.proven) // what no list names is left where it is
	rewrite(t, folder, earlier)
	mustRefuse(t, folder, vouched, "more attachments than its manifest says")
	rewrite(t, folder, func(m *Manifest) { m.Blobs = 9 })
	mustRefuse(t, folder, vouched, "more attachments than its manifest says")
	grow(filepath.Join(folder, databaseFile))
	mustRefuse(t, folder, vouched, "it has 1099511627776 bytes")
	grow(filepath.Join(folder, manifestFile))
	mustRefuse(t, folder, vouched, "is no backup")
}

// TestARestoredFileIsACopyOfItsOwn: a hard link in a backup, as programs make that
// keep many, is read as any file.
func TestARestoredFileIsACopyOfItsOwn(t *testing.T) {
	t.Parallel()
	d, folder := backedUp(t)
	one := attachmentIn(t, folder)
	if err := os.Link(one, filepath.Join(filepath.Dir(folder), "another name")); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if _, err := Restore(t.Context(), folder, data, d.proven, time.Now()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(one)
	after, err := os.Stat(attachmentIn(t, data))
	if err != nil || os.SameFile(before, after) || after.Mode().Perm() != 0o600 {
		t.Errorf("the restored file is %v (%v)", after, err)
	}
}

func TestAFolderWithoutAManifestIsNoBackup(t *testing.T) {
	t.Parallel()
	mustRefuse(t, t.TempDir(), vouched, "is no backup: ")
}

// TestARestoreThatWasCutShortIsRunAgain, at whichever step it ended: what it left gives
// way to the whole backup.
func TestARestoreThatWasCutShortIsRunAgain(t *testing.T) {
	t.Parallel()
	s, folder := backedUp(t)
	left := filepath.Join("ff", strings.Repeat("f", 64))
	for _, files := range [][]string{
		{filepath.Join(restoringFolder, databaseFile)},
		{filepath.Join(restoringFolder, databaseFile), filepath.Join(blobFolder, left)},
		{filepath.Join(restoringFolder, listFile), filepath.Join(blobFolder, left), databaseFile},
	} {
		data := t.TempDir()
		for _, name := range files {
			lay(t, filepath.Join(data, name))
		}
		if err := Interrupted(data); err == nil || !strings.Contains(err.Error(), "did not end") {
			t.Errorf("with %q the service starts: %v", files, err)
		}
		if _, err := Restore(t.Context(), folder, data, s.proven, time.Now()); err != nil {
			t.Errorf("with %q: %v", files, err)
			continue
		}
		if err := Interrupted(data); err != nil {
			t.Error(err)
		}
		all, _ := filepath.Glob(filepath.Join(data, blobFolder, "??", "*"))
		if len(all) != 3 {
			t.Errorf("with %q: %d attachments of 3 are there", files, len(all))
		}
	}
}

// lay makes a file, and the folders above it.
func lay(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestARestoreChangesNoFolderThatIsInUse. A disk of its own may be a data folder, and
// has a lost+found from the first.
func TestARestoreChangesNoFolderThatIsInUse(t *testing.T) {
	t.Parallel()
	s, folder := backedUp(t)
	data := t.TempDir()
	lay(t, filepath.Join(data, databaseFile))
	_, err := Restore(t.Context(), folder, data, s.proven, time.Now())
	if err == nil || !strings.Contains(err.Error(), "is not empty, it holds "+databaseFile) {
		t.Errorf("got %v", err)
	}
	kept, _ := os.ReadFile(filepath.Join(data, databaseFile))
	if string(kept) != "half of it" || Interrupted(data) != nil {
		t.Errorf("the database that was there reads %q", kept)
	}
	disk := t.TempDir()
	if err := os.Mkdir(filepath.Join(disk, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), folder, disk, s.proven, time.Now()); err != nil {
		t.Errorf("onto a disk of its own: %v", err)
	}
}
