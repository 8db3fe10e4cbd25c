package verbs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// responderKey is the switch of all answers; with a mailbox's name behind it, and
// a slash between, that of the answers to its mail.
const responderKey = "responder"

func switchKey(mailbox string) []byte {
	if mailbox == "" {
		return []byte(responderKey)
	}
	return []byte(responderKey + "/" + mailbox)
}

// chargeBreaker adds the breaker's charge, or trips it and says why.
func (t *txn) chargeBreaker(
	now time.Time, charges []charge, at store.InboundID, limits store.AnswerLimits,
) (_ []charge, why string, err error) {
	old, err := t.responder("")
	if err != nil {
		return nil, "", err
	}
	r := responderRecord{Off: true, Tripped: true, Since: micros(now), Inbound: uint64(at), Trips: 1}
	if old.Armed != 0 && now.Sub(instant(old.Armed)) < store.BreakerQuiet {
		r.Trips += old.Trips
	}
	r.Armed = micros(now.Add(store.BreakerPause(int(r.Trips))))
	if why, err = t.returned(limits.Returns); err != nil {
		return nil, "", err
	}
	if why == "" {
		more, spent := t.spend(now, meter([]store.Budget{limits.Breaker}))
		if spent == nil {
			return append(charges, more...), "", nil
		}
		r.Breaker, r.Window, why = spent.key[:], int64(spent.Window), spent.Name
	}
	r.Reason = "the breaker tripped: " + why
	return nil, why, t.putResponder("", r)
}

func (t *txn) responder(mailbox string) (responderRecord, error) {
	var r responderRecord
	err := t.record(bMeta, switchKey(mailbox), &r)
	if errors.Is(err, store.ErrNotFound) {
		return responderRecord{}, nil
	}
	return r, err
}

func (t *txn) putResponder(mailbox string, r responderRecord) error {
	return t.putRecord(bMeta, switchKey(mailbox), &r)
}

// rearmed is the switch of all answers as it is at now, once the pause of a breaker
// that tripped is over; false while it is not.
func (r responderRecord) rearmed(now time.Time) (responderRecord, bool) {
	if !r.Tripped || now.Before(r.armedAt()) {
		return r, false
	}
	return responderRecord{
		Since: micros(r.armedAt()), Armed: micros(r.armedAt()), Trips: max(r.Trips, 1),
		Reason: "the breaker's pause was over",
	}, true
}

// armedAt is when a breaker that tripped closes by itself.
func (r responderRecord) armedAt() time.Time {
	if r.Armed == 0 { // tripped before it did so
		return instant(r.Since).Add(store.BreakerPause(1))
	}
	return instant(r.Armed)
}

// rearm closes a breaker whose pause is over, and forgets what tripped it. It
// returns the switch of all answers.
func (t *txn) rearm(now time.Time) (responderRecord, error) {
	old, err := t.responder("")
	if err != nil {
		return old, err
	}
	r, over := old.rearmed(now)
	if !over {
		return r, nil
	}
	if err := t.forgetTrip(now, old); err != nil {
		return r, err
	}
	return r, t.putResponder("", r)
}

func (r responderRecord) state(now time.Time) store.Responder {
	r, _ = r.rearmed(now)
	state := store.Responder{
		On: !r.Off, Tripped: r.Tripped, Since: instant(r.Since), Reason: r.Reason, By: r.By,
		Inbound: store.InboundID(r.Inbound), Trips: int(r.Trips),
	}
	if r.Tripped {
		state.RearmsAt = r.armedAt()
	}
	return state
}

// Responder implements store.Ledger.
func (s *Store) Responder(ctx context.Context, now time.Time) (store.Responder, error) {
	state, err := s.switchOf(ctx, store.Instant(now), "")
	return state, wrap("responder", "", err)
}

// MailboxResponder implements store.Ledger.
func (s *Store) MailboxResponder(ctx context.Context, mailbox string) (state store.Responder, err error) {
	if err = checkMailboxName(mailbox); err == nil {
		state, err = s.switchOf(ctx, time.Time{}, mailbox) // it has no breaker
	}
	return state, wrap("responder of mailbox", strconv.Quote(text.Cut(mailbox, 200)), err)
}

func (s *Store) switchOf(ctx context.Context, now time.Time, mailbox string) (state store.Responder, err error) {
	err = s.read(ctx, func(t *txn) error {
		r, err := t.responder(mailbox)
		state = r.state(now)
		return err
	})
	return state, err
}

// SwitchResponder implements store.Ledger.
func (s *Store) SwitchResponder(
	ctx context.Context, now time.Time, by store.Actor, w store.Switch,
) (state store.Responder, err error) {
	now = store.Instant(now)
	if w.Mailbox != "" {
		err = checkMailboxName(w.Mailbox)
	}
	if err == nil {
		err = s.actOnAll(ctx, deed{now, by, store.ActSwitchAnswers, mailboxObject(w.Mailbox)}, func(t *txn) (err error) {
			state, err = t.switchResponder(now, by, w)
			return err
		})
	}
	if err != nil {
		return store.Responder{}, wrap("switch responder of mailbox", strconv.Quote(text.Cut(w.Mailbox, 200)), err)
	}
	return state, nil
}

func (t *txn) switchResponder(now time.Time, by store.Actor, s store.Switch) (store.Responder, error) {
	old, err := t.responder(s.Mailbox)
	if err != nil {
		return store.Responder{}, err
	}
	r := responderRecord{Off: !s.On, Since: micros(now), Reason: text.Cut(s.Reason, store.MaxFault), By: by.Account}
	// Switched off by hand, a breaker that had tripped stays to be forgotten.
	r.Breaker, r.Window, r.Trips, r.Armed = old.Breaker, old.Window, old.Trips, old.Armed
	if old.Tripped {
		r.Trips, r.Armed = max(old.Trips, 1), min(micros(now), micros(old.armedAt()))
	}
	if s.On && s.Mailbox == "" {
		r.Breaker, r.Window = nil, 0
		if err := t.forgetTrip(now, old); err != nil {
			return store.Responder{}, err
		}
	}
	if err := t.putResponder(s.Mailbox, r); err != nil {
		return store.Responder{}, err
	}
	return r.state(now), t.audit(now, by, store.Audit{
		Event: store.AuditAnswersSwitched, Object: mailboxObject(s.Mailbox),
		Changes: []store.Changed{
			{Field: "answers", Before: onOff(!old.Off), After: onOff(s.On)}, {Field: "reason", After: r.Reason},
		},
	})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
