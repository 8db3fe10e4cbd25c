// Package web is what every page of Signpost shares: the HTTP server and its
// limits, the layout, templates and static files, the reader's language, country
// and colour scheme, and the one funnel all errors leave by. A room (the form,
// the console, the desk, the sandbox) is a package that plugs itself into a
// *Server; web knows none of them.
//
// # How a request flows
//
// A client's connections are bounded (clients.go), and a request for the name of
// another host is refused (hosts.go).
// around (access.go) gives the request an id, the security headers, deadlines
// and an *Exchange holding the reader's language; the origin of a mutating
// request is checked; the body waits its turn and is bounded in size and pace
// (crowd.go, body.go); the room's Handler runs and either answers or returns an
// error; fail (errors.go) turns the error into a status and a kind page, or JSON
// for who asked for JSON; one access line is logged, with the route's pattern in
// place of the path, since paths hold tokens.
//
// # How a room adds a page
//
//	//go:embed templates/*.html
//	var templates embed.FS
//	//go:embed static/*
//	var static embed.FS
//
//	func Mount(s *web.Server) error {
//		set := s.Pages(templates)                        // every templates/*.html is one page
//		board := web.Declare[boardData](set, "board.html") // typed: boardData is what it shows
//		if err := set.Ready(); err != nil {              // undeclared or missing: start fails
//			return err
//		}
//		if err := s.Static("sandbox", static); err != nil { // static/x.css -> Asset "sandbox/x.css"
//			return err
//		}
//		s.Handle(web.Route{Method: "GET", Path: "/sandbox/:id", Handler: func(x *web.Exchange) error {
//			return board.Show(x, http.StatusOK, boardData{ID: x.Param("id")})
//		}})
//		return nil
//	}
//
// Each route has its rows in the access matrix (cmd/signpost/testdata/access.txt): who is
// answered what, about what. A test tries them, and fails for a route without.
//
// A page file fills the blocks of templates/layout.html:
//
//	{{define "title"}}{{.T "sandbox.title"}}{{end}}
//	{{define "head"}}<link rel="stylesheet" href="{{.Asset "sandbox/sandbox.css"}}">
//	<script type="module" src="{{.Asset "sandbox/sandbox.js"}}"></script>{{end}}  (optional)
//	{{define "wide"}}wide{{end}}                       (optional: the full width, not one column)
//	{{define "banner"}}...{{end}}                      (optional: beside the name, top of page)
//	{{define "choice"}}...{{end}}                      (optional: one item of the language and appearance menus)
//	{{define "main"}}<h1>{{.T "sandbox.title"}}</h1> {{.D.ID}}{{end}}
//
// In a page "." is a View: .D is the typed data, .T the catalogue in the reader's
// language (keys ROOM.NAME, texts in store/lang/texts/ROOM.TAG.toml), .Asset a
// static file's immutable address, .Icon an inline drawing, .Date, .Clock and
// .Instant times, .CountryOptions the options of a select; inside range and with
// use $.T. A file whose name begins with "_" holds parts for {{template}} and is
// no page.
//
// The Content-Security-Policy forbids inline script and inline style, also
// style="" attributes: classes and modules only. A page that shows frames of its
// own origin calls x.Policy("frame-src", "'self'"); what stands in such a frame is
// served with x.Policy("frame-ancestors", "'self'") and, for foreign HTML, with
// x.Policy("sandbox", "").
//
// Plain handlers (health, metrics) are mounted with Server.Mount.
//
// # How a room adds a staff page
//
// A page for staff is laid into templates/staff.html, the shell: side navigation,
// sheet of keys, palette, toasts. It is English, and declared with DeclareStaff:
//
//	o.queue = web.DeclareStaff[queueData](set, "queue.html")
//	s.Navigation(web.Section{ID: "ops", Name: "Operations", Sees: ..., Items: ..., Counts: ...})
//
// Its handler stands behind staff.Staff.Require and says where it belongs, before it
// shows the page: x.Staff(who, "ops-delivery", "ops"), with the live topics that the
// page follows. The page's file fills these blocks:
//
//	{{define "title"}}Queue{{end}}
//	{{define "head"}}<link rel="stylesheet" href="{{.Asset "ops/ops.css"}}">{{end}}  (optional)
//	{{define "kind"}}full{{end}}      (optional: classes of the body; "full": no greatest width)
//	{{define "main"}}<header class="page-head"><h1>Delivery</h1>{{template "tabs" .D.Tabs}}</header> ...{{end}}
//	{{define "toasts"}}{{with .D.Toast}}{{template "toast" .}}{{end}}{{end}}         (optional)
//
// Parts marked data-live="NAME" are fetched and put in place anew when a topic
// changes (static/live.js), and every so many seconds in a part with data-fresh.
// data-rows marks a list whose rows have a link data-open each: j, k, o and x work in
// it (static/rows.js). Panes: class="panes" around class="pane", with data-pane="NAME"
// where the reader may change the width (static/panes.js). Keys: Set.Keys adds lines
// to the one table (keys.go); their Act clicks what is marked data-act="NAME". A
// select marked data-combobox is searched by its letters (static/combobox.js). A
// select-all box has data-select-all, the boxes of rows name="select", and class="bulk"
// within the form is what can be done with those selected.
//
// # How to add a component
//
// A type in components.go, a {{define}} of the same name in
// templates/_components.html, its rules in static/staff.css among its like, and each
// of its states on the page of components, which the accessibility check reads.
//
// # How live events flow
//
// A room registers a Topic (who may follow it) and calls Events.Publish after a
// commit, or lets Topic.Watch look. An event is a topic and a version, never content.
// Each page has one stream (Exchange.Follow, at /events) while it is seen; it goes on
// behind the last event the page had, or is told to reload when that is kept no more.
// A page of partners has a stream of its own (Exchange.FollowAs), within bounds that its
// room sets.
package web
