package form

import (
	"errors"
	"net/http"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// postSentAddress gives a request another address, on the page that received it:
// for the browser that sent it, until the request is confirmed or answered.
func (f *Form) postSentAddress(x *web.Exchange) error {
	r, err := f.openReceived(x)
	if err != nil {
		return err
	}
	show := func(status int, d *draft) error { return f.showSent(x, status, r, d) }
	id, ok := f.sentBy(x.Request, r.Number)
	if !ok {
		d := newDraft()
		d.AddFault("form", post.Problem{Key: "form.address_over"})
		x.Drain(maxAddressPost, time.Second)
		return d.Answer(x, http.StatusForbidden, func(status int) error { return show(status, d) })
	}
	return f.changeAddress(x, store.NewAddress{Ticket: id}, f.regionByID(r.Region), show)
}

// postAddress gives a request another address on its own page, while mail to the
// present one comes back.
func (f *Form) postAddress(x *web.Exchange) error {
	ticket, err := f.openLink(x)
	if err != nil {
		return f.showGone(x, err)
	}
	link, _ := f.linkOf(x) // openLink verified it
	return f.changeAddress(x, store.NewAddress{Ticket: ticket.ID, Link: link}, f.regionByID(ticket.Region),
		func(status int, d *draft) error { return f.showThread(x, status, store.Door{Ticket: ticket}, d) })
}

// maxAddressPost is how much is read of a post that is refused before its body, so that
// the browser comes to read why.
const maxAddressPost = 1 << 20

// changeAddress reads the new address and gives it to the ticket: under the same
// limits as a new request, since it sends the same mail. show shows the page that
// asks for the address, with what a draft holds.
func (f *Form) changeAddress(
	x *web.Exchange, n store.NewAddress, region store.Region, show func(status int, d *draft) error,
) error {
	now := time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	d, err := f.read(x, false)
	page := func(status int) error { return show(status, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if d.Switched(x) {
		return page(http.StatusOK)
	}
	if !free {
		return d.RefuseRate(x, wait, page)
	}
	if f.checkEmail(x.Request.Context(), d, !x.WantsJSON()); d.HasFaults() {
		return d.Refuse(x, page)
	}
	if free, wait := f.guard.sender.AllowNetworks(x.Remote(), origin.Mailbox(d.Email), now); !free {
		return d.RefuseRate(x, wait, page)
	}
	n.Email, n.Mailing = d.Email, f.mailing(x, now, store.MailConfirmation, region, f.budgets(d.Email, x.Remote()))
	opened, err := f.deps.Tickets.ChangeRequester(x.Request.Context(), store.Instant(now), store.ByPartner(n.Link), n)
	switch {
	case errors.Is(err, store.ErrConflict):
		d.AddFault("email", post.Problem{Key: "form.address_settled"})
		return d.Answer(x, http.StatusConflict, page)
	case errors.Is(err, store.ErrNotFound): // the link, since the page was opened
		return f.showGone(x, err)
	case err != nil:
		return d.RefuseStore(x, err, page)
	}
	f.deps.Kick()
	x.Log.Info("address replaced",
		"request", x.ID, "ticket", opened.Ticket.Number, "confirmation", opened.Confirmation.State)
	if x.WantsJSON() {
		x.Header().Set("Location", f.receivedPage(x, opened))
		return x.JSON(http.StatusOK, f.receiptOf(x, opened, region))
	}
	return x.Redirect(f.receivedPage(x, opened))
}
