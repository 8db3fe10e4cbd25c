package guard

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// limiterKeys bounds the memory of a Limiter to a few megabytes. When there are
// more keys than that at once, the one of a few that is closest to a fresh start
// is forgotten: hardly ever one that is being refused.
const limiterKeys = 1 << 16

// Limiter lets each key pass so many times in a window. It counts smoothly: a
// key that has used up its window's worth gets its next turn after a window
// divided by the number, and is as new after a whole quiet window. It is safe
// for concurrent use.
type Limiter struct {
	window time.Duration
	every  time.Duration // one turn
	seed   maphash.Seed  // keys are hashed: nobody can choose colliding ones

	mu sync.Mutex
	// full holds when each key's window will be empty again (the theoretical
	// arrival time of the generic cell rate algorithm).
	full *bounded[uint64, struct{}]
}

// NewLimiter lets each key pass limit times a window. A limit or window of 0 or
// less lets everything pass.
func NewLimiter(limit int, window time.Duration) *Limiter {
	l := &Limiter{window: window, seed: maphash.MakeSeed(), full: newBounded[uint64, struct{}](limiterKeys)}
	if limit > 0 && window > 0 {
		l.every = max(window/time.Duration(limit), 1)
	}
	return l
}

// Allow takes one of the key's turns, or tells after how long there will be one.
// A refusal takes none.
func (l *Limiter) Allow(key string, now time.Time) (ok bool, retryAfter time.Duration) {
	if l.every == 0 {
		return true, 0
	}
	id := maphash.String(l.seed, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	full := now
	// No window is full for longer than itself, unless the clock was set back:
	// that must lock nobody out.
	if e := l.full.entries[id]; e.until.After(now) && e.until.Sub(now) <= l.window {
		full = e.until
	}
	full = full.Add(l.every)
	if wait := full.Sub(now) - l.window; wait > 0 {
		return false, wait
	}
	l.full.put(id, struct{}{}, full, now)
	return true, 0
}

// Return gives the key back a turn that it took, for a limit that is to count
// failures alone.
func (l *Limiter) Return(key string, now time.Time) {
	if l.every == 0 {
		return
	}
	id := maphash.String(l.seed, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.full.entries[id]; ok {
		l.full.put(id, struct{}{}, e.until.Add(-l.every), now)
	}
}

// Network is the key under which the posts of one network are limited: an IPv4
// address as it is (behind a larger block sit strangers, and a whole office
// often sits behind one address already), of IPv6 the /64, which is what one
// subscriber has at the least. IPv4 addresses within IPv6 count as IPv4.
func Network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr.String()
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return network.String()
}
