package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
)

func arranged(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	agent := must[store.Agent](d)(d.AddAgent(d.ctx, d.now, store.ByService(),
		store.NewAgent{Email: "max@desk.example", Roles: []store.Role{store.RoleAgent}}))
	n := store.NewNote{Ticket: k.ID, Body: "See @max", Mentions: []store.AgentID{agent.ID}, Idempotency: "key"}
	d.pass(time.Minute)
	noted := must[store.Noted](d)(d.Note(d.ctx, d.now, d.lee(), n))
	again := must[store.Noted](d)(d.Note(d.ctx, d.now, d.lee(), n))
	noted.Replayed = true
	d.same(again, noted)
	steps := []func() (store.Ticket, error){
		func() (store.Ticket, error) { return d.AssignTicket(d.ctx, d.now, d.lee(), k.ID, agent.ID) },
		func() (store.Ticket, error) { return d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusOnHold) },
		func() (store.Ticket, error) { return d.SetPriority(d.ctx, d.now, d.lee(), k.ID, store.PriorityUrgent) },
		func() (store.Ticket, error) { return d.SetCategory(d.ctx, d.now, d.lee(), k.ID, "refunds") },
		func() (store.Ticket, error) {
			return d.SetTags(d.ctx, d.now, d.lee(), k.ID, []string{" VIP ", "late", "vip"})
		},
		func() (store.Ticket, error) { return d.SetTags(d.ctx, d.now, d.lee(), k.ID, []string{"late", "big"}) },
	}
	for range 2 { // the second time nothing changes
		for i, step := range steps {
			if i < 4 || k.Entries < 8 {
				k = must[store.Ticket](d)(step())
			}
		}
	}
	event := func(seq uint32, event store.Event, change store.Change) store.Entry {
		return store.Entry{Ticket: k.ID, Seq: seq, Kind: store.EntryEvent, Event: event, Author: "Lee", At: d.at(),
			By: store.ActorStaff, Agent: 1, Change: change}
	}
	page := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 99}))
	d.same(page.Items[1:], []store.Entry{
		{Ticket: k.ID, Seq: 2, Kind: store.EntryNote, Author: "Lee", At: d.at(), Body: n.Body, By: store.ActorStaff, Agent: 1,
			Mentions: n.Mentions},
		event(3, store.EventAssigned, store.Change{AssigneeTo: agent.ID}),
		event(4, store.EventStatusChanged, store.Change{StatusFrom: store.StatusOpen, StatusTo: store.StatusOnHold}),
		event(5, store.EventPriorityChanged,
			store.Change{PriorityFrom: store.PriorityNormal, PriorityTo: store.PriorityUrgent}),
		event(6, store.EventCategoryChanged, store.Change{CategoryFrom: "billing", CategoryTo: "refunds"}),
		event(7, store.EventTagsChanged, store.Change{TagsAdded: []string{"late", "vip"}}),
		event(8, store.EventTagsChanged, store.Change{TagsAdded: []string{"big"}, TagsRemoved: []string{"vip"}}),
	})
	want := d.reads(k.ID)
	d.same(k, want)
	if want.Version != 2 || want.Assignee != agent.ID || want.Priority != store.PriorityUrgent ||
		want.Category != "refunds" || want.Status != store.StatusOnHold || !want.LastAgentAt.Equal(d.at()) ||
		!slices.Equal(want.Tags, []string{"big", "late"}) {
		d.Errorf("the ticket is %+v", want)
	}
	for name, step := range map[string]func() error{
		"no words": func() error {
			_, err := d.Note(d.ctx, d.now, d.lee(), store.NewNote{Ticket: k.ID})
			return err
		},
		"mention of none": func() error {
			_, err := d.Note(d.ctx, d.now, d.lee(), store.NewNote{Ticket: k.ID, Body: "x", Mentions: []store.AgentID{77}})
			return err
		},
		"closed":   func() error { _, err := d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusClosed); return err },
		"priority": func() error { _, err := d.SetPriority(d.ctx, d.now, d.lee(), k.ID, "highest"); return err },
		"tag":      func() error { _, err := d.SetTags(d.ctx, d.now, d.lee(), k.ID, []string{"a,b"}); return err },
		"category": func() error {
			_, err := d.SetCategory(d.ctx, d.now, d.lee(), k.ID, strings.Repeat("x", 300))
			return err
		},
	} {
		if err := step(); err == nil {
			d.Error(name, "was taken")
		} else {
			d.wantErr(err, store.ErrInvalid)
		}
	}
	d.same(d.reads(k.ID), want)
}

func assigned(d *desk) {
	k := d.opens().Ticket
	add := func(email string, roles ...store.Role) store.AgentID {
		n := store.NewAgent{Email: email, Roles: roles}
		return must[store.Agent](d)(d.AddAgent(d.ctx, d.now, store.ByService(), n)).ID
	}
	lee, ops := add("lee@x.example", store.RoleLead), add("ops@x.example", store.RoleOps)
	gone := add("g@x.example", store.RoleAgent)
	off := true
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), gone, store.AgentChange{Disabled: &off}))
	for _, id := range []store.AgentID{ops, gone, 99} {
		_, err := d.AssignTicket(d.ctx, d.now, d.kim(), k.ID, id)
		d.wantErr(err, store.ErrInvalid)
	}
	for _, id := range []store.AgentID{lee, lee, 0} {
		if got := must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, d.kim(), k.ID, id)); got.Assignee != id {
			d.Errorf("assigned to %d, want %d", got.Assignee, id)
		}
	}
	if k = d.reads(k.ID); k.Entries != 3 {
		d.Errorf("%d entries, want 3", k.Entries)
	}
}

func statuses(d *desk) {
	for _, c := range []struct{ is, becomes store.Status }{
		{store.StatusOpen, store.StatusOpen}, {store.StatusPending, store.StatusOpen},
		{store.StatusOnHold, store.StatusOnHold},
		{store.StatusSolved, store.StatusOpen},
	} {
		k := d.opens().Ticket
		d.pass(time.Minute)
		if c.is != k.Status {
			k = must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, c.is))
		}
		d.pass(time.Minute)
		e := d.says(k, "?")
		k = d.reads(k.ID)
		if k.Status != c.becomes || !k.SolvedAt.IsZero() || !k.StoppedAt.IsZero() {
			d.Errorf("a message on a ticket that is %s: %+v", c.is, k)
		}
		want := store.Change{}
		if c.is != c.becomes {
			want = store.Change{StatusFrom: c.is, StatusTo: c.becomes}
		}
		d.same(e.Change, want)
	}
	k := d.opens().Ticket
	solved := must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusSolved))
	if s := solved.StatusAt(d.now.Add(14 * 24 * time.Hour)); s != store.StatusClosed {
		d.Errorf("two weeks after it was solved it is shown as %s", s)
	}
	d.pass(30 * 24 * time.Hour) // a closed one takes none
	_, err := d.AppendMessage(d.ctx, d.now, store.ByPartner(k.Link), store.NewMessage{Link: k.Link, Body: "?"})
	d.wantErr(err, store.ErrConflict)
}

func drafts(d *desk) {
	k := d.opens().Ticket
	files := []store.File{{Name: "d.png", Size: 1, Type: "image/png", Hash: hashOf("draft")}}
	mine := store.Draft{
		Ticket: k.ID, Kind: store.EntryReply, Body: long, Files: files, Then: store.StatusSolved, Version: 1,
	}
	_, err := d.Draft(d.ctx, d.lee(), k.ID, store.EntryReply)
	d.wantErr(err, store.ErrNotFound)
	d.must(d.SaveDraft(d.ctx, d.now, d.lee(), mine))
	note := store.Draft{Ticket: k.ID, Kind: store.EntryNote, Body: "note", Mentions: []store.AgentID{2}}
	d.must(d.SaveDraft(d.ctx, d.now, d.lee(), note))
	d.must(d.SaveDraft(d.ctx, d.now, d.kim(), store.Draft{Ticket: k.ID, Kind: store.EntryReply, Body: "hers"}))
	mine.SavedAt, note.SavedAt = d.at(), d.at()
	named := func() bool { return must[[]bool](d)(d.BlobsReferenced(d.ctx, []store.BlobHash{hashOf("draft")}))[0] }
	if !named() {
		d.Error("a draft's file is not named")
	}
	// What another does leaves them alone.
	must[store.Ticket](d)(d.AssignTicket(d.ctx, d.now, d.kim(), k.ID, 0))
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.kim(), k.ID, store.StatusSolved))
	_, err = d.Reply(d.ctx, d.now, d.kim(), d.replyTo(k))
	d.must(err)
	d.same(must[store.Draft](d)(d.Draft(d.ctx, d.lee(), k.ID, store.EntryReply)), mine)
	d.same(must[store.Draft](d)(d.Draft(d.ctx, d.lee(), k.ID, store.EntryNote)), note)
	_, err = d.Draft(d.ctx, d.kim(), k.ID, store.EntryReply) // she sent it
	d.wantErr(err, store.ErrNotFound)

	mine.Body, mine.Files = "less", nil
	d.must(d.SaveDraft(d.ctx, d.now, d.lee(), mine))
	d.same(must[store.Draft](d)(d.Draft(d.ctx, d.lee(), k.ID, store.EntryReply)), mine)
	if named() {
		d.Error("a file that no draft has any more is named")
	}
	d.must(d.DropDraft(d.ctx, d.lee(), k.ID, store.EntryReply))
	d.must(d.DropDraft(d.ctx, d.lee(), k.ID, store.EntryReply))
	_, err = d.Draft(d.ctx, d.lee(), k.ID, store.EntryReply)
	d.wantErr(err, store.ErrNotFound)
	d.wantErr(d.SaveDraft(d.ctx, d.now, d.lee(), store.Draft{Ticket: k.ID, Kind: store.EntryEvent}), store.ErrInvalid)
	d.wantErr(d.SaveDraft(d.ctx, d.now, store.ByService(), note), store.ErrInvalid)
	note.Ticket = 99
	d.wantErr(d.SaveDraft(d.ctx, d.now, d.lee(), note), store.ErrNotFound)
}

func reading(d *desk) {
	k := d.opens().Ticket
	row := func(by store.Actor) store.DeskRow {
		d.Helper()
		list := must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, by, store.TicketFilter{}, store.Page{Limit: 9}))
		return list.Items[0]
	}
	unopened := func() uint64 { return must[store.DeskCounts](d)(d.DeskCounts(d.ctx, d.lee())).Of(store.ViewUnopened) }
	if r := row(d.lee()); !r.Unread || unopened() != 1 || r.Words != "The invoice of March never came." {
		d.Errorf("a new ticket is listed as %+v", r)
	}
	d.pass(time.Minute)
	opened := d.at()
	d.must(d.MarkRead(d.ctx, d.now, d.lee(), k.ID, 1))
	if row(d.lee()).Unread || !row(d.kim()).Unread || unopened() != 0 || !d.reads(k.ID).SeenAt.Equal(opened) {
		d.Errorf("after one has read it: %+v", row(d.lee()))
	}
	d.pass(time.Minute)
	must[store.Ticket](d)(d.SetPriority(d.ctx, d.now, d.kim(), k.ID, store.PriorityHigh))
	if row(d.lee()).Unread {
		d.Error("an event is to be read")
	}
	must[store.Noted](d)(d.Note(d.ctx, d.now, d.kim(), store.NewNote{Ticket: k.ID, Body: "n"}))
	if !row(d.lee()).Unread {
		d.Error("a note is not to be read")
	}
	for _, seq := range []uint32{99, 1} { // no further than the thread, and never back
		d.must(d.MarkRead(d.ctx, d.now, d.lee(), k.ID, seq))
		d.same(must[uint32](d)(d.ReadUpTo(d.ctx, d.lee(), k.ID)), uint32(3))
	}
	d.same(must[uint32](d)(d.ReadUpTo(d.ctx, d.kim(), k.ID)), uint32(3)) // her note
	d.replies(d.reads(k.ID))
	d.same(must[uint32](d)(d.ReadUpTo(d.ctx, d.lee(), k.ID)), uint32(4))
	d.same(must[uint32](d)(d.ReadUpTo(d.ctx, d.kim(), k.ID)), uint32(3))
	if !d.reads(k.ID).SeenAt.Equal(opened) {
		d.Error("the first time it was opened moved")
	}
	d.wantErr(d.MarkRead(d.ctx, d.now, store.ByService(), k.ID, 1), store.ErrInvalid)
}

func regionsApart(d *desk) {
	us, intl := d.opens().Ticket, d.opens(in(region("intl", "INT"))).Ticket
	d.ends(store.StateSent, store.Report{})
	done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), d.replyTo(intl)))
	kim := d.kim("us")
	id, number := intl.ID, intl.Number
	before := d.reads(id)
	for i, verb := range []func() error{
		func() error { _, err := d.DeskTicket(d.ctx, kim, number); return err },
		func() error { _, err := d.Thread(d.ctx, kim, id, store.Page{Limit: 9}); return err },
		func() error { _, err := d.ThreadBefore(d.ctx, kim, id, 0, 9); return err },
		func() error { _, err := d.Reply(d.ctx, d.now, kim, d.replyTo(before)); return err },
		func() error { _, err := d.Undo(d.ctx, d.now, kim, done.Mail.ID); return err },
		func() error { _, err := d.Note(d.ctx, d.now, kim, store.NewNote{Ticket: id, Body: "x"}); return err },
		func() error { _, err := d.AssignTicket(d.ctx, d.now, kim, id, 0); return err },
		func() error { _, err := d.SetStatus(d.ctx, d.now, kim, id, store.StatusSolved); return err },
		func() error { _, err := d.SetTags(d.ctx, d.now, kim, id, []string{"x"}); return err },
		func() error { return d.MarkRead(d.ctx, d.now, kim, id, 1) },
		func() error { _, err := d.ReadUpTo(d.ctx, kim, id); return err },
		func() error {
			return d.SaveDraft(d.ctx, d.now, kim, store.Draft{Ticket: id, Kind: store.EntryReply, Body: "x"})
		},
		func() error { _, err := d.Draft(d.ctx, kim, id, store.EntryReply); return err },
		func() error { return d.DropDraft(d.ctx, kim, id, store.EntryReply) },
	} {
		if err := verb(); err == nil {
			d.Errorf("verb %d found a ticket of another region", i)
		} else {
			d.wantErr(err, store.ErrNotFound)
		}
	}
	d.same(d.reads(id), before)
	d.same(must[store.Ticket](d)(d.DeskTicket(d.ctx, kim, "us-1001")), us)
	for _, view := range append(store.Views(), "") {
		f := store.TicketFilter{View: view, Regions: []string{"intl"}}
		list := must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, kim, f, store.Page{Limit: 9}))
		counts := must[store.DeskCounts](d)(d.DeskCounts(d.ctx, kim))
		if len(list.Items) > 0 || counts.Views[view]["intl"] > 0 {
			d.Errorf("view %q shows another region's", view)
		}
	}
	_, err := d.DeskTickets(d.ctx, store.ByPartner(us.Link), store.TicketFilter{}, store.Page{Limit: 9})
	d.wantErr(err, store.ErrForbidden)
	_, err = d.DeskCounts(d.ctx, store.ByPartner(us.Link))
	d.wantErr(err, store.ErrForbidden)
}

// list reads a whole list of the desk two tickets at a time.
func (d *desk) list(by store.Actor, f store.TicketFilter) (numbers []string) {
	d.Helper()
	for row, err := range store.All(2, func(p store.Page) (store.List[store.DeskRow], error) {
		return d.DeskTickets(d.ctx, by, f, p)
	}) {
		d.must(err)
		numbers = append(numbers, row.Ticket.Number)
	}
	return numbers
}

func deskOrder(d *desk) {
	due := func(hours int) func(*store.NewTicket) {
		return func(n *store.NewTicket) {
			n.Promise = store.Promise{}
			if hours > 0 {
				n.Promise.ResolutionBy = d.at().Add(time.Duration(hours) * time.Hour)
			}
		}
	}
	var ids []store.TicketID
	for _, hours := range []int{5, 0, 1, 3, 3} { // US-1001 to US-1005
		ids = append(ids, d.opens(due(hours)).Ticket.ID)
	}
	d.same(d.list(d.lee(), store.TicketFilter{}), []string{"US-1003", "US-1004", "US-1005", "US-1001", "US-1002"})
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), ids[2], store.StatusPending)) // its clock stands
	d.same(d.list(d.lee(), store.TicketFilter{}), []string{"US-1004", "US-1005", "US-1001", "US-1002", "US-1003"})
	d.same(d.list(d.lee(), store.TicketFilter{View: store.ViewWaitingPartner}), []string{"US-1003"})
	// A page goes on behind a ticket that has left the list.
	page := must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, d.lee(), store.TicketFilter{}, store.Page{Limit: 2}))
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), ids[4], store.StatusSolved))
	next := must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, d.lee(), store.TicketFilter{},
		store.Page{Limit: 2, After: page.Next}))
	if got := next.Items[0].Ticket.Number; got != "US-1001" {
		d.Errorf("the next page begins with %s", got)
	}
	other := store.TicketFilter{View: store.ViewMine}
	_, err := d.DeskTickets(d.ctx, d.lee(), other, store.Page{Limit: 2, After: page.Next})
	d.wantErr(err, store.ErrInvalid)
	_, err = d.DeskTickets(d.ctx, d.lee(), store.TicketFilter{View: "theirs"}, store.Page{Limit: 2})
	d.wantErr(err, store.ErrInvalid)
}

func deskQueries(d *desk) {
	title := func(title, email string) func(*store.NewTicket) {
		return func(n *store.NewTicket) {
			n.Title, n.Requester.Email = title, email
			n.Promise = store.Promise{ResolutionBy: d.at().Add(time.Duration(d.minted) * time.Hour)}
		}
	}
	d.opens(title("Login fails on Monday", "ana@north.example"))
	d.opens(title("Rechnung für MÄRZ fehlt", "bob@south.example"))
	d.opens(title("Login page is blank", "eve@north.example"), in(region("intl", "INT")))
	for query, want := range map[string][]string{
		"":                     {"US-1001", "US-1002", "INT-1001"},
		"login":                {"US-1001", "INT-1001"},
		" LOGIN  north ":       {"US-1001", "INT-1001"},
		"login monday":         {"US-1001"},
		"märz":                 {"US-1002"},
		"us-1002":              {"US-1002"},
		"1001":                 {"US-1001", "INT-1001"},
		"bob@south.example":    {"US-1002"},
		"ana@north.exampleana": {}, // an address and the name behind it are two texts
		"nothing":              {},
	} {
		if got := d.list(d.lee(), store.TicketFilter{Query: query}); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			d.Errorf("%q finds %v, want %v", query, got, want)
		}
	}
	filters := map[string]store.TicketFilter{
		"US-1001 US-1002": {Regions: []string{"us", "none"}},
		"INT-1001":        {Channels: []store.Channel{store.ChannelForm}, Regions: []string{"intl"}},
		"":                {Categories: []string{"refunds"}},
	}
	for want, f := range filters {
		if got := strings.Join(d.list(d.lee(), f), " "); got != want {
			d.Errorf("%+v finds %s, want %s", f, got, want)
		}
	}
}

func deskSolved(d *desk) {
	for range 4 {
		d.opens()
	}
	for _, id := range []store.TicketID{2, 1, 4} {
		d.pass(time.Minute)
		must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), id, store.StatusSolved))
	}
	d.pass(time.Minute)
	must[store.Noted](d)(d.Note(d.ctx, d.now, d.lee(), store.NewNote{Ticket: 2, Body: "again"}))
	d.same(d.list(d.lee(), store.TicketFilter{}), []string{"US-1003"})
	d.same(d.list(d.lee(), store.TicketFilter{View: store.ViewSolved}), []string{"US-1002", "US-1004", "US-1001"})
	d.same(d.list(d.lee(), store.TicketFilter{View: store.ViewAll}), []string{"US-1003", "US-1002", "US-1004", "US-1001"})
	// What is assigned to no agent is not the service's own.
	d.same(d.list(store.ByService(), store.TicketFilter{View: store.ViewMine}), []string{})
	all := store.TicketFilter{View: store.ViewAll, Query: "us-1001"}
	d.same(d.list(d.lee(), all), []string{"US-1001"})
	all.View = ""
	d.same(d.list(d.lee(), all), []string(nil)) // it is solved
	d.opens(from("bob@partner.example"))
	all.View, all.Query = store.ViewAll, "ANA@partner.example"
	d.same(d.list(d.lee(), all), []string{"US-1003", "US-1004", "US-1002", "US-1001"})
	all.View = store.ViewSolved
	d.same(d.list(d.lee(), all), []string{"US-1004", "US-1002", "US-1001"})
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), 5, store.StatusSolved))
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), 5, store.StatusOpen))
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), 5, store.StatusSolved))
	must[store.Ticket](d)(d.SetTags(d.ctx, d.now, d.lee(), 5, []string{"bob"}))
	d.same(d.list(d.lee(), store.TicketFilter{View: store.ViewSolved, Tags: []string{"bob"}}), []string{"US-1005"})
	closed := store.TicketFilter{View: store.ViewAll, Statuses: []store.Status{store.StatusClosed, store.StatusOpen}}
	d.same(d.list(d.lee(), closed), []string{"US-1003", "US-1005", "US-1002", "US-1004", "US-1001"})
	counts := must[store.DeskCounts](d)(d.DeskCounts(d.ctx, d.lee()))
	got := fmt.Sprint(counts.Of(""), counts.Of(store.ViewSolved), counts.Of(store.ViewAll), counts.Of(store.ViewUnopened))
	d.same(got, "1 4 5 1")
}

func replyLink(d *desk) {
	for name, lose := range map[string]func(store.Ticket){
		"revoked": func(k store.Ticket) { d.must(d.RevokeLinks(d.ctx, d.now, store.ByService(), k.ID)) },
		"expired": func(store.Ticket) { d.pass(100 * 24 * time.Hour) },
	} {
		k := d.opens().Ticket
		lose(k)
		n := d.replyTo(k)
		done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
		if done.Mail.Link != n.Link || done.Ticket.Link != n.Link {
			d.Errorf("%s: the reply leads to %v", name, done.Mail.Link)
		}
		d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, n.Link)), done.Ticket)
	}
	untold := d.opens(func(n *store.NewTicket) {
		n.Channel, n.Link, n.MessageID = store.ChannelDesk, store.LinkID{}, ""
	}).Ticket
	done := d.replies(untold)
	if done.Mail.InReplyTo != "" || done.Mail.Link == (store.LinkID{}) {
		d.Errorf("the first mail of a ticket of the desk is %+v", done.Mail)
	}
}

func replyThread(d *desk) {
	k := d.opens().Ticket
	first := must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))[0].MessageID
	all := []string{first}
	for i := range 25 {
		done := d.replies(d.reads(k.ID))
		want := all
		if over := len(all) - 20; over > 0 {
			want = append([]string{first}, all[over+1:]...)
		}
		if done.Mail.InReplyTo != all[len(all)-1] || !slices.Equal(done.Mail.References, want) {
			d.Fatalf("reply %d answers %s and names %v, want %v", i, done.Mail.InReplyTo, done.Mail.References, want)
		}
		if i%5 == 4 { // one that was taken back is not named
			must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID))
			continue
		}
		all = append(all, done.Mail.MessageID)
	}
}
