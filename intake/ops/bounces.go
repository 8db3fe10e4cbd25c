package ops

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// bounceStore reads what relays refused, and the addresses that are suppressed with their tickets.
type bounceStore interface {
	Refusals(ctx context.Context, since time.Time, p store.Page) (store.List[store.Refusal], error)
	Suppressions(ctx context.Context, now time.Time, p store.Page) (store.List[store.Suppression], error)
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
	TicketsByRequester(
		ctx context.Context, by store.Actor, act store.Act, address string, p store.Page,
	) (store.List[store.Ticket], error)
	Ticket(ctx context.Context, id store.TicketID) (store.Ticket, error)
}

const (
	refusalsShown = 50
	// refusedSince is how long ago a refusal may have been seen last to be shown.
	refusedSince = 30 * 24 * time.Hour
	// deadPage is how many dead addresses one page shows; deadLooked is how many
	// suppressions it looks at for them.
	deadPage, deadLooked = 25, 1000
	// deadTickets is how many tickets of a dead address are named.
	deadTickets = 3
)

type bouncesData struct {
	Tabs     web.Tabs
	Dead     []deadRow
	Refusals []refusalRow

	DeadPages, RefusalPages pager
}

// deadRow is an address that takes no mail any more, and who waits behind it.
type deadRow struct {
	Address, Held               string // Held: where it is released
	When                        string
	Status, Reason, Said, Proof string
	Tickets                     []ticketRow
	MoreTickets                 bool
}

type ticketRow struct{ Number, Title, Status string }

type refusalRow struct {
	Host, Said, Status, Reason, First, Last string
	Count                                   uint64
	Addresses                               []string
	People                                  string // how many addresses
}

func (o *Ops) showBounces(x *web.Exchange, who store.Agent) error {
	ctx, now := x.Request.Context(), time.Now()
	d := bouncesData{Tabs: delivery("/ops/bounces")}
	dead, pages, err := part(x.Request.URL, "dead", deadPage, func(p store.Page) (store.List[store.Suppression], error) {
		return o.dead(ctx, now, p)
	})
	if err != nil {
		return err
	}
	d.DeadPages = pages
	for _, s := range dead {
		row, err := o.deadOf(x, who, s)
		if err != nil {
			return err
		}
		d.Dead = append(d.Dead, row)
	}
	refusals, pages, err := part(x.Request.URL, "refused", refusalsShown,
		func(p store.Page) (store.List[store.Refusal], error) {
			return o.stores.bounces.Refusals(ctx, now.Add(-refusedSince), p)
		})
	if err != nil {
		return err
	}
	d.RefusalPages = pages
	for _, r := range refusals {
		row := refusalRow{
			r.Host, r.Diagnostic, r.Status, verdict.Reason(r.Reason), when(r.First), when(r.Last),
			r.Count, r.Addresses, counted(len(r.Addresses), "address", "addresses"),
		}
		if len(r.Addresses) == store.RefusalAddresses {
			row.People += " or more"
		}
		d.Refusals = append(d.Refusals, row)
	}
	return o.bounces.Show(x, http.StatusOK, d)
}

// dead lists the addresses that reports proved dead, newest first: it looks through the
// suppressions until it has as many as are asked for, and shows what it found on the
// way.
func (o *Ops) dead(
	ctx context.Context, now time.Time, p store.Page,
) (dead store.List[store.Suppression], err error) {
	for looked := 0; looked < deadLooked && len(dead.Items) < p.Limit; looked += p.Limit {
		list, err := o.stores.bounces.Suppressions(ctx, now, p)
		if err != nil {
			return dead, err
		}
		for _, s := range list.Items {
			if s.Scope == store.ScopeAll && s.Outbound != 0 {
				dead.Items = append(dead.Items, s)
			}
		}
		if dead.Next, p.After = list.Next, list.Next; list.Next == "" {
			return dead, nil
		}
	}
	dead.Stopped = len(dead.Items) < p.Limit
	return dead, nil
}

func (o *Ops) deadOf(x *web.Exchange, who store.Agent, s store.Suppression) (deadRow, error) {
	ctx := x.Request.Context()
	row := deadRow{
		Address: s.Address, Held: "/ops/suppressions?q=" + url.QueryEscape(s.Address), When: when(s.Since),
		Status: s.Status, Reason: verdict.Reason(s.Reason), Said: s.Diagnostic,
	}
	if s.Inbound != 0 {
		row.Proof = ledgerLink(s.Inbound)
	}
	mail, err := o.stores.bounces.Outbound(ctx, s.Outbound)
	if err != nil {
		return row, err
	}
	tickets, err := store.Items(o.stores.bounces.TicketsByRequester(ctx, staff.ActorOf(x, who), store.ActReadMail,
		s.Address, store.Page{Limit: deadTickets + 1}))
	if err != nil {
		return row, err
	}
	if mail.Ticket != 0 { // the one it happened on comes first
		k, err := o.stores.bounces.Ticket(ctx, mail.Ticket)
		if err != nil {
			return row, err
		}
		tickets = append([]store.Ticket{k}, tickets...)
	}
	for i, k := range tickets {
		if i > 0 && k.ID == mail.Ticket {
			continue
		}
		if len(row.Tickets) == deadTickets {
			row.MoreTickets = true
			break
		}
		row.Tickets = append(row.Tickets, ticketRow{k.Number, k.Title, string(k.Status)})
	}
	return row, nil
}
