package upkeep

import (
	"context"
	"time"

	"signpost/store"
)

// releaseEvery is how often throttled mail is released: an hour's limit of 2,000 has
// room for 33 in a minute.
const releaseEvery = time.Minute

// RunThrottled releases throttled mail until ctx ends.
func (u *Upkeep) RunThrottled(ctx context.Context) error {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for {
		u.Release(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Release releases the throttled mail for which there is room now.
func (u *Upkeep) Release(ctx context.Context) {
	var all store.Released
	for more := true; more && ctx.Err() == nil; {
		done, err := u.Store.ReleaseThrottled(ctx, time.Now(), batch)
		if err != nil {
			u.Log.Error("throttled mail could not be released", "error", err)
			break
		}
		all.Queued += done.Queued
		all.Suppressed += done.Suppressed
		more = done.Queued+done.Suppressed == batch
	}
	if all != (store.Released{}) {
		u.Log.Info("throttled mail released", "queued", all.Queued, "suppressed", all.Suppressed)
		u.Kick()
	}
}
