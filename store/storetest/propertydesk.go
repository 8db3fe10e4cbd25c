package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

// Random acts of agents.

var agentsAtDesk = []store.Actor{
	{Kind: store.ActorStaff, Agent: 1001, Account: "lee@desk.example", Name: "Lee", Roles: []store.Role{store.RoleAgent}},
	{Kind: store.ActorStaff, Agent: 1002, Account: "kim@desk.example", Name: "Kim", Roles: []store.Role{store.RoleLead},
		Regions: []string{"us"}},
}

func (r *run) atDesk() store.Actor { return agentsAtDesk[r.pick("agent", len(agentsAtDesk))] }

func (r *run) someTicket() store.Ticket {
	return *r.model.tickets[r.pick("ticket", len(r.model.tickets))]
}

func (r *run) someStatus() store.Status {
	all := []store.Status{store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusSolved}
	return all[r.pick("status", 4)]
}

func (r *run) reply(*rapid.T) {
	if len(r.model.tickets) == 0 {
		return
	}
	k, by := r.someTicket(), r.atDesk()
	at := region(k.Region, strings.ToUpper(k.Region))
	n := store.NewReply{
		Ticket: k.ID, Body: strings.Repeat("answer ", 1+r.pick("body", 90)), Files: r.files(), Then: r.someStatus(),
		Version: k.Version - min(uint32(r.pick("stale", 4)/3), k.Version), Force: r.pick("force", 5) == 0, Region: at,
		MessageID: messageIDOf(r.mint()), Link: linkOf(r.mint()), LinkExpires: r.now.Add(100 * time.Hour),
		Undo: time.Duration(r.pick("undo", 3)) * 15 * time.Second,
	}
	got, err := r.store.Reply(r.ctx, r.now, by, n)
	want, wantErr := r.model.reply(r.now, by, n, got)
	r.compare("Reply", must1(got, err), want, wantErr)
}

func (r *run) undo(*rapid.T) {
	var replies []store.OutboundID
	for _, o := range r.model.outs {
		if o.Kind == store.MailReply {
			replies = append(replies, o.ID)
		}
	}
	if len(replies) == 0 {
		return
	}
	id, by := replies[len(replies)-1-r.pick("reply", min(len(replies), 2))], r.atDesk()
	if r.pick("resend", 2) == 0 {
		k := r.model.ticket(r.model.out(id).Ticket)
		n := store.Mailing{Region: region(k.Region, strings.ToUpper(k.Region)), Link: linkOf(r.mint()),
			LinkExpires: r.now.Add(100 * time.Hour), MessageID: messageIDOf(r.mint())}
		got, err := r.store.ResendReply(r.ctx, r.now, by, id, n)
		want, wantErr := r.model.resend(r.now, by, id, n, got)
		r.compare("ResendReply", must1(got, err), want, wantErr)
		return
	}
	want, wantErr := r.model.undo(r.now, by, id)
	r.compare("Undo", must1(r.store.Undo(r.ctx, r.now, by, id)), want, wantErr)
}

func (r *run) arrange(*rapid.T) {
	if len(r.model.tickets) == 0 {
		return
	}
	id, by := r.someTicket().ID, r.atDesk()
	switch r.pick("arrange", 5) {
	case 0:
		n := store.NewNote{Ticket: id, Body: "note", Files: r.files()}
		want, wantErr := r.model.note(r.now, by, n)
		r.compare("Note", must1(r.store.Note(r.ctx, r.now, by, n)), want, wantErr)
	case 1:
		to := r.someStatus()
		want, wantErr := r.model.arrange(r.now, by, id, store.EventStatusChanged, func(k *store.Ticket) (c store.Change) {
			c.StatusFrom, c.StatusTo = k.Status, to
			r.model.setStatus(r.now, k, to)
			return c
		})
		r.compare("SetStatus", must1(r.store.SetStatus(r.ctx, r.now, by, id, to)), want, wantErr)
	case 2:
		to := store.Priorities()[r.pick("priority", 4)]
		want, wantErr := r.model.arrange(r.now, by, id, store.EventPriorityChanged, func(k *store.Ticket) (c store.Change) {
			c.PriorityFrom, c.PriorityTo = k.Priority, to
			k.Priority = to
			return c
		})
		r.compare("SetPriority", must1(r.store.SetPriority(r.ctx, r.now, by, id, to)), want, wantErr)
	case 3:
		tags := [][]string{nil, {"vip"}, {"late", "vip"}}[r.pick("tags", 3)]
		want, wantErr := r.model.arrange(r.now, by, id, store.EventTagsChanged, func(k *store.Ticket) (c store.Change) {
			c.TagsAdded = slices.DeleteFunc(slices.Clone(tags), func(s string) bool { return slices.Contains(k.Tags, s) })
			c.TagsRemoved = slices.DeleteFunc(slices.Clone(k.Tags), func(s string) bool { return slices.Contains(tags, s) })
			k.Tags = tags
			return c
		})
		r.compare("SetTags", must1(r.store.SetTags(r.ctx, r.now, by, id, tags)), want, wantErr)
	case 4:
		want, wantErr := r.model.arrange(r.now, by, id, store.EventAssigned, func(k *store.Ticket) (c store.Change) {
			c.AssigneeFrom = k.Assignee
			k.Assignee = 0
			return c
		})
		r.compare("AssignTicket", must1(r.store.AssignTicket(r.ctx, r.now, by, id, 0)), want, wantErr)
	}
}

// draft saves a draft, or reads a ticket.
func (r *run) draft(*rapid.T) {
	if len(r.model.tickets) == 0 {
		return
	}
	k, by := r.someTicket(), r.atDesk()
	var wantErr error
	seen := r.model.sees(by, k.ID)
	if seen == nil {
		wantErr = store.ErrNotFound
	}
	if r.pick("read", 2) == 0 {
		seq := uint32(r.pick("seq", 5))
		if seen != nil {
			r.model.opened(r.now, seen)
			r.model.hasRead(by, seen, seq)
		}
		r.compare("MarkRead", must1[any](nil, r.store.MarkRead(r.ctx, r.now, by, k.ID, seq)), nil, wantErr)
		return
	}
	d := store.Draft{Ticket: k.ID, Kind: []store.EntryKind{store.EntryReply, store.EntryNote}[r.pick("kind", 2)],
		Body: "begun", Files: r.files(), Version: k.Version}
	err := r.store.SaveDraft(r.ctx, r.now, by, d)
	if d.SavedAt = r.now; seen != nil {
		r.model.drafts[modelDraft{k.ID, by.Agent, d.Kind}] = d
	}
	r.compare("SaveDraft", must1[any](nil, err), nil, wantErr)
}

// readDesk compares the lists, page by page, the counts and the drafts.
func (r *run) readDesk() {
	for _, by := range agentsAtDesk {
		counts, err := r.store.DeskCounts(r.ctx, by)
		if err != nil {
			r.Fatal(err)
		}
		for _, view := range append(store.Views(), "") {
			f := store.TicketFilter{View: view}
			all := r.model.desk(by, f)
			if n := counts.Of(view); n != uint64(len(all)) {
				r.Fatalf("view %q counts %d, want %d", view, n, len(all))
			}
			r.compareDesk(by, f, all)
			for _, narrow := range []func(*store.TicketFilter){
				func(f *store.TicketFilter) { f.Regions = []string{"intl"} },
				func(f *store.TicketFilter) { f.Priorities = []store.Priority{"normal", "high"} },
				func(f *store.TicketFilter) { f.Tags = []string{"vip", "none"} },
				func(f *store.TicketFilter) { f.Assignees = []store.AgentID{0, 1002} },
				func(f *store.TicketFilter) { f.Query = "BOB@" },
			} {
				f := store.TicketFilter{View: view}
				narrow(&f)
				r.compareDesk(by, f, r.model.desk(by, f))
			}
		}
		for _, k := range r.model.tickets {
			if r.model.sees(by, k.ID) == nil {
				_, err := r.store.DeskTicket(r.ctx, by, k.Number)
				r.compare("DeskTicket", must1[any](nil, err), nil, store.ErrNotFound)
				continue
			}
			for _, kind := range []store.EntryKind{store.EntryReply, store.EntryNote} {
				want, ok := r.model.drafts[modelDraft{k.ID, by.Agent, kind}]
				got, err := r.store.Draft(r.ctx, by, k.ID, kind)
				var wantErr error
				if !ok {
					wantErr = store.ErrNotFound
				}
				r.compare("Draft", must1(got, err), want, wantErr)
			}
		}
	}
}

func (r *run) compareDesk(by store.Actor, f store.TicketFilter, want []store.DeskRow) {
	r.Helper()
	var got []store.DeskRow
	for row, err := range store.All(3, func(p store.Page) (store.List[store.DeskRow], error) {
		return r.store.DeskTickets(r.ctx, by, f, p)
	}) {
		if err != nil {
			r.Fatal(err)
		}
		row.Words = strings.TrimSpace(row.Words[:min(len(row.Words), 4)])
		got = append(got, row)
	}
	r.compare(fmt.Sprintf("DeskTickets %+v", f), must1(got, nil), want, nil)
}
