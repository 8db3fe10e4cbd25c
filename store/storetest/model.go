package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// model is the store as plain slices and maps, each verb in the fewest words
// that say what its contract says. It takes what a driver may choose (ids,
// claims) from the driver's results.
type model struct {
	tickets  []*store.Ticket
	entries  map[store.TicketID][]store.Entry
	links    map[store.LinkID]*modelLink
	posts    map[string]modelPost
	last     map[string]int // ticket number by prefix
	outs     []*modelMail
	boxes    map[string]*store.MailboxState
	mails    []*store.Inbound
	raws     map[store.InboundID]string
	rawsTo   store.InboundID      // the last that was looked at
	answered map[string]time.Time // until when a sender is not answered again
	usage    map[store.Budget]store.Usage
	waits    []*modelWait                // for room in a budget, by turn
	on       map[string]*store.Responder // by mailbox, "" for all
	tripped  *store.Budget
	armed    time.Time          // when the breaker last closed
	watched  []store.OutboundID // answers that went out
	back     map[store.OutboundID]bool
	held     []*store.Suppression
	heldLast store.SuppressionID
	refused  []*store.Refusal // the one seen last at the end
	agents   []*modelAgent
	sessions []*modelSession
	hours    map[modelHour]*store.Tally
	undos    map[store.OutboundID][2]store.Ticket // the ticket before a reply and after it
	drafts   map[modelDraft]store.Draft
	reads    map[modelDraft]uint32
	audits   []store.AuditEvent
}

type modelLink struct {
	ticket  store.TicketID
	expires time.Time
	revoked bool
}

type modelPost struct {
	ticket      store.TicketID
	seq         uint32
	at          time.Time
	fingerprint [32]byte
}

type modelMail struct {
	store.Outbound
	overdue bool // claimed, and its lease ran out
}

func newModel() *model {
	return &model{
		entries: map[store.TicketID][]store.Entry{}, links: map[store.LinkID]*modelLink{}, posts: map[string]modelPost{},
		last: map[string]int{}, boxes: map[string]*store.MailboxState{}, raws: map[store.InboundID]string{},
		answered: map[string]time.Time{}, usage: map[store.Budget]store.Usage{},
		on: map[string]*store.Responder{}, back: map[store.OutboundID]bool{},
		hours: map[modelHour]*store.Tally{}, undos: map[store.OutboundID][2]store.Ticket{},
		drafts: map[modelDraft]store.Draft{}, reads: map[modelDraft]uint32{},
	}
}

func (m *model) ticket(id store.TicketID) *store.Ticket {
	for _, k := range m.tickets {
		if k.ID == id {
			return k
		}
	}
	return nil
}

func (m *model) out(id store.OutboundID) *modelMail {
	for _, o := range m.outs {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (m *model) mail(id store.InboundID) *store.Inbound {
	for _, k := range m.mails {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// spend charges all the budgets or none, and returns the one that is spent. A budget
// is the same whatever its limit.
func (m *model) spend(now time.Time, budgets ...store.Budget) (spent *store.Budget) {
	before := map[store.Budget]store.Usage{}
	for k, v := range m.usage {
		before[k] = v
	}
	for _, b := range budgets {
		key := b
		key.Limit, key.Final = 0, false
		usage, ok := b.Spend(m.usage[key], now)
		if !ok {
			m.usage = before
			return &b
		}
		if !b.Unlimited() {
			m.usage[key] = usage
		}
	}
	return nil
}

func (m *model) openTicket(now time.Time, n store.NewTicket, ids store.Opened) (store.Opened, error) {
	if p, ok := m.posts["open "+n.Idempotency]; ok && n.Idempotency != "" && now.Sub(p.at) < store.IdempotencyKept {
		opened := store.Opened{Ticket: *m.ticket(p.ticket), Replayed: true}
		for _, o := range slices.Backward(m.outs) {
			if o.Ticket == p.ticket {
				opened.Confirmation = o.Outbound
			}
		}
		if p.fingerprint != n.Fingerprint {
			return opened, store.ErrConflict
		}
		return opened, nil
	}
	allowed := m.allow(now, n.Requester.Email, n.Budgets)
	m.last[n.Region.Prefix]++
	k := &store.Ticket{
		ID: ids.Ticket.ID, Number: fmt.Sprintf("%s-%d", n.Region.Prefix, 1000+m.last[n.Region.Prefix]), Region: n.Region.ID,
		Channel: n.Channel, Status: store.StatusOpen, Requester: n.Requester, Category: n.Category, Title: n.Title,
		OpenedAt: now, ChangedAt: now, Promise: n.Promise, Link: n.Link, Entries: 1, Version: 1,
		LastPublic: store.EntryMessage, LastPublicAt: now, LastPartnerAt: now, Priority: store.PriorityNormal,
	}
	if allowed.dead {
		k.Question = store.QuestionUndeliverable
	}
	m.tickets = append(m.tickets, k)
	m.hour(now, "region", k.Region).Opened++
	m.entries[k.ID] = []store.Entry{{
		Ticket: k.ID, Seq: 1, Kind: store.EntryMessage, Author: n.Requester.Name,
		At: now, Body: n.Body, Files: n.Files, By: store.ActorPartner,
	}}
	m.links[n.Link] = &modelLink{ticket: k.ID, expires: n.LinkExpires}
	m.posts["open "+n.Idempotency] = modelPost{k.ID, 1, now, n.Fingerprint}
	o := &modelMail{Outbound: store.Outbound{
		ID: ids.Confirmation.ID, Kind: store.MailConfirmation, Region: n.Region.ID,
		From: n.Region.Address, FromName: n.Region.Name,
		To: n.Requester.Email, Langs: []string{n.Requester.Lang}, MessageID: n.MessageID, Ticket: k.ID, Number: k.Number,
		Promise: n.Promise, Link: n.Link, QueuedAt: now, State: store.StateQueued, DueAt: now,
	}}
	m.confirm(now, o, allowed, n.Network)
	return store.Opened{Ticket: *k, Confirmation: o.Outbound}, nil
}

func (m *model) linked(now time.Time, id store.LinkID) (*store.Ticket, error) {
	if l := m.links[id]; l != nil && !l.revoked && now.Before(l.expires) {
		return m.ticket(l.ticket), nil
	}
	return nil, store.ErrNotFound
}

func (m *model) appendMessage(now time.Time, n store.NewMessage) (store.Entry, error) {
	k, err := m.linked(now, n.Link)
	if err != nil {
		return store.Entry{}, err
	}
	key := string(n.Link[:]) + n.Idempotency
	if p, ok := m.posts[key]; ok && n.Idempotency != "" && now.Sub(p.at) < store.IdempotencyKept {
		e := m.entries[p.ticket][p.seq-1]
		if p.fingerprint != n.Fingerprint {
			return e, store.ErrConflict
		}
		return e, nil
	}
	if k.StatusAt(now) == store.StatusClosed {
		return store.Entry{}, store.ErrClosed
	}
	if k.ProvenAt.IsZero() {
		k.ProvenAt = now
	}
	e := store.Entry{Kind: store.EntryMessage, Author: k.Requester.Name, At: now, Body: n.Body, Files: n.Files,
		By: store.ActorPartner}
	if k.Status == store.StatusPending || k.Status == store.StatusSolved {
		e.Change = store.Change{StatusFrom: k.Status, StatusTo: store.StatusOpen}
		m.setStatus(now, k, store.StatusOpen)
	}
	e = m.addEntry(k, e)
	m.posts[key] = modelPost{k.ID, e.Seq, now, n.Fingerprint}
	return e, nil
}

func (m *model) revokeLink(now time.Time, id store.LinkID) error {
	l := m.links[id]
	if l == nil || !now.Before(l.expires) {
		return store.ErrNotFound
	}
	l.revoked = true
	return nil
}

func (m *model) claim(now time.Time, c store.Claim) (rows []store.Outbound) {
	due, leased := m.dueMails(now)
	for _, o := range due {
		domain := store.Domain(o.To)
		if to := origin.Organisation(domain); c.Only != "" && c.Only != to || slices.Contains(c.Except, to) {
			continue
		}
		if len(rows) == c.Limit || c.PerDomain > 0 && leased[domain] >= c.PerDomain {
			continue
		}
		if m.replaced(o) {
			m.replace(now, o)
			continue
		}
		if reason, dead := m.withheld(now, o.To, o.Kind); reason != "" {
			m.withhold(now, o, reason, dead)
			continue
		}
		leased[domain]++
		delete(m.undos, o.ID)
		o.overdue, o.State = false, store.StateClaimed
		o.Attempts++
		o.DueAt, o.Owner = now.Add(c.Lease.Of(o.Attempts)), c.Owner
		rows = append(rows, o.Outbound)
	}
	return rows
}

// dueMails are the mails that may be claimed, in their order, and how many of each domain
// are under way. A claim that is over ends.
func (m *model) dueMails(now time.Time) (due []*modelMail, leased map[string]int) {
	leased = map[string]int{}
	for _, o := range m.outs {
		if o.State == store.StateClaimed && !o.overdue && !o.DueAt.After(now) {
			o.overdue = o.Kind != store.MailAutoResponse
			if !o.overdue {
				m.giveUp(o, now)
			}
		}
		if o.State == store.StateClaimed && !o.overdue {
			leased[store.Domain(o.To)]++
		}
		if (o.State == store.StateQueued || o.State == store.StateHeld || o.overdue) && !o.DueAt.After(now) {
			due = append(due, o)
		}
	}
	slices.SortStableFunc(due, func(a, b *modelMail) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID))
	})
	return due, leased
}

// endLeases ends the claims of a process that is gone.
func (m *model) endLeases(now time.Time, owner string) (n int) {
	for _, o := range m.outs {
		switch {
		case o.State != store.StateClaimed || o.overdue || owner != "" && o.Owner != owner:
		case o.Kind == store.MailAutoResponse:
			m.giveUp(o, now)
			n++
		case o.Attempts < store.LeaseTries:
			o.State, o.DueAt, o.Claim, o.Owner = store.StateQueued, now, 0, ""
			if o.Hold.Stage != "" {
				o.State = store.StateHeld
			}
			n++
		}
	}
	return n
}

// pull makes due what waits longer than by.
func (m *model) pull(now, by time.Time) (n int) {
	for _, o := range m.outs {
		switch claimed := o.State == store.StateClaimed && !o.overdue; {
		case !o.DueAt.After(by):
			continue
		case claimed && o.Kind == store.MailAutoResponse:
			m.giveUp(o, now)
		default:
			o.DueAt, o.overdue = now, o.State == store.StateClaimed
			if o.UndoUntil.After(now) {
				o.UndoUntil = now
			}
		}
		n++
	}
	return n
}

// giveUp ends an answer that may have gone out.
func (m *model) giveUp(o *modelMail, now time.Time) {
	o.end(store.StateUnknown, now)
	m.countEnd(o)
	m.watch(o)
}

func (o *modelMail) end(state store.OutboundState, now time.Time) {
	o.State, o.DoneAt, o.DueAt, o.Claim, o.Owner, o.overdue = state, now, time.Time{}, 0, "", false
}

func (m *model) finish(now time.Time, f store.Finish) error {
	o := m.out(f.ID)
	switch {
	case o == nil:
		return store.ErrNotFound
	case o.State != store.StateClaimed || o.Claim != f.Claim:
		return store.ErrConflict
	case f.State == store.StateUnknown && o.Kind != store.MailAutoResponse:
		return store.ErrInvalid
	}
	if !f.Untried {
		if len(o.Tries) == 20 {
			o.Tries = o.Tries[1:]
		}
		o.Tries = append(slices.Clip(o.Tries), store.Try{
			Number: o.Attempts, At: now, Server: f.Server, State: f.State, Reply: f.Reply})
	}
	o.Reply, o.Code, o.Enhanced = f.Reply, f.Code, f.Enhanced
	if f.State == store.StateQueued || f.State == store.StateHeld {
		o.State, o.DueAt, o.Claim, o.Owner, o.overdue, o.Hold.Stage = f.State, f.DueAt, 0, "", false, f.Hold
		if first := o.Hold.Since.IsZero(); f.State == store.StateHeld {
			if o.Hold.Last = now; first {
				o.Hold.Since = now
			}
			if first && f.Report.Outcome != "" {
				m.refuse(now, o, f.Report)
			}
			if k := m.ticket(o.Ticket); o.Kind == store.MailReply && k.Trouble == "" {
				k.Trouble = store.EventMailHeld
			}
		}
		return nil
	}
	o.end(f.State, now)
	m.countEnd(o)
	refused := f.Report.Outcome != ""
	if f.State != store.StateFailed || refused {
		m.watch(o)
	}
	if fate := store.FateOf(store.KindBounce, f.Report); refused && fate.Outranks(o.Delivery.Fate) {
		m.meet(now, o, fate, f.Report, 0)
		return nil
	}
	if f.State == store.StateFailed {
		m.fails(now, o)
	}
	if f.State == store.StateSent && o.Kind == store.MailReply {
		m.accept(now, o)
	}
	return nil
}

// next is when the outbox is due, and since when its oldest row waits.
func (m *model) next() (due, since time.Time) {
	for _, o := range m.outs {
		if o.State.Waiting() {
			if due.IsZero() || o.DueAt.Before(due) {
				due = o.DueAt
			}
			if since.IsZero() || o.QueuedAt.Before(since) {
				since = o.QueuedAt
			}
		}
	}
	return due, since
}

func (m *model) connect(now time.Time, name string) store.MailboxState {
	if m.boxes[name] == nil {
		m.boxes[name] = &store.MailboxState{Mailbox: name, ConnectedAt: store.ConnectionInstant(now)}
	}
	return *m.boxes[name]
}

func (m *model) beginEpoch(name string, validity uint32) store.MailboxState {
	if b := m.boxes[name]; b.UIDValidity != validity {
		b.UIDValidity, b.UID = validity, 0
	}
	return *m.boxes[name]
}

func (m *model) skipTo(name string, validity, uid uint32) error {
	b := m.boxes[name]
	if b.UIDValidity != validity {
		return store.ErrConflict
	}
	b.UID = max(b.UID, uid)
	return nil
}

// record takes the ids of new rows from got.
func (m *model) record(now time.Time, mails []store.NewInbound, got []store.Inbound) (rows []store.Inbound) {
	for i, n := range mails {
		known := m.find(func(k *store.Inbound) bool {
			return k.Mailbox == n.Mailbox && k.UIDValidity == n.UIDValidity && k.UID == n.UID
		})
		if known == nil {
			known = m.find(func(k *store.Inbound) bool {
				return k.Mailbox == n.Mailbox && k.UIDValidity != n.UIDValidity && k.Hash == n.Hash
			})
		}
		if known == nil {
			known = &store.Inbound{
				ID: got[i].ID, Mailbox: n.Mailbox, InternalDate: n.InternalDate, SeenAt: now, Size: n.Size, Hash: n.Hash,
				MessageID: n.MessageID, From: n.From, Subject: n.Subject, Blob: n.Blob, State: store.InboundStored,
			}
			m.mails = append(m.mails, known)
			m.raws[known.ID] = string(n.Raw)
			m.hour(now, "mailbox", n.Mailbox).Came++
		}
		known.UIDValidity, known.UID = n.UIDValidity, n.UID
		rows = append(rows, *known)
	}
	return rows
}

func (m *model) find(match func(*store.Inbound) bool) *store.Inbound {
	if i := slices.IndexFunc(m.mails, match); i >= 0 {
		return m.mails[i]
	}
	return nil
}

// decide takes the ids of the answers from got.
func (m *model) decide(now time.Time, decisions []store.Decision, got []store.Inbound) (rows []store.Inbound) {
	for i, d := range decisions {
		k := m.mail(d.ID)
		if k.State == store.InboundStored {
			k.State, k.DecidedAt, k.Verdict = store.InboundDecided, now, d.Verdict
			k.Verdict.Rules = slices.Clone(d.Verdict.Rules)
			if d.Verdict.Answer && d.Answer != nil {
				m.answer(now, k, d, got[i].Answer)
			}
			m.countSettled(k)
			m.report(now, k)
			m.echo(now, k)
		}
		rows = append(rows, *k)
	}
	for _, k := range rows {
		if b := m.boxes[k.Mailbox]; b.UIDValidity == k.UIDValidity {
			b.UID = max(b.UID, k.UID)
		}
	}
	return rows
}

func (m *model) quarantine(now time.Time, id store.InboundID, reason string) (store.Inbound, error) {
	k := m.mail(id)
	if k.State != store.InboundStored {
		return store.Inbound{}, store.ErrConflict
	}
	if k.Attempts++; k.Attempts == 3 {
		k.State, k.Fault, k.DecidedAt = store.InboundQuarantined, reason, now
		m.countSettled(k)
		if b := m.boxes[k.Mailbox]; b.UIDValidity == k.UIDValidity {
			b.UID = max(b.UID, k.UID)
		}
	}
	return *k, nil
}

func (m *model) dropRaws(before time.Time, limit int) (n int) {
	for _, k := range m.mails {
		if k.ID <= m.rawsTo {
			continue
		}
		if limit == 0 || !k.SeenAt.Before(before) {
			break
		}
		limit--
		m.rawsTo = k.ID
		if k.State != store.InboundStored {
			k.RawDropped, k.Blob = true, ""
			n++
		}
	}
	return n
}

func (m *model) stats() store.Stats {
	s := store.Stats{
		Tickets: map[string]uint64{}, Outbounds: map[store.OutboundState]uint64{}, Inbounds: map[store.InboundState]uint64{},
		Verdicts: map[store.Kind]uint64{}, Rules: map[string]uint64{},
		Fates: map[store.Fate]uint64{}, Throttled: map[string]uint64{},
	}
	for _, w := range m.waits {
		s.Throttled[w.spent.Name]++
	}
	for _, k := range m.tickets {
		s.Tickets[k.Region]++
	}
	for _, o := range m.outs {
		s.Outbounds[o.State]++
		if o.Delivery.Fate != "" {
			s.Fates[o.Delivery.Fate]++
		}
	}
	for _, k := range m.mails {
		s.Inbounds[k.State]++
		if k.State == store.InboundDecided {
			s.Verdicts[k.Verdict.Kind]++
		}
		seen := ""
		for _, r := range k.Verdict.Rules {
			if !strings.Contains(seen, "<"+r.ID+">") {
				seen += "<" + r.ID + ">"
				s.Rules[r.ID]++
			}
		}
	}
	_, s.OldestQueued = m.next()
	return s
}
