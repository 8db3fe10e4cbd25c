package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"signpost/store"
	"signpost/store/durable"
)

// The folder holds one file a blob, shard/hash, where shard is the first two
// digits of the hash: no folder grows beyond what every file system and every
// person looking into it can bear. Temporary files lie beside the shards, since
// only within one file system can a file be moved in one step.
const (
	tempDir  = "tmp"
	shardLen = 2

	dirMode  = 0o700 // attachments are for the service alone
	fileMode = 0o600

	copyBuffer = 128 << 10 // bytes; all that an upload occupies in memory
)

// Local keeps blobs as files of one folder. One process at a time may sweep it.
type Local struct {
	root    *os.Root // no name leads out of it
	buffers sync.Pool

	// sweeping keeps the sweep's "is it still old? then delete it" apart from
	// puts moving a fresh file to the same name and from renewals: those share it.
	sweeping sync.RWMutex
	held     int // by Hold; guarded by sweeping
}

var _ Store = (*Local)(nil)

// Open opens the folder, creating it and its shards where they are missing.
func Open(dir string) (*Local, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("open blobs: %w", full(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	l := &Local{root: root}
	l.buffers.New = func() any { return new([copyBuffer]byte) }
	if err := l.makeShards(); err != nil {
		return nil, fmt.Errorf("open blobs: %w", errors.Join(full(err), root.Close()))
	}
	return l, nil
}

// makeShards creates every folder at once: were a shard created by the first put
// into it, a second put could be acknowledged before the shard itself is durable.
func (l *Local) makeShards() error {
	created := false
	for _, dir := range append(shards(), tempDir) {
		err := l.root.Mkdir(dir, dirMode)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		created = created || err == nil
	}
	if !created {
		return nil
	}
	return l.syncDir(".")
}

func shards() []string {
	names := make([]string, 0, 257)
	for i := range 256 {
		names = append(names, hex.EncodeToString([]byte{byte(i)}))
	}
	return names
}

// Close lets go of the folder. Blobs opened before can still be read.
func (l *Local) Close() error { return l.root.Close() }

// Put is Store.Put.
func (l *Local) Put(ctx context.Context, r io.Reader, limit int64) (store.BlobHash, int64, error) {
	temp := path.Join(tempDir, rand.Text())
	hash, size, err := l.write(ctx, temp, r, limit)
	if err == nil {
		err = l.keep(temp, hash)
	}
	if err != nil {
		// What cannot be removed now is removed by Sweep.
		_ = l.root.Remove(temp)
		return "", 0, fmt.Errorf("put blob: %w", full(err))
	}
	return hash, size, nil
}

// write fills a temporary file and makes its bytes durable.
func (l *Local) write(ctx context.Context, temp string, r io.Reader, limit int64) (store.BlobHash, int64, error) {
	f, err := l.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() // again and for nothing once it is sealed
	buffer := l.buffers.Get().(*[copyBuffer]byte)
	defer l.buffers.Put(buffer)

	sum := sha256.New()
	size, err := copyAtMost(ctx, io.MultiWriter(f, sum), r, limit, buffer[:])
	if err != nil {
		return "", 0, err
	}
	return store.BlobHash(hex.EncodeToString(sum.Sum(nil))), size, durable.Seal(f)
}

// copyAtMost copies until r ends, ctx does, or there was more than limit bytes.
func copyAtMost(ctx context.Context, w io.Writer, r io.Reader, limit int64, buffer []byte) (int64, error) {
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := r.Read(buffer)
		if size += int64(n); size > limit {
			return 0, &TooLargeError{Limit: limit}
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return 0, err
		}
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
	}
}

// keep moves a finished file to its name. Where the blob is kept already the new
// file takes its place: the bytes are the same, its age is renewed in the same
// step, and should the old one have rotted on the disk it is sound again.
func (l *Local) keep(temp string, hash store.BlobHash) error {
	l.sweeping.RLock()
	err := l.root.Rename(temp, Path(hash))
	l.sweeping.RUnlock()
	if err != nil {
		return err
	}
	return l.syncDir(shard(hash))
}

func shard(hash store.BlobHash) string { return string(hash[:shardLen]) }

// Path is where, in its folder, Local keeps a blob: the shard and the hash.
func Path(hash store.BlobHash) string { return path.Join(shard(hash), string(hash)) }

// syncDir makes the names in a folder durable.
func (l *Local) syncDir(dir string) error {
	f, err := l.root.Open(dir)
	if err != nil {
		return err
	}
	return durable.Seal(f)
}

// Renew is Store.Renew.
func (l *Local) Renew(_ context.Context, hash store.BlobHash) error {
	if err := checkHash(hash); err != nil {
		return fmt.Errorf("renew blob: %w", err)
	}
	l.sweeping.RLock()
	defer l.sweeping.RUnlock()
	if err := l.root.Chtimes(Path(hash), time.Time{}, time.Now()); err != nil {
		return fmt.Errorf("renew blob: %w", missing(err))
	}
	return nil
}

// Open is Store.Open.
func (l *Local) Open(_ context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error) {
	if err := checkHash(hash); err != nil {
		return nil, 0, fmt.Errorf("open blob: %w", err)
	}
	f, err := l.root.Open(Path(hash))
	if err != nil {
		return nil, 0, fmt.Errorf("open blob: %w", missing(err))
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("open blob: %w", errors.Join(err, f.Close()))
	}
	return f, info.Size(), nil
}

// Stat is Store.Stat.
func (l *Local) Stat(_ context.Context, hash store.BlobHash) (Info, error) {
	if err := checkHash(hash); err != nil {
		return Info{}, fmt.Errorf("stat blob: %w", err)
	}
	info, err := l.stat(hash)
	if err != nil {
		return Info{}, fmt.Errorf("stat blob: %w", missing(err))
	}
	return info, nil
}

func (l *Local) stat(hash store.BlobHash) (Info, error) {
	info, err := l.root.Lstat(Path(hash))
	if err != nil {
		return Info{}, err
	}
	return Info{Hash: hash, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete is Store.Delete.
func (l *Local) Delete(_ context.Context, hash store.BlobHash) error {
	if err := checkHash(hash); err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	if err := l.root.Remove(Path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// Walk is Store.Walk.
func (l *Local) Walk(ctx context.Context, fn func(Info) error) error {
	for _, dir := range shards() {
		err := l.eachFile(ctx, dir, func(file string) error {
			if !IsHash(file) || file[:shardLen] != dir {
				return nil // not one of ours
			}
			info, err := l.stat(store.BlobHash(file))
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted since it was listed
			}
			if err != nil {
				return err
			}
			return fn(info)
		})
		if err != nil {
			return fmt.Errorf("walk blobs: %w", err)
		}
	}
	return nil
}

// listed is how many names of a folder are in memory at a time.
const listed = 1024

// eachFile calls fn with the name of every file of a folder.
func (l *Local) eachFile(ctx context.Context, dir string, fn func(file string) error) error {
	f, err := l.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(listed)
		for _, e := range entries {
			if err := errors.Join(ctx.Err(), fn(e.Name())); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// missing tells a name that is not there in the store's word.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return store.ErrNotFound
	}
	return err
}

// full tells a disk or a quota without room in the store's word.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}
