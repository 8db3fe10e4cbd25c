package form

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/addr"
	"signpost/store/ident"
	"signpost/store/origin"
)

// errBusyNetwork: the client's network has used up its turns.
var errBusyNetwork = errors.New("too many posts from this network")

// askedData is what stands where a link was asked for on the help centre's page (asked) or
// a ticket's (renewed), or where a colleague left a ticket (left).
type askedData struct{ Key string }

// Mails of links to one mailbox; those from one network are as many as
// confirmations.
const (
	linksAnHour = 5
	linksADay   = 10
)

// linkBudgets limit the mails of links that are asked for, apart from the
// confirmations: a flood of requests for links must not use those up.
func (f *Form) linkBudgets(x *web.Exchange, address string) []store.Budget {
	mailbox := origin.Mailbox(address)
	budgets := []store.Budget{
		{Name: "links/mailbox", Key: mailbox, Limit: linksAnHour, Window: time.Hour},
		{Name: "links/mailbox", Key: mailbox, Limit: linksADay, Window: 24 * time.Hour},
	}
	for _, network := range origin.Networks(x.Remote()) {
		budgets = append(budgets, store.Budget{
			Name: "links/network", Key: network.String(), Limit: network.Share * f.cfg.ConfirmationsPerNetwork,
			Window: time.Hour,
		})
	}
	return budgets
}

// mailing is what a mail with a new link, asked for by the client, is made from.
func (f *Form) mailing(
	x *web.Exchange, now time.Time, kind store.OutboundKind, region store.Region, budgets []store.Budget,
) store.Mailing {
	return store.Mailing{
		Network: origin.Widest(x.Remote()).String(),
		Region:  region, Link: ident.NewLink(now), LinkExpires: store.Instant(now.Add(f.cfg.LinkKept)),
		MessageID: f.deps.Ring.MessageID(now, kind, store.Domain(region.Address)), Budgets: budgets,
	}
}

// postLink mails the requester a new link to the ticket's page; the one it was
// asked by, and every earlier one, opens nothing from then on.
func (f *Form) postLink(x *web.Exchange) error {
	if err := f.free(x); err != nil {
		return err
	}
	ticket, err := f.openLink(x)
	if err != nil {
		return f.showGone(x, err)
	}
	link, _ := f.linkOf(x) // openLink verified it
	now := time.Now()
	m := f.mailing(x, now, store.MailLinks, f.regionByID(ticket.Region), f.linkBudgets(x, ticket.Requester.Email))
	opened, err := f.deps.Tickets.RenewLink(x.Request.Context(), store.Instant(now), store.ByPartner(link), link, m)
	switch {
	case err != nil:
		return f.showGone(x, err)
	case opened.Confirmation.State == store.StateSuppressed:
		return refuseLinkMail(x, ticket, opened.Confirmation.Reason)
	}
	f.deps.Kick()
	x.Log.Info("link renewed", "request", x.ID, "ticket", ticket.Number)
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, map[string]any{"number": ticket.Number})
	}
	return x.Redirect("/link/renewed")
}

// refuseLinkMail says that no new link can be mailed now: as JSON with 429 where a
// budget is spent, 409 where the address takes no mail.
func refuseLinkMail(x *web.Exchange, ticket store.Ticket, reason string) error {
	x.Log.Info("no new link mailed", "request", x.ID, "ticket", ticket.Number, "reason", reason)
	if !x.WantsJSON() {
		return x.Redirect(basePath(x) + "?link=held#link")
	}
	if strings.HasPrefix(reason, store.RuleBudget) {
		return &web.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Hour, Err: errors.New(reason)}
	}
	return &web.Fault{Status: http.StatusConflict, Err: errors.New(reason)}
}

// postAsk mails the links of an address's tickets to it. Whether there are any,
// the mail alone tells: words, status and, but for a few microseconds, time are
// the same for an address that is known and for one that is not.
func (f *Form) postAsk(x *web.Exchange) error {
	busy := f.free(x)
	d, err := f.read(x, false)
	page := func(status int) error { return f.home.Show(x, status, f.homeData(x, d)) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if busy != nil {
		return busy
	}
	address, fault := addr.Parse(guard.Tidy(d.Email))
	if fault != "" {
		d.AddFault("email", post.Problem{Key: "form.address_" + string(fault)})
		return d.Answer(x, http.StatusUnprocessableEntity, page)
	}
	if err := f.mailLinks(x, address); err != nil {
		return d.RefuseStore(x, err, page)
	}
	f.deps.Kick()
	x.Log.Info("links asked for", "request", x.ID)
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, map[string]any{"asked": true})
	}
	return x.Redirect("/link/asked")
}

func (f *Form) mailLinks(x *web.Exchange, address string) error {
	now := time.Now()
	tickets, err := store.Items(f.deps.Tickets.TicketsByRequester(x.Request.Context(), store.ByService(),
		store.ActReadTicket, address, store.Page{Limit: 1}))
	if err != nil {
		return err
	}
	region := f.regionFor("")
	if len(tickets) > 0 {
		region = f.regionByID(tickets[0].Region)
	}
	n := store.LinkRequest{
		Region: region, Address: address, Since: now.Add(-f.cfg.LinkKept),
		LinkExpires: store.Instant(now.Add(f.cfg.LinkKept)),
		MessageID:   f.deps.Ring.MessageID(now, store.MailLinks, store.Domain(region.Address)),
		Budgets:     f.linkBudgets(x, address),
	}
	for range store.MailedLinks {
		n.Fresh = append(n.Fresh, ident.NewLink(now))
	}
	_, err = f.deps.Tickets.MailLinks(x.Request.Context(), store.Instant(now), n)
	return err
}

func (f *Form) showAsked(x *web.Exchange) error {
	return f.asked.Show(x, http.StatusOK, askedData{"asked"})
}
func (f *Form) showRenewed(x *web.Exchange) error {
	return f.asked.Show(x, http.StatusOK, askedData{"renewed"})
}
