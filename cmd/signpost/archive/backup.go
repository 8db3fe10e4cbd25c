package archive

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
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

const (
	databaseFile = config.DatabaseFile
	blobFolder   = config.BlobFolder
	manifestFile = "manifest.json"
	listFile     = "attachments.txt" // a line for each: hash, space, size in bytes
)

// Source is what is backed up.
type Source struct {
	Database snapshotter
	Blobs    heldBlobs
	Ring     *ident.Ring // signs the manifest
	Version  string      // of this program
}

// snapshotter is the part of the store that a backup needs.
type snapshotter interface {
	Snapshot(w io.Writer) (int64, error)
	GiveWay(ctx context.Context, worked time.Duration)
}

// heldBlobs are attachments that stay while held.
type heldBlobs interface {
	blob.Store
	Hold() (release func())
}

// Backup writes the folder to, which must not exist yet: it is a whole backup when it
// gets its name. The database is copied first and the attachments after, held
// meanwhile, so every attachment the copy names is there. It gives way to those who
// write to the store: beside a busy one it takes four times as long.
func Backup(ctx context.Context, from Source, to string) (Manifest, error) {
	defer from.Blobs.Hold()()
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
	m := Manifest{
		Format: 1, MadeAt: time.Now().UTC().Truncate(time.Second), Version: from.Version,
		Secret: from.Ring.Newest(),
	}
	if err := m.fill(ctx, from, partial); err != nil {
		os.RemoveAll(partial)
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	return m, durable.Rename(partial, to)
}

func (m *Manifest) fill(ctx context.Context, from Source, dir string) (err error) {
	if m.Database, err = copyDatabase(ctx, from.Database, filepath.Join(dir, databaseFile)); err != nil {
		return err
	}
	if m.List, err = writeSum(filepath.Join(dir, listFile), func(w io.Writer) error {
		m.Blobs, m.Bytes, err = copyBlobs(ctx, from, filepath.Join(dir, blobFolder), w)
		return err
	}); err != nil {
		return err
	}
	if err := m.sign(from.Ring); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return durable.Create(filepath.Join(dir, manifestFile), fileMode, durable.Bytes(append(text, '\n')))
}

// copyDatabase makes a durable file of a snapshot and returns its sum. The snapshot is
// held for the bare copy alone; the copy is read and pushed to the disk afterwards.
func copyDatabase(ctx context.Context, from snapshotter, path string) (sum FileSum, err error) {
	err = durable.Create(path, fileMode, func(w io.Writer) error {
		if _, err := from.Snapshot(w); err != nil {
			return err
		}
		sum, err = syncAndSum(ctx, path, from)
		return err
	})
	return sum, err
}

// piece is how much is read, or written to the disk, before a backup gives way.
const piece = 2 << 20

// syncAndSum reads a file that was just written, for its sum, and has the system write
// each piece to the disk: one sync at the end would hold up the store's for as long as
// the whole takes.
func syncAndSum(ctx context.Context, path string, beside snapshotter) (sum FileSum, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	hash := sha256.New()
	for n := int64(piece); n == piece; sum.Size += n {
		start := time.Now()
		n, err = io.Copy(hash, io.LimitReader(f, piece))
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return sum, err
		}
		push(f, sum.Size, n)
		beside.GiveWay(ctx, time.Since(start))
	}
	sum.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return sum, nil
}

// fileMode lets its owner alone read a backup.
const fileMode = 0o600

// writeSum makes a durable file of what write writes and returns its sum.
func writeSum(path string, write func(io.Writer) error) (sum FileSum, err error) {
	hash := sha256.New()
	err = durable.Create(path, fileMode, func(w io.Writer) error {
		counted := &counter{to: io.MultiWriter(w, hash)}
		defer func() { sum.Size = counted.n }()
		return write(counted)
	})
	sum.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return sum, err
}

// counter counts the bytes that were written.
type counter struct {
	to io.Writer
	n  int64
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// copyBlobs copies every blob into a folder of its own, checks each against its
// name on the way and lists it.
func copyBlobs(ctx context.Context, from Source, dir string, list io.Writer) (count int, bytes int64, err error) {
	into, err := blob.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer into.Close()
	lines := bufio.NewWriter(list)
	err = from.Blobs.Walk(ctx, func(info blob.Info) error {
		start := time.Now()
		size, err := copyBlob(ctx, from.Blobs, into, info)
		if err != nil {
			return err
		}
		from.Database.GiveWay(ctx, time.Since(start))
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

// Check tells what in the database of a backup contradicts itself: one that rotted on
// its disk is copied as it is.
func Check(ctx context.Context, folder string) error {
	return datafile.Check(ctx, filepath.Join(folder, databaseFile))
}

// ErrOtherVersion is the error of Check where another version of this program made the
// backup, which this one cannot judge.
var ErrOtherVersion = verbs.ErrOtherSchema

// attachment is where a backup, as blob.Local does, keeps an attachment.
func attachment(hash store.BlobHash) string { return path.Join(blobFolder, blob.Path(hash)) }
