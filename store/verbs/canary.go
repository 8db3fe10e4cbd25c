package verbs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signpost/store"
	"signpost/store/text"
)

type canaryRecord struct {
	Region  string    `cbor:"1,keyasint"`
	Mark    string    `cbor:"2,keyasint"`
	Started int64     `cbor:"3,keyasint"`
	Ended   int64     `cbor:"4,keyasint,omitempty"`
	Ticket  uint64    `cbor:"5,keyasint"`
	Number  string    `cbor:"6,keyasint"`
	StrayID string    `cbor:"7,keyasint"`
	Seen    legRecord `cbor:"8,keyasint,omitzero"`
	Answer  legRecord `cbor:"9,keyasint,omitzero"`
	Confirm legRecord `cbor:"10,keyasint,omitzero"`
	Faults  []string  `cbor:"11,keyasint,omitempty"`
}

type legRecord struct {
	Arrived int64  `cbor:"1,keyasint,omitempty"`
	Count   int    `cbor:"2,keyasint,omitempty"`
	SPF     string `cbor:"3,keyasint,omitempty"`
	DKIM    string `cbor:"4,keyasint,omitempty"`
	DMARC   string `cbor:"5,keyasint,omitempty"`
}

func newLegRecord(l store.CanaryLeg) legRecord {
	return legRecord{
		micros(kept(l.ArrivedAt)), l.Count, text.Cut(l.SPF, store.MaxAuthResult),
		text.Cut(l.DKIM, store.MaxAuthResult), text.Cut(l.DMARC, store.MaxAuthResult),
	}
}

func (r legRecord) leg() store.CanaryLeg {
	return store.CanaryLeg{ArrivedAt: instant(r.Arrived), Count: r.Count, SPF: r.SPF, DKIM: r.DKIM, DMARC: r.DMARC}
}

func (r canaryRecord) run(id store.CanaryID) store.CanaryRun {
	return store.CanaryRun{
		ID: id, Region: r.Region, Mark: r.Mark, StartedAt: instant(r.Started), EndedAt: instant(r.Ended),
		Ticket: store.TicketID(r.Ticket), Number: r.Number, StrayID: r.StrayID,
		Seen: r.Seen.leg(), Answer: r.Answer.leg(), Confirmation: r.Confirm.leg(), Faults: r.Faults,
	}
}

// QueueMail implements store.Outbox.
func (s *Store) QueueMail(ctx context.Context, now time.Time, n store.NewMail) (mail store.Outbound, err error) {
	now = store.Instant(now)
	if n.Kind.OfAccount() {
		err = invalid("a mail about an account goes with what happened to it")
	} else if err = checkNewMail(n); err == nil {
		err = s.write(ctx, 0, func(t *txn) (err error) {
			mail, err = t.queueMail(now, n)
			return err
		})
	}
	if err != nil {
		return store.Outbound{}, wrap("queue mail of kind", n.Kind, err)
	}
	return mail, nil
}

func checkNewMail(n store.NewMail) error {
	switch {
	case n.Kind != store.MailAlarm && n.Kind != store.MailCanary && !n.Kind.OfAccount():
		return invalid("no mail of the service's own")
	case n.From == "" || n.To == "" || n.MessageID == "":
		return invalid("a mail needs From, To and Message-ID")
	case len(n.From)+len(n.FromName)+len(n.To)+len(n.MessageID) > store.MaxField,
		len(n.Subject)+len(n.Text) > store.MaxField,
		len(n.Mark) > store.MaxCanaryMark:
		return invalid("the mail is too long")
	}
	return nil
}

func (t *txn) queueMail(now time.Time, n store.NewMail) (store.Outbound, error) {
	if _, err := t.outboundByMessageID(n.MessageID); !errors.Is(err, store.ErrNotFound) {
		return store.Outbound{}, errors.Join(err, invalid("the Message-ID is in use"))
	}
	mail := store.Outbound{
		Kind: n.Kind, Region: store.OwnRegion, From: n.From, FromName: n.FromName, To: n.To, MessageID: n.MessageID,
		Subject: n.Subject, Text: n.Text, Mark: n.Mark, QueuedAt: now, State: store.StateQueued, DueAt: now,
		Link: n.Link, Agent: n.Agent,
	}
	withheld, _, err := t.withheld(now, n.To, n.Kind)
	if err != nil {
		return store.Outbound{}, err
	}
	if withheld != "" {
		mail.State, mail.Reason, mail.DoneAt, mail.DueAt = store.StateSuppressed, withheld, now, time.Time{}
	}
	return mail, t.addOutbound(&mail)
}

// BeginCanary implements store.Canary.
func (s *Store) BeginCanary(ctx context.Context, now time.Time, n store.NewCanary) (run store.CanaryRun, err error) {
	now = store.Instant(now)
	var o opening
	if err = errors.Join(checkCanary(n), checkNewMail(n.Stray)); err == nil {
		o, err = s.prepare(now, n.Ticket)
	}
	if err == nil {
		err = s.write(ctx, len(o.entry), func(t *txn) (err error) {
			run, err = t.beginCanary(o, n)
			return err
		})
	}
	if err != nil {
		return store.CanaryRun{}, wrap("begin canary in region", n.Region, err)
	}
	return run, nil
}

func checkCanary(n store.NewCanary) error {
	switch {
	case n.Mark == "" || len(n.Mark) > store.MaxCanaryMark || n.Region == "":
		return invalid("a run needs a region and a mark")
	case n.Ticket.Channel != store.ChannelCanary || n.Ticket.Region.ID != store.OwnRegion || n.Ticket.Idempotency != "":
		return invalid("the ticket is not the canary's")
	case n.Stray.Kind != store.MailCanary:
		return invalid("the stray is not the canary's")
	}
	return nil
}

func (t *txn) beginCanary(o opening, n store.NewCanary) (store.CanaryRun, error) {
	opened, err := t.openTicket(o)
	if err != nil {
		return store.CanaryRun{}, err
	}
	stray, err := t.queueMail(o.now, n.Stray)
	if err != nil {
		return store.CanaryRun{}, err
	}
	id, err := t.next(bCanaries)
	if err != nil {
		return store.CanaryRun{}, err
	}
	r := canaryRecord{
		Region: n.Region, Mark: n.Mark, Started: micros(o.now),
		Ticket: uint64(opened.Ticket.ID), Number: opened.Ticket.Number, StrayID: stray.MessageID,
	}
	return r.run(store.CanaryID(id)), errors.Join(
		t.putRecord(bCanaries, u64(id), &r),
		t.put(bExpiry, expiryKey(o.now.Add(store.CanaryKept), expiryCanary, idDigest(id)), []byte{}),
	)
}

// RecordCanary implements store.Canary.
func (s *Store) RecordCanary(ctx context.Context, run store.CanaryRun) error {
	err := s.write(ctx, 0, func(t *txn) error { return t.recordCanary(run) })
	return wrap("record canary", run.ID, err)
}

func (t *txn) recordCanary(run store.CanaryRun) error {
	var r canaryRecord
	key := u64(uint64(run.ID))
	if err := t.record(bCanaries, key, &r); err != nil {
		return err
	}
	if r.Ended != 0 {
		return fmt.Errorf("%w: it has ended", store.ErrConflict)
	}
	r.Seen, r.Answer, r.Confirm = newLegRecord(run.Seen), newLegRecord(run.Answer), newLegRecord(run.Confirmation)
	r.Ended, r.Faults = micros(kept(run.EndedAt)), nil
	for _, words := range run.Faults[:min(len(run.Faults), store.MaxFaultsTold)] {
		r.Faults = append(r.Faults, text.Cut(words, store.MaxAlarmWords))
	}
	err := t.putRecord(bCanaries, key, &r)
	if r.Ended != 0 {
		err = errors.Join(err, t.closeLinkOf(store.TicketID(r.Ticket)))
	}
	return err
}

// closeLinkOf revokes the link that a ticket's confirmation carries.
func (t *txn) closeLinkOf(id store.TicketID) error {
	k, err := t.ticket(id)
	if err != nil {
		return wrap("ticket", id, err)
	}
	l, ok := readLink(t.value(bLinks, k.Link[:]))
	if !ok {
		return nil // expired
	}
	l.revoked = true
	return t.put(bLinks, k.Link[:], l.bytes())
}

// CanaryRuns implements store.Canary.
func (s *Store) CanaryRuns(ctx context.Context, p store.Page) (store.List[store.CanaryRun], error) {
	return readList(ctx, s, "canary runs, at most", p.Limit, p, listing[store.CanaryRun]{
		name: "canary runs", bucket: bCanaries, back: true,
		read: func(t *txn, key, _ []byte) (store.CanaryRun, error) {
			var r canaryRecord
			err := t.record(bCanaries, key, &r)
			return r.run(store.CanaryID(readU64(key))), err
		},
	})
}

// canaries checks that each run is of a ticket and expires.
func (c *checker) canaries() error {
	return c.each(bCanaries, func(key, _ []byte) error {
		var r canaryRecord
		if err := c.record(bCanaries, key, &r); err != nil {
			return wrap("canary", readU64(key), err)
		}
		if !c.has(bTickets, u64(r.Ticket)) {
			c.fault("canary %d: no ticket %d", readU64(key), r.Ticket)
		}
		expires := instant(r.Started).Add(store.CanaryKept)
		c.want(bExpiry, expiryKey(expires, expiryCanary, idDigest(readU64(key))), nil, "canary", readU64(key))
		return nil
	})
}
