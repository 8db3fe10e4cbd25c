package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"signpost/intake/form"
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

// throttledTroubles tells of confirmations that wait for room in a limit: from so
// many on (0: never), and always where the limit over all is what they wait for.
func throttledTroubles(stats store.Stats, floor int) []store.Trouble {
	waiting := int(stats.Outbounds[store.StateThrottled])
	stopped := stats.Throttled[form.BudgetAll]+stats.Throttled[form.BudgetAllDay] > 0
	if !stopped && (floor <= 0 || waiting < floor) {
		return nil
	}
	t := store.Trouble{
		Key: "confirmations", What: fmt.Sprintf("%d confirmations wait for room in a limit (%s)", waiting,
			byBudget(stats.Throttled)), Level: 1,
		Do: "Requests are taken all the same, and the confirmations leave when there is room. Is it a flood of posts, or " +
			"many partners at once? /ops/queue#throttled shows whom they are for; the limits are the confirmations_ keys " +
			"of [form].",
	}
	if floor > 0 {
		t.Level = max(1, level(waiting, floor, 10*floor, 100*floor))
	}
	if stopped {
		t.What = "the limit over all confirmations is spent: " + t.What
		t.Level = max(2, t.Level)
	}
	return []store.Trouble{t}
}

// byBudget names what mail waits for, the most frequent first.
func byBudget(waiting map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(waiting), func(a, b string) int {
		return cmp.Or(cmp.Compare(waiting[b], waiting[a]), cmp.Compare(a, b))
	})
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = fmt.Sprintf("%s: %d", name, waiting[name])
	}
	return strings.Join(words, ", ")
}
