// Package origin says by what a sender is counted: the networks an IP address
// lies in, the mailbox behind a mail address, the organisation behind a domain.
// Every limit, budget and log line of the form, the sign-in and the watcher
// counts by these, so that another spelling gets no second allowance.
//
// What stands here: Networks, Mailbox, Organisation (origin.go), and the public mail hosts,
// whose users are strangers to one another (hosts.go). A limit calls one of them for each
// key that it counts by. To add a public host: its domain in hostGroups.
//
// The functions are pure and safe for concurrent use.
package origin

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// Network is a block of addresses that is counted as one.
type Network struct {
	Prefix netip.Prefix
	// Share is how many times the allowance of the smallest block this one has:
	// strangers share a wide block, and one of them must not spend it for all.
	Share int
}

// Networks are the blocks that an address is counted by, the smallest first: of
// IPv4 the address itself and its /24; of IPv6 the /64 that one line has at the
// least, and the /56 and /48 that one customer is given (RFC 6177 section 2). A
// limit holds for each of them, times its Share: else who has a /48 has 65,536
// allowances. An IPv4 address within IPv6 is IPv4. Of an invalid address there is
// one, the zero Prefix, so that those share an allowance.
func Networks(addr netip.Addr) []Network {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsValid():
		return []Network{{Share: 1}}
	case addr.Is4():
		return []Network{block(addr, 32, 1), block(addr, 24, 4)}
	}
	return []Network{block(addr, 64, 1), block(addr, 56, 2), block(addr, 48, 4)}
}

// block is the block of so many bits around an address, which has as many.
func block(addr netip.Addr, bits, share int) Network {
	prefix, _ := addr.Prefix(bits) // fails only for more bits than the address has
	return Network{Prefix: prefix, Share: share}
}

// Widest is the largest of Networks: what a log line names, and what one party
// is taken to own at the most.
func Widest(addr netip.Addr) netip.Prefix {
	all := Networks(addr)
	return all[len(all)-1].Prefix
}

// String is the block as a budget's key and a log line write it; "" for the
// block of invalid addresses.
func (n Network) String() string {
	if !n.Prefix.IsValid() {
		return ""
	}
	return n.Prefix.String()
}

// Mailbox is the key of the mailbox that an address most likely names, for
// counting what goes to one person: white space trimmed, lower case, composed
// (NFC), the domain in A-labels, without a "+tag", and without what the host is
// known to ignore. It is for limits alone: mail goes to the address as given.
func Mailbox(address string) string {
	address = norm.NFC.String(strings.ToLower(strings.TrimSpace(address)))
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	local, domain := address[:at], asciiDomain(address[at+1:])
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	return hostForm(local, domain)
}

// hostForm folds the spellings that a host delivers to one mailbox.
func hostForm(local, domain string) string {
	switch domain {
	case "gmail.com", "googlemail.com": // dots do not matter, both names are one
		return strings.ReplaceAll(local, ".", "") + "@gmail.com"
	case "proton.me", "protonmail.com", "pm.me": // nor do dots, hyphens and underscores; the names are one
		return strings.NewReplacer(".", "", "-", "", "_", "").Replace(local) + "@proton.me"
	case "ya.ru", "yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua": // a hyphen is a dot; the names are one
		return strings.ReplaceAll(local, "-", ".") + "@yandex.ru"
	case "icloud.com", "me.com", "mac.com": // the names are one
		return local + "@icloud.com"
	}
	// All mail to a name below this host is its customer's.
	if name, ok := strings.CutSuffix(domain, ".fastmail.com"); ok {
		return name[strings.LastIndexByte(name, '.')+1:] + "@fastmail.com"
	}
	return local + "@" + domain
}

// Organisation is the domain under which one organisation's names fall: the
// public suffix and one label (RFC 7489 section 3.2), in lower case and without a
// final dot; the name itself where there is none. It is for telling whether two
// names are of one house. Of a mail address it is its domain's.
func Organisation(name string) string {
	name = plainName(name[strings.LastIndexByte(name, '@')+1:])
	if own, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return own
	}
	return name
}

// Registered is the domain that is paid for at a registry, for counting: below
// the suffixes of private companies (dynamic names, hosting) any number
// of names is free, so that Organisation would set no limit there.
func Registered(name string) string {
	name = plainName(name)
	suffix, public := publicsuffix.PublicSuffix(name)
	for !public {
		_, above, ok := strings.Cut(suffix, ".")
		if !ok {
			break
		}
		suffix, public = publicsuffix.PublicSuffix(above)
	}
	names, ok := strings.CutSuffix(name, "."+suffix)
	if !ok {
		return name
	}
	return names[strings.LastIndexByte(names, '.')+1:] + "." + suffix
}

func plainName(name string) string {
	return asciiDomain(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), "."))
}

// maxDomain is how long a domain in U-labels can be, in bytes: the mapping to
// A-labels takes the square of the length.
const maxDomain = 1000

// asciiDomain writes a lower-case domain in A-labels (RFC 5890); one that cannot
// be is returned as it is.
func asciiDomain(domain string) string {
	if len(domain) > maxDomain {
		return domain
	}
	for i := range len(domain) {
		if domain[i] >= 0x80 {
			if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
				return ascii
			}
			break
		}
	}
	return domain
}
