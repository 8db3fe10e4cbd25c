package desk

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// colleagueStore names who takes part in a ticket beside its requester.
type colleagueStore interface {
	AddColleague(ctx context.Context, now time.Time, by store.Actor, n store.NewColleague) (store.Invited, error)
	RemoveColleague(ctx context.Context, now time.Time, by store.Actor, r store.Removal) (store.Ticket, error)
}

// person is a colleague in the details.
type person struct {
	Number uint32
	Email  string
	Badge  web.Badge
	Since  template.HTML
	Named  string // by whom, and why
	Dead   string // why mail to them is not sent, "" when it is
	Takes  bool   // they take part, or were asked to
}

// people are a ticket's colleagues, removed ones last.
func (d *Desk) people(ctx context.Context, f *frame, t thread) (all []person, err error) {
	for _, removed := range []bool{false, true} {
		for _, c := range t.ticket.Colleagues {
			if (c.State() == store.ColleagueRevoked) != removed {
				continue
			}
			p := person{Number: c.Number, Email: c.Email, Named: t.namedBy(c), Takes: !removed}
			p.Badge, p.Since = colleagueBadge(c), f.when(latest(c))
			if !removed {
				if p.Dead, err = d.deadAddress(ctx, c.Email); err != nil {
					return nil, err
				}
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// latest is since when a colleague stands where they do.
func latest(c store.Colleague) time.Time {
	switch c.State() {
	case store.ColleagueRevoked:
		return c.RemovedAt
	case store.ColleagueActs:
		return c.ProvenAt
	}
	return c.NamedAt
}

func colleagueBadge(c store.Colleague) web.Badge {
	switch c.State() {
	case store.ColleagueActs:
		return web.Badge{Tone: "green", Icon: "check", Words: "In copy"}
	case store.ColleagueInvited:
		return web.Badge{Tone: "amber", Icon: "clock", Words: "Invited"}
	}
	if c.Left {
		return web.Badge{Icon: "cross", Words: "Left"}
	}
	return web.Badge{Icon: "cross", Words: "Removed"}
}

// namedBy says who named a colleague, and why.
func (t thread) namedBy(c store.Colleague) string {
	if c.By == store.ActorPartner {
		return "Named by the partner"
	}
	by := "Added by Signpost"
	if c.Agent != 0 {
		by = "Added by " + nameOf(accountOf(t.accounts, c.Agent))
	}
	return by + ": " + c.Reason
}

// copyWords say who gets a reply beside the requester, "" for none.
func copyWords(k store.Ticket) string {
	switch n := len(k.InCopy()); n {
	case 0:
		return ""
	case 1:
		return "and 1 colleague in copy"
	default:
		return fmt.Sprintf("and %d colleagues in copy", n)
	}
}

// copied is the mail of a reply to a colleague.
type copied struct {
	To     string
	Mark   web.Delivery
	Detail string
	ID     store.OutboundID // to send it again; 0 where it is on its way, or cannot be
}

// copiesOf are the copies of a reply, of those sent again the last.
func (t thread) copiesOf(seq uint32, now time.Time) (all []copied) {
	at := map[uint32]int{}
	for _, mail := range t.copies[seq] {
		said := deliveryOf(mail, now)
		c := copied{To: mail.To, Mark: said.mark(), Detail: said.Detail}
		who, ok := t.ticket.Colleague(mail.Colleague)
		lost := said.State == "bounced" || said.State == "failed"
		if ok && who.State() == store.ColleagueActs && lost {
			c.ID = mail.ID
		}
		if i, ok := at[mail.Colleague]; ok {
			all[i] = c
			continue
		}
		at[mail.Colleague] = len(all)
		all = append(all, c)
	}
	return all
}

// colleagueWords say what an event tells of a colleague, "" for another event.
func (t thread) colleagueWords(e store.Entry) string {
	by := t.author(e)
	if by == "" && e.By == store.ActorPartner {
		by = "The partner"
	} else if by == "" {
		by = "Signpost"
	}
	switch e.Event {
	case store.EventColleagueAdded:
		words := by + " named " + e.Body + " as a colleague"
		if c, ok := t.ticket.Colleague(e.Colleague); ok && e.By != store.ActorPartner && c.NamedAt.Equal(e.At) {
			words += ": " + c.Reason
		}
		return words
	case store.EventColleagueJoined:
		return e.Body + " takes part now, and gets each reply in copy"
	case store.EventColleagueRemoved:
		return by + " removed the colleague " + e.Body
	case store.EventColleagueLeft:
		return e.Body + " left the ticket, and gets no more mail about it"
	}
	return ""
}

// invitationsOfAgent is how many colleagues one agent may have invited a day.
const invitationsOfAgent = 200

// postColleague names a colleague (email), for a reason.
func (d *Desk) postColleague(x *web.Exchange, who store.Agent) error {
	if err := parseForm(x); err != nil {
		return err
	}
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	form := x.Request.PostForm
	email, reason := post.CleanLine(form.Get("email")), post.CleanLine(form.Get("reason"))
	k, err = d.nameColleague(x, who, k, email, reason)
	if err != nil {
		return d.refuseArranged(x, who, writing{field: "colleague", typed: email, reason: reason}, err)
	}
	return d.arranged(x, who, k)
}

func (d *Desk) nameColleague(
	x *web.Exchange, who store.Agent, k store.Ticket, typed, reason string,
) (store.Ticket, error) {
	region, ok := d.region(k.Region)
	if !ok {
		return k, errUnconfigured
	}
	email, err := d.newAddress(k, typed)
	if err != nil {
		return k, err
	}
	if reason == "" {
		return k, refused("say why " + email + " is to read this ticket; the audit log keeps the reason")
	}
	if len(reason) > store.MaxReason {
		return k, refused(fmt.Sprintf("the reason is longer than %d bytes", store.MaxReason))
	}
	now := store.Instant(time.Now())
	m := d.mailing(now, store.MailColleague, region)
	m.Budgets = append(guard.Invitations(email), store.Budget{
		Name: "invitation/agent", Key: who.Email, Limit: invitationsOfAgent, Window: 24 * time.Hour,
	})
	done, err := d.deps.Store.AddColleague(x.Request.Context(), now, staff.ActorOf(x, who), store.NewColleague{
		Ticket: k.ID, Email: email, Reason: reason, Mailing: m,
	})
	if err := invitationRefused(done, err); err != nil {
		return k, err
	}
	d.deps.Kick()
	return done.Ticket, nil
}

// invitationRefused is why a colleague was not named.
func invitationRefused(done store.Invited, err error) error {
	reason := done.Mail.Reason
	switch {
	case errors.Is(err, store.ErrColleaguesFull):
		return refused(fmt.Sprintf("at most %d colleagues take part in a ticket; remove one first", store.MaxColleagues))
	case errors.Is(err, store.ErrClosed):
		return refused("the ticket is closed, so no more colleagues can be named")
	case err != nil:
		return err
	case done.Mail.State != store.StateSuppressed:
		return nil
	case strings.HasPrefix(reason, store.RuleBudget):
		return refused("too many invitations went to that address, or were sent by you; try again later")
	}
	return refused("mail to that address is not sent, since it bounced or was suppressed: " + reason)
}

// postRemove removes the colleague whose number the form has.
func (d *Desk) postRemove(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "number", func(
		by store.Actor, now time.Time, k store.Ticket, text string,
	) (store.Ticket, error) {
		number, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return k, refused("the ticket has no such colleague")
		}
		r := store.Removal{Ticket: k.ID, Number: uint32(number)}
		k, err = d.deps.Store.RemoveColleague(x.Request.Context(), now, by, r)
		if errors.Is(err, store.ErrNotFound) {
			err = refused("the ticket has no such colleague")
		}
		return k, err
	})
}

// addPeople fills the details of the ticket's colleagues.
func (d *Desk) addPeople(ctx context.Context, f *frame, t thread, data *ticketData, w writing) (err error) {
	if w.field == "colleague" {
		data.NewColleague, data.Reason = &w.typed, w.reason
	}
	data.InCopy = copyWords(t.ticket)
	data.People, err = d.people(ctx, f, t)
	return err
}

// colleagueJSON is a colleague for a script.
type colleagueJSON struct {
	Number uint32               `json:"number"`
	Email  string               `json:"email"`
	State  store.ColleagueState `json:"state"`
	Reason string               `json:"reason"`
}

func colleaguesJSON(k store.Ticket) []colleagueJSON {
	all := []colleagueJSON{}
	for _, c := range k.Colleagues {
		all = append(all, colleagueJSON{c.Number, c.Email, c.State(), c.Reason})
	}
	return all
}
