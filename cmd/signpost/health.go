package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"signpost/mail/outbox"
)

// silence is how long a watcher may go without a completed cycle before it
// counts as trouble; its own turns are 9 minutes long.
const silence = 15 * time.Minute

// waitTooLong is how old the oldest unsent mail may grow before it is trouble.
const waitTooLong = 10 * time.Minute

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
		state.Ready = state.Ready && t.ID != troubleStore
		state.Reasons = append(state.Reasons, t.Text)
	}
	return state
}

// troubleStore is the one trouble in which no ticket could be taken.
const troubleStore = "store"

// troubles are all that ail the service now.
func (a *App) troubles(ctx context.Context) (list []trouble) {
	add := func(id, format string, args ...any) {
		list = append(list, trouble{id, fmt.Sprintf(format, args...)})
	}
	stats, err := a.db.Stats(ctx)
	if err != nil {
		add(troubleStore, "the store cannot be read: %v", err)
		return list
	}
	if age := time.Since(stats.OldestQueued); !stats.OldestQueued.IsZero() && age > waitTooLong {
		add("outbox", "a mail has been waiting in the outbox for %v", age.Round(time.Second))
	}
	if relay := a.sender.Relay(); relay.State == outbox.RelayDown {
		add("relay", "the relay does not take mail: %v", relay.Err)
	}
	for _, w := range a.watchers {
		h := w.Health()
		if since := slices.MaxFunc([]time.Time{h.LastCycle, a.began}, time.Time.Compare); time.Since(since) > silence {
			add("mailbox/"+h.Mailbox, "mailbox %s: no completed cycle (%s)", h.Mailbox, h.State)
		}
	}
	if responder, err := a.db.Responder(ctx); err == nil && !responder.On {
		id := "responder"
		if responder.Tripped {
			id = "breaker"
		}
		add(id, "automatic answers are off: %s", responder.Reason)
	}
	if last, before, yes := a.rate.doubled(time.Now(), a.cfg.Alarm.AnswersFloor); yes {
		add("answers-doubled", "automatic answers doubled: %d in the last hour, %d in the hour before", last, before)
	}
	return slices.Concat(list, a.tokenTroubles(time.Now()), a.silencedTroubles(ctx))
}

// inside is what the address of service.metrics serves.
func (a *App) inside() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics.handler())
	return mux
}
