package store

import "strings"

// AddressKey is the form under which an address is compared: white space
// trimmed and lower case throughout. RFC 5321 section 2.4 lets a host tell
// local parts apart by case; no host that matters does, and a partner who
// types a capital is the same partner.
func AddressKey(address string) string {
	return strings.ToLower(strings.TrimSpace(address))
}

// AnswerKey is AddressKey without a "+tag" (RFC 5233): for telling whether two addresses
// were given as one. Limits count by origin.Mailbox, which also folds what hosts ignore.
func AnswerKey(address string) string {
	local, domain, ok := strings.Cut(AddressKey(address), "@")
	if plus := strings.IndexByte(local, '+'); ok && plus > 0 {
		local = local[:plus]
	}
	if !ok {
		return local
	}
	return local + "@" + domain
}

// Domain is the lower-case part of an address after its last "@", "" without
// one.
func Domain(address string) string {
	if !strings.Contains(address, "@") {
		return ""
	}
	return AddressKey(address[strings.LastIndexByte(address, '@')+1:])
}
