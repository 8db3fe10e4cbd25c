package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// exampleConfig is the commented configuration that init writes; a test holds
// it to parse without a fault.
//
//go:embed signpost.example.toml
var exampleConfig string

// InitCmd writes a commented configuration and an installation secret.
type InitCmd struct {
	File string `arg:"" optional:"" default:"signpost.toml" help:"Where to write it (${default})."`
}

// Run writes both files, never over one that is there.
func (c *InitCmd) Run(env *environment) error {
	secretFile := filepath.Join(filepath.Dir(c.File), "signpost.secret")
	absolute, err := filepath.Abs(secretFile)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(exampleConfig, "/etc/signpost/signpost.secret", absolute)
	if err := writeNew(c.File, []byte(text), 0o644); err != nil {
		return err
	}
	switch err := writeNew(secretFile, newSecret(), 0o600); {
	case errors.Is(err, os.ErrExist):
		fmt.Fprintf(env.stdout, "Kept the secret in %s.\n", secretFile)
	case err != nil:
		return err
	default:
		fmt.Fprintf(env.stdout, "Made a secret in %s. Keep a copy beside your backups: without it no mailed link opens.\n", secretFile)
	}
	fmt.Fprintf(env.stdout, "Wrote %s. Fill it in, then:\n\n    signpost check --config %s\n    signpost serve --config %s\n", c.File, c.File, c.File)
	return nil
}

// newSecret is a fresh installation secret as text.
func newSecret() []byte {
	var raw [32]byte
	rand.Read(raw[:])
	return []byte(base64.StdEncoding.EncodeToString(raw[:]) + "\n")
}

// writeNew creates a file and refuses to replace one.
func writeNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w; name another file, or move that one away", err)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
