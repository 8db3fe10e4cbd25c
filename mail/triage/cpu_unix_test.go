//go:build unix

package triage

import (
	"syscall"
	"time"
)

// cpuTime is what the process has computed so far: a busy machine must not fail a
// test.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
