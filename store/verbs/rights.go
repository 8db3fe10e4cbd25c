package verbs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// deed is an act that an actor asks to do: what the audit log has of it where it is refused.
// It is not logged without an instant.
type deed struct {
	now time.Time
	by  store.Actor
	act store.Act
	to  store.Object // zero where it is not known
}

// errUnseen is store.ErrNotFound of what is there and belongs to a region that the actor
// does not see: the actor learns no more, and the audit log does.
var errUnseen = fmt.Errorf("%w", store.ErrNotFound)

// act runs the verb of an act in a transaction, as write does, for who may do the act
// at all. To what belongs to a region, the verb asks itself (store.May).
func (s *Store) act(ctx context.Context, d deed, size int, verb func(*txn) error) error {
	return s.actPlanned(ctx, d, engine.Plan{Size: size}, verb)
}

// actPlanned is act for a verb that knows beforehand what it will read (plans.go).
func (s *Store) actPlanned(ctx context.Context, d deed, plan engine.Plan, verb func(*txn) error) error {
	return s.actFor(ctx, d, store.MayAtAll(d.by, d.act), plan, verb)
}

// actOnAll runs the verb of an act that concerns what belongs to no region, or to all.
func (s *Store) actOnAll(ctx context.Context, d deed, verb func(*txn) error) error {
	return s.actFor(ctx, d, store.May(d.by, d.act, ""), engine.Plan{}, verb)
}

// actOnOwn is actOnAll for an act that needs no right where it is done to the actor's own.
func (s *Store) actOnOwn(ctx context.Context, d deed, own bool, verb func(*txn) error) error {
	if !own {
		return s.actOnAll(ctx, d, verb)
	}
	return s.actFor(ctx, d, nil, engine.Plan{}, verb)
}

// actFor runs the verb of a deed unless it is refused, which the audit log is told of.
func (s *Store) actFor(ctx context.Context, d deed, refused error, plan engine.Plan, verb func(*txn) error) error {
	if err := checkActor(d.by); err != nil {
		return err
	}
	if refused == nil {
		refused = s.writePlanned(ctx, plan, verb)
	}
	return s.asked(ctx, d, refused)
}

// asked returns how a deed ended, and has the audit log tell of one that was refused: in a
// transaction of its own, since the verb of a refused act wrote nothing. An act is refused
// also where the log cannot be written; who asked then learns that too.
func (s *Store) asked(ctx context.Context, d deed, err error) error {
	if d.now.IsZero() || !errors.Is(err, store.ErrForbidden) && !errors.Is(err, errUnseen) {
		return err
	}
	return errors.Join(err, s.write(ctx, 0, func(t *txn) error { return t.refuse(d, 1) }))
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
