package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/durable"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// A backup is a folder: the database as one moment's snapshot, every attachment
// under its hash, a list of these, and a manifest by which restore knows that it is
// whole and ours. It is written beside its name and renamed at the end, so a folder of that name is a
// complete backup or is not there.
const (
	manifestFile = "manifest.json"
	listFile     = "attachments.txt" // a line for each: hash, space, size in bytes
)

// BackupCmd backs up a data folder, whether a service runs on it or not.
type BackupCmd struct {
	Config string `required:"" help:"Configuration file." placeholder:"FILE"`
	To     string `required:"" help:"Folder to make; it must not exist yet." placeholder:"FOLDER"`
}

// Run makes the backup and checks it, in this process and not in the service's: a
// database that rotted on its disk is copied as it is, and would be found out on
// the day the backup is needed.
func (c *BackupCmd) Run(env *environment) error {
	to, err := filepath.Abs(c.To)
	if err != nil {
		return err
	}
	control, done, err := openControlled(c.Config, false, env)
	if err != nil {
		return err
	}
	defer done()
	m, err := control.Backup(context.Background(), to)
	if err != nil {
		return err
	}
	switch err := datafile.Check(context.Background(), filepath.Join(to, config.DatabaseFile)); {
	case errors.Is(err, verbs.ErrOtherSchema):
		fmt.Fprintln(env.stderr, "Note: the backup is not checked: the service that made it is another version of signpost. Restart the service.")
	case err != nil:
		return fmt.Errorf("the backup is made, but what was copied is not whole; keep the older backups:\n%w", err)
	}
	_, err = fmt.Fprintf(env.stdout, "Backed up %d bytes of database and %d attachments (%d bytes) to %s.\nKeep the installation secret with it: it is not in the backup.\n",
		m.Database.Size, m.Blobs, m.Bytes, to)
	return err
}

// snapshotter is the part of the driver that a backup needs.
type snapshotter interface {
	Snapshot(w io.Writer) (int64, error)
}

// heldBlobs are attachments that stay while held.
type heldBlobs interface {
	blob.Store
	Hold() (release func())
}

// backup writes the folder to. The database is copied first and the attachments
// after, held meanwhile, so every attachment the copy names is there.
func backup(
	ctx context.Context, db snapshotter, blobs heldBlobs, ring *ident.Ring, secret []byte, to string,
) (Manifest, error) {
	defer blobs.Hold()()
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return Manifest{}, fmt.Errorf("backup: %s exists already; name a folder that does not", to)
	}
	partial := to + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return Manifest{}, err
	}
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return Manifest{}, err
	}
	m := Manifest{Format: 1, MadeAt: time.Now().UTC().Truncate(time.Second), Version: version(), Secret: fingerprint(secret)}
	if err := m.fill(ctx, db, blobs, ring, partial); err != nil {
		os.RemoveAll(partial)
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	if err := os.Rename(partial, to); err != nil {
		return Manifest{}, err
	}
	return m, durable.SyncFolder(filepath.Dir(to))
}

func (m *Manifest) fill(
	ctx context.Context, db snapshotter, blobs blob.Store, ring *ident.Ring, dir string,
) (err error) {
	m.Database, err = writeSum(filepath.Join(dir, config.DatabaseFile), func(w io.Writer) error {
		_, err := db.Snapshot(w)
		return err
	})
	if err != nil {
		return err
	}
	if m.List, err = writeSum(filepath.Join(dir, listFile), func(w io.Writer) error {
		m.Blobs, m.Bytes, err = copyBlobs(ctx, blobs, filepath.Join(dir, config.BlobFolder), w)
		return err
	}); err != nil {
		return err
	}
	if err := m.sign(ring); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	_, err = writeSum(filepath.Join(dir, manifestFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	return err
}

// writeSum makes a durable file of what write writes and returns its sum.
func writeSum(path string, write func(io.Writer) error) (FileSum, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return FileSum{}, err
	}
	defer f.Close()
	hash := sha256.New()
	if err := write(io.MultiWriter(f, hash)); err != nil {
		return FileSum{}, err
	}
	if err := f.Sync(); err != nil {
		return FileSum{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return FileSum{}, err
	}
	return FileSum{Size: info.Size(), SHA256: hex.EncodeToString(hash.Sum(nil))}, f.Close()
}

// copyBlobs copies every blob into a folder of its own, checks each against its
// name on the way and lists it.
func copyBlobs(ctx context.Context, from blob.Store, dir string, list io.Writer) (count int, bytes int64, err error) {
	into, err := blob.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer into.Close()
	lines := bufio.NewWriter(list)
	err = from.Walk(ctx, func(info blob.Info) error {
		size, err := copyBlob(ctx, from, into, info)
		if err != nil {
			return err
		}
		count++
		bytes += size
		_, err = fmt.Fprintln(lines, info.Hash, size)
		return err
	})
	return count, bytes, errors.Join(err, lines.Flush())
}

func copyBlob(ctx context.Context, from, into blob.Store, info blob.Info) (size int64, err error) {
	r, size, err := from.Open(ctx, info.Hash)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return size, putBlob(ctx, into, r, info.Hash, size)
}

// putBlob keeps what r holds, which is so many bytes under this hash.
func putBlob(ctx context.Context, into blob.Store, r io.Reader, want store.BlobHash, size int64) error {
	hash, n, err := into.Put(ctx, r, size)
	if err != nil {
		return err
	}
	if hash != want || n != size {
		return fmt.Errorf("attachment %s is damaged: its content is %s, %d bytes of %d", want, hash, n, size)
	}
	return nil
}

// fingerprint names a secret without telling it.
func fingerprint(secret []byte) string {
	sum := sha256.Sum256(append([]byte("signpost secret fingerprint\x00"), secret...))
	return hex.EncodeToString(sum[:6])
}
