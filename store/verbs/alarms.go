package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"signpost/store"
	"signpost/store/text"
)

type alarmRecord struct {
	Key      string `cbor:"1,keyasint"`
	What     string `cbor:"2,keyasint,omitempty"`
	Do       string `cbor:"3,keyasint,omitempty"`
	Level    int    `cbor:"4,keyasint"`
	Since    int64  `cbor:"5,keyasint"`
	Over     int64  `cbor:"6,keyasint,omitempty"`
	AckBy    string `cbor:"7,keyasint,omitempty"`
	AckAt    int64  `cbor:"8,keyasint,omitempty"`
	AckUntil int64  `cbor:"9,keyasint,omitempty"`
	AckUpTo  int    `cbor:"10,keyasint,omitempty"`
}

func (r alarmRecord) alarm(id store.AlarmID) store.Alarm {
	return store.Alarm{
		ID: id, Trouble: store.Trouble{Key: r.Key, What: r.What, Do: r.Do, Level: r.Level},
		Since: instant(r.Since), Over: instant(r.Over),
		Acknowledgement: store.Acknowledgement{
			By: r.AckBy, At: instant(r.AckAt), Until: instant(r.AckUntil), UpTo: r.AckUpTo,
		},
	}
}

func (t *txn) alarm(id store.AlarmID) (r alarmRecord, err error) {
	return r, t.record(bAlarms, u64(uint64(id)), &r)
}

func (t *txn) putAlarm(id store.AlarmID, r alarmRecord) error {
	return t.putRecord(bAlarms, u64(uint64(id)), &r)
}

// standing is the alarm that stands under a key, 0 when none does.
func (t *txn) standing(key string) (store.AlarmID, alarmRecord, error) {
	d := digestOf(key)
	found := t.value(bAlarmKeys, d[:])
	if found == nil {
		return 0, alarmRecord{}, nil
	}
	id := store.AlarmID(readU64(found))
	r, err := t.alarm(id)
	return id, r, err
}

// idDigest is how the rows that are named by a number stand in expiry.
func idDigest(id uint64) (d digest) {
	copy(d[8:], u64(id))
	return d
}

// RaiseAlarm implements store.Alarms.
func (s *Store) RaiseAlarm(ctx context.Context, now time.Time, trouble store.Trouble) (alarm store.Alarm, err error) {
	now = store.Instant(now)
	if trouble.Key == "" || len(trouble.Key) > store.MaxAlarmKey || trouble.Level < 1 {
		key := strconv.Quote(text.Cut(trouble.Key, store.MaxAlarmKey))
		return store.Alarm{}, wrap("raise alarm", key, invalid("an alarm needs a short key and a level from 1 on"))
	}
	err = s.write(ctx, 0, func(t *txn) (err error) {
		alarm, err = t.raise(now, trouble)
		return err
	})
	if err != nil {
		return store.Alarm{}, wrap("raise alarm", trouble.Key, err)
	}
	return alarm, nil
}

func (t *txn) raise(now time.Time, trouble store.Trouble) (store.Alarm, error) {
	id, r, err := t.standing(trouble.Key)
	if err != nil {
		return store.Alarm{}, err
	}
	if id == 0 {
		next, err := t.next(bAlarms)
		if err != nil {
			return store.Alarm{}, err
		}
		key := digestOf(trouble.Key)
		if err := t.put(bAlarmKeys, key[:], u64(next)); err != nil {
			return store.Alarm{}, err
		}
		id, r = store.AlarmID(next), alarmRecord{Key: trouble.Key, Since: micros(now)}
	}
	r.What, r.Do = text.Cut(trouble.What, store.MaxAlarmWords), text.Cut(trouble.Do, store.MaxAlarmWords)
	r.Level = trouble.Level
	return r.alarm(id), t.putAlarm(id, r)
}

// EndAlarm implements store.Alarms.
func (s *Store) EndAlarm(ctx context.Context, now time.Time, key string) (alarm store.Alarm, err error) {
	now = store.Instant(now)
	err = s.write(ctx, 0, func(t *txn) error {
		id, r, err := t.standing(key)
		if err == nil && id == 0 {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		r.Over = micros(now)
		alarm = r.alarm(id)
		under := digestOf(key)
		return errors.Join(
			t.putAlarm(id, r), t.delete(bAlarmKeys, under[:]),
			t.put(bExpiry, expiryKey(now.Add(store.AlarmKept), expiryAlarm, idDigest(uint64(id))), []byte{}),
		)
	})
	if err != nil {
		return store.Alarm{}, wrap("end alarm", strconv.Quote(text.Cut(key, store.MaxAlarmKey)), err)
	}
	return alarm, nil
}

// AcknowledgeAlarm implements store.Alarms.
func (s *Store) AcknowledgeAlarm(
	ctx context.Context, now time.Time, by store.Actor, id store.AlarmID, until time.Time,
) (alarm store.Alarm, err error) {
	now, until = store.Instant(now), kept(until)
	to := store.Object{Kind: store.ObjectAlarm, ID: uint64(id)}
	err = s.actOnAll(ctx, deed{now, by, store.ActAcknowledgeAlarm, to}, func(t *txn) error {
		if err := checkNamed(by); err != nil {
			return err
		}
		if !until.IsZero() && !until.After(now) {
			return invalid("the acknowledgement is over before it begins")
		}
		r, err := t.alarm(id)
		if err != nil {
			return err
		}
		if r.Over != 0 {
			return fmt.Errorf("%w: it is over", store.ErrConflict)
		}
		r.AckBy, r.AckAt, r.AckUntil, r.AckUpTo = by.Account, micros(now), micros(until), r.Level
		alarm = r.alarm(id)
		if err := t.putAlarm(id, r); err != nil {
			return err
		}
		return t.audit(now, by, store.Audit{
			Event: store.AuditAlarmAcknowledged, Object: store.Object{Kind: store.ObjectAlarm, ID: uint64(id), Name: r.Key},
			Changes: []store.Changed{{Field: "until", After: auditTime(until)}},
		})
	})
	if err != nil {
		return store.Alarm{}, wrap("acknowledge alarm", id, err)
	}
	return alarm, nil
}

// StandingAlarms implements store.Alarms. It reads the ids of all that stand: one a
// trouble, and of those there are few.
func (s *Store) StandingAlarms(ctx context.Context, p store.Page) (alarms store.List[store.Alarm], err error) {
	err = s.read(ctx, func(t *txn) error {
		alarms, err = t.standingPage(p)
		return err
	})
	if err != nil {
		return store.List[store.Alarm]{}, wrap("standing alarms, at most", p.Limit, err)
	}
	return alarms, nil
}

func (t *txn) standingPage(p store.Page) (alarms store.List[store.Alarm], err error) {
	var ids []uint64
	err = t.walk(bAlarmKeys, nil, nil, func(_, value []byte) (bool, error) {
		ids = append(ids, readU64(value))
		return true, nil
	})
	if err != nil {
		return alarms, err
	}
	slices.Sort(ids)
	found, err := cut(list{name: "standing alarms"}, ids, u64, p)
	if err != nil {
		return alarms, err
	}
	for _, id := range found.Items {
		r, err := t.alarm(store.AlarmID(id))
		if err != nil {
			return alarms, err
		}
		alarms.Items = append(alarms.Items, r.alarm(store.AlarmID(id)))
	}
	alarms.Next = found.Next
	return alarms, nil
}

// EndedAlarms implements store.Alarms.
func (s *Store) EndedAlarms(ctx context.Context, p store.Page) (store.List[store.Alarm], error) {
	return readList(ctx, s, "ended alarms, at most", p.Limit, p, listing[store.Alarm]{
		name: "ended alarms", bucket: bAlarms, back: true,
		pick: func(t *txn, key, _ []byte) (store.Alarm, bool, error) {
			id := store.AlarmID(readU64(key))
			r, err := t.alarm(id)
			return r.alarm(id), r.Over != 0, err
		},
	})
}

// alarms checks that those which stand are found by their keys, and that the
// others expire.
func (c *checker) alarms() error {
	return c.each(bAlarms, func(key, _ []byte) error {
		id := readU64(key)
		r, err := c.alarm(store.AlarmID(id))
		if err != nil {
			return wrap("alarm", id, err)
		}
		if r.Over == 0 {
			under := digestOf(r.Key)
			c.want(bAlarmKeys, under[:], key, "alarm", id)
			return nil
		}
		c.want(bExpiry, expiryKey(instant(r.Over).Add(store.AlarmKept), expiryAlarm, idDigest(id)), nil, "alarm", id)
		return nil
	})
}
