package store

import (
	"math/bits"
	"time"
)

// Usage is how much of a budget is used, as a driver keeps it: how often the
// thing happened in the window that began at Start and in the one before.
type Usage struct {
	Start           time.Time
	Before, Current uint32
}

// Unlimited tells whether the budget limits nothing.
func (b Budget) Unlimited() bool { return b.Limit <= 0 }

// Half is the budget with half of its limit: what new mail may use while other mail
// is throttled by it. The other half is for what is throttled, which is released fairly;
// else the client that posts most often would take all the room there is. A Final budget stays
// whole, since nothing waits for room in it.
func (b Budget) Half() Budget {
	if !b.Unlimited() && !b.Final {
		b.Limit = (b.Limit + 1) / 2
	}
	return b
}

// Spend charges the budget once: it returns the usage to keep, and false with
// the usage unchanged when that would pass the limit. It errs on the strict
// side: the share of the window before is rounded up. An instant before u.Start
// (a clock that was set back) counts as u.Start; but usage of more than a window
// ahead is that of a clock that was wrong, and forgotten: else a moment in next
// year would stop all until then.
func (b Budget) Spend(u Usage, now time.Time) (Usage, bool) {
	if b.Unlimited() {
		return u, true
	}
	rolled := b.roll(u, now)
	if b.weighted(rolled, now)+uint64(rolled.Current) >= uint64(b.Limit) {
		return u, false
	}
	rolled.Current++
	return rolled, true
}

// Start is when the window that now lies in began. Windows are counted from the
// Unix epoch, so every driver cuts them alike.
func (b Budget) Start(now time.Time) time.Time {
	at := now.UnixMicro()
	return time.UnixMicro(at - at%b.Window.Microseconds()).UTC()
}

// Expires is the instant from which u weighs nothing any more.
func (b Budget) Expires(u Usage) time.Time { return u.Start.Add(2 * b.Window) }

// roll moves u on to the window that now lies in.
func (b Budget) roll(u Usage, now time.Time) Usage {
	start := b.Start(now)
	switch {
	case u.Start.After(start.Add(b.Window)):
		return Usage{Start: start}
	case !start.After(u.Start):
		return u
	case start.Equal(u.Start.Add(b.Window)):
		return Usage{Start: start, Before: u.Current}
	}
	return Usage{Start: start}
}

func (b Budget) weighted(u Usage, now time.Time) uint64 {
	window := uint64(b.Window.Microseconds())
	elapsed := uint64(max(0, min(now.Sub(u.Start), b.Window)).Microseconds())
	hi, lo := bits.Mul64(uint64(u.Before), window-elapsed)
	share, rest := bits.Div64(hi, lo, window)
	if rest > 0 {
		share++
	}
	return share
}
