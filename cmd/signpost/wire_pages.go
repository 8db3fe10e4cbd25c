package main

import (
	"net/url"
	"slices"
	"time"

	"signpost/intake/form"
	"signpost/intake/staff"
	"signpost/intake/web"
)

func webConfig(cfg Config) web.Config {
	c, out := cfg.Service, web.Defaults()
	out.Name = c.Product
	out.URL, out.Hosts = c.BaseURL, c.Hosts
	for _, p := range c.TrustedProxies {
		out.TrustedProxies = append(out.TrustedProxies, p.String())
	}
	// What a network may not post in an hour it need not have under way at once.
	out.BodiesPerNetwork, out.BodiesInAll = cfg.Form.PerNetwork, cfg.Form.UploadsAtOnce
	// Where networks tell nothing apart for the form, they do not for connections.
	if cfg.Form.PerNetwork == 0 {
		out.ConnectionsPerNetwork = 0
	}
	return out
}

func formConfig(cfg Config) form.Config {
	c, out := cfg.Form, form.Defaults()
	out.Categories = c.Categories
	out.MinDescription, out.MaxDescription = c.MinChars, c.MaxChars
	out.MaxFiles, out.MaxFile, out.MaxTotal = c.MaxFiles, int64(c.MaxFile), int64(c.MaxTotal)
	out.UploadsPerDay = int64(c.UploadsPerDay)
	if len(c.Types) > 0 {
		out.Types = c.Types
	}
	out.LinkKept = time.Duration(c.LinkDays) * 24 * time.Hour
	out.MinFill, out.ProofOfWork = c.MinFill, c.ProofOfWork
	out.PostsPerNetwork, out.PostsPerAddress = c.PerNetwork, c.PerAddress
	out.ConfirmationsPerAddress, out.ConfirmationsPerAddressDay = c.ConfirmAddr, c.ConfirmAddrDay
	out.ConfirmationsPerDomain, out.ConfirmationsPerDomainDay = c.ConfirmDom, c.ConfirmDomDay
	out.ConfirmationsPerNetwork, out.ConfirmationsPerNetworkDay = c.ConfirmNet, c.ConfirmNetDay
	out.ConfirmationsInAll, out.ConfirmationsInAllDay = c.ConfirmTotal, c.ConfirmTotalDay
	out.PublicHosts = slices.Concat(cfg.Responder.Freemail, c.publicHosts)
	return out
}

func staffConfig(cfg Config) staff.Config {
	out := staff.Defaults()
	out.Issuer, out.Own = cfg.Service.Product, cfg.siteWords()
	// Where networks tell nothing apart for the form, they do not here either.
	if cfg.Form.PerNetwork == 0 {
		out.PerNetwork = 0
	}
	return out
}

// siteWords are what a guesser knows of this site: its product's name, where its
// pages are and its mail comes from.
func (c Config) siteWords() []string {
	words := []string{c.Service.Product}
	if u, err := url.Parse(c.Service.BaseURL); err == nil {
		words = append(words, u.Hostname())
	}
	for _, r := range c.Regions() {
		words = append(words, r.Address)
	}
	return words
}
