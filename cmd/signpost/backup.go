package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"signpost/cmd/signpost/archive"
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
	switch err := archive.Check(context.Background(), to); {
	case errors.Is(err, archive.ErrOtherVersion):
		fmt.Fprintln(env.stderr, "Note: the backup is not checked: the service that made it is another version of "+
			"signpost. Restart the service.")
	case err != nil:
		return fmt.Errorf("the backup is made, but what was copied is not whole; keep the older backups:\n%w", err)
	}
	_, err = fmt.Fprintf(env.stdout, "Backed up %d bytes of database and %d attachments (%d bytes) to %s.\nKeep the "+
		"installation secret with it: it is not in the backup.\n",
		m.Database.Size, m.Blobs, m.Bytes, to)
	return err
}
