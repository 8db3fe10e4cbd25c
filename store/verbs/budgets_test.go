package verbs

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/engine/memory"
)

// inOldPlaces puts every budget where the fifth schema had it.
func (t *txn) inOldPlaces() error {
	rows := map[string][]byte{}
	err := t.walk(bBudgets, nil, nil, func(key, value []byte) (bool, error) {
		rows[string(key)] = bytes.Clone(value)
		return true, nil
	})
	for key, value := range rows {
		ends, key := readInstant([]byte(key)), digest([]byte(key[8:]))
		err = errors.Join(err, t.delete(bBudgets, append(appendInstant(nil, ends), key[:]...)),
			t.putExpiring(bBudgets, expiryBudget, key, value, ends))
	}
	return err
}

// TestABudgetOfTheFifthSchemaStaysSpent, and so does the breaker's, until somebody
// switches answers on.
func TestABudgetOfTheFifthSchemaStaysSpent(t *testing.T) {
	t.Parallel()
	older, err1 := memory.Open(OlderLayouts(), memory.Options{})
	newer, err2 := memory.Open(Layouts(), memory.Options{})
	codec, err3 := newCodec()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	defer older.Close()
	ctx, now := t.Context(), time.Now()
	once, breaker := store.Budget{Name: "once", Limit: 1, Window: 24 * time.Hour},
		store.Budget{Name: "breaker", Limit: 1, Window: time.Hour}
	key := budgetKey(breaker)
	err := update(ctx, older, codec, engine.Plan{}, func(x *txn) error {
		for _, b := range []store.Budget{once, breaker} {
			charges, _ := x.spend(now, meter([]store.Budget{b}))
			x.putCharges(charges)
		}
		return x.putResponder("", responderRecord{Off: true, Tripped: true, Breaker: key[:]})
	})
	err = errors.Join(err, update(ctx, older, codec, engine.Plan{}, func(x *txn) error {
		return errors.Join(x.inOldPlaces(), x.put(bMeta, []byte(schemaKey), u32(5)))
	}))
	if err := errors.Join(err, Migrate(ctx, older, newer, nil)); err != nil {
		t.Fatal(err)
	}
	db, err := Open(newer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	spent := func(b store.Budget) bool {
		var spent *metered
		if err := db.read(ctx, func(x *txn) error {
			_,
				spent = x.spend(now, meter([]store.Budget{b}))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return spent != nil
	}
	if !spent(once) || !spent(breaker) {
		t.Errorf("spent are %v and %v", spent(once), spent(breaker))
	}
	if _, err := db.SwitchResponder(ctx, now, store.ByService(), store.Switch{On: true}); err != nil {
		t.Fatal(err)
	}
	if !spent(once) || spent(breaker) {
		t.Errorf("after the switch spent are %v and %v", spent(once), spent(breaker))
	}
}

func TestCheckFindsABudgetInTheWrongPlace(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer db.Close()
	c := charge{key: digest{1}, window: time.Hour,
		usage: store.Usage{Start: store.Budget{Window: time.Hour}.Start(time.Now())}}
	early := appendInstant(nil, c.usage.Start)
	if err := db.write(t.Context(), 0, func(x *txn) error {
		return x.put(bBudgets, append(early, c.key[:]...), usageBytes(c.usage, c.window))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err == nil {
		t.Error("not found")
	}
}
