package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// What agents do to a ticket beside replying. Each is one event of its thread.

// Note implements store.Desk.
func (s *Store) Note(
	ctx context.Context, now time.Time, by store.Actor, n store.NewNote,
) (done store.Noted, err error) {
	now = store.Instant(now)
	if err = checkNote(n); err == nil {
		err = s.act(ctx, deed{now, by, store.ActAnswerTicket, ticketID(n.Ticket)}, len(n.Body), func(t *txn) (err error) {
			done, err = t.note(now, by, n)
			return err
		})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		done = store.Noted{}
	}
	return done, wrap("note on ticket", n.Ticket, err)
}

func checkNote(n store.NewNote) error {
	switch {
	case strings.TrimSpace(n.Body) == "":
		return invalid("a note needs words")
	case len(n.Mentions) > store.MaxMentions:
		return invalid("a note mentions at most 50 agents")
	case len(n.Idempotency) > store.MaxIdempotencyKey:
		return invalid("the idempotency key is longer than 200 bytes")
	}
	return checkWords(n.Body, n.Files)
}

func (t *txn) note(now time.Time, by store.Actor, n store.NewNote) (store.Noted, error) {
	k, err := t.deskTicket(by, store.ActAnswerTicket, n.Ticket)
	if err != nil {
		return store.Noted{}, err
	}
	key := answerKey(store.EntryNote, by, n.Ticket, n.Idempotency)
	if used, ok := t.usedPost(key, now); ok && n.Idempotency != "" {
		e, err := t.entryAt(k.ID, used.seq)
		if err == nil && used.fingerprint != n.Fingerprint {
			err = fmt.Errorf("%w: the idempotency key was used with another content", store.ErrConflict)
		}
		return store.Noted{Ticket: k, Entry: e, Replayed: true}, err
	}
	for _, id := range n.Mentions {
		if !t.has(bAgents, u64(uint64(id))) {
			return store.Noted{}, invalid(fmt.Sprintf("there is no agent %d to mention", id))
		}
	}
	opened(&k, now)
	e := store.Entry{
		Kind: store.EntryNote, Author: by.Name, At: now, Body: n.Body, Files: n.Files, By: by.Kind, Agent: by.Agent,
		Mentions: n.Mentions,
	}
	if err := t.addEntry(&k, &e); err != nil {
		return store.Noted{}, err
	}
	err = errors.Join(t.dropDraft(draftKey(k.ID, by.Agent, store.EntryNote)), t.hasRead(by, k.ID, e.Seq))
	if err != nil {
		return store.Noted{}, err
	}
	if n.Idempotency != "" {
		if err := t.putPost(key, post{k.ID, e.Seq, now, n.Fingerprint}); err != nil {
			return store.Noted{}, err
		}
	}
	if err := t.auditTicket(now, by, store.AuditNoted, k, store.Change{}); err != nil {
		return store.Noted{}, err
	}
	e, err = t.entryAt(k.ID, e.Seq)
	return store.Noted{Ticket: k, Entry: e}, err
}

// arrange runs change on a ticket and tells of it as an event, unless it changed nothing.
func (s *Store) arrange(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, event store.Event,
	change func(t *txn, k *store.Ticket) (store.Change, error),
) (k store.Ticket, err error) {
	now = store.Instant(now)
	err = s.act(ctx, deed{now, by, store.ActArrangeTicket, ticketID(id)}, 0, func(t *txn) (err error) {
		if k, err = t.deskTicket(by, store.ActArrangeTicket, id); err != nil {
			return err
		}
		was := k.Promise.NextUpdateBy
		changed, err := change(t, &k)
		if is := k.Promise.NextUpdateBy; !is.Equal(was) {
			changed.UpdateFrom, changed.UpdateTo = was, is
		}
		if err != nil || newChangeRecord(changed) == nil {
			return err
		}
		opened(&k, now)
		err = t.addEntry(&k, &store.Entry{
			Kind: store.EntryEvent, Event: event, Author: by.Name, At: now, By: by.Kind, Agent: by.Agent, Change: changed,
		})
		if err != nil {
			return err
		}
		return t.auditTicket(now, by, store.AuditTicketArranged, k, changed)
	})
	if err != nil {
		k = store.Ticket{}
	}
	return k, wrap(strings.ReplaceAll(string(event), "_", " ")+", ticket", id, err)
}

// AssignTicket implements store.Desk.
func (s *Store) AssignTicket(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.AgentID,
) (store.Ticket, error) {
	return s.arrange(ctx, now, by, id, store.EventAssigned, func(t *txn, k *store.Ticket) (c store.Change, err error) {
		if k.Assignee == to {
			return c, nil
		}
		if err := t.mayOwn(to, *k); err != nil {
			return c, err
		}
		c.AssigneeFrom, c.AssigneeTo = k.Assignee, to
		k.Assignee = to
		return c, nil
	})
}

// mayOwn refuses an agent who could not answer the ticket.
func (t *txn) mayOwn(id store.AgentID, k store.Ticket) error {
	if id == 0 {
		return nil
	}
	r, err := t.agent(id)
	if errors.Is(err, store.ErrNotFound) {
		return invalid(fmt.Sprintf("there is no agent %d", id))
	}
	if err == nil && (r.Disabled || store.May(r.agent(id).Actor(), store.ActAnswerTicket, store.OfTicket(k)) != nil) {
		err = invalid("that agent may not answer it")
	}
	return err
}

// SetStatus implements store.Desk.
func (s *Store) SetStatus(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.Status,
) (store.Ticket, error) {
	at := store.Instant(now)
	change := func(t *txn, k *store.Ticket) (c store.Change, err error) {
		if !given(to) {
			return c, invalid("a ticket cannot be given the status " + string(to))
		}
		if k.Status == to {
			return c, nil
		}
		c.StatusFrom, c.StatusTo = k.Status, to
		t.rules.setStatus(k, to, at)
		return c, nil
	}
	return s.arrange(ctx, now, by, id, store.EventStatusChanged, change)
}

// SetPriority implements store.Desk.
func (s *Store) SetPriority(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to store.Priority,
) (store.Ticket, error) {
	change := func(_ *txn, k *store.Ticket) (c store.Change, err error) {
		if !slices.Contains(store.Priorities(), to) {
			return c, invalid("there is no such priority")
		}
		c.PriorityFrom, c.PriorityTo = k.Priority, to
		k.Priority = to
		return c, nil
	}
	return s.arrange(ctx, now, by, id, store.EventPriorityChanged, change)
}

// SetCategory implements store.Desk.
func (s *Store) SetCategory(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, to string,
) (store.Ticket, error) {
	change := func(_ *txn, k *store.Ticket) (c store.Change, err error) {
		if to != "" && (badName(to) || !text.IsValid(to)) {
			return c, invalid("the category is no name")
		}
		c.CategoryFrom, c.CategoryTo = k.Category, to
		k.Category = to
		return c, nil
	}
	return s.arrange(ctx, now, by, id, store.EventCategoryChanged, change)
}

// SetTags implements store.Desk.
func (s *Store) SetTags(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, tags []string,
) (store.Ticket, error) {
	return s.arrange(ctx, now, by, id, store.EventTagsChanged, func(_ *txn, k *store.Ticket) (c store.Change, err error) {
		tags, err := tidyTags(tags)
		if err != nil {
			return c, err
		}
		c.TagsAdded, c.TagsRemoved = missing(k.Tags, tags), missing(tags, k.Tags)
		k.Tags = tags
		return c, nil
	})
}
