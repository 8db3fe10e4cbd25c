package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// Manifest says what a backup holds: no more is restored than it names.
type Manifest struct {
	Format   int       `json:"format"`
	MadeAt   time.Time `json:"made_at"`
	Version  string    `json:"version"`
	Database FileSum   `json:"database"`
	Blobs    int       `json:"attachments"`
	Bytes    int64     `json:"attachment_bytes"`
	// List is the file that names each attachment and its size. Older manifests
	// have none.
	List FileSum `json:"attachment_list,omitzero"`
	// Secret is a fingerprint of the installation's secret, which is not in the
	// backup: without it no link mailed before opens.
	Secret string `json:"secret_fingerprint"`
	// MAC proves that who wrote the rest had that secret. Older manifests have none.
	MAC string `json:"mac,omitempty"`

	missing []store.BlobHash // that the database names and the backup lacks, once it is restored
}

// FileSum is a file's size in bytes and its SHA-256 in hex.
type FileSum struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// maxManifest bounds the manifest, which takes some 700 bytes.
const maxManifest = 64 << 10

const manifestPurpose = "backup manifest"

// digest is of all that the MAC speaks for.
func (m Manifest) digest() ([]byte, error) {
	m.MAC = ""
	text, err := json.Marshal(m)
	sum := sha256.Sum256(text)
	return sum[:], err
}

// sign puts the MAC in.
func (m *Manifest) sign(ring *ident.Ring) error {
	digest, err := m.digest()
	m.MAC = ring.Sign(manifestPurpose, digest)
	return err
}

// Proven fails, with what to do, unless the manifest carries the MAC of one of
// this installation's secrets, of which the ring is made.
func (m Manifest) Proven(ring *ident.Ring, secrets [][]byte) error {
	digest, err := m.digest()
	if err != nil {
		return err
	}
	signed, ok := ring.Verify(manifestPurpose, m.MAC)
	const vouch = "if you know that the folder was not changed, restore it with --unsigned"
	switch {
	case ok && bytes.Equal(signed, digest):
		return nil
	case m.MAC == "":
		return fmt.Errorf("%s carries no MAC: an older Signpost (%q) made the backup, or the line was taken out; %s",
			manifestFile, m.Version, vouch)
	case !m.MadeUnder(secrets):
		return fmt.Errorf("the backup was made under an installation secret (fingerprint %q) that is not here; "+
			"put it back into service.secret_file, or, %s", m.Secret, vouch)
	}
	return fmt.Errorf("%s was changed after the backup was made: its MAC does not fit; take another backup, or, %s",
		manifestFile, vouch)
}

// MadeUnder tells whether one of the secrets is the one that the backup was made
// under, by its own word.
func (m Manifest) MadeUnder(secrets [][]byte) bool {
	return slices.ContainsFunc(secrets, func(secret []byte) bool { return ident.Fingerprint(secret) == m.Secret })
}

// Missing are the attachments that the database names and the backup lacks, once it
// is restored, each by its path in a data folder.
func (m Manifest) Missing() []string {
	names := make([]string, len(m.missing))
	for i, hash := range m.missing {
		names[i] = attachment(hash)
	}
	return names
}

func readManifest(from *os.Root) (m Manifest, err error) {
	f, size, err := openRegular(from, manifestFile)
	if err != nil {
		return m, fmt.Errorf("%s is no backup: %w", from.Name(), err)
	}
	defer f.Close()
	if size > maxManifest {
		return m, fmt.Errorf("%s is no backup: its %s has %d bytes", from.Name(), manifestFile, size)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Format != 1 {
		return m, fmt.Errorf("the backup has format %d, made by a newer Signpost (%q); restore it with that one", m.Format,
			m.Version)
	}
	if m.Database.Size <= 0 || m.Bytes < 0 || m.Blobs < 0 || m.List.Size < 0 {
		return m, fmt.Errorf("%s names sizes that no backup has", manifestFile)
	}
	return m, nil
}

// openRegular opens a file of a backup, which must be a regular one in folders
// that are folders: a link could name any file of this machine, a pipe or a device
// never ends. A file with several names is read as any other: what is restored is
// a copy of its own.
func openRegular(from *os.Root, name string) (f *os.File, size int64, err error) {
	if dir := path.Dir(name); dir != "." {
		if err := isFolder(from, dir); err != nil {
			return nil, 0, err
		}
	}
	before, err := from.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !before.Mode().IsRegular() {
		return nil, 0, irregular(name, before)
	}
	if f, err = from.Open(name); err != nil {
		return nil, 0, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(before, opened) {
		err = fmt.Errorf("%s was replaced while it was opened", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, opened.Size(), nil
}

func isFolder(from *os.Root, name string) error {
	if dir := path.Dir(name); dir != "." {
		if err := isFolder(from, dir); err != nil {
			return err
		}
	}
	info, err := from.Lstat(name)
	if err == nil && !info.IsDir() {
		err = irregular(name, info)
	}
	return err
}

func irregular(name string, info fs.FileInfo) error {
	return fmt.Errorf("%s is no regular file or folder (%s); a backup holds nothing else, so this one was changed", name,
		info.Mode())
}
