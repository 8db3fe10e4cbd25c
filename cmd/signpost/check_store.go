package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"signpost/store/bolt"
)

// checkStore opens the database, or asks whether the service that holds it
// lives.
func checkStore(ctx context.Context, cfg Config, r *report) {
	heading := "Data folder " + cfg.Service.Data
	if _, running := dialControl(cfg.Service.Data); running {
		r.good(heading, "a service runs on it")
		return
	}
	if _, err := os.Stat(cfg.Service.Data); errors.Is(err, os.ErrNotExist) {
		r.good(heading, "not there yet; serve makes it")
		return
	}
	db, err := openStore(cfg.Service, newMetrics(), slog.New(slog.DiscardHandler))
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
}

func storeWhole(ctx context.Context, db *bolt.DB) error {
	if err := db.Check(ctx); err != nil {
		return err
	}
	_, err := db.Stats(ctx)
	return err
}

// checkBlobs writes and reads back an attachment.
func checkBlobs(ctx context.Context, cfg Config, r *report) {
	heading := "Data folder " + cfg.Service.Data
	if _, err := os.Stat(cfg.Service.Data); errors.Is(err, os.ErrNotExist) {
		return // checkStore said so
	}
	if err := roundTrip(ctx, cfg); err != nil {
		r.fail(heading, "attachments: %v", err)
		return
	}
	r.good(heading, "attachments can be written and read")
}

func roundTrip(ctx context.Context, cfg Config) error {
	blobs, err := openBlobs(cfg.Service)
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
