package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"signpost/store/blob"
	"signpost/store/bolt"
)

// RestoreCmd restores a backup into the configured data folder.
type RestoreCmd struct {
	Config string `required:"" help:"Configuration file." placeholder:"FILE"`
	From   string `required:"" help:"Folder that backup made." placeholder:"FOLDER" type:"existingdir"`
}

// Run restores and says what was restored.
func (c *RestoreCmd) Run(env *environment) error {
	cfg, err := loadWithoutLogins(c.Config, env.environ)
	if err != nil {
		return err
	}
	secrets, err := cfg.Service.Secrets()
	if err != nil {
		return err
	}
	m, err := restore(context.Background(), c.From, cfg.Service.Data, time.Now())
	if err != nil {
		return err
	}
	if fingerprint(secrets[0]) != m.Secret {
		fmt.Fprintln(env.stderr, "Note: the installation secret is not the one this backup was made under. Links mailed before will not open until it is put back.")
	}
	_, err = fmt.Fprintf(env.stdout, "Restored the backup of %s: %d attachments. Mail that arrived before now is recorded but not answered.\n", m.MadeAt.Format(time.RFC3339), m.Blobs)
	return err
}

// restoringFolder is where a restore works, within the data folder: that may be a
// mount or belong to another user than what is above it. While it is there the
// folder is no data folder.
const restoringFolder = ".restoring"

// restore copies a backup into a data folder that is empty or missing. It checks
// every byte against the manifest and the database against itself before the
// files get their names, and stops automatic answers to mail that arrived before
// now, since answers given after the backup are not in it.
func restore(ctx context.Context, from, data string, now time.Time) (Manifest, error) {
	m, err := readManifest(from)
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	partial := filepath.Join(data, restoringFolder)
	if err := clearForRestore(data, partial); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if err := m.restoreInto(ctx, from, partial, now); err != nil {
		os.RemoveAll(partial)
		return m, fmt.Errorf("restore: %w", err)
	}
	for _, name := range []string{blobFolder, databaseFile} {
		if err := os.Rename(filepath.Join(partial, name), filepath.Join(data, name)); err != nil {
			return m, err
		}
	}
	if err := syncDir(data); err != nil {
		return m, err
	}
	if err := os.RemoveAll(partial); err != nil {
		return m, err
	}
	return m, errors.Join(syncDir(data), syncDir(filepath.Dir(data)))
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

// restored refuses a data folder whose restore was cut short.
func restored(data string) error {
	if _, err := os.Stat(filepath.Join(data, restoringFolder)); err == nil {
		return fmt.Errorf("a restore into %s did not end; run it again", data)
	}
	return nil
}

func readManifest(from string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(from, manifestFile))
	if err != nil {
		return m, fmt.Errorf("%s is no backup: %w", from, err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Format != 1 {
		return m, fmt.Errorf("the backup has format %d, made by a newer Signpost (%s); restore it with that one", m.Format, m.Version)
	}
	return m, nil
}

func (m Manifest) restoreInto(ctx context.Context, from, partial string, now time.Time) error {
	if err := m.copyDatabase(filepath.Join(from, databaseFile), filepath.Join(partial, databaseFile)); err != nil {
		return err
	}
	kept, err := blob.Open(filepath.Join(from, blobFolder))
	if err != nil {
		return err
	}
	defer kept.Close()
	count, _, err := copyBlobs(ctx, kept, filepath.Join(partial, blobFolder))
	if err != nil {
		return err
	}
	if count != m.Blobs {
		return fmt.Errorf("the backup holds %d attachments, its manifest says %d", count, m.Blobs)
	}
	db, err := bolt.Open(filepath.Join(partial, databaseFile), bolt.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Check(ctx); err != nil {
		return err
	}
	return db.MarkRestored(ctx, now)
}

func (m Manifest) copyDatabase(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := writeSum(to, func(w io.Writer) error {
		_, err := io.Copy(w, io.TeeReader(f, hash))
		return err
	}); err != nil {
		return err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != m.Database.SHA256 {
		return fmt.Errorf("%s is damaged: its SHA-256 is %s, the manifest says %s", databaseFile, sum, m.Database.SHA256)
	}
	return nil
}
