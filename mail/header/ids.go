package header

import "strings"

// IDs reads the ids of a Message-ID, In-Reply-To or References field (RFC 5322
// section 3.6.4): whatever stands between angle brackets, since other parsers'
// strictness loses the rest of the field at one odd id. yield may stop it.
func IDs(value string, yield func(id string) bool) {
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
		id, ok := readID(value[:end])
		ok = ok && value[end] == '>' // else it never closed, and another begins
		value = value[end:]
		if ok && !yield(id) {
			return
		}
	}
}

// readID is an id without white space: hosts fold long ids, and their programs know them
// without the folds. One that holds invisible characters is not taken: without
// them it would be the id of another mail.
func readID(inside string) (id string, ok bool) {
	id = strings.Join(strings.Fields(strings.ToValidUTF8(inside, "\uFFFD")), "")
	return id, id != "" && len(id) <= 998 && id == Clean(id)
}

// FirstID is the first id of a field; of one without brackets, its first word.
func FirstID(value string) (first string) {
	IDs(value, func(id string) bool { first = id; return false })
	if first == "" && !strings.ContainsAny(value, "<>") && strings.Contains(value, "@") {
		first = Clean(strings.Fields(value)[0])
	}
	return first
}

// UsableID is the first id of a field, or value itself where it is a bare one, as it may be
// written into a field of ours; "" when there is none. RFC 5322 section 2.1.1 allows a
// line 998 characters; programs of others fail at fewer.
func UsableID(value string) (id string) {
	IDs(value, func(first string) bool { id = first; return false })
	if id == "" {
		id = strings.TrimSpace(value)
	}
	if id == "" || len(id) > 500 {
		return ""
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' {
			return ""
		}
	}
	return id
}
