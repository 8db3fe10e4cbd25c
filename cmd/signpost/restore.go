package main

import (
	"context"
	"fmt"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/store/ident"
)

// RestoreCmd restores a backup into the configured data folder.
type RestoreCmd struct {
	Config   string `required:"" help:"Configuration file." placeholder:"FILE"`
	From     string `required:"" help:"Folder that backup made." placeholder:"FOLDER" type:"existingdir"`
	Unsigned bool   `help:"Take a backup without a MAC by this installation's secret. You vouch that it was not changed."`
}

// Run restores and says what was restored.
func (c *RestoreCmd) Run(env *environment) error {
	cfg, err := config.LoadWithoutLogins(c.Config, env.environ)
	if err != nil {
		return err
	}
	secrets, err := cfg.Service.Secrets()
	if err != nil {
		return err
	}
	ring, err := ident.New(secrets...)
	if err != nil {
		return err
	}
	proven := func(m archive.Manifest) error { return m.Proven(ring, secrets) }
	if c.Unsigned {
		proven = func(archive.Manifest) error { return nil }
	}
	m, err := archive.Restore(context.Background(), c.From, cfg.Service.Data, proven, time.Now())
	if err != nil {
		return err
	}
	c.notes(env, cfg.Service.Data, m, secrets)
	_, err = fmt.Fprintf(env.stdout, "Restored the backup of %s: %d attachments. "+
		"Mail that arrived before now is recorded but not answered.\n", m.MadeAt.Format(time.RFC3339), m.Blobs)
	return err
}

// notes tells what is left to be done by the operator.
func (c *RestoreCmd) notes(env *environment, data string, m archive.Manifest, secrets [][]byte) {
	if !m.MadeUnder(secrets) {
		fmt.Fprintln(env.stderr, "Note: the installation secret is not the one this backup was made under. Until it is "+
			"put back, links mailed before do not open, and agents with two-step sign-in need a recovery code or "+
			"signpost agent add --update.")
	}
	if archive.BelongsToRoot(data) {
		fmt.Fprintf(env.stderr, "Note: the data folder belongs to root. Where serve runs as another user: chown -R USER %s\n",
			data)
	}
	if missing := m.Missing(); len(missing) > 0 {
		fmt.Fprintf(env.stderr, "Note: attachments that tickets and mails name are not in this backup: %d, such as %s.\n",
			len(missing), missing[0])
	}
}
