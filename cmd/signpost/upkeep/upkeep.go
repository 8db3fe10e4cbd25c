package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"signpost/store"
	"signpost/store/blob"
)

const (
	// every: what expires does so by the hour or the day.
	every = 10 * time.Minute
	// batch is how many rows one transaction of upkeep may drop, so that
	// it never holds up a partner's post.
	batch = 500
	// orphanAge is how long an attachment that no entry names is kept: longer
	// than any form is carried through a refusal.
	orphanAge = 48 * time.Hour
)

// Store is the part of the store that forgets.
type Store interface {
	Housekeep(ctx context.Context, now time.Time, limit int) (int, error)
	PullOutbounds(ctx context.Context, now, latest time.Time, limit int) (int, error)
	DropAudits(ctx context.Context, before time.Time, limit int) (int, error)
	DropRaws(ctx context.Context, before time.Time, total uint64, limit int) (int, error)
	BlobsReferenced(ctx context.Context, hashes []store.BlobHash) ([]bool, error)
	ReleaseThrottled(ctx context.Context, now time.Time, limit int) (store.Released, error)
}

// Upkeep is what it tends, and how long what is kept.
type Upkeep struct {
	Store       Store
	Blobs       *blob.Local
	Kick        func() // tells the sender that mail is due
	Log         *slog.Logger
	LongestWait time.Duration // of a mail in the outbox
	RawDays     int           // for which raw mails are kept
	RawTotal    uint64        // bytes that all of them take at the most
	AuditDays   int           // for which the audit log is kept
}

// Run drops what has expired, and makes due what a wrong clock put off, until ctx ends.
func (u *Upkeep) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		u.housekeep(ctx)
		u.pullOutbounds(ctx)
		u.dropRaws(ctx)
		u.dropAudits(ctx)
		u.sweep(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// pullOutbounds makes due what a clock that was wrong put off.
func (u *Upkeep) pullOutbounds(ctx context.Context) {
	now := time.Now()
	n, err := u.Store.PullOutbounds(ctx, now, now.Add(u.LongestWait), batch)
	switch {
	case err != nil:
		u.Log.Error("mails put off too long could not be looked for", "error", err)
	case n > 0:
		u.Log.Warn("mails were put off by a clock that was wrong, and are due now", "mails", n)
		u.Kick()
	}
}

func (u *Upkeep) housekeep(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := u.Store.Housekeep(ctx, time.Now(), batch)
		if err != nil {
			u.Log.Error("expired rows could not be dropped", "error", err)
			return
		}
		if n < batch {
			return
		}
	}
}

// dropRaws drops the raw mails that are kept no longer.
func (u *Upkeep) dropRaws(ctx context.Context) {
	before := time.Now().AddDate(0, 0, -u.RawDays)
	dropped := 0
	for ctx.Err() == nil {
		n, err := u.Store.DropRaws(ctx, before, u.RawTotal, batch)
		if err != nil {
			u.Log.Error("raw mails could not be dropped", "error", err)
			return
		}
		if dropped += n; n < batch {
			break
		}
	}
	if dropped > 0 {
		u.Log.Info("raw mails dropped: too old, or too many", "mails", dropped)
	}
}

// dropAudits drops the rows of the audit log that are kept no longer.
func (u *Upkeep) dropAudits(ctx context.Context) {
	before := time.Now().AddDate(0, 0, -u.AuditDays)
	dropped := 0
	for ctx.Err() == nil {
		n, err := u.Store.DropAudits(ctx, before, batch)
		if err != nil {
			u.Log.Error("old rows of the audit log could not be dropped", "error", err)
			return
		}
		if dropped += n; n < batch {
			break
		}
	}
	if dropped > 0 {
		u.Log.Info("rows of the audit log dropped: too old", "rows", dropped)
	}
}

func (u *Upkeep) sweep(ctx context.Context) {
	files, bytes, err := u.Blobs.Sweep(ctx, time.Now().Add(-orphanAge), u.Store.BlobsReferenced)
	switch {
	case errors.Is(err, blob.ErrHeld), errors.Is(err, context.Canceled): // a backup runs, or we stop
	case err != nil:
		u.Log.Error("unreferenced attachments could not be swept", "error", err)
	case files > 0:
		u.Log.Info("unreferenced attachments swept", "files", files, "bytes", bytes)
	}
}
