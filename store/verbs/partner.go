package verbs

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// What partners do on the page of their ticket beside writing. Each is one event of its
// thread.

// actByLink runs change on the ticket behind a link, whose address it proves, and tells of
// it as the event that change returns; without one it changed nothing.
func (s *Store) actByLink(
	ctx context.Context, now time.Time, by store.Actor, link store.LinkID, verb string,
	change func(t *txn, k *store.Ticket) (store.Entry, error),
) (k store.Ticket, err error) {
	d := deed{now: now, by: by, act: store.ActWriteMessage}
	if err = s.asked(ctx, d, checkThrough(by, link)); err == nil {
		err = s.act(ctx, d, 0, func(t *txn) (err error) {
			if k, err = t.ticketByLink(now, link); err != nil {
				return err
			}
			unproven := k.ProvenAt.IsZero()
			if unproven {
				k.ProvenAt = now
			}
			e, err := change(t, &k)
			switch {
			case err != nil:
				return err
			case e.Event != "":
				e.Kind, e.Author, e.At, e.By = store.EntryEvent, k.Requester.Name, now, by.Kind
				return t.addEntry(&k, &e)
			case unproven:
				return t.putTicket(k)
			}
			return nil
		})
	}
	if err != nil {
		k = store.Ticket{}
	}
	return k, wrap(verb+" the ticket of link", linkName(link), err)
}

// SolveByPartner implements store.Partners.
func (s *Store) SolveByPartner(
	ctx context.Context, now time.Time, by store.Actor, link store.LinkID,
) (store.Ticket, error) {
	now = store.Instant(now)
	return s.actByLink(ctx, now, by, link, "solve", func(t *txn, k *store.Ticket) (e store.Entry, err error) {
		if !k.Status.Waits() {
			return e, nil
		}
		return t.movedByPartner(k, store.EventPartnerSolved, store.StatusSolved, now), nil
	})
}

// ReopenByPartner implements store.Partners.
func (s *Store) ReopenByPartner(
	ctx context.Context, now time.Time, by store.Actor, link store.LinkID,
) (store.Ticket, error) {
	now = store.Instant(now)
	return s.actByLink(ctx, now, by, link, "reopen", func(t *txn, k *store.Ticket) (e store.Entry, err error) {
		switch {
		case k.StatusAt(now) == store.StatusClosed:
			return e, store.ErrClosed
		case !k.Status.Stops():
			return e, nil
		}
		return t.movedByPartner(k, store.EventPartnerReopened, store.StatusOpen, now), nil
	})
}

// movedByPartner gives a ticket another status, and returns the event of that.
func (t *txn) movedByPartner(k *store.Ticket, event store.Event, to store.Status, now time.Time) store.Entry {
	e := store.Entry{Event: event, Change: store.Change{StatusFrom: k.Status, StatusTo: to}}
	t.rules.setStatus(k, to, now)
	return e
}

// RateTicket implements store.Partners.
func (s *Store) RateTicket(
	ctx context.Context, now time.Time, by store.Actor, link store.LinkID, score int, comment string,
) (store.Ticket, error) {
	now = store.Instant(now)
	if err := checkRating(score, comment); err != nil {
		return store.Ticket{}, wrap("rate the ticket of link", linkName(link), err)
	}
	return s.actByLink(ctx, now, by, link, "rate", func(_ *txn, k *store.Ticket) (e store.Entry, err error) {
		was := k.Rating
		switch {
		case was.Score == score && was.Comment == comment:
			return e, nil
		case was.Score == 0:
			k.Rating.FirstAt = now
		case !now.Before(was.FirstAt.Add(store.RatingOpen)):
			return e, fmt.Errorf("%w: it was rated longer ago than a rating may be changed", store.ErrConflict)
		}
		k.Rating.Score, k.Rating.Comment = score, comment
		e.Event, e.Body = store.EventRated, comment
		e.Change.ScoreFrom, e.Change.ScoreTo = was.Score, score
		return e, nil
	})
}

func checkRating(score int, comment string) error {
	switch {
	case score < 1 || score > store.MaxScore:
		return invalid("a rating is 1 to 5")
	case len(comment) > store.MaxField || !text.IsValid(comment):
		return invalid("the comment is longer than 16 KiB, or no valid text")
	}
	return nil
}

// findFollowed finds the closed ticket that a new one goes on from, and refuses others.
func (t *txn) findFollowed(o *opening) (err error) {
	if o.Follows == (store.LinkID{}) {
		return nil
	}
	o.follows, err = t.ticketByLink(o.now, o.Follows)
	switch k := o.follows; {
	case err != nil:
		return err
	case k.StatusAt(o.now) != store.StatusClosed:
		return fmt.Errorf("%w: the ticket that it goes on from is not closed", store.ErrConflict)
	case store.AddressKey(k.Requester.Email) != store.AddressKey(o.Requester.Email):
		return fmt.Errorf("%w: the ticket that it goes on from is another address's", store.ErrConflict)
	}
	return nil
}

// tellFollowed ties the ticket that a new one goes on from to that.
func (t *txn) tellFollowed(o opening, follower store.Ticket) error {
	k := o.follows
	if k.ID == 0 {
		return nil
	}
	if k.FollowedBy = follower.ID; k.ProvenAt.IsZero() {
		k.ProvenAt = o.now
	}
	return t.addEntry(&k, &store.Entry{
		Kind: store.EntryEvent, Event: store.EventFollowed, Author: k.Requester.Name, At: o.now, Body: follower.Number,
		By: store.ActorPartner,
	})
}

// follows checks that tickets which go on from one another know of it.
func (c *checker) follows(k store.Ticket) {
	if k.Follows == 0 {
		return
	}
	if older, err := c.ticket(k.Follows); err != nil || older.FollowedBy < k.ID {
		c.fault("ticket %d goes on from %d, which does not know it: %v", k.ID, k.Follows, err)
	}
}
