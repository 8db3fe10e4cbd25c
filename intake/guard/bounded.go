package guard

import "time"

// bounded is a map that forgets what is over and never outgrows its limit. It is
// not safe for concurrent use.
type bounded[K comparable, V any] struct {
	max     int
	entries map[K]lasting[V]
}

type lasting[V any] struct {
	value V
	until time.Time
}

// looked is how many entries each put looks at: more than one, so that what is
// over goes faster than anything comes.
const looked = 4

func newBounded[K comparable, V any](max int) *bounded[K, V] {
	return &bounded[K, V]{max: max, entries: map[K]lasting[V]{}}
}

func (b *bounded[K, V]) get(key K, now time.Time) (V, bool) {
	e, ok := b.entries[key]
	if !ok || !e.until.After(now) {
		var none V
		return none, false
	}
	return e.value, true
}

// put keeps a value until an instant. A full map first loses what is over among
// a few entries, else the one of them that would be over soonest.
func (b *bounded[K, V]) put(key K, value V, until, now time.Time) {
	if _, known := b.entries[key]; !known {
		b.makeRoom(now)
	}
	b.entries[key] = lasting[V]{value, until}
}

func (b *bounded[K, V]) makeRoom(now time.Time) {
	var soonest K
	var soon time.Time
	n := 0
	for key, e := range b.entries { // in random order
		if !e.until.After(now) {
			delete(b.entries, key)
		} else if soon.IsZero() || e.until.Before(soon) {
			soonest, soon = key, e.until
		}
		if n++; n == looked {
			break
		}
	}
	if len(b.entries) >= b.max {
		delete(b.entries, soonest)
	}
}
