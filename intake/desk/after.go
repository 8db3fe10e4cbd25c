package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// maxIn is how long the parameters of the list may be that a ticket's address carries.
const maxIn = 1000

// inOf are the parameters of the list that the ticket was opened from, as its address or
// its form says; "" for none.
func inOf(x *web.Exchange) string {
	in := x.Request.URL.Query().Get("in")
	if in == "" || len(in) > maxIn {
		return ""
	}
	if _, err := url.ParseQuery(in); err != nil {
		return ""
	}
	return in
}

// listOf is the address of that list.
func listOf(in string) string {
	q, err := url.ParseQuery(in)
	if err != nil {
		return listAddress(nil)
	}
	for name, values := range q {
		if len(values) == 1 && values[0] == "" {
			delete(q, name)
		}
	}
	return listAddress(q)
}

// withIn adds the list to the address of a ticket.
func withIn(address, in string) string {
	if in == "" || len(in) > maxIn {
		return address
	}
	path, fragment, found := strings.Cut(address, "#")
	path += "?in=" + url.QueryEscape(in)
	if found {
		path += "#" + fragment
	}
	return path
}

// afterWords are what follows a reply, on its button.
func afterWords(a store.AfterSend) string {
	switch a {
	case store.AfterSendStay:
		return ""
	case store.AfterSendList:
		return "then back to the list"
	}
	return "then the next ticket"
}

// after is the page behind a reply: where the ticket was opened from a list, what the
// agent's profile says, else the ticket.
func (d *Desk) after(x *web.Exchange, who store.Agent, k store.Ticket, seq uint32, in string) string {
	stay := withIn(entryAddress(k.Number, seq), in)
	q, err := url.ParseQuery(in)
	if in == "" || len(in) > maxIn || err != nil || who.Profile.AfterSend == store.AfterSendStay {
		return stay
	}
	if who.Profile.AfterSend == store.AfterSendList {
		return listOf(in)
	}
	if next, err := d.next(x, who, k, q); err == nil && next != "" {
		return withIn(ticketAddress(next)+"#new", in)
	}
	return listOf(in)
}

// next is the number of the first ticket of a list, but for one, that waits for an answer and
// that no colleague has open; "" for none on the page of the list.
func (d *Desk) next(x *web.Exchange, who store.Agent, but store.Ticket, list url.Values) (string, error) {
	accounts, err := d.accounts(x.Request.Context())
	if err != nil {
		return "", err
	}
	page := store.Page{After: store.Cursor(list.Get("after")), Limit: listed}
	found, err := d.deps.Store.DeskTickets(x.Request.Context(), staff.ActorOf(x, who), filterOf(list, accounts), page)
	if err != nil {
		return "", err
	}
	now := time.Now()
	for _, item := range found.Items {
		open := len(d.presence.avatars(item.Ticket.ID, who.ID, now)) > 0
		if item.Ticket.ID != but.ID && item.Ticket.Status.Waits() && !open {
			return item.Ticket.Number, nil
		}
	}
	return "", nil
}

// leadsOn tells the page of a ticket behind whose reply the next one of its list follows.
func leadsOn(x *web.Exchange, who store.Agent) bool {
	return inOf(x) != "" && who.Profile.AfterSend != store.AfterSendStay && who.Profile.AfterSend != store.AfterSendList
}

// showNext names the page that follows the next reply, as it stands now, "" for none: the
// browser fetches it ahead (static/ahead.js). What then follows, the reply itself says.
func (d *Desk) showNext(x *web.Exchange, who store.Agent) error {
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	to := nextJSON{}
	if leadsOn(x, who) {
		list, _ := url.ParseQuery(inOf(x)) // inOf read it
		number, err := d.next(x, who, k, list)
		if err != nil {
			return err
		}
		if number != "" {
			to.Next = withIn(ticketAddress(number)+"#new", inOf(x))
		}
	}
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, to)
	}
	return x.Redirect(cmp.Or(to.Next, listOf(inOf(x))))
}
