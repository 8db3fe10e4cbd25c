package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/store/engine"
	"signpost/store/engine/enginetest"
)

// storm is an engine under random transactions, crashes and starts, with so many rows that
// a generation is put in its places over several commits, and what it is to hold.
type storm struct {
	*testing.T
	*rand.Rand
	e     *Engine
	rows  [2]map[string]string
	last  [2]uint64
	views []*heldView
}

// heldView is a reader that began at an instant of the storm.
type heldView struct {
	want  *storm
	leave chan struct{}
	got   chan error
}

var errGivenUp = errors.New("the verb gives up")

// TestAStormOfTransactionsCrashesAndStarts holds readers open through the placing of whole
// generations, and compares all reads with plain maps.
func TestAStormOfTransactionsCrashesAndStarts(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	weather(t, seed, 150)
}

func weather(t *testing.T, seed uint64, transactions int) {
	s := &storm{T: t, Rand: rand.New(rand.NewPCG(seed, 0)), rows: [2]map[string]string{{}, {}}}
	s.open(filepath.Join(t.TempDir(), "rows.db"))
	for range transactions {
		switch n := s.IntN(300); {
		case n == 0:
			s.e.stopGathering(errGivenUp)
		case n < 3:
			s.start(crashed(t, s.e))
		case n == 3:
			s.start(s.snapshot())
		case n == 4:
			s.start(s.e.path)
		case n < 30:
			s.holdView()
		case n < 50:
			s.leaveView()
		case n < 100:
			s.reads(crashed(t, s.e))
		}
		s.transact()
		if err := s.e.View(context.Background(), func(tx engine.Tx) error { return s.probe(tx, s.Rand) }); err != nil {
			t.Fatal(err)
		}
	}
	s.start(crashed(t, s.e))
	if err := s.e.View(context.Background(), s.compare); err != nil {
		t.Fatal(err)
	}
}

// open goes on with a file.
func (s *storm) open(path string) {
	s.Helper()
	if _, err := os.Stat(path); err == nil {
		s.reads(path)
	}
	s.e = s.sound(path, Options{Gather: 5000})
}

// reads reads a file that is not written.
func (s *storm) reads(path string) {
	s.Helper()
	if err := s.sound(path, Options{ReadOnly: true}).Close(); err != nil {
		s.Fatal(err)
	}
}

// sound opens a file and reads all of it.
func (s *storm) sound(path string, opts Options) *Engine {
	s.Helper()
	e, err := Open(path, enginetest.Layouts(), opts)
	if err == nil {
		err = errors.Join(e.View(context.Background(), s.compare), e.Check(context.Background()))
	}
	if err != nil {
		s.Fatal(err)
	}
	return e
}

// start goes on with another file, or with this one after a stop.
func (s *storm) start(path string) {
	s.Helper()
	for len(s.views) > 0 {
		s.leaveView()
	}
	if err := s.e.Close(); err != nil {
		s.Fatal(err)
	}
	s.open(path)
}

func (s *storm) snapshot() string {
	s.Helper()
	path := filepath.Join(s.TempDir(), "snapshot.db")
	var file bytes.Buffer
	_, err := s.e.Snapshot(&file)
	if err = errors.Join(err, os.WriteFile(path, file.Bytes(), 0o600)); err != nil {
		s.Fatal(err)
	}
	return path
}

func (s *storm) clone() *storm {
	return &storm{Rand: s.Rand, rows: [2]map[string]string{maps.Clone(s.rows[0]), maps.Clone(s.rows[1])}, last: s.last}
}

func (s *storm) holdView() {
	v := &heldView{s.clone(), make(chan struct{}), make(chan error)}
	began := make(chan struct{})
	go func() {
		v.got <- s.e.View(context.Background(), func(tx engine.Tx) error {
			close(began)
			<-v.leave
			return v.want.compare(tx)
		})
	}()
	<-began
	s.views = append(s.views, v)
}

func (s *storm) leaveView() {
	s.Helper()
	if len(s.views) == 0 {
		return
	}
	i := s.IntN(len(s.views))
	v := s.views[i]
	s.views = slices.Delete(s.views, i, i+1)
	close(v.leave)
	if err := <-v.got; err != nil {
		s.Fatalf("a reader that was held open: %v", err)
	}
}

// transact runs a transaction of which some give up, and some panic.
func (s *storm) transact() {
	s.Helper()
	var next *storm
	fails, panics := s.IntN(12) == 0, s.IntN(25) == 0
	err := s.e.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
		next = s.clone() // it may run more than once
		for range s.IntN(60) {
			if err := next.change(tx); err != nil {
				return err
			}
		}
		if err := next.probe(tx, s.Rand); err != nil {
			return err
		}
		switch {
		case panics:
			panic(errGivenUp)
		case fails:
			return errGivenUp
		}
		return nil
	})
	switch {
	case err == nil && !fails && !panics:
		s.rows, s.last = next.rows, next.last
	case err == nil || !strings.Contains(err.Error(), errGivenUp.Error()):
		s.Fatalf("a verb (fails: %v, panics: %v) got %v", fails, panics, err)
	}
}

// change does one thing to one row.
func (s *storm) change(tx engine.Tx) error {
	b, key := engine.Bucket(0), s.key()
	if s.IntN(10) == 0 {
		b = 1
	}
	switch s.IntN(12) {
	case 0:
		s.last[b]++
		n, err := tx.Next(b)
		if n != s.last[b] {
			return fmt.Errorf("number %d, want %d", n, s.last[b])
		}
		return err
	case 1, 2, 3, 4:
		delete(s.rows[b], key)
		return tx.Delete(b, []byte(key))
	}
	value := strings.Repeat("v", s.IntN(12)) + fmt.Sprint(s.IntN(1000))
	if s.IntN(1000) == 0 {
		value = strings.Repeat("long", 6000) // more than is gathered
	}
	s.rows[b][key] = value
	return tx.Put(b, []byte(key), []byte(value))
}

// key is one of 1,800, of which many begin alike.
func (s *storm) key() string {
	return strings.Repeat("\xff", s.IntN(3)) + string("abc"[s.IntN(3)]) + fmt.Sprint(s.IntN(200))
}

// probe compares some reads.
func (s *storm) probe(tx engine.Tx, r *rand.Rand) error {
	for range 4 {
		b, key := engine.Bucket(r.IntN(2)), s.key()
		value, there := s.rows[b][key]
		if got := tx.Get(b, []byte(key)); (got != nil) != there || string(got) != value {
			return fmt.Errorf("%q reads %q, want %q (%v)", key, got, value, there)
		}
		prefix, bound := key[:r.IntN(len(key))], s.key()
		if err := s.walks(tx, b, prefix, bound); err != nil {
			return err
		}
	}
	return nil
}

// walks compares the walks in both directions.
func (s *storm) walks(tx engine.Tx, b engine.Bucket, prefix, bound string) error {
	var up, down []string
	for _, key := range slices.Sorted(maps.Keys(s.rows[b])) {
		if strings.HasPrefix(key, prefix) && key >= bound {
			up = append(up, key+"="+s.rows[b][key])
		}
	}
	keys := slices.Sorted(maps.Keys(s.rows[b]))
	for _, key := range slices.Backward(keys) {
		if key < bound && !strings.HasPrefix(key, prefix) {
			break // a walk ends at the first key without the prefix
		}
		if key < bound {
			down = append(down, key+"="+s.rows[b][key])
		}
	}
	gotUp, gotDown := collect(tx.Walk, b, prefix, bound), collect(tx.WalkBack, b, prefix, bound)
	if !slices.Equal(gotUp, up) {
		return fmt.Errorf("a walk of %q from %q visits\n%q, want\n%q", prefix, bound, gotUp, up)
	}
	if !slices.Equal(gotDown, down) {
		return fmt.Errorf("a walk back of %q before %q visits\n%q, want\n%q", prefix, bound, gotDown, down)
	}
	return nil
}

func collect(
	walk func(engine.Bucket, []byte, []byte, engine.Visit) error, b engine.Bucket, prefix, bound string,
) (rows []string) {
	err := walk(b, []byte(prefix), []byte(bound), func(key, value []byte) (bool, error) {
		rows = append(rows, string(key)+"="+string(value))
		return true, nil
	})
	if err != nil {
		rows = append(rows, err.Error())
	}
	return rows
}

// compare reads all rows and numbers.
func (s *storm) compare(tx engine.Tx) error {
	for b := range s.rows {
		if err := s.walks(tx, engine.Bucket(b), "", ""); err != nil {
			return err
		}
		if err := s.walks(tx, engine.Bucket(b), "", "\xff\xff\xff"); err != nil {
			return err
		}
		if got := tx.Last(engine.Bucket(b)); got != s.last[b] {
			return fmt.Errorf("the last number of bucket %d is %d, want %d", b, got, s.last[b])
		}
	}
	return nil
}
