package verbs

import (
	"time"

	"signpost/store"
	"signpost/store/text"
)

// tryRecord is how one try of a mail ended; it stands in the row of the mail.
type tryRecord struct {
	Number int    `cbor:"1,keyasint"`
	At     int64  `cbor:"2,keyasint"`
	Server string `cbor:"3,keyasint,omitempty"`
	State  string `cbor:"4,keyasint"`
	Reply  string `cbor:"5,keyasint,omitempty"`
}

func newTryRecords(all []store.Try) (rs []tryRecord) {
	for _, t := range all {
		rs = append(rs, tryRecord{t.Number, micros(t.At), t.Server, string(t.State), t.Reply})
	}
	return rs
}

func tries(rs []tryRecord) (all []store.Try) {
	for _, r := range rs {
		all = append(all, store.Try{
			Number: r.Number, At: instant(r.At), Server: r.Server, State: store.OutboundState(r.State), Reply: r.Reply,
		})
	}
	return all
}

// noteTry keeps how a try of the row ended, among the last ones.
func noteTry(row *store.Outbound, f store.Finish, now time.Time) {
	if f.Untried {
		return
	}
	try := store.Try{
		Number: row.Attempts, At: now, Server: text.Cut(f.Server, store.MaxDomain), State: f.State,
		Reply: text.Cut(f.Reply, store.MaxTryReply),
	}
	row.Tries = append(row.Tries[max(0, len(row.Tries)-store.MaxTries+1):], try)
}
