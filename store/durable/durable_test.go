package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"signpost/store/durable"
)

var errHalfway = errors.New("the disk is full")

// halfway writes a little and fails.
func halfway(w io.Writer) error {
	if _, err := io.WriteString(w, "half of it"); err != nil {
		return err
	}
	return errHalfway
}

// holds compares a folder's files with what is wanted, by name: no temporary file
// may be left.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil || string(content) != want[e.Name()] {
			t.Errorf("%s holds %q, want %q (%v)", e.Name(), content, want[e.Name()], err)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("the folder holds %d files, want %d", len(entries), len(want))
	}
}

func TestAFileIsMadeOnceAndWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	if err := durable.Create(path, 0o600, halfway); !errors.Is(err, errHalfway) {
		t.Errorf("a file that could not be written: %v", err)
	}
	holds(t, dir, nil)
	if err := durable.Create(path, 0o640, durable.Bytes([]byte("first"))); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(path, 0o640, durable.Bytes([]byte("second"))); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	holds(t, dir, map[string]string{"secret": "first"})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	for _, content := range []string{"first", "second"} {
		if err := durable.Replace(path, durable.Bytes([]byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Replace(path, halfway); !errors.Is(err, errHalfway) {
		t.Errorf("a file that could not be written: %v", err)
	}
	holds(t, dir, map[string]string{"token": "second"})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAFolderIsRenamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "backup.partial"), filepath.Join(dir, "backup")
	if err := os.Mkdir(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(filepath.Join(from, "a"), 0o600, durable.Bytes([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if err := durable.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	holds(t, to, map[string]string{"a": "x"})
	if _, err := os.Stat(from); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old name is there still: %v", err)
	}
}
