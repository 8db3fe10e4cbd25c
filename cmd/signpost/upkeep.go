package main

import (
	"context"
	"errors"
	"time"

	"signpost/store/blob"
)

const (
	// upkeepEvery: what expires does so by the hour or the day.
	upkeepEvery = 10 * time.Minute
	// upkeepBatch is how many rows one transaction of upkeep may drop, so that
	// it never holds up a partner's post.
	upkeepBatch = 500
	// orphanAge is how long an attachment that no entry names is kept: longer
	// than any form is carried through a refusal.
	orphanAge = 48 * time.Hour
)

// upkeep drops what has expired until ctx ends.
func (a *App) upkeep(ctx context.Context) error {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		a.housekeep(ctx)
		a.pullOutbounds(ctx)
		a.dropRaws(ctx)
		a.sweep(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// takeOver ends what the process before this one had under way: the store's file
// has one owner, so whatever is claimed now nobody sends.
func (a *App) takeOver(ctx context.Context) error {
	n, err := a.db.EndLeases(ctx, time.Now())
	if n > 0 {
		a.log.Info("mails taken over from a process that ended", "mails", n)
	}
	return err
}

// pullOutbounds makes due what a clock that was wrong put off.
func (a *App) pullOutbounds(ctx context.Context) {
	now := time.Now()
	n, err := a.db.PullOutbounds(ctx, now, now.Add(a.longestWait), upkeepBatch)
	switch {
	case err != nil:
		a.log.Error("mails put off too long could not be looked for", "error", err)
	case n > 0:
		a.log.Warn("mails were put off by a clock that was wrong, and are due now", "mails", n)
		a.sender.Kick()
	}
}

func (a *App) housekeep(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := a.db.Housekeep(ctx, time.Now(), upkeepBatch)
		if err != nil {
			a.log.Error("expired rows could not be dropped", "error", err)
			return
		}
		if n < upkeepBatch {
			return
		}
	}
}

// dropRaws drops the raw mails that are kept no longer.
func (a *App) dropRaws(ctx context.Context) {
	before := time.Now().AddDate(0, 0, -a.cfg.Ledger.RawDays)
	dropped := 0
	for ctx.Err() == nil {
		n, err := a.db.DropRaws(ctx, before, uint64(a.cfg.Ledger.RawTotal), upkeepBatch)
		if err != nil {
			a.log.Error("raw mails could not be dropped", "error", err)
			return
		}
		if dropped += n; n < upkeepBatch {
			break
		}
	}
	if dropped > 0 {
		a.log.Info("raw mails dropped: too old, or too many", "mails", dropped)
	}
}

func (a *App) sweep(ctx context.Context) {
	files, bytes, err := a.blobs.Sweep(ctx, time.Now().Add(-orphanAge), a.db.BlobsReferenced)
	switch {
	case errors.Is(err, blob.ErrHeld), errors.Is(err, context.Canceled): // a backup runs, or we stop
	case err != nil:
		a.log.Error("unreferenced attachments could not be swept", "error", err)
	case files > 0:
		a.log.Info("unreferenced attachments swept", "files", files, "bytes", bytes)
	}
}
