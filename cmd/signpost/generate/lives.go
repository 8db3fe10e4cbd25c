package generate

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// life is one ticket from its opening to its end: steps through the verbs that partners,
// agents and the sender call. What lies behind the generator's now does not happen.
type life struct {
	*Generator
	ticket store.Ticket
	mail   store.Outbound // its confirmation
	link   store.LinkID
	who    Writing
	region store.Region
	zone   *time.Location
	agent  store.Actor
	at     time.Time // of the last step
	keep   bool      // the mail is wanted
	// guested: its partner named a colleague.
	guested bool
}

// step is one act, at an instant. do may run more than once, so it draws nothing.
type step struct {
	at    time.Time
	order int // of steps at one instant
	of    *life
	do    func(ctx context.Context, db *verbs.Store) error
}

// steps are a heap, the earliest first.
type steps []step

func (s steps) Len() int { return len(s) }
func (s steps) Less(i, j int) bool {
	return cmp.Or(s[i].at.Compare(s[j].at), s[i].order-s[j].order) < 0
}
func (s steps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)   { *s = append(*s, x.(step)) }
func (s *steps) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s = (*s)[:last]
	return x
}

// course is how the life of a ticket goes.
type course struct {
	weight int // of 100 tickets
	run    func(*life)
}

// courses are those of a healthy month. Tickets of its last days are still at their
// beginning: to be answered, or waiting for their partner.
func courses() []course {
	return []course{
		{39, func(l *life) { l.answers(5*time.Hour, l.words().solved, store.StatusSolved).rates() }},
		{25, func(l *life) {
			l.names(time.Hour).answers(5*time.Hour, l.words().asked, store.StatusPending)
			l.writes(18*time.Hour, l.words().answered)
			l.answers(6*time.Hour, l.words().solved, store.StatusSolved).rates()
		}},
		{14, func(l *life) {
			l.assigned(time.Hour).notes(3*time.Hour).answers(2*time.Hour, l.words().working, store.StatusOpen)
			l.answers(30*time.Hour, l.words().solved, store.StatusSolved).rates()
		}},
		{9, func(l *life) {
			l.answers(5*time.Hour, l.words().asked, store.StatusPending)
			l.answers(5*24*time.Hour, l.words().closed, store.StatusSolved)
		}},
		{7, func(l *life) {
			l.answers(5*time.Hour, l.words().solved, store.StatusSolved).writes(30*time.Hour, l.words().again)
			l.answers(4*time.Hour, l.words().working, store.StatusOpen)
			l.answers(20*time.Hour, l.words().solved, store.StatusSolved).rates()
		}},
		{5, func(l *life) {
			l.assigned(2*time.Hour).answers(4*time.Hour, l.words().working, store.StatusOnHold).notes(20 * time.Hour)
			l.answers(60*time.Hour, l.words().solved, store.StatusSolved).rates()
		}},
		{1, func(l *life) { l.bounces(5 * time.Hour).notes(20 * time.Hour).solvedByHand(40 * time.Hour) }},
	}
}

// begin makes up the whole life of a ticket that is opened at an instant.
func (g *Generator) begin(at time.Time) (*life, error) {
	course := g.course()
	w := g.Writing()
	if course.weight == 1 { // its address takes no mail, so that no other ticket has it
		w.Email = fmt.Sprintf("former.%x@shop%d.example.com", g.rand.Uint32(), g.rand.IntN(20_000))
	}
	n, err := g.ticket(w, at)
	if err != nil {
		return nil, err
	}
	l := &life{Generator: g, link: n.Link, who: w, region: n.Region, at: at}
	if l.zone, err = time.LoadLocation(n.Region.Zone); err != nil {
		return nil, err
	}
	l.then(func(ctx context.Context, db *verbs.Store) error {
		opened, err := db.OpenTickets(ctx, []verbs.Opening{{Now: at, Ticket: n, Confirmed: true}})
		if err == nil {
			l.ticket, l.mail = opened[0].Ticket, opened[0].Confirmation
		}
		return err
	})
	if agents := g.agentsOf(n.Region.ID); len(agents) > 0 {
		l.agent = pick(g.rand, agents)
		course.run(l)
	}
	return l, nil
}

func (g *Generator) course() course {
	roll := g.rand.IntN(100)
	for _, c := range courses() {
		if roll -= c.weight; roll < 0 {
			return c
		}
	}
	panic("the weights of the courses are no 100")
}

// agentsOf are those who may answer the tickets of a region.
func (g *Generator) agentsOf(region string) []store.Actor {
	return slices.DeleteFunc(slices.Clone(g.Agents), func(a store.Actor) bool {
		return store.May(a, store.ActAnswerTicket, store.InRegion(region)) != nil
	})
}

// then adds a step at l.at.
func (l *life) then(do func(ctx context.Context, db *verbs.Store) error) {
	l.made++
	heap.Push(&l.coming, step{l.at, l.made, l, do})
}

func (l *life) words() phrases { return lettersIn(l.who.Lang) }

// passes lets time go by, about as long as mean.
func (l *life) passes(mean time.Duration) {
	l.at = l.at.Add(time.Minute + time.Duration((0.2+0.8*l.rand.ExpFloat64())*float64(mean))).Truncate(time.Second)
}

// works lets time go by until an agent of the region is at work.
func (l *life) works(mean time.Duration) {
	l.passes(mean)
	local := l.at.In(l.zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 9, 0, 0, 0, l.zone)
	if local.Hour() >= 18 {
		day = day.AddDate(0, 0, 1)
	}
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	if l.at.Before(day) {
		l.at = day.Add(time.Duration(l.rand.IntN(3*3600)) * time.Second).UTC()
	}
}

// answers has the agent reply, whose mail the relay takes.
func (l *life) answers(mean time.Duration, texts []string, then store.Status) *life {
	l.works(mean)
	return l.reply(texts, then, store.Finish{
		State: store.StateSent, Code: 250, Enhanced: "2.0.0",
		Reply: fmt.Sprintf("250 2.0.0 Ok: queued as %X", l.rand.Uint32()),
	})
}

// bounces has the agent reply to an address that the relay knows to be dead.
func (l *life) bounces(mean time.Duration) *life {
	l.works(mean)
	const said = "550 5.1.1 user unknown"
	return l.reply(l.words().asked, store.StatusPending, store.Finish{
		State: store.StateFailed, Code: 550, Enhanced: "5.1.1", Reply: said,
		Report: store.Report{
			Recipient: l.who.Email, Action: store.ActionFailed, Status: "5.1.1", Reason: "userunknown", Hard: true,
			Outcome: store.OutcomeDead, Diagnostic: said,
		},
	})
}

func (l *life) reply(texts []string, then store.Status, ended store.Finish) *life {
	ended.Server = "relay.example.com"
	by, at, words := l.agent, l.at, l.words()
	greeting := fmt.Sprintf(words.greeting, l.who.Name)
	n := store.NewReply{
		Body: greeting + "\n\n" + pick(l.rand, texts) + "\n\n" + words.farewell + "\n" + by.Name,
		Then: then, Force: true, Region: l.region,
		MessageID: l.Ring.MessageID(at, store.MailReply, store.Domain(l.region.Address)),
		Link:      ident.NewLink(at), LinkExpires: at.Add(linkKept), Copies: l.copies(at),
	}
	l.then(func(ctx context.Context, db *verbs.Store) error {
		n, ended := n, ended
		n.Ticket = l.ticket.ID
		done, err := db.Reply(ctx, at, by, n)
		if errors.Is(err, store.ErrConflict) && done.Withheld != "" {
			return nil // an address that another ticket found dead
		}
		if err != nil {
			return err
		}
		ended.ID = done.Mail.ID
		if err := db.EndOutbound(ctx, at.Add(2*time.Second), ended); err != nil {
			return err
		}
		return l.copied(ctx, db, at.Add(2*time.Second), done.Entry.Seq)
	})
	return l
}

// writes has the partner write on the ticket's page.
func (l *life) writes(mean time.Duration, texts []string) *life {
	l.passes(mean)
	at, m := l.at, store.NewMessage{Link: l.link, Body: pick(l.rand, texts)}
	l.then(func(ctx context.Context, db *verbs.Store) error {
		_, err := db.AppendMessage(ctx, at, store.ByPartner(l.link), m)
		return err
	})
	return l
}

// rates has some partners rate what was solved.
func (l *life) rates() {
	if l.rand.IntN(3) > 0 {
		return
	}
	l.passes(8 * time.Hour)
	at, score := l.at, pick(l.rand, []int{5, 5, 5, 5, 4, 4, 4, 3, 2, 1})
	l.then(func(ctx context.Context, db *verbs.Store) error {
		_, err := db.RateTicket(ctx, at, store.ByPartner(l.link), l.link, score, "")
		return err
	})
}

func (l *life) notes(mean time.Duration) *life {
	l.works(mean)
	by, at, body := l.agent, l.at, pick(l.rand, notes)
	l.then(func(ctx context.Context, db *verbs.Store) error {
		_, err := db.Note(ctx, at, by, store.NewNote{Ticket: l.ticket.ID, Body: body})
		return err
	})
	return l
}

// assigned has the agent take the ticket, and say how urgent it is and what it is about.
func (l *life) assigned(mean time.Duration) *life {
	l.works(mean)
	by, at := l.agent, l.at
	priority := pick(l.rand, []store.Priority{
		store.PriorityNormal, store.PriorityNormal, store.PriorityHigh, store.PriorityUrgent, store.PriorityLow,
	})
	tag := pick(l.rand, []string{"export", "payout", "webhook", "catalogue"})
	l.then(func(ctx context.Context, db *verbs.Store) error {
		id := l.ticket.ID
		if _, err := db.AssignTicket(ctx, at, by, id, by.Agent); err != nil {
			return err
		}
		if _, err := db.SetPriority(ctx, at, by, id, priority); err != nil {
			return err
		}
		_, err := db.SetTags(ctx, at, by, id, []string{tag})
		return err
	})
	return l
}

// solvedByHand has the agent solve the ticket without a mail.
func (l *life) solvedByHand(mean time.Duration) {
	l.works(mean)
	by, at := l.agent, l.at
	l.then(func(ctx context.Context, db *verbs.Store) error {
		_, err := db.SetStatus(ctx, at, by, l.ticket.ID, store.StatusSolved)
		return err
	})
}
