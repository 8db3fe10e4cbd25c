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

type suppressionRecord struct {
	ID         uint64 `cbor:"1,keyasint"`
	Address    string `cbor:"2,keyasint"`
	Scope      string `cbor:"3,keyasint"`
	Reason     string `cbor:"4,keyasint,omitempty"`
	Status     string `cbor:"5,keyasint,omitempty"`
	Diagnostic string `cbor:"6,keyasint,omitempty"`
	Since      int64  `cbor:"7,keyasint"`
	Expires    int64  `cbor:"8,keyasint,omitempty"` // 0: never
	Outbound   uint64 `cbor:"9,keyasint,omitempty"`
	Inbound    uint64 `cbor:"10,keyasint,omitempty"`
	By         string `cbor:"11,keyasint,omitempty"`
	Note       string `cbor:"12,keyasint,omitempty"`
}

func (r suppressionRecord) suppression() store.Suppression {
	return store.Suppression{
		ID: store.SuppressionID(r.ID), Address: r.Address, Scope: store.Scope(r.Scope), Reason: r.Reason, Status: r.Status,
		Diagnostic: r.Diagnostic, Since: instant(r.Since), Expires: instant(r.Expires),
		Outbound: store.OutboundID(r.Outbound), Inbound: store.InboundID(r.Inbound), By: r.By, Note: r.Note,
	}
}

func (r suppressionRecord) key() digest { return suppressionKey(r.Address, store.Scope(r.Scope)) }

// why tells an operator, and the ledger, without naming the address.
func (r suppressionRecord) why() string {
	return r.Scope + ", since " + instant(r.Since).Format(time.RFC3339)
}

func suppressionKey(address string, scope store.Scope) digest {
	return digestOf(origin.SuppressionKey(address), string(scope))
}

func (t *txn) suppression(key digest) (r suppressionRecord, err error) {
	return r, t.record(bSuppressions, key[:], &r)
}

// suppressedFor returns the widest suppression in force that keeps mail of that
// kind back, nil for none.
func (t *txn) suppressedFor(now time.Time, address string, kind store.OutboundKind) (*suppressionRecord, error) {
	for _, scope := range store.Scopes() {
		if !scope.Stops(kind) {
			continue
		}
		r, err := t.suppression(suppressionKey(address, scope))
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		case r.suppression().InForce(now):
			return &r, nil
		}
	}
	return nil, nil
}

// withheld is why mail to the address is not sent, "" when it is, and whether
// the address is dead.
func (t *txn) withheld(now time.Time, address string, kind store.OutboundKind) (reason string, dead bool, err error) {
	r, err := t.suppressedFor(now, address, kind)
	if err != nil || r == nil {
		return "", false, err
	}
	return store.RuleSuppressed + ": " + r.why(), store.Scope(r.Scope) == store.ScopeAll, nil
}

// unwanted is why a mail that is due does not leave, and whether its address is
// dead. That of a ticket may have been given up only while the mail was under way:
// one that never was has ended then.
func (t *txn) unwanted(now time.Time, row store.Outbound) (reason string, dead bool, err error) {
	if row.Kind == store.MailSolved || row.Kind == store.MailPromise {
		k, err := t.ticket(row.Ticket)
		if overtaken := row.Overtaken(k); err != nil || overtaken != "" {
			return overtaken, false, err
		}
	}
	if row.Attempts > 0 || row.ToColleague() {
		if rule, err := t.outdated(row); err != nil || rule != "" {
			return rule, false, err
		}
	}
	return t.withheld(now, row.To, row.Kind)
}

// dropSuppressed ends the due row at the head of its domain when its address was
// suppressed, or its ticket given another address, since it was queued.
func (t *txn) dropSuppressed(id store.OutboundID, now time.Time) (bool, error) {
	row, err := t.outbound(id)
	if err != nil {
		return false, err
	}
	reason, dead, err := t.unwanted(now, row)
	if err != nil || reason == "" {
		return false, err
	}
	if err := t.dequeue(row); err != nil {
		return false, err
	}
	row.Reason = reason
	if err := errors.Join(t.end(&row, store.StateSuppressed, now), t.putOutbound(row)); err != nil {
		return false, err
	}
	if row.Ticket == 0 || !row.Kind.OfTicket() {
		return true, nil
	}
	if !row.Kind.Automatic() && reason != store.RuleRemoved { // its author believes it to be on its way
		if err := t.tellLost(now, row, reason); err != nil {
			return false, err
		}
	}
	if !dead {
		return true, nil
	}
	k, err := t.ticket(row.Ticket)
	if err != nil {
		return false, wrap("ticket", row.Ticket, err)
	}
	return true, t.askUndeliverable(k, row.To)
}

// askUndeliverable opens the question on a ticket whose requester it is that
// cannot be written to.
func (t *txn) askUndeliverable(k store.Ticket, address string) error {
	if store.AddressKey(k.Requester.Email) != store.AddressKey(address) {
		return nil
	}
	k.Question = store.QuestionUndeliverable
	return t.putTicket(k)
}

// scopeEnds is when a suppression of that scope that begins now ends; zero: never.
func scopeEnds(now time.Time, scope store.Scope) time.Time {
	if kept := scope.Kept(); kept > 0 {
		return store.Instant(now.Add(kept))
	}
	return time.Time{}
}

// suppress keeps mail to an address back from now until s.Expires, because of a
// report, or renews what does.
func (t *txn) suppress(now time.Time, s store.Suppression) error {
	_, err := t.hold(now, s.Address, s.Scope, s.Expires, func(r *suppressionRecord) {
		r.Reason, r.Status, r.Diagnostic = s.Reason, s.Status, s.Diagnostic
		r.Outbound, r.Inbound = uint64(s.Outbound), uint64(s.Inbound)
	})
	return err
}

// hold lets change say why an address is kept back, in the suppression in force or
// in a new one, which ends at ends (zero: never) or later.
func (t *txn) hold(
	now time.Time, address string, scope store.Scope, ends time.Time, change func(*suppressionRecord),
) (suppressionRecord, error) {
	key := suppressionKey(address, scope)
	r, err := t.takeSuppression(now, key)
	switch {
	case err != nil:
		return r, err
	case r.ID == 0:
		r = suppressionRecord{Address: address, Scope: string(scope), Since: micros(now), Expires: micros(ends)}
		if r.ID, err = t.next(bSupOrder); err != nil {
			return r, err
		}
	case ends.IsZero() || r.Expires == 0:
		r.Expires = 0
	default:
		r.Expires = max(r.Expires, micros(ends))
	}
	change(&r)
	if r.Expires != 0 {
		err = t.put(bExpiry, expiryKey(instant(r.Expires), expirySuppression, key), []byte{})
	}
	return r, errors.Join(err, t.putRecord(bSuppressions, key[:], &r), t.put(bSupOrder, u64(r.ID), key[:]))
}

// takeSuppression takes the rows around a record away, which is to be written anew,
// and returns it where it is in force.
func (t *txn) takeSuppression(now time.Time, key digest) (r suppressionRecord, err error) {
	r, err = t.suppression(key)
	if errors.Is(err, store.ErrNotFound) {
		return r, nil
	}
	if err == nil && r.Expires != 0 {
		err = t.dropExpiry(expirySuppression, key, instant(r.Expires))
	}
	if err == nil && !r.suppression().InForce(now) {
		err = t.delete(bSupOrder, u64(r.ID))
		r = suppressionRecord{}
	}
	return r, err
}

// forgetSuppression drops one whose row in expiry is being dropped, or that has
// none.
func (t *txn) forgetSuppression(key digest) error {
	r, err := t.suppression(key)
	if err != nil {
		return err
	}
	return errors.Join(t.delete(bSupOrder, u64(r.ID)), t.delete(bSuppressions, key[:]))
}

// Suppressions implements store.Deliveries.
func (s *Store) Suppressions(
	ctx context.Context, now time.Time, p store.Page,
) (store.List[store.Suppression], error) {
	now = store.Instant(now)
	return readList(ctx, s, "suppressions, at most", p.Limit, p, listing[store.Suppression]{
		name: "suppressions", bucket: bSupOrder, back: true,
		pick: func(t *txn, _, value []byte) (store.Suppression, bool, error) {
			r, err := t.suppression(digest(value))
			s := r.suppression()
			return s, s.InForce(now), err
		},
	})
}

// SuppressionsOf implements store.Deliveries.
func (s *Store) SuppressionsOf(
	ctx context.Context, now time.Time, address string,
) (all []store.Suppression, err error) {
	now = store.Instant(now)
	err = s.read(ctx, func(t *txn) error {
		for _, scope := range store.Scopes() {
			r, err := t.suppression(suppressionKey(address, scope))
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if s := r.suppression(); err == nil && s.InForce(now) {
				all = append(all, s)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap("suppressions", "of an address", err)
	}
	return all, nil
}

// SuppressAddress implements store.Deliveries.
func (s *Store) SuppressAddress(
	ctx context.Context, now time.Time, by store.Actor, n store.Suppression,
) (held store.Suppression, err error) {
	now, n.Expires = store.Instant(now), kept(n.Expires)
	if err := checkSuppression(now, n); err != nil {
		return held, wrap("suppress", "an address", err)
	}
	to := store.Object{Kind: store.ObjectSuppression, Name: n.Address}
	err = s.actOnAll(ctx, deed{now, by, store.ActSuppress, to}, func(t *txn) error {
		if err := checkNamed(by); err != nil {
			return err
		}
		r, err := t.hold(now, n.Address, n.Scope, n.Expires, func(r *suppressionRecord) {
			r.By, r.Note = by.Account, text.Cut(n.Note, store.MaxReply)
		})
		if err != nil {
			return err
		}
		held = r.suppression()
		return t.audit(now, by, store.Audit{Event: store.AuditAddressSuppressed, Object: suppressionObject(held),
			Changes: []store.Changed{
				{Field: "scope", After: string(held.Scope)}, {Field: "until", After: auditTime(held.Expires)},
				{Field: "note", After: held.Note},
			}})
	})
	if err != nil {
		return store.Suppression{}, wrap("suppress", "an address", err)
	}
	return held, nil
}

func checkSuppression(now time.Time, s store.Suppression) error {
	switch {
	case store.Domain(s.Address) == "" || len(s.Address) > store.MaxField:
		return invalid("it needs an address")
	case !slices.Contains(store.Scopes(), s.Scope):
		return invalid("there is no such scope")
	case !s.InForce(now):
		return invalid("its end is not ahead")
	}
	return nil
}

// ReleaseSuppression implements store.Deliveries.
func (s *Store) ReleaseSuppression(
	ctx context.Context, now time.Time, by store.Actor, id store.SuppressionID,
) (released store.Suppression, err error) {
	now = store.Instant(now)
	to := store.Object{Kind: store.ObjectSuppression, ID: uint64(id)}
	err = s.actOnAll(ctx, deed{now, by, store.ActSuppress, to}, func(t *txn) error {
		value := t.value(bSupOrder, u64(uint64(id)))
		if value == nil {
			return store.ErrNotFound
		}
		key := digest(value)
		r, err := t.suppression(key)
		if err != nil {
			return err
		}
		if released = r.suppression(); !released.InForce(now) {
			return store.ErrNotFound
		}
		return t.releaseAddress(now, by, released)
	})
	if err != nil {
		return store.Suppression{}, wrap("release suppression", id, err)
	}
	return released, nil
}

// releaseAddress ends a suppression by hand.
func (t *txn) releaseAddress(now time.Time, by store.Actor, s store.Suppression) error {
	if err := t.endSuppression(s); err != nil {
		return err
	}
	return t.audit(now, by, store.Audit{Event: store.AuditAddressReleased, Object: suppressionObject(s),
		Changes: []store.Changed{{Field: "scope", Before: string(s.Scope)}}})
}

func suppressionObject(s store.Suppression) store.Object {
	return store.Object{Kind: store.ObjectSuppression, ID: uint64(s.ID), Name: s.Address}
}

// endSuppression ends one, with its rows.
func (t *txn) endSuppression(s store.Suppression) error {
	key := suppressionKey(s.Address, s.Scope)
	if err := t.forgetSuppression(key); err != nil || s.Expires.IsZero() {
		return err
	}
	return t.dropExpiry(expirySuppression, key, s.Expires)
}

// suppressions checks each against its place in the order and its expiry.
func (c *checker) suppressions() error {
	return c.each(bSuppressions, func(key, _ []byte) error {
		r, err := c.suppression(digest(key))
		if err != nil {
			return wrap("suppression", key, err)
		}
		if r.key() != digest(key) {
			c.fault("suppression %d stands under another address", r.ID)
		}
		c.want(bSupOrder, u64(r.ID), key, "suppression", r.ID)
		if r.Expires != 0 {
			c.want(bExpiry, expiryKey(instant(r.Expires), expirySuppression, digest(key)), nil, "suppression", r.ID)
		}
		return nil
	})
}
