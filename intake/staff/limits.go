package staff

import (
	"net/netip"
	"time"

	"signpost/intake/guard"
	"signpost/store"
	"signpost/store/origin"
)

// client is who tries to sign in, as far as it shows before they do.
type client struct {
	addr   netip.Addr
	device string // the known device of the account they name, "" for any other
}

// network is what one party is taken to own at the most.
func (c client) network() netip.Prefix { return origin.Widest(c.addr) }

// accountShare is how many times an account's tries from one network all
// networks together have. The widest block of one network has four times
// (origin.Networks), so that one network alone never uses them up.
const accountShare = 5

// day is the window of the second limit of each account, which keeps a patient
// guesser from trying on for ever.
const day = 24 * time.Hour

// limits count failed tries to sign in. A right password with a wrong code counts
// as a wrong password does: else who is slowed sooner would know the password.
type limits struct {
	network                     *guard.Limiter // all that comes from one
	account, device, everywhere [2]*guard.Limiter
}

func newLimits(c Config) limits {
	l := limits{network: guard.NewLimiter(c.PerNetwork, c.Window)}
	for i, w := range [2]struct {
		tries  int
		window time.Duration
	}{{c.PerAccount, c.Window}, {c.PerAccountDay, day}} {
		l.account[i] = guard.NewLimiter(w.tries, w.window)
		l.device[i] = guard.NewLimiter(w.tries, w.window)
		l.everywhere[i] = guard.NewLimiter(accountShare*w.tries, w.window)
	}
	return l
}

// budget is one limit that a try counts against.
type budget struct {
	take     func(now time.Time) (bool, time.Duration)
	giveBack func(now time.Time)
}

// budgets are those of a try for an account. A known device has its own and no
// other, so that guesses from anywhere, its own network included, cost its owner
// nothing. A try that names no account, as a passkey that is not known here, can
// guess none: it counts by network alone, so that strangers never use up what others
// have together.
func (l *limits) budgets(c client, email string) (all []budget) {
	key := store.AddressKey(email)
	byKey := func(l *guard.Limiter, key string) budget {
		return budget{
			func(now time.Time) (bool, time.Duration) { return l.Allow(key, now) },
			func(now time.Time) { l.Return(key, now) },
		}
	}
	byNetwork := func(l *guard.Limiter, key string) budget {
		return budget{
			func(now time.Time) (bool, time.Duration) { return l.AllowNetworks(c.addr, key, now) },
			func(now time.Time) { l.ReturnNetworks(c.addr, key, now) },
		}
	}
	if c.device != "" {
		return []budget{byKey(l.device[0], c.device), byKey(l.device[1], c.device)}
	}
	if key == "" {
		return []budget{byNetwork(l.network, "")}
	}
	return []budget{
		byNetwork(l.network, ""), byNetwork(l.account[0], key), byNetwork(l.account[1], key),
		byKey(l.everywhere[0], key), byKey(l.everywhere[1], key),
	}
}

// take counts a try, or tells how long it must wait and counts nothing.
func (l *limits) take(c client, email string, now time.Time) (wait time.Duration) {
	all := l.budgets(c, email)
	for i, b := range all {
		ok, wait := b.take(now)
		if !ok {
			for _, taken := range all[:i] {
				taken.giveBack(now)
			}
			return wait
		}
	}
	return 0
}

// giveBack uncounts a try that turned out right, or was not looked at.
func (l *limits) giveBack(c client, email string, now time.Time) {
	for _, b := range l.budgets(c, email) {
		b.giveBack(now)
	}
}
