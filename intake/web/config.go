package web

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"signpost/store/brand"
)

// Config is what the server needs to know. Its zero value is not usable; begin
// with Defaults.
type Config struct {
	// Name stands at the top of every page.
	Name string
	// Brand is how the pages look, where not like ours.
	Brand brand.Brand
	// URL is where readers reach this server: scheme and host, no path. With
	// https cookies are Secure and browsers are told to stay on https.
	URL string
	// Hosts are further names by which this server is asked, by proxies and scrapers;
	// see OnlyHosts.
	Hosts []string
	// TrustedProxies are the networks (CIDR) of proxies whose X-Forwarded-For is
	// believed. With none, the peer's own address counts.
	TrustedProxies []string
	// ReadHeader bounds how long a client may take over its headers, Idle how
	// long a kept connection may rest.
	ReadHeader time.Duration
	Idle       time.Duration
	// Write bounds how long an answer may take once its request is read.
	Write time.Duration
	// MaxHeader is the most bytes of headers.
	MaxHeader int
	// BodiesPerNetwork is how many bodies of more than 32 KiB may be under way from
	// one network at a time; others wait a while for their turn. 0 is no limit.
	BodiesPerNetwork int
	// BodiesInAll is the same of all networks together.
	BodiesInAll int
	// ConnectionsPerNetwork is how many connections one client has open at a time (of
	// origin.Networks the smallest; the wider ones have their share). 0 is no limit.
	ConnectionsPerNetwork int
	// Body is the pace a route without its own is held to.
	Body Pace
}

// Pace bounds a request's body. A client that falls behind is cut off, so that
// many slow ones cannot hold the server's connections.
type Pace struct {
	Max     int64         // bytes
	MinRate int64         // bytes a second, after Grace
	Grace   time.Duration // for the first bytes
	Total   time.Duration // for the whole body
}

// Defaults are limits fit for a public server.
func Defaults() Config {
	return Config{
		Name:       "Partner Support",
		URL:        "http://127.0.0.1:8080",
		ReadHeader: 10 * time.Second,
		Idle:       75 * time.Second,
		Write:      30 * time.Second,
		MaxHeader:  32 << 10,
		// Enough for an office behind one address.
		BodiesPerNetwork: 30, BodiesInAll: 200, ConnectionsPerNetwork: 200,
		Body: Pace{Max: 256 << 10, MinRate: 512, Grace: 15 * time.Second, Total: time.Minute},
	}
}

// Validate returns every fault, joined, each naming its field.
func (c Config) Validate() error {
	var faults []error
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || (u.Path != "" && u.Path != "/") {
		faults = append(faults, fmt.Errorf("url: %q is not like https://support.example.com", c.URL))
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			faults = append(faults, fmt.Errorf("trusted_proxies: %q is not a network like 10.0.0.0/8", p))
		}
	}
	if c.Name == "" {
		faults = append(faults, errors.New("name: is empty"))
	}
	if err := c.Brand.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("brand: %w", err))
	}
	if c.BodiesPerNetwork < 0 || c.BodiesInAll < 0 || c.ConnectionsPerNetwork < 0 {
		faults = append(faults, errors.New("bodies_per_network, bodies_in_all, connections_per_network: below zero"))
	}
	if c.ReadHeader <= 0 || c.Idle <= 0 || c.Write <= 0 || c.MaxHeader <= 0 || c.Body.Max <= 0 || c.Body.Total <= 0 {
		faults = append(faults, errors.New("every limit must be above zero"))
	}
	return errors.Join(faults...)
}
