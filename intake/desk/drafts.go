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
// dropped.
func (d *Desk) postDraft(x *web.Exchange, who store.Agent) error {
	a := newAnswer()
	page := func(status int) error { return d.page(x, who, status, a.writing()) }
	if err := d.deps.Posts.Read(x, &a.Draft); err != nil {
		return d.deps.Posts.RefuseBody(x, &a.Draft, err, page)
	}
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	if a.Limit("body", a.Body, maxBody); a.HasFaults() {
		return a.Refuse(x, page)
	}
	switch err = d.keepDraft(x, who, k, a); {
	case err != nil:
		return d.refuse(x, &a.Draft, err, page)
	case x.WantsJSON():
		return x.JSON(http.StatusOK, map[string]string{"saved": rfc3339(time.Now())})
	}
	return x.Redirect(withIn(ticketAddress(k.Number), a.In) + "#write")
}

// keepDraft keeps what stands in the form as the agent's draft; an empty one is dropped.
func (d *Desk) keepDraft(x *web.Exchange, who store.Agent, k store.Ticket, a *answer) error {
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

// kind is what the form writes.
func (a *answer) kind() store.EntryKind {
	if a.Kind == string(store.EntryNote) {
		return store.EntryNote
	}
	return store.EntryReply
}

// writing is the page with this answer in the form that it came from.
func (a *answer) writing() writing {
	if a.kind() == store.EntryNote {
		return writing{note: a}
	}
	return writing{reply: a}
}
