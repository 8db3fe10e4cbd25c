package form

import (
	"encoding/json"
	"time"

	"signpost/intake/guard"
)

// openKept is how long a form may stay open before its token is too old.
const openKept = 7 * 24 * time.Hour

// workKept is how long a proof of work is taken after its challenge.
const workKept = 2 * time.Hour

// guards keep the form from abuse; see package guard.
type guards struct {
	network, sender *guard.Limiter
	addresses       *guard.Addresses
	opened          *guard.Opened
	work            *guard.Work
}

func newGuards(cfg Config, deps Deps) (g *guards, err error) {
	g = &guards{
		network:   guard.NewLimiter(cfg.PostsPerNetwork, time.Hour),
		sender:    guard.NewLimiter(cfg.PostsPerAddress, time.Hour),
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
	purposeKept     = "form/kept-file"
	purposeReceived = "form/received"
)

// sealed signs a value for a URL or a field; anybody may read it.
func (f *Form) sealed(purpose string, v any) string {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err) // ours are structs of strings and numbers
	}
	return f.deps.Ring.Sign(purpose, payload)
}

// openSealed reads back what sealed signed; false for everything else.
func (f *Form) openSealed(purpose, token string, v any) bool {
	payload, ok := f.deps.Ring.Verify(purpose, token)
	return ok && json.Unmarshal(payload, v) == nil
}
