package storetest

import (
	"slices"
	"strings"
	"time"

	"signpost/store"
)

// The desk in the model's words.

type modelDraft struct {
	ticket store.TicketID
	agent  store.AgentID
	kind   store.EntryKind
}

func (m *model) addEntry(k *store.Ticket, e store.Entry) store.Entry {
	k.Entries++
	k.ChangedAt = e.At
	e.Ticket, e.Seq = k.ID, k.Entries
	if e.By == "" {
		e.By = store.ActorService
	}
	m.entries[k.ID] = append(m.entries[k.ID], e)
	m.tell(k)
	return e
}

// tell works out what a ticket says of its thread.
func (m *model) tell(k *store.Ticket) {
	k.Version, k.Replies, k.LastPublic = 0, 0, ""
	k.LastPublicAt, k.LastPartnerAt, k.LastAgentAt = time.Time{}, time.Time{}, time.Time{}
	for _, e := range m.entries[k.ID] {
		switch e.Kind {
		case store.EntryEvent:
			continue
		case store.EntryMessage:
			k.LastPublic, k.LastPublicAt, k.LastPartnerAt = e.Kind, e.At, e.At
		case store.EntryReply:
			k.Replies++
			k.LastPublic, k.LastPublicAt, k.LastAgentAt = e.Kind, e.At, e.At
			if !e.UndoUntil.IsZero() {
				k.LastPublicAt = e.UndoUntil
			}
		case store.EntryNote:
			k.LastAgentAt = e.At
		}
		k.Version = e.Seq
	}
}

// setStatus gives a ticket another status; its promise stays, as none works it out.
func (m *model) setStatus(now time.Time, k *store.Ticket, to store.Status) {
	if k.Status == to {
		return
	}
	stood := k.Status == store.StatusPending || k.Status == store.StatusSolved
	stands := to == store.StatusPending || to == store.StatusSolved
	if !stands {
		k.StoppedAt = time.Time{}
	} else if !stood {
		k.StoppedAt = now
	}
	k.Status, k.SolvedAt = to, time.Time{}
	if to == store.StatusSolved {
		k.SolvedAt = now
	}
}

// lost opens a ticket whose mail did not arrive.
func (m *model) lost(k *store.Ticket, mail store.OutboundID, event store.Event) {
	k.Status, k.StoppedAt, k.SolvedAt, k.Trouble = store.StatusOpen, time.Time{}, time.Time{}, event
	if mail == 0 || k.FirstReply != mail {
		return
	}
	k.FirstReply, k.FirstReplyAt = 0, time.Time{}
	for _, o := range m.outs {
		came := o.Delivery.Fate == store.FateBounced || o.Delivery.Fate == store.FateRefused
		if o.Ticket == k.ID && o.ID != mail && o.Kind == store.MailReply && o.State == store.StateSent && !came &&
			(k.FirstReply == 0 || o.DoneAt.Before(k.FirstReplyAt)) {
			k.FirstReply, k.FirstReplyAt = o.ID, o.DoneAt
		}
	}
}

// accept notes that the relay took a reply.
func (m *model) accept(now time.Time, o *modelMail) {
	k := m.ticket(o.Ticket)
	k.Trouble = ""
	if k.FirstReplyAt.IsZero() {
		k.FirstReply, k.FirstReplyAt = o.ID, now
	}
}

// withhold ends a due mail whose address is suppressed.
func (m *model) withhold(now time.Time, o *modelMail, reason string, dead bool) {
	delete(m.undos, o.ID)
	o.end(store.StateSuppressed, now)
	o.Reason = reason
	m.countEnd(o)
	k := m.ticket(o.Ticket)
	if k == nil || o.Kind == store.MailAutoResponse {
		return
	}
	if o.Kind == store.MailReply {
		m.lost(k, 0, store.EventMailFailed)
		m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: store.EventMailFailed, Outbound: o.ID, At: now,
			Body: reason})
	}
	if dead && store.AddressKey(k.Requester.Email) == store.AddressKey(o.To) {
		k.Question = store.QuestionUndeliverable
	}
}

func (m *model) sees(by store.Actor, id store.TicketID) *store.Ticket {
	k := m.ticket(id)
	if k == nil || len(by.Regions) > 0 && !slices.Contains(by.Regions, k.Region) {
		return nil
	}
	return k
}

// reply takes the mail's id and its thread from got.
func (m *model) reply(now time.Time, by store.Actor, n store.NewReply, got store.Replied) (store.Replied, error) {
	k := m.sees(by, n.Ticket)
	if k == nil {
		return store.Replied{}, store.ErrNotFound
	}
	if n.Version < k.Version && !n.Force {
		refused := store.Replied{Ticket: *k}
		for _, e := range m.entries[k.ID] {
			if e.Seq > n.Version && e.Kind != store.EntryEvent {
				refused.Newer = append(refused.Newer, e)
			}
		}
		return refused, store.ErrConflict
	}
	if reason, _ := m.withheld(now, k.Requester.Email, store.MailReply); reason != "" {
		return store.Replied{Ticket: *k, Withheld: reason}, store.ErrConflict
	}
	before := *k
	if k.Assignee == 0 {
		k.Assignee = by.Agent
	}
	m.opened(now, k)
	m.setStatus(now, k, n.Then)
	if _, err := m.linked(now, k.Link); err != nil {
		k.Link = n.Link
		m.links[k.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
	}
	e := store.Entry{
		Kind: store.EntryReply, Author: by.Name, At: now, Body: n.Body, Files: n.Files, By: by.Kind, Agent: by.Agent,
		Outbound: got.Mail.ID, Change: store.Change{
			StatusFrom: before.Status, StatusTo: k.Status, AssigneeFrom: before.Assignee, AssigneeTo: k.Assignee,
		},
	}
	o := replyMail(now, k, k.Entries+1, n.Region, n.MessageID, got.Mail)
	if n.Undo > 0 {
		e.UndoUntil = now.Add(n.Undo)
		o.UndoUntil, o.DueAt = e.UndoUntil, e.UndoUntil
	}
	m.outs = append(m.outs, o)
	e = m.addEntry(k, e)
	if n.Undo > 0 {
		m.undos[o.ID] = [2]store.Ticket{before, *k}
	}
	delete(m.drafts, modelDraft{k.ID, by.Agent, store.EntryReply})
	m.hasRead(by, k, e.Seq)
	m.logs(store.AuditReplied)
	return store.Replied{Ticket: *k, Entry: e, Mail: o.Outbound}, nil
}

// resend takes the mail's id and its thread from got.
func (m *model) resend(
	now time.Time, by store.Actor, id store.OutboundID, n store.Mailing, got store.Outbound,
) (store.Outbound, error) {
	was := m.out(id)
	if was.Reason == store.RuleUndone || m.sees(by, was.Ticket) == nil {
		return store.Outbound{}, store.ErrNotFound
	}
	k := m.ticket(was.Ticket)
	if m.entries[k.ID][was.Entry-1].PublicAt().After(now) {
		return store.Outbound{}, store.ErrConflict
	}
	for _, o := range m.outs {
		if o.Ticket == k.ID && o.Kind == store.MailReply && o.Entry == was.Entry && o.State.Waiting() &&
			store.AddressKey(o.To) == store.AddressKey(k.Requester.Email) {
			return store.Outbound{}, store.ErrConflict
		}
	}
	if reason, _ := m.withheld(now, k.Requester.Email, store.MailReply); reason != "" {
		return store.Outbound{}, store.ErrConflict
	}
	if _, err := m.linked(now, k.Link); err != nil {
		k.Link = n.Link
		m.links[k.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
	}
	o := replyMail(now, k, was.Entry, n.Region, n.MessageID, got)
	o.Text = was.Text
	m.outs = append(m.outs, o)
	m.opened(now, k)
	m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: store.EventReplyResent, Outbound: o.ID, Author: by.Name,
		At: now, By: by.Kind, Agent: by.Agent})
	m.logs(store.AuditReplyResent)
	return o.Outbound, nil
}

// replyMail is a mail of an entry to the ticket's requester; its id and its thread are got's.
func replyMail(
	now time.Time, k *store.Ticket, entry uint32, from store.Region, messageID string, got store.Outbound,
) *modelMail {
	return &modelMail{Outbound: store.Outbound{
		ID: got.ID, Kind: store.MailReply, Region: k.Region, From: from.Address, FromName: from.Name,
		To: k.Requester.Email, Langs: []string{k.Requester.Lang}, MessageID: messageID,
		InReplyTo: got.InReplyTo, References: got.References, Ticket: k.ID, Number: k.Number, Link: k.Link,
		Entry: entry, QueuedAt: now, State: store.StateQueued, DueAt: now, Proven: !k.ProvenAt.IsZero(),
	}}
}

func (m *model) opened(now time.Time, k *store.Ticket) {
	if k.SeenAt.IsZero() {
		k.SeenAt = now
	}
}

func (m *model) undo(now time.Time, by store.Actor, id store.OutboundID) (store.Undone, error) {
	o := m.out(id)
	if o == nil || o.Kind != store.MailReply || m.sees(by, o.Ticket) == nil {
		return store.Undone{}, store.ErrNotFound
	}
	k := m.ticket(o.Ticket)
	e := &m.entries[k.ID][o.Entry-1]
	if e.Agent != by.Agent {
		return store.Undone{}, store.ErrForbidden
	}
	was, ok := m.undos[id]
	if !ok || !now.Before(o.UndoUntil) {
		return store.Undone{}, store.ErrConflict
	}
	before, after := was[0], was[1]
	if k.Status == after.Status && k.Promise == after.Promise && k.StoppedAt.Equal(after.StoppedAt) &&
		k.SolvedAt.Equal(after.SolvedAt) {
		k.Status, k.Promise, k.StoppedAt, k.SolvedAt = before.Status, before.Promise, before.StoppedAt, before.SolvedAt
	}
	if k.Assignee == after.Assignee {
		k.Assignee = before.Assignee
	}
	delete(m.undos, id)
	o.end(store.StateSuppressed, now)
	o.Reason = store.RuleUndone
	m.countEnd(o)
	d := store.Draft{Ticket: k.ID, Kind: store.EntryReply, Body: e.Body, Files: e.Files, Then: e.Change.StatusTo,
		SavedAt: now}
	*e = store.Entry{Ticket: k.ID, Seq: e.Seq, Kind: store.EntryEvent, Event: store.EventReplyUndone, Outbound: id,
		Author: e.Author, At: e.At, By: e.By, Agent: e.Agent}
	k.ChangedAt = now
	m.tell(k)
	d.Version = k.Version
	key := modelDraft{k.ID, by.Agent, store.EntryReply}
	if since := m.drafts[key]; since.Body != "" {
		d.Body += "\n\n" + since.Body
		d.Files = slices.Concat(d.Files, since.Files)
	} else {
		d.Files = slices.Concat(d.Files, since.Files)
	}
	m.drafts[key] = d
	m.logs(store.AuditReplyUndone)
	return store.Undone{Ticket: *k, Draft: d}, nil
}

func (m *model) note(now time.Time, by store.Actor, n store.NewNote) (store.Noted, error) {
	k := m.sees(by, n.Ticket)
	if k == nil {
		return store.Noted{}, store.ErrNotFound
	}
	m.opened(now, k)
	e := m.addEntry(k, store.Entry{Kind: store.EntryNote, Author: by.Name, At: now, Body: n.Body, Files: n.Files,
		By: by.Kind, Agent: by.Agent})
	delete(m.drafts, modelDraft{k.ID, by.Agent, store.EntryNote})
	m.hasRead(by, k, e.Seq)
	m.logs(store.AuditNoted)
	return store.Noted{Ticket: *k, Entry: e}, nil
}

// hasRead notes that an agent has read up to an entry.
func (m *model) hasRead(by store.Actor, k *store.Ticket, seq uint32) {
	key := modelDraft{k.ID, by.Agent, ""}
	m.reads[key] = max(m.reads[key], min(seq, k.Entries))
}

// arrange tells of a change as an event, unless nothing changed.
func (m *model) arrange(
	now time.Time, by store.Actor, id store.TicketID, event store.Event, change func(*store.Ticket) store.Change,
) (store.Ticket, error) {
	k := m.sees(by, id)
	if k == nil {
		return store.Ticket{}, store.ErrNotFound
	}
	c := change(k)
	if c.StatusFrom != c.StatusTo || c.AssigneeFrom != c.AssigneeTo || c.PriorityFrom != c.PriorityTo ||
		c.CategoryFrom != c.CategoryTo || len(c.TagsAdded)+len(c.TagsRemoved) > 0 {
		m.opened(now, k)
		m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: event, Author: by.Name, At: now, By: by.Kind,
			Agent: by.Agent, Change: c})
		m.logs(store.AuditTicketArranged)
	}
	return *k, nil
}

// due is the nearest deadline of a ticket that is still to be met.
func (m *model) due(k *store.Ticket) (due time.Time) {
	if !k.FirstReplyAt.IsZero() || k.Status == store.StatusSolved {
		return due
	}
	return k.Promise.FirstResponseBy
}

// desk lists the tickets of a filter, in order.
func (m *model) desk(by store.Actor, f store.TicketFilter) (rows []store.DeskRow) {
	var unsolved, solved []*store.Ticket
	for _, k := range m.tickets {
		if m.sees(by, k.ID) == nil || !m.fits(by, f, k) {
			continue
		}
		if k.Status == store.StatusSolved {
			solved = append(solved, k)
		} else {
			unsolved = append(unsolved, k)
		}
	}
	slices.SortStableFunc(unsolved, func(a, b *store.Ticket) int {
		if a.InTrouble() != b.InTrouble() {
			if a.InTrouble() {
				return -1
			}
			return 1
		}
		x, y := m.due(a), m.due(b)
		if x.IsZero() != y.IsZero() {
			if y.IsZero() {
				return -1
			}
			return 1
		}
		return x.Compare(y)
	})
	slices.SortStableFunc(solved, func(a, b *store.Ticket) int {
		if c := b.ChangedAt.Compare(a.ChangedAt); c != 0 {
			return c
		}
		return int(b.ID) - int(a.ID)
	})
	for _, k := range append(unsolved, solved...) {
		last := m.entries[k.ID][k.Version-1]
		words := strings.Join(strings.Fields(last.Body), " ")
		rows = append(rows, store.DeskRow{
			Ticket: *k, Due: m.due(k), Words: strings.TrimSpace(words[:min(len(words), 4)]),
			Last: last.Kind, Unread: m.reads[modelDraft{k.ID, by.Agent, ""}] < k.Version,
		})
	}
	return rows
}

func (m *model) fits(by store.Actor, f store.TicketFilter, k *store.Ticket) bool {
	solved := k.Status == store.StatusSolved
	shown := map[store.View]bool{
		"": !solved, store.ViewMine: k.Assignee == by.Agent && !solved, store.ViewUnassigned: k.Assignee == 0 && !solved,
		store.ViewWaitingUs: k.Status == store.StatusOpen, store.ViewWaitingPartner: k.Status == store.StatusPending,
		store.ViewTrouble: k.InTrouble() && !solved, store.ViewUnopened: k.SeenAt.IsZero() && !solved,
		store.ViewAll: true, store.ViewSolved: solved,
	}
	tagged := slices.ContainsFunc(k.Tags, func(tag string) bool { return slices.Contains(f.Tags, tag) })
	return shown[f.View] && (len(f.Tags) == 0 || tagged) &&
		(len(f.Regions) == 0 || slices.Contains(f.Regions, k.Region)) &&
		(len(f.Priorities) == 0 || slices.Contains(f.Priorities, k.Priority)) &&
		(len(f.Assignees) == 0 || slices.Contains(f.Assignees, k.Assignee)) &&
		strings.Contains(strings.ToLower(k.Number+" "+k.Requester.Email), strings.ToLower(f.Query))
}
