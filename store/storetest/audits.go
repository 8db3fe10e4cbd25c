package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"signpost/store"
)

func auditStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"Each act of staff is in the audit log, once":                auditOfEachAct,
		"What an act changed is in the audit log, and no secret":     auditTellsChanges,
		"What the service and partners do is not in the audit log":   auditOfStaffAlone,
		"An act that did nothing is not in the audit log":            auditOfEffects,
		"What agents do at the desk is in the audit log":             auditOfDesk,
		"Signing in and out is in the audit log":                     auditOfSessions,
		"Failed sign-ins are counted by the hour, and fill no disk":  auditOfFailures,
		"The audit log is searched by who did it and to what":        auditSearched,
		"The audit log shows the regions that its reader sees":       auditOfRegions,
		"Reading a mail and trying the canary are in the audit log":  auditOfReading,
		"The audit log takes texts that are strange, cut and mended": auditOfStrangeTexts,
	}
}

// logged is the audit log, newest first, without MACs.
func (d *desk) logged(q store.AuditQuery) []store.Audit {
	d.Helper()
	rows := must[[]store.Audit](d)(d.lists().audits(store.ByService(), q))
	for i := range rows {
		rows[i].Key, rows[i].MAC = "", nil
	}
	return rows
}

// omnipotent is a person with every role.
func omnipotent() store.Actor {
	return store.Actor{Kind: store.ActorStaff, Agent: 77, Account: "all@desk.example", Roles: store.Roles(),
		Network: "192.0.2.0/24"}
}

func auditOfEachAct(d *desk) {
	events := map[string]store.AuditEvent{
		"RevokeLink": store.AuditLinksRevoked, "RevokeLinks": store.AuditLinksRevoked,
		"ChangeRequester": store.AuditRequesterChanged, "SwitchResponder": store.AuditAnswersSwitched,
		"SuppressAddress": store.AuditAddressSuppressed, "ReleaseSuppression": store.AuditAddressReleased,
		"AddAgent": store.AuditAgentAdded, "ChangeAgent": store.AuditAgentChanged,
		"AcknowledgeAlarm": store.AuditAlarmAcknowledged, "RetryOutbounds": store.AuditMailRetried,
		"SettleQuestion": "",                                                         // there is none
		"MailAgentLink":  store.AuditAgentInvited, "Sessions": "", "EndSessions": "", // none run
		"AssignedTo": "",
	}
	deeds := d.deeds()
	delete(deeds, "GiveUpOutbounds") // of the mail that RetryOutbounds makes due
	for verb, one := range deeds {
		before := d.logged(store.AuditQuery{})
		d.pass(time.Minute)
		d.must(one.try(omnipotent()))
		after := d.logged(store.AuditQuery{})
		event, known := events[verb]
		if !known {
			d.Fatalf("%s: the story does not say what it leaves in the log", verb)
		}
		if event == "" {
			d.same(after, before)
			continue
		}
		d.same(after[1:], before)
		got := after[0]
		got.Object, got.Changes, got.Count = store.Object{}, nil, 0
		d.same(got, store.Audit{ID: got.ID, At: d.at(), Event: event, Agent: 77, Account: "all@desk.example",
			Network: "192.0.2.0/24", Region: one.region})
		if after[0].Object.Kind == "" {
			d.Errorf("%s: to nothing", verb)
		}
	}
}

func auditTellsChanges(d *desk) {
	ana := d.hires("ana@desk.example")
	roles, name, secret, off := []store.Role{store.RoleLead}, "Ana B.", []byte("a secret of twenty b"), true
	password, regions := "$hash of another", []string{"us"}
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, omnipotent(), ana.ID, store.AgentChange{
		Roles: &roles, Name: &name, TOTP: &secret, Password: &password, Disabled: &off, Regions: &regions,
	}))
	row := d.logged(store.AuditQuery{})[0]
	d.same(row.Object, store.Object{Kind: store.ObjectAgent, ID: uint64(ana.ID), Name: "ana@desk.example"})
	d.same(row.Changes, []store.Changed{
		{Field: "name", Before: "Ana", After: "Ana B."}, {Field: "roles", Before: "agent, ops", After: "lead"},
		{Field: "regions", After: "us"}, {Field: "enabled", Before: "yes", After: "no"},
		{Field: "two-step sign-in", Before: "no", After: "yes"}, {Field: "password", After: "changed"},
		{Field: "sessions", After: "ended"},
	})
	k := d.opens().Ticket
	n := store.NewAddress{Ticket: k.ID, Email: "new@a.example", Mailing: d.mailing()}
	must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, omnipotent(), n))
	row = d.logged(store.AuditQuery{})[0]
	d.same(row.Object, store.Object{Kind: store.ObjectTicket, ID: uint64(k.ID), Name: k.Number})
	d.same(row.Changes, []store.Changed{{Field: "requester", Before: "Ana@Partner.example", After: "new@a.example"}})
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{Mailbox: "us", Reason: "a loop"}))
	row = d.logged(store.AuditQuery{})[0]
	d.same(row.Object, store.Object{Kind: store.ObjectMailbox, Name: "us"})
	d.same(row.Changes, []store.Changed{
		{Field: "answers", Before: "on", After: "off"}, {Field: "reason", After: "a loop"},
	})
}

func auditOfStaffAlone(d *desk) {
	k := d.opens().Ticket
	must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
	d.must(d.RevokeLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
	d.must(d.RevokeLinks(d.ctx, d.now, store.ByService(), k.ID))
	d.hires("ana@desk.example")
	d.same(d.logged(store.AuditQuery{}), []store.Audit{})
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, store.ByCommandLine("root"), store.Switch{On: true}))
	row := d.logged(store.AuditQuery{})[0]
	if row.Agent != 0 || row.Account != "root" {
		d.Errorf("the command line is %+v", row)
	}
}

func auditOfEffects(d *desk) {
	d.opens()
	sent := d.claims(claimAll())[0]
	d.finishes(sent, store.StateSent, time.Time{})
	must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, omnipotent(), store.Retry{IDs: []store.OutboundID{sent.ID}}))
	must[[]store.Outbound](d)(d.GiveUpOutbounds(d.ctx, d.now, omnipotent(), []store.OutboundID{sent.ID}))
	_, err := d.ReleaseSuppression(d.ctx, d.now, omnipotent(), 7)
	d.wantErr(err, store.ErrNotFound)
	d.must(d.EndSession(d.ctx, d.now, omnipotent(), sessionOf(9)))
	d.same(d.logged(store.AuditQuery{}), []store.Audit{})
	failed := []store.Outbound{d.fails(), d.fails()}
	ids := []store.OutboundID{failed[0].ID, failed[1].ID}
	must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, omnipotent(), store.Retry{IDs: ids}))
	rows := d.logged(store.AuditQuery{})
	if len(rows) != 1 || rows[0].Count != 2 || rows[0].Object != (store.Object{Kind: store.ObjectOutbound}) {
		d.Errorf("of two mails tried again: %+v", rows)
	}
}

func auditOfDesk(d *desk) {
	lee, bob := d.hires("lee@desk.example"), d.hires("bob@desk.example")
	by := lee.Actor()
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	replied := must[store.Replied](d)(d.Reply(d.ctx, d.now, by, d.replyTo(k)))
	must[store.Undone](d)(d.Undo(d.ctx, d.now, by, replied.Mail.ID))
	n := store.NewNote{Ticket: k.ID, Body: "x", Idempotency: "once"}
	must[store.Noted](d)(d.Note(d.ctx, d.now, by, n))
	must[store.Noted](d)(d.Note(d.ctx, d.now, by, n))
	must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, by, k.ID, bob.ID))
	must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, by, k.ID, bob.ID))
	must[store.Ticket](d)(d.SetTags(d.ctx, d.now, by, k.ID, []string{"vip", "late"}))
	type told struct {
		event   store.AuditEvent
		changes []store.Changed
	}
	var got []told
	for _, row := range slices.Backward(d.logged(store.AuditQuery{Account: lee.Email})) {
		d.same(row.Object, store.Object{Kind: store.ObjectTicket, ID: uint64(k.ID), Name: k.Number})
		d.same(row.Region, k.Region)
		got = append(got, told{row.Event, row.Changes})
	}
	want := []told{
		{store.AuditReplied, []store.Changed{
			{Field: "status", Before: "open", After: "pending"}, {Field: "assignee", After: lee.Email},
		}},
		{store.AuditReplyUndone, nil}, {store.AuditNoted, nil},
		{store.AuditTicketArranged, []store.Changed{{Field: "assignee", After: bob.Email}}},
		{store.AuditTicketArranged, []store.Changed{{Field: "tags", After: "late, vip"}}},
	}
	if !reflect.DeepEqual(got, want) {
		d.Errorf("the log has\n%+v, want\n%+v", got, want)
	}
}

func auditOfSessions(d *desk) {
	ana := d.hires("ana@desk.example")
	session := d.signsIn(ana, func(n *store.NewSession) { n.Network = "192.0.2.0/24" })
	d.signsIn(ana, func(n *store.NewSession) { n.Renews = true })
	by := ana.Actor()
	d.must(d.EndSession(d.ctx, d.now, by, session.ID))
	d.must(d.EndSession(d.ctx, d.now, by, session.ID))
	rows := d.logged(store.AuditQuery{Account: "ANA@desk.example"})
	who := store.Object{Kind: store.ObjectAgent, ID: uint64(ana.ID), Name: ana.Email}
	d.same(rows, []store.Audit{
		{ID: 2, At: d.at(), Event: store.AuditSignedOut, Agent: ana.ID, Account: ana.Email, Object: who},
		{ID: 1, At: d.at(), Event: store.AuditSignedIn, Agent: ana.ID, Account: ana.Email, Object: who,
			Network: "192.0.2.0/24"},
	})
	other := d.signsIn(ana)
	d.wantErr(d.EndSession(d.ctx, d.now, d.hires("bob@desk.example").Actor(), other.ID), store.ErrForbidden)
	d.runs(other)
}

func auditOfFailures(d *desk) {
	ana := d.hires("ana@desk.example")
	for i := range 3 * store.FailedSignInsOfAccount {
		d.must(d.FailSignIn(d.ctx, d.now, ana.ID, fmt.Sprintf("192.0.2.%d/32", i)))
		d.must(d.FailSignIn(d.ctx, d.now, ana.ID, "192.0.2.0/32"))
	}
	rows := d.logged(store.AuditQuery{Object: store.Object{Kind: store.ObjectAgent, ID: uint64(ana.ID)}})
	var tries uint64
	for _, row := range rows {
		tries += row.Count
	}
	first, last := rows[len(rows)-1], rows[0]
	if len(rows) != store.FailedSignInsOfAccount+1 || tries != 6*store.FailedSignInsOfAccount ||
		first.Network != "192.0.2.0/32" || first.Count != 3*store.FailedSignInsOfAccount+1 || last.Network != "" {
		d.Errorf("%d rows of %d tries, the first %+v, the last %+v", len(rows), tries, first, last)
	}
	for i := range 3 * store.FailedSignInsOfAll { // a crowd of accounts, from everywhere
		id := d.hires(fmt.Sprintf("a%d@desk.example", i)).ID
		d.must(d.FailSignIn(d.ctx, d.now, id, fmt.Sprintf("2001:db8:%x::/48", i)))
		if i == store.FailedSignInsOfAll {
			d.must(d.FailSignIn(d.ctx, d.now, 0, "2001:db8::/48"))
		}
	}
	networks := 0
	all := d.logged(store.AuditQuery{})
	for _, row := range all {
		if row.Network != "" {
			networks++
		}
	}
	if networks > store.FailedSignInsOfAll || all[len(all)-1].Event != store.AuditSignInFailed {
		d.Errorf("%d rows of a network", networks)
	}
	d.pass(time.Hour)
	d.must(d.FailSignIn(d.ctx, d.now, 0, "2001:db8::/48"))
	next := d.logged(store.AuditQuery{})
	d.same(next[1:], all)
	d.same(next[0], store.Audit{ID: next[0].ID, At: d.at(), Event: store.AuditSignInFailed, Network: "2001:db8::/48",
		Object: store.Object{Kind: store.ObjectAgent}, Count: 1})
	d.wantErr(d.FailSignIn(d.ctx, d.now, 9999, "x"), store.ErrNotFound)
}

func auditSearched(d *desk) {
	k, other := d.opens().Ticket, d.opens().Ticket
	for _, account := range []string{"a@desk.example", "b@desk.example"} {
		d.must(d.RevokeLinks(d.ctx, d.now, as(account), k.ID))
		d.must(d.RevokeLinks(d.ctx, d.now, as(account), other.ID))
	}
	ids := func(q store.AuditQuery) (ids []store.AuditID) {
		for _, row := range d.logged(q) {
			ids = append(ids, row.ID)
		}
		return ids
	}
	ticket := store.Object{Kind: store.ObjectTicket, ID: uint64(k.ID)}
	d.same(ids(store.AuditQuery{}), []store.AuditID{4, 3, 2, 1})
	d.same(ids(store.AuditQuery{Account: "A@DESK.example"}), []store.AuditID{2, 1})
	d.same(ids(store.AuditQuery{Object: ticket}), []store.AuditID{3, 1})
	d.same(ids(store.AuditQuery{Object: ticket, Account: "b@desk.example"}), []store.AuditID{3})
	d.same(ids(store.AuditQuery{Account: "c@desk.example"}), []store.AuditID{})
	for name, by := range crowd() {
		_, err := d.ListAudits(d.ctx, by, store.AuditQuery{}, store.Page{Limit: 3})
		if want := by.May(store.ActReadAudit); (err == nil) != want {
			d.Errorf("%s reads the audit log: %v", name, err)
		}
	}
}

func auditOfRegions(d *desk) {
	here, there := d.opens().Ticket, d.opens(in(region("intl", "IN"))).Ticket
	d.must(d.RevokeLinks(d.ctx, d.now, as("ops"), here.ID))
	d.must(d.RevokeLinks(d.ctx, d.now, as("ops"), there.ID))
	must[store.Responder](d)(d.SwitchResponder(d.ctx, d.now, as("ops"), store.Switch{Reason: "all"}))
	lead := store.Actor{Kind: store.ActorStaff, Agent: 3, Account: "l@desk.example", Roles: []store.Role{store.RoleLead},
		Regions: []string{"us"}}
	rows := must[[]store.Audit](d)(d.lists().audits(lead, store.AuditQuery{}))
	if len(rows) != 1 || rows[0].Object.Name != here.Number {
		d.Errorf("a lead of us sees %+v", rows)
	}
	rows = must[[]store.Audit](d)(d.lists().audits(lead, store.AuditQuery{
		Object: store.Object{Kind: store.ObjectTicket, ID: uint64(there.ID)}}))
	d.same(rows, []store.Audit{})
}

func auditOfReading(d *desk) {
	mail := store.Object{Kind: store.ObjectInbound, ID: 7, Name: "us"}
	d.must(d.RecordAct(d.ctx, d.now, as("ops"), store.AuditMailRead, mail))
	d.must(d.RecordAct(d.ctx, d.now, as("ops"), store.AuditCanaryTried, store.Object{Kind: store.ObjectCanary}))
	d.wantErr(d.RecordAct(d.ctx, d.now, as("ops"), store.AuditAgentAdded, mail), store.ErrInvalid)
	agent := store.Actor{Kind: store.ActorStaff, Agent: 3, Account: "a@desk.example", Roles: []store.Role{store.RoleAgent}}
	d.wantErr(d.RecordAct(d.ctx, d.now, agent, store.AuditMailRead, mail), store.ErrForbidden)
	rows := d.logged(store.AuditQuery{})
	if rows[0].Event != store.AuditRefused || rows[0].Act != store.ActReadMail {
		d.Errorf("the refusal is logged as %+v", rows[0])
	}
	rows = rows[1:]
	if len(rows) != 2 || rows[1].Event != store.AuditMailRead || rows[1].Object != mail {
		d.Errorf("logged: %+v", rows)
	}
}

func auditOfStrangeTexts(d *desk) {
	note := "\x00" + strings.Repeat("é", store.MaxAuditValue)
	s := store.Suppression{Address: "a@a.example", Scope: store.ScopeAll, Note: note}
	held, err := d.SuppressAddress(d.ctx, d.now, as("ops"), s)
	if err != nil {
		d.wantErr(err, store.ErrInvalid) // a store that refuses such texts altogether
		return
	}
	row := d.logged(store.AuditQuery{})[0]
	at := slices.IndexFunc(row.Changes, func(c store.Changed) bool { return c.Field == "note" })
	kept := row.Changes[at].After
	if len(kept) > store.MaxAuditValue || strings.ContainsRune(kept, 0) || !strings.Contains(kept, "éé") {
		d.Errorf("of %q it keeps %q", held.Note, kept)
	}
}

// The model's part.

// logs counts an act of a person.
func (m *model) logs(event store.AuditEvent) { m.audits = append(m.audits, event) }

func (r *run) readAudits() {
	var got []store.AuditEvent
	rows, err := r.lists().audits(store.ByService(), store.AuditQuery{})
	for _, row := range rows {
		if row.Event != store.AuditRefused { // by the hour: stories tell of it
			got = append(got, row.Event)
		}
	}
	slices.Reverse(got)
	r.compare("ListAudits", must1(got, err), r.model.audits, nil)
}
