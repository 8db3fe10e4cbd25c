package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

func colleagueStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A colleague gets the invitation alone until they act on their page": invitedColleague,
		"Who may name a colleague, and whom":                                 namingRefused,
		"A ticket has so many colleagues and no more":                        colleaguesBounded,
		"An invitation that a budget withholds names nobody":                 invitationWithheld,
		"What a colleague writes is theirs":                                  colleagueWrites,
		"A colleague has no act of the requester's":                          colleagueRights,
		"A reply goes to each colleague who acts, in a thread of their own":  replyInCopy,
		"A reply undone takes all its mails back":                            copiesUndone,
		"A colleague's bounce leaves the ticket as it is":                    copyBounces,
		"A copy is sent again to its colleague":                              copyResent,
		"A ticket solved without a word is told to colleagues too":           solvedInCopy,
		"A colleague who was removed is shut out and mailed nothing":         colleagueRemoved,
		"A colleague who left is named again by staff alone":                 colleagueLeft,
		"Links of colleagues are renewed and revoked apart":                  colleagueLinks,
		"A colleague who becomes the requester is one no more":               colleaguePromoted,
	}
}

const bea = "Bea@Partner.example"

// names is a call of AddColleague by a partner (link) or by staff (the zero link).
func (d *desk) names(k store.Ticket, link store.LinkID, email string, b ...store.Budget) store.NewColleague {
	n := store.NewColleague{Ticket: k.ID, Link: link, Email: email, Mailing: d.mailing(func(m *store.Mailing) {
		m.Region, m.Budgets = region(k.Region, "US"), b
	})}
	if link == (store.LinkID{}) {
		n.Reason = "she keeps the books"
	}
	return n
}

// proves opens a ticket and proves its requester's address.
func (d *desk) proves(change ...func(*store.NewTicket)) store.Ticket {
	d.Helper()
	k := d.sends(change...).Ticket
	return must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(k.Link), k.Link))
}

// invites names a colleague by the requester, who must be taken.
func (d *desk) invites(k store.Ticket, email string) store.Invited {
	d.Helper()
	return must[store.Invited](d)(d.AddColleague(d.ctx, d.now, store.ByPartner(k.Link), d.names(k, k.Link, email)))
}

// joins names a colleague, who acts on their page.
func (d *desk) joins(k store.Ticket, email string) (store.Ticket, store.Colleague) {
	d.Helper()
	done := d.invites(k, email)
	d.ends(store.StateSent, store.Report{})
	link := done.Colleague.Link
	k = must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(link), link))
	c, _ := k.Colleague(done.Colleague.Number)
	return k, c
}

// copies are ids for the copies of a reply.
func (d *desk) copies(n *store.NewReply) {
	for range store.MaxColleagues {
		id := d.mint()
		n.Copies = append(n.Copies, store.CopyID{MessageID: messageIDOf(id), Link: linkOf(id)})
	}
}

// mailsTo are the mails of a ticket to an address.
func (d *desk) mailsTo(id store.TicketID, address string) (mails []store.Outbound) {
	d.Helper()
	for _, m := range must[[]store.Outbound](d)(d.lists().mailsOf(id)) {
		if m.To == address {
			mails = append(mails, m)
		}
	}
	return mails
}

func invitedColleague(d *desk) {
	k := d.proves()
	d.pass(time.Hour)
	n := d.names(k, k.Link, bea)
	done := must[store.Invited](d)(d.AddColleague(d.ctx, d.now, store.ByPartner(k.Link), n))
	c := store.Colleague{
		Number: 1, Email: bea, Lang: "es", By: store.ActorPartner, NamedAt: d.at(), Link: n.Mailing.Link,
	}
	mail := store.Outbound{
		ID: done.Mail.ID, Kind: store.MailColleague, Region: "us", From: n.Region.Address, FromName: n.Region.Name, To: bea,
		Langs: []string{"es"}, MessageID: n.MessageID, Ticket: k.ID, Number: k.Number, Link: n.Mailing.Link, Colleague: 1,
		QueuedAt: d.at(), State: store.StateQueued, DueAt: d.at(),
	}
	k.Colleagues, k.Entries, k.ChangedAt = []store.Colleague{c}, 2, d.at()
	d.same(done, store.Invited{Ticket: k, Colleague: c, Mail: mail})
	d.same(d.reads(k.ID), k)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	d.same(must[store.Door](d)(d.Door(d.ctx, d.now, c.Link)), store.Door{Ticket: k, Colleague: c})
	d.same(must[store.Door](d)(d.Door(d.ctx, d.now, k.Link)), store.Door{Ticket: k})
	d.same(d.eventsOf(k.ID), []store.Entry{{
		Ticket: k.ID, Seq: 2, Kind: store.EntryEvent, Event: store.EventColleagueAdded, Author: "Ana", At: d.at(), Body: bea,
		By: store.ActorPartner, Colleague: 1,
	}})
	d.ends(store.StateSent, store.Report{})
	d.replies(k, d.copies) // before she acts
	d.same(len(d.mailsTo(k.ID, bea)), 1)

	again := d.invites(d.reads(k.ID), "  bea@partner.EXAMPLE ") // she is there
	d.same(again.Mail, store.Outbound{})
	d.same(len(again.Ticket.Colleagues), 1)

	d.pass(time.Hour)
	joined := must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(c.Link), c.Link))
	d.same(joined.Colleagues[0].State(), store.ColleagueActs)
	d.same(joined.InCopy()[0].ProvenAt, d.at())
	same := must[store.Ticket](d)(d.ProveAddress(d.ctx, d.now, store.ByPartner(c.Link), c.Link))
	d.same(same, joined)
	events := d.eventsOf(k.ID)
	last := events[len(events)-1]
	if last.Event != store.EventColleagueJoined || last.Author != bea || last.Colleague != 1 {
		d.Fatalf("the last event is %+v", last)
	}
}

func namingRefused(d *desk) {
	unproven, k := d.sends().Ticket, d.proves(from("ana@b.example"))
	add := func(by store.Actor, n store.NewColleague) error { return second(d.AddColleague(d.ctx, d.now, by, n)) }
	mine := store.ByPartner(k.Link)
	silent := d.names(k, store.LinkID{}, bea)
	silent.Reason = "  "
	elsewhere := d.names(k, k.Link, bea)
	elsewhere.Region = region("intl", "INT")
	used := d.names(k, k.Link, bea)
	used.Mailing.Link = unproven.Link
	for what, c := range map[string]struct{ got, want error }{
		"an unproven requester": {
			add(store.ByPartner(unproven.Link), d.names(unproven, unproven.Link, bea)), store.ErrForbidden,
		},
		"through another's link": {add(mine, d.names(unproven, unproven.Link, bea)), store.ErrForbidden},
		"a link of nobody":       {add(store.ByPartner(linkOf(99)), d.names(k, linkOf(99), bea)), store.ErrNotFound},
		"staff without a reason": {add(d.lee(), silent), store.ErrInvalid},
		"an agent elsewhere":     {add(d.kim("intl"), d.names(k, store.LinkID{}, bea)), store.ErrNotFound},
		"ops":                    {add(as("ops"), d.names(k, store.LinkID{}, bea)), store.ErrForbidden},
		"the requester":          {add(mine, d.names(k, k.Link, "ANA+x@b.example")), store.ErrInvalid},
		"the region's address":   {add(mine, d.names(k, k.Link, "Support-us+y@desk.example")), store.ErrInvalid},
		"no address":             {add(mine, d.names(k, k.Link, "bea")), store.ErrInvalid},
		"another region":         {add(mine, elsewhere), store.ErrInvalid},
		"a link in use":          {add(mine, used), store.ErrInvalid},
	} {
		if !errors.Is(c.got, c.want) {
			d.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	d.same(d.reads(k.ID), k)
	d.same(d.reads(unproven.ID), unproven)
	d.must(add(d.lee(), d.names(unproven, store.LinkID{}, bea)))
	c := d.reads(unproven.ID).Colleagues[0]
	if c.By != store.ActorStaff || c.Agent != 1 || c.Reason != "she keeps the books" {
		d.Fatalf("she is %+v", c)
	}
	rows := must[[]store.Audit](d)(d.lists().audits(store.ByService(), store.AuditQuery{}))
	rows = slices.DeleteFunc(rows, func(a store.Audit) bool { return a.Event == store.AuditRefused })
	if len(rows) != 1 || rows[0].Event != store.AuditColleagueAdded || rows[0].Changes[1].After != c.Reason {
		d.Fatalf("the audit log has %+v", rows)
	}
	must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, mine, k.Link))
	d.pass(store.ClosedAfter)
	d.wantErr(add(mine, d.names(k, k.Link, bea)), store.ErrClosed)
}

func colleaguesBounded(d *desk) {
	k := d.proves()
	by := store.ByPartner(k.Link)
	for i := range store.MaxNamed {
		d.invites(k, fmt.Sprintf("c%d@partner.example", i))
		if i < store.MaxColleagues-1 {
			continue
		}
		_, err := d.AddColleague(d.ctx, d.now, by, d.names(k, k.Link, "more@partner.example"))
		d.wantErr(err, store.ErrColleaguesFull)
		r := store.Removal{Link: k.Link, Number: uint32(i - store.MaxColleagues + 2)}
		must[store.Ticket](d)(d.RemoveColleague(d.ctx, d.now, by, r))
	}
	_, err := d.AddColleague(d.ctx, d.now, by, d.names(k, k.Link, "more@partner.example"))
	d.wantErr(err, store.ErrColleaguesFull) // 9 take part, and 30 were named
	d.wantErr(err, store.ErrConflict)
	again := d.invites(k, "c0@partner.example")
	if again.Colleague.Number != 1 || again.Mail.State != store.StateQueued {
		d.Fatalf("invited anew: %+v", again)
	}
}

func invitationWithheld(d *desk) {
	k := d.proves()
	by, once := store.ByPartner(k.Link), store.Budget{Name: "invitation/address", Key: "x", Limit: 1, Window: time.Hour}
	must[store.Invited](d)(d.AddColleague(d.ctx, d.now, by, d.names(k, k.Link, bea, once)))
	before := d.reads(k.ID)
	got := must[store.Invited](d)(d.AddColleague(d.ctx, d.now, by, d.names(k, k.Link, "cy@partner.example", once)))
	m := got.Mail
	if m.ID != 0 || m.State != store.StateSuppressed || m.Reason != store.RuleBudget+": invitation/address" {
		d.Fatalf("the mail is %+v", m)
	}
	must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops"),
		store.Suppression{Address: "dee@partner.example", Scope: store.ScopeAutomatic}))
	got = must[store.Invited](d)(d.AddColleague(d.ctx, d.now, by, d.names(k, k.Link, "dee@partner.example")))
	d.same(got.Mail.State, store.StateSuppressed)
	d.same(d.reads(k.ID), before)
	d.same(len(must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))), 2)
}

func colleagueWrites(d *desk) {
	k := d.proves()
	c := d.invites(k, bea).Colleague
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusPending))
	d.pass(time.Hour)
	n := store.NewMessage{Link: c.Link, Body: "I have the invoice.", Idempotency: "once"}
	e := must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(c.Link), n))
	want := store.Entry{
		Ticket: k.ID, Seq: 5, Kind: store.EntryMessage, Author: bea, At: d.at(), Body: n.Body, By: store.ActorPartner,
		Colleague: 1, Change: store.Change{StatusFrom: store.StatusPending, StatusTo: store.StatusOpen},
	}
	d.same(e, want)
	d.same(must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(c.Link), n)), want)
	now := d.reads(k.ID)
	if now.Colleagues[0].State() != store.ColleagueActs || now.Status != store.StatusOpen || now.Version != 5 ||
		now.LastPublic != store.EntryMessage || now.Requester != k.Requester {
		d.Fatalf("the ticket is %+v", now)
	}
	thread := must[[]store.Entry](d)(d.lists().thread(k.ID, 0))
	d.same(thread[3].Event, store.EventColleagueJoined) // before what she wrote
	d.same(thread[4], want)
}

func colleagueRights(d *desk) {
	k, c := d.joins(d.proves(), bea)
	me := store.ByPartner(c.Link)
	other := d.invites(k, "cy@partner.example").Colleague
	before := d.reads(k.ID)
	for what, err := range map[string]error{
		"solve":  second(d.SolveByPartner(d.ctx, d.now, me, c.Link)),
		"reopen": second(d.ReopenByPartner(d.ctx, d.now, me, c.Link)),
		"rate":   second(d.RateTicket(d.ctx, d.now, me, c.Link, 5, "")),
		"renew":  second(d.RenewLink(d.ctx, d.now, me, c.Link, d.mailing())),
		"revoke": d.RevokeLinks(d.ctx, d.now, me, k.ID),
		"change the requester": second(d.ChangeRequester(d.ctx, d.now, me, store.NewAddress{
			Ticket: k.ID, Link: c.Link, Email: bea, Mailing: d.mailing(),
		})),
		"name one": second(d.AddColleague(d.ctx, d.now, me, d.names(k, c.Link, "dee@partner.example"))),
		"remove one": second(d.RemoveColleague(d.ctx, d.now, me,
			store.Removal{Link: c.Link, Number: other.Number})),
		"go on": second(d.OpenTicket(d.ctx, d.now, d.ticket(func(n *store.NewTicket) { n.Follows = c.Link }))),
		"read":  second(d.TicketByLink(d.ctx, d.now, c.Link)),
	} {
		if !errors.Is(err, store.ErrForbidden) {
			d.Errorf("%s: %v", what, err)
		}
	}
	d.same(d.reads(k.ID), before)
}

func replyInCopy(d *desk) {
	k, c := d.joins(d.proves(), bea)
	invitation := d.mailsTo(k.ID, bea)[0]
	must[store.Invited](d)(d.AddColleague(d.ctx, d.now, d.lee(), d.names(k, store.LinkID{}, "cy@partner.example")))
	d.ends(store.StateSent, store.Report{})
	n := d.replyTo(d.reads(k.ID), d.copies)
	few := n
	few.Copies = nil
	_, err := d.Reply(d.ctx, d.now, d.lee(), few)
	d.wantErr(err, store.ErrInvalid)
	done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
	got := d.mailsTo(k.ID, bea)[1]
	want := done.Mail
	want.ID, want.To, want.Langs, want.MessageID, want.Link = got.ID, bea, []string{"es"}, n.Copies[0].MessageID, c.Link
	want.Colleague, want.InReplyTo, want.References = 1, invitation.MessageID, []string{invitation.MessageID}
	d.same(got, want)
	d.same(len(d.mailsTo(k.ID, "cy@partner.example")), 1)
	if done.Mail.Colleague != 0 || done.Entry.Outbound != done.Mail.ID {
		d.Fatalf("the requester's is %+v", done.Mail)
	}
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	d.same(d.reads(k.ID).FirstReply, done.Mail.ID)
	d.replies(d.reads(k.ID), d.copies)
	third := d.mailsTo(k.ID, bea)[2]
	d.same(third.References, []string{invitation.MessageID, got.MessageID})
	hers := must[store.List[store.Outbound]](d)(d.OutboundsTo(d.ctx, bea, store.Page{Limit: 9}))
	d.same(len(hers.Items), 3)
}

func copiesUndone(d *desk) {
	k, _ := d.joins(d.proves(), bea)
	done := d.replies(k, d.copies)
	_, err := d.Undo(d.ctx, d.now, d.lee(), d.mailsTo(k.ID, bea)[1].ID)
	d.wantErr(err, store.ErrNotFound) // a copy is not a reply of its own
	must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID))
	for _, m := range must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))[2:] {
		if !m.Undone() {
			d.Errorf("still to be sent: %+v", m)
		}
	}
	d.pass(time.Minute)
	d.same(d.claims(claimAll()), []store.Outbound(nil))

	late := d.replies(d.reads(k.ID), d.copies)
	d.pass(10 * time.Second)
	for _, row := range d.claims(store.Claim{Limit: 9, PerDomain: 1, Lease: store.Leases{time.Minute}}) {
		d.finishes(row, store.StateSent, time.Time{})
	}
	d.pass(-time.Second) // a clock that is set back does not bring an undo back
	_, err = d.Undo(d.ctx, d.now, d.lee(), late.Mail.ID)
	d.wantErr(err, store.ErrConflict)
}

func copyBounces(d *desk) {
	d.connects()
	k, _ := d.joins(d.proves(), bea)
	done := d.replies(k, d.copies, then(store.StatusSolved))
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	before := d.reads(k.ID)
	d.same(before.FirstReply, done.Mail.ID)
	d.hears(failed(d.mailsTo(k.ID, bea)[1], store.OutcomeDead))
	after := d.reads(k.ID)
	before.Entries, before.ChangedAt = after.Entries, after.ChangedAt
	d.same(after, before)
	events := d.eventsOf(k.ID)
	d.same(events[len(events)-1].Event, store.EventMailBounced)
	d.same(d.suppressed(bea), []store.Scope{store.ScopeAll})

	d.replies(after, d.copies) // of which she gets nothing, and the requester theirs
	mails := d.mailsTo(k.ID, bea)
	if last := mails[len(mails)-1]; last.State != store.StateSuppressed {
		d.Fatalf("her copy is %+v", last)
	}
}

func copyResent(d *desk) {
	k, c := d.joins(d.proves(), bea)
	d.replies(k, d.copies)
	d.pass(time.Minute)
	for _, row := range d.claims(claimAll()) {
		state := store.StateSent
		if row.Colleague != 0 {
			state = store.StateFailed
		}
		d.finishes(row, state, time.Time{})
	}
	if k := d.reads(k.ID); k.InTrouble() || k.Status != store.StatusPending {
		d.Fatalf("her failed copy changed the ticket: %+v", k)
	}
	failed := d.mailsTo(k.ID, bea)[1]
	again := must[store.Outbound](d)(d.ResendReply(d.ctx, d.now, d.lee(), failed.ID, d.mailing()))
	if again.To != bea || again.Colleague != 1 || again.Link != c.Link || again.Entry != failed.Entry ||
		again.State != store.StateQueued {
		d.Fatalf("sent again: %+v", again)
	}
	_, err := d.ResendReply(d.ctx, d.now, d.lee(), failed.ID, d.mailing())
	d.wantErr(err, store.ErrConflict) // it waits
	r := store.Removal{Ticket: k.ID, Number: 1}
	must[store.Ticket](d)(d.RemoveColleague(d.ctx, d.now, d.lee(), r))
	_, err = d.ResendReply(d.ctx, d.now, d.lee(), failed.ID, d.mailing())
	d.wantErr(err, store.ErrConflict)
	retried := must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, as("ops"),
		store.Retry{IDs: []store.OutboundID{failed.ID}}))
	d.same(len(retried.Due), 0)
}

func solvedInCopy(d *desk) {
	k, c := d.joins(d.proves(), bea)
	m := d.solvedMail(10 * time.Second)
	_, err := d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, m)
	d.wantErr(err, store.ErrInvalid)
	n := store.NewReply{}
	d.copies(&n)
	m.Copies = n.Copies
	must[store.Ticket](d)(d.SolveTicket(d.ctx, d.now, d.lee(), k.ID, m))
	told := d.told(k.ID)
	if len(told) != 2 || told[1].To != c.Email || told[1].Link != c.Link || told[1].Colleague != 1 ||
		!told[1].DueAt.Equal(told[0].DueAt) {
		d.Fatalf("told: %+v", told)
	}
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusOpen))
	d.pass(time.Minute)
	d.same(d.claims(claimAll()), []store.Outbound(nil))
}

func colleagueRemoved(d *desk) {
	k, c := d.joins(d.proves(), bea)
	done := d.replies(k, d.copies)
	by, r := store.ByPartner(k.Link), store.Removal{Link: k.Link, Number: 1}
	_, err := d.RemoveColleague(d.ctx, d.now, by, store.Removal{Link: k.Link, Number: 2})
	d.wantErr(err, store.ErrNotFound)
	d.pass(time.Second)
	got := must[store.Ticket](d)(d.RemoveColleague(d.ctx, d.now, by, r))
	if one := got.Colleagues[0]; one.State() != store.ColleagueRevoked || one.Left || !one.RemovedAt.Equal(d.at()) {
		d.Fatalf("she is %+v", one)
	}
	d.same(must[store.Ticket](d)(d.RemoveColleague(d.ctx, d.now, by, r)), got) // once is enough
	_, err = d.Door(d.ctx, d.now, c.Link)
	d.wantErr(err, store.ErrNotFound)
	_, err = d.AppendMessage(d.ctx, d.now, store.ByPartner(c.Link), store.NewMessage{Link: c.Link, Body: "x"})
	d.wantErr(err, store.ErrNotFound)
	if m := d.mailsTo(k.ID, bea)[1]; m.State != store.StateSuppressed || m.Reason != store.RuleRemoved {
		d.Fatalf("her copy is %+v", m)
	}
	must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID)) // her end leaves that
	d.replies(d.reads(k.ID), d.copies)
	d.same(len(d.mailsTo(k.ID, bea)), 2)

	again := d.invites(d.reads(k.ID), bea)
	if again.Colleague.Number != 1 || again.Colleague.State() != store.ColleagueInvited || again.Colleague.Link == c.Link {
		d.Fatalf("invited anew: %+v", again.Colleague)
	}
	_, err = d.Door(d.ctx, d.now, c.Link)
	d.wantErr(err, store.ErrNotFound) // the old one stays shut
}

func colleagueLeft(d *desk) {
	k := d.proves()
	c := d.invites(k, bea).Colleague
	me := store.ByPartner(c.Link)
	got := must[store.Ticket](d)(d.RemoveColleague(d.ctx, d.now, me, store.Removal{Link: c.Link})) // unproven
	if !got.Colleagues[0].Left {
		d.Fatalf("she is %+v", got.Colleagues[0])
	}
	d.same(d.claims(claimAll()), []store.Outbound(nil)) // not even the invitation
	events := d.eventsOf(k.ID)
	if last := events[len(events)-1]; last.Event != store.EventColleagueLeft || last.Author != bea {
		d.Fatalf("the last event is %+v", last)
	}
	_, err := d.AddColleague(d.ctx, d.now, store.ByPartner(k.Link), d.names(k, k.Link, bea))
	d.wantErr(err, store.ErrColleagueLeft)
	must[store.Invited](d)(d.AddColleague(d.ctx, d.now, d.lee(), d.names(k, store.LinkID{}, bea)))
	d.same(d.reads(k.ID).Colleagues[0].State(), store.ColleagueInvited)
}

func colleagueLinks(d *desk) {
	k, c := d.joins(d.proves(), bea)
	opened := must[store.Opened](d)(d.RenewLink(d.ctx, d.now, store.ByPartner(k.Link), k.Link, d.mailing()))
	must[store.Door](d)(d.Door(d.ctx, d.now, c.Link)) // the requester's renewal shuts no door of hers
	d.must(d.RevokeLinks(d.ctx, d.now, d.lee(), k.ID))
	for _, link := range []store.LinkID{opened.Ticket.Link, c.Link} {
		_, err := d.Door(d.ctx, d.now, link)
		d.wantErr(err, store.ErrNotFound)
	}
	n := d.replyTo(d.reads(k.ID), d.copies)
	must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
	fresh := must[store.Door](d)(d.Door(d.ctx, d.now, n.Copies[0].Link))
	if !fresh.OfColleague() || fresh.Colleague.Email != bea || !fresh.Proven() {
		d.Fatalf("her new door is %+v", fresh)
	}
	d.must(d.RevokeLinks(d.ctx, d.now, d.lee(), k.ID))
	again := must[store.Invited](d)(d.AddColleague(d.ctx, d.now, d.lee(), d.names(k, store.LinkID{}, bea)))
	if again.Mail.Kind != store.MailColleague || again.Colleague.State() != store.ColleagueActs {
		d.Fatalf("a new way for one who takes part: %+v", again)
	}
}

func colleaguePromoted(d *desk) {
	k, c := d.joins(d.proves(), bea)
	n := store.NewAddress{Ticket: k.ID, Email: "bea@partner.example", Mailing: d.mailing()}
	opened := must[store.Opened](d)(d.ChangeRequester(d.ctx, d.now, d.lee(), n))
	d.same(opened.Ticket.Colleagues[0].State(), store.ColleagueRevoked)
	_, err := d.Door(d.ctx, d.now, c.Link)
	d.wantErr(err, store.ErrNotFound)
	door := must[store.Door](d)(d.Door(d.ctx, d.now, n.Mailing.Link))
	if door.OfColleague() || door.Proven() {
		d.Fatalf("her door is %+v", door)
	}
}
