package form

import (
	"net/netip"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// The budgets of all confirmations together: what is throttled by one of them waits
// for the mail of all other partners.
const (
	BudgetAll    = "confirmation/all"
	BudgetAllDay = "confirmation/all-day"
)

// budgets are what a confirmation to an address is charged to, when it was asked
// for from a network. The address is unproven: a stranger may have named it, in
// many spellings or under many names of one domain, from many addresses of one
// network, and none of these may have more mail sent than the limits say. What is
// beyond them waits for room; but beyond what one mailbox gets a day nothing does, or
// a flood of a minute would fill it for days.
func (f *Form) budgets(email string, from netip.Addr) []store.Budget {
	mailbox, domain := origin.Mailbox(email), origin.Party(store.Domain(email))
	budgets := []store.Budget{
		{Name: "confirmation/address-day", Key: mailbox, Limit: f.cfg.ConfirmationsPerAddressDay, Window: 24 * time.Hour,
			Final: true},
		{Name: "confirmation/address", Key: mailbox, Limit: f.cfg.ConfirmationsPerAddress, Window: time.Hour},
	}
	if domain != "" && !slices.Contains(f.cfg.PublicHosts, domain) {
		budgets = append(budgets,
			store.Budget{Name: "confirmation/domain", Key: domain, Limit: f.cfg.ConfirmationsPerDomain, Window: time.Hour},
			store.Budget{Name: "confirmation/domain-day", Key: domain, Limit: f.cfg.ConfirmationsPerDomainDay,
				Window: 24 * time.Hour},
		)
	}
	for _, n := range origin.Networks(from) {
		budgets = append(budgets,
			store.Budget{Name: "confirmation/network", Key: n.String(), Limit: n.Share * f.cfg.ConfirmationsPerNetwork,
				Window: time.Hour},
			store.Budget{Name: "confirmation/network-day", Key: n.String(), Limit: n.Share * f.cfg.ConfirmationsPerNetworkDay,
				Window: 24 * time.Hour},
		)
	}
	return append(budgets,
		store.Budget{Name: BudgetAll, Limit: f.cfg.ConfirmationsInAll, Window: time.Hour},
		store.Budget{Name: BudgetAllDay, Limit: f.cfg.ConfirmationsInAllDay, Window: 24 * time.Hour},
	)
}
