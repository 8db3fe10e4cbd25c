package header

import (
	"strings"

	"signpost/store/text"
)

// MaxAddresses is how many addresses of one field are read.
const MaxAddresses = 1000

// Mailbox is one address of a field, as far as it could be read: its display name, decoded, at most
// 200 bytes, and the address, at most 320.
type Mailbox struct{ Name, Address string }

// Addresses reads an address list (RFC 5322 section 3.4) and goes on where
// a strict parser stops: names with bare commas or dots, addresses without a
// name or a domain, comments, groups (whose members count).
func Addresses(value string) []Mailbox {
	var list []Mailbox
	for len(value) > 0 && len(list) < MaxAddresses {
		var item string
		item, value = cutAddress(value)
		if m, ok := parseMailbox(item); ok {
			list = append(list, m)
		}
	}
	return list
}

// FirstAddress is the first address of a list that a mail can be sent to, with a local
// part and a domain; "" when there is none.
func FirstAddress(value string) string {
	for _, m := range Addresses(value) {
		if at := strings.LastIndexByte(m.Address, '@'); at > 0 && at+1 < len(m.Address) {
			return m.Address
		}
	}
	return ""
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

func parseMailbox(item string) (Mailbox, bool) {
	item = strings.TrimSpace(item)
	if open := strings.LastIndexByte(item, '<'); open >= 0 {
		address, _, _ := strings.Cut(item[open+1:], ">")
		return Mailbox{displayName(item[:open]), BareAddress(address)}, true
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
	address = BareAddress(address)
	return Mailbox{displayName(name), address}, address != ""
}

func displayName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`), `\\`, `\`)
	}
	return text.Cut(DecodeWords(s), 200)
}

// BareAddress strips what is put around an address: brackets, quotes, a source
// route (RFC 5321 section 4.1.2), "mailto:".
func BareAddress(s string) string {
	s = strings.Trim(strings.TrimSpace(s), "<>;,\x00")
	s = strings.TrimPrefix(s, "mailto:")
	if strings.HasPrefix(s, "@") {
		if i := strings.IndexByte(s, ':'); i > 0 {
			s = s[i+1:]
		}
	}
	return text.Cut(strings.Join(strings.Fields(Clean(s)), ""), 320)
}
