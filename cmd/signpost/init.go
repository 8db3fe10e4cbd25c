package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/secret"
	"signpost/store/durable"
)

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
	text := strings.ReplaceAll(config.Example, config.ExampleSecretFile, absolute)
	if err := durable.Create(c.File, 0o644, durable.Bytes([]byte(text))); err != nil {
		return refusedToReplace(err)
	}
	switch err := durable.Create(secretFile, 0o600, durable.Bytes(newSecret())); {
	case errors.Is(err, os.ErrExist):
		fmt.Fprintf(env.stdout, "Kept the secret in %s.\n", secretFile)
	case err != nil:
		return err
	default:
		fmt.Fprintf(env.stdout, "Made a secret in %s. Keep a copy beside your backups: without it no mailed link opens.\n",
			secretFile)
	}
	fmt.Fprintf(env.stdout, "Wrote %s. Fill it in, then:\n\n    signpost check --config %s\n    signpost serve "+
		"--config %s\n", c.File, c.File, c.File)
	return nil
}

// refusedToReplace says what to do where a file is there already.
func refusedToReplace(err error) error {
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w; name another file, or move that one away", err)
	}
	return err
}

// newSecret is a fresh installation secret as text.
func newSecret() []byte { return []byte(secret.Fresh() + "\n") }
