package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/mail/sandbox"
	"signpost/store"
)

// DemoCmd runs the whole service beside the sandbox mail server, in one
// process: how people try Signpost, and how its tests run it.
type DemoCmd struct {
	HTTP string `env:"SIGNPOST_HTTP" default:"127.0.0.1:8080" help:"Where pages are served (${default})."`
	SMTP string `env:"SIGNPOST_SMTP" default:"127.0.0.1:2525" help:"Where the sandbox takes mail (${default})."`
	IMAP string `env:"SIGNPOST_IMAP" default:"127.0.0.1:1143" help:"Where the sandbox shows mailboxes (${default})."`
	Data string `env:"SIGNPOST_DATA" default:"data/demo" help:"Data folder (${default})." type:"path"`

	Canary time.Duration `env:"SIGNPOST_CANARY" default:"0s" help:"How often the canary flies; 0s: by hand at /ops/health alone (${default})."`
	Log    string        `default:"warn" help:"debug, info, warn or error (${default})."`
}

// Run serves until the process is told to stop.
func (c *DemoCmd) Run(env *environment) error {
	log, err := newLog(env.stderr, c.Log)
	if err != nil {
		return err
	}
	d, err := openDemo(*c, log)
	if err != nil {
		return err
	}
	defer d.Close()
	d.welcome(env.stdout)
	ctx, stop := untilSignal()
	defer stop()
	return d.Run(ctx)
}

// demoAgent signs in, and demoPassword lets them; it opens every mailbox of the
// sandbox too.
const (
	demoAgent    = "agent@example.com"
	demoPassword = "demo"
)

// sandboxHost is the name the sandbox stamps its findings under.
const sandboxHost = "mx.sandbox.example.com"

// demo is a service and the mail host it talks to.
type demo struct {
	app              *App
	host             *sandbox.Server
	http, smtp, imap net.Listener
}

// openDemo opens listeners and stores, after change had its hand on the
// configuration; nothing is served yet.
func openDemo(c DemoCmd, log *slog.Logger, change ...func(*Config)) (_ *demo, err error) {
	d := &demo{}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	for _, l := range []struct {
		name, address string
		into          *net.Listener
	}{{"SIGNPOST_HTTP", c.HTTP, &d.http}, {"SIGNPOST_SMTP", c.SMTP, &d.smtp}, {"SIGNPOST_IMAP", c.IMAP, &d.imap}} {
		if *l.into, err = listen(l.name, l.address); err != nil {
			return nil, err
		}
	}
	secret, err := demoSecret(c.Data)
	if err != nil {
		return nil, err
	}
	d.host = sandbox.New(sandbox.Config{Password: demoPassword, Host: sandboxHost, Log: log})
	cfg := demoConfig(c.Data, d.url(), secret)
	cfg.Canary.Every = c.Canary
	for _, c := range change {
		c(&cfg)
	}
	if d.app, err = openApp(cfg, log); err != nil {
		return nil, err
	}
	if err := d.hire(); err != nil {
		return nil, err
	}
	return d, d.app.build(d.dialers(), d.mount)
}

// url is where a browser on this machine finds the pages, also when they are
// served on every address of it.
func (d *demo) url() string {
	at := d.http.Addr().(*net.TCPAddr).AddrPort()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	return "http://" + at.String()
}

// hire adds the demo's agent, who may do everything; an account that is there
// stays as it was left.
func (d *demo) hire() error {
	_, err := d.app.db.AddAgent(context.Background(), time.Now(), store.NewAgent{
		Email: demoAgent, Name: "Demo Agent", Password: staff.HashPassword(demoPassword),
		Roles: []store.Role{store.RoleAgent, store.RoleOps, store.RoleAdmin},
	})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

func (d *demo) dialers() dialers {
	return dialers{
		smtp:     func(ctx context.Context, _, _ string) (net.Conn, error) { return d.host.DialSMTP(ctx) },
		imap:     d.host.DialIMAP,
		resolver: sandboxResolver{},
	}
}

// Run serves until ctx ends; the mail host outlives the service, so that its
// sender can put down its work.
func (d *demo) Run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	failed := make(chan error, 2)
	for name, serve := range map[string]func() error{
		"SMTP": func() error { return d.host.ServeSMTP(d.smtp) },
		"IMAP": func() error { return d.host.ServeIMAP(d.imap) },
	} {
		go func() {
			err := serve()
			if ctx.Err() == nil { // without its mail server the demo is over
				failed <- fmt.Errorf("the sandbox's %s server ended: %w", name, cmp.Or(err, net.ErrClosed))
				end()
			}
		}()
	}
	err := d.app.Run(ctx, d.http)
	select {
	case cause := <-failed:
		return errors.Join(cause, err)
	default:
		return err
	}
}

// Close gives everything back.
func (d *demo) Close() error {
	var errs []error
	if d.host != nil {
		errs = append(errs, d.host.Close())
	}
	for _, l := range []net.Listener{d.http, d.smtp, d.imap} {
		if l != nil {
			l.Close() // serving closes it too
		}
	}
	if d.app != nil {
		errs = append(errs, d.app.Close())
	}
	return errors.Join(errs...)
}

// demoSecret keeps one secret a data folder, so that links survive a restart.
func demoSecret(data string) (string, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(data, "secret")
	if err := writeNew(path, newSecret(), 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// demoConfig is a small company's configuration: partners in the United States,
// and all others. Limits by network are off, so that it can be tried and
// measured from one machine; all others are on.
func demoConfig(data, url, secret string) Config {
	cfg := defaultConfig()
	cfg.Service.BaseURL = url
	cfg.Service.Data = data
	cfg.Service.Product = "Example Partner Support"
	cfg.Service.Secret = secret
	us := RegionConfig{
		Prefix: "US", Address: "partner-us.support@example.com", Name: "Example Partner Support US",
		Countries: []string{"US"}, Languages: []string{"en", "es"}, Zone: "America/New_York",
		Hours: "Mon-Fri 09:00-18:00", Holidays: []string{"2026-11-26", "2026-12-25", "2027-01-01"},
		Mailbox: "us", Signature: "Example Partner Support",
	}
	intl := RegionConfig{
		Prefix: "INT", Address: "partner.support@example.com", Name: "Example Partner Support",
		Languages: []string{"en", "es", "zh-Hans", "id", "ar"}, Zone: "Europe/London",
		Hours: "Mon-Fri 09:00-12:30,13:30-18:00", Holidays: []string{"2026-12-25", "2027-01-01"},
		Mailbox: "intl", Signature: "Example Partner Support",
	}
	cfg.Region = map[string]RegionConfig{"us": us.withDefaults(), "intl": intl.withDefaults()}
	cfg.regionOrder = []string{"us", "intl"}
	box := func(address string) MailboxConfig {
		return MailboxConfig{
			Address: "sandbox:143", TLS: "none", Username: address, Password: demoPassword,
			TrustedAuthserv: []string{sandboxHost},
		}.withDefaults()
	}
	cfg.Mailbox = map[string]MailboxConfig{"us": box(us.Address), "intl": box(intl.Address)}
	// Sent by hand alone, so that it stands in nobody's way.
	cfg.Mailbox["canary"] = box("canary@example.com")
	cfg.Canary = CanaryConfig{
		On: true, Address: "canary@example.com", Mailbox: "canary", Limit: 20 * time.Second,
		poll: 250 * time.Millisecond, settle: 2 * time.Second, rest: time.Second,
	}
	cfg.SMTP = SMTPConfig{Address: "sandbox:25", TLS: "none", Hello: "help.example.com", Auth: "none", Sessions: 4, PerDomain: 4, NullSender: true}
	cfg.Form.Categories = []string{"Orders", "Payments", "Catalogue", "Technical", "Other"}
	cfg.Form.PerNetwork, cfg.Form.ConfirmNet, cfg.Form.ConfirmNetDay = 0, 0, 0
	cfg.Responder.Network = -1
	// On, but far above what one who measures reaches.
	cfg.Form.UploadsPerDay = 1 << 40
	cfg.Form.ConfirmTotal, cfg.Form.ConfirmTotalDay = 200_000, 2_000_000
	// Who tries the demo takes all partners from the domains made for that (RFC 2606
	// section 3).
	cfg.Form.publicHosts = []string{"example.com", "example.net", "example.org"}
	return cfg
}

// welcome prints every address and login.
func (d *demo) welcome(w io.Writer) {
	url := d.url()
	fmt.Fprintf(w, `Signpost demo

  Help centre     %[1]s/
  Contact form    %[1]s/contact
  Sandbox         %[1]s/sandbox     every mail, and a form to write one as anybody
  Staff           %[1]s/sign-in     %[6]s, password %[4]s
  Health          %[1]s/readyz      metrics: %[1]s/metrics

  SMTP            %[2]s     any sender, any recipient
  IMAP            %[3]s     any address is a mailbox, password %[4]s

  Regions         partner-us.support@example.com   United States
                  partner.support@example.com      every other country

  Data            %[5]s
  Stop with Ctrl-C.
`, url, d.smtp.Addr(), d.imap.Addr(), demoPassword, d.app.cfg.Service.Data, demoAgent)
}

// sandboxResolver is the DNS of the sandbox's world: every domain takes mail
// but those under .invalid, which RFC 2606 promises never to exist.
type sandboxResolver struct{}

func (sandboxResolver) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "invalid" || strings.HasSuffix(name, ".invalid") {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []*net.MX{{Host: sandboxHost + ".", Pref: 10}}, nil
}

func (sandboxResolver) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (sandboxResolver) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (sandboxResolver) LookupHost(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
