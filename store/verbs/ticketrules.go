package verbs

import (
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// What a change to a ticket means for the rest of it. Rules are pure: they know the
// ticket and the instant, and no row.

type rules struct{ promising store.Promising }

// promise is the promise of k at a moment.
func (r rules) promise(m store.Moment, k store.Ticket, now time.Time) store.Promise {
	if r.promising == nil {
		return k.Promise
	}
	p := r.promising(m, k, now)
	return store.Promise{
		FirstResponseBy: kept(p.FirstResponseBy), ResolutionBy: kept(p.ResolutionBy), NextUpdateBy: kept(p.NextUpdateBy),
	}
}

// setStatus gives k another status, and stops or resumes the clock of its resolution.
func (r rules) setStatus(k *store.Ticket, to store.Status, now time.Time) {
	if k.Status == to {
		return
	}
	switch stood := k.Status.Stops(); {
	case !stood && to.Stops():
		k.Promise = r.promise(store.MomentStopped, *k, now)
		k.StoppedAt = now
	case stood && !to.Stops():
		k.Promise = r.promise(store.MomentResumed, *k, now)
		k.StoppedAt = time.Time{}
	}
	k.Status, k.SolvedAt = to, time.Time{}
	if to == store.StatusSolved {
		k.SolvedAt = now
	}
	r.planUpdate(k, now)
}

// planUpdate gives a ticket on hold the date of its next update, and takes it from another.
func (r rules) planUpdate(k *store.Ticket, now time.Time) {
	if k.Promise.NextUpdateBy = (time.Time{}); k.Status == store.StatusOnHold {
		k.Promise = r.promise(store.MomentHeld, *k, now)
	}
}

// reopen opens a ticket whose mail was no answer: the partner waited all the time, so
// the clock counts as never having stood. The canary's own ticket has no reader.
func reopen(k *store.Ticket) {
	if k.Channel != store.ChannelCanary {
		k.Status, k.StoppedAt, k.SolvedAt, k.Promise.NextUpdateBy = store.StatusOpen, time.Time{}, time.Time{}, time.Time{}
	}
}

// wrote opens a ticket that waited for its partner, or for none, when they write.
func (r rules) wrote(k *store.Ticket, now time.Time) {
	if k.Status.Stops() {
		r.setStatus(k, store.StatusOpen, now)
	}
}

// noteEntry notes in k what was appended to its thread.
func noteEntry(k *store.Ticket, e store.Entry) {
	k.Entries, k.ChangedAt = e.Seq, e.At
	if e.Event == store.EventWroteUnread {
		k.LastPartnerAt, k.WroteAt = e.At, e.At
	}
	if e.Kind == store.EntryEvent {
		return
	}
	k.Version = e.Seq
	switch e.Kind {
	case store.EntryMessage:
		k.LastPartnerAt, k.LastPublic, k.LastPublicAt = e.At, e.Kind, e.At
	case store.EntryReply:
		k.Replies++
		k.LastAgentAt, k.LastPublic, k.LastPublicAt = e.At, e.Kind, e.PublicAt()
	case store.EntryNote:
		k.LastAgentAt = e.At
	}
}

// given tells a status that a ticket can be given.
func given(s store.Status) bool {
	switch s {
	case store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusSolved:
		return true
	}
	return false
}

// standing is what a reply changes of its ticket beside the thread.
type standing struct {
	status          store.Status
	assignee        store.AgentID
	promise         store.Promise
	stopped, solved time.Time
}

func standingOf(k store.Ticket) standing {
	return standing{k.Status, k.Assignee, k.Promise, k.StoppedAt, k.SolvedAt}
}

// replied changes a ticket by an agent's reply to it, and tells what it changed.
func (r rules) replied(k *store.Ticket, by store.AgentID, then store.Status, now time.Time) store.Change {
	was := *k
	if k.Assignee == 0 {
		k.Assignee = by
	}
	opened(k, now)
	r.setStatus(k, then, now)
	r.planUpdate(k, now) // a reply is an update, also of a ticket that stays on hold
	return store.Change{
		StatusFrom: was.Status, StatusTo: k.Status, AssigneeFrom: was.Assignee, AssigneeTo: k.Assignee,
	}
}

// opened notes that an agent has opened a ticket.
func opened(k *store.Ticket, now time.Time) {
	if k.SeenAt.IsZero() {
		k.SeenAt = now
	}
}

// undone gives a ticket back what a reply changed, but for what was changed since.
func undone(k *store.Ticket, before, after standing) {
	if is := standingOf(*k); is.status == after.status && is.promise == after.promise &&
		is.stopped.Equal(after.stopped) && is.solved.Equal(after.solved) {
		k.Status, k.Promise, k.StoppedAt, k.SolvedAt = before.status, before.promise, before.stopped, before.solved
	}
	if k.Assignee == after.assignee {
		k.Assignee = before.assignee
	}
}

// accepted notes that the relay took a reply, and tells whether that changed the ticket:
// a first one meets the first response, and a later one may end its trouble.
func (r rules) accepted(k *store.Ticket, reply store.OutboundID, now time.Time) bool {
	first, trouble := k.FirstReplyAt.IsZero(), k.Trouble != ""
	k.Trouble = ""
	if first {
		k.Promise = r.promise(store.MomentAnswered, *k, now)
		k.FirstReply, k.FirstReplyAt = reply, now
	}
	return first || trouble
}

// failed opens a ticket whose mail did not arrive. Where that was the reply which met
// the first response, next is the one which does now, if any.
func (r rules) failed(k *store.Ticket, mail store.OutboundID, event store.Event, next store.Outbound, now time.Time) {
	reopen(k)
	if k.Channel != store.ChannelCanary {
		k.Trouble = event
	}
	if mail == 0 || k.FirstReply != mail {
		return
	}
	k.FirstReply, k.FirstReplyAt = next.ID, next.DoneAt
	if next.ID == 0 {
		k.Promise = r.promise(store.MomentUnanswered, *k, now)
	}
}

// tidyTags are tags as a ticket keeps them.
func tidyTags(tags []string) ([]string, error) {
	var all []string
	for _, tag := range tags {
		tag = strings.ToLower(strings.TrimSpace(tag))
		if tag == "" || len(tag) > store.MaxTag || strings.Contains(tag, ",") || !text.IsValid(tag) {
			return nil, invalid("a tag has 1 to 50 bytes, and no comma")
		}
		all = append(all, tag)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > store.MaxTags {
		return nil, invalid("a ticket has at most 20 tags")
	}
	return all, nil
}

// missing are those of all that are not among the others.
func missing(others, all []string) (rest []string) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			rest = append(rest, one)
		}
	}
	return rest
}
