package origin_test

import (
	"net/netip"
	"strings"
	"testing"

	"signpost/store/origin"
)

func TestNetworksNest(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.7":                   "192.0.2.7/32 192.0.2.0/24",
		"::ffff:192.0.2.7":            "192.0.2.7/32 192.0.2.0/24",
		"2001:db8:1:2:3::9":           "2001:db8:1:2::/64 2001:db8:1::/56 2001:db8:1::/48",
		"2001:db8:1:ff02:3::9%eth0":   "2001:db8:1:ff02::/64 2001:db8:1:ff00::/56 2001:db8:1::/48",
		"2001:db8:ffff:ffff:ffff::42": "2001:db8:ffff:ffff::/64 2001:db8:ffff:ff00::/56 2001:db8:ffff::/48",
	} {
		a := netip.MustParseAddr(addr)
		var got []string
		share := 0
		for _, n := range origin.Networks(a) {
			got = append(got, n.String())
			if n.Share <= share {
				t.Errorf("%s: the share of %s is %d, not above that of the block within it", addr, n, n.Share)
			}
			share = n.Share
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s is counted by %s, want %s", addr, s, want)
		}
		if w := origin.Widest(a).String(); !strings.HasSuffix(want, w) {
			t.Errorf("the widest block of %s is %s, want the last of %s", addr, w, want)
		}
	}
	if got := origin.Networks(netip.Addr{}); len(got) != 1 || got[0].String() != "" {
		t.Errorf("invalid addresses are counted by %v, want one block without a name", got)
	}
}

// However one mailbox is spelled, it is one; and two that may be two stay two.
func TestOneMailboxIsOneKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"anabel@gmail.com", " A.na.bel+x@GoogleMail.com", "a.n.a.b.e.l@gmail.com", "anabel+@gmail.com"},
		{"ana.b@proton.me", "a-n-a_b+y@protonmail.com", "anab@pm.me"},
		{"ana.b@yandex.ru", "ana-b+z@ya.ru", "Ana.B@yandex.com"},
		{"ana@fastmail.com", "any@ana.fastmail.com", "x+y@Ana.Fastmail.com"},
		{"ana@icloud.com", "Ana@me.com", "ana+x@mac.com"},
		{"ana@example.com", "ANA+shop@Example.com", "ana+a+b@example.com"},
		{"jos\u00e9@example.com", "jose\u0301@example.com"},
		{"ana@b\u00fccher.example", "ana@xn--bcher-kva.example"},
	} {
		for _, address := range same {
			if got, want := origin.Mailbox(address), origin.Mailbox(same[0]); got != want {
				t.Errorf("%q is counted as %q, %q as %q: want one key", address, got, same[0], want)
			}
		}
	}
	for _, two := range [][2]string{
		{"a.b@example.com", "ab@example.com"}, {"+a@example.com", "+b@example.com"}, {"a@b@example.com", "a@example.com"},
	} {
		if origin.Mailbox(two[0]) == origin.Mailbox(two[1]) {
			t.Errorf("%q and %q are counted as one mailbox", two[0], two[1])
		}
	}
}

// Strangers share a public host, and one customer has all of a name below it.
func TestAPartyIsWhoHasADomain(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"gmail.com": "", "Fastmail.com.": "", "vip.qq.com": "", "ana.fastmail.com": "ana.fastmail.com",
		"a.b.ana.fastmail.com": "ana.fastmail.com",
		"example.com":          "example.com", "a.example.com": "example.com", "x.duckdns.org": "duckdns.org",
	} {
		if got := origin.Party(domain); got != want {
			t.Errorf("%s is of %q, want %q", domain, got, want)
		}
	}
}

// Where a company gives names away, its own name is what is counted, and each
// name is an organisation of its own.
func TestNamesForNothingAreOneDomain(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{ // registered, organisation
		"a.b.example.com": {"example.com", "example.com"}, "X.example.co.uk.": {"example.co.uk", "example.co.uk"},
		"one.duckdns.org": {"duckdns.org", "one.duckdns.org"}, "a.two.duckdns.org": {"duckdns.org", "two.duckdns.org"},
		"example": {"example", "example"}, "com": {"com", "com"}, "co.uk": {"co.uk", "co.uk"},
	} {
		if got := [2]string{origin.Registered(name), origin.Organisation(name)}; got != want {
			t.Errorf("%s is registered as, and of the organisation, %v, want %v", name, got, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add("a.b+c@GMAIL.com")
	f.Add("a@b@\u00fc.example")
	f.Fuzz(func(t *testing.T, s string) {
		if key := origin.Mailbox(s); origin.Mailbox(key) != key {
			t.Errorf("the key of %q is %q, whose own key is %q", s, key, origin.Mailbox(key))
		}
		origin.Registered(s)
		origin.Organisation(s)
	})
}

func TestASuppressedAddressIsOfOnePersonAlone(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		" Ana@Partner.EXAMPLE ":   "Ana@partner.example",
		"Ana+x@Partner.example":   "Ana+x@partner.example", // whose mailbox that is only the host knows
		"ana+x+y@GMail.com":       "ana@gmail.com",
		"+x@gmail.com":            "+x@gmail.com",
		`"a@b"@Partner.example`:   `"a@b"@partner.example`,
		"not an address":          "not an address",
		"ana+x@gmail.com.example": "ana+x@gmail.com.example",
	} {
		if got := origin.SuppressionKey(address); got != want {
			t.Errorf("SuppressionKey(%q) = %q, want %q", address, got, want)
		}
	}
}
