package doctor

import (
	"context"
	"time"

	"signpost/cmd/signpost/config"
)

// Clock is how the machine's clock is kept.
type Clock struct {
	Unknown string // why that is not known
	Kept    bool
	Off     time.Duration // at most
}

// checkClock tells whether something keeps the clock right: promises, links and
// budgets all hang on it.
func checkClock(_ context.Context, _ config.Config, r *report) {
	switch state := ClockState(); {
	case state.Unknown != "":
		r.warn("Clock", "%s; promised dates hang on it", state.Unknown)
	case !state.Kept:
		r.warn("Clock", "nothing keeps the clock of this machine right\nInstall chrony or switch on systemd-timesyncd: "+
			"promised dates hang on it.")
	default:
		r.good("Clock", "kept right, off by at most %d ms", state.Off.Milliseconds())
	}
}
