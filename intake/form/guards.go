package form

import (
	"encoding/json"
	"net/netip"
	"time"

	"signpost/intake/guard"
	"signpost/store/origin"
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
	uploads         uploads
}

func newGuards(cfg Config, deps Deps) (g *guards, err error) {
	g = &guards{
		network:   guard.NewLimiter(cfg.PostsPerNetwork, time.Hour),
		sender:    guard.NewLimiter(cfg.PostsPerAddress, time.Hour),
		asked:     guard.NewLimiter(asksPerPost*cfg.PostsPerNetwork, time.Hour),
		addresses: guard.NewAddresses(deps.Resolver, deps.BeyondASCII),
		uploads:   newUploads(cfg),
		opened:    guard.NewOpened(deps.Ring, cfg.MinFill, openKept),
	}
	difficulty := 0
	if cfg.ProofOfWork > 0 {
		difficulty = 1 << cfg.ProofOfWork
	}
	g.work, err = guard.NewWork(deps.Ring, difficulty, workKept)
	return g, err
}

// uploads are the bytes of files taken within a day, in all and from one network:
// the disk is everybody's.
type uploads struct{ inAll, ofNetwork *guard.Limiter }

// uploadUnit is how many bytes count as one: a duration a byte would be too coarse.
const uploadUnit = 1 << 10

// uploadShare is the part of a day's bytes that one network can use up.
const uploadShare = 4

func newUploads(cfg Config) uploads {
	const day = 24 * time.Hour
	units := int(cfg.UploadsPerDay / uploadUnit)
	u := uploads{inAll: guard.NewLimiter(units, day), ofNetwork: guard.NewLimiter(units/uploadShare, day)}
	if cfg.PostsPerNetwork == 0 { // networks tell nothing apart
		u.ofNetwork = guard.NewLimiter(0, day)
	}
	return u
}

// free tells whether a file from an address may be taken.
func (u uploads) free(from netip.Addr, now time.Time) bool {
	return u.inAll.Free("", now) && u.ofNetwork.Free(origin.Widest(from).String(), now)
}

// spend counts the bytes of one.
func (u uploads) spend(from netip.Addr, bytes int64, now time.Time) {
	units := bytes/uploadUnit + 1
	u.inAll.Spend("", units, now)
	u.ofNetwork.Spend(origin.Widest(from).String(), units, now)
}

// The purposes for which the form signs.
const (
	purposeKept     = "form/kept-file"
	purposeReceived = "form/received"
	purposeSent     = "form/sent"
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
