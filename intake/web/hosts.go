package web

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// OnlyHosts passes requests on that ask for one of the names, for localhost or for
// an IP address, and answers others with 421 (RFC 9110 section 15.5.20). A page of
// a stranger whose name is made to point to this machine has the browser ask by
// that name, and would read everything here that needs no sign-in (DNS rebinding).
// A client too old to name a host (HTTP/1.0) is no browser and passes.
func OnlyHosts(names []string, log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostName(r.Host)
		_, notIP := netip.ParseAddr(host)
		if host == "" || host == "localhost" || notIP == nil || slices.Contains(names, host) {
			next.ServeHTTP(w, r)
			return
		}
		log.Info("request for another host refused", "host", r.Host[:min(len(r.Host), 100)])
		http.Error(w, "This server does not answer for the name that was asked for. "+
			"To its operator: it answers for service.base_url and for service.hosts.", http.StatusMisdirectedRequest)
	})
}

// hostName is the name of a Host field (RFC 9110 section 7.2), without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// HostNames are the names by which this server is asked.
func (c Config) HostNames() []string {
	var names []string
	if u, err := url.Parse(c.URL); err == nil {
		names = append(names, hostName(u.Host))
	}
	for _, host := range c.Hosts {
		names = append(names, hostName(host))
	}
	return names
}
