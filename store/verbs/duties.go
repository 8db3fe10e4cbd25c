package verbs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"signpost/store"
)

// The row of a duty stays when nobody holds it: the fence goes on from it.

type dutyRecord struct {
	Owner string `cbor:"1,keyasint,omitempty"` // "" when it is free
	Fence uint64 `cbor:"2,keyasint"`
	Until int64  `cbor:"3,keyasint,omitempty"`
}

func (r dutyRecord) duty(name string) store.Duty {
	return store.Duty{Name: name, Owner: r.Owner, Fence: r.Fence, Until: instant(r.Until)}
}

// isOf tells whether d is the duty as it is held.
func (r dutyRecord) isOf(d store.Duty) bool {
	return r.Owner == d.Owner && r.Fence == d.Fence && r.Owner != ""
}

// duty is the row of a duty, the zero one for one that was never taken.
func (t *txn) duty(name string) (r dutyRecord, err error) {
	if err = t.record(bDuties, []byte(name), &r); errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return r, err
}

// fenced refuses to run a verb for a duty that is another's by now.
func fenced(d store.Duty, verb func(*txn) error) func(*txn) error {
	return func(t *txn) error {
		r, err := t.duty(d.Name)
		if err == nil && !r.isOf(d) {
			err = fmt.Errorf("%w: the duty %s is not held under fence %d any more", store.ErrConflict, d.Name, d.Fence)
		}
		if err != nil {
			return err
		}
		return verb(t)
	}
}

func checkDuty(name, owner string, length time.Duration) error {
	switch {
	case name == "" || badName(name) || owner == "" || badName(owner):
		return invalid("a duty and its owner need names")
	case length <= 0 || length > store.DutyLength:
		return invalid("a duty is held for " + store.DutyLength.String() + " at most")
	}
	return nil
}

// TakeDuty implements store.Duties.
func (s *Store) TakeDuty(
	ctx context.Context, now time.Time, name, owner string, length time.Duration,
) (taken store.Duty, err error) {
	now = store.Instant(now)
	if err = checkDuty(name, owner, length); err == nil {
		err = s.write(ctx, 0, func(t *txn) error {
			r, err := t.duty(name)
			held := r.Owner != "" && now.Before(instant(r.Until))
			switch {
			case err != nil:
				return err
			case held && r.Owner != owner:
				return fmt.Errorf("%w: %s holds it until %v", store.ErrConflict, r.Owner, instant(r.Until))
			case !held:
				r.Owner, r.Fence = owner, r.Fence+1
			}
			r.Until = micros(now.Add(length))
			taken = r.duty(name)
			return t.putRecord(bDuties, []byte(name), &r)
		})
	}
	if err != nil {
		return store.Duty{}, wrap("take duty", strconv.Quote(name), err)
	}
	return taken, nil
}

// RenewDuty implements store.Duties.
func (s *Store) RenewDuty(
	ctx context.Context, now time.Time, d store.Duty, length time.Duration,
) (renewed store.Duty, err error) {
	now = store.Instant(now)
	if err = checkDuty(d.Name, d.Owner, length); err == nil {
		err = s.write(ctx, 0, fenced(d, func(t *txn) error {
			r := dutyRecord{d.Owner, d.Fence, micros(now.Add(length))}
			renewed = r.duty(d.Name)
			return t.putRecord(bDuties, []byte(d.Name), &r)
		}))
	}
	if err != nil {
		return store.Duty{}, wrap("renew duty", strconv.Quote(d.Name), err)
	}
	return renewed, nil
}

// GiveUpDuty implements store.Duties.
func (s *Store) GiveUpDuty(ctx context.Context, d store.Duty) error {
	err := s.write(ctx, 0, func(t *txn) error {
		r, err := t.duty(d.Name)
		if err != nil || !r.isOf(d) {
			return err
		}
		return t.freeDuty(d.Name, r)
	})
	return wrap("give up duty", strconv.Quote(d.Name), err)
}

func (t *txn) freeDuty(name string, r dutyRecord) error {
	return t.putRecord(bDuties, []byte(name), &dutyRecord{Fence: r.Fence})
}

// HeldDuties implements store.Duties.
func (s *Store) HeldDuties(ctx context.Context, now time.Time) (held []store.Duty, err error) {
	now = store.Instant(now)
	err = s.read(ctx, func(t *txn) error {
		held, err = t.duties(func(d store.Duty) bool { return now.Before(d.Until) })
		return err
	})
	return held, wrap("duties held at", now, err)
}

// duties lists those held that are wanted.
func (t *txn) duties(wanted func(store.Duty) bool) (held []store.Duty, err error) {
	err = t.walk(bDuties, nil, nil, func(key, value []byte) (bool, error) {
		var r dutyRecord
		if err := t.codec.read(value, &r); err != nil {
			return false, err
		}
		if d := r.duty(string(key)); d.Owner != "" && wanted(d) {
			held = append(held, d)
		}
		return true, nil
	})
	return held, err
}

// endDuties frees the duties of a process, "" for all.
func (t *txn) endDuties(owner string) error {
	held, err := t.duties(func(d store.Duty) bool { return owner == "" || d.Owner == owner })
	for _, d := range held {
		if err == nil {
			err = t.freeDuty(d.Name, dutyRecord{Fence: d.Fence})
		}
	}
	return err
}

// duties checks that each can be read.
func (c *checker) duties() error {
	return c.each(bDuties, func(key, value []byte) error {
		var r dutyRecord
		return wrap("duty", strconv.Quote(string(key)), c.codec.read(value, &r))
	})
}
