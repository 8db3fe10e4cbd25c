package desk

import (
	"context"
	"net/http"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// draftStore keeps what agents are typing.
type draftStore interface {
	SaveDraft(ctx context.Context, now time.Time, by store.Actor, d store.Draft) error
	Draft(ctx context.Context, by store.Actor, id store.TicketID, kind store.EntryKind) (store.Draft, error)
	DropDraft(ctx context.Context, by store.Actor, id store.TicketID, kind store.EntryKind) error
}

// postDraft keeps what stands in a form; kind is "reply" or "note". An empty one is
// dropped; a form without its text was cut off, and the draft kept before stays.
func (d *Desk) postDraft(x *web.Exchange, who store.Agent, a written) error {
	switch {
	case !a.Came("body"):
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: missingWords("body")})
	case a.Kind != string(store.EntryReply) && a.Kind != string(store.EntryNote):
		return d.refuseAct(x, who, http.StatusUnprocessableEntity, writing{fault: "The kind is reply or note."})
	}
	if a.Limit("body", a.Body, maxDraft); a.HasFaults() {
		return a.Refuse(x, a.page)
	}
	switch err := d.keepDraft(x, who, a); {
	case err != nil:
		return d.refuse(x, a, err)
	case x.WantsJSON():
		return x.JSON(http.StatusOK, map[string]string{"saved": rfc3339(time.Now())})
	}
	return x.Redirect(withIn(ticketAddress(a.ticket.Number), a.In) + "#write")
}

// keepDraft keeps what stands in the form as the agent's draft; an empty one is dropped.
func (d *Desk) keepDraft(x *web.Exchange, who store.Agent, a written) error {
	k := a.ticket
	ctx, by, now := x.Request.Context(), staff.ActorOf(x, who), store.Instant(time.Now())
	draft := store.Draft{Ticket: k.ID, Kind: a.kind(), Body: a.Body, Files: a.Files, Version: min(a.seen(), k.Version)}
	if draft.Body == "" && len(draft.Files) == 0 {
		return d.deps.Store.DropDraft(ctx, by, k.ID, draft.Kind)
	}
	if a.Then != "" {
		draft.Then = a.then()
	}
	return d.deps.Store.SaveDraft(ctx, now, by, draft)
}
