package sandbox

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// Resolver is the DNS of the sandbox's world: every domain takes mail, at Host, but
// those under .invalid, which RFC 2606 promises never to exist.
type Resolver struct{ Host string }

// LookupMX names Host for every domain that takes mail.
func (r Resolver) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "invalid" || strings.HasSuffix(name, ".invalid") {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []*net.MX{{Host: r.Host + ".", Pref: 10}}, nil
}

// LookupTXT knows no record.
func (Resolver) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupNetIP knows no address.
func (Resolver) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupHost knows no address.
func (Resolver) LookupHost(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
