package staff

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"sync"

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

	strangers strangers

	signIn   *web.Page[signInData]
	account  *web.Page[accountData]
	recovery *web.Page[recoveryData]
	lacking  *web.Page[lackingData]
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
	return &Staff{
		cfg: cfg, deps: deps,
		hashing: newQueue(hashesAtOnce), limits: newLimits(cfg),
		nobody: sync.OnceValue(func() string { return HashPassword(newToken()) }),
	}, nil
}

// Mount adds the pages to the server.
func (s *Staff) Mount(server *web.Server) error {
	s.langs = server.Langs()
	set := server.Pages(templates).English()
	s.signIn = web.Declare[signInData](set, "sign-in.html")
	s.account = web.DeclareStaff[accountData](set, "account.html")
	s.recovery = web.DeclareStaff[recoveryData](set, "recovery.html")
	s.lacking = web.DeclareStaff[lackingData](set, "lacking.html")
	if err := set.Ready(); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	if err := server.Static("staff", static); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	for _, r := range []web.Route{
		{Method: http.MethodGet, Path: "/sign-in", Handler: s.showSignIn},
		{Method: http.MethodPost, Path: "/sign-in", Handler: s.postSignIn},
		{Method: http.MethodPost, Path: "/sign-out", Handler: s.postSignOut},
		{Method: http.MethodGet, Path: "/events", Handler: s.events},
		{Method: http.MethodGet, Path: "/account", Handler: s.Require("", s.showAccount)},
		{Method: http.MethodPost, Path: "/account/profile", Handler: s.Require("", s.postProfile)},
		{Method: http.MethodPost, Path: "/account/password", Handler: s.Require("", s.postPassword)},
		{Method: http.MethodPost, Path: "/account/authenticator", Handler: s.Require("", s.postAuthenticator)},
		{Method: http.MethodPost, Path: "/account/recovery-codes", Handler: s.Require("", s.postRecovery)},
		{Method: http.MethodPost, Path: "/account/sign-out", Handler: s.Require("", s.postSignOutEverywhere)},
	} {
		server.Handle(r)
	}
	return nil
}

func (s *Staff) home(who store.Agent) string {
	if s.deps.Home == nil {
		return "/account"
	}
	return s.deps.Home(who)
}
