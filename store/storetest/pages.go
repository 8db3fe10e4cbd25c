package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"signpost/store"
)

// paged is a list of the store, for the stories that every list has.
type paged struct {
	name string
	// begin makes what must be there before the first item; nil: nothing.
	begin func(d *desk)
	// add makes one more item.
	add func(d *desk)
	// drop takes the item of that key out of the list; nil: no verb does.
	drop func(d *desk, key string)
	// page reads a page of the items' keys.
	page func(d *desk, p store.Page) (store.List[string], error)
}

// keyed is a page as the keys of its items.
func keyed[T any](key func(T) any) func(store.List[T], error) (store.List[string], error) {
	return func(page store.List[T], err error) (store.List[string], error) {
		keys := store.List[string]{Next: page.Next, Stopped: page.Stopped}
		for _, item := range page.Items {
			keys.Items = append(keys.Items, fmt.Sprint(key(item)))
		}
		return keys, err
	}
}

func pageStories() map[string]func(*desk) {
	all := map[string]func(*desk){
		"A cursor of one list is no other's":                 foreignCursors,
		"The mails of any number of tickets have an address": mailsOfManyTickets,
	}
	for i, l := range pagedLists() {
		story := func(tell func(paged, *desk)) func(*desk) {
			return func(d *desk) { tell(pagedLists()[i], d) } // each with a list of its own
		}
		all["Pages of "+l.name] = story(paged.pages)
		all["Pages of "+l.name+" while it changes"] = story(paged.changes)
		all["Pages of "+l.name+" that cannot be asked for"] = story(paged.refuses)
	}
	return all
}

func (l paged) start(d *desk, items int) {
	d.Helper()
	if l.begin != nil {
		l.begin(d)
	}
	l.adds(d, items)
}

func (l paged) adds(d *desk, items int) {
	for range items {
		l.add(d)
		d.pass(time.Second)
	}
}

func (l paged) reads(d *desk, after store.Cursor, limit int) store.List[string] {
	d.Helper()
	page := must[store.List[string]](d)(l.page(d, store.Page{After: after, Limit: limit}))
	if page.Stopped {
		d.Fatalf("it stopped looking after %v", page.Items)
	}
	return page
}

// whole is all that lies behind a cursor.
func (l paged) whole(d *desk, after store.Cursor, limit int) (all []string) {
	d.Helper()
	for {
		page := l.reads(d, after, limit)
		if len(page.Items) > limit || len(page.Items) == 0 && page.Next != "" {
			d.Fatalf("a page of at most %d holds %v and goes on at %q", limit, page.Items, page.Next)
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

func (l paged) pages(d *desk) {
	l.start(d, 0)
	d.same(l.reads(d, "", 3), store.List[string]{})
	l.adds(d, 3)
	full := l.reads(d, "", 3)
	if len(full.Items) != 3 || full.Next != "" {
		d.Fatalf("a page that holds all three has %v and goes on at %q", full.Items, full.Next)
	}
	l.adds(d, 1)
	all := l.reads(d, "", store.MaxPage)
	if page := l.reads(d, "", 3); len(all.Items) != 4 || all.Next != "" || page.Next == "" {
		d.Fatalf("one more than a page: all are %v, the page of %v goes on at %q", all.Items, page.Items, page.Next)
	}
	for limit := 1; limit <= 5; limit++ {
		d.same(l.whole(d, "", limit), all.Items)
	}
}

// What is read behind a page is what the list then has behind it.
func (l paged) changes(d *desk) {
	l.start(d, 5)
	page := l.reads(d, "", 2)
	seen := page.Items
	l.adds(d, 2)
	if l.drop != nil {
		l.drop(d, seen[1])
		seen = seen[:1]
	}
	now := l.whole(d, "", store.MaxPage)
	i := slices.Index(now, seen[len(seen)-1])
	if i < 0 {
		d.Fatalf("%s is gone from %v", seen, now)
	}
	d.same(l.whole(d, page.Next, 2), now[i+1:])
	if l.drop == nil {
		return
	}
	for _, key := range l.whole(d, "", store.MaxPage) {
		l.drop(d, key)
	}
	d.same(l.reads(d, page.Next, 2), store.List[string]{})
}

func (l paged) refuses(d *desk) {
	l.start(d, 3)
	refused := func(p store.Page) {
		d.Helper()
		page, err := l.page(d, p)
		d.wantErr(err, store.ErrInvalid)
		d.same(page, store.List[string]{})
	}
	refused(store.Page{})
	refused(store.Page{Limit: -1})
	refused(store.Page{Limit: store.MaxPage + 1})
	good := l.reads(d, "", 1).Next
	for _, bad := range []store.Cursor{
		"0", "!", " ", "AAAA", "\x00", good + "\n", good + "A", good[1:], good[:len(good)-1],
	} {
		refused(store.Page{After: bad, Limit: 1})
	}
	for i := range good {
		bad := []byte(good)
		if bad[i]++; bad[i] == '{' {
			bad[i] = 'a'
		}
		refused(store.Page{After: store.Cursor(bad), Limit: 1})
	}
}

func foreignCursors(d *desk) {
	cursors := map[string]store.Cursor{}
	lists := pagedLists()
	for _, l := range lists {
		l.start(d, 3)
		cursors[l.name] = l.reads(d, "", 1).Next
	}
	for _, l := range lists {
		for of, cursor := range cursors {
			_, err := l.page(d, store.Page{After: cursor, Limit: 1})
			if of != l.name {
				d.wantErr(err, store.ErrInvalid)
			} else {
				d.must(err)
			}
		}
	}
}

func pagedLists() []paged {
	return slices.Concat(
		pagedServiceLists(), pagedOutboxLists(), pagedLedgerLists(), pagedTicketLists(), pagedDeliveryLists())
}

// Of the service itself.
func pagedServiceLists() []paged {
	byAlarm := keyed(func(a store.Alarm) any { return a.Key })
	return []paged{
		{
			name: "agents",
			add:  func(d *desk) { d.hires(fmt.Sprintf("agent%d@desk.example", d.mint())) },
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(a store.Agent) any { return a.Email })(d.ListAgents(d.ctx, p))
			},
		},
		{
			name:  "audits of an object",
			begin: func(d *desk) { d.hires("loop@desk.example") },
			add: func(d *desk) {
				d.must(d.RecordAct(d.ctx, d.now, as("ops"), store.AuditMailRead, store.Object{Kind: store.ObjectInbound, ID: 1}))
				d.must(d.RecordAct(d.ctx, d.now, as("ops"), store.AuditMailRead, store.Object{Kind: store.ObjectInbound, ID: 2}))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				q := store.AuditQuery{Object: store.Object{Kind: store.ObjectInbound, ID: 1}}
				return keyed(func(a store.Audit) any { return a.ID })(d.ListAudits(d.ctx, store.ByService(), q, p))
			},
		},
		{
			name: "alarms that stand",
			add:  func(d *desk) { d.raises(fmt.Sprint("trouble ", d.mint()), 1) },
			drop: func(d *desk, key string) { must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, key)) },
			page: func(d *desk, p store.Page) (store.List[string], error) { return byAlarm(d.StandingAlarms(d.ctx, p)) },
		},
		{
			name: "alarms that are over",
			add: func(d *desk) {
				key := fmt.Sprint("past trouble ", d.mint())
				d.raises(fmt.Sprint("trouble that stands ", d.mint()), 1)
				d.raises(key, 1)
				must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, key))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) { return byAlarm(d.EndedAlarms(d.ctx, p)) },
		},
		{
			name: "canary runs",
			add:  func(d *desk) { d.flies() },
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return keyed(func(r store.CanaryRun) any { return r.ID })(d.CanaryRuns(d.ctx, p))
			},
		},
	}
}

func byOutbound(page store.List[store.Outbound], err error) (store.List[string], error) {
	return keyed(func(m store.Outbound) any { return m.ID })(page, err)
}

func byInbound(page store.List[store.Inbound], err error) (store.List[string], error) {
	return keyed(func(m store.Inbound) any { return m.ID })(page, err)
}

// idOf is the id that a key shows.
func idOf(d *desk, key string) uint64 {
	d.Helper()
	id, err := strconv.ParseUint(key, 10, 64)
	d.must(err)
	return id
}

func retried(d *desk, key string) { d.retries(store.OutboundID(idOf(d, key))) }

func pagedOutboxLists() []paged {
	limited := budgets(store.Budget{Name: "b", Key: "k", Limit: 1, Window: time.Hour})
	return []paged{
		{
			name: "mails that wait",
			add:  func(d *desk) { d.opens() },
			drop: func(d *desk, key string) {
				for _, row := range d.claims(claimAll()) {
					if fmt.Sprint(row.ID) == key {
						d.finishes(row, store.StateSent, time.Time{})
					} else {
						d.finishes(row, store.StateQueued, d.now)
					}
				}
			},
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return byOutbound(d.WaitingOutbounds(d.ctx, p))
			},
		},
		{
			name: "mails that failed",
			add:  func(d *desk) { d.fails() },
			drop: retried,
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return byOutbound(d.FailedOutbounds(d.ctx, p))
			},
		},
		{
			name: "held mails",
			add: func(d *desk) {
				d.opens()
				d.holds(store.Report{})
			},
			drop: func(d *desk, key string) {
				ids := []store.OutboundID{store.OutboundID(idOf(d, key))}
				must[[]store.Outbound](d)(d.GiveUpOutbounds(d.ctx, d.now, as("ops@desk.example"), ids))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) { return byOutbound(d.HeldOutbounds(d.ctx, p)) },
		},
		{
			name:  "throttled mails",
			begin: func(d *desk) { d.opens(limited) },
			add:   func(d *desk) { d.opens(limited) },
			drop:  retried,
			page: func(d *desk, p store.Page) (store.List[string], error) {
				return byOutbound(d.ThrottledOutbounds(d.ctx, p))
			},
		},
	}
}

func pagedLedgerLists() []paged {
	came := func(name string, list func(*desk, store.Page) (store.List[store.Inbound], error)) paged {
		return paged{
			name:  name,
			begin: func(d *desk) { d.connects() },
			add: func(d *desk) {
				d.records(d.arrival(uint32(d.mint()), func(m *store.NewInbound) { m.MessageID = "same@partner.example" }))
			},
			page: func(d *desk, p store.Page) (store.List[string], error) { return byInbound(list(d, p)) },
		}
	}
	pending := came("mails not decided", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
		return d.PendingInbound(d.ctx, box, p)
	})
	pending.drop = func(d *desk, key string) { d.verdict(store.InboundID(idOf(d, key)), store.KindList) }
	byMark := came("mails found by state", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
		return d.SearchInbound(d.ctx, store.InboundQuery{Mark: string(store.InboundStored)}, p)
	})
	byMark.drop = pending.drop
	return []paged{
		pending, byMark,
		came("mails found", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
			return d.SearchInbound(d.ctx, store.InboundQuery{}, p)
		}),
		came("mails found in a mailbox", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
			return d.SearchInbound(d.ctx, store.InboundQuery{Mailbox: box}, p)
		}),
		came("mails that came", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
			return d.ListInbound(d.ctx, p)
		}),
		came("mails of one Message-ID", func(d *desk, p store.Page) (store.List[store.Inbound], error) {
			return d.InboundByMessageID(d.ctx, "Same@partner.example", p)
		}),
	}
}
