package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"signpost/store/engine"
	"signpost/store/engine/enginetest"
)

// openFile opens the file at path and closes it with the test.
func openFile(t testing.TB, path string, opts Options) *Engine {
	t.Helper()
	e, err := Open(path, enginetest.Layouts(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// crashed is a copy of an engine's file as the end of the power would leave it.
func crashed(t testing.TB, e *Engine) string {
	t.Helper()
	data, err := os.ReadFile(e.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "crashed.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contents are all rows and numbers, as text.
func contents(t testing.TB, e *Engine) string {
	t.Helper()
	var all strings.Builder
	err := e.View(context.Background(), func(tx engine.Tx) error {
		for b, l := range enginetest.Layouts() {
			fmt.Fprintf(&all, "%s %d:", l.Name, tx.Last(engine.Bucket(b)))
			if err := tx.Walk(engine.Bucket(b), nil, nil, func(key, value []byte) (bool, error) {
				fmt.Fprintf(&all, " %s=%s", key, value)
				return true, nil
			}); err != nil {
				return err
			}
			all.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// inPlaces are the rows of a closed file's bucket as the database holds them, and whether
// it has a journal.
func inPlaces(t testing.TB, path, bucket string) (rows map[string]string, journaled bool) {
	t.Helper()
	rows = map[string]string{}
	file, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	err = file.View(func(tx *bbolt.Tx) error {
		journaled = tx.Bucket(journals[0]) != nil || tx.Bucket(journals[1]) != nil
		if b := tx.Bucket([]byte(bucket)); b != nil {
			return b.ForEach(func(key, value []byte) error { rows[string(key)] = string(value); return nil })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, journaled
}

func set(b engine.Bucket, key, value string) func(engine.Tx) error {
	return func(tx engine.Tx) error { return tx.Put(b, []byte(key), []byte(value)) }
}

func update(t testing.TB, e *Engine, verb func(engine.Tx) error) {
	t.Helper()
	if err := e.Update(context.Background(), engine.Plan{}, verb); err != nil {
		t.Fatal(err)
	}
}

// TestAtEveryInstantTheFileAloneSaysAll: after each of many transactions a copy of the
// file opens as the engine reads, with all its rows in their places, and so do copies of
// what became of such a copy.
func TestAtEveryInstantTheFileAloneSaysAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "gather")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "rows.db")
		gather := rapid.SampledFrom([]int{0, 1, 300, 3000}).Draw(rt, "gather")
		m := model{rows: map[string]string{}}
		for range rapid.IntRange(1, 4).Draw(rt, "starts") {
			e, err := Open(path, enginetest.Layouts(), Options{Gather: gather})
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(0, 12).Draw(rt, "transactions") {
				m.transact(rt, e)
			}
			if rapid.Bool().Draw(rt, "direct") { // as after a page was found damaged
				e.direct.Store(true)
				m.transact(rt, e)
				m.transact(rt, e)
			}
			want := contents(t, e)
			if want != m.contents() {
				rt.Fatalf("it reads\n%s, want\n%s", want, m.contents())
			}
			data, err := os.ReadFile(path)
			if err := errors.Join(err, e.Close()); err != nil {
				rt.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil { // the stop never was
				rt.Fatal(err)
			}
			again, err := Open(path, enginetest.Layouts(), Options{ReadOnly: true})
			if err != nil {
				rt.Fatal(err)
			}
			if got := contents(t, again); got != want {
				rt.Fatalf("after a crash it reads\n%s, want\n%s", got, want)
			}
			again.Close()
		}
		e, err := Open(path, enginetest.Layouts(), Options{})
		if err != nil {
			rt.Fatal(err)
		}
		if err := errors.Join(e.Check(context.Background()), e.Close()); err != nil {
			rt.Fatal(err)
		}
		if rows, journaled := inPlaces(t, path, "first"); journaled || !maps.Equal(rows, m.rows) {
			rt.Fatalf("in their places are %v (journal: %v), want %v", rows, journaled, m.rows)
		}
	})
}

// model is what the engine is to hold: rows of the first bucket, and how many numbers
// both gave out.
type model struct {
	rows map[string]string
	last int
}

func (m *model) contents() string {
	var rows strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		fmt.Fprintf(&rows, " %s=%s", key, m.rows[key])
	}
	return fmt.Sprintf("first %d:%s\nsecond %d:\n", m.last, rows.String(), m.last)
}

// transact changes some rows, in the model and in the engine.
func (m *model) transact(rt *rapid.T, e *Engine) {
	keys := rapid.SliceOfN(rapid.StringMatching(`[abc]{1,3}`), 1, 8).Draw(rt, "keys")
	size := rapid.SampledFrom([]int{0, 1, 200, 2000}).Draw(rt, "size")
	each := rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "delete each")
	m.last++
	err := e.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
		for i, key := range keys {
			if err := m.change(tx, key, size, i%each == each-1); err != nil {
				return err
			}
		}
		_, err1 := tx.Next(0)
		_, err2 := tx.Next(1)
		return errors.Join(err1, err2)
	})
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *model) change(tx engine.Tx, key string, size int, drop bool) error {
	if drop {
		delete(m.rows, key)
		return tx.Delete(0, []byte(key))
	}
	m.rows[key] = strings.Repeat(key[:1], size)
	return tx.Put(0, []byte(key), []byte(m.rows[key]))
}

// TestADamagedPageDoesNotStopTheJournal: rows that others left cannot be put in their
// places; a verb that needs none of the damaged pages goes on, and what was written before
// is still read.
func TestADamagedPageDoesNotStopTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.db")
	e := openFile(t, path, Options{Gather: -1})
	for i := range 3000 { // more than a page
		if i%100 == 0 {
			update(t, e, func(tx engine.Tx) error {
				for j := i; j < i+100; j++ {
					if err := tx.Put(0, fmt.Appendf(nil, "k%04d", j), []byte("old")); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, path, "k0000")
	e = openFile(t, path, Options{Gather: 100})
	update(t, e, set(0, "k0001", "new")) // is on the damaged page
	long := strings.Repeat("x", 300)
	for i := range 5 {
		update(t, e, set(0, fmt.Sprint("z", i), long))
	}
	if !e.direct.Load() {
		t.Error("it still gathers")
	}
	if err := e.Update(context.Background(), engine.Plan{}, set(0, "k0002", "new")); !errors.Is(err, engine.ErrDamaged) {
		t.Errorf("a verb that needs the damaged page: got %v", err)
	}
	update(t, e, set(0, "z0", "newer"))
	for _, path := range []string{path, crashed(t, e)} {
		if path != e.path {
			e = openFile(t, path, Options{})
		}
		wantRows(t, e, map[string]string{"k0001": "new", "z0": "newer", "z4": long, "k2999": "old"})
	}
}

// wantRows reads rows of the first bucket.
func wantRows(t *testing.T, e *Engine, rows map[string]string) {
	t.Helper()
	err := e.View(context.Background(), func(tx engine.Tx) error {
		for key, want := range rows {
			if got := tx.Get(0, []byte(key)); string(got) != want {
				t.Errorf("%s reads %q, want %q", key, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// damage makes the page that holds a key one of no kind.
func damage(t *testing.T, path, key string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	at := bytes.LastIndex(data, []byte(key+"old")) / page * page
	clear(data[at+8 : at+10]) // what kind of page it is
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAReaderThatWasHeldUpBeginsAnew: between the begin of a reader and its asking for the
// rows gathered then, more commits passed by than are remembered.
func TestAReaderThatWasHeldUpBeginsAnew(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "a", "1"))
	e.versions.mu.Lock()
	all := maps.Clone(e.versions.all)
	clear(e.versions.all)
	e.versions.mu.Unlock()
	held := make(chan error)
	go func() {
		held <- e.View(context.Background(), func(tx engine.Tx) error {
			if got := tx.Get(0, []byte("a")); string(got) != "1" {
				return fmt.Errorf("it reads %q", got)
			}
			return nil
		})
	}()
	select {
	case err := <-held:
		t.Errorf("it did not begin anew: %v", err)
	default:
	}
	for id, rows := range all {
		e.versions.add(id, rows)
	}
	if err := <-held; err != nil {
		t.Error(err)
	}
}

func TestAJournalThatDoesNotReadIsDamage(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*bbolt.Bucket) error{
		"a piece is missing": func(b *bbolt.Bucket) error { return b.Delete([]byte{0, 0, 0, 0, 0, 0, 0, 1}) },
		"a key ends nowhere": func(b *bbolt.Bucket) error {
			return b.Put(make([]byte, 8), []byte{0, stepName, 255, 255, 127})
		},
		"no bucket is named": func(b *bbolt.Bucket) error { return b.Put(make([]byte, 8), []byte{0, stepPut, 1, 'f', 0}) },
		"another bucket is named": func(b *bbolt.Bucket) error {
			return b.Put(make([]byte, 8), []byte{0, stepName, 1, 'f', 0, 0, stepPut, 1, 'f', 0})
		},
		"an unknown step": func(b *bbolt.Bucket) error {
			return b.Put(make([]byte, 8), step{0, '?', nil, nil}.append(step{0, stepName, []byte("first"), nil}.append(nil)))
		},
	} {
		e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
		for i := range 3 {
			update(t, e, set(0, fmt.Sprint(i), strings.Repeat("x", 600)))
		}
		path := crashed(t, e)
		file, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = file.Update(func(tx *bbolt.Tx) error { return spoil(tx.Bucket(journals[1])) })
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = Open(path, enginetest.Layouts(), Options{})
		if err == nil || errors.Is(err, engine.ErrDamaged) == strings.Contains(name, "another") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestNumbersOfBucketsAreNotThoseOfAnotherVersion: the journal of a version that numbers
// its buckets otherwise is read all the same.
func TestNumbersOfBucketsAreNotThoseOfAnotherVersion(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "first", "1")) // goes to its place
	update(t, e, set(0, "a", "1"))
	layouts := append([]engine.Layout{{Name: "zeroth"}}, enginetest.Layouts()...)
	next, err := Open(crashed(t, e), layouts, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	wantNone := func(tx engine.Tx) error {
		if got := tx.Get(1, []byte("a")); string(got) != "1" || tx.Get(0, []byte("a")) != nil {
			t.Errorf("reads %q", got)
		}
		return nil
	}
	if err := next.View(context.Background(), wantNone); err != nil {
		t.Fatal(err)
	}
}
