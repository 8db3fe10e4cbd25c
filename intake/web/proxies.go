package web

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// ipExtractor tells who sent a request: the peer, or what the trusted proxies on
// the way say of it.
func ipExtractor(cfg Config) echo.IPExtractor {
	direct := echo.ExtractIPDirect()
	if len(cfg.TrustedProxies) == 0 {
		return direct
	}
	trusted := trustedProxies(cfg)
	return func(r *http.Request) string {
		peer, err := netip.ParseAddr(direct(r))
		if err != nil {
			return ""
		}
		return forwardedFor(peer, r.Header.Values("X-Forwarded-For"), trusted).String()
	}
}

func trustedProxies(cfg Config) []netip.Prefix {
	var trusted []netip.Prefix
	for _, p := range cfg.TrustedProxies {
		if network, err := netip.ParsePrefix(p); err == nil { // Validate refused the others
			trusted = append(trusted, network)
		}
	}
	return trusted
}

// forwardedFor walks from the peer towards the client for as long as it stands on
// a trusted proxy, since only what such a one wrote is to be believed: each writes
// behind what it was given the address it was given it from. A hop that cannot be
// read ends the walk on the proxy that wrote it.
func forwardedFor(peer netip.Addr, headers []string, trusted []netip.Prefix) netip.Addr {
	at := peer.Unmap().WithZone("")
	hops := strings.Join(headers, ",")
	for hops != "" && isTrusted(at, trusted) {
		comma := strings.LastIndexByte(hops, ',')
		before, ok := hopAddr(hops[comma+1:])
		if !ok {
			return at
		}
		at, hops = before, hops[:max(comma, 0)]
	}
	return at
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// hopAddr reads an address, in brackets or not; some proxies write the port too.
func hopAddr(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}
