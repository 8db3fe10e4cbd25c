package ops

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// linkStore revokes the links of a ticket.
type linkStore interface {
	TicketByNumber(ctx context.Context, by store.Actor, act store.Act, number string) (store.Ticket, error)
	RevokeLinks(ctx context.Context, now time.Time, by store.Actor, id store.TicketID) error
}

// postRevoke makes every link to a ticket's page open nothing from then on: for a
// link that reached a person it was not meant for. Its requester can have a new one
// mailed from the help centre.
func (o *Ops) postRevoke(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	number := strings.TrimSpace(x.Request.PostForm.Get("number"))
	by := staff.ActorOf(x, who)
	ticket, err := o.stores.links.TicketByNumber(x.Request.Context(), by, store.ActRevokeLinks, number)
	if errors.Is(err, store.ErrNotFound) {
		return o.suppressionsPage(x, who, http.StatusUnprocessableEntity, suppressionsData{
			Number: number, Fault: "There is no ticket of that number. Write it as in US-1042.", FaultOf: "number",
		})
	}
	if err == nil {
		err = o.stores.links.RevokeLinks(x.Request.Context(), time.Now(), by, ticket.ID)
	}
	if err != nil {
		return err
	}
	x.Log.Info("links revoked by hand", "request", x.ID, "ticket", ticket.Number, "agent", who.ID)
	return x.Redirect("/ops/suppressions?revoked=" + url.QueryEscape(ticket.Number))
}
