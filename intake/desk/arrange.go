package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// arrangeStore does what is arranged about a ticket beside answering it.
type arrangeStore interface {
	AssignTicket(
		ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.AgentID,
	) (store.Ticket, error)
	SolveTicket(
		ctx context.Context, now time.Time, by store.Actor, id store.TicketID, m store.SolvedMail,
	) (store.Ticket, error)
	SetStatus(ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.Status) (store.Ticket, error)
	PlanUpdate(
		ctx context.Context, now time.Time, by store.Actor, id store.TicketID, n store.PlannedUpdate,
	) (store.Ticket, error)
	SetPriority(
		ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.Priority,
	) (store.Ticket, error)
	SetCategory(ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to string) (store.Ticket, error)
	SetTags(ctx context.Context, now time.Time, by store.Actor, id store.TicketID, tags []string) (store.Ticket, error)
}

// parseForm reads a small form, urlencoded or multipart.
func parseForm(x *web.Exchange) error {
	err := x.Request.ParseForm()
	if err == nil && strings.HasPrefix(x.Request.Header.Get("Content-Type"), "multipart/form-data") {
		err = x.Request.ParseMultipartForm(maxSmallForm)
	}
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) || errors.Is(err, web.ErrSlow) {
		return err
	}
	return &web.Fault{Status: http.StatusBadRequest, Err: err}
}

// maxSmallForm is how much of a form of a few fields is held in memory; the route's own
// bound is smaller.
const maxSmallForm = 1 << 20

// arrange reads the field of that name from a form, does one act with its value to the
// ticket that the path names, and answers. A form without the field was cut off or is
// another's: it clears nothing.
func (d *Desk) arrange(
	x *web.Exchange, who store.Agent, name string,
	act func(by store.Actor, now time.Time, k store.Ticket, value string) (store.Ticket, error),
) error {
	if err := parseForm(x); err != nil {
		return err
	}
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	if !x.Request.PostForm.Has(name) {
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: missingWords(name)})
	}
	value := post.CleanLine(x.Request.PostForm.Get(name))
	k, err = act(staff.ActorOf(x, who), store.Instant(time.Now()), k, value)
	if err != nil {
		return d.refuseArranged(x, who, writing{field: name, typed: value}, err)
	}
	return d.arranged(x, who, k)
}

// arranged answers an act that was done to the ticket.
func (d *Desk) arranged(x *web.Exchange, who store.Agent, k store.Ticket) error {
	d.told(k, k.Entries)
	x.Log.Info("ticket arranged", "request", x.ID, "ticket", k.Number, "agent", who.ID)
	if x.WantsJSON() {
		return d.sendTicketOf(x, who, k)
	}
	return x.Redirect(withIn(ticketAddress(k.Number), x.Request.PostForm.Get("in")))
}

// missingWords are said of a form without one of its fields.
func missingWords(name string) string {
	return "The form has no field " + name + ", so nothing was changed."
}

// refuseArranged answers what a verb returned, with what was typed.
func (d *Desk) refuseArranged(x *web.Exchange, who store.Agent, w writing, err error) error {
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, store.ErrNotFound), x.Request.Context().Err() != nil:
		return err
	case errors.Is(err, store.ErrInvalid):
		status, w.fault = http.StatusUnprocessableEntity, invalidWords(err)
	case errors.Is(err, store.ErrConflict):
		status, w.fault = http.StatusConflict, "Not sent again. "+invalidWords(err)
	case errors.Is(err, store.ErrForbidden):
		status, w.fault = http.StatusForbidden, forbiddenWords
	default:
		x.Log.Error("ticket not arranged", "request", x.ID, "err", err)
		w.fault = "Nothing can be saved at the moment. Please try again in a few minutes."
	}
	return d.refuseAct(x, who, status, w)
}

// refuseAct answers a form in the details that cannot be done.
func (d *Desk) refuseAct(x *web.Exchange, who store.Agent, status int, w writing) error {
	if x.WantsJSON() {
		return x.JSON(status, map[string]string{"error": w.fault})
	}
	return d.page(x, who, status, w)
}

// sendTicketOf answers with the ticket as it is after an act.
func (d *Desk) sendTicketOf(x *web.Exchange, who store.Agent, k store.Ticket) error {
	t := thread{ticket: k}
	if err := d.fill(x.Request.Context(), staff.ActorOf(x, who), &t); err != nil {
		return err
	}
	return d.sendTicket(x, t)
}

// told tells open pages that a ticket changed.
func (d *Desk) told(k store.Ticket, version uint32) {
	d.events.Publish(topicTicket(k.Number), uint64(version))
	d.events.Publish(topicList, uint64(time.Now().UnixNano()))
}

// postAssign assigns the ticket to the agent whose address the form names, "" for none. The
// field from, where there is one, is the address whose ticket it has to be: a page that took
// a ticket by the first key of a reply gives back no ticket that another took since.
func (d *Desk) postAssign(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "agent", func(
		by store.Actor, now time.Time, k store.Ticket, address string,
	) (store.Ticket, error) {
		accounts, err := d.accounts(x.Request.Context())
		if err != nil {
			return k, err
		}
		from := x.Request.PostForm.Get("from")
		if from != "" && store.AddressKey(from) != store.AddressKey(addressOf(accounts, k.Assignee)) {
			return k, refused("the ticket was assigned to another since")
		}
		to := store.AgentID(0)
		if address != "" {
			var ok bool
			if to, ok = agentBy(accounts, address); !ok {
				return k, refused("no agent has this address")
			}
		}
		return d.deps.Store.AssignTicket(x.Request.Context(), now, by, k.ID, to)
	})
}

// refused is ErrInvalid with a reason.
func refused(why string) error { return invalidError(why) }

type invalidError string

func (e invalidError) Error() string        { return string(e) }
func (e invalidError) Is(target error) bool { return target == store.ErrInvalid }

func (d *Desk) postStatus(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "status", func(
		by store.Actor, now time.Time, k store.Ticket, name string,
	) (store.Ticket, error) {
		to := store.Status(name)
		region, ok := d.region(k.Region)
		switch next := post.CleanLine(x.Request.PostForm.Get("next_update")); {
		case to == store.StatusOnHold && next != "" && ok:
			return d.planUpdate(x, who, now, k, next)
		case to != store.StatusSolved || !ok:
			return d.deps.Store.SetStatus(x.Request.Context(), now, by, k.ID, to)
		}
		k, err := d.deps.Store.SolveTicket(x.Request.Context(), now, by, k.ID, store.SolvedMail{
			Mailing: d.mailing(now, store.MailSolved, region), Undo: d.undoFor(who),
			Copies: d.deps.Ring.Copies(now, store.MailSolved, store.Domain(region.Address)),
		})
		if err == nil {
			d.deps.Kick()
		}
		return k, err
	})
}

// updateHour is when on its day an update is promised that was given as a day alone, in the
// region's zone.
const updateHour = 17

// planUpdate puts a ticket on hold until a day, or an instant, by which its partner hears
// from support again; they are told of it by mail.
func (d *Desk) planUpdate(
	x *web.Exchange, who store.Agent, now time.Time, k store.Ticket, next string,
) (store.Ticket, error) {
	until, err := d.parseUpdate(k.Region, next)
	if err != nil {
		return k, refused("the date of the next update is like 2026-12-01 or 2026-12-01T15:00")
	}
	region, _ := d.region(k.Region) // postStatus found it
	k, err = d.deps.Store.PlanUpdate(x.Request.Context(), now, staff.ActorOf(x, who), k.ID, store.PlannedUpdate{
		By: until, Mailing: d.mailing(now, store.MailPromise, region), Undo: d.undoFor(who),
	})
	if err == nil {
		d.deps.Kick()
	}
	return k, err
}

func (d *Desk) parseUpdate(region, next string) (time.Time, error) {
	zone, ok := d.zones[region]
	if !ok {
		zone = time.UTC
	}
	if day, err := time.ParseInLocation(time.DateOnly, next, zone); err == nil {
		return day.Add(updateHour * time.Hour), nil
	}
	if at, err := time.ParseInLocation("2006-01-02T15:04", next, zone); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339, next)
}

func (d *Desk) postPriority(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "priority", func(
		by store.Actor, now time.Time, k store.Ticket, to string,
	) (store.Ticket, error) {
		return d.deps.Store.SetPriority(x.Request.Context(), now, by, k.ID, store.Priority(to))
	})
}

func (d *Desk) postCategory(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "category", func(
		by store.Actor, now time.Time, k store.Ticket, to string,
	) (store.Ticket, error) {
		if to != "" && to != k.Category && !slices.Contains(d.deps.Categories, to) {
			return k, refused("there is no such category")
		}
		return d.deps.Store.SetCategory(x.Request.Context(), now, by, k.ID, to)
	})
}

func (d *Desk) postTags(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "tags", func(
		by store.Actor, now time.Time, k store.Ticket, list string,
	) (store.Ticket, error) {
		var tags []string
		for tag := range strings.SplitSeq(list, ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
		return d.deps.Store.SetTags(x.Request.Context(), now, by, k.ID, tags)
	})
}
