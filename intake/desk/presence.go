package desk

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

const (
	// presenceKept is how long an agent is shown on a ticket after the last sign of life;
	// the page gives one every 5 s (desk.js).
	presenceKept = 15 * time.Second
	// typingKept is how long after the last key.
	typingKept = 8 * time.Second
	// maxPresent bounds the tickets somebody is shown on, and those on one of them.
	maxPresent, maxPresentOn = 10_000, 50
)

// presence knows who views which ticket and who writes. It lives in memory alone: what is
// lost with the process comes again within seconds. It is safe for concurrent use.
type presence struct {
	events *web.Events
	mu     sync.Mutex
	on     map[store.TicketID]map[store.AgentID]present
}

// present is an agent on a ticket.
type present struct {
	name, email string
	number      string
	since, seen time.Time
	typed       time.Time // the last key
	began       time.Time // the first one without a pause since
}

func newPresence(events *web.Events) *presence {
	return &presence{events: events, on: make(map[store.TicketID]map[store.AgentID]present)}
}

// sign is a sign of life that an agent's page gives.
type sign int

const (
	looks sign = iota // the page was fetched, which tells nothing of what is typed on it
	rests
	types
)

// note notes a sign of life, and tells open pages where something changed by it.
func (p *presence) note(k store.Ticket, who store.Agent, now time.Time, s sign) {
	p.mu.Lock()
	there := p.on[k.ID]
	was, known := there[who.ID]
	if there == nil {
		if len(p.on) >= maxPresent {
			p.mu.Unlock()
			return
		}
		there = make(map[store.AgentID]present)
		p.on[k.ID] = there
	}
	if !known && len(there) >= maxPresentOn {
		p.mu.Unlock()
		return
	}
	next := was
	next.name, next.email, next.number, next.seen = who.Name, who.Email, k.Number, now
	if !known {
		next.since = now
		time.AfterFunc(presenceKept, func() { p.expire(k.ID, who.ID) })
	}
	changed := !known || s != looks && (s == types) != was.typing(now)
	if s == types {
		if next.typed = now; !was.typing(now) {
			next.began = now
		}
	} else if changed {
		next.typed = time.Time{}
	}
	there[who.ID] = next
	p.mu.Unlock()
	if changed {
		p.tell(k.Number)
	}
}

func (q present) typing(now time.Time) bool { return now.Sub(q.typed) < typingKept }

// leave notes that an agent has gone.
func (p *presence) leave(k store.Ticket, who store.AgentID) {
	p.mu.Lock()
	_, known := p.on[k.ID][who]
	p.drop(k.ID, who)
	p.mu.Unlock()
	if known {
		p.tell(k.Number)
	}
}

// drop is called under the lock.
func (p *presence) drop(id store.TicketID, who store.AgentID) {
	if delete(p.on[id], who); len(p.on[id]) == 0 {
		delete(p.on, id)
	}
}

// expire takes an agent off a ticket, unless a sign of life came meanwhile.
func (p *presence) expire(id store.TicketID, who store.AgentID) {
	p.mu.Lock()
	q, known := p.on[id][who]
	left := presenceKept - time.Since(q.seen)
	switch {
	case known && left > 0:
		time.AfterFunc(left, func() { p.expire(id, who) })
		known = false
	case known:
		p.drop(id, who)
	}
	p.mu.Unlock()
	if known {
		p.tell(q.number)
	}
}

func (p *presence) tell(number string) {
	p.events.Publish(topicTicket(number), uint64(time.Now().UnixNano()))
	p.events.Publish(topicList, uint64(time.Now().UnixNano()))
}

// others are those who are on a ticket now, but for one, in the order in which they came.
func (p *presence) others(id store.TicketID, but store.AgentID, now time.Time) (there []present) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for who, q := range p.on[id] {
		if who != but && now.Sub(q.seen) < presenceKept {
			there = append(there, q)
		}
	}
	slices.SortFunc(there, func(a, b present) int { return a.since.Compare(b.since) })
	return there
}

// avatars are the others on a ticket, for a list: who, doing what, and since when.
func (p *presence) avatars(id store.TicketID, but store.AgentID, now time.Time) (all []web.Avatar) {
	for _, q := range p.others(id, but, now) {
		all = append(all, q.avatar(now))
	}
	return all
}

func (q present) avatar(now time.Time) web.Avatar {
	a := web.AvatarOf(q.name, q.email, "here")
	if a.Since = q.since; q.typing(now) {
		a.Presence, a.Since = "typing", q.began
	}
	return a
}

// onTicket is a colleague on a ticket, in words.
type onTicket struct {
	Avatar web.Avatar
	Words  string
	Since  template.HTML
}

// onTicket are the others on a ticket, for its page.
func (p *presence) onTicket(f *frame, id store.TicketID, but store.AgentID) (all []onTicket) {
	for _, a := range p.avatars(id, but, f.now) {
		o := onTicket{Avatar: a, Words: "is viewing this", Since: f.when(a.Since)}
		if o.Avatar.Since = (time.Time{}); a.Presence == "typing" { // the words beside it say when
			o.Words = "is writing"
		}
		all = append(all, o)
	}
	return all
}

// postPresence takes a page's sign of life: state is "here", "typing" or "gone", and read
// what stands on a page that was fetched ahead and is shown now.
func (d *Desk) postPresence(x *web.Exchange, who store.Agent) error {
	if err := parseForm(x); err != nil {
		return err
	}
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	if seq, err := strconv.ParseUint(x.Request.PostForm.Get("read"), 10, 32); err == nil {
		err := d.deps.Store.MarkRead(x.Request.Context(), time.Now(), staff.ActorOf(x, who), k.ID, uint32(seq))
		if err != nil {
			return err
		}
	}
	switch now := time.Now(); x.Request.PostForm.Get("state") {
	case "typing":
		d.presence.note(k, who, now, types)
	case "gone":
		d.presence.leave(k, who.ID)
	case "here":
		d.presence.note(k, who, now, rests)
	default:
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: "The state is here, typing or gone."})
	}
	x.Writer.WriteHeader(http.StatusNoContent)
	return nil
}
