package verbs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/ident"
)

// lee is the agent of the benchmarks.
var lee = store.Actor{
	Kind: store.ActorStaff, Agent: 1, Account: "lee@desk.example", Name: "Lee", Roles: []store.Role{store.RoleAgent},
}

// openOfAll is how many tickets are to be solved in a full store.
const openOfAll = 20_000

// deskOf is a store of n tickets, of which openOfAll are to be solved.
func deskOf(b *testing.B, n int) *Store {
	b.Helper()
	db := benchDB(b)
	fill(b, db, n)
	const batch = 2000
	for first := 1; first <= n-openOfAll; first += batch {
		err := db.write(context.Background(), engine.GroupBytes, func(t *txn) error {
			for id := first; id < first+batch && id <= n-openOfAll; id++ {
				k, err := t.ticket(store.TicketID(id))
				if err != nil {
					return err
				}
				t.rules.setStatus(&k, store.StatusSolved, k.OpenedAt.Add(time.Hour))
				if err := t.putTicket(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// BenchmarkDesk lists 50 of 20,000 tickets to be solved with filters that find many, few
// and none, and counts the views; the tickets solved do not matter.
func BenchmarkDesk(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{openOfAll, 4 * openOfAll} {
		db := deskOf(b, n)
		filters := map[string]store.TicketFilter{
			"all of them": {}, "mine, which are none": {View: store.ViewMine}, "unassigned": {View: store.ViewUnassigned},
			"a tag of none":    {Tags: []string{"vip"}},
			"words of none":    {Query: "wombat example"},
			"words of some":    {Query: "invoice"},
			"solved and a tag": {View: store.ViewSolved, Tags: []string{"vip"}},
			"a few at the end": {Regions: []string{"intl"}, Priorities: []store.Priority{store.PriorityNormal}},
		}
		for name, f := range filters {
			b.Run(fmt.Sprintf("%d/%s", n, strings.ReplaceAll(name, " ", "-")), func(b *testing.B) {
				for b.Loop() {
					if _, err := db.DeskTickets(ctx, lee, f, store.Page{Limit: 50}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("%d/counts", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := db.DeskCounts(ctx, lee); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReply writes replies, alone and with others beside.
func BenchmarkReply(b *testing.B) {
	db, ring, now := benchDB(b), newRing(b), time.Now()
	fill(b, db, 5000)
	ctx := context.Background()
	body := strings.Repeat("Thank you for the report, we have mended it. ", 20)
	reply := func(id int) error {
		k, err := db.Ticket(ctx, store.TicketID(id))
		if err != nil {
			return err
		}
		link := ident.NewLink(now)
		_, err = db.Reply(ctx, now, lee, store.NewReply{
			Ticket: k.ID, Body: body, Then: store.StatusPending, Version: k.Version, Undo: 10 * time.Second,
			Region:    store.Region{ID: k.Region, Prefix: "US", Address: "us@desk.example", Name: "Support"},
			MessageID: ring.MessageID(now, store.MailReply, "desk.example"), Link: link, LinkExpires: now.Add(time.Hour),
			Force: true,
		})
		return err
	}
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			crowd(b, clients, func(rng *rand.Rand) error { return reply(1 + rng.IntN(5000)) })
		})
	}
}
