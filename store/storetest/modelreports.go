package storetest

import (
	"cmp"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// What reports do, in the model's words.

// withheld is why mail to the address is kept back, "" when it is not.
func (m *model) withheld(now time.Time, address string, kind store.OutboundKind) (reason string, dead bool) {
	for _, scope := range store.Scopes() {
		if s := m.suppression(now, address, scope); s != nil && scope.Stops(kind) {
			reason = store.RuleSuppressed + ": " + string(scope) + ", since " + s.Since.Format(time.RFC3339)
			return reason, scope == store.ScopeAll
		}
	}
	return "", false
}

func (m *model) suppression(now time.Time, address string, scope store.Scope) *store.Suppression {
	for _, s := range m.held {
		if origin.SuppressionKey(s.Address) == origin.SuppressionKey(address) && s.Scope == scope && s.InForce(now) {
			return s
		}
	}
	return nil
}

func (m *model) report(now time.Time, in *store.Inbound) {
	for _, r := range in.Verdict.Reports {
		o := m.out(r.Outbound)
		fate := store.FateOf(in.Verdict.Kind, r)
		if o == nil || !r.Tie.Proven() || !fate.Outranks(o.Delivery.Fate) {
			continue
		}
		m.meet(now, o, fate, r, in.ID)
	}
}

// echo tells in the thread of what came back of a mail.
func (m *model) echo(now time.Time, in *store.Inbound) {
	event, o := store.EchoOf(in.Verdict.Kind), m.out(in.Verdict.About)
	if event == "" || o == nil || o.Kind == store.MailAutoResponse || slices.Contains(o.Echoes, event) {
		return
	}
	if k := m.ticket(o.Ticket); k != nil {
		o.Echoes = append(slices.Clip(o.Echoes), event)
		m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: event, Outbound: o.ID, At: now, Body: in.Subject})
	}
}

// meet gives a mail its fate; by is the mail that told of it, 0 for the relay.
func (m *model) meet(now time.Time, o *modelMail, fate store.Fate, r store.Report, by store.InboundID) {
	o.Delivery = store.Delivery{
		Fate: fate, At: now, Status: r.Status, Reason: r.Reason, Outcome: r.Outcome, Diagnostic: r.Diagnostic, Inbound: by,
	}
	m.hour(now, "region", o.Region).CountFate(o.Delivery)
	m.hour(now, "domain", store.Domain(o.To)).CountFate(o.Delivery)
	dead := fate == store.FateBounced && r.Outcome == store.OutcomeDead
	full := fate == store.FateBounced && m.timesFull(now, o, r) >= store.FullTimes
	switch {
	case dead:
		m.suppress(now, o, store.ScopeAll, store.ScopeAll.Kept())
	case full:
		m.suppress(now, o, store.ScopeAll, store.FullWindow)
	case fate == store.FateComplained:
		m.suppress(now, o, store.ScopeAutomatic, store.ScopeAutomatic.Kept())
	case fate == store.FateRefused:
		m.refuse(now, o, r)
	}
	event := map[store.Fate]store.Event{
		store.FateBounced: store.EventMailBounced, store.FateRefused: store.EventMailRefused,
		store.FateComplained: store.EventMailComplained,
	}[fate]
	k := m.ticket(o.Ticket)
	switch {
	case event == "":
	case o.Kind == store.MailAutoResponse:
		m.suppress(now, o, store.ScopeAnswers, 0)
		if slices.Contains(m.watched, o.ID) {
			m.back[o.ID] = true
		}
	case k != nil:
		if (dead || full) && store.AddressKey(k.Requester.Email) == store.AddressKey(o.To) {
			k.Question = store.QuestionUndeliverable
		}
		if fate != store.FateComplained {
			m.lost(k, o.ID, event)
		}
		m.addEntry(k, store.Entry{Kind: store.EntryEvent, Event: event, Outbound: o.ID, At: now, Body: r.Diagnostic})
	}
}

// timesFull is how often the mailbox was found full of late, with this time.
func (m *model) timesFull(now time.Time, o *modelMail, r store.Report) (n int) {
	if r.Reason != store.ReasonFull {
		return 0
	}
	for _, other := range m.outs {
		d := other.Delivery
		full := d.Fate == store.FateBounced && d.Reason == store.ReasonFull && now.Sub(d.At) < store.FullWindow
		if full && origin.SuppressionKey(other.To) == origin.SuppressionKey(o.To) {
			n++
		}
	}
	return n
}

// watch adds an automatic answer that went out to those watched.
func (m *model) watch(o *modelMail) {
	if o.Kind == store.MailAutoResponse {
		m.watched = append(m.watched, o.ID)
		m.watched = m.watched[max(0, len(m.watched)-store.AnswersWatched):]
	}
}

// returned is how many parties had an answer watched come back, and how many there
// are.
func (m *model) returned() (back, all int) {
	var came [][]string
	var watched [][]string
	for _, id := range m.watched {
		of := m.outs[slices.IndexFunc(m.outs, func(o *modelMail) bool { return o.ID == id })].Parties
		watched = append(watched, of)
		if m.back[id] {
			came = append(came, of)
		}
	}
	return parties(came), parties(watched)
}

// parties gives each answer a number, and those that share a key the lower one until
// nothing changes.
func parties(of [][]string) int {
	number := make([]int, len(of))
	for i := range number {
		number[i] = i
	}
	for changed := true; changed; {
		changed = false
		for i := range of {
			for j := range of {
				if number[j] < number[i] && slices.ContainsFunc(of[i],
					func(key string) bool { return slices.Contains(of[j], key) }) {
					number[i], changed = number[j], true
				}
			}
		}
	}
	slices.Sort(number)
	return len(slices.Compact(number))
}

// suppress holds an address back for a while; 0 is for good.
func (m *model) suppress(now time.Time, o *modelMail, scope store.Scope, kept time.Duration) {
	var ends time.Time
	if kept > 0 {
		ends = now.Add(kept)
	}
	s, d := m.hold(now, o.To, scope, ends), o.Delivery
	s.Reason, s.Status, s.Diagnostic, s.Outbound, s.Inbound = d.Reason, d.Status, d.Diagnostic, o.ID, d.Inbound
}

// hold is the suppression of that scope, which now ends at ends or later.
func (m *model) hold(now time.Time, address string, scope store.Scope, ends time.Time) *store.Suppression {
	s := m.suppression(now, address, scope)
	switch {
	case s == nil:
		m.heldLast++
		s = &store.Suppression{ID: m.heldLast, Address: address, Scope: scope, Since: now, Expires: ends}
		m.held = append(m.held, s)
	case ends.IsZero(), !s.Expires.IsZero() && ends.After(s.Expires):
		s.Expires = ends
	}
	return s
}

func (m *model) suppressAddress(now time.Time, n store.Suppression) store.Suppression {
	s := m.hold(now, n.Address, n.Scope, n.Expires)
	s.By, s.Note = n.By, n.Note
	return *s
}

func (m *model) refuse(now time.Time, o *modelMail, r store.Report) {
	host := r.Host
	if host == "" {
		host = store.Domain(o.To)
	}
	text := store.RefusalText(r.Diagnostic)
	seen := &store.Refusal{Host: host, Text: text, First: now}
	m.refused = slices.DeleteFunc(m.refused, func(f *store.Refusal) bool {
		if f.Host == host && f.Text == text && now.Sub(f.Last) < store.RefusalKept {
			seen = f
			return true
		}
		return false
	})
	seen.Status, seen.Reason, seen.Diagnostic, seen.Outbound, seen.Last = r.Status, r.Reason, r.Diagnostic, o.ID, now
	seen.Count++
	who := store.AddressKey(o.To)
	if i := slices.Index(seen.Addresses, who); i >= 0 {
		seen.Times[i] = now
	} else {
		seen.Addresses, seen.Times = append(seen.Addresses, who), append(seen.Times, now)
	}
	m.refused = append(m.refused, seen)
}

// refusals are those seen since, in the order of byCase.
func (m *model) refusals(since time.Time) (all []store.Refusal) {
	for _, f := range m.refused {
		if !f.Last.Before(since) {
			all = append(all, *f)
		}
	}
	slices.SortFunc(all, byCase)
	return all
}

// byCase orders refusals as they are listed, and those of one instant by name.
func byCase(a, b store.Refusal) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Text, b.Text))
}

// suppressions are those in force, newest first.
func (m *model) suppressions(now time.Time) (all []store.Suppression) {
	for _, s := range m.held {
		if s.InForce(now) {
			all = slices.Insert(all, 0, *s)
		}
	}
	return all
}

func (m *model) release(now time.Time, id store.SuppressionID) (store.Suppression, error) {
	for i, s := range m.held {
		if s.ID == id && s.InForce(now) {
			m.held = slices.Delete(m.held, i, i+1)
			return *s, nil
		}
	}
	return store.Suppression{}, store.ErrNotFound
}

func (m *model) settleQuestion(now time.Time, id store.TicketID) store.Ticket {
	k := m.ticket(id)
	if k.Question != "" {
		k.Question, k.Trouble, k.ChangedAt = "", "", now
	}
	return *k
}
