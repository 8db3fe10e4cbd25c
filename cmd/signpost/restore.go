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
	cfg, err := loadConfig(c.Config, env.environ)
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

// restore copies a backup into a data folder that is empty or missing. It checks
// every byte against the manifest and the database against itself before the
// folder gets its name, and stops automatic answers to mail that arrived before
// now, since answers given after the backup are not in it.
func restore(ctx context.Context, from, data string, now time.Time) (Manifest, error) {
	m, err := readManifest(from)
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if err := os.Remove(data); err != nil && !errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("restore: %s is not empty; move it away first", data)
	}
	partial := data + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return m, err
	}
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return m, err
	}
	if err := m.restoreInto(ctx, from, partial, now); err != nil {
		os.RemoveAll(partial)
		return m, fmt.Errorf("restore: %w", err)
	}
	if err := os.Rename(partial, data); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(data))
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
