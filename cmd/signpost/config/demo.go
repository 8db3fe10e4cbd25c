package config

import (
	"time"
)

// DemoSite is where a demo runs.
type DemoSite struct {
	Data, URL, Secret string
	Authserv          string // the name under which its mail host states results
	Password          string // of every mailbox
}

// Demo is a small company's configuration: partners in the United States, and all
// others. Limits by network are off, so that it can be tried and measured from one
// machine; all others are on.
func Demo(site DemoSite) Config {
	cfg := Default()
	cfg.Service.BaseURL, cfg.Service.Data, cfg.Service.Secret = site.URL, site.Data, site.Secret
	cfg.Service.Product = "Example Partner Support"
	us := Region{
		Prefix: "US", Address: "partner-us.support@example.com", Name: "Example Partner Support US",
		Countries: []string{"US"}, Languages: []string{"en", "es"}, Zone: "America/New_York",
		Hours: "Mon-Fri 09:00-18:00", Holidays: []string{"2026-11-26", "2026-12-25", "2027-01-01"},
		Mailbox: "us", Signature: "Example Partner Support",
	}
	intl := Region{
		Prefix: "INT", Address: "partner.support@example.com", Name: "Example Partner Support",
		Languages: []string{"en", "es", "zh-Hans", "id", "ar"}, Zone: "Europe/London",
		Hours: "Mon-Fri 09:00-12:30,13:30-18:00", Holidays: []string{"2026-12-25", "2027-01-01"},
		Mailbox: "intl", Signature: "Example Partner Support",
	}
	cfg.Region = map[string]Region{"us": us.withDefaults(), "intl": intl.withDefaults()}
	cfg.regionOrder = []string{"us", "intl"}
	const canary = "canary@example.com"
	cfg.Mailbox = map[string]Mailbox{
		"us": site.mailbox(us.Address), "intl": site.mailbox(intl.Address), "canary": site.mailbox(canary),
	}
	// Sent by hand alone, so that no run of it stands between others' mails.
	cfg.Canary = Canary{
		On: true, Address: canary, Mailbox: "canary", Limit: 20 * time.Second,
		poll: 250 * time.Millisecond, settle: 2 * time.Second, rest: time.Second,
	}
	cfg.SMTP.Address, cfg.SMTP.TLS, cfg.SMTP.Hello, cfg.SMTP.Auth = "sandbox:25", "none", "help.example.com", "none"
	cfg.SMTP.PerDomain = 4
	cfg.Form.relaxForDemo()
	cfg.Responder.Network = -1
	return cfg
}

func (s DemoSite) mailbox(address string) Mailbox {
	return Mailbox{
		Address: "sandbox:143", TLS: "none", Username: address, Password: s.Password,
		TrustedAuthserv: []string{s.Authserv},
	}.withDefaults()
}

func (f *Form) relaxForDemo() {
	f.Categories = []string{"Orders", "Payments", "Catalogue", "Technical", "Other"}
	f.PerNetwork, f.ConfirmNet, f.ConfirmNetDay = 0, 0, 0
	// On, but far above what a measurement reaches.
	f.UploadsPerDay = 1 << 40
	f.ConfirmTotal, f.ConfirmTotalDay = 200_000, 2_000_000
	// All partners of a demo come from the domains made for that (RFC 2606 section 3).
	f.publicHosts = []string{"example.com", "example.net", "example.org"}
}
