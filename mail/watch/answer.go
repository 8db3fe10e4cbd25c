package watch

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"signpost/mail/header"
	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// Limits hold the automatic answers. A zero field takes the default, a negative
// one means no limit.
type Limits struct {
	// Period in which one person is answered once (RFC 5230 section 4.1: 7 days
	// by default, at least 1).
	Period time.Duration
	// Answers to one organisation's domain: a machine that changes its address
	// with every mail stays under one domain. Not held against the big public
	// mail hosts.
	DomainHour, DomainDay int
	// NetworkHour is how many answers an hour go to what one network sent: who owns
	// many domains still sends from few places. It is that of the smallest of
	// origin.Networks; the wider ones have their share. In BreakerWindow the widest gets
	// a third of Breaker at the most, so that one network alone cannot turn the answers
	// off for all. Mail whose network is unknown shares one allowance. Not held against
	// what a big public mail host sent, behind which everybody writes.
	NetworkHour int
	// PublicHosts are domains held to no budget beside the big ones known here.
	PublicHosts []string
	// Breaker is how many answers in all within BreakerWindow turn the responder
	// off.
	Breaker       int
	BreakerWindow time.Duration
	// Returns does so too when the answers to more percent of those answered last,
	// counted by domain and network, come back.
	Returns int
}

// DefaultLimits are what the zero Limits stand for.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	return Limits{
		Period:        or(l.Period, 7*24*time.Hour),
		DomainHour:    or(l.DomainHour, 3),
		DomainDay:     or(l.DomainDay, 20),
		NetworkHour:   or(l.NetworkHour, 20),
		PublicHosts:   l.PublicHosts,
		Breaker:       or(l.Breaker, 30),
		BreakerWindow: or(l.BreakerWindow, 10*time.Minute),
		Returns:       or(l.Returns, 20),
	}
}

func or[T int | time.Duration](value, byDefault T) T {
	switch {
	case value == 0:
		return byDefault
	case value < 0:
		return 0
	}
	return value
}

// returnsLeast is how many answers have to be out before it counts how many of
// them come back.
const returnsLeast = 10

// returnParties is how many unrelated senders an answer must come back from: one who
// has some domains, and lets what goes to them bounce, shall not stop the answers for
// all.
const returnParties = 5

// parties are what the sender of a mail is counted by when its answer comes back:
// the domain that is paid for, and the widest network.
func parties(address string, from netip.Addr) []string {
	keys := []string{origin.Registered(store.Domain(address))}
	if from.IsValid() && !isPrivate(from) {
		keys = append(keys, origin.Widest(from).String())
	}
	return keys
}

// networkPart is the part of the breaker that one network may spend: one in so many.
const networkPart = 3

// of is what an answer to one address is held to, when it answers a mail that came
// from that network. byHost says that the host of the address itself sent it.
func (l Limits) of(address string, from netip.Addr, byHost bool) store.AnswerLimits {
	held := store.AnswerLimits{
		Sender:  origin.Mailbox(address),
		Period:  l.Period,
		Breaker: store.Budget{Name: "answer/breaker", Limit: l.Breaker, Window: l.BreakerWindow},
		Returns: store.ReturnLimit{Percent: l.Returns, Least: returnsLeast, Parties: returnParties},
	}
	domain := origin.Party(store.Domain(address))
	isPublic := domain == "" || slices.Contains(l.PublicHosts, domain)
	if !isPublic {
		held.Budgets = []store.Budget{
			{Name: "answer/domain-hour", Key: domain, Limit: l.DomainHour, Window: time.Hour},
			{Name: "answer/domain-day", Key: domain, Limit: l.DomainDay, Window: 24 * time.Hour},
		}
	}
	if !isPublic || !byHost {
		held.Budgets = append(held.Budgets, l.ofNetwork(from)...)
	}
	return held
}

// ticketPeriod is how often the proven requester of a ticket who answers its mails is shown
// its page.
const ticketPeriod = 24 * time.Hour

// ofTicket is what an answer to the proven requester of a ticket is held to: once a ticket
// and day, whatever else their organisation is answered, and the breaker.
func (l Limits) ofTicket(number, address string, from netip.Addr, byHost bool) store.AnswerLimits {
	held := l.of(address, from, byHost)
	held.Sender, held.Period, held.Budgets = "ticket/"+number, ticketPeriod, nil
	if !byHost {
		held.Budgets = l.ofNetwork(from)
	}
	return held
}

// ofNetwork are the budgets of the networks an address lies in.
func (l Limits) ofNetwork(from netip.Addr) (budgets []store.Budget) {
	if l.NetworkHour <= 0 {
		return nil
	}
	widest := ""
	for _, n := range origin.Networks(from) {
		widest = n.String()
		hour := store.Budget{Name: "answer/network-hour", Key: widest, Limit: l.NetworkHour * n.Share, Window: time.Hour}
		budgets = append(budgets, hour)
	}
	if l.Breaker > 0 {
		part := max(1, l.Breaker/networkPart)
		budgets = append(budgets, store.Budget{Name: "answer/network", Key: widest, Limit: part, Window: l.BreakerWindow})
	}
	return budgets
}

// answer forms the auto-response to a mail, all but what the driver sets. The
// address it comes from is one of ours, chosen by the mail's, never copied from
// it; nothing of the mail's text is in it.
//
// Beside it, the ticket whose proven requester wrote the mail; 0: none.
func (w *Watcher) answer(
	ctx context.Context, now time.Time, row store.Inbound, r triage.Result,
) (*store.Outbound, store.TicketID) {
	region := regionOf(w.box.Regions, r.To)
	out := &store.Outbound{
		Kind:      store.MailAutoResponse,
		Region:    region.ID,
		From:      region.Address,
		FromName:  region.Name,
		To:        r.AnswerTo,
		Langs:     w.langs(ctx, region, r),
		MessageID: w.deps.Ring.MessageID(now, store.MailAutoResponse, store.Domain(region.Address)),
		Inbound:   row.ID,
	}
	if id := header.UsableID(r.MessageID); id != "" { // RFC 5230 section 5.8
		out.InReplyTo = id
		out.References = references(r.References, id)
	}
	if k, ok := w.ticketAnswered(ctx, r); ok {
		// To the address on file, spelled as it is there.
		out.Ticket, out.Number, out.Link, out.To = k.ID, k.Number, ident.NewLink(now), k.Requester.Email
		if !k.ProvenAt.IsZero() {
			return out, k.ID
		}
	}
	return out, 0
}

// ticketAnswered finds the ticket whose mail was answered, if it was its own
// requester who did: a proven sender, the address on file, and an id of ours in
// the thread. Any other sender who knows that id is shown the form, as all are.
func (w *Watcher) ticketAnswered(ctx context.Context, r triage.Result) (store.Ticket, bool) {
	isProven := !slices.ContainsFunc(r.Rules, func(rule store.Rule) bool { return rule.ID == "unauthenticated" })
	if !isProven || w.deps.Outbounds == nil || w.deps.Requesters == nil {
		return store.Ticket{}, false
	}
	thread := append([]string{r.InReplyTo}, r.References...)
	slices.Reverse(thread[1:]) // the latest mail first
	for _, id := range thread {
		if _, ours := w.deps.Ring.OwnMessageID(id); !ours {
			continue
		}
		k, err := w.ticketOf(ctx, id)
		if err == nil && store.AddressKey(k.Requester.Email) == store.AddressKey(r.AnswerTo) {
			return k, true
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			w.log.Warn("the ticket a mail answers was not found", "error", err)
		}
	}
	return store.Ticket{}, false
}

// ticketOf is the ticket whose mail bears a Message-ID.
func (w *Watcher) ticketOf(ctx context.Context, messageID string) (store.Ticket, error) {
	mail, err := w.deps.Outbounds.OutboundByMessageID(ctx, messageID)
	if err != nil {
		return store.Ticket{}, err
	}
	return w.deps.Requesters.Ticket(ctx, mail.Ticket)
}

// regionOf picks the region whose address the mail names, the first when it
// names none.
func regionOf(regions []store.Region, to []string) store.Region {
	for _, address := range to {
		for _, region := range regions {
			if store.AnswerKey(address) == store.AnswerKey(region.Address) {
				return region
			}
		}
	}
	return regions[0]
}

const referencesKept = 11 // the first and the last ten: RFC 5322 section 2.1.1 bounds the line

// references is the thread the answer joins: the mail's own and the mail.
func references(of []string, id string) []string {
	var refs []string
	for _, ref := range of {
		if ref = header.UsableID(ref); ref != "" && ref != id && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
		if len(refs) > 2*referencesKept {
			refs = slices.Delete(refs, 1, 2)
		}
	}
	refs = append(refs, id)
	if over := len(refs) - referencesKept; over > 0 {
		refs = slices.Delete(refs, 1, 1+over)
	}
	return refs
}

// langs is the language of the answer: that of a partner we know, else one the
// mail asks for (RFC 5230 section 7), else the region's, with a second beside
// it, since then the sender's language is not known.
func (w *Watcher) langs(ctx context.Context, region store.Region, r triage.Result) []string {
	if w.deps.Requesters != nil {
		known, err := store.Items(w.deps.Requesters.TicketsByRequester(ctx, store.ByService(), store.ActReadTicket,
			r.AnswerTo, store.Page{Limit: 1}))
		if err != nil {
			w.log.Warn("language of a requester not found", "error", err)
		}
		if err == nil && len(known) > 0 {
			if l, ok := w.deps.Catalogue.Match(known[0].Requester.Lang); ok {
				return []string{l.Tag()}
			}
		}
	}
	for _, asked := range r.Languages {
		if l, ok := w.deps.Catalogue.Match(asked); ok {
			return []string{l.Tag()}
		}
	}
	first := w.deps.Catalogue.Pick(region.Languages...).Tag()
	others := slices.Concat(region.Languages[min(1, len(region.Languages)):], []string{"en"})
	second := w.deps.Catalogue.Pick(others...).Tag()
	if first == second {
		return []string{first}
	}
	return []string{first, second}
}
