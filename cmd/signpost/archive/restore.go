package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/durable"
)

// restoringFolder is where a restore works, within the data folder: that may be a
// mount or belong to another user than what is above it. While it is there the
// folder is no data folder.
const restoringFolder = ".restoring"

// Restore copies a backup, whose manifest proven accepts, into a data folder that
// is empty or missing. It copies what the manifest names and no byte more, checks
// it against the manifest and the database against itself before the
// files get their names, and stops automatic answers to mail that arrived before
// now, since answers given after the backup are not in it.
func Restore(ctx context.Context, from, data string, proven func(Manifest) error, now time.Time) (Manifest, error) {
	folder, err := os.OpenRoot(from)
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	defer folder.Close()
	m, err := readManifest(folder)
	if err == nil {
		err = proven(m)
	}
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	partial := filepath.Join(data, restoringFolder)
	if err := clearForRestore(data, partial); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if err = m.restoreInto(ctx, folder, partial, now); err == nil {
		err = giveToOwnerOf(data, partial)
	}
	if err != nil {
		os.RemoveAll(partial)
		return m, fmt.Errorf("restore: %w", err)
	}
	for _, name := range []string{blobFolder, databaseFile} {
		if err := durable.Rename(filepath.Join(partial, name), filepath.Join(data, name)); err != nil {
			return m, err
		}
	}
	if err := os.RemoveAll(partial); err != nil {
		return m, err
	}
	return m, errors.Join(durable.SyncFolder(data), durable.SyncFolder(filepath.Dir(data)))
}

// clearForRestore makes the data folder and the one to work in, and removes what
// a restore that was cut short left. It refuses a folder that holds anything else.
func clearForRestore(data, partial string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(partial); err == nil {
		for _, path := range []string{filepath.Join(data, blobFolder), filepath.Join(data, databaseFile), partial} {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "lost+found" { // of a disk of its own
			return fmt.Errorf("%s is not empty, it holds %s; move what is in it away first", data, e.Name())
		}
	}
	return os.Mkdir(partial, 0o700)
}

// Interrupted refuses a data folder whose restore was cut short.
func Interrupted(data string) error {
	if _, err := os.Stat(filepath.Join(data, restoringFolder)); err == nil {
		return fmt.Errorf("a restore into %s did not end; run it again", data)
	}
	return nil
}

func (m *Manifest) restoreInto(ctx context.Context, from *os.Root, partial string, now time.Time) error {
	if err := copySum(from, databaseFile, m.Database, filepath.Join(partial, databaseFile)); err != nil {
		return err
	}
	into, err := blob.Open(filepath.Join(partial, blobFolder))
	if err != nil {
		return err
	}
	defer into.Close()
	if err := m.copyAttachments(ctx, from, into, filepath.Join(partial, listFile)); err != nil {
		return err
	}
	db, err := datafile.Open(filepath.Join(partial, databaseFile), datafile.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Check(ctx); err != nil {
		return err
	}
	if _, m.missing, err = blob.Missing(ctx, db, into); err != nil {
		return err
	}
	return db.MarkRestored(ctx, now)
}

// copySum copies a file of the backup and fails unless it is what the manifest says.
func copySum(from *os.Root, name string, want FileSum, to string) error {
	f, size, err := openRegular(from, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if size != want.Size {
		return fmt.Errorf("%s is damaged: it has %d bytes, the manifest says %d", name, size, want.Size)
	}
	got, err := writeSum(to, func(w io.Writer) error {
		_, err := io.Copy(w, io.LimitReader(f, want.Size))
		return err
	})
	if err == nil && got != want {
		err = fmt.Errorf("%s is damaged: its SHA-256 is %s, the manifest says %s", name, got.SHA256, want.SHA256)
	}
	return err
}

// copyAttachments copies the attachments that the backup's list names or, in a
// backup of before there was one, those that lie in it.
// scratch is a file that is its own.
func (m *Manifest) copyAttachments(ctx context.Context, from *os.Root, into blob.Store, scratch string) error {
	count, bytes := 0, int64(0)
	each := func(hash store.BlobHash, size int64) error {
		count++
		if bytes += size; count > m.Blobs || bytes > m.Bytes {
			return fmt.Errorf("the backup holds more attachments than its manifest says (%d, %d bytes)", m.Blobs, m.Bytes)
		}
		return copyAttachment(ctx, from, into, hash, size)
	}
	read := func() error { return m.readList(from, scratch, each) }
	if m.List == (FileSum{}) {
		read = func() error { return walkAttachments(from, each) }
	}
	err := read()
	if err == nil && (count != m.Blobs || bytes != m.Bytes) {
		err = fmt.Errorf("the backup holds %d attachments (%d bytes), its manifest says %d (%d bytes)",
			count, bytes, m.Blobs, m.Bytes)
	}
	return err
}

func copyAttachment(ctx context.Context, from *os.Root, into blob.Store, hash store.BlobHash, size int64) error {
	f, found, err := openRegular(from, attachment(hash))
	if err != nil {
		return err
	}
	defer f.Close()
	if found != size {
		return fmt.Errorf("attachment %s is damaged: it has %d bytes, its list says %d", hash, found, size)
	}
	return putBlob(ctx, into, f, hash, size)
}

// readList reads the list of attachments, from a copy that is what the manifest
// says, which it removes.
func (m Manifest) readList(from *os.Root, scratch string, each func(store.BlobHash, int64) error) error {
	if err := copySum(from, listFile, m.List, scratch); err != nil {
		return err
	}
	f, err := os.Open(scratch)
	if err != nil {
		return err
	}
	defer os.Remove(scratch)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		hash, number, _ := strings.Cut(lines.Text(), " ")
		size, err := strconv.ParseInt(number, 10, 64)
		if err != nil || size < 0 || !blob.IsHash(hash) {
			return fmt.Errorf("%s: %q names no attachment", listFile, lines.Text())
		}
		if err := each(store.BlobHash(hash), size); err != nil {
			return err
		}
	}
	return lines.Err()
}

// walkAttachments finds the attachments by their names.
func walkAttachments(from *os.Root, each func(store.BlobHash, int64) error) error {
	return fs.WalkDir(from.FS(), blobFolder, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !blob.IsHash(path.Base(name)) {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		hash := store.BlobHash(path.Base(name))
		if name != attachment(hash) {
			return nil // not one of ours
		}
		return each(hash, info.Size())
	})
}
