package canary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/ident"
)

// Config gives the canary's address and how often it makes a run. Times that are zero
// take their defaults, but for Every.
type Config struct {
	Address string        // whose mailbox is visited
	Every   time.Duration // 0: by hand alone
	Limit   time.Duration // in which all must have come; 10 minutes
	// Regions are tried in turn, one a run.
	Regions []store.Region
	// Prefix is of its tickets' numbers.
	Prefix string
	// Trusted says whose results are believed in the canary's mailbox.
	Trusted watch.Trust

	Settle time.Duration // how long a second answer is waited for; 20 s
	Poll   time.Duration // between two looks; 3 s
	Rest   time.Duration // between two runs at the least; 1 minute
}

// Defaults are what zero fields stand for.
func Defaults() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Limit, 10 * time.Minute}, {&c.Settle, 20 * time.Second}, {&c.Poll, 3 * time.Second}, {&c.Rest, time.Minute}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// Store is the part of the store that the canary uses.
type Store interface {
	BeginCanary(ctx context.Context, now time.Time, n store.NewCanary) (store.CanaryRun, error)
	RecordCanary(ctx context.Context, r store.CanaryRun) error
	CanaryRuns(ctx context.Context, p store.Page) (store.List[store.CanaryRun], error)
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
	OutboundByMessageID(ctx context.Context, messageID string) (store.Outbound, error)
	OutboundsOfTicket(ctx context.Context, id store.TicketID, p store.Page) (store.List[store.Outbound], error)
	InboundByMessageID(ctx context.Context, messageID string, p store.Page) (store.List[store.Inbound], error)
	RawInbound(ctx context.Context, id store.InboundID) ([]byte, error)
}

// Mailbox is the canary's; *watch.Watcher is one.
type Mailbox interface {
	Visit(ctx context.Context, since time.Time, visit func([]watch.Letter) (remove []uint32)) error
}

// Deps is what the canary works with. All are required but Ended and Log.
type Deps struct {
	Store   Store
	Mailbox Mailbox
	Ring    *ident.Ring
	// Trusted is the same of a support mailbox, by its id.
	Trusted func(mailbox string) watch.Trust
	Kick    func()                // wakes the sender
	Ended   func(store.CanaryRun) // is told of every run that ended
	Log     *slog.Logger
}

// Canary makes runs. Run it once; Try may be called from anywhere.
type Canary struct {
	cfg  Config
	deps Deps
	tell chan struct{}

	mu      sync.Mutex
	running bool
	rested  time.Time // when the next run may begin by hand
}

// New checks what the canary is made from.
func New(cfg Config, deps Deps) (*Canary, error) {
	if cfg.Address == "" || len(cfg.Regions) == 0 || cfg.Prefix == "" {
		return nil, errors.New("canary: an address, a region and a prefix are needed")
	}
	if deps.Store == nil || deps.Mailbox == nil || deps.Ring == nil || deps.Trusted == nil || deps.Kick == nil {
		return nil, errors.New("canary: a dependency is missing")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Ended == nil {
		deps.Ended = func(store.CanaryRun) {}
	}
	return &Canary{cfg: cfg.withDefaults(), deps: deps, tell: make(chan struct{}, 1)}, nil
}

// Try begins a run soon; false while one is under way or was a moment ago.
func (c *Canary) Try() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running || time.Now().Before(c.rested) {
		return false
	}
	c.running = true
	select {
	case c.tell <- struct{}{}:
	default: // it was told already
	}
	return true
}

func (c *Canary) busy(running bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running = running; !running {
		c.rested = time.Now().Add(c.cfg.Rest)
		return
	}
	select {
	case <-c.tell: // what it was told it does now
	default:
	}
}

// Run makes runs until ctx ends: a run that an earlier process left first, then one
// every Config.Every, counted from the last one's beginning, and when told.
func (c *Canary) Run(ctx context.Context) error {
	for {
		last, err := c.last(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.deps.Log.Error("the canary cannot read its runs", "error", err)
		case err == nil && last.ID != 0 && last.EndedAt.IsZero():
			c.runCanary(ctx, last)
			continue
		}
		if !c.sleep(ctx, c.until(last, err)) {
			return nil
		}
		c.busy(true)
		run, err := c.begin(ctx, last)
		if err != nil {
			c.deps.Log.Error("the canary could not set out", "error", err)
			c.busy(false)
			if !c.wait(ctx, c.cfg.Rest) {
				return nil
			}
			continue
		}
		c.runCanary(ctx, run)
	}
}

// last is the newest run, the zero one before the first.
func (c *Canary) last(ctx context.Context) (store.CanaryRun, error) {
	runs, err := store.Items(c.deps.Store.CanaryRuns(ctx, store.Page{Limit: 1}))
	if err != nil || len(runs) == 0 {
		return store.CanaryRun{}, err
	}
	return runs[0], nil
}

// until is how long the next run is away; negative: it waits to be told.
func (c *Canary) until(last store.CanaryRun, err error) time.Duration {
	switch {
	case c.cfg.Every <= 0:
		return -1
	case err != nil:
		return c.cfg.Rest
	}
	return max(0, time.Until(last.StartedAt.Add(c.cfg.Every)))
}

// sleep waits until the next run; false when ctx ended.
func (c *Canary) sleep(ctx context.Context, d time.Duration) bool {
	var due <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-c.tell:
	case <-due:
	}
	return true
}

// wait sleeps until d has passed, or ctx ends: then it returns false.
func (c *Canary) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// region is the one whose turn it is: the one after that of the last run.
func (c *Canary) region(last store.CanaryRun) store.Region {
	for i, r := range c.cfg.Regions {
		if r.ID == last.Region {
			return c.cfg.Regions[(i+1)%len(c.cfg.Regions)]
		}
	}
	return c.cfg.Regions[0]
}

// begin writes the run, its ticket and its stray, and wakes the sender.
func (c *Canary) begin(ctx context.Context, last store.CanaryRun) (store.CanaryRun, error) {
	now, region := time.Now(), c.region(last)
	name, mark := mint(c.deps.Ring, now)
	own := region
	own.ID, own.Prefix = store.OwnRegion, c.cfg.Prefix
	run, err := c.deps.Store.BeginCanary(context.WithoutCancel(ctx), now, store.NewCanary{
		Region: region.ID, Mark: name,
		Ticket: store.NewTicket{
			Region: own, Channel: store.ChannelCanary,
			Requester: store.Contact{Name: "Canary", Email: c.cfg.Address, Lang: "en"},
			Title:     "Canary", Body: "Signpost opened this ticket to try the road of its confirmation.",
			Link: ident.NewLink(now), LinkExpires: now.Add(24 * time.Hour),
			MessageID: c.deps.Ring.MessageID(now, store.MailConfirmation, store.Domain(region.Address)),
		},
		Stray: store.NewMail{
			Kind: store.MailCanary, From: c.cfg.Address, FromName: "Canary", To: region.Address,
			MessageID: "canary." + name + "@" + store.Domain(c.cfg.Address), Mark: mark,
			Subject: "Canary", Text: "Signpost wrote this mail to itself, to see whether it is answered.\n",
		},
	})
	if err != nil {
		return run, fmt.Errorf("begin a run in region %s: %w", region.ID, err)
	}
	c.deps.Log.Info("canary set out", "run", run.ID, "region", run.Region, "ticket", run.Number)
	c.deps.Kick()
	return run, nil
}
