package triage

import (
	"strings"

	"signpost/store"
	"signpost/store/addr"
	"signpost/store/origin"
)

// maxAddresses is how many addresses of one field are read.
const maxAddresses = 1000

// mailbox is one address of a field, as far as it could be read.
type mailbox struct{ name, address string }

// parseAddresses reads an address list (RFC 5322 section 3.4) and goes on where
// a strict parser stops: names with bare commas or dots, addresses without a
// name or a domain, comments, groups (whose members count).
func parseAddresses(value string) []mailbox {
	var list []mailbox
	for len(value) > 0 && len(list) < maxAddresses {
		var item string
		item, value = cutAddress(value)
		if m, ok := parseMailbox(item); ok {
			list = append(list, m)
		}
	}
	return list
}

// cutAddress returns the text up to the next comma or semicolon that separates.
func cutAddress(s string) (item, rest string) {
	quoted, angle, comment := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quoted || comment > 0):
			i++
		case c == '"' && comment == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case (c == ',' || c == ';') && !angle:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func parseMailbox(item string) (mailbox, bool) {
	item = strings.TrimSpace(item)
	if open := strings.LastIndexByte(item, '<'); open >= 0 {
		address, _, _ := strings.Cut(item[open+1:], ">")
		return mailbox{displayName(item[:open]), bareAddress(address)}, true
	}
	name := ""
	if open := strings.IndexByte(item, '('); open >= 0 {
		if end := strings.LastIndexByte(item, ')'); end > open {
			name = item[open+1 : end]
			item = item[:open] + item[end+1:]
		}
	}
	if colon := strings.IndexByte(item, ':'); colon >= 0 && !strings.Contains(item[:colon], "@") {
		item = item[colon+1:] // the name of a group
	}
	address := ""
	for _, word := range strings.Fields(item) {
		if strings.Contains(word, "@") || address == "" {
			address = word
		}
	}
	address = bareAddress(address)
	return mailbox{displayName(name), address}, address != ""
}

func displayName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`), `\\`, `\`)
	}
	return cut(DecodeWords(s), 200)
}

// bareAddress strips what is put around an address: brackets, quotes, a source
// route (RFC 5321 section 4.1.2), "mailto:".
func bareAddress(s string) string {
	s = strings.Trim(strings.TrimSpace(s), "<>;,\x00")
	s = strings.TrimPrefix(s, "mailto:")
	if strings.HasPrefix(s, "@") {
		if i := strings.IndexByte(s, ':'); i > 0 {
			s = s[i+1:]
		}
	}
	return cut(strings.Join(strings.Fields(clean(s)), ""), 320)
}

// organisation is that of an address or of a domain.
func organisation(address string) string {
	domain := address
	if strings.Contains(address, "@") {
		domain = store.Domain(address)
	}
	return origin.Organisation(domain)
}

func aligned(a, b string) bool {
	a, b = organisation(a), organisation(b)
	return a != "" && a == b
}

// unwrapSender undoes the forms under which hosts write a person's own address
// into the envelope: prvs (BATV, draft-levine-smtp-batv), Barracuda's btv1 and
// the sender rewriting scheme. False when address is none of them.
func unwrapSender(address string) (string, bool) {
	local, domain := addr.Split(address)
	low := strings.ToLower(local)
	switch {
	case strings.HasPrefix(low, "prvs="):
		first, second, ok := cutAny(local[5:], "=/")
		if !ok {
			return address, false
		}
		if isTag(first) { // prvs=TAG=local; an older form writes prvs=local/TAG
			return second + "@" + domain, true
		}
		return first + "@" + domain, true
	case strings.HasPrefix(low, "btv1=="):
		if _, inner, ok := strings.Cut(local[6:], "=="); ok {
			return inner + "@" + domain, true
		}
	case strings.HasPrefix(low, "srs0") || strings.HasPrefix(low, "srs1"):
		return unwrapSRS(local)
	}
	return address, false
}

func cutAny(s, chars string) (before, after string, ok bool) {
	i := strings.IndexAny(s, chars)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// isTag tells the ten digits of a BATV tag: key, day, and six of a hash.
func isTag(s string) bool {
	if len(s) != 10 || s[0] < '0' || s[0] > '9' {
		return false
	}
	for i := range len(s) {
		if unhex(s[i]) < 0 {
			return false
		}
	}
	return true
}

// unwrapSRS reads SRS0=hash=time=domain=local and SRS1=hash=host==hash=time=domain=local.
func unwrapSRS(local string) (string, bool) {
	if i := strings.Index(local, "=="); i >= 0 && lower(local[3]) == '1' {
		local = "srs0=" + local[i+2:]
	}
	if len(local) < 6 {
		return local, false
	}
	parts := strings.SplitN(local[5:], "=", 4)
	if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
		return local, false
	}
	return parts[3] + "@" + parts[2], true
}

// isAddress tells an address that mail could be sent to: a local part and a
// domain of several labels, neither a literal nor without a dot.
func isAddress(address string) bool {
	local, domain := addr.Split(address)
	if local == "" || len(local) > 64 || len(domain) > 253 || !strings.Contains(domain, ".") {
		return false
	}
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, r := range label {
			if r < 0x80 && !isAlnum(byte(r)) && r != '-' && r != '_' {
				return false
			}
		}
	}
	return !strings.ContainsAny(local, " \t\r\n\x00<>,;:\"()[]") && !strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".")
}

func isAlnum(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9' }
