package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
)

func auditProofStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"The audit log proves that it is whole, piece by piece":            auditProven,
		"A head that was kept proves the log up to it, and no other does":  auditHeads,
		"What is refused is in the audit log, counted by the hour":         auditOfRefusals,
		"What strangers are refused is counted by network, and capped":     auditOfStrangers,
		"What a door refuses is in the audit log":                          auditOfDoors,
		"Old rows of the audit log leave a stub, and the rest is proven":   auditDropped,
		"The name of who was erased is a pseudonym in every row, for good": auditOfErased,
		"The audit log is searched by event and time, from either end":     auditSearchedByTime,
	}
}

// verified runs through the audit log, so many rows at a time, and returns what was found.
func (d *desk) verified(limit int) (all store.AuditRun) {
	d.Helper()
	for !all.End && all.Broken == nil {
		run := must[store.AuditRun](d)(d.VerifyAudits(d.ctx, all.Head, limit))
		run.Lines += all.Lines
		all = run
	}
	return all
}

// whole wants the log to be proven, with so many rows in it.
func (d *desk) whole(lines int) {
	d.Helper()
	for _, limit := range []int{1, 3, 1000} {
		if run := d.verified(limit); run.Broken != nil || run.Lines != uint64(lines) {
			d.Errorf("by %d: %d rows of %d, broken at %+v", limit, run.Lines, lines, run.Broken)
		}
	}
}

func auditProven(d *desk) {
	d.whole(0)
	_, err := d.AuditHead(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	ana := d.hires("ana@desk.example")
	for i := range 4 {
		d.suppresses(fmt.Sprintf("p%d@partner.example", i))
		d.must(d.FailSignIn(d.ctx, d.now, ana.ID, "192.0.2.0/24"))
	}
	d.whole(5) // the tries to sign in are one row
	_, err = d.VerifyAudits(d.ctx, store.AuditHead{}, 0)
	d.wantErr(err, store.ErrInvalid)
	seen := map[string]bool{}
	for _, row := range must[[]store.Audit](d)(d.lists().audits(store.ByService(), store.AuditQuery{})) {
		if len(row.MAC) < 16 || seen[string(row.MAC)] {
			d.Errorf("row %d has the MAC %x", row.ID, row.MAC)
		}
		seen[string(row.MAC)] = true
	}
}

// suppresses is one act of a person with every role.
func (d *desk) suppresses(address string) {
	d.Helper()
	s := store.Suppression{Address: address, Scope: store.ScopeAll}
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, omnipotent(), s))
}

func auditHeads(d *desk) {
	d.suppresses("a@partner.example")
	head := must[store.AuditHead](d)(d.AuditHead(d.ctx))
	d.suppresses("b@partner.example")
	if fault := must[*store.AuditFault](d)(d.ProveAuditHead(d.ctx, head)); head.ID != 1 || fault != nil {
		d.Errorf("head %d: %+v", head.ID, fault)
	}
	other := head
	other.ID++
	future := must[store.AuditHead](d)(d.AuditHead(d.ctx))
	future.MAC = slices.Clone(head.MAC)
	for name, h := range map[string]store.AuditHead{"of another row": other, "with another MAC": future, "none": {}} {
		if fault := must[*store.AuditFault](d)(d.ProveAuditHead(d.ctx, h)); fault == nil {
			d.Errorf("a head %s is proven", name)
		}
	}
}

func auditOfRefusals(d *desk) {
	there := d.opens(in(region("intl", "IN"))).Ticket
	agent := store.Actor{Kind: store.ActorStaff, Agent: 3, Account: "a@desk.example", Name: "A",
		Roles: []store.Role{store.RoleAgent}, Regions: []string{"us"}, Network: "192.0.2.0/24"}
	for range 3 {
		_, err := d.SwitchResponder(d.ctx, d.now, agent, store.Switch{Reason: "x"})
		d.wantErr(err, store.ErrForbidden)
	}
	_, err := d.Note(d.ctx, d.now, agent, store.NewNote{Ticket: there.ID, Body: "x"})
	d.wantErr(err, store.ErrNotFound) // who may not see it does not learn that it is there
	_, err = d.Note(d.ctx, d.now, agent, store.NewNote{Ticket: 999, Body: "x"})
	d.wantErr(err, store.ErrNotFound)
	d.pass(time.Hour)
	_, err = d.SwitchResponder(d.ctx, d.now, agent, store.Switch{Reason: "x"})
	d.wantErr(err, store.ErrForbidden)
	rows := d.logged(store.AuditQuery{Event: store.AuditRefused})
	row := store.Audit{Event: store.AuditRefused, Agent: 3, Account: "a@desk.example", Network: "192.0.2.0/24"}
	hourly := func(id store.AuditID, at time.Time, act store.Act, o store.Object, region string, n uint64) store.Audit {
		row.ID, row.At, row.Act, row.Object, row.Region, row.Count = id, store.Instant(at), act, o, region, n
		return row
	}
	all := store.Object{Kind: store.ObjectMailbox}
	before := d.now.Add(-time.Hour)
	d.same(rows, []store.Audit{
		hourly(3, d.now, store.ActSwitchAnswers, all, "", 1),
		hourly(2, before, store.ActAnswerTicket, store.Object{
			Kind: store.ObjectTicket, ID: uint64(there.ID), Name: there.Number}, "intl", 1),
		hourly(1, before, store.ActSwitchAnswers, all, "", 3),
	})
	for i := range 2 * store.RefusalsOfAccount {
		d.wantErr(second(d.ReleaseSuppression(d.ctx, d.now, agent, store.SuppressionID(i+1))), store.ErrForbidden)
	}
	rows = d.logged(store.AuditQuery{Event: store.AuditRefused})
	if more := rows[0]; len(rows) != 3+store.RefusalsOfAccount || more.Object.ID != 0 || more.Network != "" ||
		more.Count != store.RefusalsOfAccount+1 {
		d.Errorf("%d rows, the last %+v", len(rows), more)
	}
	d.whole(len(rows))
}

func auditOfStrangers(d *desk) {
	mine, other := d.opens().Ticket, d.opens(from("bob@a.example")).Ticket
	me := store.ByPartner(mine.Link)
	for i := range 2 * store.RefusalsOfStrangers {
		me.Network = fmt.Sprintf("2001:db8:%x::/48", i)
		d.wantErr(d.RevokeLink(d.ctx, d.now, me, other.Link), store.ErrForbidden)
		d.wantErr(d.RevokeLink(d.ctx, d.now, me, other.Link), store.ErrForbidden)
	}
	rows := d.logged(store.AuditQuery{})
	if len(rows) != store.RefusalsOfStrangers+1 {
		d.Fatalf("%d rows of strangers", len(rows))
	}
	first, rest := rows[len(rows)-1], rows[0]
	d.same(first, store.Audit{ID: 1, At: d.at(), Event: store.AuditRefused, Act: store.ActRevokeLinks,
		Network: "2001:db8:0::/48", Count: 2})
	d.same(rest, store.Audit{ID: rest.ID, At: d.at(), Event: store.AuditRefused, Act: store.ActRevokeLinks,
		Count: 2 * store.RefusalsOfStrangers})
}

func auditOfDoors(d *desk) {
	there := d.opens(in(region("intl", "IN"))).Ticket
	agent := store.Actor{Kind: store.ActorStaff, Agent: 3, Account: "a@desk.example",
		Roles: []store.Role{store.RoleAgent}, Regions: []string{"us"}}
	page := store.Object{Kind: store.ObjectPage, Name: "/ops"}
	d.must(d.RefuseAct(d.ctx, d.now, agent, "", page, 1))
	d.must(d.RefuseAct(d.ctx, d.now, store.Actor{Network: "192.0.2.0/24"}, "", page, 7))
	for _, number := range []string{there.Number, "US-99999", "?"} {
		o := store.Object{Kind: store.ObjectTicket, Name: number}
		d.must(d.RefuseAct(d.ctx, d.now, agent, store.ActReadTicket, o, 1))
	}
	rows := d.logged(store.AuditQuery{Oldest: true})
	if len(rows) != 3 || rows[0].Object != page || rows[1].Count != 7 || rows[1].Object != (store.Object{}) ||
		rows[2].Object.ID != uint64(there.ID) || rows[2].Region != "intl" {
		d.Errorf("the doors refused %+v", rows)
	}
}

func auditDropped(d *desk) {
	start := d.now
	for i := range 6 {
		d.suppresses(fmt.Sprintf("p%d@partner.example", i))
		d.pass(24 * time.Hour)
	}
	head := must[store.AuditHead](d)(d.AuditHead(d.ctx))
	d.same(must[int](d)(d.DropAudits(d.ctx, start, 10)), 0)
	d.same(must[int](d)(d.DropAudits(d.ctx, start.Add(4*24*time.Hour), 3)), 3)
	d.same(must[int](d)(d.DropAudits(d.ctx, start.Add(4*24*time.Hour), 3)), 1)
	d.whole(2)
	run := d.verified(9)
	if run.Dropped.First != 1 || run.Dropped.Last != 4 || run.Dropped.Count != 4 {
		d.Errorf("dropped %+v", run.Dropped)
	}
	d.same(len(d.logged(store.AuditQuery{})), 2)
	d.same(d.logged(store.AuditQuery{Object: store.Object{Kind: store.ObjectSuppression, ID: 1}}), []store.Audit{})
	d.same(must[int](d)(d.DropAudits(d.ctx, d.now, 10)), 2)
	d.whole(0)
	d.suppresses("q@partner.example")
	d.whole(1)
	if fault := must[*store.AuditFault](d)(d.ProveAuditHead(d.ctx, head)); fault != nil {
		d.Errorf("a head whose row was dropped by age: %+v", fault)
	}
}

func auditOfErased(d *desk) {
	ana := d.hires("ana@desk.example")
	by := ana.Actor()
	k := d.opens().Ticket
	must[store.Noted](d)(d.Note(d.ctx, d.now, by, store.NewNote{Ticket: k.ID, Body: "x"}))
	must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, by, k.ID, ana.ID))
	_, err := d.ErasePerson(d.ctx, d.now, omnipotent(), []string{"Ana@desk.example"})
	d.wantErr(err, store.ErrConflict) // she still may sign in
	off := true
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, omnipotent(), ana.ID, store.AgentChange{Disabled: &off}))
	_, err = d.ErasePerson(d.ctx, d.now, by, []string{"ana@desk.example"})
	d.wantErr(err, store.ErrForbidden)
	head := must[store.AuditHead](d)(d.AuditHead(d.ctx))
	names := must[[]string](d)(d.ErasePerson(d.ctx, d.now, omnipotent(), []string{"Ana@desk.example", "none@a.example"}))
	if len(names) != 1 {
		d.Fatalf("erased: %v", names)
	}
	rows := d.logged(store.AuditQuery{})
	if text := fmt.Sprintf("%+v", rows); strings.Contains(text, "ana@desk.example") {
		d.Errorf("the log still has her name: %s", text)
	}
	d.same(rows[0].Event, store.AuditPersonErased)
	hers := d.logged(store.AuditQuery{Account: names[0], Oldest: true})
	if len(hers) != 3 || hers[0].Account != names[0] || hers[1].Changes[0].After != names[0] {
		d.Errorf("under %s the log has %+v", names[0], hers)
	}
	d.same(d.logged(store.AuditQuery{Account: "ana@desk.example"}), []store.Audit{})
	d.whole(len(rows))
	if fault := must[*store.AuditFault](d)(d.ProveAuditHead(d.ctx, head)); fault != nil {
		d.Errorf("a head from before: %+v", fault)
	}
	d.same(must[[]string](d)(d.ErasePerson(d.ctx, d.now, omnipotent(), []string{names[0]})), []string(nil))
}

func auditSearchedByTime(d *desk) {
	start := d.now
	for i := range 7 {
		d.suppresses(fmt.Sprintf("p%d@partner.example", i))
		if i%2 == 0 {
			must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{On: true}))
		}
		d.pass(time.Hour)
	}
	ids := func(q store.AuditQuery) (ids []store.AuditID) {
		for _, row := range d.logged(q) {
			ids = append(ids, row.ID)
		}
		return ids
	}
	d.same(ids(store.AuditQuery{Event: store.AuditAnswersSwitched}), []store.AuditID{11, 8, 5, 2})
	between := store.AuditQuery{Since: start.Add(time.Hour), Until: start.Add(3 * time.Hour)}
	d.same(ids(between), []store.AuditID{5, 4, 3})
	between.Oldest = true
	d.same(ids(between), []store.AuditID{3, 4, 5})
	between.Account = "all@desk.example"
	d.same(ids(between), []store.AuditID{3, 4})
	between.Object = store.Object{Kind: store.ObjectMailbox}
	between.Account = ""
	d.same(ids(between), []store.AuditID{5})
	d.same(ids(store.AuditQuery{Since: d.now}), []store.AuditID(nil))
	d.same(ids(store.AuditQuery{Until: start}), []store.AuditID(nil))
}
