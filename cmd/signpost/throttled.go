package main

import (
	"context"
	"time"

	"signpost/store"
)

// releaseEvery is how often throttled mail is released: an hour's limit of 2,000 has
// room for 33 in a minute.
const releaseEvery = time.Minute

// tendThrottled releases throttled mail until ctx ends.
func (a *App) tendThrottled(ctx context.Context) error {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for {
		a.releaseThrottled(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) releaseThrottled(ctx context.Context) {
	var all store.Released
	for more := true; more && ctx.Err() == nil; {
		done, err := a.db.ReleaseThrottled(ctx, time.Now(), upkeepBatch)
		if err != nil {
			a.log.Error("throttled mail could not be released", "error", err)
			break
		}
		all.Queued += done.Queued
		all.Suppressed += done.Suppressed
		more = done.Queued+done.Suppressed == upkeepBatch
	}
	if all != (store.Released{}) {
		a.log.Info("throttled mail released", "queued", all.Queued, "suppressed", all.Suppressed)
		a.sender.Kick()
	}
}
