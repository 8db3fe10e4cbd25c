package triage

import "strings"

// msgIDs reads the ids of a Message-ID, In-Reply-To or References field (RFC 5322
// section 3.6.4): whatever stands between angle brackets, since other parsers'
// strictness loses the rest of the field at one odd id. yield may stop it.
func msgIDs(value string, yield func(id string) bool) {
	for {
		open := strings.IndexByte(value, '<')
		if open < 0 {
			return
		}
		value = value[open+1:]
		end := strings.IndexAny(value, "<>")
		if end < 0 {
			return
		}
		id := strings.Join(strings.Fields(clean(value[:end])), "")
		value = value[end:]
		if id != "" && len(id) <= 998 && !yield(id) {
			return
		}
	}
}

// firstID is the first id of a field; of one without brackets, its first word.
func firstID(value string) (first string) {
	msgIDs(value, func(id string) bool { first = id; return false })
	if first == "" && !strings.ContainsAny(value, "<>") && strings.Contains(value, "@") {
		first = clean(strings.Fields(value)[0])
	}
	return first
}

// references lists the ids of the named fields, at most 1,000.
func (m *message) references(names ...string) (ids []string) {
	for _, name := range names {
		m.header.all(name, func(v []byte) bool {
			msgIDs(unfold(v), func(id string) bool { ids = append(ids, id); return len(ids) < 1000 })
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
