package verbs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// Replies of agents: written with the mail that they go out as, and taken back as long
// as no sender has claimed that.

// Reply implements store.Desk.
func (s *Store) Reply(
	ctx context.Context, now time.Time, by store.Actor, n store.NewReply,
) (done store.Replied, err error) {
	now = store.Instant(now)
	if err = checkReply(now, n); err == nil {
		err = s.act(ctx, deed{now, by, store.ActAnswerTicket, ticketID(n.Ticket)}, 2*len(n.Body), func(t *txn) (err error) {
			done, err = t.reply(now, by, n)
			return err
		})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		done = store.Replied{}
	}
	return done, wrap("reply to ticket", n.Ticket, err)
}

func checkReply(now time.Time, n store.NewReply) error {
	switch {
	case strings.TrimSpace(n.Body) == "":
		return invalid("a reply needs words")
	case !given(n.Then):
		return invalid("a ticket cannot be given the status " + string(n.Then))
	case n.Undo < 0 || n.Undo > store.MaxUndo:
		return invalid("a reply is held back for 30 seconds at most")
	case len(n.Idempotency) > store.MaxIdempotencyKey:
		return invalid("the idempotency key is longer than 200 bytes")
	}
	return errors.Join(checkWords(n.Body, n.Files), checkMailing(now, store.Mailing{
		Region: n.Region, Link: n.Link, LinkExpires: n.LinkExpires, MessageID: n.MessageID,
	}))
}

// checkWords is checkText of what is written at the desk, whose texts are valid ones.
func checkWords(body string, files []store.File) error {
	valid := text.IsValid(body)
	for _, f := range files {
		valid = valid && text.IsValid(f.Name) && text.IsValid(f.Type)
	}
	if !valid {
		return invalid("a text is not valid UTF-8, or holds NUL")
	}
	return checkText(body, files)
}

func (t *txn) reply(now time.Time, by store.Actor, n store.NewReply) (store.Replied, error) {
	k, err := t.deskTicket(by, store.ActAnswerTicket, n.Ticket)
	if err != nil {
		return store.Replied{}, err
	}
	key := answerKey(store.EntryReply, by, n.Ticket, n.Idempotency)
	if used, ok := t.usedPost(key, now); ok && n.Idempotency != "" {
		return t.repliedBefore(k, used, n)
	}
	if refused, err := t.mayReply(now, k, n); err != nil {
		return refused, err
	}
	before := standingOf(k)
	e := store.Entry{
		Kind: store.EntryReply, Author: by.Name, At: now, Body: n.Body, Files: n.Files, By: by.Kind, Agent: by.Agent,
	}
	if n.Undo > 0 {
		e.UndoUntil = now.Add(n.Undo)
	}
	e.Change = t.rules.replied(&k, by.Agent, n.Then, now)
	mail, err := t.mailReply(now, &k, &e, n)
	if err != nil {
		return store.Replied{}, err
	}
	if n.Undo > 0 {
		if err := t.putUndo(mail.ID, before, standingOf(k)); err != nil {
			return store.Replied{}, err
		}
	}
	err = errors.Join(t.dropDraft(draftKey(k.ID, by.Agent, store.EntryReply)), t.hasRead(by, k.ID, e.Seq))
	if err != nil {
		return store.Replied{}, err
	}
	if n.Idempotency != "" {
		if err := t.putPost(key, post{k.ID, e.Seq, now, n.Fingerprint}); err != nil {
			return store.Replied{}, err
		}
	}
	return store.Replied{Ticket: k, Entry: e, Mail: mail}, t.auditTicket(now, by, store.AuditReplied, k, e.Change)
}

// answerKey is the idempotency key of what one agent writes into one ticket.
func answerKey(kind store.EntryKind, by store.Actor, id store.TicketID, key string) digest {
	return digestOf("answer", string(kind), string(pair64(uint64(id), uint64(by.Agent))), key)
}

// repliedBefore answers a repeated call.
func (t *txn) repliedBefore(k store.Ticket, used post, n store.NewReply) (store.Replied, error) {
	e, err := t.entryAt(k.ID, used.seq)
	if err != nil {
		return store.Replied{}, err
	}
	mail, err := t.outbound(e.Outbound)
	if err == nil && used.fingerprint != n.Fingerprint {
		err = fmt.Errorf("%w: the idempotency key was used with another content", store.ErrConflict)
	}
	return store.Replied{Ticket: k, Entry: e, Mail: mail, Replayed: true}, err
}

func (t *txn) entryAt(id store.TicketID, seq uint32) (store.Entry, error) {
	data := t.value(bTickets, entryKey(id, seq))
	if data == nil {
		return store.Entry{}, store.ErrNotFound
	}
	return t.codec.entry(id, seq, data)
}

// mayReply refuses a reply that would not leave, or was written without the newest.
func (t *txn) mayReply(now time.Time, k store.Ticket, n store.NewReply) (store.Replied, error) {
	if n.Region.ID != k.Region {
		return store.Replied{}, invalid("the region is not the ticket's")
	}
	if err := errors.Join(t.unused(n.MessageID, n.Link), t.checkCopies(k, n.Copies)); err != nil {
		return store.Replied{}, err
	}
	if n.Version < k.Version && !n.Force {
		newer, err := t.newer(k.ID, n.Version)
		if err == nil {
			err = fmt.Errorf("%w: the thread has gone on", store.ErrConflict)
		}
		return store.Replied{Ticket: k, Newer: newer}, err
	}
	withheld, _, err := t.withheld(now, k.Requester.Email, store.MailReply)
	if err == nil && withheld != "" {
		err = fmt.Errorf("%w: mail to its address is suppressed", store.ErrConflict)
	}
	return store.Replied{Ticket: k, Withheld: withheld}, err
}

// newer are the messages, replies and notes behind an entry.
func (t *txn) newer(id store.TicketID, version uint32) (all []store.Entry, err error) {
	from := append(entryKey(id, version), 0)
	err = t.walk(bTickets, underTicket(id, ofTicketEntry), from, func(key, value []byte) (bool, error) {
		e, err := t.codec.entry(id, entrySeq(key), value)
		if err == nil && e.Kind != store.EntryEvent {
			all = append(all, e)
		}
		return len(all) < store.MaxPage, err
	})
	return all, err
}

// mailReply writes a reply and the mail that it goes out as, with the ticket.
func (t *txn) mailReply(now time.Time, k *store.Ticket, e *store.Entry, n store.NewReply) (store.Outbound, error) {
	m := store.Mailing{Region: n.Region, Link: n.Link, LinkExpires: n.LinkExpires, MessageID: n.MessageID}
	mail, err := t.newReplyMail(now, k, m)
	if err != nil {
		return mail, err
	}
	mail.Entry, mail.UndoUntil, mail.DueAt = k.Entries+1, e.UndoUntil, e.PublicAt()
	mail.Attached = n.Region.Attaches(mail.Proven, e.Files)
	if mail.Text, err = t.signature(e.Agent, mail.Langs); err != nil {
		return mail, err
	}
	if err := t.addOutbound(&mail); err != nil {
		return mail, err
	}
	if err := t.mailCopies(now, k, mail, *e, m, n.Copies); err != nil {
		return mail, err
	}
	e.Outbound = mail.ID
	if err := t.addEntry(k, e); err != nil {
		return mail, err
	}
	// What the caller gets is read back, so that it shares no memory with n.
	*e, err = t.entryAt(k.ID, e.Seq)
	return mail, err
}

// keepLink gives a ticket a link in the place of one that opens nothing any more; the
// ticket is still to be put.
func (t *txn) keepLink(now time.Time, k *store.Ticket, fresh store.LinkID, expires time.Time) error {
	if _, err := t.ticketByLink(now, k.Link); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	k.Link = fresh
	return t.putLink(*k, store.Instant(expires))
}

// signature is an agent's, for the reader of a mail.
func (t *txn) signature(id store.AgentID, langs []string) (string, error) {
	r, err := t.agent(id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return r.agent(id).Signature(strings.Join(langs, "")), err
}

// ReplyOf implements store.Outbox.
func (s *Store) ReplyOf(
	ctx context.Context, id store.OutboundID, most int,
) (reply store.Entry, earlier []store.Entry, err error) {
	err = s.read(ctx, func(t *txn) error {
		mail, err := t.outbound(id)
		if err != nil {
			return err
		}
		if mail.Kind != store.MailReply {
			return store.ErrNotFound
		}
		if reply, err = t.entryAt(mail.Ticket, mail.Entry); err != nil {
			return err
		}
		prefix := underTicket(mail.Ticket, ofTicketEntry)
		return t.walkBack(bTickets, prefix, entryKey(mail.Ticket, mail.Entry), func(key, value []byte) (bool, error) {
			if len(earlier) >= most {
				return false, nil
			}
			e, err := t.codec.entry(mail.Ticket, entrySeq(key), value)
			public := e.Kind == store.EntryMessage || e.Kind == store.EntryReply
			if err == nil && public && !e.PublicAt().After(reply.At) {
				earlier = append(earlier, e)
			}
			return true, err
		})
	})
	if err != nil {
		return store.Entry{}, nil, wrap("reply of outbound", id, err)
	}
	return reply, earlier, nil
}

// references are the Message-ID that a mail of the ticket answers, and those of its
// thread, of the mails to its present address.
func (t *txn) references(k store.Ticket) (last string, all []string, err error) {
	mails, err := t.mailsNamed(k)
	last, all = store.References(k, mails, k.Requester.Email)
	return last, all, err
}

// acceptReply notes that the relay took a reply to the requester.
func (t *txn) acceptReply(now time.Time, row store.Outbound) error {
	if row.State != store.StateSent || row.Kind != store.MailReply || row.ToColleague() {
		return nil
	}
	k, err := t.ticket(row.Ticket)
	if err != nil {
		return wrap("ticket", row.Ticket, err)
	}
	if !t.rules.accepted(&k, row.ID, now) {
		return nil
	}
	return t.putTicket(k)
}

// nextAccepted is the first reply, but for one, that the relay took and that did not
// come back; zero without one.
func (t *txn) nextAccepted(id store.TicketID, but store.OutboundID) (next store.Outbound, err error) {
	mails, err := t.mailsOf(id)
	for _, row := range mails {
		fate := row.Delivery.Fate
		lost := fate == store.FateBounced || fate == store.FateRefused
		taken := row.Kind == store.MailReply && !row.ToColleague() && row.State == store.StateSent && row.ID != but && !lost
		if taken && (next.ID == 0 || row.DoneAt.Before(next.DoneAt)) {
			next = row
		}
	}
	return next, err
}
