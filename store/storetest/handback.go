package storetest

import (
	"errors"
	"time"

	"signpost/store"
)

// gives opens tickets and assigns them to the agent.
func (d *desk) gives(to store.AgentID, tickets ...func(*store.NewTicket)) (ids []store.TicketID) {
	d.Helper()
	for _, change := range tickets {
		k := d.opens(change).Ticket
		must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, d.lee(), k.ID, to))
		ids = append(ids, k.ID)
	}
	return ids
}

func ofIntl(n *store.NewTicket) { n.Region = region("intl", "INT") }
func ofUS(*store.NewTicket)     {}

// assignees reads who has the tickets.
func (d *desk) assignees(ids ...store.TicketID) (all []store.AgentID) {
	d.Helper()
	for _, id := range ids {
		all = append(all, d.reads(id).Assignee)
	}
	return all
}

func (d *desk) changes(by store.Actor, id store.AgentID, c store.AgentChange) store.Agent {
	d.Helper()
	return must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, by, id, c))
}

func handedBack(d *desk) {
	ana, bob := d.hires("ana@desk.example").ID, d.hires("bob@desk.example").ID
	his := d.gives(bob, ofUS)
	mine := d.gives(ana, ofUS, ofIntl, ofUS)
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), mine[2], store.StatusSolved))
	counts, stopped, err := d.AssignedTo(d.ctx, omnipotent(), ana)
	d.must(err)
	d.same(counts, map[string]uint64{"us": 1, "intl": 1})
	d.same(stopped, false)
	d.pass(time.Minute)
	regions, off := []string{"us"}, true
	d.changes(omnipotent(), ana, store.AgentChange{Regions: &regions})
	d.same(d.assignees(mine...), []store.AgentID{ana, 0, ana})
	d.pass(time.Minute)
	d.changes(omnipotent(), ana, store.AgentChange{Disabled: &off})
	d.same(d.assignees(mine...), []store.AgentID{0, 0, ana}) // what is solved stays theirs
	d.same(d.assignees(his...), []store.AgentID{bob})

	change := store.Change{AssigneeFrom: ana}
	thread := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), mine[0], store.Page{Limit: 9})).Items
	d.same(thread[len(thread)-1], store.Entry{
		Ticket: mine[0], Seq: 3, Kind: store.EntryEvent, Event: store.EventAssigned, At: d.at(), By: store.ActorStaff,
		Agent: 77, Change: change,
	})
	logged := d.logged(store.AuditQuery{})
	got := logged[0]
	d.same([]any{got.Event, got.Account, got.Object.ID, got.Region, got.Changes}, []any{
		store.AuditTicketArranged, "all@desk.example", uint64(mine[0]), "us",
		[]store.Changed{{Field: "assignee", Before: "ana@desk.example"}},
	})
	d.same(logged[1].Event, store.AuditAgentChanged)
}

func goneAway(d *desk) {
	ana := d.hires("ana@desk.example")
	mine := d.gives(ana.ID, ofUS, ofIntl)
	until := d.at().Add(48 * time.Hour)
	ana = d.changes(ana.Actor(), ana.ID, store.AgentChange{AwayUntil: &until})
	d.same(d.assignees(mine...), []store.AgentID{ana.ID, ana.ID})
	d.same(ana.AwayUntil, until)
	d.same([]bool{ana.Away(d.now), ana.Away(until)}, []bool{true, false})
	d.changes(ana.Actor(), ana.ID, store.AgentChange{AwayUntil: &until, HandsBack: true})
	d.same(d.assignees(mine...), []store.AgentID{0, 0})
	ana = d.changes(omnipotent(), ana.ID, store.AgentChange{AwayUntil: &time.Time{}})
	d.same(ana.AwayUntil, time.Time{})
	bob := d.hires("bob@desk.example")
	_, err := d.ChangeAgent(d.ctx, d.now, bob.Actor(), ana.ID, store.AgentChange{AwayUntil: &until})
	d.wantErr(err, store.ErrForbidden)
}

func lastAdmin(d *desk) {
	add := func(email, password string, regions ...string) store.Agent {
		return must[store.Agent](d)(d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{
			Email: email, Roles: []store.Role{store.RoleAdmin}, Password: password, Regions: regions,
		}))
	}
	ana := add("ana@desk.example", "$hash")
	add("invited@desk.example", "")
	add("local@desk.example", "$hash", "us")
	off, roles, regions := true, []store.Role{store.RoleAgent}, []string{"us"}
	for _, c := range []store.AgentChange{{Disabled: &off}, {Roles: &roles}, {Regions: &regions}} {
		_, err := d.ChangeAgent(d.ctx, d.now, ana.Actor(), ana.ID, c)
		d.wantErr(err, store.ErrConflict)
		if !errors.Is(err, store.ErrLastAdmin) {
			d.Errorf("refused with %v", err)
		}
	}
	d.same(must[store.Agent](d)(d.Agent(d.ctx, ana.ID)), ana)
	bob := add("bob@desk.example", "$hash")
	d.changes(ana.Actor(), ana.ID, store.AgentChange{Disabled: &off})
	d.changes(store.ByCommandLine("root"), bob.ID, store.AgentChange{Disabled: &off}) // it can add another
}
