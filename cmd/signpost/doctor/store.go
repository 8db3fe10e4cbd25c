package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"signpost/cmd/signpost/config"
	"signpost/store/blob"
)

// checkStore opens the database, or asks whether the service that holds it
// answers.
func (d Deps) checkStore(ctx context.Context, cfg config.Config, r *report) {
	heading := "Data folder " + cfg.Service.Data
	if d.Running() {
		r.good(heading, "a service runs on it")
		return
	}
	if !cfg.Service.Stored() {
		if err := mayMake(cfg.Service.Data); err != nil {
			r.fail(heading, "%v\nMake the folder, and give it to the user under which signpost serve runs; check as "+
				"that user.", err)
			return
		}
		r.good(heading, "nothing is stored in it yet; serve makes what it needs")
		return
	}
	db, err := d.Open()
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	defer db.Close()
	if err := storeWhole(ctx, db); err != nil {
		r.fail(heading, "the database contradicts itself:\n%v\nRestore the newest backup beside it and compare.", err)
		return
	}
	r.good(heading, "the database is whole")
	checkAttachments(ctx, heading, db, cfg, r)
}

// mayMake tries whether a folder can be made and written to by this user, and
// leaves nothing behind: in the folder itself, or in the first above it that is there.
func mayMake(folder string) error {
	for {
		trial, err := os.MkdirTemp(folder, ".signpost-check-")
		switch {
		case err == nil:
			return os.Remove(trial)
		case !errors.Is(err, os.ErrNotExist) || filepath.Dir(folder) == folder:
			return err
		}
		folder = filepath.Dir(folder)
	}
}

// checkAttachments looks for each attachment that tickets and mails name.
func checkAttachments(ctx context.Context, heading string, db blob.Names, cfg config.Config, r *report) {
	blobs, err := blob.Open(cfg.Service.Blobs())
	if err != nil {
		return // checkBlobs tells of it
	}
	defer blobs.Close()
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	looked, missing, err := blob.Missing(ctx, db, blobs)
	if len(missing) > 0 {
		r.fail(heading, "attachments that tickets and mails name are missing: %d of %d, such as %s\n"+
			"Put them back from a backup, each under its name.", len(missing), looked,
			filepath.Join(config.BlobFolder, blob.Path(missing[0])))
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		r.warn(heading, "%d attachments were looked for within %v, not all; give a longer --timeout", looked, r.timeout)
	case err != nil:
		r.fail(heading, "attachments: %v", err)
	case len(missing) == 0:
		r.good(heading, "every attachment that tickets and mails name is there (%d)", looked)
	}
}

func storeWhole(ctx context.Context, db Database) error {
	if err := db.Check(ctx); err != nil {
		return err
	}
	_, err := db.Stats(ctx)
	return err
}

// checkBlobs writes and reads back an attachment.
func checkBlobs(ctx context.Context, cfg config.Config, r *report) {
	heading := "Data folder " + cfg.Service.Data
	if !cfg.Service.Stored() {
		return // checkStore said so
	}
	if err := roundTrip(ctx, cfg); err != nil {
		r.fail(heading, "attachments: %v", err)
		return
	}
	r.good(heading, "attachments can be written and read")
}

func roundTrip(ctx context.Context, cfg config.Config) error {
	blobs, err := blob.Open(cfg.Service.Blobs())
	if err != nil {
		return err
	}
	defer blobs.Close()
	const text = "signpost check"
	hash, _, err := blobs.Put(ctx, bytes.NewReader([]byte(text)), 1<<10)
	if err != nil {
		return err
	}
	f, size, err := blobs.Open(ctx, hash)
	if err != nil {
		return err
	}
	defer f.Close()
	if size != int64(len(text)) {
		return fmt.Errorf("wrote %d bytes, read %d", len(text), size)
	}
	return blobs.Delete(ctx, hash)
}
