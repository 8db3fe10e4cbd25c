package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/intake/ops"
	"signpost/mail/canary"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/ident"
)

// canaryMark recognises the canary's strays; nil when it is off.
func canaryMark(cfg config.Config, ring *ident.Ring) func(sender, mark string, now time.Time) (string, bool) {
	if !cfg.Canary.On {
		return nil
	}
	return canary.Recognise(ring, cfg.Canary.Address)
}

// buildCanary makes the canary with the mailbox it looks into, which nobody
// watches: what comes to it is answered by nobody.
func (a *App) buildCanary(box watch.Mailbox) (err error) {
	a.canary, err = canary.New(a.cfg.ForCanary(), canary.Deps{
		Store: a.db, Mailbox: watch.New(box, watch.Deps{Ring: a.ring, Catalogue: a.texts, Log: a.log}), Ring: a.ring,
		Trusted: a.cfg.Trust,
		Kick:    a.sender.Kick, Log: a.log,
		Ended: func(r store.CanaryRun) {
			a.metrics.CanaryRan(r)
			a.alarms.kick()
		},
	})
	return err
}

// fly is the stage of the canary.
func (a *App) fly(ctx context.Context) error {
	if a.canary == nil {
		<-ctx.Done()
		return nil
	}
	return a.canary.Run(ctx)
}

// canaryPage is what /ops/health needs of the canary.
func (a *App) canaryPage() *ops.Canary {
	if a.canary == nil {
		return nil
	}
	return &ops.Canary{Address: a.cfg.Canary.Address, Every: a.cfg.Canary.Every, Try: a.canary.Try}
}

const canaryLooked = 200 // runs

// canaryTroubles tells of regions whose last run failed, and of a canary that
// flies no more.
func (a *App) canaryTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	if a.canary == nil {
		return nil
	}
	runs, err := a.db.CanaryRuns(ctx, 0, canaryLooked)
	if err != nil {
		return nil // a store that cannot be read is told of by itself
	}
	for _, region := range a.cfg.Regions() {
		failed := failedSince(runs, region.ID)
		if len(failed) == 0 {
			continue
		}
		often := ""
		if len(failed) > 1 {
			often = fmt.Sprintf(" %d times in a row", len(failed))
		}
		list = append(list, store.Trouble{
			Key: "canary/" + region.ID, What: fmt.Sprintf("the canary of region %s failed%s: %s", region.ID, often, strings.Join(failed[0].Faults, "; ")),
			Do:    "Partners may be in the same case: no confirmation, or no answer to a stray mail. /ops/health shows its last runs and what the hosts state of our mail.",
			Level: level(len(failed), 1, 3, 10),
		})
	}
	since := a.began
	if len(runs) > 0 && runs[0].StartedAt.After(since) {
		since = runs[0].StartedAt
	}
	if every := a.cfg.Canary.Every; every > 0 && now.Sub(since) > 2*every+a.cfg.Canary.Limit {
		list = append(list, store.Trouble{
			Key: "canary-silent", What: "the canary has not set out since " + since.UTC().Format("2 Jan 15:04 UTC"), Level: 1,
			Do: "The log of the service says why: it could not write its run.",
		})
	}
	return list
}

// failedSince are a region's runs since one passed, of runs that are newest first.
func failedSince(runs []store.CanaryRun, region string) (failed []store.CanaryRun) {
	for _, r := range runs {
		switch {
		case r.Region != region || r.EndedAt.IsZero():
		case r.Passed():
			return failed
		default:
			failed = append(failed, r)
		}
	}
	return failed
}
