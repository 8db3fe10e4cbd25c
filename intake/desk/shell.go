package desk

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// The live events of the desk. A list follows topicList, a ticket's page also its own.
const topicList = "desk"

func topicTicket(number string) string { return "ticket/" + strings.ToUpper(number) }

// lookEvery is how often an open page's topic is looked at: what partners and mail servers
// do comes by other rooms than this one.
const lookEvery = time.Second

func forAgents(who store.Agent) bool { return who.Has(store.RoleAgent) }

// itemOf is the item of the navigation that a view is.
func itemOf(v store.View) string {
	for _, s := range sectionViews() {
		if s.view == v {
			return "desk-" + string(v)
		}
	}
	return "desk-"
}

type sectionView struct {
	view      store.View
	icon, key string
	tone      string // of its count
}

func sectionViews() []sectionView {
	return []sectionView{
		{store.ViewMine, "person", "m", ""},
		{store.ViewUnassigned, "inbox", "u", ""},
		{store.ViewWaitingUs, "reply", "w", ""},
		{store.ViewWaitingPartner, "pause", "p", ""},
		{store.ViewTrouble, "envelope-cross", "f", "red"},
		{store.ViewUnopened, "eye", "n", "amber"},
		{"", "list", "t", ""},
		{store.ViewSolved, "check", "v", ""},
	}
}

// section is the navigation of the desk: its views with their counts.
func (d *Desk) section() web.Section {
	s := web.Section{ID: "desk", Name: "Desk", Sees: forAgents, Counts: d.counts}
	for _, v := range sectionViews() {
		item := web.Item{ID: itemOf(v.view), Name: viewWords(v.view), Icon: v.icon, Key: v.key, Path: viewAddress(v.view)}
		s.Items = append(s.Items, item)
	}
	return s
}

func viewAddress(v store.View) string {
	switch v {
	case store.ViewMine:
		return "/desk"
	case "":
		return "/desk/tickets"
	}
	return listAddress(url.Values{"view": {string(v)}})
}

func (d *Desk) counts(ctx context.Context, who store.Agent) (map[string]web.Count, error) {
	counts, err := d.deps.Store.DeskCounts(ctx, who.Actor())
	if err != nil {
		return nil, err
	}
	all := map[string]web.Count{}
	for _, v := range sectionViews() {
		if v.view != store.ViewSolved {
			all[itemOf(v.view)] = web.Count{N: counts.Of(v.view), Words: "tickets", Tone: v.tone}
		}
	}
	return all, nil
}

// addTopics makes the live events known.
func (d *Desk) addTopics() {
	d.events.Add(web.Topic{
		Name: topicList, Sees: func(who store.Agent, name string) bool { return name == topicList && forAgents(who) },
		Watch: d.watchList,
	})
	d.events.Add(web.Topic{Name: "ticket", Sees: d.seesTicket, Watch: d.watchTicket})
}

// seesTicket tells whether an agent may follow a ticket, whose number ends the name.
func (d *Desk) seesTicket(who store.Agent, name string) bool {
	_, number, _ := strings.Cut(name, "/")
	_, err := d.deps.Store.DeskTicket(context.Background(), who.Actor(), number)
	return err == nil
}

// watchList calls changed whenever the unsolved tickets differ from the look before.
func (d *Desk) watchList(ctx context.Context, _ string, changed func(version uint64)) {
	watch(ctx, d.onceChanged(d.listVersion), changed)
}

// onceChanged is a version that is worked out anew only after something was written: that
// of the list reads every ticket that is unsolved.
func (d *Desk) onceChanged(version func(context.Context) (uint64, error)) func(context.Context) (uint64, error) {
	var seen, known uint64
	var looked bool
	return func(ctx context.Context) (uint64, error) {
		last, err := d.deps.Store.LastChange(ctx)
		if err != nil || looked && last == seen {
			return known, err
		}
		now, err := version(ctx)
		if err == nil {
			seen, known, looked = last, now, true
		}
		return now, err
	}
}

// watchTicket calls changed whenever a ticket or one of its mails does.
func (d *Desk) watchTicket(ctx context.Context, name string, changed func(version uint64)) {
	_, number, _ := strings.Cut(name, "/")
	watch(ctx, func(ctx context.Context) (uint64, error) { return d.ticketVersion(ctx, number) }, changed)
}

// watch looks every so often, until ctx ends.
func watch(ctx context.Context, version func(context.Context) (uint64, error), changed func(version uint64)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for last := uint64(0); ; {
		// A look that fails is made again; the page's own request tells of the fault.
		if now, err := version(ctx); err == nil && now != last {
			changed(now)
			last = now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// listVersion is a number that differs when the first tickets of the unsolved do, or a
// count: an agent sees no more than that without asking for it.
func (d *Desk) listVersion(ctx context.Context) (uint64, error) {
	by := store.ByService()
	counts, err := d.deps.Store.DeskCounts(ctx, by)
	if err != nil {
		return 0, err
	}
	found, err := d.deps.Store.DeskTickets(ctx, by, store.TicketFilter{}, store.Page{Limit: listed})
	sum := fnv.New64a()
	for _, v := range append(store.Views(), "") {
		sum.Write(strconv.AppendUint(nil, counts.Of(v), 10))
		sum.Write([]byte{0})
	}
	for _, item := range found.Items {
		sum.Write([]byte(item.Ticket.Number))
		sum.Write(strconv.AppendInt(nil, item.Ticket.ChangedAt.UnixMicro(), 10))
		sum.Write(strconv.AppendUint(nil, uint64(item.Ticket.Entries), 10))
	}
	return sum.Sum64(), err
}

// ticketVersion is a number that differs when a ticket does, or how far a mail of it came.
func (d *Desk) ticketVersion(ctx context.Context, number string) (uint64, error) {
	k, err := d.deps.Store.DeskTicket(ctx, store.ByService(), number)
	if err != nil {
		return 0, err
	}
	mails, err := store.Items(d.deps.Store.OutboundsOfTicket(ctx, k.ID, store.Page{Limit: store.MaxPage}))
	sum := fnv.New64a()
	fmt.Fprintln(sum, k.Entries, k.ChangedAt.UnixMicro(), k.Status, k.Trouble, k.ProvenAt.UnixMicro())
	now := time.Now()
	for _, m := range mails {
		fmt.Fprintln(sum, m.ID, m.State, m.Attempts, m.Delivery.Fate, now.Before(m.UndoUntil))
	}
	return sum.Sum64(), err
}
