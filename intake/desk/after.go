package desk

import (
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
	q.Del("after")
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
	accounts, err := d.accounts(x.Request.Context())
	if err != nil {
		return stay
	}
	page := store.Page{After: store.Cursor(q.Get("after")), Limit: listed}
	found, err := d.deps.Store.DeskTickets(x.Request.Context(), staff.ActorOf(x, who), filterOf(q, accounts), page)
	if err != nil {
		return listOf(in)
	}
	now := time.Now()
	for _, item := range found.Items {
		// A ticket that a colleague has open is theirs.
		if item.Ticket.ID != k.ID && item.Ticket.Status.Waits() && len(d.presence.avatars(item.Ticket.ID, who.ID, now)) == 0 {
			return withIn(ticketAddress(item.Ticket.Number)+"#new", in)
		}
	}
	return listOf(in)
}
