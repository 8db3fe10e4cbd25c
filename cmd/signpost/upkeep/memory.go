package upkeep

import (
	"context"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	// collectAt lets the heap grow to four times what lives in it before it is
	// collected: little lives in it between posts, and collecting is dear beside
	// them.
	collectAt = 300
	// memoryFloor is what the service may use before it collects more often: the
	// whole service with a million tickets and 256 clients stays within it.
	memoryFloor = 58 << 20
	// memoryRoom keeps the limit this far above what lives, so that a service
	// which really needs more does not spend its time collecting.
	memoryRoom = 2
	// memoryEvery is how often the limit is looked at.
	memoryEvery = 5 * time.Second
)

// TendMemory keeps the garbage collector lazy while memory is small and the
// limit out of the way where more is really needed, until ctx ends. What the
// environment says (GOGC, GOMEMLIMIT) goes before.
func TendMemory(ctx context.Context) error {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		<-ctx.Done()
		return nil
	}
	debug.SetGCPercent(collectAt)
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		debug.SetMemoryLimit(max(memoryFloor, memoryRoom*Living()))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Living is how many bytes the last collection found in use.
func Living() int64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
