package form

import (
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// askData is what the page shows whose reader has not yet said that the request
// is theirs, or that they take part in it: nothing that was written, since a stranger may have typed the address
// that the link was mailed to.
type askData struct {
	Number   string
	OpenedAt time.Time
	Zone     *time.Location
	Base     string // the ticket page's path
}

func (f *Form) showAsk(x *web.Exchange, status int, door store.Door) error {
	x.DefaultLang(door.Lang())
	ask := f.ask
	if door.OfColleague() {
		ask = f.invited
	}
	return ask.Show(x, status, askData{
		Number: door.Ticket.Number, OpenedAt: door.Ticket.OpenedAt, Zone: f.zone(door.Ticket.Region), Base: basePath(x),
	})
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
		door, err := f.openDoor(x)
		if err != nil {
			return f.showGone(x, err)
		}
		return f.sendThread(x, door)
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
