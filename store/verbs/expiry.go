package verbs

import (
	"time"

	"signpost/store"
)

// Links, posts, reservations, sessions, challenges, suppressions, refusals, alarms that are over
// and canary runs end at a known instant. Each such row has exactly
// one row in expiry, so that Housekeep walks from the oldest and touches nothing
// that still counts.

func (t *txn) putExpiring(b bucket, kind byte, key digest, value []byte, expires time.Time) error {
	if err := t.put(b, key[:], value); err != nil {
		return err
	}
	return t.put(bExpiry, expiryKey(expires, kind, key), []byte{})
}

func (t *txn) dropExpiry(kind byte, key digest, expires time.Time) error {
	return t.delete(bExpiry, expiryKey(expires, kind, key))
}

func expiring(kind byte) (bucket, bool) {
	switch kind {
	case expiryLink:
		return bLinks, true
	case expiryPost:
		return bPosts, true
	case expiryReservation:
		return bReservations, true
	case expiryChallenge:
		return bChallenges, true
	}
	return 0, false
}

// sweep drops up to limit rows that have expired by now.
func (t *txn) sweep(now time.Time, limit int) (int, error) {
	var expired [][]byte
	err := t.walk(bExpiry, nil, nil, func(key, _ []byte) (bool, error) {
		if len(expired) >= limit || readInstant(key).After(now) {
			return false, nil
		}
		expired = append(expired, append([]byte(nil), key...))
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	for _, key := range expired {
		if err := t.expire(key[8], digest(key[9:])); err != nil {
			return 0, err
		}
		if err := t.delete(bExpiry, key); err != nil {
			return 0, err
		}
	}
	return len(expired), nil
}

// expire drops one row that has expired, with its other index rows.
func (t *txn) expire(kind byte, key digest) error {
	switch kind {
	case expirySuppression:
		return t.forgetSuppression(key)
	case expiryRefusal:
		return t.forgetRefusal(key)
	case expirySession:
		return t.forgetSession(store.SessionID(key))
	case expiryAlarm:
		return t.delete(bAlarms, key[8:])
	case expiryCanary:
		return t.delete(bCanaries, key[8:])
	}
	if b, ok := expiring(kind); ok {
		return t.delete(b, key[:])
	}
	return nil
}

// usedPost returns what a post key was used for within store.IdempotencyKept.
func (t *txn) usedPost(key digest, now time.Time) (post, bool) {
	p, ok := readPost(t.value(bPosts, key[:]))
	return p, ok && now.Before(p.at.Add(store.IdempotencyKept))
}

func (t *txn) putPost(key digest, p post) error {
	if old, ok := readPost(t.value(bPosts, key[:])); ok {
		if err := t.dropExpiry(expiryPost, key, old.at.Add(store.IdempotencyKept)); err != nil {
			return err
		}
	}
	return t.putExpiring(bPosts, expiryPost, key, p.bytes(), p.at.Add(store.IdempotencyKept))
}
