package main

import (
	"context"
	"time"

	"signpost/cmd/signpost/config"
)

// clock is how the machine's clock is kept.
type clock struct {
	unknown string // why nobody knows
	kept    bool
	off     time.Duration // at most
}

// checkClock tells whether something keeps the clock right: promises, links and
// budgets all hang on it.
func checkClock(_ context.Context, _ config.Config, r *report) {
	switch state := clockState(); {
	case state.unknown != "":
		r.warn("Clock", "%s; promised dates hang on it", state.unknown)
	case !state.kept:
		r.warn("Clock", "nothing keeps the clock of this machine right\nInstall chrony or switch on systemd-timesyncd: promised dates hang on it.")
	default:
		r.good("Clock", "kept right, off by at most %d ms", state.off.Milliseconds())
	}
}
