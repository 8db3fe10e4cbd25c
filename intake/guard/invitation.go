package guard

import (
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// Invitations to one mailbox, whoever names it as a colleague and in whichever ticket.
const (
	invitationsAnHour = 5
	invitationsADay   = 10
)

// Invitations are the budgets that every invitation of a colleague is charged to: the
// address is unproven, and others chose it.
func Invitations(email string) []store.Budget {
	mailbox := origin.Mailbox(email)
	return []store.Budget{
		{Name: "invitation/address", Key: mailbox, Limit: invitationsAnHour, Window: time.Hour},
		{Name: "invitation/address-day", Key: mailbox, Limit: invitationsADay, Window: 24 * time.Hour},
	}
}
