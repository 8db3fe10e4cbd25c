package verbs

import (
	"time"

	"signpost/store"
)

// The rows that are not records.

// link is a row of links: where it leads while now is before expires, and whom.
type link struct {
	ticket    store.TicketID
	expires   time.Time
	revoked   bool
	colleague uint32 // store.Colleague.Number; 0, and not in the row: the requester
}

func (l link) bytes() []byte {
	flag := byte(0)
	if l.revoked {
		flag = 1
	}
	b := append(appendInstant(u64(uint64(l.ticket)), l.expires), flag)
	if l.colleague == 0 {
		return b
	}
	return append(b, u32(l.colleague)...)
}

func readLink(b []byte) (link, bool) {
	if len(b) != 17 && len(b) != 21 {
		return link{}, false
	}
	l := link{ticket: store.TicketID(readU64(b)), expires: readInstant(b[8:]), revoked: b[16] == 1}
	l.colleague = readU32(b[17:])
	return l, len(b) == 17 || l.colleague != 0
}

// post is a row of posts: what a key was used for.
type post struct {
	ticket      store.TicketID
	seq         uint32
	at          time.Time
	fingerprint [32]byte
}

func (p post) bytes() []byte {
	b := appendInstant(append(u64(uint64(p.ticket)), u32(p.seq)...), p.at)
	return append(b, p.fingerprint[:]...)
}

func readPost(b []byte) (post, bool) {
	if len(b) != 52 {
		return post{}, false
	}
	p := post{ticket: store.TicketID(readU64(b)), seq: readU32(b[8:]), at: readInstant(b[12:])}
	copy(p.fingerprint[:], b[20:])
	return p, true
}
