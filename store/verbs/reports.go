package verbs

import (
	"context"
	"errors"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/origin"
	"signpost/store/text"
)

// What the reports of a decided mail change, one small function an effect. All
// of it hangs on the one question whether the report brings its mail a new fate,
// so a report that comes again changes nothing.

// applyReports gives the proven reports of a decided mail their effects. A report
// tied to a mail that is not there has none.
func (t *txn) applyReports(now time.Time, in store.Inbound) error {
	for _, r := range in.Verdict.Reports {
		if r.Outbound == 0 || !r.Tie.Proven() {
			continue
		}
		mail, err := t.outbound(r.Outbound)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = t.applyReport(now, in, r, mail)
		}
		if err != nil {
			return wrap("report on outbound", r.Outbound, err)
		}
	}
	return nil
}

func (t *txn) applyReport(now time.Time, in store.Inbound, r store.Report, mail store.Outbound) error {
	fate := store.FateOf(in.Verdict.Kind, r)
	if !fate.Outranks(mail.Delivery.Fate) {
		return nil
	}
	return t.meetFate(now, mail, fate, r, in.ID)
}

// meetFate gives a mail its new fate, with all that follows from it, and writes
// it. by is the mail that told of it, 0 for the relay's own words.
func (t *txn) meetFate(now time.Time, mail store.Outbound, fate store.Fate, r store.Report, by store.InboundID) error {
	r.Diagnostic = text.Cut(r.Diagnostic, store.MaxReply)
	t.setDelivery(&mail, store.Delivery{
		Fate: fate, At: now, Status: r.Status, Reason: r.Reason, Outcome: r.Outcome, Diagnostic: r.Diagnostic, Inbound: by,
	})
	if err := errors.Join(t.putOutbound(mail), t.countFateOf(mail)); err != nil {
		return err
	}
	switch fate {
	case store.FateBounced, store.FateRefused, store.FateComplained:
		full, err := t.keepsFull(now, mail)
		if err != nil {
			return err
		}
		if fate == store.FateRefused {
			err = t.addRefusal(now, r, mail)
		}
		return errors.Join(err, t.suppressFor(now, mail, full), t.tellTicket(now, mail, full), t.answerCameBack(mail),
			t.endLinkOf(mail))
	}
	return nil
}

// setDelivery changes what became of a mail and the counts; the row is still to
// be put.
func (t *txn) setDelivery(mail *store.Outbound, d store.Delivery) {
	if was := mail.Delivery.Fate; was != "" {
		t.addCount(countFate, string(was), -1)
	}
	if d.Fate != "" {
		t.addCount(countFate, string(d.Fate), 1)
	}
	mail.Delivery = d
}

// isDead tells whether the mail came back from an address that takes none.
func isDead(mail store.Outbound) bool {
	return mail.Delivery.Fate == store.FateBounced && mail.Delivery.Outcome == store.OutcomeDead
}

// isFull tells whether the mail came back from a full mailbox, not long ago.
func isFull(now time.Time, mail store.Outbound) bool {
	d := mail.Delivery
	return d.Fate == store.FateBounced && d.Reason == store.ReasonFull && now.Sub(d.At) < store.FullWindow
}

// keepsFull tells whether the mailbox that the mail came back from was found full
// so often that nobody seems to empty it.
func (t *txn) keepsFull(now time.Time, mail store.Outbound) (bool, error) {
	if !isFull(now, mail) {
		return false, nil
	}
	who := digestOf(store.AddressKey(mail.To))
	part, err := t.ticketPart(who, nil)
	if err != nil {
		return false, err
	}
	ids, err := part.next(t, who, store.FullLooked)
	if err != nil {
		return false, err
	}
	times := 0
	for _, id := range ids {
		row, err := t.outbound(store.OutboundID(id))
		if err != nil {
			return false, err
		}
		if isFull(now, row) && origin.SuppressionKey(row.To) == origin.SuppressionKey(mail.To) {
			times++
		}
	}
	return times >= store.FullTimes, nil
}

// suppressFor keeps back what the mail's fate forbids; full says that its mailbox
// keepsFull.
func (t *txn) suppressFor(now time.Time, mail store.Outbound, full bool) error {
	d := mail.Delivery
	suppress := func(scope store.Scope, expires time.Time) error {
		return t.suppress(now, store.Suppression{
			Address: mail.To, Scope: scope, Reason: d.Reason, Status: d.Status, Diagnostic: d.Diagnostic,
			Outbound: mail.ID, Inbound: d.Inbound, Expires: expires,
		})
	}
	var err error
	switch {
	case isDead(mail):
		err = suppress(store.ScopeAll, scopeEnds(now, store.ScopeAll))
	case full:
		err = suppress(store.ScopeAll, store.Instant(now.Add(store.FullWindow)))
	case d.Fate == store.FateComplained:
		err = suppress(store.ScopeAutomatic, scopeEnds(now, store.ScopeAutomatic))
	}
	if mail.Kind.Answers() {
		err = errors.Join(err, suppress(store.ScopeAnswers, scopeEnds(now, store.ScopeAnswers)))
	}
	return err
}

// tellTicket tells in the thread that the mail did not arrive or was complained
// of. What did not arrive was no answer: the ticket is open again, unless the requester got
// theirs.
func (t *txn) tellTicket(now time.Time, mail store.Outbound, full bool) error {
	if mail.Ticket == 0 || !mail.Kind.OfTicket() {
		return nil
	}
	k, err := t.ticket(mail.Ticket)
	if err != nil {
		return wrap("ticket", mail.Ticket, err)
	}
	event := store.EventMailComplained
	switch mail.Delivery.Fate {
	case store.FateBounced:
		event = store.EventMailBounced
	case store.FateRefused:
		event = store.EventMailRefused
	}
	if event != store.EventMailComplained && !mail.ToColleague() {
		next, err := t.nextAccepted(k.ID, mail.ID)
		if err != nil {
			return err
		}
		t.rules.failed(&k, mail.ID, event, next, now)
	}
	if (isDead(mail) || full) && k.Channel != store.ChannelCanary &&
		store.AddressKey(k.Requester.Email) == store.AddressKey(mail.To) {
		k.Question = store.QuestionUndeliverable
	}
	return t.appendEvent(&k, now, event, mail.ID, mail.Delivery.Diagnostic)
}

// tellEcho tells in the thread that a program answered a mail of the ticket, once
// for each kind of answer: programs may be many and fast.
func (t *txn) tellEcho(now time.Time, in store.Inbound) error {
	event := store.EchoOf(in.Verdict.Kind)
	if event == "" || in.Verdict.About == 0 {
		return nil
	}
	mail, err := t.outbound(in.Verdict.About)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return wrap("outbound", in.Verdict.About, err)
	case mail.Ticket == 0 || !mail.Kind.OfTicket() || slices.Contains(mail.Echoes, event):
		return nil
	}
	mail.Echoes = append(mail.Echoes, event)
	k, err := t.ticket(mail.Ticket)
	if err != nil {
		return wrap("ticket", mail.Ticket, err)
	}
	return errors.Join(t.putOutbound(mail), t.appendEvent(&k, now, event, mail.ID, in.Subject))
}

// tellWrote tells in the thread that a ticket's proven requester answered one of its mails
// by mail, which opens a pending ticket.
func (t *txn) tellWrote(now time.Time, id store.TicketID) error {
	if id == 0 {
		return nil
	}
	k, err := t.ticket(id)
	switch {
	case err != nil:
		return wrap("ticket", id, err)
	case k.ProvenAt.IsZero():
		return nil
	}
	e := store.Entry{
		Kind: store.EntryEvent, Event: store.EventWroteUnread, Author: k.Requester.Name, At: now, By: store.ActorPartner,
	}
	if k.Status == store.StatusPending {
		e.Change = store.Change{StatusFrom: k.Status, StatusTo: store.StatusOpen}
		t.rules.setStatus(&k, store.StatusOpen, now)
	} else if !k.WroteAt.IsZero() && now.Before(k.WroteAt.Add(store.WroteTold)) {
		return nil
	}
	return t.addEntry(&k, &e)
}

// SettleQuestion implements store.Deliveries.
func (s *Store) SettleQuestion(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID,
) (ticket store.Ticket, err error) {
	now = store.Instant(now)
	err = s.act(ctx, deed{now, by, store.ActArrangeTicket, ticketID(id)}, 0, func(t *txn) (err error) {
		if ticket, err = t.ticketFor(now, by, store.ActArrangeTicket, id); err != nil || ticket.Question == "" {
			return err
		}
		settled := store.Changed{Field: "question", Before: string(ticket.Question)}
		ticket.Question, ticket.Trouble, ticket.ChangedAt = "", "", now
		if err := t.putTicket(ticket); err != nil {
			return err
		}
		return t.audit(now, by, store.Audit{
			Event: store.AuditQuestionSettled, Object: ticketObject(ticket), Region: ticket.Region,
			Changes: []store.Changed{settled},
		})
	})
	if err != nil {
		return store.Ticket{}, wrap("settle question of ticket", id, err)
	}
	return ticket, nil
}

func recipientKey(row store.Outbound) []byte {
	return digestID(digestOf(store.AddressKey(row.To)), uint64(row.ID))
}

// isElsewhere tells a mail that is not to the requester of its ticket, so that
// it needs a row of its own to be found by its recipient. The others are found by
// their ticket: an index over all would cost each post a page more.
func (t *txn) isElsewhere(row store.Outbound) (bool, error) {
	if row.Ticket == 0 {
		return true, nil
	}
	k, err := t.ticket(row.Ticket)
	return err == nil && store.AddressKey(k.Requester.Email) != store.AddressKey(row.To), err
}

// OutboundsTo implements store.Deliveries.
func (s *Store) OutboundsTo(
	ctx context.Context, address string, p store.Page,
) (found store.List[store.Outbound], err error) {
	who := digestOf(store.AddressKey(address))
	err = s.read(ctx, func(t *txn) error {
		found, err = t.outboundsTo(who, p)
		return err
	})
	if err != nil {
		return store.List[store.Outbound]{}, wrap("outbounds to an address, at most", p.Limit, err)
	}
	return found, nil
}

type refusalRecord struct {
	Host       string   `cbor:"1,keyasint"`
	Text       string   `cbor:"2,keyasint,omitempty"`
	Status     string   `cbor:"3,keyasint,omitempty"`
	Reason     string   `cbor:"4,keyasint,omitempty"`
	Diagnostic string   `cbor:"5,keyasint,omitempty"`
	Outbound   uint64   `cbor:"6,keyasint"`
	First      int64    `cbor:"7,keyasint"`
	Last       int64    `cbor:"8,keyasint"`
	Count      uint64   `cbor:"9,keyasint"`
	Addresses  []string `cbor:"10,keyasint,omitempty"`
	Times      []int64  `cbor:"11,keyasint,omitempty"` // of Addresses; shorter in rows from before it was kept
}

func (r refusalRecord) refusal() store.Refusal {
	all := store.Refusal{
		Host: r.Host, Text: r.Text, Status: r.Status, Reason: r.Reason, Diagnostic: r.Diagnostic,
		Outbound: store.OutboundID(r.Outbound), First: instant(r.First), Last: instant(r.Last), Count: r.Count,
		Addresses: r.Addresses, Times: make([]time.Time, len(r.Addresses)),
	}
	for i := range min(len(r.Times), len(all.Times)) {
		all.Times[i] = instant(r.Times[i])
	}
	return all
}

// refused notes whose mail was refused; of more than there is room for, those
// refused last.
func (r *refusalRecord) refused(now time.Time, address string) {
	who := store.AddressKey(address)
	for len(r.Times) < len(r.Addresses) {
		r.Times = append(r.Times, 0)
	}
	i := slices.Index(r.Addresses, who)
	if i < 0 && len(r.Addresses) < store.RefusalAddresses {
		i = len(r.Addresses)
		r.Addresses, r.Times = append(r.Addresses, who), append(r.Times, 0)
	}
	if i < 0 {
		i = slices.Index(r.Times, slices.Min(r.Times))
		r.Addresses[i] = who
	}
	r.Times[i] = micros(now)
}

func (r refusalRecord) key() digest { return digestOf(r.Host, r.Text) }

func (r refusalRecord) expires() time.Time { return instant(r.Last).Add(store.RefusalKept) }

func seenKey(last time.Time, key digest) []byte {
	return append(appendInstant(make([]byte, 0, 24), last), key[:]...)
}

// addRefusal counts a refusal among those with the same words.
func (t *txn) addRefusal(now time.Time, report store.Report, mail store.Outbound) error {
	r := refusalRecord{Host: report.Host, Text: store.RefusalText(report.Diagnostic), First: micros(now)}
	if r.Host == "" {
		r.Host = store.Domain(mail.To)
	}
	key := r.key()
	var old refusalRecord
	switch err := t.record(bRefusals, key[:], &old); {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := t.takeRefusal(key, old); err != nil {
			return err
		}
		if now.Before(old.expires()) {
			r = old
		}
	}
	r.Status, r.Reason, r.Diagnostic, r.Outbound = report.Status, report.Reason, report.Diagnostic, uint64(mail.ID)
	r.Last = micros(now)
	r.Count++
	r.refused(now, mail.To)
	return t.putRefusal(key, r)
}

// putRefusal writes a refusal with its index rows.
func (t *txn) putRefusal(key digest, r refusalRecord) error {
	if err := t.putRecord(bRefusals, key[:], &r); err != nil {
		return err
	}
	if err := t.put(bRefuSeen, seenKey(instant(r.Last), key), []byte{}); err != nil {
		return err
	}
	return t.put(bExpiry, expiryKey(r.expires(), expiryRefusal, key), []byte{})
}

// takeRefusal drops a refusal, which may be written anew, with its index rows.
func (t *txn) takeRefusal(key digest, r refusalRecord) error {
	if err := t.delete(bRefuSeen, seenKey(instant(r.Last), key)); err != nil {
		return err
	}
	if err := t.dropExpiry(expiryRefusal, key, r.expires()); err != nil {
		return err
	}
	return t.delete(bRefusals, key[:])
}

// forgetRefusal drops one whose row in expiry is being dropped.
func (t *txn) forgetRefusal(key digest) error {
	var r refusalRecord
	if err := t.record(bRefusals, key[:], &r); err != nil {
		return err
	}
	return errors.Join(t.delete(bRefuSeen, seenKey(instant(r.Last), key)), t.delete(bRefusals, key[:]))
}

// Refusals implements store.Deliveries.
func (s *Store) Refusals(ctx context.Context, since time.Time, p store.Page) (store.List[store.Refusal], error) {
	since = store.Instant(since)
	return readList(ctx, s, "refusals, at most", p.Limit, p, listing[store.Refusal]{
		name: "refusals", bucket: bRefuSeen, back: true,
		ends: func(key []byte) bool { return readInstant(key).Before(since) },
		read: func(t *txn, key, _ []byte) (store.Refusal, error) {
			var r refusalRecord
			err := t.record(bRefusals, key[8:], &r)
			return r.refusal(), err
		},
	})
}

// refusals checks each against when it was last seen.
func (c *checker) refusals() error {
	return c.each(bRefusals, func(key, _ []byte) error {
		var r refusalRecord
		if err := c.record(bRefusals, key, &r); err != nil {
			return wrap("refusal", key, err)
		}
		if r.key() != digest(key) {
			c.fault("a refusal of %s stands under other words", r.Host)
		}
		c.want(bRefuSeen, seenKey(instant(r.Last), digest(key)), nil, "refusal", r.Host)
		c.want(bExpiry, expiryKey(r.expires(), expiryRefusal, digest(key)), nil, "refusal", r.Host)
		return nil
	})
}
