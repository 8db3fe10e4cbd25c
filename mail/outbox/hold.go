package outbox

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// HoldStatus is mail kept back since the relay refuses it for a reason of ours. It ends by
// itself with the first mail that is taken.
type HoldStatus struct {
	Domain  string // the registered domain whose mail it is; "" for all mail
	Since   time.Time
	Words   string // the relay's, of the last refusal
	Stage   Stage  // at which they came
	Refused int    // mails and probes refused
	ProbeAt time.Time
}

// Waits between the probes of a hold: doubling within its first hour, then even.
const (
	holdFirst   = 5 * time.Second
	holdLast    = time.Minute
	holdEager   = time.Hour
	holdPatient = 10 * time.Minute
)

// holdWait is how long to wait after so many refusals (1 for the first), the first of
// which lies age back.
func holdWait(refused int, age time.Duration) time.Duration {
	if age >= holdEager {
		return holdPatient
	}
	wait := holdFirst
	for i := 1; i < refused && wait < holdLast; i++ {
		wait *= 2
	}
	return min(wait, holdLast)
}

// holdDomains is how many unrelated domains must meet refusals of ours, and no mail
// be taken in between, for all mail to be held: a few strangers' servers must not
// stop a desk.
const holdDomains = 3

// holds decide which mail is kept back, and probe whether it still has to be: of
// what a hold covers one mail at a time is tried. They are safe for concurrent use.
type holds struct {
	seen func(h HoldStatus, over bool)

	mu      sync.Mutex
	all     *hold
	domains map[string]*hold
	met     map[string]bool      // domains that newly met refusals of ours since the relay last took a mail
	freed   map[string]time.Time // when the last hold over a domain ended, "" that over all mail
}

// freedKept is how long it is remembered when a hold ended.
const freedKept = time.Hour

type hold struct {
	HoldStatus
	began time.Time          // when its waits did: in this process, for all mail
	tries int                // refused since
	probe store.OutboundID   // the mail that tries, 0 while none does
	rows  []store.OutboundID // that were refused, at most maxRecall
}

func newHolds(seen func(HoldStatus, bool)) *holds {
	return &holds{seen: seen, domains: map[string]*hold{}, met: map[string]bool{},
		freed: map[string]time.Time{}}
}

// now lists the holds, the one of all mail alone where there is one, else the oldest
// first.
func (h *holds) now() (list []HoldStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all != nil {
		return []HoldStatus{h.all.HoldStatus}
	}
	for _, d := range h.domains {
		list = append(list, d.HoldStatus)
	}
	slices.SortFunc(list, func(a, b HoldStatus) int { return a.Since.Compare(b.Since) })
	return list
}

// over returns the hold that a row is under, nil for none; the caller has the lock.
func (h *holds) over(row store.Outbound) *hold {
	if h.all != nil || len(h.domains) == 0 {
		return h.all
	}
	return h.domains[origin.Organisation(row.To)]
}

// covers tells whether mail to an address is under a hold.
func (h *holds) covers(address string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.over(store.Outbound{To: address}) != nil
}

// passes tells whether a claimed row may be tried now; if not, when it is due again.
func (h *holds) passes(row store.Outbound) (bool, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	over := h.over(row)
	if over == nil || over.probe == row.ID {
		return true, time.Time{}
	}
	return false, over.ProbeAt
}

// refuse takes down that the relay refused a row for a reason of ours, and returns
// when the row is due again: with the hold's next probe, for which mail that was not
// refused yet goes first. A row that was held before its hold ended is a matter of
// its own, since the mail around it goes out, and waits by itself.
func (h *holds) refuse(row store.Outbound, d *DeliveryError, now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	domain, isFirst := origin.Organisation(row.To), row.Hold.Since.IsZero()
	over := h.over(row)
	switch {
	case h.all == nil && h.meansAll(domain, d.Stage, over == nil, isFirst):
		over = h.widen(now)
	case over == nil && isFirst:
		over = &hold{HoldStatus: HoldStatus{Domain: domain, Since: now}, began: now}
		h.domains[domain] = over
	case over == nil:
		return now.Add(holdWait(row.Attempts, now.Sub(row.Hold.Since)))
	}
	isNew := over.Refused == 0
	if over.probe == row.ID || isNew {
		over.Refused++
		over.tries++
		over.ProbeAt = now.Add(over.wait(now))
		over.probe = 0
	}
	if over.Words, over.Stage = d.said(), d.Stage; isNew {
		h.seen(over.HoldStatus, false)
	}
	if len(over.rows) < maxRecall && !slices.Contains(over.rows, row.ID) {
		over.rows = append(over.rows, row.ID)
	}
	return over.ProbeAt
}

// meansAll tells whether a refusal shows that all mail is refused. Only what a
// domain says anew counts towards holdDomains: the probes of the holds over a few
// domains are refused one after another for days, and while no other mail is sent
// the relay takes nothing in between.
func (h *holds) meansAll(domain string, at Stage, isFree, isFirst bool) bool {
	if isFree && isFirst {
		h.met[domain] = true
		return at == StageMail || len(h.met) >= holdDomains
	}
	return at == StageMail && !isFree
}

// wait is how long until the next probe.
func (h *hold) wait(now time.Time) time.Duration { return holdWait(h.tries, now.Sub(h.began)) }

// widen makes one hold over all mail of those over the domains that led to it. One
// that lasts while other mail is taken is of its own, and stays: all mail must not
// wait as long as it does, nor be probed by its mail.
func (h *holds) widen(now time.Time) *hold {
	h.all = &hold{HoldStatus: HoldStatus{Since: now}, began: now}
	for domain, d := range h.domains {
		if !h.met[domain] {
			continue
		}
		if d.Since.Before(h.all.Since) {
			h.all.Since = d.Since
		}
		h.all.rows = append(h.all.rows, d.rows...)
		delete(h.domains, domain)
	}
	return h.all
}

// took ends the hold that a row taken by the relay shows to be over, and returns the
// rows that it made wait.
func (h *holds) took(row store.Outbound) []store.OutboundID {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.met)
	over := h.over(row)
	if over == nil {
		return nil
	}
	h.end(over)
	return slices.DeleteFunc(over.rows, func(id store.OutboundID) bool { return id == row.ID })
}

// end ends a hold; the caller has the lock.
func (h *holds) end(over *hold) {
	if over == h.all {
		h.all = nil
	} else {
		delete(h.domains, over.Domain)
	}
	now := time.Now()
	maps.DeleteFunc(h.freed, func(_ string, at time.Time) bool { return now.Sub(at) > freedKept })
	h.freed[over.Domain] = now
	h.seen(over.HoldStatus, true)
}

// freedAt is when the last hold over an address's mail ended, zero where that is not
// remembered.
func (h *holds) freedAt(address string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	all, own := h.freed[""], h.freed[origin.Organisation(address)]
	if own.After(all) {
		return own
	}
	return all
}

// unproven takes down that a row's try told nothing of its hold: it is probed again
// after as long as before, or at once where the relay was not asked.
func (h *holds) unproven(row store.Outbound, asked bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	over := h.over(row)
	if over == nil || over.probe != row.ID {
		return
	}
	over.probe = 0
	if asked {
		over.ProbeAt = now.Add(over.wait(now))
	}
}

// hasten makes every hold due to be probed now, after a person mended something.
func (h *holds) hasten(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all != nil {
		h.all.ProbeAt = now
	}
	for _, d := range h.domains {
		d.ProbeAt = now
	}
}

// plan is what may be claimed now.
type plan struct {
	none   bool      // nothing: all mail is held, and no probe is due
	probe  bool      // one mail, which probes the hold over all
	probes []string  // domains of which one mail probes
	except []string  // domains whose mail is left alone, but where there is no other that probes
	next   time.Time // when the next probe is due; zero: none
}

func (h *holds) plan(now time.Time) (p plan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.all; a != nil {
		p.except = slices.Collect(maps.Keys(h.domains))
		due := a.probe == 0 && !a.ProbeAt.After(now)
		if a.probe == 0 {
			p.next = a.ProbeAt
		}
		p.none, p.probe = !due, due
		return p
	}
	for domain, d := range h.domains {
		p.except = append(p.except, domain)
		switch {
		case d.probe != 0:
		case !d.ProbeAt.After(now):
			p.probes = append(p.probes, domain)
		case p.next.IsZero() || d.ProbeAt.Before(p.next):
			p.next = d.ProbeAt
		}
	}
	return p
}

// send notes the row that probes a hold ("" for that over all), the zero ID when
// there was none to send: a hold over nothing is over.
func (h *holds) send(domain string, id store.OutboundID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	over := h.domains[domain]
	if domain == "" {
		over = h.all
	}
	switch {
	case over == nil:
	case id != 0:
		over.probe = id
	case domain != "":
		h.end(over)
	}
}

// idle ends the hold over all mail when there is none.
func (h *holds) idle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all != nil && h.all.probe == 0 {
		h.end(h.all)
	}
}

// maxRecall is how many held mails a sender looks at when it begins, and has tried
// at once when a hold ends; the others come with their own time.
const maxRecall = 1000

// recall takes up the holds that a process before this one left, by the mails it
// left held. They are probed when those are due, one after another. A hold over all
// mail leaves the same rows as holds over a few domains, unless it was told at
// MAIL; so with holdDomains held the next mail that is refused anew widens them, and
// one that is taken shows that they are no more than that.
func (s *Sender) recall(ctx context.Context) error {
	rows, err := store.Items(s.store.HeldOutbounds(ctx, store.Page{Limit: maxRecall}))
	if err != nil {
		return err
	}
	h, now := s.holds, time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	var atMail []store.Outbound
	for _, row := range rows {
		h.take(row)
		if row.Hold.Stage == string(StageMail) {
			atMail = append(atMail, row)
		}
	}
	if len(atMail) > 0 {
		clear(h.met)
		for _, row := range atMail {
			h.met[origin.Organisation(row.To)] = true
		}
		over := h.widen(now)
		over.Refused, over.Words, over.Stage, over.ProbeAt = len(atMail), atMail[0].Reply, StageMail, now
	}
	next := now
	for _, d := range h.domains {
		if d.ProbeAt.Before(next) {
			d.ProbeAt, next = next, next.Add(holdFirst)
		}
	}
	return nil
}

// take adds a row that was held before to the hold over its domain; the caller has
// the lock.
func (h *holds) take(row store.Outbound) {
	domain := origin.Organisation(row.To)
	h.met[domain] = true
	d := h.domains[domain]
	if d == nil {
		d = &hold{HoldStatus: HoldStatus{
			Domain: domain, Since: row.Hold.Since, Words: row.Reply, Stage: Stage(row.Hold.Stage), ProbeAt: row.DueAt,
		}, began: row.Hold.Since}
		h.domains[domain] = d
	}
	d.Refused++
	d.tries++
	d.rows = append(d.rows, row.ID)
	if row.Hold.Since.Before(d.Since) {
		d.Since, d.began = row.Hold.Since, row.Hold.Since
	}
	if row.DueAt.Before(d.ProbeAt) {
		d.ProbeAt = row.DueAt
	}
}
