package watch

import (
	"net/netip"
	"strings"
)

// network is the block of addresses from which the mail was handed to the
// trusted hosts: a /24 of IPv4, a /48 of IPv6, as they are given to one
// customer. It is what the trusted host itself wrote of the connection; false
// where nobody is trusted, or none of them says so.
func network(header []field, trusted []string) (block netip.Prefix, ok bool) {
	if len(trusted) == 0 {
		return block, false
	}
	for _, f := range border(header, trusted) {
		if f.name != "received" {
			continue
		}
		from, by, _ := hop(f.value)
		if from == "" || isOwnHost(from, trusted) || isNear(from) || !isOwnHost(by, trusted) {
			continue
		}
		if addr, found := peer(f.value); found { // the lowest is where it came in
			block, ok = blockOf(addr)
		}
	}
	return block, ok
}

// peer reads the address of the client out of a Received field (RFC 5321 section
// 4.4, TCP-info): the last one before "by" counts, since the name it greeted
// with, which anybody may choose, stands before it.
func peer(received string) (last netip.Addr, ok bool) {
	info, _, _ := strings.Cut(strings.ToLower(received), " by ")
	for _, word := range strings.FieldsFunc(info, func(r rune) bool { return strings.ContainsRune(" \t()[],;", r) }) {
		// Exim writes the greeting behind the address: ([192.0.2.7] helo=name).
		if strings.HasPrefix(word, "helo=") {
			break
		}
		if addr, err := netip.ParseAddr(strings.TrimPrefix(word, "ipv6:")); err == nil {
			last, ok = addr, true
		}
	}
	return last, ok
}

// blockOf is the network of an address; false for one that is not of the public
// Internet.
func blockOf(addr netip.Addr) (netip.Prefix, bool) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return netip.Prefix{}, false
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	block, err := addr.Prefix(bits)
	return block, err == nil
}
