package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

// Automatic answers, their switches, and what stands beside those on a page, in the
// model's words.

func (m *model) switchOf(box string) *store.Responder {
	if m.on[box] == nil {
		m.on[box] = &store.Responder{On: true}
	}
	return m.on[box]
}

// responder is the switch of all answers as it is at now.
func (m *model) responder(now time.Time) store.Responder {
	r := *m.switchOf("")
	if r.Tripped && !now.Before(r.RearmsAt) {
		return store.Responder{On: true, Since: r.RearmsAt, Reason: "the breaker's pause was over", Trips: r.Trips}
	}
	return r
}

// rearm closes a breaker whose pause is over.
func (m *model) rearm(now time.Time) {
	if r := m.responder(now); m.switchOf("").Tripped && r.On {
		m.armed = r.Since
		*m.switchOf("") = r
		m.forgetTrip()
	}
}

func (m *model) forgetTrip() {
	m.watched, m.back = nil, map[store.OutboundID]bool{}
	if m.tripped != nil {
		key := *m.tripped
		key.Limit = 0
		delete(m.usage, key)
		m.tripped = nil
	}
}

func (m *model) switchResponder(now time.Time, by string, s store.Switch) store.Responder {
	old := *m.switchOf(s.Mailbox)
	m.on[s.Mailbox] = &store.Responder{On: s.On, Since: now, By: by, Reason: s.Reason, Trips: old.Trips}
	if old.Tripped {
		m.armed = now
		if old.RearmsAt.Before(now) {
			m.armed = old.RearmsAt
		}
	}
	if s.On && s.Mailbox == "" {
		m.forgetTrip()
	}
	return *m.on[s.Mailbox]
}

// trip opens the breaker.
func (m *model) trip(now time.Time, why string, at store.InboundID) {
	trips := 1
	if !m.armed.IsZero() && now.Sub(m.armed) < 7*24*time.Hour {
		trips += m.switchOf("").Trips
	}
	pause := 10 * time.Minute
	for i := 1; i < trips && pause < 24*time.Hour; i++ {
		pause = min(2*pause, 24*time.Hour)
	}
	m.on[""] = &store.Responder{
		Tripped: true, Since: now, Reason: "the breaker tripped: " + why, Inbound: at, Trips: trips, RearmsAt: now.Add(pause),
	}
}

// latest is the mail with the highest UID of the running epoch.
func (m *model) latest(box string) (store.Inbound, error) {
	var found *store.Inbound
	for _, k := range m.mails {
		if k.Mailbox == box && k.UIDValidity == m.boxes[box].UIDValidity && (found == nil || k.UID > found.UID) {
			found = k
		}
	}
	if found == nil {
		return store.Inbound{}, store.ErrNotFound
	}
	return *found, nil
}

func (m *model) answer(now time.Time, k *store.Inbound, d store.Decision, id store.OutboundID) {
	stops := m.stops(now, k, d)
	if len(stops) > 0 {
		k.Verdict.Rules, k.Verdict.Answer = append(k.Verdict.Rules, stops...), false
		return
	}
	m.answered[d.Limits.Sender] = now.Add(d.Limits.Period)
	k.Answer = id
	o := &modelMail{Outbound: *d.Answer}
	o.ID, o.Inbound, o.State, o.QueuedAt, o.DueAt = id, k.ID, store.StateQueued, now, now
	m.outs = append(m.outs, o)
	if o.Link != (store.LinkID{}) {
		m.links[o.Link] = &modelLink{ticket: o.Ticket, expires: d.LinkExpires}
	}
}

// stops are the rules that stop an answer; without any, the budgets are charged.
func (m *model) stops(now time.Time, k *store.Inbound, d store.Decision) (rules []store.Rule) {
	limits := d.Limits
	m.rearm(now)
	stop := func(id, evidence string) {
		rules = append(rules, store.Rule{ID: id, Effect: store.EffectStop, Evidence: evidence})
	}
	if all := m.switchOf(""); all.Tripped {
		stop(store.RuleBreaker, all.Reason)
	} else if !all.On {
		stop(store.RuleOff, all.Reason)
	}
	if own := m.switchOf(k.Mailbox); !own.On {
		stop(store.RuleMailbox, own.Reason)
	}
	if connected := m.boxes[k.Mailbox].ConnectedAt; k.InternalDate.Before(connected) {
		stop(store.RuleConnected, connected.Format(time.RFC3339))
	}
	if until := m.answered[limits.Sender]; now.Before(until) {
		stop(store.RuleAnswered, "until "+until.Format(time.RFC3339))
	}
	if reason, _ := m.withheld(now, d.Answer.To, store.MailAutoResponse); reason != "" {
		stop(store.RuleSuppressed, strings.TrimPrefix(reason, store.RuleSuppressed+": "))
	}
	before := map[store.Budget]store.Usage{}
	for key, usage := range m.usage {
		before[key] = usage
	}
	if spent := m.spend(now, limits.Budgets...); spent != nil {
		stop(store.RuleBudget, spent.Name)
	}
	if len(rules) == 0 {
		why := ""
		if back, all := m.returned(); len(m.watched) >= limits.Returns.Least && back >= limits.Returns.Parties &&
			100*back > limits.Returns.Percent*all {
			why = fmt.Sprintf("the answers to %d of the last %d unrelated senders came back", back, all)
		} else if spent := m.spend(now, limits.Breaker); spent != nil {
			m.tripped, why = &limits.Breaker, spent.Name
		}
		if why != "" {
			stop(store.RuleBreaker, why)
			m.trip(now, why, k.ID)
		}
	}
	if len(rules) > 0 {
		m.usage = before
	}
	return rules
}

func (m *model) markRestored(now time.Time) {
	m.sessions = nil
	for _, b := range m.boxes {
		b.ConnectedAt = store.ConnectionInstant(now)
	}
	for _, o := range m.outs {
		if o.Kind == store.MailAutoResponse && o.State.Waiting() {
			m.giveUp(o, now)
		}
	}
}
