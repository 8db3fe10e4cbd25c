package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/generate"
	"signpost/cmd/signpost/metrics"
	"signpost/cmd/signpost/ticket"
	"signpost/cmd/signpost/tokens"
	"signpost/store"
)

// The control socket is how a subcommand reaches the service that holds the data
// folder: HTTP with JSON over a Unix socket in it, open to its owner alone.

// socketPath is where the service of a data folder listens.
func socketPath(data string) string { return filepath.Join(data, "control.sock") }

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

// listenControl opens the socket. A socket left by a service that was killed is
// replaced: the store's own lock says that no other service is alive.
func listenControl(data string) (net.Listener, error) {
	path := socketPath(data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// openControlled reaches the service that holds the configured data folder, or
// opens the folder itself when none does; fresh allows it to make one. A running
// service has its secrets: who asks it needs none of them.
func openControlled(file string, fresh bool, env *environment) (controlled, func(), error) {
	cfg, err := config.Load(file, env.environ)
	faults := config.Faults(nil)
	if err != nil && !errors.As(err, &faults) {
		return nil, nil, err
	}
	if err := faults.Besides(config.LacksLogin, config.LacksSecret); err != nil {
		return nil, nil, err
	}
	if r, ok := dialControl(cfg.Service.Data); ok {
		return r, func() {}, nil
	}
	if err := faults.Besides(config.LacksLogin); err != nil {
		return nil, nil, err
	}
	if !fresh && !cfg.Service.Stored() {
		return nil, nil, fmt.Errorf("nothing is stored in %s; is service.data the right folder, and its disk mounted?",
			cfg.Service.Data)
	}
	a, err := openApp(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	return a, func() { a.Close() }, nil
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
		answer(w, r, &shape, func() (any, error) { return a.Generate(r.Context(), shape) })
	})
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		var req backupRequest
		answer(w, r, &req, func() (any, error) { return c.Backup(r.Context(), req.To) })
	})
	mux.HandleFunc("GET /responder", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, nil, func() (any, error) { return c.Responder(r.Context(), r.URL.Query().Get("mailbox")) })
	})
	mux.HandleFunc("POST /responder", func(w http.ResponseWriter, r *http.Request) {
		var req switchRequest
		answer(w, r, &req, func() (any, error) {
			s := store.Switch{Mailbox: req.Mailbox, On: req.On, Reason: req.Reason}
			return c.SwitchResponder(r.Context(), store.ByCommandLine(req.By), s)
		})
	})
	mux.HandleFunc("GET /agents", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, nil, func() (any, error) { return c.Agents(r.Context()) })
	})
	mux.HandleFunc("POST /agents", func(w http.ResponseWriter, r *http.Request) {
		var req agentRequest
		answer(w, r, &req, func() (any, error) { return c.AddAgent(r.Context(), store.ByCommandLine(req.By), req) })
	})
	mux.HandleFunc("POST /agents/disable", func(w http.ResponseWriter, r *http.Request) {
		var req agentRequest
		answer(w, r, &req, func() (any, error) { return c.DisableAgent(r.Context(), store.ByCommandLine(req.By), req.Email) })
	})
	tokens.Mount(mux, a.db)
	ticket.Mount(mux, a.db, a.web.Handler())
}

func answer(w http.ResponseWriter, r *http.Request, into any, do func() (any, error)) {
	if into != nil {
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(into); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	result, err := do()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result) // a client that left needs no answer
}

// remote is the client's side: controlled, spoken over the socket.
type remote struct{ client http.Client }

// tokensOf are the sealed tokens of a data folder, for a process that is not its service.
func tokensOf(cfg config.Config) tokens.Beside {
	return tokens.Beside{
		Service: func() (tokens.Call, bool) {
			r, ok := dialControl(cfg.Service.Data)
			return r.call, ok
		},
		Stored: cfg.Service.Stored,
		Open: func() (tokens.Database, error) {
			return openStore(cfg.Service, nil, metrics.New(), slog.New(slog.DiscardHandler))
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
	r, ok := dialControl(data)
	if !ok {
		return nil, fmt.Errorf("no service runs on %s; tickets are answered through it: start it first", data)
	}
	return &r.client, nil
}

// dialControl reaches the service of a data folder; false when none runs.
func dialControl(data string) (*remote, bool) {
	path := socketPath(data)
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil, false
	}
	conn.Close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &remote{http.Client{Transport: &http.Transport{DialContext: dial}}}, true
}

func (c *remote) Backup(ctx context.Context, to string) (m archive.Manifest, err error) {
	return m, c.call(ctx, "POST", "/backup", backupRequest{To: to}, &m)
}

func (c *remote) Responder(ctx context.Context, mailbox string) (s ResponderStatus, err error) {
	return s, c.call(ctx, "GET", "/responder?mailbox="+url.QueryEscape(mailbox), nil, &s)
}

func (c *remote) SwitchResponder(ctx context.Context, by store.Actor, w store.Switch) (s ResponderStatus, err error) {
	req := switchRequest{On: w.On, By: by.Account, Reason: w.Reason, Mailbox: w.Mailbox}
	return s, c.call(ctx, "POST", "/responder", req, &s)
}

func (c *remote) AddAgent(ctx context.Context, by store.Actor, req agentRequest) (s AgentStatus, err error) {
	req.By = by.Account
	return s, c.call(ctx, "POST", "/agents", req, &s)
}

func (c *remote) Agents(ctx context.Context) (all []AgentStatus, err error) {
	return all, c.call(ctx, "GET", "/agents", nil, &all)
}

func (c *remote) DisableAgent(ctx context.Context, by store.Actor, email string) (s AgentStatus, err error) {
	return s, c.call(ctx, "POST", "/agents/disable", agentRequest{By: by.Account, Email: email}, &s)
}

func (c *remote) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
		return errors.New(string(bytes.TrimSpace(text)))
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
