package main

import (
	"context"

	"golang.org/x/sys/unix"
)

// checkClock asks the kernel whether something keeps its clock right: promises,
// links and budgets all hang on it.
func checkClock(_ context.Context, _ Config, r *report) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	switch {
	case err != nil:
		r.warn("Clock", "the kernel does not say whether the clock is right: %v", err)
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		r.warn("Clock", "nothing keeps the clock of this machine right\nInstall chrony or switch on systemd-timesyncd: promised dates hang on it.")
	default:
		r.good("Clock", "kept right, off by at most %d ms", t.Maxerror/1000)
	}
}
