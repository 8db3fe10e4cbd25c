package canary

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// MarkKept is how long a mark is good: a stray that comes later is a stranger's.
const MarkKept = time.Hour

const (
	markPurpose = "canary"
	nameBytes   = 18 // 8 of the instant in milliseconds, 10 random ones
)

// mint makes a mark and the name of its run: the instant and 80 random bits.
func mint(ring *ident.Ring, now time.Time) (run, mark string) {
	var name [nameBytes]byte
	binary.BigEndian.PutUint64(name[:], uint64(now.UnixMilli()))
	rand.Read(name[8:])
	return runName(name[:]), ring.Sign(markPurpose, name[:])
}

func runName(name []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(name))
}

// Recognise tells whether a mail from sender is a stray of the canary at address,
// by its mark, and names its run: what watch.Deps.Canary asks for.
func Recognise(ring *ident.Ring, address string) func(sender, mark string, now time.Time) (run string, ok bool) {
	return func(sender, mark string, now time.Time) (string, bool) {
		if store.AddressKey(sender) != store.AddressKey(address) {
			return "", false
		}
		name, ok := ring.Verify(markPurpose, mark)
		if !ok || len(name) != nameBytes {
			return "", false
		}
		minted := time.UnixMilli(int64(binary.BigEndian.Uint64(name)))
		if age := now.Sub(minted); age < -time.Minute || age > MarkKept {
			return "", false
		}
		return runName(name), true
	}
}
