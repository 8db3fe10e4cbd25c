package verbs

import (
	"context"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// Together runs verbs in one transaction: those of the store that do gets join it, and
// read what the ones before wrote. When do returns an error, all of them are undone; it
// must return that of a verb that failed. It may run more than once. It is for filling a
// store fast, a few thousand verbs at a time; other writers wait meanwhile.
func (s *Store) Together(ctx context.Context, do func(*Store) error) error {
	return s.engine.Update(ctx, engine.Plan{Size: engine.GroupBytes}, func(tx engine.Tx) error {
		return do(&Store{engine: joined{s.engine, tx}, codec: s.codec, rules: s.rules, keys: s.keys})
	})
}

// joined is an engine whose transactions are all the same one.
type joined struct {
	engine.Engine
	tx engine.Tx
}

func (j joined) View(_ context.Context, do func(engine.Tx) error) error { return do(j.tx) }

func (j joined) Update(_ context.Context, _ engine.Plan, do func(engine.Tx) error) error {
	return do(j.tx)
}

// EndOutbound ends a queued mail as if a sender had claimed, and tried, it at now: for a
// past that nobody is to be mailed about.
func (s *Store) EndOutbound(ctx context.Context, now time.Time, f store.Finish) error {
	err := checkFinish(f)
	if err == nil {
		err = s.write(ctx, 0, func(t *txn) error { return t.finishAt(store.Instant(now), f.ID, f) })
	}
	return wrap("end outbound", f.ID, err)
}
