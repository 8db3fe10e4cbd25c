package form

import (
	"time"

	"signpost/intake/guard"
)

// openKept is how long a form may stay open before its token is too old.
const openKept = 7 * 24 * time.Hour

// workKept is how long a proof of work is taken after its challenge.
const workKept = 2 * time.Hour

// asksPerPost is how often a page may ask about an address for each post that its
// network may send.
const asksPerPost = 20

// guards keep the form from abuse; see package guard.
type guards struct {
	network, sender *guard.Limiter
	asked           *guard.Limiter // by the page, about an address
	addresses       *guard.Addresses
	opened          *guard.Opened
	work            *guard.Work
}

func newGuards(cfg Config, deps Deps) (g *guards, err error) {
	g = &guards{
		network:   guard.NewLimiter(cfg.PostsPerNetwork, time.Hour),
		sender:    guard.NewLimiter(cfg.PostsPerAddress, time.Hour),
		asked:     guard.NewLimiter(asksPerPost*cfg.PostsPerNetwork, time.Hour),
		addresses: guard.NewAddresses(deps.Resolver, deps.BeyondASCII),
		opened:    guard.NewOpened(deps.Ring, cfg.MinFill, openKept),
	}
	difficulty := 0
	if cfg.ProofOfWork > 0 {
		difficulty = 1 << cfg.ProofOfWork
	}
	g.work, err = guard.NewWork(deps.Ring, difficulty, workKept)
	return g, err
}

// The purposes for which the form signs.
const (
	purposeReceived = "form/received"
	purposeSent     = "form/sent"
)
