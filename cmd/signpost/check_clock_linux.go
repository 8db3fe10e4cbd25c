package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clockState asks the kernel whether something keeps its clock right.
func clockState() clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return clock{unknown: fmt.Sprintf("the kernel does not say whether the clock is right: %v", err)}
	}
	return clock{
		kept: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		off:  time.Duration(t.Maxerror) * time.Microsecond,
	}
}
