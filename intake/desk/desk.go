package desk

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/markdown"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Store is what the pages read and do together; each file declares its own part.
type Store interface {
	listStore
	ticketStore
	writeStore
	arrangeStore
	resendStore
	colleagueStore
	draftStore
}

// Blobs is where attachments lie; see store/blob.
type Blobs interface {
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
}

// Door lets in those with a role.
type Door interface {
	Require(role store.Role, h staff.Handler) web.Handler
}

// Deps is what the desk is plugged into.
type Deps struct {
	Store      Store
	Blobs      Blobs
	Door       Door
	Posts      *post.Reader
	Ring       *ident.Ring
	English    lang.Lang // that of staff pages
	Regions    []store.Region
	Categories []string
	// LinkKept is how long a link in a reply opens the ticket's page.
	LinkKept time.Duration
	// Undo is how long every reply waits; nil: as its author's profile says.
	Undo *time.Duration
	// Preview composes the mail of a reply as it would be sent now: from the row and the
	// entry that it would have, and the messages and replies before it, the newest first.
	Preview func(ctx context.Context, o store.Outbound, e store.Entry, earlier []store.Entry) (Mail, error)
	// Why tells how a date of the promise of a region's ticket came about, opened at an
	// instant and with its clock stopped in pauses.
	Why func(region string, kind store.DeadlineKind, opened time.Time, pauses []store.Span) (store.Reckoning, error)
	// Promising is the store's; nil: a ticket put on hold is given no date.
	Promising store.Promising
	// Kick tells the sender that mail waits; called after the commit.
	Kick func()
	// Words keeps what agents wrote as HTML; nil: it is read anew for each page.
	Words *markdown.Cache
}

// Desk serves the pages. It is safe for concurrent use.
type Desk struct {
	deps     Deps
	zones    map[string]*time.Location // of the regions, by id
	undos    *undos
	presence *presence
	previews *previews
	events   *web.Events

	list    *web.Page[listData]
	ticket  *web.Page[ticketData]
	preview *web.Page[previewData]
	log     *web.Page[logData]
}

// New checks what the desk is plugged into.
func New(deps Deps) (*Desk, error) {
	if deps.Store == nil || deps.Blobs == nil || deps.Door == nil || deps.Posts == nil || deps.Ring == nil ||
		deps.Preview == nil || deps.Why == nil || deps.Kick == nil {
		return nil, errors.New("desk: a dependency is missing")
	}
	if deps.Undo != nil && (*deps.Undo < 0 || *deps.Undo > store.MaxUndo) {
		return nil, fmt.Errorf("desk: a reply waits between 0s and %v for undo, not %v (SIGNPOST_UNDO)",
			store.MaxUndo, *deps.Undo)
	}
	d := &Desk{deps: deps, zones: make(map[string]*time.Location), undos: newUndos(), previews: newPreviews()}
	for _, r := range deps.Regions {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil {
			return nil, fmt.Errorf("desk: region %s: %w", r.ID, err)
		}
		d.zones[r.ID] = zone
	}
	return d, nil
}

// Mount adds the pages to the server.
func (d *Desk) Mount(s *web.Server) error {
	set := s.Pages(templates)
	d.list = web.DeclareStaff[listData](set, "list.html")
	d.ticket = web.DeclareStaff[ticketData](set, "ticket.html")
	d.preview = web.DeclareStaff[previewData](set, "preview.html")
	d.log = web.DeclareStaff[logData](set, "log.html")
	set.Keys(keys()...)
	if err := set.Ready(); err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	if err := s.Static("desk", static); err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	d.events = s.Events()
	d.presence = newPresence(d.events)
	for _, r := range d.routes() {
		handler := d.deps.Door.Require(store.RoleAgent, func(x *web.Exchange, who store.Agent) error {
			x.Lang = d.deps.English
			return r.handler(x, who)
		})
		s.Handle(web.Route{Method: r.method, Path: r.path, Handler: handler, Body: r.body})
	}
	s.Navigation(d.section())
	d.addTopics()
	return nil
}

type route struct {
	method, path string
	handler      staff.Handler
	body         web.Pace
}

const ticketPath = "/desk/tickets/:number"

func (d *Desk) routes() []route {
	upload := d.deps.Posts.Pace()
	return []route{
		{method: http.MethodGet, path: "/desk", handler: d.showWork},
		{method: http.MethodGet, path: "/desk/tickets", handler: d.showList},
		{method: http.MethodGet, path: ticketPath, handler: d.showTicket},
		{method: http.MethodGet, path: ticketPath + "/next", handler: d.showNext},
		{method: http.MethodGet, path: ticketPath + "/:act", handler: d.showRefused},
		{method: http.MethodGet, path: ticketPath + "/log/:mail", handler: d.showLog},
		{method: http.MethodGet, path: ticketPath + "/files/:entry/:file/:name", handler: d.download},
		{method: http.MethodPost, path: ticketPath + "/reply", handler: d.writes(store.EntryReply, d.postReply),
			body: upload},
		{method: http.MethodPost, path: ticketPath + "/note", handler: d.writes(store.EntryNote, d.postNote), body: upload},
		{method: http.MethodPost, path: ticketPath + "/draft", handler: d.writes("", d.postDraft), body: upload},
		{method: http.MethodPost, path: ticketPath + "/preview", handler: d.writes(store.EntryReply, d.postPreview),
			body: upload},
		{method: http.MethodGet, path: ticketPath + "/preview/:id", handler: d.showPreviewHTML},
		{method: http.MethodPost, path: ticketPath + "/undo", handler: d.postUndo},
		{method: http.MethodPost, path: ticketPath + "/assign", handler: d.postAssign},
		{method: http.MethodPost, path: ticketPath + "/resend", handler: d.postResend},
		{method: http.MethodPost, path: ticketPath + "/requester", handler: d.postRequester},
		{method: http.MethodPost, path: ticketPath + "/colleagues", handler: d.postColleague},
		{method: http.MethodPost, path: ticketPath + "/remove", handler: d.postRemove},
		{method: http.MethodPost, path: ticketPath + "/status", handler: d.postStatus},
		{method: http.MethodPost, path: ticketPath + "/priority", handler: d.postPriority},
		{method: http.MethodPost, path: ticketPath + "/category", handler: d.postCategory},
		{method: http.MethodPost, path: ticketPath + "/tags", handler: d.postTags},
		{method: http.MethodPost, path: ticketPath + "/presence", handler: d.postPresence},
	}
}

// region is a ticket's; false when the configuration has dropped it.
func (d *Desk) region(id string) (store.Region, bool) {
	for _, r := range d.deps.Regions {
		if r.ID == id {
			return r, true
		}
	}
	return store.Region{}, false
}

// zone is the one in which an agent reads the instants of a region's ticket, until the
// browser says its own.
func (d *Desk) zone(who store.Agent, region string) *time.Location {
	if who.Profile.Zone != "" {
		if zone, err := time.LoadLocation(who.Profile.Zone); err == nil {
			return zone
		}
	}
	if zone, ok := d.zones[region]; ok {
		return zone
	}
	return time.UTC
}
