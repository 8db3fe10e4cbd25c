package storetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

// modelWait is a throttled mail and what it waits for.
type modelWait struct {
	mail    *modelMail
	network string
	turn    int
	until   time.Time
	budgets []store.Budget
	spent   *store.Budget // when it was throttled
}

// modelPermit is whether a confirmation may go to an address.
type modelPermit struct {
	withheld string
	dead     bool
	spent    *store.Budget
	budgets  []store.Budget
}

// allow charges the budgets of a confirmation that may go out now.
func (m *model) allow(now time.Time, address string, budgets []store.Budget) (p modelPermit) {
	p.budgets = budgets
	p.withheld, p.dead = m.withheld(now, address, store.MailConfirmation)
	if p.withheld != "" {
		return p
	}
	own := slices.Clone(budgets)
	for i := range own {
		if slices.ContainsFunc(m.waits, func(w *modelWait) bool { return same(*w.spent, own[i]) }) {
			own[i] = own[i].Half()
		}
	}
	p.spent = m.spend(now, own...)
	return p
}

// same tells whether two name one budget, whatever their limits.
func same(a, b store.Budget) bool { return a.Name == b.Name && a.Key == b.Key && a.Window == b.Window }

// confirm adds a confirmation, queued so far, as the permit says.
func (m *model) confirm(now time.Time, o *modelMail, p modelPermit, network string) {
	m.outs = append(m.outs, o)
	switch {
	case p.withheld != "" || p.spent != nil && p.spent.Final:
		o.State, o.Reason, o.DueAt, o.DoneAt = store.StateSuppressed, p.withheld, time.Time{}, now
		if p.spent != nil {
			o.Reason = store.RuleBudget + ": " + p.spent.Name
		}
		m.countEnd(o)
	case p.spent != nil:
		o.State, o.Reason, o.DueAt = store.StateThrottled, store.RuleBudget+": "+p.spent.Name, time.Time{}
		m.throttle(now, &modelWait{mail: o, network: network, until: o.Promise.FirstResponseBy, budgets: p.budgets,
			spent: p.spent})
	}
}

func (m *model) throttle(now time.Time, w *modelWait) {
	if w.until.IsZero() {
		w.until = now.Add(store.ThrottledKept)
	}
	if len(m.waits) > 0 {
		w.turn = m.waits[0].turn
	}
	for _, other := range m.waits {
		if other.network == w.network {
			w.turn = max(w.turn, other.turn+1)
		}
	}
	m.waits = append(m.waits, w)
	slices.SortStableFunc(m.waits, func(a, b *modelWait) int { return cmp.Compare(a.turn, b.turn) })
}

func (m *model) releaseThrottled(now time.Time, limit int) (done store.Released) {
	for _, w := range slices.Clone(m.waits) {
		if done.Queued+done.Suppressed == limit {
			break
		}
		before := maps.Clone(m.usage)
		spent := m.spend(now, w.budgets...)
		switch over := !now.Before(w.until); {
		case over || spent != nil && spent.Final:
			done.Suppressed++
			m.usage = before
			if spent != nil {
				w.mail.Reason = store.RuleBudget + ": " + spent.Name
			}
			w.mail.end(store.StateSuppressed, now)
			m.countEnd(w.mail)
			m.leaveTurn(w.mail)
		case spent == nil:
			done.Queued++
			m.unthrottle(now, w.mail)
		}
	}
	return done
}

func (m *model) unthrottle(now time.Time, o *modelMail) {
	o.State, o.Reason, o.QueuedAt, o.DueAt = store.StateQueued, "", now, now
	m.leaveTurn(o)
}

func (m *model) leaveTurn(o *modelMail) {
	m.waits = slices.DeleteFunc(m.waits, func(w *modelWait) bool { return w.mail == o })
}

func (r *run) releaseThrottled(*rapid.T) {
	limit := 1 + r.pick("limit", 4)
	want := r.model.releaseThrottled(r.now, limit)
	r.compare("ReleaseThrottled", must1(r.store.ReleaseThrottled(r.ctx, r.now, limit)), want, nil)
}

func (r *run) readThrottled() {
	var rows []store.Outbound
	for _, w := range r.model.waits {
		rows = append(rows, w.mail.Outbound)
	}
	r.compare("ThrottledOutbounds", must1(r.store.ThrottledOutbounds(r.ctx, store.Page{Limit: 1000})),
		store.List[store.Outbound]{Items: rows}, nil)
}
