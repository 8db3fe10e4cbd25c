package guard

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"signpost/store/origin"
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
	seed   maphash.Seed  // keys are hashed: an attacker cannot choose colliding ones

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
	return l.take(now, turn{l.id(key), l.every})
}

// AllowNetworks takes a turn of each network that the address lies in
// (origin.Networks), a wider one having its share more of them: all of these turns
// or, when one network has none left, none, and tells after how long each has one.
// With a key it counts what that key does from each network, else all that comes
// from there.
func (l *Limiter) AllowNetworks(addr netip.Addr, key string, now time.Time) (ok bool, retryAfter time.Duration) {
	return l.take(now, l.turns(addr, key)...)
}

// Free tells whether Allow would let the key pass, and takes nothing.
func (l *Limiter) Free(key string, now time.Time) bool {
	if l.every == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.full.entries[maphash.String(l.seed, key)]
	return e.until.Sub(now) <= l.window-l.every || e.until.Sub(now) > l.window // set back: see Allow
}

// Spend takes so many of the key's turns, or those it has left: for what is
// counted only when it is known how much it was.
func (l *Limiter) Spend(key string, turns int64, now time.Time) {
	if l.every == 0 || turns <= 0 {
		return
	}
	id := maphash.String(l.seed, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.window
	if e := l.full.entries[id]; e.until.After(now) && e.until.Sub(now) <= l.window {
		left -= e.until.Sub(now)
	}
	taken := left
	if turns < int64(left/l.every) {
		taken = time.Duration(turns) * l.every
	}
	l.full.put(id, struct{}{}, now.Add(l.window-left+taken), now)
}

// Return gives the key back a turn that it took, for a limit that is to count
// failures alone.
func (l *Limiter) Return(key string, now time.Time) {
	l.giveBack(now, turn{l.id(key), l.every})
}

// ReturnNetworks gives back what AllowNetworks took.
func (l *Limiter) ReturnNetworks(addr netip.Addr, key string, now time.Time) {
	l.giveBack(now, l.turns(addr, key)...)
}

// turn is a key and how long one of its turns lasts.
type turn struct {
	id    uint64
	every time.Duration
}

func (l *Limiter) id(key string) uint64 { return maphash.String(l.seed, key) }

func (l *Limiter) turns(addr netip.Addr, key string) []turn {
	networks := origin.Networks(addr)
	turns := make([]turn, len(networks))
	for i, n := range networks {
		turns[i] = turn{l.id(n.String() + " " + key), max(l.every/time.Duration(n.Share), 1)}
	}
	return turns
}

func (l *Limiter) take(now time.Time, turns ...turn) (ok bool, retryAfter time.Duration) {
	if l.every == 0 {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range turns {
		retryAfter = max(retryAfter, l.fullFrom(t.id, now).Add(t.every).Sub(now)-l.window)
	}
	if retryAfter > 0 {
		return false, retryAfter
	}
	for _, t := range turns {
		l.full.put(t.id, struct{}{}, l.fullFrom(t.id, now).Add(t.every), now)
	}
	return true, 0
}

// fullFrom is when the key's window will be empty again, now when it is. No window
// is full for longer than itself, unless the clock was set back: that must
// not lock partners out.
func (l *Limiter) fullFrom(id uint64, now time.Time) time.Time {
	if e := l.full.entries[id]; e.until.After(now) && e.until.Sub(now) <= l.window {
		return e.until
	}
	return now
}

func (l *Limiter) giveBack(now time.Time, turns ...turn) {
	if l.every == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range turns {
		if e, ok := l.full.entries[t.id]; ok {
			l.full.put(t.id, struct{}{}, e.until.Add(-t.every), now)
		}
	}
}
