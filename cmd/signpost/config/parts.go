package config

import (
	"cmp"
	"context"
	"crypto"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"signpost/intake/form"
	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/mail/canary"
	"signpost/mail/compose"
	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/store"
)

// What each room is given of the configuration.

// ForWeb is the pages' part.
func (c Config) ForWeb() web.Config {
	out := web.Defaults()
	out.Name = c.Service.Product
	out.Brand = c.Look()
	out.URL, out.Hosts = c.Service.BaseURL, c.Service.Hosts
	for _, p := range c.Service.TrustedProxies {
		out.TrustedProxies = append(out.TrustedProxies, p.String())
	}
	// What a network may not post in an hour it need not have under way at once.
	out.BodiesPerNetwork, out.BodiesInAll = c.Form.PerNetwork, c.Form.UploadsAtOnce
	// Where networks tell nothing apart for the form, they do not for connections.
	if c.Form.PerNetwork == 0 {
		out.ConnectionsPerNetwork = 0
	}
	return out
}

// ForPosts is the part of what is read from every form with files.
func (c Config) ForPosts() post.Config {
	f, out := c.Form, post.Defaults()
	out.MaxFiles, out.MaxFile, out.MaxTotal = f.MaxFiles, int64(f.MaxFile), int64(f.MaxTotal)
	out.Types, out.UploadsPerDay = f.Types, int64(f.UploadsPerDay)
	out.NetworksAlike = f.PerNetwork == 0
	return out
}

// ForForm is the contact form's part.
func (c Config) ForForm() form.Config {
	f, out := c.Form, form.Defaults()
	out.Categories = f.Categories
	out.MinDescription, out.MaxDescription = f.MinChars, f.MaxChars
	out.LinkKept = c.LinkKept()
	out.MinFill, out.ProofOfWork = f.MinFill, f.ProofOfWork
	out.PostsPerNetwork, out.PostsPerAddress = f.PerNetwork, f.PerAddress
	out.ConfirmationsPerAddress, out.ConfirmationsPerAddressDay = f.ConfirmAddr, f.ConfirmAddrDay
	out.ConfirmationsPerDomain, out.ConfirmationsPerDomainDay = f.ConfirmDom, f.ConfirmDomDay
	out.ConfirmationsPerNetwork, out.ConfirmationsPerNetworkDay = f.ConfirmNet, f.ConfirmNetDay
	out.ConfirmationsInAll, out.ConfirmationsInAllDay = f.ConfirmTotal, f.ConfirmTotalDay
	out.PublicHosts = slices.Concat(c.Responder.Freemail, f.publicHosts)
	return out
}

// LinkKept is how long a mailed link opens its ticket.
func (c Config) LinkKept() time.Duration { return time.Duration(c.Form.LinkDays) * day }

// ForStaff is the part of the staff's door.
func (c Config) ForStaff() staff.Config {
	out := staff.Defaults()
	out.Issuer, out.Own = c.Service.Product, c.SiteWords()
	out.BaseURL, out.RequireFactor = c.Service.BaseURL, c.Staff.RequireFactor
	// Where networks tell nothing apart for the form, they do not here either.
	if c.Form.PerNetwork == 0 {
		out.PerNetwork, out.AskedPerNetwork = 0, 0
	}
	return out
}

// SiteWords are what a guesser of passwords knows of this site: its product's name,
// where its pages are and its mail comes from.
func (c Config) SiteWords() []string {
	words := []string{c.Service.Product}
	if u, err := url.Parse(c.Service.BaseURL); err == nil {
		words = append(words, u.Hostname())
	}
	for _, r := range c.Regions() {
		words = append(words, r.Address)
	}
	return words
}

// ForSender is the part of the sender, which logs in with these tokens.
func (c Config) ForSender(tokens Accounts) outbox.Config {
	s := c.SMTP
	out := outbox.Config{
		Addr: s.Address, Hello: s.Hello, Username: s.Username, Password: s.Password,
		Sessions: s.Sessions, PerDomain: s.PerDomain,
		TLS: map[string]outbox.TLSMode{
			"tls": outbox.TLSImplicit, "starttls": outbox.TLSRequired, "opportunistic": outbox.TLSOpportunistic,
			"none": outbox.TLSNone,
		}[s.TLS],
	}
	switch {
	case s.Auth == "xoauth2":
		out.Auth, out.Token, out.Refused = outbox.AuthXOAuth2, tokens.token(s.OAuth), tokens.refused(s.OAuth)
	case s.Username != "":
		out.Auth = map[string]outbox.AuthMechanism{"plain": outbox.AuthPlain, "login": outbox.AuthLogin}[s.Auth]
	}
	return out
}

// Signers sign mail with the configured keys.
func (c Config) Signers() ([]compose.Signer, error) {
	var signers []compose.Signer
	for _, id := range sorted(c.DKIM) {
		signer, err := c.DKIM[id].Signer()
		if err != nil {
			return nil, fmt.Errorf("dkim.%s.key_file: %w", id, err)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// Signer reads the key.
func (d DKIM) Signer() (compose.Signer, error) {
	key, err := readKey(d.KeyFile)
	return compose.Signer{Domain: d.Domain, Selector: d.Selector, Key: key}, err
}

func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return compose.ParseKey(text)
}

// BounceAddress is where a region's bounces go, "" for its own address.
func (c Config) BounceAddress(region string) string { return c.Region[region].BounceAddress }

// OwnAddresses tells every address of the installation, tagged forms included.
func (c Config) OwnAddresses() func(address string) bool {
	own := map[string]bool{}
	add := func(addresses ...string) {
		for _, address := range addresses {
			if strings.Contains(address, "@") {
				own[store.AnswerKey(address)] = true
			}
		}
	}
	for _, r := range c.Region {
		add(r.Address, r.BounceAddress)
	}
	for id, m := range c.Mailbox {
		if c.IsCanary(id) { // a stranger to us, as its mail has to be
			continue
		}
		add(m.Username)
		add(m.Aliases...)
	}
	return func(address string) bool { return own[store.AnswerKey(address)] }
}

// ForWatcher is the part of the watcher of a mailbox, which logs in with these tokens.
func (c Config) ForWatcher(id string, tokens Accounts) watch.Mailbox {
	m := c.Mailbox[id]
	box := watch.Mailbox{
		ID: id, Address: m.Address, Username: m.Username, Password: m.Password, Folder: m.Folder,
		TLS:   map[string]watch.TLSMode{"tls": watch.TLSImplicit, "starttls": watch.TLSStart, "none": watch.TLSNone}[m.TLS],
		Trust: c.Trust(id), AnswerUnauthenticated: m.AnswerUnauthenticated,
		Silent: m.Silent || m.Bounces || c.IsCanary(id), Mark: true, MarkAnswered: true, MoveTo: m.MoveTo,
		Folders: watch.Folders(m.Folders),
	}
	if m.Auth == "xoauth2" {
		box.Token, box.Refused = tokens.token(m.OAuth), tokens.refused(m.OAuth)
	}
	for _, r := range c.Regions() {
		if r.Mailbox == id {
			box.Regions = append(box.Regions, r)
		}
	}
	return box
}

// Trust says whose results are believed in a mailbox.
func (c Config) Trust(mailbox string) watch.Trust {
	m := c.Mailbox[mailbox]
	return watch.Trust{Hosts: m.TrustedAuthserv, Relays: m.TrustedRelays}
}

// AnswerLimits bound the automatic answers.
func (c Config) AnswerLimits() watch.Limits {
	r := c.Responder
	return watch.Limits{
		Period:     time.Duration(r.PeriodDays) * day,
		DomainHour: r.DomainHour, DomainDay: r.DomainDay, NetworkHour: r.Network,
		Breaker: r.Breaker, Returns: cmp.Or(r.Returned, -1), PublicHosts: r.Freemail,
	}
}

// CanaryPrefix is of the numbers of the canary's tickets.
const CanaryPrefix = "CANARY"

// ForCanary is the canary's part.
func (c Config) ForCanary() canary.Config {
	y := c.Canary
	return canary.Config{
		Address: y.Address, Every: y.Every, Limit: y.Limit, Poll: y.poll, Settle: y.settle, Rest: y.rest,
		Regions: c.WatchedRegions(), Prefix: CanaryPrefix, Trusted: c.Trust(y.Mailbox),
	}
}

// IsCanary tells the mailbox that is the canary's.
func (c Config) IsCanary(mailbox string) bool { return c.Canary.On && mailbox == c.Canary.Mailbox }

// WatchedRegions are those whose strays are read and answered.
func (c Config) WatchedRegions() (all []store.Region) {
	for _, r := range c.Regions() {
		if box, ok := c.Mailbox[r.Mailbox]; ok && !box.Silent {
			all = append(all, r)
		}
	}
	return all
}

// Resolver asks the configured name server, or the system's.
func (c Service) Resolver() *net.Resolver {
	if c.DNS == "" {
		return &net.Resolver{}
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.DNS)
	}}
}
