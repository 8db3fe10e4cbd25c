package ops

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// shellStore reads what the navigation counts.
type shellStore interface {
	Stats(ctx context.Context) (store.Stats, error)
	StandingAlarms(ctx context.Context, p store.Page) (store.List[store.Alarm], error)
}

// The items of the navigation. Each route of ops.go belongs to one.
const (
	itemToday     = "ops-today"
	itemMail      = "ops-mail"
	itemDelivery  = "ops-delivery"
	itemMailboxes = "ops-mailboxes"
	itemHealth    = "ops-health"
	itemAudit     = "audit"
)

// topic is the live events of these pages: its version changes with every count.
const topic = "ops"

// lookEvery is how often the counts are looked at while an open page follows them.
const lookEvery = time.Second

func forOps(who store.Agent) bool { return who.Has(store.RoleOps) && who.Actor().Sees("") }

// section is the navigation of these pages.
func (o *Ops) section() web.Section {
	return web.Section{
		ID: "ops", Name: "Operations", Sees: forOps, Counts: o.counts,
		Items: []web.Item{
			{ID: itemToday, Name: "Today", Icon: "chart", Path: "/ops", Key: "o"},
			{ID: itemMail, Name: "Mail", Icon: "inbox", Path: "/ops/ledger", Key: "l"},
			{ID: itemDelivery, Name: "Delivery", Icon: "send", Path: "/ops/queue", Key: "d"},
			{ID: itemMailboxes, Name: "Mailboxes", Icon: "envelope", Path: "/ops/mailboxes", Key: "b"},
			{ID: itemHealth, Name: "Health", Icon: "heart", Path: "/ops/health", Key: "h"},
		},
	}
}

// counts are what a person has to look at: mail that is held, and alarms.
func (o *Ops) counts(ctx context.Context, _ store.Agent) (map[string]web.Count, error) {
	stats, err := o.stores.shell.Stats(ctx)
	if err != nil {
		return nil, err
	}
	alarms, err := store.Items(o.stores.shell.StandingAlarms(ctx, store.Page{Limit: standingShown}))
	if err != nil {
		return nil, err
	}
	counts := map[string]web.Count{
		itemDelivery: {N: stats.Outbounds[store.StateHeld], Words: "held mails", Tone: "amber"},
	}
	health := web.Count{N: uint64(len(alarms)), Words: "active alarms", Tone: "amber"}
	for _, a := range alarms {
		if !alarmOf(a, time.Now()).Quiet {
			health.Tone = "red"
		}
	}
	counts[itemHealth] = health
	return counts, nil
}

// delivery are the tabs of the pages about mail that goes out.
func delivery(open string) web.Tabs {
	tabs := web.Tabs{Label: "Delivery"}
	for _, tab := range []web.Tab{
		{Name: "Queue", Path: "/ops/queue"},
		{Name: "Bounces", Path: "/ops/bounces"},
		{Name: "Suppressions", Path: "/ops/suppressions"},
	} {
		tab.Current = tab.Path == open
		tabs.Items = append(tabs.Items, tab)
	}
	return tabs
}

// watchCounts calls changed whenever a count or an alarm differs from the look
// before, and once at the start.
func (o *Ops) watchCounts(ctx context.Context, _ string, changed func(version uint64)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for last := uint64(0); ; {
		// A look that fails is made again; the page's own request tells of the fault.
		if now, err := o.version(ctx); err == nil && now != last {
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

// version is a number that differs when a count or an alarm does.
func (o *Ops) version(ctx context.Context) (uint64, error) {
	stats, err := o.stores.shell.Stats(ctx)
	if err != nil {
		return 0, err
	}
	alarms, err := store.Items(o.stores.shell.StandingAlarms(ctx, store.Page{Limit: standingShown}))
	if err != nil {
		return 0, err
	}
	sum := fnv.New64a()
	err = json.NewEncoder(sum).Encode([]any{stats, alarms}) // maps are written in the order of their keys
	return sum.Sum64(), err
}
