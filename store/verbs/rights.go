package verbs

import (
	"context"
	"errors"
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

// act runs the verb of an act in a transaction, as write does, for who may do the act
// at all. To what belongs to a region, the verb asks itself (store.May).
func (s *Store) act(ctx context.Context, d deed, size int, verb func(*txn) error) error {
	return s.actPlanned(ctx, d, engine.Plan{Size: size}, verb)
}

// actPlanned is act for a verb that knows beforehand what it will read (plans.go).
func (s *Store) actPlanned(ctx context.Context, d deed, plan engine.Plan, verb func(*txn) error) error {
	return s.actFor(ctx, d, store.May(d.by, d.act, store.Anything()), plan, verb)
}

// actOnAll runs the verb of an act that concerns what belongs to no region, or to all.
func (s *Store) actOnAll(ctx context.Context, d deed, verb func(*txn) error) error {
	return s.actFor(ctx, d, store.May(d.by, d.act, store.Everywhere()), engine.Plan{}, verb)
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
	if d.now.IsZero() || !errors.Is(err, store.ErrForbidden) && !errors.Is(err, store.ErrUnseen) {
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
	if !by.CameBy(link) {
		return store.ErrForbidden
	}
	return nil
}

// deskTicket returns the ticket that an actor may do an act to. Who may do it to none learns
// of none whether it is there.
func (t *txn) deskTicket(by store.Actor, act store.Act, id store.TicketID) (store.Ticket, error) {
	return t.ticketThrough(by, act, id, store.LinkID{})
}

// ticketFor is deskTicket also for a partner, whose link has to open it; the author of a
// ticket, who came by none, may give it another address.
func (t *txn) ticketFor(now time.Time, by store.Actor, act store.Act, id store.TicketID) (store.Ticket, error) {
	link := store.LinkID{}
	if by.Kind == store.ActorPartner && by.Link != link {
		behind, err := t.ticketByLink(now, by.Link)
		switch {
		case err != nil:
			return store.Ticket{}, err
		case behind.ID != id:
			return store.Ticket{}, store.ErrForbidden
		}
		link = by.Link
	}
	return t.ticketThrough(by, act, id, link)
}

// ticketThrough returns a ticket that the link, zero for none, opens.
func (t *txn) ticketThrough(
	by store.Actor, act store.Act, id store.TicketID, link store.LinkID,
) (store.Ticket, error) {
	if err := store.May(by, act, store.Anything()); err != nil {
		return store.Ticket{}, err
	}
	k, err := t.ticket(id)
	if err == nil {
		err = store.May(by, act, store.OfTicket(k).Behind(link))
	}
	if err != nil {
		return store.Ticket{}, err
	}
	return k, nil
}
