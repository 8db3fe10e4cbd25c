package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/engine"
)

// A row cannot be under an empty key, so there is nothing to delete, and no walk ends there.
func TestNothingIsDeletedUnderAnEmptyKey(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "a", "1"))
	update(t, e, func(tx engine.Tx) error { return tx.Delete(0, nil) })
	update(t, e, set(0, "b", "2"))
	if got, want := contents(t, e), "first 0: a=1 b=2\nsecond 0:\n"; got != want {
		t.Errorf("it reads\n%s, want\n%s", got, want)
	}
}

// TestAVerbThatMayBeDurableIsNotRunAgain: the commit is in the file, and then its sync fails.
func TestAVerbThatMayBeDurableIsNotRunAgain(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "a", "1"))
	runs := 0
	err := e.Update(context.Background(), engine.Plan{}, func(tx engine.Tx) error {
		runs++
		tx.(interface{ afterCommit(func()) }).afterCommit(func() { panic("the sync fails") })
		_, err := tx.Next(0)
		return err
	})
	if err == nil || runs != 1 {
		t.Errorf("it ran %d times, got %v", runs, err)
	}
	update(t, e, set(0, "b", "2"))
	if got, want := contents(t, e), "first 1: a=1 b=2\nsecond 0:\n"; got != want {
		t.Errorf("it reads\n%s, want\n%s", got, want)
	}
}

func (t *tx) afterCommit(do func()) { t.bolt.OnCommit(do) }

// TestAVerbThatDoesNotFitDoesNotEndTheGathering: it is refused, and that is no fault of the
// rows that others left.
func TestAVerbThatDoesNotFitDoesNotEndTheGathering(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{MaxSize: 8 << 20})
	update(t, e, set(0, "a", "1"))
	if err := e.Update(context.Background(), engine.Plan{}, set(1, "b", strings.Repeat("x", 16<<20))); !errors.Is(err,
		store.ErrFull) {
		t.Errorf("got %v", err)
	}
	update(t, e, set(0, "c", "3"))
	if e.direct.Load() {
		t.Error("it gathers no more")
	}
	wantRows(t, e, map[string]string{"a": "1", "c": "3"})
}

// TestAnOlderVersionSeesWhoseAFileIs: a version that knows no journal reads the first commit
// of a file, which says what wrote it.
func TestAnOlderVersionSeesWhoseAFileIs(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "schema", "9"))
	update(t, e, set(0, "row", "1"))
	rows, journaled := inPlaces(t, crashed(t, e), "first")
	if !journaled || len(rows) != 1 || rows["schema"] != "9" {
		t.Errorf("in their places are %v (journal: %v)", rows, journaled)
	}
}

// journalBytes is how long the journals of a file are.
func journalBytes(t testing.TB, e *Engine) (n int) {
	t.Helper()
	err := e.file.View(func(tx *bbolt.Tx) error {
		for _, name := range journalsOf(tx) {
			if err := tx.Bucket(name).ForEach(func(_, piece []byte) error { n += len(piece); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAJournalDoesNotGrowWhereNothingIsGathered: once gathering has ended, the journal that
// is left says of each of its rows at most once that it counts no more.
func TestAJournalDoesNotGrowWhereNothingIsGathered(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "first", "1"))
	update(t, e, func(tx engine.Tx) error {
		return errors.Join(set(0, "a", "1")(tx), set(0, "b", "1")(tx), set(0, "c", "1")(tx))
	})
	e.stopGathering(errors.New("a page is damaged"))
	before := journalBytes(t, e)
	for i := range 100 {
		update(t, e, set(0, "a", fmt.Sprint(i)))
		update(t, e, set(0, fmt.Sprint("new", i), "1"))
		update(t, e, func(tx engine.Tx) error { return tx.Delete(0, []byte("c")) })
	}
	if after := journalBytes(t, e); before == 0 || after > 2*before {
		t.Errorf("the journal grew from %d to %d bytes", before, after)
	}
	wantRows(t, openFile(t, crashed(t, e), Options{}), map[string]string{"a": "99", "b": "1", "c": "", "new0": "1"})
}

// TestAWalkBackBeginsBehindADeletedRow as where it never was.
func TestAWalkBackBeginsBehindADeletedRow(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	update(t, e, set(0, "a1", "1"))
	update(t, e, set(0, "b", "1"))
	update(t, e, func(tx engine.Tx) error { return tx.Delete(0, []byte("b")) })
	err := e.View(context.Background(), func(tx engine.Tx) error {
		if got := collect(tx.WalkBack, 0, "a", "c"); len(got) != 1 {
			t.Errorf("it visits %q", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAQueueThatIsDrainedIsWalkedFromItsHead over no more rows that are deleted and still in
// their places than two generations have.
func TestAQueueThatIsDrainedIsWalkedFromItsHead(t *testing.T) {
	t.Parallel()
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{})
	const batch, batches = 500, 40
	for i := range batches {
		update(t, e, eachOf(i*batch, batch, func(tx engine.Tx, key []byte) error { return tx.Put(0, key, nil) }))
	}
	most := 0
	for i := range batches {
		update(t, e, eachOf(i*batch, batch, func(tx engine.Tx, key []byte) error { return tx.Delete(0, key) }))
		rows := e.versions.at(lastCommit(t, e)).of(0)
		if rows == nil {
			continue
		}
		deleted := 0
		rows.Scan(func(r gathered) bool {
			if r.value == nil {
				deleted++
			}
			return true
		})
		most = max(most, deleted)
	}
	if most == 0 || most > 2*(mostDeleted+batch) {
		t.Errorf("up to %d deleted rows are gathered", most)
	}
}

// eachOf does something to n keys in a row.
func eachOf(from, n int, do func(tx engine.Tx, key []byte) error) func(engine.Tx) error {
	return func(tx engine.Tx) (err error) {
		for i := from; i < from+n && err == nil; i++ {
			err = do(tx, fmt.Appendf(nil, "%06d", i))
		}
		return err
	}
}

func lastCommit(t testing.TB, e *Engine) (id int) {
	t.Helper()
	if err := e.file.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestTheJournalIsBounded: a generation of many short rows is put in its places while long
// ones are added.
func TestTheJournalIsBounded(t *testing.T) {
	t.Parallel()
	const gather = 64 << 10
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{Gather: gather})
	update(t, e, set(0, "first", "1"))
	for i := range 20 {
		update(t, e, func(tx engine.Tx) (err error) {
			for j := 0; j < 300 && err == nil; j++ {
				err = tx.Delete(0, fmt.Appendf(nil, "%d/%d", i, j))
			}
			return err
		})
	}
	longest := 0
	for i := range 60 {
		update(t, e, set(0, fmt.Sprint("long", i), strings.Repeat("x", gather/4)))
		longest = max(longest, journalBytes(t, e))
	}
	if longest > 3*gather {
		t.Errorf("it has up to %d bytes, want %d at most", longest, 3*gather)
	}
}

// TestWhatIsGatheredTakesLittleMemory: of commits with a row each, too.
func TestWhatIsGatheredTakesLittleMemory(t *testing.T) {
	e := openFile(t, filepath.Join(t.TempDir(), "rows.db"), Options{Gather: 1 << 20})
	update(t, e, set(0, "first", "1"))
	before := heap()
	for i := range 500 {
		update(t, e, set(0, fmt.Sprintf("row %05d", i), "0123456789"))
	}
	if per := (heap() - before) / 500; per > 700 {
		t.Errorf("a row of 20 bytes takes %d", per)
	}
	runtime.KeepAlive(e)
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
