package form

import (
	"time"

	"signpost/intake/guard"
)

// maxFormAge is how long a form may stay open before its token is too old.
const maxFormAge = 7 * 24 * time.Hour

// maxWorkAge is how long a proof of work is taken after its challenge.
const maxWorkAge = 2 * time.Hour

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
		opened:    guard.NewOpened(deps.Ring, cfg.MinFill, maxFormAge),
	}
	difficulty := 0
	if cfg.ProofOfWork > 0 {
		difficulty = 1 << cfg.ProofOfWork
	}
	g.work, err = guard.NewWork(deps.Ring, difficulty, maxWorkAge)
	return g, err
}

// The purposes for which the form signs.
const (
	purposeReceived = "form/received"
	purposeSent     = "form/sent"
)
