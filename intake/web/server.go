package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"signpost/store/lang"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Server is the shared HTTP server. Rooms add pages, static files and routes
// before Handler or Serve is first called; from then on it is safe for
// concurrent use.
type Server struct {
	cfg    Config
	langs  *lang.Catalogue
	log    *slog.Logger
	echo   *echo.Echo
	origin *http.CrossOriginProtection
	secure http.Header // of every answer
	assets *assets
	crowd  *crowd
	fault  *Page[faultData]
	// staffFault is fault in the staff shell.
	staffFault *Page[faultData]

	sections  []Section // of the staff navigation
	bar       *Bar      // nil: none
	events    *Events
	countries countryLists

	seal     sync.Once
	http     *http.Server
	base     context.CancelFunc // aborts what still runs
	stopping chan struct{}      // closed when no new work is taken
	stopOnce sync.Once
}

// Handler answers one request, or returns why it could not.
type Handler func(x *Exchange) error

// Route is one address of a room.
type Route struct {
	Method  string // GET also answers HEAD
	Path    string // "/t/:token/files/:name", as echo writes it
	Handler Handler
	// Body bounds the request's body; zero for Config.Body.
	Body Pace
	// AnyOrigin leaves out the check that a mutating request comes from our own
	// pages. Only for routes whose address is itself the secret that permits it:
	// there a browser that hides the Referer may hide the origin too, and nothing
	// rides on a cookie.
	AnyOrigin bool
	// Crowded answers with a status in Handler's place where no turn came for a large
	// body. It may read the first 128 KiB, in which a form's texts stand. nil: the
	// general words of the status.
	Crowded func(x *Exchange, status int) error
}

// Langs are the languages that partners are spoken to in.
func (s *Server) Langs() []lang.Lang { return s.langs.Langs() }

// New checks the configuration and prepares the shared pages.
func New(cfg Config, langs *lang.Catalogue, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Server{
		cfg:      cfg,
		langs:    langs,
		log:      log,
		echo:     echo.New(),
		origin:   http.NewCrossOriginProtection(),
		secure:   secure(cfg.URL),
		assets:   newAssets(),
		crowd:    newCrowd(cfg.BodiesPerNetwork, cfg.BodiesInAll),
		events:   newEvents(),
		stopping: make(chan struct{}),
	}
	if err := s.origin.AddTrustedOrigin(strings.TrimSuffix(cfg.URL, "/")); err != nil {
		return nil, fmt.Errorf("web: url: %w", err)
	}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.IPExtractor = ipExtractor(cfg)
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(exchange(c), err) }
	s.echo.Use(s.around)
	base, cancel := context.WithCancel(context.Background())
	s.base = cancel
	s.http = s.newHTTP(base)
	return s, s.ownPages()
}

func (s *Server) ownPages() error {
	set := s.Pages(templates)
	s.fault = Declare[faultData](set, "error.html")
	s.staffFault = DeclareStaff[faultData](set, "error.html")
	if err := set.Ready(); err != nil {
		return err
	}
	if err := s.Static("web", static); err != nil {
		return err
	}
	s.assets.add(s.cfg.Brand)
	s.echo.GET(staticPrefix+":hash/*", s.serveAsset)
	s.echo.HEAD(staticPrefix+":hash/*", s.serveAsset)
	s.Handle(Route{Method: http.MethodGet, Path: "/favicon.ico", Handler: func(x *Exchange) error {
		return x.Redirect(s.assets.url("web/icon.svg"))
	}})
	return nil
}

func (s *Server) newHTTP(base context.Context) *http.Server {
	clients := &clients{most: s.cfg.ConnectionsPerNetwork, trusted: trustedProxies(s.cfg),
		open: make(map[netip.Prefix]int)}
	return &http.Server{
		ConnState:         clients.watch,
		ReadHeaderTimeout: s.cfg.ReadHeader,
		IdleTimeout:       s.cfg.Idle,
		MaxHeaderBytes:    s.cfg.MaxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Handle adds a route.
func (s *Server) Handle(r Route) {
	if r.Body == (Pace{}) {
		r.Body = s.cfg.Body
	}
	run := func(c echo.Context) error {
		x := exchange(c)
		if !r.AnyOrigin {
			if err := s.origin.Check(x.Request); err != nil {
				return &Fault{Status: http.StatusForbidden, Key: "web.origin", Err: err}
			}
		}
		leave, err := s.crowd.enter(x)
		if err != nil {
			return x.crowded(r, err)
		}
		defer leave()
		x.bound(r.Body)
		return r.Handler(x)
	}
	s.echo.Add(r.Method, r.Path, run)
	if r.Method == http.MethodGet {
		s.echo.Add(http.MethodHead, r.Path, run)
	}
}

// Mount adds a plain handler, such as health or metrics. Method "" is any, and
// GET also answers HEAD: some load balancers ask so.
func (s *Server) Mount(method, path string, h http.Handler) {
	if method == "" {
		s.echo.Any(path, echo.WrapHandler(h))
		return
	}
	s.echo.Add(method, path, echo.WrapHandler(h))
	if method == http.MethodGet {
		s.echo.Add(http.MethodHead, path, echo.WrapHandler(h))
	}
}

// Routes are the addresses served, as "GET /t/:token", in order; a HEAD that a GET
// answers too is not named.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		if r.Method != http.MethodHead {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	slices.Sort(all)
	return all
}

// Handler is the whole server as one handler; no room may be added after.
func (s *Server) Handler() http.Handler {
	s.seal.Do(s.assets.seal)
	return s.echo
}

// Serve answers on ln until Shutdown, to who asks by a name of ours; nil after a
// clean one.
func (s *Server) Serve(ln net.Listener) error {
	s.http.Handler = OnlyHosts(s.cfg.HostNames(), s.log, s.Handler())
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Shutdown takes no new request, tells streams to end (Exchange.Stopping) and
// waits for the others until ctx is done; then it cancels their contexts and
// closes their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stopping) })
	defer s.base()
	if err := s.http.Shutdown(ctx); err != nil {
		s.base()
		return errors.Join(fmt.Errorf("http: requests cut off: %w", err), s.http.Close())
	}
	return nil
}
