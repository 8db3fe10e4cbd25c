package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// undos remembers which replies can still be taken back, so that every page of the desk
// offers the way. It lives as long as the process: after a restart the reply's own entry
// still offers it. It is safe for concurrent use.
type undos struct {
	mu      sync.Mutex
	pending map[store.AgentID][]pending
}

// pending is a reply that waits.
type pending struct {
	mail   store.OutboundID
	number string
	to     string
	until  time.Time
}

// maxPending is how many of one agent's replies are offered at a time.
const maxPending = 20

func newUndos() *undos { return &undos{pending: make(map[store.AgentID][]pending)} }

func (u *undos) add(who store.AgentID, p pending) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := append(u.pending[who], p)
	u.pending[who] = all[max(0, len(all)-maxPending):]
}

func (u *undos) drop(who store.AgentID, mail store.OutboundID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keep(who, func(p pending) bool { return p.mail != mail })
}

// keep is called under the lock.
func (u *undos) keep(who store.AgentID, wanted func(pending) bool) {
	left := slices.DeleteFunc(u.pending[who], func(p pending) bool { return !wanted(p) })
	if u.pending[who] = left; len(left) == 0 {
		delete(u.pending, who)
	}
}

// toasts offer the ways back that an agent has now.
func (u *undos) toasts(who store.AgentID, now time.Time) (all []web.Toast) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keep(who, func(p pending) bool { return now.Before(p.until) })
	for _, p := range u.pending[who] {
		all = append(all, web.Toast{
			Words: "Sending to " + p.to + " (" + p.number + ")",
			Until: p.until,
			Undo: &web.Undo{
				Path: ticketAddress(p.number) + "/undo", Fields: map[string]string{"id": strconv.FormatUint(uint64(p.mail), 10)},
			},
		})
	}
	return all
}

// postUndo takes a reply back: its text is the author's draft again.
func (d *Desk) postUndo(x *web.Exchange, who store.Agent) error {
	if err := parseForm(x); err != nil {
		return err
	}
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(x.Request.PostForm.Get("id"), 10, 64)
	if err != nil {
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: "There is no such reply to take back."})
	}
	if err := d.mailOf(x.Request.Context(), k, store.OutboundID(id)); err != nil {
		return err
	}
	now, by := store.Instant(time.Now()), staff.ActorOf(x, who)
	since, err := d.deps.Store.Draft(x.Request.Context(), by, k.ID, store.EntryReply)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	done, err := d.deps.Store.Undo(x.Request.Context(), now, by, store.OutboundID(id))
	switch {
	case errors.Is(err, store.ErrConflict):
		d.undos.drop(who.ID, store.OutboundID(id))
		return d.refuseAct(x, who, http.StatusConflict, writing{fault: "It is too late: the reply has been sent."})
	case errors.Is(err, store.ErrForbidden):
		return d.refuseAct(x, who, http.StatusForbidden, writing{fault: "Only its author can take a reply back."})
	case errors.Is(err, store.ErrInvalid):
		why := "The reply was not taken back. " + invalidWords(err)
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: why})
	case err != nil:
		return err
	}
	d.undos.drop(who.ID, store.OutboundID(id))
	d.told(done.Ticket, done.Ticket.Entries)
	x.Log.Info("reply taken back", "request", x.ID, "ticket", k.Number, "outbound", id, "agent", who.ID)
	if x.WantsJSON() {
		return d.sendTicketOf(x, who, done.Ticket)
	}
	back := ticketAddress(done.Ticket.Number) + "?write=reply"
	if since.Body != "" || len(since.Files) > 0 {
		back += "&joined=1"
	}
	return x.Redirect(back + "#write")
}

// mailOf returns ErrNotFound for a mail that is not the ticket's: an act on one ticket's
// path does nothing to another.
func (d *Desk) mailOf(ctx context.Context, k store.Ticket, id store.OutboundID) error {
	for m, err := range store.All(store.MaxPage, func(p store.Page) (store.List[store.Outbound], error) {
		return d.deps.Store.OutboundsOfTicket(ctx, k.ID, p)
	}) {
		if err != nil || m.ID == id {
			return err
		}
	}
	return store.ErrNotFound
}

// joinedWords say what a draft is made of, where a reply that was taken back stands in front of
// what was begun since, and that it is too long for one mail; "" for another.
func joinedWords(joined bool, kept store.Draft) string {
	long := utf8.RuneCountInString(kept.Body) > maxBody
	switch {
	case long:
		return fmt.Sprintf("This is longer than the %d characters that can be sent at once. All of it is kept. "+
			"Shorten it, or send it in two parts.", maxBody)
	case joined:
		return "The reply that you took back stands in front of what you had begun since. Both are kept."
	}
	return ""
}
