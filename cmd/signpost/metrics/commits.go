package metrics

import (
	"slices"
	"sync"
	"time"
)

// Commits are the median and the 99th percentile of the time that the last n commits
// took.
func (m *Metrics) Commits() (p50, p99 time.Duration, n int) { return m.recent.quantiles() }

// recent are the last commits' times. It is safe for concurrent use.
type recent struct {
	mu   sync.Mutex
	took [1024]time.Duration
	n    int // how many there were in all
}

func (r *recent) add(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took[r.n%len(r.took)] = d
	r.n++
}

// quantiles are the median and the 99th percentile of the n kept.
func (r *recent) quantiles() (p50, p99 time.Duration, n int) {
	r.mu.Lock()
	n = min(r.n, len(r.took))
	all := slices.Clone(r.took[:n])
	r.mu.Unlock()
	if n == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	return all[n/2], all[n*99/100], n
}
