package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"signpost/cmd/signpost/alarm"
	"signpost/intake/web"
)

// Readiness says whether partners can be served, and what ails the rest.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // in words; [] when all is well
}

// alive answers while the process does.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "alive")
}

// ready answers 503 only when a ticket could not be taken. Trouble with mail is
// named but leaves it 200: a proxy must not take the form away because a relay
// is down, since the outbox waits for it.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	state := a.readiness(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if !state.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(state) // a client that left needs no answer
}

func (a *App) readiness(ctx context.Context) Readiness {
	state := Readiness{Ready: true, Reasons: []string{}}
	for _, t := range a.troubles(ctx) {
		state.Ready = state.Ready && t.Key != alarm.KeyStore
		state.Reasons = append(state.Reasons, t.What)
	}
	return state
}

// inside is what the address of service.metrics serves, under the names that the
// public address has.
func (a *App) inside() http.Handler {
	mux := http.NewServeMux()
	a.mountInside(mux)
	return web.OnlyHosts(a.cfg.ForWeb().HostNames(), a.log, mux)
}

func (a *App) mountInside(mux router) {
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /metrics", a.metrics.Handler().ServeHTTP)
}
