package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// What stands here says values of the store in the words of the desk.

func statusWords(s store.Status) string {
	switch s {
	case store.StatusOpen:
		return "Open"
	case store.StatusPending:
		return "Waiting for partner"
	case store.StatusOnHold:
		return "On hold"
	case store.StatusSolved:
		return "Solved"
	case store.StatusClosed:
		return "Closed"
	}
	return string(s)
}

func statusBadge(s store.Status) web.Badge {
	b := web.Badge{Words: statusWords(s)}
	switch s {
	case store.StatusOpen:
		b.Tone, b.Icon = "teal", "inbox"
	case store.StatusPending, store.StatusOnHold:
		b.Tone, b.Icon = "amber", "pause"
	case store.StatusSolved, store.StatusClosed:
		b.Tone, b.Icon = "green", "check"
	}
	return b
}

func channelWords(c store.Channel) string {
	switch c {
	case store.ChannelForm:
		return "Contact form"
	case store.ChannelConsole:
		return "Console"
	case store.ChannelDesk:
		return "Desk"
	case store.ChannelAPI:
		return "API"
	}
	return string(c)
}

func viewWords(v store.View) string {
	switch v {
	case store.ViewMine:
		return "My work"
	case store.ViewUnassigned:
		return "Unassigned"
	case store.ViewWaitingUs:
		return "Waiting for us"
	case store.ViewWaitingPartner:
		return "Waiting for partner"
	case store.ViewTrouble:
		return "Delivery trouble"
	case store.ViewUnopened:
		return "Never opened"
	case store.ViewAll:
		return "All tickets"
	case store.ViewSolved:
		return "Solved"
	}
	return "All unsolved"
}

// nameOf is an agent as colleagues read it.
func nameOf(a store.Agent) string { return cmp.Or(a.Name, a.Email) }

// requesterOf is how a ticket's requester is called.
func requesterOf(k store.Ticket) string { return cmp.Or(k.Requester.Name, k.Requester.Email) }

// capital is a word with its first letter as a capital, which is ASCII.
func capital(word string) string {
	if word == "" {
		return word
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// counted is a number of things in words.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// soon is how long before a deadline it is shown as near.
const soon = 2 * time.Hour

// timersOf are the deadlines of a ticket in words, the nearest first.
func timersOf(k store.Ticket, now time.Time) (all []web.Timer) {
	for _, deadline := range k.Deadlines() {
		all = append(all, timerOf(deadline, now))
	}
	slices.SortStableFunc(all, func(a, b web.Timer) int { return a.At.Compare(b.At) })
	if k.Status.Waits() && !k.StoppedAt.IsZero() {
		all = append(all, web.Timer{State: web.TimerPaused, Of: "solution", Words: "paused"})
	}
	return all
}

// timerOf is one deadline in words.
func timerOf(deadline store.Deadline, now time.Time) web.Timer {
	t := web.Timer{State: web.TimerRunning, Of: "first answer", At: deadline.Due}
	switch deadline.Kind {
	case store.DeadlineResolution:
		t.Of = "solution"
	case store.DeadlineNextUpdate:
		t.Of = "next update"
	}
	left := deadline.Due.Sub(now)
	switch {
	case left < 0:
		t.State, t.Words = web.TimerMissed, "missed by "+web.Span(-left)
	case left < soon:
		t.State, t.Words = web.TimerSoon, "in "+web.Span(left)
	default:
		t.Words = "in " + web.Span(left)
	}
	return t
}

// rfc3339 is an instant in JSON, "" for none.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ratedWords say what the partner thinks of the support given.
func ratedWords(r store.Rating) string {
	words := fmt.Sprintf("Rated %d of %d", r.Score, store.MaxScore)
	if r.Comment != "" {
		words += ": " + r.Comment
	}
	return words
}
