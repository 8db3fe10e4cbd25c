package form

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// What a ticket's page offers beside writing: solved, reopen, rate. Each is a POST that
// names its link, since mail scanners follow links and press no button.

// maxComment is how long a comment on a rating may be, in characters.
const maxComment = 2000

// partnerVerb is a verb of the page that needs nothing but the link.
type partnerVerb func(ctx context.Context, now time.Time, by store.Actor, link store.LinkID) (store.Ticket, error)

func (f *Form) postSolved(x *web.Exchange) error {
	return f.actByLink(x, "solved", f.deps.Tickets.SolveByPartner)
}

func (f *Form) postReopen(x *web.Exchange) error {
	return f.actByLink(x, "reopened", f.deps.Tickets.ReopenByPartner)
}

func (f *Form) actByLink(x *web.Exchange, done string, verb partnerVerb) error {
	x.Private()
	if err := f.free(x); err != nil {
		return err
	}
	link, err := f.linkOf(x)
	if err != nil {
		return f.showGone(x, err)
	}
	ticket, err := verb(x.Request.Context(), store.Instant(time.Now()), store.ByPartner(link), link)
	return f.answerAct(x, ticket, done, err)
}

// answerAct shows the ticket after an act. A closed one says on its page how to go on.
func (f *Form) answerAct(x *web.Exchange, ticket store.Ticket, done string, err error) error {
	switch {
	case errors.Is(err, store.ErrConflict) && !x.WantsJSON():
		return x.Redirect(basePath(x))
	case errors.Is(err, store.ErrConflict):
		return &web.Fault{Status: http.StatusConflict, Err: err}
	case err != nil:
		return f.showGone(x, err)
	}
	x.Log.Info("partner acted", "request", x.ID, "ticket", ticket.Number, "act", done)
	if x.WantsJSON() {
		return f.sendThread(x, store.Door{Ticket: ticket})
	}
	return x.Redirect(basePath(x) + "?done=" + done)
}

// postRating takes a rating. Of a post that cannot be read as one nothing is kept.
func (f *Form) postRating(x *web.Exchange) error {
	now := time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	ticket, missing := f.openLink(x)
	d, err := f.read(x, false)
	if missing != nil {
		return f.showGone(x, missing)
	}
	page := func(status int) error { return f.showThread(x, status, store.Door{Ticket: ticket}, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if !free {
		return d.RefuseRate(x, wait, page)
	}
	if !d.Came("comment") { // a score alone leaves the words that came with the last one
		d.Comment = ticket.Rating.Comment
	}
	score, err := strconv.Atoi(d.Score)
	if err != nil || score < 1 || score > store.MaxScore {
		d.AddFault("score", post.Problem{Key: "form.fault_score"})
	}
	if d.Limit("comment", d.Comment, maxComment); d.HasFaults() {
		return d.Refuse(x, page)
	}
	link, _ := f.linkOf(x) // openDoor verified it
	ticket, err = f.deps.Tickets.RateTicket(
		x.Request.Context(), store.Instant(now), store.ByPartner(link), link, score, d.Comment)
	return f.answerAct(x, ticket, "rated", err)
}

// goOn opens a new ticket for what is written on the page of a closed one, tied to that.
// That is the requester's to do.
func (f *Form) goOn(x *web.Exchange, door store.Door, d *draft, page post.Page) error {
	closed := door.Ticket
	if door.OfColleague() {
		d.AddFault("form", post.Problem{Key: "form.colleague_closed_text"})
		return d.Answer(x, http.StatusConflict, page)
	}
	now := time.Now()
	region := f.regionByID(closed.Region)
	promise, err := f.deps.Promise(region.ID, now)
	if err != nil {
		return err
	}
	link, _ := f.linkOf(x) // openDoor verified it
	opened, err := f.deps.Tickets.OpenTicket(x.Request.Context(), store.Instant(now), store.NewTicket{
		Region: region, Channel: closed.Channel, Requester: closed.Requester, Category: closed.Category,
		Title: closed.Title, Body: d.Description, Files: d.Files, Promise: promise, Follows: link,
		Link: ident.NewLink(now), LinkExpires: store.Instant(now.Add(f.cfg.LinkKept)),
		MessageID:   f.deps.Ring.MessageID(now, store.MailConfirmation, store.Domain(region.Address)),
		Idempotency: d.goOnKey(closed), Fingerprint: d.Fingerprint(d.Description),
		Budgets: f.budgets(closed.Requester.Email, x.Remote()), Network: origin.Widest(x.Remote()).String(),
	})
	switch {
	case errors.Is(err, store.ErrConflict):
		return d.RefuseRepeat(x, post.Problem{Key: "form.fault_repeat_message"}, page)
	case errors.Is(err, store.ErrNotFound):
		return f.refuseLink(x, d, err)
	case err != nil:
		return d.RefuseStore(x, err, page)
	}
	f.deps.Kick()
	x.Log.Info("ticket opened behind a closed one", "request", x.ID, "ticket", opened.Ticket.Number,
		"closed", closed.Number, "files", len(d.Files), "replayed", opened.Replayed)
	if x.WantsJSON() {
		return x.JSON(http.StatusCreated, map[string]any{"number": opened.Ticket.Number, "seq": 1})
	}
	return x.Redirect(f.pathOf(opened.Ticket) + "?added=1#e1")
}

// goOnKey is the draft's key, bound to the closed ticket.
func (d *draft) goOnKey(closed store.Ticket) string {
	if d.Key == "" {
		return ""
	}
	bound := draft{}
	bound.Key = closed.Number + " " + d.Key
	bound.Email = closed.Requester.Email
	return bound.onceKey()
}

// pathOf is the path of a ticket's page.
func (f *Form) pathOf(k store.Ticket) string { return "/t/" + f.deps.Ring.LinkToken(k.Link) }

// tied is a ticket that another goes on from, or the one that goes on from it.
type tied struct{ Number, Path string } // Path "" where its page is not this reader's

// tie finds a tied ticket, zero for 0. The way to it is shown as long as both belong to
// one address, and to no colleague, who has no door to the other.
func (f *Form) tie(x *web.Exchange, door store.Door, id store.TicketID) (tied, error) {
	if id == 0 {
		return tied{}, nil
	}
	other, err := f.deps.Tickets.Ticket(x.Request.Context(), id)
	if err != nil {
		return tied{}, err
	}
	mine := door.Ticket.Requester.Email
	if door.OfColleague() || store.AddressKey(other.Requester.Email) != store.AddressKey(mine) {
		return tied{Number: other.Number}, nil
	}
	return tied{other.Number, f.pathOf(other)}, nil
}
