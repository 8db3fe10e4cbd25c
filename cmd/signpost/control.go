package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/audit"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/control"
	"signpost/cmd/signpost/generate"
	"signpost/cmd/signpost/metrics"
	"signpost/cmd/signpost/secret"
	"signpost/cmd/signpost/ticket"
	"signpost/cmd/signpost/tokens"
	"signpost/store"
)

// controlled is what the socket offers; App implements it, and a subcommand
// runs it directly when no service holds the data folder.
type controlled interface {
	Backup(ctx context.Context, to string) (archive.Manifest, error)
	// Responder and SwitchResponder are about one mailbox's answers, or all ("").
	Responder(ctx context.Context, mailbox string) (ResponderStatus, error)
	SwitchResponder(ctx context.Context, by store.Actor, s store.Switch) (ResponderStatus, error)
	AddAgent(ctx context.Context, by store.Actor, req agentRequest) (AgentStatus, error)
	Agents(ctx context.Context) ([]AgentStatus, error)
	DisableAgent(ctx context.Context, by store.Actor, email string) (AgentStatus, error)
}

type backupRequest struct {
	To string `json:"to"`
}

type switchRequest struct {
	On      bool   `json:"on"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
	Mailbox string `json:"mailbox"`
}

// openControlled reaches the service that holds the configured data folder, or
// opens the folder itself when none does; fresh allows it to make one. A running
// service has its secrets: who asks it needs none of them.
func openControlled(file string, fresh bool, env *environment) (controlled, func(), error) {
	c, a, err := env.open(file, fresh)
	switch {
	case err != nil:
		return nil, nil, err
	case c != nil:
		return &remote{c}, func() {}, nil
	}
	return a, func() { a.Close() }, nil
}

// open is openControlled, which returns either.
func (env *environment) open(file string, fresh bool) (*control.Client, *App, error) {
	cfg, err := config.Load(file, env.environ)
	faults := config.Faults(nil)
	if err != nil && !errors.As(err, &faults) {
		return nil, nil, err
	}
	if err := faults.Besides(config.LacksLogin, config.LacksSecret); err != nil {
		return nil, nil, err
	}
	if c, ok := control.Dial(cfg.Service.Data); ok {
		return c, nil, nil
	}
	if err := faults.Besides(config.LacksLogin); err != nil {
		return nil, nil, err
	}
	if !fresh && !cfg.Service.Stored() {
		return nil, nil, fmt.Errorf("nothing is stored in %s; is service.data the right folder, and its disk mounted?",
			cfg.Service.Data)
	}
	a, err := openApp(cfg, slog.New(slog.DiscardHandler))
	return nil, a, err
}

// reach asks the service of a configuration's data folder, or a demo's, or the folder.
func (env *environment) reach(file, demo string) (*control.Client, func(), error) {
	if demo != "" {
		if c, ok := control.Dial(demo); ok {
			return c, func() {}, nil
		}
		return nil, nil, fmt.Errorf("no demo runs on %s; start it first", demo)
	}
	c, a, err := env.open(file, false)
	if err != nil || c != nil {
		return c, func() {}, err
	}
	mux := http.NewServeMux()
	a.mountOffline(mux)
	return control.Within(mux), func() { a.Close() }, nil
}

// mountOffline is what the socket offers, and a subcommand without a service too.
func (a *App) mountOffline(mux router) {
	audit.Mount(mux, a.db, a.log)
	secret.Mount(mux, a.secrets)
}

// controlHandler serves the socket.
func controlHandler(a *App) http.Handler {
	mux := http.NewServeMux()
	mountControl(mux, a)
	return mux
}

// router takes routes as http.ServeMux does.
type router interface {
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// mountControl offers what the socket has, the sealed tokens and the desk among it.
func mountControl(mux router, a *App) {
	c := controlled(a)
	mux.HandleFunc("POST /generate", func(w http.ResponseWriter, r *http.Request) {
		var shape generate.Shape
		control.Answer(w, r, &shape, func() (any, error) { return a.Generate(r.Context(), shape) })
	})
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		var req backupRequest
		control.Answer(w, r, &req, func() (any, error) { return c.Backup(r.Context(), req.To) })
	})
	mux.HandleFunc("GET /responder", func(w http.ResponseWriter, r *http.Request) {
		control.Answer(w, r, nil, func() (any, error) { return c.Responder(r.Context(), r.URL.Query().Get("mailbox")) })
	})
	mux.HandleFunc("POST /responder", func(w http.ResponseWriter, r *http.Request) {
		var req switchRequest
		control.Answer(w, r, &req, func() (any, error) {
			s := store.Switch{Mailbox: req.Mailbox, On: req.On, Reason: req.Reason}
			return c.SwitchResponder(r.Context(), store.ByCommandLine(req.By), s)
		})
	})
	mux.HandleFunc("GET /agents", func(w http.ResponseWriter, r *http.Request) {
		control.Answer(w, r, nil, func() (any, error) { return c.Agents(r.Context()) })
	})
	mux.HandleFunc("POST /agents", func(w http.ResponseWriter, r *http.Request) {
		var req agentRequest
		control.Answer(w, r, &req, func() (any, error) { return c.AddAgent(r.Context(), store.ByCommandLine(req.By), req) })
	})
	mux.HandleFunc("POST /agents/disable", func(w http.ResponseWriter, r *http.Request) {
		var req agentRequest
		control.Answer(w, r, &req, func() (any, error) {
			return c.DisableAgent(r.Context(), store.ByCommandLine(req.By), req.Email)
		})
	})
	a.mountOffline(mux)
	tokens.Mount(mux, a.db)
	ticket.Mount(mux, a.db, a.web.Handler())
}

// remote is the client's side: controlled, spoken over the socket.
type remote struct{ *control.Client }

// tokensOf are the sealed tokens of a data folder, for a process that is not its service.
func tokensOf(cfg config.Config) tokens.Beside {
	return tokens.Beside{
		Service: func() (tokens.Call, bool) {
			c, ok := control.Dial(cfg.Service.Data)
			return c.Call, ok
		},
		Stored: cfg.Service.Stored,
		Open: func() (tokens.Database, error) {
			return openStore(cfg.Service, nil, nil, metrics.New(), slog.New(slog.DiscardHandler))
		},
	}
}

// service reaches the one that runs on a configuration's data folder, or a demo's.
func (env *environment) service(file, data string) (*http.Client, error) {
	if file != "" {
		cfg, err := config.LoadWithout(file, env.environ, config.LacksLogin, config.LacksSecret)
		if err != nil {
			return nil, err
		}
		data = cfg.Service.Data
	}
	c, ok := control.Dial(data)
	if !ok {
		return nil, fmt.Errorf("no service runs on %s; tickets are answered through it: start it first", data)
	}
	return &c.HTTP, nil
}

func (c *remote) Backup(ctx context.Context, to string) (m archive.Manifest, err error) {
	return m, c.Call(ctx, "POST", "/backup", backupRequest{To: to}, &m)
}

func (c *remote) Responder(ctx context.Context, mailbox string) (s ResponderStatus, err error) {
	return s, c.Call(ctx, "GET", "/responder?mailbox="+url.QueryEscape(mailbox), nil, &s)
}

func (c *remote) SwitchResponder(ctx context.Context, by store.Actor, w store.Switch) (s ResponderStatus, err error) {
	req := switchRequest{On: w.On, By: by.Account, Reason: w.Reason, Mailbox: w.Mailbox}
	return s, c.Call(ctx, "POST", "/responder", req, &s)
}

func (c *remote) AddAgent(ctx context.Context, by store.Actor, req agentRequest) (s AgentStatus, err error) {
	req.By = by.Account
	return s, c.Call(ctx, "POST", "/agents", req, &s)
}

func (c *remote) Agents(ctx context.Context) (all []AgentStatus, err error) {
	return all, c.Call(ctx, "GET", "/agents", nil, &all)
}

func (c *remote) DisableAgent(ctx context.Context, by store.Actor, email string) (s AgentStatus, err error) {
	return s, c.Call(ctx, "POST", "/agents/disable", agentRequest{By: by.Account, Email: email}, &s)
}
