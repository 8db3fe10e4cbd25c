package verbs

import (
	"context"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// act runs the verb of an act in a transaction, as write does, for who may do the act
// at all. To what belongs to a region, the verb asks itself (store.May).
func (s *Store) act(ctx context.Context, by store.Actor, act store.Act, size int, verb func(*txn) error) error {
	return s.actPlanned(ctx, by, act, engine.Plan{Size: size}, verb)
}

// actPlanned is act for a verb that knows beforehand what it will read (plans.go).
func (s *Store) actPlanned(
	ctx context.Context, by store.Actor, act store.Act, plan engine.Plan, verb func(*txn) error,
) error {
	if err := checkActor(by); err != nil {
		return err
	}
	if err := store.MayAtAll(by, act); err != nil {
		return err
	}
	return s.writePlanned(ctx, plan, verb)
}

// actOnAll runs the verb of an act that concerns what belongs to no region, or to all.
func (s *Store) actOnAll(ctx context.Context, by store.Actor, act store.Act, verb func(*txn) error) error {
	if err := store.May(by, act, ""); err != nil {
		return err
	}
	return s.act(ctx, by, act, 0, verb)
}

func checkActor(by store.Actor) error {
	if len(by.Account)+len(by.Name)+len(by.Network) > store.MaxField {
		return invalid("the actor's names are longer than 16 KiB")
	}
	return nil
}

// checkNamed refuses an act of which no record could say who did it.
func checkNamed(by store.Actor) error {
	if by.Account == "" {
		return invalid("it needs the account of who does it")
	}
	return nil
}

// checkThrough refuses a partner who acts through a link other than their own.
func checkThrough(by store.Actor, link store.LinkID) error {
	if by.Kind == store.ActorPartner && by.Link != link {
		return store.ErrForbidden
	}
	return nil
}

// ticketFor returns the ticket that the actor may do an act to. For a partner that is
// the one behind their link; the author of a ticket, who came by none, may give it
// another address.
func (t *txn) ticketFor(now time.Time, by store.Actor, act store.Act, id store.TicketID) (store.Ticket, error) {
	k, err := t.ticket(id)
	if err == nil {
		err = store.May(by, act, k.Region)
	}
	author := by.Link == store.LinkID{} && act == store.ActChangeRequester
	if err != nil || by.Kind != store.ActorPartner || author {
		return k, err
	}
	behind, err := t.ticketByLink(now, by.Link)
	if err == nil && behind.ID != id {
		err = store.ErrForbidden
	}
	return k, err
}
