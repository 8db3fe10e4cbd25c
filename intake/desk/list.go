package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/markdown"
)

// listStore lists and counts tickets.
type listStore interface {
	DeskTickets(ctx context.Context, by store.Actor, f store.TicketFilter, p store.Page) (store.List[store.DeskRow], error)
	DeskCounts(ctx context.Context, by store.Actor) (store.DeskCounts, error)
	ListAgents(ctx context.Context, p store.Page) (store.List[store.Agent], error)
	LastChange(ctx context.Context) (uint64, error)
}

const (
	// listed is how many tickets one page of a list shows, maxListed how many a program
	// may ask for at once.
	listed, maxListed = 50, 200
	// maxStaff is how many accounts the desk names.
	maxStaff = store.MaxPage
)

type listData struct {
	Title      string
	View       store.View
	Query      string
	Fields     []filterField
	Chips      []chip
	Tags       []string
	Clear      string // the view without filters
	Hidden     []option
	Rows       []row
	Pager      web.Pager
	Stopped    bool // the list stopped looking before the page was full
	Lost       bool // the page asked for is not there any more
	Empty      web.Empty
	Everywhere string // where the same search looks at solved tickets too
	Toasts     []web.Toast
	Me         string   // the reader's address
	Acts       []choice // what the keys set of the row that has the focus
}

// row is a ticket in a list.
type row struct {
	Standing                   standing
	Number, Path, Title, Words string
	Requester, Company         string
	Status                     web.Badge
	Timer                      *web.Timer
	Trouble                    *web.Delivery
	Priority                   *web.Badge
	Assignee                   *web.Avatar
	Present                    []web.Avatar
	Unread                     bool
	Tags                       []string
}

// standing are the values of a ticket that a list's keys set, and set back.
type standing struct {
	Path, Status, Priority, Category, Tags, Assignee string // Assignee is an address
}

// showWork is the agent's own tickets, the nearest deadline first.
func (d *Desk) showWork(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	in.Set("view", string(store.ViewMine))
	return d.answerList(x, who, in, itemOf(store.ViewMine))
}

func (d *Desk) showList(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	return d.answerList(x, who, in, itemOf(store.View(in.Get("view"))))
}

func (d *Desk) answerList(x *web.Exchange, who store.Agent, in url.Values, item string) error {
	ctx := x.Request.Context()
	x.Staff(who, item, topicList)
	accounts, err := d.accounts(ctx)
	if err != nil {
		return err
	}
	f := filterOf(in, accounts)
	page := store.Page{After: store.Cursor(in.Get("after")), Limit: pageSize(in)}
	found, err := d.deps.Store.DeskTickets(ctx, staff.ActorOf(x, who), f, page)
	lost := false
	if page.After != "" && errors.Is(err, store.ErrInvalid) && !x.WantsJSON() {
		lost, page.After = true, ""
		found, err = d.deps.Store.DeskTickets(ctx, staff.ActorOf(x, who), f, page)
	}
	switch {
	case err != nil:
		return err
	case x.WantsJSON():
		return d.sendList(x, who, found, accounts)
	}
	data := d.listData(who, in, f, found, accounts)
	data.Lost = lost
	if page.After != "" {
		first := clone(in)
		first.Del("after")
		data.Pager.First = listAddress(first)
	}
	return d.list.Show(x, http.StatusOK, data)
}

func (d *Desk) listData(
	who store.Agent, in url.Values, f store.TicketFilter, found store.List[store.DeskRow], accounts []store.Agent,
) listData {
	now := time.Now()
	fields := d.filterFields(who, in, accounts)
	data := listData{
		Title: viewWords(f.View), View: f.View, Query: f.Query, Fields: fields, Chips: chips(in, fields), Tags: f.Tags,
		Clear: listAddress(only(in, "view")), Stopped: found.Stopped, Toasts: d.undos.toasts(who.ID, now),
		Me: who.Email, Acts: d.rowActs(who, accounts),
	}
	for _, item := range found.Items {
		r := d.rowOf(item, who, accounts, now)
		r.Path = withIn(r.Path, cmp.Or(in.Encode(), "view="))
		data.Rows = append(data.Rows, r)
	}
	if found.Next != "" {
		next := clone(in)
		next.Set("after", string(found.Next))
		data.Pager.Next = listAddress(next)
	}
	filtered := f.Query != "" || len(data.Chips) > 0
	data.Empty = emptyOf(f.View, filtered, data.Clear)
	if f.Query != "" && f.View != store.ViewAll {
		all := only(in, "q")
		all.Set("view", string(store.ViewAll))
		data.Everywhere = listAddress(all)
	}
	return data
}

func clone(in url.Values) url.Values {
	out := url.Values{}
	for k, v := range in {
		out[k] = slices.Clone(v)
	}
	return out
}

// only are these parameters of an address.
func only(in url.Values, names ...string) url.Values {
	out := url.Values{}
	for _, name := range names {
		if v := in[name]; len(v) > 0 {
			out[name] = slices.Clone(v)
		}
	}
	return out
}

// emptyOf stands where a list would.
func emptyOf(v store.View, filtered bool, clear string) web.Empty {
	if filtered {
		return web.Empty{Icon: "search", Title: "No ticket fits", Text: "Take a filter away, or search all tickets.",
			Link: clear, Do: "Clear the filters"}
	}
	empty := web.Empty{Icon: "inbox", Title: "No tickets here", Link: "/desk/tickets", Do: "All unsolved tickets"}
	switch v {
	case store.ViewMine:
		empty.Title, empty.Text = "Nothing is assigned to you",
			"Tickets that you take or are given stand here, the nearest deadline first."
		empty.Link, empty.Do = "/desk/tickets?view=unassigned", "Take one that is unassigned"
	case store.ViewUnassigned:
		empty.Title, empty.Text = "Every ticket has an assignee", "New tickets appear here as they come in."
	case store.ViewTrouble:
		empty.Icon, empty.Title = "check", "All replies are arriving"
		empty.Text = "A ticket whose mail bounced or was refused appears here, with the reason."
	case store.ViewUnopened:
		empty.Icon, empty.Title, empty.Text = "check", "Every ticket has been opened",
			"Tickets that no agent has looked at yet appear here."
	case store.ViewWaitingUs:
		empty.Icon, empty.Title = "check", "No partner is waiting for us"
	case "":
		empty.Title, empty.Text, empty.Link = "No open tickets", "What partners send by the contact form appears here.", ""
	}
	return empty
}

func (d *Desk) rowOf(item store.DeskRow, who store.Agent, accounts []store.Agent, now time.Time) row {
	k := item.Ticket
	r := row{
		Number: k.Number, Path: ticketAddress(k.Number) + "#new", Title: k.Title, Words: rowWords(item),
		Requester: requesterOf(k), Company: k.Requester.Company, Status: statusBadge(k.StatusAt(now)), Unread: item.Unread,
		Tags: k.Tags, Present: d.presence.avatars(k.ID, who.ID, now),
	}
	r.Standing = standing{
		ticketAddress(k.Number), string(k.Status), string(k.Priority), k.Category, strings.Join(k.Tags, ", "),
		addressOf(accounts, k.Assignee),
	}
	if timers := timersOf(k, now); len(timers) > 0 {
		r.Timer = &timers[0]
	}
	if k.InTrouble() {
		state := "bounced"
		if k.Trouble == store.EventMailHeld {
			state = "held"
		}
		r.Trouble = &web.Delivery{State: state, Words: troubleWords(k)}
	}
	if k.Priority == store.PriorityHigh || k.Priority == store.PriorityUrgent {
		r.Priority = priorityBadge(k.Priority)
	}
	if k.Assignee != 0 {
		a := accountOf(accounts, k.Assignee)
		avatar := web.AvatarOf(a.Name, a.Email, "")
		r.Assignee = &avatar
	}
	return r
}

func priorityBadge(p store.Priority) *web.Badge {
	tone := ""
	if p == store.PriorityUrgent {
		tone = "amber"
	}
	return &web.Badge{Tone: tone, Words: capital(string(p)), Icon: "flag"}
}

// accounts are all who may sign in, in the order of their accounts.
func (d *Desk) accounts(ctx context.Context) ([]store.Agent, error) {
	return store.Items(d.deps.Store.ListAgents(ctx, store.Page{Limit: maxStaff}))
}

// accountOf finds one; an account that is gone is named by its number.
func accountOf(accounts []store.Agent, id store.AgentID) store.Agent {
	for _, a := range accounts {
		if a.ID == id {
			return a
		}
	}
	return store.Agent{ID: id, Name: "Former agent"}
}

// rowWords are the first words of the last entry, without the marks of Markdown.
func rowWords(row store.DeskRow) string {
	if row.Last == store.EntryMessage {
		return row.Words
	}
	return strings.Join(strings.Fields(markdown.Text(row.Words, nil)), " ")
}
