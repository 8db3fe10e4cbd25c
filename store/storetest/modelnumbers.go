package storetest

import (
	"cmp"
	"slices"
	"time"

	"signpost/store"
)

// modelHour is an hour and what is counted in it: a region, a mailbox, a domain.
type modelHour struct {
	start    time.Time
	of, name string
}

func (m *model) hour(at time.Time, of, name string) *store.Tally {
	key := modelHour{at.Truncate(time.Hour), of, name}
	if m.hours[key] == nil {
		m.hours[key] = &store.Tally{}
	}
	return m.hours[key]
}

func (m *model) countEnd(o *modelMail) {
	m.hour(o.DoneAt, "region", o.Region).CountEnd(o.State)
	if o.State == store.StateSent {
		m.hour(o.DoneAt, "domain", store.Domain(o.To)).CountEnd(o.State)
	}
}

func (m *model) countSettled(k *store.Inbound) {
	m.hour(k.SeenAt, "mailbox", k.Mailbox).CountSettled(*k)
}

func (m *model) hoursOf(of, name string) (hours []store.Hour) {
	for key, n := range m.hours {
		if key.of == of && key.name == name && n.Volume() > 0 {
			hours = append(hours, store.Hour{Start: key.start, Tally: *n})
		}
	}
	slices.SortFunc(hours, func(a, b store.Hour) int { return a.Start.Compare(b.Start) })
	return hours
}

// domains are those of the hours from an instant on.
func (m *model) domains(from time.Time) store.Domains {
	var busiest []store.DomainTally
	for key, n := range m.hours {
		if key.of != "domain" || key.start.Before(from) {
			continue
		}
		i := slices.IndexFunc(busiest, func(d store.DomainTally) bool { return d.Domain == key.name })
		if i < 0 {
			i, busiest = len(busiest), append(busiest, store.DomainTally{Domain: key.name})
		}
		busiest[i].Add(*n)
	}
	slices.SortFunc(busiest, func(a, b store.DomainTally) int {
		return cmp.Or(cmp.Compare(b.Volume(), a.Volume()), cmp.Compare(a.Domain, b.Domain))
	})
	return store.Domains{Named: len(busiest), Busiest: store.List[store.DomainTally]{Items: busiest}}
}

// silences counts the mails that stayed without an answer.
func (m *model) silences(mailbox string) (all []store.Silence) {
	for _, k := range m.mails {
		if k.Mailbox != mailbox || k.State == store.InboundStored || k.Answer != 0 {
			continue
		}
		s := store.Silence{Mark: k.Marks()[0], Rule: k.Verdict.Decider()}
		i := slices.IndexFunc(all, func(known store.Silence) bool { return known.Mark == s.Mark && known.Rule == s.Rule })
		if i < 0 {
			i, all = len(all), append(all, s)
		}
		all[i].Count++
	}
	slices.SortFunc(all, func(a, b store.Silence) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Mark, b.Mark), cmp.Compare(a.Rule, b.Rule))
	})
	return all
}

func (r *run) readNumbers() {
	from, until := r.now.Add(-store.TallyKept+time.Hour), r.now.Add(time.Hour)
	for _, name := range []string{"us", "intl", ""} {
		r.compare("RegionHours", must1(r.store.RegionHours(r.ctx, name, from, until)), r.model.hoursOf("region", name), nil)
	}
	for _, name := range boxNames {
		hours := must1(r.store.MailboxHours(r.ctx, name, from, until))
		r.compare("MailboxHours", hours, r.model.hoursOf("mailbox", name), nil)
		r.compare("Silences", must1(r.store.Silences(r.ctx, name, from, until)), r.model.silences(name), nil)
	}
	from = r.now.Add(-30 * 24 * time.Hour).Truncate(time.Hour)
	domains := must1(r.store.ReceivingDomains(r.ctx, from, until, store.Page{Limit: 100}))
	r.compare("ReceivingDomains", domains, r.model.domains(from), nil)
}
