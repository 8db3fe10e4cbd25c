package store_test

import (
	"testing"
	"time"

	"signpost/store"
)

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		" Ana@Partner.Example\t": "ana@partner.example",
		"ÜNAL@B.example":         "ünal@b.example",
		"":                       "",
	} {
		if got := store.AddressKey(address); got != want {
			t.Errorf("AddressKey(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestOnePersonHasOneAnswerKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"Ana+one@Partner.example":   "ana@partner.example",
		"ana+one+two@b.example":     "ana@b.example",
		"ana@b.example":             "ana@b.example",
		"+tag@b.example":            "+tag@b.example", // nobody's name is empty
		"ana+x":                     "ana+x",          // no address
		"ana":                       "ana",
		"":                          "",
		"prvs=1+ana@b.example":      "prvs=1@b.example",
		"o'ana+b@xn--d1acufc.test ": "o'ana@xn--d1acufc.test",
	} {
		if got := store.AnswerKey(address); got != want {
			t.Errorf("AnswerKey(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestDomain(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"ana@B.Example ":        "b.example",
		`"a@b"@c.example`:       "c.example",
		"ana":                   "",
		"ana@":                  "",
		"@relay.example":        "relay.example",
		"ana@[IPv6:2001:DB8::]": "[ipv6:2001:db8::]",
	} {
		if got := store.Domain(address); got != want {
			t.Errorf("Domain(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestRegionOf(t *testing.T) {
	t.Parallel()
	us := store.Region{ID: "us", Countries: []string{"US", "PR"}}
	dach := store.Region{ID: "dach", Countries: []string{"DE", "AT", "CH"}}
	rest, spare := store.Region{ID: "intl"}, store.Region{ID: "spare"}
	for _, c := range []struct {
		regions []store.Region
		country string
		want    string
	}{
		{[]store.Region{rest, us, dach}, "AT", "dach"}, // whatever the order
		{[]store.Region{us, rest, spare}, "FR", "intl"},
		{[]store.Region{us, rest}, "", "intl"},
		{[]store.Region{us, rest}, "us", "intl"}, // codes are upper case
		{[]store.Region{us, dach}, "FR", ""},
		{nil, "US", ""},
	} {
		got, ok := store.RegionOf(c.regions, c.country)
		if got.ID != c.want || ok != (c.want != "") {
			t.Errorf("RegionOf(%s) = %q, %v, want %q", c.country, got.ID, ok, c.want)
		}
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -5*3600)
	got := store.Instant(time.Date(2026, 3, 2, 9, 0, 0, 123456789, zone))
	if want := time.Date(2026, 3, 2, 14, 0, 0, 123456000, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
