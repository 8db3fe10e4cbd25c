package form

import (
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// askData is what the page shows whose reader has not yet said that the request
// is theirs: nothing that was written, since a stranger may have typed the address
// that the link was mailed to.
type askData struct {
	Ticket store.Ticket
	Zone   *time.Location
	Base   string // the ticket page's path
}

func (f *Form) showAsk(x *web.Exchange, status int, ticket store.Ticket) error {
	x.DefaultLang(ticket.Requester.Lang)
	return f.ask.Show(x, status, askData{Ticket: ticket, Zone: f.zone(ticket.Region), Base: basePath(x)})
}

// postMine takes the answer that the request is the reader's own, which proves
// the address: mail scanners follow links, and press no button.
func (f *Form) postMine(x *web.Exchange) error {
	if err := f.free(x); err != nil {
		return err
	}
	link, err := f.linkOf(x)
	if err != nil {
		return f.showGone(x, err)
	}
	ticket, err := f.deps.Tickets.ProveAddress(x.Request.Context(), store.Instant(time.Now()), store.ByPartner(link), link)
	if err != nil {
		return f.showGone(x, err)
	}
	x.Log.Info("address proven", "request", x.ID, "ticket", ticket.Number)
	if x.WantsJSON() {
		return f.sendThread(x, ticket)
	}
	return x.Redirect(basePath(x))
}

// free takes a turn of the client's network.
func (f *Form) free(x *web.Exchange) error {
	if free, wait := f.guard.network.AllowNetworks(x.Remote(), "", time.Now()); !free {
		return &web.Fault{Status: http.StatusTooManyRequests, RetryAfter: wait, Err: errBusyNetwork}
	}
	return nil
}
