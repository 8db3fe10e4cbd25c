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
	"sync"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/mailhost"
	page "signpost/intake/sandbox"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/mail/sandbox"
	"signpost/store"
	"signpost/store/durable"
)

// DemoCmd runs the whole service beside the sandbox mail server, in one
// process: how people try Signpost, and how its tests run it.
type DemoCmd struct {
	HTTP string `env:"SIGNPOST_HTTP" default:"127.0.0.1:8080" help:"Where pages are served (${default})."`
	SMTP string `env:"SIGNPOST_SMTP" default:"127.0.0.1:2525" help:"Where the sandbox takes mail (${default})."`
	IMAP string `env:"SIGNPOST_IMAP" default:"127.0.0.1:1143" help:"Where the sandbox shows mailboxes (${default})."`
	Data string `env:"SIGNPOST_DATA" default:"data/demo" help:"Data folder (${default})." type:"path"`

	Canary time.Duration  `env:"SIGNPOST_CANARY" default:"0s" help:"${demo_canary} (${default})."`
	Undo   *time.Duration `env:"SIGNPOST_UNDO" help:"How long replies wait for undo; else as their author chose."`
	Log    string         `default:"warn" help:"debug, info, warn or error (${default})."`
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

// demoPassword lets the demo's staff in, and opens every mailbox of the sandbox too.
const demoPassword = "demo"

// demoStaff are those who may sign in to the demo.
var demoStaff = []store.NewAgent{
	{Email: "agent@example.com", Name: "Demo Agent", Roles: []store.Role{store.RoleAgent, store.RoleLead, store.RoleOps}},
	{Email: "lee@example.com", Name: "Demo Lee", Roles: []store.Role{store.RoleAgent}},
	{Email: "ops@example.com", Name: "Demo Ops", Roles: []store.Role{store.RoleOps}},
	{Email: "admin@example.com", Name: "Demo Admin", Roles: []store.Role{store.RoleAdmin, store.RoleLead}},
}

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
func openDemo(c DemoCmd, log *slog.Logger, change ...func(*config.Config)) (_ *demo, err error) {
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
	cfg.Service.Secret, cfg.Service.SecretFile = "", filepath.Join(c.Data, demoSecretFile)
	cfg.Canary.Every = c.Canary
	cfg.SetUndo(c.Undo)
	for _, c := range change {
		c(&cfg)
	}
	if d.app, err = openApp(cfg, log); err != nil {
		return nil, err
	}
	d.app.demo = true
	if err := addDemoStaff(d.app.db); err != nil {
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

// addDemoStaff adds the demo's staff; an account that is there stays as it was left.
func addDemoStaff(db store.Agents) error {
	hash := sync.OnceValue(func() string { return staff.HashPassword(demoPassword) })
	for _, n := range demoStaff {
		n.Password = hash()
		_, err := db.AddAgent(context.Background(), time.Now(), store.ByService(), n)
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

func (d *demo) dialers() dialers {
	return dialers{
		smtp:     func(ctx context.Context, _, _ string) (net.Conn, error) { return d.host.DialSMTP(ctx) },
		imap:     d.host.DialIMAP,
		resolver: sandbox.Resolver{Host: sandboxHost},
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

// demoSecretFile is the demo's secret, in its data folder.
const demoSecretFile = "secret"

// demoSecret keeps one secret a data folder, so that links survive a restart.
func demoSecret(data string) (string, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(data, demoSecretFile)
	if err := durable.Create(path, 0o600, durable.Bytes(newSecret())); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// demoConfig is the demo's configuration in front of the sandbox.
func demoConfig(data, url, secret string) config.Config {
	return config.Demo(config.DemoSite{
		Data: data, URL: url, Secret: secret, Authserv: sandboxHost, Password: demoPassword,
	})
}

// demoLogins says who may sign in, as what: a line each.
func demoLogins() string {
	var all strings.Builder
	for _, n := range demoStaff {
		fmt.Fprintf(&all, "\n                  %-20s %s", n.Email, roleList(n.Roles))
	}
	return all.String()
}

// welcome prints every address and login.
func (d *demo) welcome(w io.Writer) {
	url := d.url()
	fmt.Fprintf(w, `Signpost demo

  Help centre     %[1]s/
  Contact form    %[1]s/contact
  Desk            %[1]s/desk        where agents answer
  Sandbox         %[1]s/sandbox     every mail, and a form to write one as anybody
  Staff           %[1]s/sign-in     password %[4]s%[6]s
  Health          %[1]s/readyz      metrics: %[1]s/metrics

  SMTP            %[2]s     any sender, any recipient
  IMAP            %[3]s     any address is a mailbox, password %[4]s

  Regions         partner-us.support@example.com   United States
                  partner.support@example.com      every other country

  Data            %[5]s
  Fill it         %[7]s generate --demo %[5]s --tickets 600
                  makes a month of tickets and answers, also while this runs
  Stop with Ctrl-C.
`, url, d.smtp.Addr(), d.imap.Addr(), demoPassword, d.app.cfg.Service.Data, demoLogins(), os.Args[0])
}

// bar is the line at the foot of every page.
func (d *demo) bar() web.Bar {
	b := web.Bar{Password: demoPassword, Latest: d.app.latest, Rooms: []web.Room{
		{Name: "Form", Path: "/contact"}, {Name: "Desk", Path: "/desk"}, {Name: "Ops", Path: "/ops"},
		{Name: "Sandbox", Path: "/sandbox"},
	}}
	for _, n := range demoStaff {
		b.People = append(b.People, web.Person{Email: n.Email, Roles: roleList(n.Roles)})
	}
	return b
}

// latest is the path of the ticket opened last, "" for none. Tickets are counted up and
// none is deleted, so that their number is the id of the last.
func (a *App) latest(ctx context.Context) string {
	stats, err := a.db.Stats(ctx)
	last := store.TicketID(0)
	for _, n := range stats.Tickets {
		last += store.TicketID(n)
	}
	if err != nil || last == 0 {
		return ""
	}
	k, err := a.db.Ticket(ctx, last)
	if err != nil || k.Channel == store.ChannelCanary || k.Link == (store.LinkID{}) {
		return ""
	}
	return "/t/" + a.ring.LinkToken(k.Link)
}

// mount adds the window on the sandbox, and the bar.
func (d *demo) mount(s *web.Server) error {
	s.Bar(d.bar())
	var support []string
	for _, r := range d.app.cfg.Regions() {
		support = append(support, r.Address)
	}
	window, err := page.New(page.Deps{
		Host: mailhost.Shown{Server: d.host}, Machines: mailhost.Shown{Server: d.host}, Ledger: d.app.db, Support: support,
		SMTP: d.smtp.Addr().String(), IMAP: d.imap.Addr().String(), Password: demoPassword,
	})
	if err != nil {
		return err
	}
	return window.Mount(s)
}
