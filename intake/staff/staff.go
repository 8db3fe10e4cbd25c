package staff

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"signpost/intake/guard"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/lang"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Staff is the door. It is safe for concurrent use.
type Staff struct {
	cfg  Config
	deps Deps

	hashing *queue
	// nobody is the hash compared where there is no account, made at the first
	// sign-in: the work of hashing has no place in a start.
	nobody  func() string
	limits  limits
	langs   []lang.Lang // that mails to partners are written in
	guesses guesses
	asked   *guard.Limiter // links to choose a password, by network
	relying relying

	strangers strangers

	signIn   *web.Page[signInData]
	forgot   *web.Page[forgotData]
	link     *web.Page[linkData]
	over     *web.Page[linkData]
	account  *web.Page[accountData]
	prove    *web.Page[proveData]
	recovery *web.Page[recoveryData]
	lacking  *web.Page[lackingData]
	people   *web.Page[peopleData]
	person   *web.Page[personData]
}

type lackingData struct {
	Name  string
	Roles []store.Role // any of which the page needs
	// Regions are those that the account sees, where it has the role and the page shows all.
	Regions []string
}

// New checks the configuration and what the door is plugged into.
func New(cfg Config, deps Deps) (*Staff, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Agents == nil || deps.Ring == nil {
		return nil, errors.New("staff: a dependency is missing")
	}
	party, err := newRelying(cfg, deps.Ring)
	if err != nil {
		return nil, err
	}
	return &Staff{
		cfg: cfg, deps: deps, relying: party, asked: guard.NewLimiter(cfg.AskedPerNetwork, time.Hour),
		hashing: newQueue(hashesAtOnce), limits: newLimits(cfg),
		nobody: sync.OnceValue(func() string { return HashPassword(newToken()) }),
	}, nil
}

// Mount adds the pages to the server.
func (s *Staff) Mount(server *web.Server) error {
	s.langs = server.Langs()
	set := server.Pages(templates).English()
	s.declare(set)
	if err := set.Ready(); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	if err := server.Static("staff", static); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	for _, r := range s.routes() {
		server.Handle(r)
	}
	return nil
}

func (s *Staff) declare(set *web.Set) {
	s.signIn = web.Declare[signInData](set, "sign-in.html")
	s.forgot = web.Declare[forgotData](set, "forgot.html")
	s.link = web.Declare[linkData](set, "link.html")
	s.over = web.Declare[linkData](set, "over.html")
	s.account = web.DeclareStaff[accountData](set, "account.html")
	s.prove = web.DeclareStaff[proveData](set, "prove.html")
	s.recovery = web.DeclareStaff[recoveryData](set, "recovery.html")
	s.lacking = web.DeclareStaff[lackingData](set, "lacking.html")
	s.people = web.DeclareStaff[peopleData](set, "people.html")
	s.person = web.DeclareStaff[personData](set, "person.html")
}

func (s *Staff) routes() []web.Route {
	routes := []web.Route{
		{Method: http.MethodGet, Path: "/sign-in", Handler: s.showSignIn},
		{Method: http.MethodPost, Path: "/sign-in", Handler: s.postSignIn},
		{Method: http.MethodGet, Path: "/sign-in/passkey", Handler: s.getSignInChallenge},
		{Method: http.MethodPost, Path: "/sign-in/passkey", Handler: s.postPasskeySignIn},
		{Method: http.MethodPost, Path: "/sign-out", Handler: s.postSignOut},
		{Method: http.MethodGet, Path: "/events", Handler: s.events},
		{Method: http.MethodPost, Path: "/account/profile", Handler: s.Require("", s.postProfile)},
		{Method: http.MethodPost, Path: "/account/password", Handler: s.Require("", s.postPassword)},
		{Method: http.MethodPost, Path: "/account/sign-out", Handler: s.Require("", s.postSignOutEverywhere)},
		{Method: http.MethodPost, Path: "/account/sessions/end", Handler: s.Require("", s.postSessionEnd)},
		{Method: http.MethodPost, Path: "/account/sessions/end-others", Handler: s.Require("", s.postOtherSessionsEnd)},
		// Those by which a second factor is set up are open to who has to do so first.
		{Method: http.MethodGet, Path: "/account", Handler: s.unfinishedToo(s.showAccount)},
		{Method: http.MethodGet, Path: "/account/prove", Handler: s.unfinishedToo(s.showProve)},
		{Method: http.MethodPost, Path: "/account/prove", Handler: s.unfinishedToo(s.postProve)},
		{Method: http.MethodPost, Path: "/account/authenticator", Handler: s.unfinishedToo(s.postAuthenticator)},
		{Method: http.MethodPost, Path: "/account/recovery-codes", Handler: s.Require("", s.postRecovery)},
		{Method: http.MethodGet, Path: "/account/passkeys/options", Handler: s.unfinishedToo(s.getPasskeyOptions)},
		{Method: http.MethodPost, Path: "/account/passkeys", Handler: s.unfinishedToo(s.postPasskey)},
		{Method: http.MethodPost, Path: "/account/passkeys/remove", Handler: s.Require("", s.postPasskeyRemove)},
	}
	routes = append(routes, s.peopleRoutes()...)
	if s.deps.From == "" {
		return routes
	}
	routes = append(routes,
		web.Route{Method: http.MethodPost, Path: PeoplePath, Handler: s.forAdmins(s.postInvite)},
		web.Route{Method: http.MethodGet, Path: "/sign-in/forgot", Handler: s.showForgot},
		web.Route{Method: http.MethodPost, Path: "/sign-in/forgot", Handler: s.postForgot},
		web.Route{Method: http.MethodGet, Path: "/invite/:token/passkey", Handler: s.getLinkOptions})
	for path, kind := range map[string]store.AgentLinkKind{
		"/invite/:token": store.AgentLinkInvite, "/reset/:token": store.AgentLinkReset,
	} {
		// The address is the secret that permits it, and no cookie rides on it.
		routes = append(routes,
			web.Route{Method: http.MethodGet, Path: path, Handler: s.showLink(kind)},
			web.Route{Method: http.MethodPost, Path: path, Handler: s.postLink(kind), AnyOrigin: true})
	}
	return routes
}

// peopleRoutes are those of admins, who prove first who they are.
func (s *Staff) peopleRoutes() []web.Route {
	routes := []web.Route{
		{Method: http.MethodGet, Path: PeoplePath, Handler: s.forAdmins(s.showPeople)},
		{Method: http.MethodGet, Path: PeoplePath + "/:id", Handler: s.forAdmins(s.ofPerson(s.showPerson))},
	}
	for act, h := range map[string]func(x *web.Exchange, who, person store.Agent) error{
		"rights": s.postRights, "disable": s.postDisable, "enable": s.postEnable, "factors": s.postFactors,
		"invite": s.postInviteAgain, "away": s.postPersonAway,
	} {
		routes = append(routes, web.Route{
			Method: http.MethodPost, Path: PeoplePath + "/:id/" + act, Handler: s.forAdmins(s.ofPerson(h)),
		})
	}
	return routes
}

func (s *Staff) forAdmins(h Handler) web.Handler {
	return s.Require(store.RoleAdmin, s.Proven(func(x *web.Exchange, who store.Agent) error {
		x.Staff(who, ItemPeople)
		return h(x, who)
	}))
}

func (s *Staff) home(who store.Agent) string {
	if s.deps.Home == nil {
		return "/account"
	}
	return s.deps.Home(who)
}
