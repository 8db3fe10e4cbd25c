package ops

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Store is what the pages read and mend together; each page has its own part of it,
// declared beside the page.
type Store interface {
	auditStore
	bounceStore
	flowStore
	todayStore
	healthStore
	heldStore
	ledgerStore
	linkStore
	mailStore
	mailboxStore
	queueStore
	shellStore
	suppressionStore
}

// stores are the parts of Store, by page.
type stores struct {
	audit        auditStore
	bounces      bounceStore
	flow         flowStore
	today        todayStore
	health       healthStore
	held         heldStore
	ledger       ledgerStore
	links        linkStore
	mail         mailStore
	mailboxes    mailboxStore
	queue        queueStore
	shell        shellStore
	suppressions suppressionStore
}

func storesOf(s Store) stores { return stores{s, s, s, s, s, s, s, s, s, s, s, s, s} }

// Blobs is where large mails lie.
type Blobs interface {
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
}

// Door lets in those with a role, or with the right to an act.
type Door interface {
	Require(role store.Role, h staff.Handler) web.Handler
	Permit(act store.Act, h staff.Handler) web.Handler
}

// Mailbox is how the watch over one mailbox is going.
type Mailbox struct {
	ID        string
	Account   string // who reads what, and where
	State     string // in a word
	Since     time.Time
	LastCycle time.Time // zero before the first
	LastError string
	Silent    bool // too long without a completed cycle
	Waiting   int  // mails in its folder that are not in the ledger yet
	Dry       bool // by the configuration read and judged, and never answered
	// TokenEnds is when what it signs in with has to be renewed by a person; zero
	// where nobody knows. TokenFault is why it gets no access now.
	TokenEnds  time.Time
	TokenFault string
}

// Deps is what the pages are plugged into.
type Deps struct {
	Store   Store
	Blobs   Blobs
	Door    Door
	Regions []store.Region
	// Mailboxes tells how each is watched now.
	Mailboxes func() []Mailbox
	// Troubles are all that ail the service now, in words.
	Troubles func(ctx context.Context) []string
	// Checks is what the service tells of itself.
	Checks func(ctx context.Context) []Check
	Canary *Canary // nil: it is off
	// Holds are what the sender keeps back now, since the relay refuses it for a
	// reason of ours.
	Holds func() []Hold
	// Relay is what the relay showed of itself, in words.
	Relay func() []Relay
	// Kick wakes the sender after a retry; holds are probed at once.
	Kick func()
}

// Ops serves the pages. It is safe for concurrent use.
type Ops struct {
	deps   Deps
	stores stores
	zones  map[string]*time.Location // of the regions, by id

	audit   *web.Page[auditData]
	today   *web.Page[todayData]
	bounces *web.Page[bouncesData]
	ledger  *web.Page[ledgerData]
	mail    *web.Page[mailData]
	queue   *web.Page[queueData]

	suppressions *web.Page[suppressionsData]
	mailboxes    *web.Page[mailboxesData]
	health       *web.Page[healthData]
}

// New checks what the pages are plugged into.
func New(deps Deps) (*Ops, error) {
	if deps.Store == nil || deps.Blobs == nil || deps.Door == nil || deps.Mailboxes == nil || deps.Troubles == nil ||
		deps.Checks == nil || deps.Kick == nil || deps.Holds == nil || deps.Relay == nil {
		return nil, errors.New("ops: a dependency is missing")
	}
	zones, err := zonesOf(deps.Regions)
	if err != nil {
		return nil, err
	}
	return &Ops{deps: deps, stores: storesOf(deps.Store), zones: zones}, nil
}

// Mount adds the pages to the server.
func (o *Ops) Mount(s *web.Server) error {
	set := s.Pages(templates)
	o.today = web.DeclareStaff[todayData](set, "today.html")
	o.audit = web.DeclareStaff[auditData](set, "audit.html")
	o.ledger = web.DeclareStaff[ledgerData](set, "ledger.html")
	o.mail = web.DeclareStaff[mailData](set, "mail.html")
	o.bounces = web.DeclareStaff[bouncesData](set, "bounces.html")
	o.queue = web.DeclareStaff[queueData](set, "queue.html")
	o.suppressions = web.DeclareStaff[suppressionsData](set, "suppressions.html")
	o.mailboxes = web.DeclareStaff[mailboxesData](set, "mailboxes.html")
	o.health = web.DeclareStaff[healthData](set, "health.html")
	if err := set.Ready(); err != nil {
		return fmt.Errorf("ops: %w", err)
	}
	if err := s.Static("ops", static); err != nil {
		return fmt.Errorf("ops: %w", err)
	}
	for _, r := range []struct {
		method, path, item string
		handler            staff.Handler
	}{
		{http.MethodGet, "/ops", itemToday, o.showToday},
		{http.MethodGet, "/ops/today", itemToday, o.showToday},
		{http.MethodGet, "/ops/ledger", itemMail, o.showLedger},
		{http.MethodGet, "/ops/ledger/:id", itemMail, o.showMail},
		{http.MethodGet, "/ops/ledger/:id/raw", itemMail, o.downloadRaw},
		{http.MethodPost, "/ops/ledger/:id/case", itemMail, o.downloadCase},
		{http.MethodGet, "/ops/bounces", itemDelivery, o.showBounces},
		{http.MethodGet, "/ops/suppressions", itemDelivery, o.showSuppressions},
		{http.MethodPost, "/ops/suppressions", itemDelivery, o.postSuppress},
		{http.MethodPost, "/ops/suppressions/release", itemDelivery, o.postRelease},
		{http.MethodPost, "/ops/links/revoke", itemDelivery, o.postRevoke},
		{http.MethodGet, "/ops/mailboxes", itemMailboxes, o.showMailboxes},
		{http.MethodPost, "/ops/mailboxes/answers", itemMailboxes, o.postAnswers},
		{http.MethodGet, "/ops/queue", itemDelivery, o.showQueue},
		{http.MethodPost, "/ops/queue/retry", itemDelivery, o.postRetry},
		{http.MethodPost, "/ops/queue/give-up", itemDelivery, o.postGiveUp},
		{http.MethodGet, "/ops/health", itemHealth, o.showHealth},
		{http.MethodPost, "/ops/health/acknowledge", itemHealth, o.postAcknowledge},
		{http.MethodPost, "/ops/health/canary", itemHealth, o.postCanary},
	} {
		placed := func(x *web.Exchange, who store.Agent) error {
			x.Staff(who, r.item, topic)
			return r.handler(x, who)
		}
		s.Handle(web.Route{Method: r.method, Path: r.path, Handler: o.deps.Door.Require(store.RoleOps, placed)})
	}
	for path, show := range map[string]staff.Handler{"/ops/audit": o.showAudit, "/ops/audit/export": o.downloadAudit} {
		audit := func(x *web.Exchange, who store.Agent) error {
			x.Staff(who, itemAudit)
			return show(x, who)
		}
		s.Handle(web.Route{Method: http.MethodGet, Path: path, Handler: o.deps.Door.Permit(store.ActReadAudit, audit)})
	}
	s.Navigation(o.section())
	s.Navigation(administration())
	s.Events().Add(web.Topic{
		Name: topic, Sees: func(who store.Agent, name string) bool { return name == topic && forOps(who) },
		Watch: o.watchCounts,
	})
	return nil
}

// when is an instant as lists show it, in UTC.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 Jan 15:04:05")
}

// exactly is an instant to lay beside the logs of other hosts.
func exactly(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("Monday 2 January 2006, 15:04:05 UTC")
}

// counted is a number of things in words.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
