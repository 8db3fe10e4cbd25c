package watch

import (
	"strings"

	"signpost/mail/header"
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

// describe reads what the ledger shows of a mail: its Message-ID, From and
// subject. It is for the eye; triage reads them for itself.
func describe(raw []byte) (messageID, from, subject string) {
	read, _ := header.Read(raw)
	return header.UsableID(read.Value("Message-ID")), text.Cut(header.DecodeWords(read.Value("From")), 320),
		text.Cut(header.DecodeWords(read.Value("Subject")), 200)
}
