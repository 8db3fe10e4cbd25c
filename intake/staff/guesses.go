package staff

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"signpost/store"
)

// Guessed is what an account had to stand within an hour.
type Guessed struct {
	Agent store.AgentID // 0: of all addresses that have no account
	// Failed are the tries that failed or were not looked at any more, RightPassword
	// those among them that failed at the code alone.
	Failed, RightPassword int
	Networks              int // that they came from, at most countedNetworks
}

// guessedWithin is the time within which failed tries count together.
const guessedWithin = time.Hour

const countedNetworks = 1000

// guesses counts the failed tries of each account by the minute. They go with the
// process. It is safe for concurrent use.
type guesses struct {
	mu  sync.Mutex
	all map[store.AgentID]*tally // as many as there are agents, and one
}

// tally is the last hour of one account.
type tally struct {
	minutes [guessedWithin / time.Minute]struct {
		at                    int64 // minutes since the epoch
		failed, rightPassword int
	}
	networks map[netip.Prefix]time.Time // when each tried last
}

func (g *guesses) add(now time.Time, id store.AgentID, network netip.Prefix, rightPassword bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = map[store.AgentID]*tally{}
	}
	t := g.all[id]
	if t == nil {
		t = &tally{networks: map[netip.Prefix]time.Time{}}
		g.all[id] = t
	}
	minute := now.Unix() / 60
	slot := &t.minutes[minute%int64(len(t.minutes))]
	if slot.at != minute {
		slot.at, slot.failed, slot.rightPassword = minute, 0, 0
	}
	slot.failed++
	if rightPassword {
		slot.rightPassword++
	}
	if _, known := t.networks[network]; known || len(t.networks) < countedNetworks {
		t.networks[network] = now
	}
}

// Guessed tells what each account had to stand within the last hour, by id.
func (s *Staff) Guessed(now time.Time) (list []Guessed) {
	g := &s.guesses
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, t := range g.all {
		sum := t.hour(now)
		if sum.Agent = id; sum.Failed == 0 {
			delete(g.all, id)
			continue
		}
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b Guessed) int { return cmp.Compare(a.Agent, b.Agent) })
	return list
}

// hour adds up the hour that ends now, and forgets the networks of before.
func (t *tally) hour(now time.Time) (sum Guessed) {
	for _, slot := range t.minutes {
		if age := now.Unix()/60 - slot.at; age >= 0 && age < int64(len(t.minutes)) {
			sum.Failed += slot.failed
			sum.RightPassword += slot.rightPassword
		}
	}
	for network, last := range t.networks {
		if now.Sub(last) > guessedWithin {
			delete(t.networks, network)
		}
	}
	sum.Networks = len(t.networks)
	return sum
}
