package triage

import "signpost/mail/header"

// references lists the ids of the named fields, at most 1,000.
func (m *message) references(names ...string) (ids []string) {
	for _, name := range names {
		m.header.All(name, func(v []byte) bool {
			header.IDs(header.Unfold(v), func(id string) bool { ids = append(ids, id); return len(ids) < 1000 })
			return len(ids) < 1000
		})
	}
	return ids
}

// boundReferences keeps the first id and the last ten, so that a thread's root
// and its latest mails stay tied (RFC 5322 section 3.6.4 lets a client trim).
func boundReferences(ids []string) []string {
	if len(ids) <= 11 {
		return ids
	}
	return append(ids[:1:1], ids[len(ids)-10:]...)
}
