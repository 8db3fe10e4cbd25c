package form

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/markdown"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Tickets are the verbs the form needs of the store.
type Tickets interface {
	OpenTicket(ctx context.Context, now time.Time, n store.NewTicket) (store.Opened, error)
	AppendMessage(ctx context.Context, now time.Time, by store.Actor, m store.NewMessage) (store.Entry, error)
	Ticket(ctx context.Context, id store.TicketID) (store.Ticket, error)
	TicketsByRequester(
		ctx context.Context, by store.Actor, act store.Act, address string, p store.Page,
	) (store.List[store.Ticket], error)
	Entries(ctx context.Context, id store.TicketID, after uint32, p store.Page) (store.List[store.Entry], error)
	ShownBefore(
		ctx context.Context, now time.Time, id store.TicketID, before uint32, most int,
	) (store.ThreadPart, error)
	OutboundsOfTicket(ctx context.Context, id store.TicketID, p store.Page) (store.List[store.Outbound], error)
	SuppressionsOf(ctx context.Context, now time.Time, address string) ([]store.Suppression, error)
	Links
	Partners
	Colleagues
	Changes
}

// Partners are what a ticket's page offers beside writing; see store.Partners.
type Partners interface {
	SolveByPartner(ctx context.Context, now time.Time, by store.Actor, link store.LinkID) (store.Ticket, error)
	ReopenByPartner(ctx context.Context, now time.Time, by store.Actor, link store.LinkID) (store.Ticket, error)
	RateTicket(
		ctx context.Context, now time.Time, by store.Actor, link store.LinkID, score int, comment string,
	) (store.Ticket, error)
}

// Links are the verbs around the link of a ticket's page; see store.Links.
type Links interface {
	ProveAddress(ctx context.Context, now time.Time, by store.Actor, link store.LinkID) (store.Ticket, error)
	RenewLink(
		ctx context.Context, now time.Time, by store.Actor, link store.LinkID, m store.Mailing,
	) (store.Opened, error)
	MailLinks(ctx context.Context, now time.Time, n store.LinkRequest) (store.Outbound, error)
	ChangeRequester(ctx context.Context, now time.Time, by store.Actor, n store.NewAddress) (store.Opened, error)
}

// Blobs is where attachments lie; see store/blob.
type Blobs interface {
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
}

// Deps is what the form is plugged into.
type Deps struct {
	Tickets Tickets
	Posts   *post.Reader
	Blobs   Blobs
	Ring    *ident.Ring
	Regions []store.Region
	// Promise is what a ticket opened in a region at an instant is promised.
	Promise func(region string, at time.Time) (store.Promise, error)
	// Kick tells the sender that mail waits; called after the commit.
	Kick func()
	// Resolver tells whether an address's domain receives mail; nil: only the
	// form of addresses is checked.
	Resolver guard.Resolver
	// BeyondASCII tells whether the relay takes addresses with a local part beyond
	// ASCII (SMTPUTF8, RFC 6531) at the moment; nil: it does not.
	BeyondASCII func() bool
	// Words keeps what agents wrote as HTML; nil: it is read anew for each page.
	Words *markdown.Cache
}

// Form serves the public pages. It is safe for concurrent use.
type Form struct {
	cfg   Config
	deps  Deps
	zones map[string]*time.Location // by Region.ID
	guard *guards
	feed  *feed

	home     *web.Page[homeData]
	contact  *web.Page[contactData]
	received *web.Page[receivedData]
	ticket   *web.Page[ticketData]
	ask      *web.Page[askData]
	asked    *web.Page[askedData]
	gone     *web.Page[goneData]
	invited  *web.Page[askData]
}

// New checks the configuration and what the form is plugged into.
func New(cfg Config, deps Deps) (*Form, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	if deps.Tickets == nil || deps.Posts == nil || deps.Blobs == nil || deps.Ring == nil || deps.Promise == nil ||
		deps.Kick == nil {
		return nil, errors.New("form: a dependency is missing")
	}
	guards, err := newGuards(cfg, deps)
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	f := &Form{cfg: cfg, deps: deps, zones: make(map[string]*time.Location), guard: guards,
		feed: newFeed(deps.Tickets)}
	for _, r := range deps.Regions {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil {
			return nil, fmt.Errorf("form: region %s: %w", r.ID, err)
		}
		f.zones[r.ID] = zone
	}
	if _, ok := store.RegionOf(deps.Regions, ""); !ok {
		return nil, errors.New("form: no region serves the countries that none names")
	}
	return f, nil
}

// Mount adds the pages to the server.
func (f *Form) Mount(s *web.Server) error {
	set := s.Pages(templates)
	f.home = web.Declare[homeData](set, "home.html")
	f.contact = web.Declare[contactData](set, "contact.html")
	f.received = web.Declare[receivedData](set, "received.html")
	f.ticket = web.Declare[ticketData](set, "ticket.html")
	f.ask = web.Declare[askData](set, "ask.html")
	f.asked = web.Declare[askedData](set, "asked.html")
	f.gone = web.Declare[goneData](set, "gone.html")
	f.invited = web.Declare[askData](set, "invited.html")
	if err := set.Ready(); err != nil {
		return fmt.Errorf("form: %w", err)
	}
	if err := s.Static("form", static); err != nil {
		return fmt.Errorf("form: %w", err)
	}
	upload := f.deps.Posts.Pace()
	for _, r := range []web.Route{
		{Method: http.MethodGet, Path: "/", Handler: f.showHome},
		{Method: http.MethodGet, Path: "/contact", Handler: f.showContact},
		{Method: http.MethodPost, Path: "/contact", Handler: f.postContact, Body: upload, Crowded: f.crowdedContact},
		{Method: http.MethodPost, Path: "/contact/address", Handler: f.checkAddress},
		{Method: http.MethodGet, Path: "/contact/received/:token", Handler: f.showReceived},
		{Method: http.MethodPost, Path: "/contact/received/:token/address", Handler: f.postSentAddress},
		{Method: http.MethodGet, Path: "/contact/received/:token/address", Handler: func(x *web.Exchange) error {
			return x.Redirect("/contact/received/" + x.Param("token"))
		}},
		{Method: http.MethodPost, Path: "/link", Handler: f.postAsk},
		{Method: http.MethodGet, Path: "/link", Handler: func(x *web.Exchange) error { return x.Redirect("/#have") }},
		{Method: http.MethodGet, Path: "/link/asked", Handler: f.showAsked},
		{Method: http.MethodGet, Path: "/link/renewed", Handler: f.showRenewed},
		{Method: http.MethodGet, Path: "/link/left", Handler: f.showLeft},
		{Method: http.MethodGet, Path: "/t/:token", Handler: f.showTicket},
		{Method: http.MethodGet, Path: "/t/:token/events", Handler: f.followTicket},
		{Method: http.MethodGet, Path: "/t/:token/:act",
			Handler: func(x *web.Exchange) error { return x.Redirect(basePath(x)) }},
		{Method: http.MethodPost, Path: "/t/:token/mine", Handler: f.postMine, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/solved", Handler: f.postSolved, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/reopen", Handler: f.postReopen, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/rate", Handler: f.postRating, AnyOrigin: true},
		{Method: http.MethodGet, Path: "/t/:token/download", Handler: f.saveTicket},
		{Method: http.MethodPost, Path: "/t/:token/link", Handler: f.postLink, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/address", Handler: f.postAddress, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/colleagues", Handler: f.postColleague, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/remove", Handler: f.postRemove, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token/leave", Handler: f.postLeave, AnyOrigin: true},
		{Method: http.MethodPost, Path: "/t/:token", Handler: f.postTicket, Body: upload, AnyOrigin: true,
			Crowded: f.crowdedTicket},
		{Method: http.MethodGet, Path: "/t/:token/files/:entry/:file/:name", Handler: f.download},
	} {
		s.Handle(r)
	}
	f.addTopic(s.Events())
	return nil
}

// regionFor is the region that serves a country, "" for who has not said one.
// New made sure that there always is one.
func (f *Form) regionFor(country string) store.Region {
	region, _ := store.RegionOf(f.deps.Regions, country)
	return region
}

// regionByID finds a region; the one for all other countries when the
// configuration has dropped it.
func (f *Form) regionByID(id string) store.Region {
	for _, r := range f.deps.Regions {
		if r.ID == id {
			return r
		}
	}
	return f.regionFor("")
}

func (f *Form) zone(region string) *time.Location {
	if z, ok := f.zones[region]; ok {
		return z
	}
	return time.UTC
}
