package form

import (
	"errors"
	"net/http"
	"time"

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
	show := func(d *draft) func(int) error {
		return func(status int) error {
			if x.WantsJSON() {
				return x.JSON(status, d.errors(x))
			}
			return f.showSent(x, status, r, d)
		}
	}
	id, ok := f.sentBy(x.Request, r.Number)
	if !ok {
		d := &draft{faults: faults{}}
		d.faults.add("form", problem{key: "form.address_over"})
		x.Drain(maxTexts, time.Second)
		return show(d)(http.StatusForbidden)
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
		func(d *draft) func(int) error {
			return func(status int) error { return f.answerTicket(x, status, ticket, d) }
		})
}

// shower answers with a draft and its faults, under a status.
type shower func(*draft) func(status int) error

// changeAddress reads the new address and gives it to the ticket: under the same
// limits as a new request, since it sends the same mail. show answers with a
// draft's faults.
func (f *Form) changeAddress(x *web.Exchange, n store.NewAddress, region store.Region, show shower) error {
	now := time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	d, err := f.read(x, false)
	d.speak(x)
	if err != nil {
		return f.refuseBody(x, d, err, show(d))
	}
	if d.Switch && !x.WantsJSON() {
		return show(d)(http.StatusOK)
	}
	if !free {
		return f.refuseRate(x, d, wait, show(d))
	}
	if f.checkEmail(x.Request.Context(), d, !x.WantsJSON()); len(d.faults) > 0 {
		return show(d)(d.status())
	}
	if free, wait := f.guard.sender.AllowNetworks(x.Remote(), origin.Mailbox(d.Email), now); !free {
		return f.refuseRate(x, d, wait, show(d))
	}
	n.Email, n.Mailing = d.Email, f.mailing(x, now, store.MailConfirmation, region, f.budgets(d.Email, x.Remote()))
	opened, err := f.deps.Tickets.ChangeRequester(x.Request.Context(), store.Instant(now), n)
	switch {
	case errors.Is(err, store.ErrConflict):
		d.faults.add("email", problem{key: "form.address_settled"})
		return show(d)(http.StatusConflict)
	case errors.Is(err, store.ErrNotFound): // the link, since the page was opened
		return f.showGone(x, err)
	case err != nil:
		return f.refuseStore(x, d, err, show(d))
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
