package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/control"
	"signpost/cmd/signpost/duty"
	"signpost/cmd/signpost/metrics"
	"signpost/cmd/signpost/secret"
	"signpost/cmd/signpost/upkeep"
	"signpost/intake/form"
	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/mail/canary"
	"signpost/mail/compose"
	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/sla"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/markdown"
	"signpost/store/verbs"
)

// App is the whole service, wired: what serve and demo run, and what a
// subcommand opens when no service does.
type App struct {
	cfg     config.Config
	log     *slog.Logger
	metrics *metrics.Metrics
	db      *verbs.Store
	blobs   *blob.Local
	ring    *ident.Ring
	texts   *lang.Catalogue

	instance string
	secrets  *secret.Rotator
	duties   *duty.Holder
	ours     func(address string) bool

	policy   sla.Policy
	sender   *outbox.Sender
	composer *compose.Composer
	words    *markdown.Cache // what agents wrote, for all pages
	upkeep   *upkeep.Upkeep
	watchers []*watch.Watcher
	web      *web.Server
	began    time.Time // when it was built
	accounts config.Accounts
	subject  alarm.Subject
	alarms   *alarm.Alarms
	disk     *alarm.Disk
	canary   *canary.Canary // nil: it is off

	staff *staff.Staff
	demo  bool // made-up tickets are welcome
}

// dialers are the connections that the demo and the tests open to a mail host
// in the same process; nil ones are TCP.
type dialers struct {
	smtp     func(ctx context.Context, network, addr string) (net.Conn, error)
	imap     func(ctx context.Context) (net.Conn, error)
	resolver nameServer
}

// nameServer is all the DNS that the service asks; *net.Resolver is one.
type nameServer interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
	LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error)
}

// openApp opens the stores of a configuration and takes their locks; nothing
// runs yet. Close it.
func openApp(cfg config.Config, log *slog.Logger) (*App, error) {
	return openAppOn(openStore, cfg, log)
}

// openAppOn is openApp on what opens the store.
func openAppOn(open storeOpener, cfg config.Config, log *slog.Logger) (*App, error) {
	ring, err := cfg.Service.Ring()
	if err != nil {
		return nil, err
	}
	instance, err := cfg.Service.Instance()
	if err != nil {
		return nil, err
	}
	texts, err := lang.Load()
	if err != nil {
		return nil, err
	}
	a := &App{
		cfg: cfg, log: log, metrics: metrics.New(), ring: ring, texts: texts,
		instance: instance, ours: cfg.OwnAddresses(), disk: alarm.NewDisk(cfg.Service.Data),
	}
	if a.policy, err = sla.NewPolicy(cfg.Regions()); err != nil {
		return nil, err
	}
	if a.db, err = open(cfg.Service, a.policy.Promising, a.ring, a.metrics, log); err != nil {
		return nil, err
	}
	if a.blobs, err = openBlobs(cfg.Service); err != nil {
		a.db.Close()
		return nil, err
	}
	if err = secret.LoadAuditKeys(context.Background(), a.ring, a.db); err == nil {
		err = a.takeSilenced(context.Background())
	}
	if err == nil {
		err = a.openStaff()
	}
	if err == nil {
		a.accounts, err = cfg.AccountsBy(a.ring, a.db)
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	a.secrets = a.rotator()
	a.duties = &duty.Holder{Store: a.db, Owner: rand.Text(), Length: dutyLength, Log: log}
	a.metrics.WatchAccounts(a.accounts, cfg)
	a.metrics.WatchStore(a.db, log)
	return a, nil
}

// Close gives the stores back.
func (a *App) Close() error {
	a.blobs.Close()
	return a.db.Close()
}

// build wires the rooms together. mount adds pages of the caller's own.
func (a *App) build(d dialers, mount func(*web.Server) error) error {
	if d.resolver == nil {
		d.resolver = a.cfg.Service.Resolver()
	}
	if err := a.buildSender(d); err != nil {
		return err
	}
	if err := a.buildWatchers(d); err != nil {
		return err
	}
	a.began = time.Now()
	a.buildAlarms()
	return a.buildPages(d, mount)
}

func (a *App) buildSender(d dialers) error {
	composer, err := newComposer(a.cfg, a.instance, a.policy.Zone, a.ring, a.texts)
	if err != nil {
		return err
	}
	a.composer, a.words = composer, markdown.NewCache(16<<20)
	cfg := a.cfg.ForSender(a.accounts)
	cfg.Dial, cfg.Owner = d.smtp, a.duties.Owner
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	a.sender = outbox.New(cfg, a.db, a.renewing(composeFor(composer, a.db, a.blobs)), a.log, a.metrics.SenderObserver())
	a.metrics.WatchHolds(a.sender.Holds)
	a.upkeep = &upkeep.Upkeep{
		Store: a.db, Blobs: a.blobs, Kick: a.sender.Kick, Log: a.log, LongestWait: cfg.LongestWait(),
		RawDays: a.cfg.Ledger.RawDays, RawTotal: uint64(a.cfg.Ledger.RawTotal), AuditDays: a.cfg.Audit.Days,
	}
	return nil
}

func (a *App) buildWatchers(d dialers) error {
	for _, id := range slices.Sorted(maps.Keys(a.cfg.Mailbox)) {
		box := a.cfg.ForWatcher(id, a.accounts)
		box.Dial = d.imap
		if a.cfg.IsCanary(id) {
			if err := a.buildCanary(box); err != nil {
				return err
			}
			continue
		}
		if len(box.Regions) == 0 && !a.cfg.Mailbox[id].Bounces {
			a.log.Warn("mailbox receives for no region and is not watched", "mailbox", id)
			continue
		}
		a.watchers = append(a.watchers, watch.New(box, a.watchDeps(d)))
	}
	return nil
}

func (a *App) watchDeps(d dialers) watch.Deps {
	return watch.Deps{
		Ledger: a.db, Requesters: a.db, Outbounds: a.db, Blobs: a.blobs,
		Ring: a.ring, Catalogue: a.texts, Resolver: d.resolver,
		Ours: a.ours, Instance: a.instance,
		LinkKept: a.cfg.LinkKept(), Limits: a.cfg.AnswerLimits(),
		Kick: a.sender.Kick, Observer: a.watchObserver(), Log: a.log,
		Canary: canaryMark(a.cfg, a.ring),
	}
}

func (a *App) buildPages(d dialers, mount func(*web.Server) error) (err error) {
	if a.web, err = web.New(a.cfg.ForWeb(), a.texts, a.log); err != nil {
		return err
	}
	posts, err := post.New(a.cfg.ForPosts(), post.Deps{Blobs: a.blobs, Signer: a.ring, Room: a.mayUpload})
	if err != nil {
		return err
	}
	contact, err := form.New(a.cfg.ForForm(), form.Deps{
		Tickets: a.db, Posts: posts, Blobs: a.blobs, Ring: a.ring, Regions: a.cfg.Regions(),
		Promise: a.policy.Promise, Kick: a.sender.Kick, Resolver: d.resolver,
		BeyondASCII: func() bool { return a.sender.Traits().SMTPUTF8 }, Words: a.words,
	})
	if err != nil {
		return err
	}
	if err := contact.Mount(a.web); err != nil {
		return err
	}
	if err := a.buildStaff(posts); err != nil {
		return err
	}
	if mount != nil {
		if err := mount(a.web); err != nil {
			return err
		}
	}
	a.web.Mount("GET", "/healthz", http.HandlerFunc(alive))
	if a.cfg.Service.Metrics == "" {
		a.web.Mount("GET", "/readyz", http.HandlerFunc(a.ready))
		a.web.Mount("GET", "/metrics", a.metrics.Handler())
	}
	return nil
}

// Run serves until ctx ends, on a listener that the caller opened, and returns
// when every part has put down its work.
func (a *App) Run(ctx context.Context, public net.Listener) error {
	if err := a.takeOver(ctx); err != nil {
		return err
	}
	socket, err := control.Listen(a.cfg.Service.Data)
	if err != nil {
		return err
	}
	stages := []stage{
		{"pages", func(ctx context.Context) error {
			return serveUntil(ctx, a.web.Shutdown, func() error { return a.web.Serve(public) })
		}},
		{"control", serveHTTP(socket, controlHandler(a))},
	}
	if a.cfg.Service.Metrics != "" {
		l, err := listen("service.metrics", a.cfg.Service.Metrics)
		if err != nil {
			socket.Close()
			return err
		}
		stages = append(stages, stage{"metrics", serveHTTP(l, a.inside())})
	}
	stages = append(stages, stage{"watchers", a.watchAll}, stage{"upkeep", a.duties.Doing("upkeep", a.upkeep.Run)},
		stage{"throttled", a.duties.Doing("throttled", a.upkeep.RunThrottled)},
		stage{"memory", upkeep.TendMemory}, stage{"alarms", a.duties.Doing("alarms", a.runAlarms)},
		stage{"canary", a.duties.Doing("canary", a.runCanary)}, stage{"relay", a.learnRelay},
		stage{"sender", a.sender.Run})
	a.log.Info("serving", "address", public.Addr().String(), "url", a.cfg.Service.BaseURL, "version", version())
	if err := runStages(ctx, a.log, stages); err != nil {
		return err
	}
	return datafile.Forget(a.cfg.Service.Database()) // the clean stop that it was kept until
}

// dutyLength is for how long this process takes a duty: long, since the data file has one
// owner, which frees all duties when it starts.
const dutyLength = store.DutyLength

// takeOver ends what the process before this one had under way, its duties too: the store's
// file has one owner, so no process sends what is claimed now.
func (a *App) takeOver(ctx context.Context) error {
	n, err := a.db.EndLeases(ctx, time.Now(), "")
	if n > 0 {
		a.log.Info("mails taken over from a process that ended", "mails", n)
	}
	return err
}

// watchAll runs every watcher until ctx ends; one that cannot watch at all ends
// the service, since its mail would go unseen.
func (a *App) watchAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, len(a.watchers))
	for _, w := range a.watchers {
		wg.Go(func() {
			if err := a.duties.Doing("watch/"+w.Health().Mailbox, w.Run)(ctx); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	<-ctx.Done()
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// serveHTTP is a stage that serves a handler on a listener.
func serveHTTP(l net.Listener, h http.Handler) func(context.Context) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return func(ctx context.Context) error {
		return serveUntil(ctx, srv.Shutdown, func() error { return srv.Serve(l) })
	}
}

// serveUntil runs serve until ctx ends and then shuts down.
func serveUntil(ctx context.Context, shutdown func(context.Context) error, serve func() error) error {
	served := make(chan error, 1)
	go func() { served <- serve() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopBound)
	defer cancel()
	err := shutdown(bound)
	<-served
	return err
}

// Backup is the control socket's verb.
func (a *App) Backup(ctx context.Context, to string) (archive.Manifest, error) {
	m, err := archive.Backup(ctx, archive.Source{
		Database: a.db, Blobs: a.blobs, Ring: a.ring, Version: version(),
	}, to)
	if err == nil {
		err := archive.Note(a.cfg.Service.Data, to, m)
		if err != nil { // the backup is no worse for it
			a.log.Warn("the backup was made, but that could not be noted", "error", err)
		}
	}
	return m, err
}

// Responder is the control socket's verb.
func (a *App) Responder(ctx context.Context, mailbox string) (ResponderStatus, error) {
	if mailbox == "" {
		return a.responders(ctx)
	}
	if err := a.knowsMailbox(mailbox); err != nil {
		return ResponderStatus{}, err
	}
	r, err := a.db.MailboxResponder(ctx, mailbox)
	return responderStatus(mailbox, r), err
}

// responders is the state of all the answers, and of each mailbox that has its
// own switched off.
func (a *App) responders(ctx context.Context) (ResponderStatus, error) {
	all, err := a.db.Responder(ctx, time.Now())
	status := responderStatus("", all)
	for _, id := range slices.Sorted(maps.Keys(a.cfg.Mailbox)) {
		r, err := a.db.MailboxResponder(ctx, id)
		if err != nil {
			return status, err
		}
		if !r.On {
			status.Off = append(status.Off, responderStatus(id, r))
		}
	}
	return status, err
}

// SwitchResponder is the control socket's verb, and the pages' way: mail already
// answered stays answered.
func (a *App) SwitchResponder(ctx context.Context, by store.Actor, s store.Switch) (ResponderStatus, error) {
	if err := a.knowsMailbox(s.Mailbox); err != nil {
		return ResponderStatus{}, err
	}
	r, err := a.db.SwitchResponder(ctx, time.Now(), by, s)
	if err == nil {
		a.log.Warn("automatic answers switched", "mailbox", s.Mailbox, "on", s.On, "reason", s.Reason)
	}
	return responderStatus(s.Mailbox, r), err
}

// knowsMailbox refuses a mailbox that is not configured; "" are all of them.
func (a *App) knowsMailbox(id string) error {
	if _, ok := a.cfg.Mailbox[id]; !ok && id != "" {
		return fmt.Errorf("there is no [mailbox.%s]", id)
	}
	return nil
}
