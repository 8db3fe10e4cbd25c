package form

import (
	"time"

	"signpost/store"
)

// standing is where a ticket stands, as its partner reads it: a badge, a sentence, and
// whose turn it is, since when and until when.
type standing struct {
	Badge, Tone, Icon string // Badge is a message key
	Sentence          string // a message key
	Late              when   // a promise that was missed, said before all else; zero: none
	Next              when   // and the date that stands in its place; zero: none
	Lines             []when
}

// when is a message key whose text goes before an instant.
type when struct {
	Key string
	At  time.Time
}

// shownStatus is the status as partners are shown it: a reply that its author may still
// take back has changed nothing yet. What the partner themselves changed behind it stands.
func shownStatus(k store.Ticket, now time.Time) store.Status {
	if held(k, now) && k.Status.Stops() && !k.SolvedAt.After(k.LastAgentAt) {
		return store.StatusOpen
	}
	return k.StatusAt(now)
}

// held tells whether the newest reply is not shown yet.
func held(k store.Ticket, now time.Time) bool {
	return k.LastPublic == store.EntryReply && k.LastPublicAt.After(now)
}

func standingOf(k store.Ticket, now time.Time) standing {
	status := shownStatus(k, now)
	s := standing{Badge: "form.badge_" + string(status), Tone: "teal", Icon: "clock"}
	switch status {
	case store.StatusPending:
		s.Tone, s.Icon, s.Sentence = "amber", "pen", "form.status_pending"
		s.add("form.turn_yours", k.StoppedAt)
	case store.StatusSolved:
		s.Tone, s.Icon, s.Sentence = "green", "check", "form.status_solved"
		s.add("form.solved_since", k.SolvedAt)
		s.add("form.reopen_until", k.ReopenUntil())
	case store.StatusClosed:
		s.Tone, s.Icon, s.Sentence = "", "check", "form.status_closed"
		s.add("form.closed_since", k.ReopenUntil())
	default:
		s.work(k, now)
	}
	return s
}

// work says how far support is with a ticket that waits for it.
func (s *standing) work(k store.Ticket, now time.Time) {
	answered := k.LastPublic == store.EntryReply && !held(k, now)
	switch {
	case answered:
		s.Sentence = "form.status_answered"
	case k.LastPartnerAt.After(k.OpenedAt):
		s.Sentence = "form.status_added"
	case k.SeenAt.IsZero() && k.Assignee == 0 && k.Status == store.StatusOpen:
		s.Badge, s.Sentence = "form.badge_received", "form.status_open"
	default:
		s.Sentence = "form.status_working"
	}
	if !answered {
		s.add("form.turn_ours", k.LastPartnerAt)
	}
	s.promise(k, now)
}

// promise says the dates, or which was missed and what date stands in its place: a
// ticket on hold has its own.
func (s *standing) promise(k store.Ticket, now time.Time) {
	due := when{"form.status_by", k.Promise.FirstResponseBy}
	late := "form.status_late"
	if !k.FirstReplyAt.IsZero() {
		due, late = when{"form.solve_by", k.Promise.ResolutionBy}, "form.solve_late"
	}
	next := when{"form.update_by", k.Promise.NextUpdateBy}
	switch {
	case !next.At.IsZero() && next.At.Before(now):
		s.Late = when{"form.update_late", next.At}
	case !due.At.IsZero() && due.At.Before(now):
		s.Late, s.Next = when{late, due.At}, next
		return
	case due.Key == "form.status_by" && !next.At.IsZero(): // it took the place of the first answer's
		s.add(next.Key, next.At)
		return
	default:
		s.add(next.Key, next.At)
	}
	if due.At.After(now) {
		s.add(due.Key, due.At)
	}
}

func (s *standing) add(key string, at time.Time) {
	if !at.IsZero() {
		s.Lines = append(s.Lines, when{key, at})
	}
}
