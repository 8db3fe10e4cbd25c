package main

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"signpost/mail/compose"
	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/sla"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/verbs"
)

// What one room needs of another is plugged here; each function hands one
// package its part of the configuration.

func openStore(cfg ServiceConfig, m *metrics, log *slog.Logger) (*verbs.Store, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	if err := restored(cfg.Data); err != nil {
		return nil, err
	}
	return datafile.Open(filepath.Join(cfg.Data, databaseFile), datafile.Options{
		Log: log, MaxSize: int64(cfg.DiskBudget), Observe: m.observeCommit,
	})
}

func openBlobs(cfg ServiceConfig) (*blob.Local, error) {
	return blob.Open(filepath.Join(cfg.Data, blobFolder))
}

// promises answers what each region promises for a ticket opened at an instant.
type promises map[string]func(at time.Time) (store.Promise, error)

func newPromises(regions []store.Region) (promises, error) {
	all := promises{}
	for _, r := range regions {
		calendar, err := sla.ForRegion(r)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", r.ID, err)
		}
		all[r.ID] = func(at time.Time) (p store.Promise, err error) {
			if p.FirstResponseBy, err = calendar.DueAt(at, r.FirstResponse); err != nil {
				return p, err
			}
			p.ResolutionBy, err = calendar.DueAt(at, r.Resolution)
			return p, err
		}
	}
	return all, nil
}

// promise is the func the form asks.
func (p promises) promise(region string, at time.Time) (store.Promise, error) {
	promise, ok := p[region]
	if !ok {
		return store.Promise{}, fmt.Errorf("promise of region %q: %w", region, store.ErrNotFound)
	}
	return promise(at)
}

// zones is each region's time zone.
func zones(regions []store.Region) (func(region string) *time.Location, error) {
	all := map[string]*time.Location{}
	for _, r := range regions {
		zone, err := sla.Zone(r.Zone)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", r.ID, err)
		}
		all[r.ID] = zone
	}
	return func(region string) *time.Location { return all[region] }, nil
}

func newComposer(cfg Config, instance string, zone func(string) *time.Location, ring *ident.Ring, texts *lang.Catalogue) (*compose.Composer, error) {
	signers, err := readSigners(cfg.DKIM)
	if err != nil {
		return nil, err
	}
	return compose.New(compose.Config{
		BaseURL: cfg.Service.BaseURL, Product: cfg.Service.Product, Instance: instance,
		Zone: zone, Signers: signers, NullSender: cfg.SMTP.NullSender, Bounces: cfg.bounceAddress,
	}, ring, texts)
}

func readSigners(configs map[string]DKIMConfig) ([]compose.Signer, error) {
	var signers []compose.Signer
	for _, id := range sortedKeys(configs) {
		key, err := readKey(configs[id].KeyFile)
		if err != nil {
			return nil, fmt.Errorf("dkim.%s.key_file: %w", id, err)
		}
		signers = append(signers, compose.Signer{Domain: configs[id].Domain, Selector: configs[id].Selector, Key: key})
	}
	return signers, nil
}

func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return compose.ParseKey(text)
}

// composeFor adapts the composer to the sender.
func composeFor(c *compose.Composer) outbox.Compose {
	return func(_ context.Context, o store.Outbound) (outbox.Message, error) {
		m, err := c.Compose(o)
		if err != nil {
			// The row itself is at fault; another try would end the same.
			return outbox.Message{}, &outbox.DeliveryError{Verdict: outbox.Fail, Err: err}
		}
		return outbox.Message{
			From: m.From, To: m.To, EnvelopeID: m.EnvelopeID,
			NotifyNever: m.Notify == compose.NotifyNever, UTF8: m.UTF8, Bytes: m.Bytes,
		}, nil
	}
}

func senderConfig(c SMTPConfig, tokens accounts) outbox.Config {
	out := outbox.Config{
		Addr: c.Address, Hello: c.Hello, Username: c.Username, Password: c.Password,
		Sessions: c.Sessions, PerDomain: c.PerDomain,
		TLS: map[string]outbox.TLSMode{"tls": outbox.TLSImplicit, "starttls": outbox.TLSRequired, "opportunistic": outbox.TLSOpportunistic, "none": outbox.TLSNone}[c.TLS],
	}
	switch {
	case c.Auth == "xoauth2":
		out.Auth, out.Token, out.Refused = outbox.AuthXOAuth2, tokens.token(c.OAuth), tokens.refused(c.OAuth)
	case c.Username != "":
		out.Auth = map[string]outbox.AuthMechanism{"plain": outbox.AuthPlain, "login": outbox.AuthLogin}[c.Auth]
	}
	return out
}

// bounceAddress is where a region's bounces go, "" for its own address.
func (c Config) bounceAddress(region string) string { return c.Region[region].BounceAddress }

// ownAddresses tells every address of the installation, tagged forms included.
func ownAddresses(cfg Config) func(address string) bool {
	own := map[string]bool{}
	add := func(address string) {
		if strings.Contains(address, "@") {
			own[store.AnswerKey(address)] = true
		}
	}
	for _, r := range cfg.Region {
		add(r.Address)
		add(r.BounceAddress)
	}
	for id, m := range cfg.Mailbox {
		if cfg.isCanary(id) { // a stranger to us, as its mail has to be
			continue
		}
		add(m.Username)
		for _, a := range m.Aliases {
			add(a)
		}
	}
	return func(address string) bool { return own[store.AnswerKey(address)] }
}

func mailboxFor(id string, c MailboxConfig, regions []store.Region, tokens accounts) watch.Mailbox {
	box := watch.Mailbox{
		ID: id, Address: c.Address, Username: c.Username, Password: c.Password, Folder: c.Folder,
		TLS:   map[string]watch.TLSMode{"tls": watch.TLSImplicit, "starttls": watch.TLSStart, "none": watch.TLSNone}[c.TLS],
		Trust: c.trust(), AnswerUnauthenticated: c.AnswerUnauthenticated,
		Silent: c.Silent || c.Bounces, Mark: true, MarkAnswered: true, MoveTo: c.MoveTo,
		Folders: watch.Folders(c.Folders),
	}
	if c.Auth == "xoauth2" {
		box.Token, box.Refused = tokens.token(c.OAuth), tokens.refused(c.OAuth)
	}
	for _, r := range regions {
		if r.Mailbox == id {
			box.Regions = append(box.Regions, r)
		}
	}
	return box
}

// trust says whose results are believed in the mailbox.
func (c MailboxConfig) trust() watch.Trust {
	return watch.Trust{Hosts: c.TrustedAuthserv, Relays: c.TrustedRelays}
}

// resolverFor asks the configured name server, or the system's.
func resolverFor(c ServiceConfig) *net.Resolver {
	if c.DNS == "" {
		return &net.Resolver{}
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.DNS)
	}}
}

// newLog writes one line per state change to w, as text for people and
// machines alike.
func newLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// listen opens a TCP listener with an error that names the setting at fault.
func listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return l, nil
}
