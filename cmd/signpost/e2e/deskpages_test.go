//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"net/url"
	"testing"
)

// deskPages are those of the desk: lists full and empty, a ticket whose reply bounced, one
// that is solved, and one with a note, a reply and one more that still waits for undo.
func (d *demoProcess) deskPages(t *testing.T, ctx context.Context, partner string) []string {
	t.Helper()
	a, _, err := partnerPost("asks.desk."+partner, "US").send(t.Context(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	agent := signInClient(t, d.URL, demoAgent, demoPassword)
	for _, act := range []struct {
		name string
		form url.Values
	}{
		{"note", url.Values{"body": {"@lee They use the *old* export:\n\n```\nbatch = 1000\n```"}}},
		{"reply", url.Values{"body": {"Please try:\n\n1. **once** more\n2. then [this](https://example.com/help)"}}},
		{"reply", url.Values{"body": {"> It stops\n\nStill?"}, "then": {"pending"}}},
		{"tags", url.Values{"tags": {"export, billing"}}},
		{"priority", url.Values{"priority": {"urgent"}}},
	} {
		status, err := ask(t.Context(), agent.client, "POST", d.URL+"/desk/tickets/"+a.Number+"/"+act.name, act.form, nil)
		if err != nil || status != http.StatusOK && status != http.StatusCreated {
			t.Fatalf("%s: %d %v", act.name, status, err)
		}
	}
	own := "/desk/tickets/" + a.Number
	const row = `.desk-rows a[data-open]`
	return []string{
		"/desk", "/desk/tickets", "/desk/tickets?view=trouble", "/desk/tickets?view=solved&q=nothing-like-it",
		own, own + "?write=note", d.links(t, ctx, "/desk/tickets?view=trouble", row)[0],
		d.links(t, ctx, "/desk/tickets?view=solved", row)[0],
	}
}
