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
package web
