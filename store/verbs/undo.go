package verbs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
)

// standingRecord is a standing as a row keeps it.
type standingRecord struct {
	Status     string `cbor:"1,keyasint"`
	Assignee   uint64 `cbor:"2,keyasint,omitempty"`
	First      int64  `cbor:"3,keyasint,omitempty"`
	Resolution int64  `cbor:"4,keyasint,omitempty"`
	Stopped    int64  `cbor:"5,keyasint,omitempty"`
	Solved     int64  `cbor:"6,keyasint,omitempty"`
	Update     int64  `cbor:"7,keyasint,omitempty"`
}

// undoRecord is what a ticket was before a reply and after it.
type undoRecord struct {
	Before standingRecord `cbor:"1,keyasint"`
	After  standingRecord `cbor:"2,keyasint"`
}

func newStandingRecord(s standing) standingRecord {
	return standingRecord{
		string(s.status), uint64(s.assignee), micros(s.promise.FirstResponseBy), micros(s.promise.ResolutionBy),
		micros(s.stopped), micros(s.solved), micros(s.promise.NextUpdateBy),
	}
}

func (r standingRecord) standing() standing {
	return standing{
		store.Status(r.Status), store.AgentID(r.Assignee),
		promise(r.First, r.Resolution, r.Update),
		instant(r.Stopped), instant(r.Solved),
	}
}

func (t *txn) putUndo(id store.OutboundID, before, after standing) error {
	return t.putRecord(bUndos, u64(uint64(id)), &undoRecord{newStandingRecord(before), newStandingRecord(after)})
}

// dropUndo forgets how a reply is taken back, once it leaves or has ended.
func (t *txn) dropUndo(row store.Outbound) error {
	if row.Kind != store.MailReply || row.ToColleague() {
		return nil
	}
	return t.delete(bUndos, u64(uint64(row.ID)))
}

// Undo implements store.Desk.
func (s *Store) Undo(
	ctx context.Context, now time.Time, by store.Actor, id store.OutboundID,
) (done store.Undone, err error) {
	now = store.Instant(now)
	err = s.act(ctx, deed{now, by, store.ActAnswerTicket, outboundObject(id)}, 0, func(t *txn) (err error) {
		done, err = t.undo(now, by, id)
		return err
	})
	if err != nil {
		done = store.Undone{}
	}
	return done, wrap("undo reply, outbound", id, err)
}

func (t *txn) undo(now time.Time, by store.Actor, id store.OutboundID) (store.Undone, error) {
	mail, err := t.outbound(id)
	if err != nil {
		return store.Undone{}, err
	}
	if mail.Kind != store.MailReply || mail.ToColleague() {
		return store.Undone{}, store.ErrNotFound
	}
	k, err := t.deskTicket(by, store.ActAnswerTicket, mail.Ticket)
	if err != nil {
		return store.Undone{}, err
	}
	e, err := t.entryAt(k.ID, mail.Entry)
	if err != nil {
		return store.Undone{}, err
	}
	var u undoRecord
	err = t.record(bUndos, u64(uint64(id)), &u)
	switch {
	case e.Agent != by.Agent || e.By != by.Kind:
		return store.Undone{}, fmt.Errorf("%w: another wrote it", store.ErrForbidden)
	case errors.Is(err, store.ErrNotFound) || err == nil && !now.Before(mail.UndoUntil):
		return store.Undone{}, fmt.Errorf("%w: it is too late to take it back", store.ErrConflict)
	case err != nil:
		return store.Undone{}, err
	}
	if err := t.copiesStay(k.ID, e.Seq); err != nil {
		return store.Undone{}, err
	}
	undone(&k, u.Before.standing(), u.After.standing())
	return t.takeBack(now, by, k, e, mail)
}

// takeBack ends the mail of a reply, makes its entry an event and its text a draft.
func (t *txn) takeBack(
	now time.Time, by store.Actor, k store.Ticket, e store.Entry, mail store.Outbound,
) (store.Undone, error) {
	if err := t.dequeue(mail); err != nil {
		return store.Undone{}, err
	}
	mail.Reason = store.RuleUndone
	if err := t.end(&mail, store.StateSuppressed, now); err != nil {
		return store.Undone{}, err
	}
	if err := errors.Join(t.putOutbound(mail), t.takeBackCopies(now, k.ID, e.Seq)); err != nil {
		return store.Undone{}, err
	}
	d := store.Draft{
		Ticket: k.ID, Kind: store.EntryReply, Body: e.Body, Files: e.Files, Then: e.Change.StatusTo, SavedAt: now,
	}
	event := store.Entry{
		Ticket: k.ID, Seq: e.Seq, Kind: store.EntryEvent, Event: store.EventReplyUndone, Outbound: mail.ID, Author: e.Author,
		At: e.At, By: e.By, Agent: e.Agent,
	}
	if err := t.replaceEntry(e, event); err != nil {
		return store.Undone{}, err
	}
	if err := t.retell(&k); err != nil {
		return store.Undone{}, err
	}
	k.ChangedAt, d.Version = now, k.Version
	d, err := t.restoreDraft(by.Agent, d)
	if err != nil {
		return store.Undone{}, err
	}
	if err := t.putTicket(k); err != nil {
		return store.Undone{}, err
	}
	return store.Undone{Ticket: k, Draft: d}, t.auditTicket(now, by, store.AuditReplyUndone, k, store.Change{})
}

// replaceEntry writes an entry in the place of another.
func (t *txn) replaceEntry(was, is store.Entry) error {
	data, err := t.codec.entryBytes(is)
	if err != nil {
		return err
	}
	if err := t.put(bTickets, entryKey(is.Ticket, is.Seq), data); err != nil {
		return err
	}
	return t.moveReferences(was.Files, is.Files)
}

// moveReferences counts the blobs of files that a row names now instead of others.
func (t *txn) moveReferences(was, is []store.File) error {
	for _, f := range is {
		if err := t.reference(f.Hash); err != nil {
			return err
		}
	}
	for _, f := range was {
		if err := t.release(f.Hash); err != nil {
			return err
		}
	}
	return nil
}

// undo checks that each reply which was held back and is not tried yet can be taken back.
func (c *checker) undo(row store.Outbound) {
	held := row.Kind == store.MailReply && row.State == store.StateQueued && row.Attempts == 0 &&
		!row.UndoUntil.IsZero()
	if !held || row.ToColleague() {
		return
	}
	key := u64(uint64(row.ID))
	way := c.value(bUndos, key)
	c.saw(bUndos, key, way)
	if way == nil {
		c.fault("outbound %d: no way to take it back", row.ID)
	}
}
