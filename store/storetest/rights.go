package storetest

import (
	"errors"
	"time"

	"signpost/store"
)

func rightsStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"Each verb refuses those without a right to its act, and does nothing": verbsRefuse,
		"A partner acts through their own link alone":                          partnerOfAnotherLink,
		"Agents change their own account, but not what they may do":            ownAccount,
		"Mails of several regions are retried together or not at all":          retryAcrossRegions,
	}
}

// deed is one call of a verb that people act through, on a thing of its own.
type deed struct {
	act    store.Act
	region string // of the thing; "": of none, or of all
	try    func(by store.Actor) error
}

// deeds is one of each verb that asks its actor.
func (d *desk) deeds() map[string]deed {
	ticketOf := map[string]store.Ticket{}
	for _, verb := range []string{"RevokeLink", "RevokeLinks", "SettleQuestion", "ChangeRequester"} {
		ticketOf[verb] = d.opens(from(verb + "@partner.example")).Ticket
	}
	all := map[string]deed{
		"RevokeLink": {store.ActRevokeLinks, "us", func(by store.Actor) error {
			return d.RevokeLink(d.ctx, d.now, by, ticketOf["RevokeLink"].Link)
		}},
		"RevokeLinks": {store.ActRevokeLinks, "us", func(by store.Actor) error {
			return d.RevokeLinks(d.ctx, d.now, by, ticketOf["RevokeLinks"].ID)
		}},
		"SettleQuestion": {store.ActArrangeTicket, "us", func(by store.Actor) error {
			return second(d.SettleQuestion(d.ctx, d.now, by, ticketOf["SettleQuestion"].ID))
		}},
		"ChangeRequester": {store.ActChangeRequester, "us", func(by store.Actor) error {
			n := store.NewAddress{Ticket: ticketOf["ChangeRequester"].ID, Email: "new@a.example", Mailing: d.mailing()}
			return second(d.ChangeRequester(d.ctx, d.now, by, n))
		}},
		"SwitchResponder": {store.ActSwitchAnswers, "", func(by store.Actor) error {
			return second(d.SwitchResponder(d.ctx, d.now, by, store.Switch{Reason: "a loop"}))
		}},
		"SuppressAddress": {store.ActSuppress, "", func(by store.Actor) error {
			s := store.Suppression{Address: "bob@a.example", Scope: store.ScopeAll}
			return second(d.SuppressAddress(d.ctx, d.now, by, s))
		}},
		"AddAgent": {store.ActManageStaff, "", func(by store.Actor) error {
			return second(d.AddAgent(d.ctx, d.now, by, store.NewAgent{Email: "new@desk.example"}))
		}},
	}
	d.addDeeds(all)
	return all
}

// addDeeds adds those that need something made beforehand.
func (d *desk) addDeeds(all map[string]deed) {
	held := d.holds(store.Report{})
	asked := store.Suppression{Address: "cy@a.example", Scope: store.ScopeAll}
	kept := must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"), asked))
	alarm := d.raises("relay", 1)
	agent := d.hires("other@desk.example")
	all["RetryOutbounds"] = deed{store.ActRetryMail, "us", func(by store.Actor) error {
		return second(d.RetryOutbounds(d.ctx, d.now, by, store.Retry{IDs: []store.OutboundID{held.ID}}))
	}}
	all["GiveUpOutbounds"] = deed{store.ActGiveUpMail, "us", func(by store.Actor) error {
		return second(d.GiveUpOutbounds(d.ctx, d.now, by, []store.OutboundID{held.ID}))
	}}
	all["ReleaseSuppression"] = deed{store.ActSuppress, "", func(by store.Actor) error {
		return second(d.ReleaseSuppression(d.ctx, d.now, by, kept.ID))
	}}
	all["AcknowledgeAlarm"] = deed{store.ActAcknowledgeAlarm, "", func(by store.Actor) error {
		return second(d.AcknowledgeAlarm(d.ctx, d.now, by, alarm.ID, time.Time{}))
	}}
	all["ChangeAgent"] = deed{store.ActManageStaff, "", func(by store.Actor) error {
		name := "Renamed"
		return second(d.ChangeAgent(d.ctx, d.now, by, agent.ID, store.AgentChange{Name: &name}))
	}}
	all["MailAgentLink"] = deed{store.ActManageStaff, "", func(by store.Actor) error {
		return second(d.MailAgentLink(d.ctx, d.now, by, agent.ID, d.agentLink(store.AgentLinkInvite, 1)))
	}}
	all["AssignedTo"] = deed{store.ActManageStaff, "", func(by store.Actor) error {
		_, _, err := d.AssignedTo(d.ctx, by, agent.ID)
		return err
	}}
	all["Sessions"] = deed{store.ActManageStaff, "", func(by store.Actor) error {
		return second(d.Sessions(d.ctx, d.now, by, agent.ID))
	}}
	all["EndSessions"] = deed{store.ActManageStaff, "", func(by store.Actor) error {
		return second(d.EndSessions(d.ctx, d.now, by, agent.ID, store.SessionID{}))
	}}
}

func second[T any](_ T, err error) error { return err }

// crowd is one actor of each kind, role and view that matters.
func crowd() map[string]store.Actor {
	all := map[string]store.Actor{
		"the zero actor":  {},
		"an unknown role": {Kind: store.ActorStaff, Agent: 9, Account: "x@desk.example", Roles: []store.Role{"owner"}},
		"a command line":  store.ByCommandLine("root"),
	}
	for _, role := range store.Roles() {
		by := store.Actor{Kind: store.ActorStaff, Agent: 9, Account: "x@desk.example", Roles: []store.Role{role}}
		all[string(role)] = by
		by.Regions = []string{"intl"}
		all[string(role)+" of another region"] = by
		by.Regions = []string{"us"}
		all[string(role)+" of that region"] = by
	}
	return all
}

func verbsRefuse(d *desk) {
	deeds := d.deeds()
	before := must[store.Stats](d)(d.Stats(d.ctx))
	allowed := map[string][]store.Actor{}
	for verb, one := range deeds {
		for who, by := range crowd() {
			refused := store.May(by, one.act, store.InRegion(one.region))
			if refused == nil {
				allowed[verb] = append(allowed[verb], by)
				continue
			}
			err := one.try(by)
			if !errors.Is(err, store.ErrForbidden) && !errors.Is(err, store.ErrNotFound) ||
				errors.Is(err, store.ErrForbidden) != errors.Is(refused, store.ErrForbidden) {
				d.Errorf("%s by %s: %v, want %v", verb, who, err, refused)
			}
		}
	}
	d.same(must[store.Stats](d)(d.Stats(d.ctx)), before)
	if kept := must[[]store.Suppression](d)(d.lists().suppressions(d.now)); len(kept) != 1 {
		d.Errorf("suppressed by those who may not: %+v", kept)
	}
	if r := must[store.Responder](d)(d.Responder(d.ctx, d.now)); !r.On {
		d.Errorf("switched by one who may not: %+v", r)
	}
	for verb, one := range deeds {
		if len(allowed[verb]) < 2 {
			d.Errorf("%s: only %d of the crowd may", verb, len(allowed[verb]))
		}
		if err := one.try(allowed[verb][0]); err != nil {
			d.Errorf("%s by one who may: %v", verb, err)
		}
	}
}

func partnerOfAnotherLink(d *desk) {
	mine, other := d.opens().Ticket, d.opens(from("bob@a.example")).Ticket
	me := store.ByPartner(mine.Link)
	for verb, try := range map[string]func() error{
		"AppendMessage": func() error {
			return second(d.AppendMessage(d.ctx, d.now, me, store.NewMessage{Link: other.Link, Body: "x"}))
		},
		"ProveAddress": func() error { return second(d.ProveAddress(d.ctx, d.now, me, other.Link)) },
		"RenewLink":    func() error { return second(d.RenewLink(d.ctx, d.now, me, other.Link, d.mailing())) },
		"RevokeLink":   func() error { return d.RevokeLink(d.ctx, d.now, me, other.Link) },
		"RevokeLinks":  func() error { return d.RevokeLinks(d.ctx, d.now, me, other.ID) },
		"ChangeRequester": func() error {
			n := store.NewAddress{Ticket: other.ID, Link: other.Link, Email: "a@b.example", Mailing: d.mailing()}
			return second(d.ChangeRequester(d.ctx, d.now, me, n))
		},
		"SettleQuestion": func() error { return second(d.SettleQuestion(d.ctx, d.now, me, mine.ID)) },
		"AppendMessage of staff": func() error {
			agent := store.Agent{ID: 1, Email: "a@desk.example", Roles: store.Roles()}.Actor()
			return second(d.AppendMessage(d.ctx, d.now, agent, store.NewMessage{Link: mine.Link, Body: "x"}))
		},
	} {
		if err := try(); !errors.Is(err, store.ErrForbidden) {
			d.Errorf("%s: %v", verb, err)
		}
	}
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, other.Link)), other)
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, mine.Link)), mine)
	d.must(d.RevokeLinks(d.ctx, d.now, me, mine.ID)) // their own
	_, err := d.TicketByLink(d.ctx, d.now, mine.Link)
	d.wantErr(err, store.ErrNotFound)
}

func ownAccount(d *desk) {
	ana, bob := d.hires("ana@desk.example"), d.hires("bob@desk.example")
	name, roles, off := "Ana A.", []store.Role{store.RoleAdmin}, true
	got := must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, ana.Actor(), ana.ID, store.AgentChange{Name: &name}))
	d.same(got.Name, name)
	for _, c := range []store.AgentChange{{Roles: &roles}, {Name: &name, Disabled: &off}} {
		_, err := d.ChangeAgent(d.ctx, d.now, ana.Actor(), ana.ID, c)
		d.wantErr(err, store.ErrForbidden)
	}
	_, err := d.ChangeAgent(d.ctx, d.now, ana.Actor(), bob.ID, store.AgentChange{Name: &name})
	d.wantErr(err, store.ErrForbidden)
	d.same(must[store.Agent](d)(d.Agent(d.ctx, ana.ID)), got)
	d.same(must[store.Agent](d)(d.Agent(d.ctx, bob.ID)), bob)
}

func retryAcrossRegions(d *desk) {
	here, there := d.fails(), d.opens(in(region("intl", "IN"))).Confirmation
	by := store.Actor{Kind: store.ActorStaff, Agent: 1, Account: "ops", Roles: []store.Role{store.RoleOps},
		Regions: []string{"us"}}
	_, err := d.RetryOutbounds(d.ctx, d.now, by, store.Retry{IDs: []store.OutboundID{here.ID, there.ID}})
	d.wantErr(err, store.ErrNotFound)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, here.ID)), here)
	done := must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, by, store.Retry{IDs: []store.OutboundID{here.ID}}))
	d.same(len(done.Due), 1)
}
