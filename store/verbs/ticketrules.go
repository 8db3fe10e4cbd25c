package verbs

import (
	"time"

	"signpost/store"
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
	return store.Promise{FirstResponseBy: kept(p.FirstResponseBy), ResolutionBy: kept(p.ResolutionBy)}
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
}

// reopen opens a ticket whose mail was no answer: the partner waited all the time, so
// the clock counts as never having stood. The canary's own ticket has no reader.
func reopen(k *store.Ticket) {
	if k.Channel != store.ChannelCanary {
		k.Status, k.StoppedAt, k.SolvedAt = store.StatusOpen, time.Time{}, time.Time{}
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
	if e.Kind == store.EntryEvent {
		return
	}
	k.Version = e.Seq
	switch e.Kind {
	case store.EntryMessage:
		k.LastPartnerAt, k.LastPublic, k.LastPublicAt = e.At, e.Kind, e.At
	case store.EntryReply:
		k.Replies++
		k.LastAgentAt, k.LastPublic, k.LastPublicAt = e.At, e.Kind, e.At
	case store.EntryNote:
		k.LastAgentAt = e.At
	}
}
