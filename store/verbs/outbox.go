package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// ClaimOutbound implements store.Outbox.
func (s *Store) ClaimOutbound(ctx context.Context, now time.Time, c store.Claim) (rows []store.Outbound, err error) {
	now = store.Instant(now)
	if err := checkClaim(c); err != nil {
		return nil, wrap("claim outbounds, at most", c.Limit, err)
	}
	err = s.write(ctx, 0, func(t *txn) (err error) {
		rows, err = t.claim(now, c)
		return err
	})
	if err != nil {
		return nil, wrap("claim outbounds, at most", c.Limit, err)
	}
	return rows, nil
}

func checkClaim(c store.Claim) error {
	switch {
	case c.Limit <= 0 || len(c.Lease) == 0 || len(c.Lease) > store.MaxLeases || slices.Min(c.Lease) <= 0:
		return invalid("a claim needs a limit, and leases above 0")
	case badName(c.Owner):
		return invalid("the owner is no name")
	}
	return nil
}

// FinishOutbound implements store.Outbox.
func (s *Store) FinishOutbound(ctx context.Context, now time.Time, f store.Finish) error {
	now = store.Instant(now)
	f.Reply = text.Cut(f.Reply, store.MaxReply)
	err := checkFinish(f)
	if err == nil {
		err = s.writePlanned(ctx, planOfFinish(f), func(t *txn) error { return t.finish(now, f) })
	}
	return wrap("finish outbound", f.ID, err)
}

func checkFinish(f store.Finish) error {
	held := f.State == store.StateHeld
	if f.Report.Outcome != "" && (f.State != store.StateFailed && !held || f.Report.Action != store.ActionFailed) {
		return invalid("only of a mail that failed or is held can a reply say why")
	}
	if held && f.Report.Outcome != "" && f.Report.Outcome != store.OutcomeRefused || held == (f.Hold == "") {
		return invalid("a mail is held at a stage of the dialogue, and blames no recipient")
	}
	switch f.State {
	case store.StateSent, store.StateFailed, store.StateUnknown:
		return nil
	case store.StateQueued, store.StateHeld:
		if f.DueAt.IsZero() {
			return invalid("another try needs an instant")
		}
		return nil
	}
	return invalid("an attempt cannot end in state " + strconv.Quote(string(f.State)))
}

func (t *txn) finish(now time.Time, f store.Finish) error {
	row, err := t.outbound(f.ID)
	if err != nil {
		return err
	}
	if row.State != store.StateClaimed || row.Claim != f.Claim {
		return fmt.Errorf("%w: it is no longer claimed under %d", store.ErrConflict, f.Claim)
	}
	if f.State == store.StateUnknown && !row.Kind.AtMostOnce() {
		return invalid("only an auto-response may end unknown")
	}
	if err := t.unschedule(row); err != nil {
		return err
	}
	noteTry(&row, f, now)
	row.Claim, row.Owner, row.Reply, row.Code, row.Enhanced = 0, "", f.Reply, f.Code, f.Enhanced
	if f.State.Waiting() {
		return t.wait(now, row, f)
	}
	if err := t.end(&row, f.State, now); err != nil {
		return err
	}
	refused := f.Report.Outcome != ""
	if row.State == store.StateSent || row.State == store.StateUnknown || refused {
		err = t.watchAnswer(row)
	}
	if fate := store.FateOf(store.KindBounce, f.Report); refused && fate.Outranks(row.Delivery.Fate) {
		return errors.Join(err, t.meetFate(now, row, fate, f.Report, 0))
	}
	return errors.Join(err, t.putOutbound(row), t.countGivenUp(row), t.tellFailure(now, row), t.acceptReply(now, row))
}

// wait puts a row back that is to be tried again, or held.
func (t *txn) wait(now time.Time, row store.Outbound, f store.Finish) error {
	row.DueAt, row.Hold.Stage = store.Instant(f.DueAt), text.Cut(f.Hold, store.MaxHoldStage)
	first := row.Hold.Since.IsZero()
	if f.State == store.StateHeld {
		row.Hold.Last = now
		if first {
			row.Hold.Since = now
		}
	}
	if err := errors.Join(t.enqueue(row), t.setState(&row, f.State), t.putOutbound(row), t.tellHeld(row)); err != nil {
		return err
	}
	if f.Report.Outcome == "" || !first {
		return nil
	}
	return t.addRefusal(now, f.Report, row)
}

// tellHeld puts the ticket of a held reply among those in trouble: its partner waits for what
// its agent believes to be sent. Whatever ends the hold says how it went on.
func (t *txn) tellHeld(row store.Outbound) error {
	if row.State != store.StateHeld || row.Kind != store.MailReply {
		return nil
	}
	k, err := t.ticket(row.Ticket)
	if err != nil || k.Trouble != "" {
		return wrap("ticket", row.Ticket, err)
	}
	k.Trouble = store.EventMailHeld
	return t.putTicket(k)
}

// tellFailure appends the event by which a ticket's thread tells that its mail
// was not delivered, and opens the ticket: what did not arrive was no answer. A colleague's
// mail opens nothing, since the requester has theirs.
func (t *txn) tellFailure(now time.Time, row store.Outbound) error {
	if row.State != store.StateFailed || row.Ticket == 0 || !row.Kind.OfTicket() {
		return nil
	}
	return t.tellLost(now, row, row.Reply)
}

// tellLost is tellFailure with the words of why.
func (t *txn) tellLost(now time.Time, row store.Outbound, words string) error {
	k, err := t.ticket(row.Ticket)
	if err != nil {
		return wrap("ticket", row.Ticket, err)
	}
	if !row.ToColleague() {
		t.rules.failed(&k, 0, store.EventMailFailed, store.Outbound{}, now)
	}
	return t.appendEvent(&k, now, store.EventMailFailed, row.ID, words)
}

// appendEvent tells in a ticket's thread what happened to one of its mails; other
// changes of k are written with it.
func (t *txn) appendEvent(
	k *store.Ticket, now time.Time, event store.Event, mail store.OutboundID, words string,
) error {
	return t.addEntry(k, &store.Entry{
		Kind: store.EntryEvent, Event: event, Outbound: mail, At: now, Body: words, By: store.ActorService,
	})
}

// NextOutbound implements store.Outbox.
func (s *Store) NextOutbound(ctx context.Context) (next time.Time, err error) {
	err = s.read(ctx, func(t *txn) error {
		head, _ := t.first(bOutbox, []byte{outHead})
		lease, _ := t.first(bOutbox, []byte{outLease})
		switch {
		case head == nil && lease == nil:
			return store.ErrNotFound
		case lease == nil || head != nil && readInstant(head[1:]).Before(readInstant(lease[1:])):
			next = readInstant(head[1:])
		default:
			next = readInstant(lease[1:])
		}
		return nil
	})
	return next, wrap("next", "outbound", err)
}

// Outbound implements store.Outbox.
func (s *Store) Outbound(ctx context.Context, id store.OutboundID) (row store.Outbound, err error) {
	err = s.read(ctx, func(t *txn) (err error) {
		row, err = t.outbound(id)
		return err
	})
	return row, wrap("outbound", id, err)
}

// OutboundByMessageID implements store.Outbox.
func (s *Store) OutboundByMessageID(ctx context.Context, messageID string) (row store.Outbound, err error) {
	err = s.read(ctx, func(t *txn) (err error) {
		row, err = t.outboundByMessageID(messageID)
		return err
	})
	return row, wrap("outbound by Message-ID", strconv.Quote(text.Cut(messageID, 200)), err)
}

// outboundByMessageID looks among the rows whose Message-ID begins alike; ours
// differ within the part that the key holds.
func (t *txn) outboundByMessageID(messageID string) (found store.Outbound, err error) {
	if messageID == "" {
		return found, store.ErrNotFound
	}
	prefix := messageKeyPrefix(messageID)
	err = t.walk(bOutMessages, prefix, prefix, func(key, _ []byte) (bool, error) {
		row, err := t.outbound(store.OutboundID(readU64(key[len(prefix):])))
		if err == nil && strings.EqualFold(row.MessageID, messageID) {
			found = row
		}
		return found.ID == 0, err
	})
	if err == nil && found.ID == 0 {
		err = store.ErrNotFound
	}
	return found, err
}

// OutboundsOfTicket implements store.Outbox.
func (s *Store) OutboundsOfTicket(
	ctx context.Context, id store.TicketID, p store.Page,
) (store.List[store.Outbound], error) {
	return readPage(ctx, s, "outbounds of ticket", id, p, func(t *txn) (l listing[store.Outbound], err error) {
		if !t.has(bTickets, u64(uint64(id))) {
			return l, store.ErrNotFound
		}
		return listing[store.Outbound]{
			name: "mails of a ticket", bucket: bTickets, prefix: underTicket(id, ofTicketMail), read: outboundOfKey,
		}, nil
	})
}

// addOutbound gives the row its id and writes it with its indexes.
func (t *txn) addOutbound(row *store.Outbound) error {
	id, err := t.next(bOutbounds)
	if err != nil {
		return err
	}
	row.ID = store.OutboundID(id)
	t.addCount(countOutbound, string(row.State), 1)
	err = errors.Join(
		t.putOutbound(*row),
		t.put(bOutMessages, append(messageKeyPrefix(row.MessageID), u64(id)...), []byte{}),
	)
	if row.Ticket != 0 {
		err = errors.Join(err, t.put(bTickets, ticketMailKey(row.Ticket, row.ID), []byte{}))
	}
	if elsewhere, e := t.isElsewhere(*row); elsewhere || e != nil {
		err = errors.Join(err, e, t.put(bOutRecipients, recipientKey(*row), []byte{}))
	}
	if row.State != store.StateQueued {
		return errors.Join(err, t.countEnd(*row))
	}
	return errors.Join(err, t.put(bOutbox, waitingKey(*row), []byte{}), t.enqueue(*row))
}

// setState changes the state and its counts; the row is still to be put.
func (t *txn) setState(row *store.Outbound, state store.OutboundState) error {
	if row.State == state {
		return nil
	}
	from := row.State
	row.State = state
	t.addCount(countOutbound, string(from), -1)
	t.addCount(countOutbound, string(state), 1)
	key := u64(uint64(row.ID))
	var err error
	if b, ok := listOf(from); ok {
		err = t.delete(b, key)
	}
	if b, ok := listOf(state); ok && err == nil {
		err = t.put(b, key, []byte{})
	}
	return err
}

// listOf is the bucket that lists the rows in a state.
func listOf(state store.OutboundState) (b bucket, ok bool) {
	switch state {
	case store.StateFailed:
		return bOutFailed, true
	case store.StateHeld:
		return bOutHeld, true
	}
	return 0, false
}

// end brings a row that is in no queue any more to a final state; it is still to
// be put.
func (t *txn) end(row *store.Outbound, state store.OutboundState, now time.Time) error {
	row.DoneAt, row.DueAt, row.Claim, row.Owner = now, time.Time{}, 0, ""
	if err := t.dropUndo(*row); err != nil {
		return err
	}
	return errors.Join(t.setState(row, state), t.countEnd(*row), t.countSentTo(*row),
		t.delete(bOutbox, waitingKey(*row)))
}
