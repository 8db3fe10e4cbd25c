package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config/configtest"
	"signpost/store"
)

// proven is how a restore with the demo's secret judges a manifest.
func (d *demo) proven(m archive.Manifest) error {
	secrets, err := d.app.cfg.Service.Secrets()
	if err != nil {
		return err
	}
	return m.Proven(d.app.ring, secrets)
}

// backedUp is a backup of a few tickets with files; before, change had its hand on
// the demo that holds them.
func backedUp(t *testing.T, change func(*demo)) (folder string) {
	t.Helper()
	d := startDemo(t)
	for i := range 3 {
		files := map[string]string{"log.txt": fmt.Sprintf("log of partner %d", i)}
		if status, answer := contact(t, d.url(), request(fmt.Sprintf("p%d@example.net", i), "US"), files); status != 201 {
			t.Fatalf("%d %v", status, answer)
		}
	}
	change(d)
	folder = filepath.Join(t.TempDir(), "backup")
	if _, err := d.app.Backup(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestAttachmentsThatAreNotThereAreTold by a restore, which brings back what there is.
func TestAttachmentsThatAreNotThereAreTold(t *testing.T) {
	t.Parallel()
	var lost store.BlobHash
	folder := backedUp(t, func(d *demo) {
		hashes, err := store.Items(d.app.db.ListBlobs(t.Context(), store.Page{Limit: 1}))
		if err == nil {
			lost, err = hashes[0], d.app.blobs.Delete(t.Context(), hashes[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	file := operated(t, filepath.Join(t.TempDir(), "data"))
	code, out, errs := typed(t, configtest.Secrets(), "restore", "--config", file, "--from", folder, "--unsigned")
	if code != 0 || !strings.Contains(out, "2 attachments") ||
		!strings.Contains(errs, "are not in this backup: 1, such as blobs/"+string(lost[:2])+"/"+string(lost)) {
		t.Errorf("restore: %d %s%s", code, out, errs)
	}
}

// TestAnOperatorVouchesOnTheCommandLine for a backup made under a lost secret.
func TestAnOperatorVouchesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	folder := backedUp(t, func(*demo) {})
	file := operated(t, filepath.Join(t.TempDir(), "data"))
	code, out, errs := typed(t, configtest.Secrets(), "restore", "--config", file, "--from", folder)
	if code != 1 || !strings.Contains(errs, "--unsigned") || !strings.Contains(errs, "fingerprint") {
		t.Errorf("without a word of the operator's: %d %s%s", code, out, errs)
	}
	code, out, errs = typed(t, configtest.Secrets(), "restore", "--config", file, "--from", folder, "--unsigned")
	if code != 0 || !strings.Contains(out, "3 attachments") || !strings.Contains(errs, "recovery code") {
		t.Errorf("with one: %d %s%s", code, out, errs)
	}
}
