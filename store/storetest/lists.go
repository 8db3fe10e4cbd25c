package storetest

import (
	"context"
	"time"

	"signpost/store"
)

// lists reads whole lists of a store, a few items a page.
type lists struct {
	store store.Store
	ctx   context.Context
}

func (d *desk) lists() lists { return lists{d.Store, d.ctx} }

func (r *run) lists() lists { return lists{r.store, r.ctx} }

// pageSize of lists: small, so that most lists of a story have several pages.
const pageSize = 3

func whole[T any](list func(store.Page) (store.List[T], error)) ([]T, error) {
	return store.Collect(100_000, store.All(pageSize, list))
}

func (l lists) agents() ([]store.Agent, error) {
	return whole(func(p store.Page) (store.List[store.Agent], error) { return l.store.ListAgents(l.ctx, p) })
}

func (l lists) standing() ([]store.Alarm, error) {
	return whole(func(p store.Page) (store.List[store.Alarm], error) { return l.store.StandingAlarms(l.ctx, p) })
}

func (l lists) ended() ([]store.Alarm, error) {
	return whole(func(p store.Page) (store.List[store.Alarm], error) { return l.store.EndedAlarms(l.ctx, p) })
}

func (l lists) runs() ([]store.CanaryRun, error) {
	return whole(func(p store.Page) (store.List[store.CanaryRun], error) { return l.store.CanaryRuns(l.ctx, p) })
}

func (l lists) audits(by store.Actor, q store.AuditQuery) ([]store.Audit, error) {
	return whole(func(p store.Page) (store.List[store.Audit], error) { return l.store.ListAudits(l.ctx, by, q, p) })
}

func (l lists) throttled() ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.ThrottledOutbounds(l.ctx, p) })
}

func (l lists) search(q store.InboundQuery) ([]store.Inbound, error) {
	return whole(func(p store.Page) (store.List[store.Inbound], error) { return l.store.SearchInbound(l.ctx, q, p) })
}

func (l lists) waiting() ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.WaitingOutbounds(l.ctx, p) })
}

func (l lists) failed() ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.FailedOutbounds(l.ctx, p) })
}

func (l lists) held() ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.HeldOutbounds(l.ctx, p) })
}

func (l lists) mailsOf(id store.TicketID) ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.OutboundsOfTicket(l.ctx, id, p) })
}

func (l lists) ledger() ([]store.Inbound, error) {
	return whole(func(p store.Page) (store.List[store.Inbound], error) { return l.store.ListInbound(l.ctx, p) })
}

func (l lists) byMessageID(id string) ([]store.Inbound, error) {
	return whole(func(p store.Page) (store.List[store.Inbound], error) { return l.store.InboundByMessageID(l.ctx, id, p) })
}

func (l lists) pending(box string) ([]store.Inbound, error) {
	return whole(func(p store.Page) (store.List[store.Inbound], error) { return l.store.PendingInbound(l.ctx, box, p) })
}

func (l lists) ticketsOf(address string) ([]store.Ticket, error) {
	return whole(func(p store.Page) (store.List[store.Ticket], error) {
		return l.store.TicketsByRequester(l.ctx, store.ByService(), store.ActReadTicket, address, p)
	})
}

func (l lists) thread(id store.TicketID, after uint32) ([]store.Entry, error) {
	return whole(func(p store.Page) (store.List[store.Entry], error) { return l.store.Entries(l.ctx, id, after, p) })
}

func (l lists) deadlines(since, until time.Time) ([]store.Deadline, error) {
	return whole(func(p store.Page) (store.List[store.Deadline], error) {
		return l.store.DeadlinesDue(l.ctx, since, until, p)
	})
}

func (l lists) blobs() ([]store.BlobHash, error) {
	return whole(func(p store.Page) (store.List[store.BlobHash], error) { return l.store.ListBlobs(l.ctx, p) })
}

func (l lists) mailsTo(address string) ([]store.Outbound, error) {
	return whole(func(p store.Page) (store.List[store.Outbound], error) { return l.store.OutboundsTo(l.ctx, address, p) })
}

func (l lists) suppressions(now time.Time) ([]store.Suppression, error) {
	return whole(func(p store.Page) (store.List[store.Suppression], error) { return l.store.Suppressions(l.ctx, now, p) })
}

func (l lists) refusals(since time.Time) ([]store.Refusal, error) {
	return whole(func(p store.Page) (store.List[store.Refusal], error) { return l.store.Refusals(l.ctx, since, p) })
}
