package main

import (
	"context"
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

// buildCanary makes the canary with the mailbox it looks into, which no watcher reads:
// what comes to it is not answered.
func (a *App) buildCanary(box watch.Mailbox) (err error) {
	a.canary, err = canary.New(a.cfg.ForCanary(), canary.Deps{
		Store: a.db, Mailbox: watch.New(box, watch.Deps{Ring: a.ring, Catalogue: a.texts, Log: a.log}), Ring: a.ring,
		Trusted: a.cfg.Trust,
		Kick:    a.sender.Kick, Log: a.log,
		Ended: func(r store.CanaryRun) {
			a.metrics.CanaryRan(r)
			a.alarms.Kick()
		},
	})
	return err
}

// runCanary is the stage of the canary.
func (a *App) runCanary(ctx context.Context) error {
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
