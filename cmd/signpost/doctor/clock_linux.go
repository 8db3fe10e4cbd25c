package doctor

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ClockState asks the kernel whether something keeps its clock right.
func ClockState() Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Clock{Unknown: fmt.Sprintf("the kernel does not say whether the clock is right: %v", err)}
	}
	return Clock{
		Kept: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		Off:  time.Duration(t.Maxerror) * time.Microsecond,
	}
}
