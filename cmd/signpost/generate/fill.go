package generate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

// Made is what was made up, and how long it took.
type Made struct {
	Tickets, Mails    int
	Opening, Arriving time.Duration
	Unanswered        bool // there is no agent who could have answered
}

// Fill makes up a shape up to now, answered by the agents of the store.
func Fill(ctx context.Context, d Deps, s Shape) (made Made, err error) {
	agents, err := store.Items(d.Store.ListAgents(ctx, store.Page{Limit: store.MaxPage}))
	if err != nil {
		return made, err
	}
	for _, a := range agents {
		if !a.Disabled && a.Has(store.RoleAgent) {
			d.Agents = append(d.Agents, a.Actor())
		}
	}
	began := time.Now()
	g := New(d, s, began)
	if err := g.FillTickets(ctx); err != nil {
		return made, err
	}
	made = Made{Tickets: s.Tickets, Mails: s.Mails, Opening: time.Since(began), Unanswered: len(d.Agents) == 0}
	if s.Mails == 0 {
		return made, nil
	}
	err = g.FillLedger(ctx)
	made.Arriving = time.Since(began) - made.Opening
	return made, err
}

// String tells it with the rates, a line each.
func (m Made) String() string {
	var b strings.Builder
	rate := func(n int, what string, took time.Duration) {
		fmt.Fprintf(&b, "%d %s in %v, %.0f a second\n", n, what, took.Round(time.Millisecond), float64(n)/took.Seconds())
	}
	rate(m.Tickets, "tickets", m.Opening)
	if m.Unanswered {
		b.WriteString("None was answered, since there is no agent: signpost agent add adds one.\n")
	}
	if m.Mails > 0 {
		rate(m.Mails, "mails", m.Arriving)
	}
	return b.String()
}
