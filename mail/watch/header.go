package watch

import (
	"strings"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/text"
)

// field is one header field as the watcher compares it: the name in lower case, the
// value on one line.
type field struct{ name, value string }

// fields are those that triage reads too, in order.
func fields(raw []byte) []field {
	read, _ := header.Read(raw)
	all := make([]field, len(read))
	for i, f := range read {
		all[i] = field{strings.ToLower(string(f.Name)), header.Unfold(f.Value)}
	}
	return all
}

// describe reads what the ledger shows of a mail: of its Message-ID, From and subject
// the first field that says any. It is for display; triage reads them for itself.
func describe(raw []byte) (messageID, from, subject string) {
	read, _ := header.Read(raw)
	return firstSaid(read, "Message-ID", header.UsableID),
		text.Cut(firstSaid(read, "From", header.DecodeWords), store.MaxFrom),
		text.Cut(firstSaid(read, "Subject", header.DecodeWords), store.MaxSubject)
}

// firstSaid is what the first field of that name says of which read makes anything.
func firstSaid(h header.Header, name string, read func(value string) string) (said string) {
	h.All(name, func(value []byte) bool {
		said = read(header.Unfold(value))
		return said == ""
	})
	return said
}
