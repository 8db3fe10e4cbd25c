package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"signpost/intake/staff"
	"signpost/store"
)

// asHeader names, on the control socket, the agent who acts.
const asHeader = "Signpost-As"

// place is what the audit log says of where these acts come from.
const place = "command line"

// Agents finds who acts.
type Agents interface {
	AgentByEmail(ctx context.Context, email string) (store.Agent, error)
}

// Router takes routes as http.ServeMux does.
type Router interface {
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// Mount offers the pages of the desk on a control socket, as JSON, to whom the asHeader
// names. Who may open the socket may act as any agent.
func Mount(mux Router, agents Agents, desk http.Handler) {
	mux.HandleFunc("/desk/", func(w http.ResponseWriter, r *http.Request) {
		email := r.Header.Get(asHeader)
		if why := lacks(r.Context(), agents, email); why != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(map[string]string{"error": why}) // a client that left needs no answer
			return
		}
		r.Header.Set("Accept", "application/json")
		desk.ServeHTTP(w, r.WithContext(staff.Vouch(r.Context(), email, place)))
	})
}

// lacks says why nobody may act as the agent with that address; "": they may.
func lacks(ctx context.Context, agents Agents, email string) string {
	who, err := agents.AgentByEmail(ctx, email)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "no account has the address " + email + "; signpost agent list shows them all"
	case err != nil:
		return err.Error()
	case who.Disabled:
		return "the account " + email + " is disabled; signpost agent add --update enables it"
	case !who.Has(store.RoleAgent):
		return email + " does not answer tickets: signpost agent add --update --role agent gives the role"
	}
	return ""
}
