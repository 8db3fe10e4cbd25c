package enginetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signpost/store/engine"
)

// model is a bucket as a plain map.
type model struct {
	rows map[string]string
	last uint64
}

func (m *model) clone() *model { return &model{maps.Clone(m.rows), m.last} }

// list is what a walk over the model visits.
func (m *model) list(prefix, bound string, back bool) string {
	keys := slices.Sorted(maps.Keys(m.rows))
	if back {
		slices.Reverse(keys)
	}
	var rows []string
	for _, key := range keys {
		within := key >= bound
		if back {
			within = bound == "" || key < bound
		}
		if within && strings.HasPrefix(key, prefix) {
			rows = append(rows, key+"="+m.rows[key])
		}
	}
	return strings.Join(rows, " ")
}

var errDropped = errors.New("the transaction is dropped")

// agreesWithModel runs random transactions, some of which fail, and compares all
// that can be read within each and after it. A failure prints rapid's seed.
func agreesWithModel(t *testing.T, open Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		e := open(t, nil)
		defer e.Close()
		models := map[engine.Bucket]*model{first: {rows: map[string]string{}}, second: {rows: map[string]string{}}}
		for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
			next := map[engine.Bucket]*model{first: models[first].clone(), second: models[second].clone()}
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 0, 20).Draw(rt, "steps")
			drop := rapid.IntRange(0, 4).Draw(rt, "drop") == 0
			err := e.Update(context.Background(), drawPlan(rt, steps), func(tx engine.Tx) error {
				for _, s := range steps {
					if err := s.apply(tx, next[s.bucket]); err != nil {
						return err
					}
					compare(rt, tx, s.bucket, next[s.bucket], s.key)
				}
				if drop {
					return errDropped
				}
				return nil
			})
			switch {
			case drop && errors.Is(err, errDropped):
			case err != nil:
				rt.Fatal(err)
			default:
				models = next
			}
			if err := e.View(context.Background(), func(tx engine.Tx) error {
				for b, m := range models {
					compare(rt, tx, b, m, "aa")
				}
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		if err := e.Check(context.Background()); err != nil {
			rt.Fatal(err)
		}
	})
}

// drawPlan names the rows of some of the steps, and others.
func drawPlan(t *rapid.T, steps []step) engine.Plan {
	others := rapid.SliceOfN(rapid.Custom(drawStep), 0, 3).Draw(t, "read in vain")
	named := append(others, steps[:rapid.IntRange(0, len(steps)).Draw(t, "named")]...)
	if len(named) == 0 {
		return engine.Plan{}
	}
	return engine.Plan{Size: rapid.IntRange(0, 1<<20).Draw(t, "size"), Reads: func() (rows []engine.Row) {
		for _, s := range named {
			rows = append(rows, engine.Row{Bucket: s.bucket, Key: []byte(s.key)})
		}
		return rows
	}}
}

type step struct {
	bucket engine.Bucket
	do     string
	key    string
	value  string
}

func drawStep(t *rapid.T) step {
	return step{
		bucket: rapid.SampledFrom([]engine.Bucket{first, second}).Draw(t, "bucket"),
		do:     rapid.SampledFrom([]string{"put", "put", "put", "delete", "next"}).Draw(t, "do"),
		key:    rapid.StringMatching(`[abc\xff]{1,3}`).Draw(t, "key"),
		value:  rapid.StringMatching(`[xy]{0,400}`).Draw(t, "value"),
	}
}

func (s step) apply(tx engine.Tx, m *model) error {
	switch s.do {
	case "put":
		m.rows[s.key] = s.value
		return tx.Put(s.bucket, []byte(s.key), []byte(s.value))
	case "delete":
		delete(m.rows, s.key)
		return tx.Delete(s.bucket, []byte(s.key))
	}
	m.last++
	n, err := tx.Next(s.bucket)
	if n != m.last {
		return fmt.Errorf("the next number is %d, want %d", n, m.last)
	}
	return err
}

func compare(t *rapid.T, tx engine.Tx, b engine.Bucket, m *model, key string) {
	value, ok := m.rows[key]
	if got := tx.Get(b, []byte(key)); (got != nil) != ok || string(got) != value {
		t.Fatalf("%q reads %q, want %q (there: %v)", key, got, value, ok)
	}
	for _, c := range [][2]string{{"", ""}, {"a", ""}, {"b", key}, {"", key}} {
		if got, want := walked(tx.Walk, b, []byte(c[0]), []byte(c[1])), m.list(c[0], c[1], false); got != want {
			t.Fatalf("a walk of prefix %q from %q visits\n%s, want\n%s", c[0], c[1], got, want)
		}
	}
	for _, c := range [][2]string{{"", ""}, {"", key}, {key[:1], key}} {
		var before []byte
		if c[1] != "" {
			before = []byte(c[1])
		}
		if got, want := walked(tx.WalkBack, b, []byte(c[0]), before), m.list(c[0], c[1], true); got != want {
			t.Fatalf("a walk back of prefix %q before %q visits\n%s, want\n%s", c[0], c[1], got, want)
		}
	}
	if tx.Last(b) != m.last {
		t.Fatalf("the last number is %d, want %d", tx.Last(b), m.last)
	}
}
