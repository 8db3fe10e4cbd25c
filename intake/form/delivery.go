package form

import (
	"time"
	"unicode/utf8"

	"signpost/store"
)

// delivery is where the mail of a reply stands, to the reader's own address.
type delivery struct {
	State string // see stateOf
	To    string // masked, as anyone with the link reads it
	At    time.Time
	Bad   bool
}

// Key is the message that says so.
func (d delivery) Key() string { return "form.mail_" + d.State }

// stateOf is the state in one word: queued, held, sent, delayed, delivered, bounced, failed,
// suppressed.
func stateOf(mail store.Outbound) (state string, at time.Time) {
	switch d := mail.Delivery; d.Fate {
	case store.FateBounced, store.FateRefused:
		return "bounced", d.At
	case store.FateDelivered, store.FateComplained:
		return "delivered", d.At
	case store.FateDelayed:
		return "delayed", d.At
	}
	switch mail.State {
	case store.StateSent, store.StateUnknown:
		return "sent", mail.DoneAt
	case store.StateFailed:
		return "failed", mail.DoneAt
	case store.StateSuppressed:
		return "suppressed", mail.DoneAt
	case store.StateHeld:
		return "held", mail.Hold.Since
	}
	return "queued", mail.QueuedAt
}

// deliveriesOf are those of a ticket's replies by the number of their entry; of one that was
// mailed again, the last. What was mailed to an earlier address of the ticket is not this
// reader's to know.
func deliveriesOf(door store.Door, mails []store.Outbound) map[uint32]delivery {
	all := map[uint32]delivery{}
	for _, mail := range mails {
		if mail.Kind != store.MailReply || store.AddressKey(mail.To) != store.AddressKey(door.Email()) {
			continue
		}
		d := delivery{To: masked(mail.To)}
		d.State, d.At = stateOf(mail)
		d.Bad = d.State == "bounced" || d.State == "failed" || d.State == "suppressed"
		all[mail.Entry] = d
	}
	return all
}

// masked shows of an address as much as its owner needs to know it again.
func masked(address string) string {
	first, _ := utf8.DecodeRuneInString(address)
	return string(first) + "***@" + store.Domain(address)
}
