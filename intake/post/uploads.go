package post

import (
	"net/netip"
	"time"

	"signpost/intake/guard"
	"signpost/store/origin"
)

// uploads are the bytes of files taken within a day, in all and from one network:
// all clients share the disk.
type uploads struct{ inAll, ofNetwork *guard.Limiter }

// uploadUnit is how many bytes count as one: a duration a byte would be too coarse.
const uploadUnit = 1 << 10

// uploadShare is the part of a day's bytes that one network can use up.
const uploadShare = 4

func newUploads(cfg Config) uploads {
	const day = 24 * time.Hour
	units := int(cfg.UploadsPerDay / uploadUnit)
	u := uploads{inAll: guard.NewLimiter(units, day), ofNetwork: guard.NewLimiter(units/uploadShare, day)}
	if cfg.NetworksAlike {
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
