package desk

import (
	"cmp"
	"fmt"
	"time"

	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// delivered is how far a mail has come, for people who do not know mail.
type delivered struct {
	State string // as web.Delivery names it; "undone" and "suppressed" beside
	At    time.Time
	Words string // beside the mark
	// Detail is the server's own answer, or the reason; Do is what an agent can do about it.
	Detail, Do string
}

// mark is the component.
func (d delivered) mark() web.Delivery { return web.Delivery{State: d.State, Words: d.Words} }

// deliveryOf tells where a mail stands.
func deliveryOf(o store.Outbound, now time.Time) delivered {
	switch o.State {
	case store.StateQueued, store.StateClaimed:
		return waitingOf(o, now)
	case store.StateHeld:
		return delivered{
			State: "held", At: o.Hold.Since, Words: "held for " + web.Span(now.Sub(o.Hold.Since)), Detail: o.Reply,
			Do: "Our mail server refuses mail at the moment. The mail goes out by itself once it is taken; operations " +
				"can see why.",
		}
	case store.StateThrottled:
		return delivered{State: "held", At: o.QueuedAt, Words: "held by a limit", Detail: o.Reason}
	case store.StateSent:
		return sentOf(o)
	case store.StateFailed:
		return failedOf(o)
	case store.StateSuppressed:
		return suppressedOf(o)
	}
	return delivered{State: "sent", At: o.DoneAt, Words: "may have been sent", Detail: o.Reply}
}

func waitingOf(o store.Outbound, now time.Time) delivered {
	switch {
	case now.Before(o.UndoUntil):
		return delivered{State: "waiting", At: o.UndoUntil, Words: "can be taken back for " + web.Span(o.UndoUntil.Sub(now))}
	case o.State == store.StateClaimed:
		return delivered{State: "queued", At: o.QueuedAt, Words: "being sent"}
	case o.Attempts == 0:
		return delivered{State: "queued", At: o.QueuedAt, Words: "queued"}
	}
	words := "delayed, next try now"
	if o.DueAt.After(now) {
		words = "delayed, next try in " + web.Span(o.DueAt.Sub(now))
	}
	return delivered{
		State: "delayed", At: o.DueAt, Words: words,
		Detail: fmt.Sprintf("%s so far. The server said: %s", counted(o.Attempts, "try", "tries"), o.Reply),
	}
}

// sentOf is a mail that the relay took, and what became of it.
func sentOf(o store.Outbound) delivered {
	said := delivered{State: "sent", At: o.DoneAt, Words: "sent", Detail: o.Reply}
	if o.Delivery.Fate == "" {
		return said
	}
	said.At, said.Detail = o.Delivery.At, cmp.Or(o.Delivery.Diagnostic, o.Reply)
	switch o.Delivery.Fate {
	case store.FateDelivered:
		said.State, said.Words = "delivered", "delivered"
	case store.FateDelayed:
		said.State, said.Words = "delayed", "delayed at the partner's server"
	case store.FateComplained:
		said.State, said.Words = "delivered", "delivered, and reported as spam"
		said.Do = "The partner, or their mail program, called it spam. Ask them by another way whether they want our mail."
	default:
		return lostOf(o)
	}
	return said
}

// lostOf is a mail of which a server said that it did not arrive.
func lostOf(o store.Outbound) delivered {
	reason := verdict.Reason(o.Delivery.Reason)
	said := delivered{
		State: "bounced", At: cmp.Or(o.Delivery.At, o.DoneAt), Words: "bounced",
		Detail: cmp.Or(o.Delivery.Diagnostic, o.Reply), Do: bouncedDo(o.Delivery),
	}
	if reason != "" {
		said.Words += ": " + reason
	}
	return said
}

// bouncedDo is what an agent can do about a mail that came back.
func bouncedDo(d store.Delivery) string {
	switch {
	case d.Fate == store.FateRefused:
		return "The partner's server refuses us, not the address. Operations has to look; the partner can read the answer " +
			"on the ticket's page."
	case d.Outcome == store.OutcomeDead:
		return "The address does not exist any more. Find another way to the partner and ask for a new address."
	case d.Reason == "mailboxfull":
		return "The partner's mailbox is full. Send it again later, or reach them another way."
	case d.Outcome == store.OutcomeLater:
		return "The address may work another time. Send it again later, or reach the partner another way."
	}
	return "Find another way to the partner, or send it to another address."
}

func failedOf(o store.Outbound) delivered {
	if o.Delivery.Fate != "" {
		return lostOf(o)
	}
	if o.Reason == store.RuleReplaced {
		return delivered{State: "failed", At: o.DoneAt, Words: "not sent: the ticket has another address"}
	}
	return delivered{
		State: "failed", At: o.DoneAt, Words: "failed", Detail: o.Reply,
		Do: "It was not delivered and is not tried again by itself. Send it again, or reach the partner another way.",
	}
}

func suppressedOf(o store.Outbound) delivered {
	if o.Reason == store.RuleUndone {
		return delivered{State: "undone", At: o.DoneAt, Words: "taken back"}
	}
	if o.Reason == store.RuleRemoved {
		return delivered{State: "undone", At: o.DoneAt, Words: "not sent: the colleague was removed"}
	}
	return delivered{
		State: "suppressed", At: o.DoneAt, Words: "not sent: the address is suppressed", Detail: o.Reason,
		Do: "Mail to this address is not sent, since it bounced before or was suppressed by hand. Ask for another address.",
	}
}

// troubleWords say what ails a ticket's mail, in a list.
func troubleWords(k store.Ticket) string {
	switch k.Trouble {
	case store.EventMailHeld:
		return "held"
	case store.EventMailBounced:
		return "bounced"
	case store.EventMailRefused:
		return "refused"
	case store.EventMailFailed:
		return "failed"
	case store.EventMailComplained:
		return "spam report"
	}
	return "address is dead"
}
