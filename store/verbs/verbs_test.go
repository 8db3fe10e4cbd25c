package verbs

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/engine/bolt"
	"signpost/store/engine/memory"
	"signpost/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openNew(t, fileOptions{}) })
}

func TestContractInMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		e, err := memory.Open(Layouts(), memory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		db, err := Open(e, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
}

// checkAndClose checks the store and closes it.
func checkAndClose(t testing.TB, db *Store) {
	t.Helper()
	if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
		t.Error(err)
	}
}

// inFile changes the file of a store that is closed, under its back.
func inFile(t testing.TB, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Update(change), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// lookIn reads the file of a store that is closed.
func lookIn(t testing.TB, path string, read func(*bbolt.Tx) error) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.View(read), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func openNew(t testing.TB, opts fileOptions) *Store {
	t.Helper()
	db, err := openFile(filepath.Join(t.TempDir(), "signpost.db"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

type fileOptions = bolt.Options

// openFile opens the store in the file at path, as store/datafile does.
func openFile(path string, opts fileOptions) (*Store, error) {
	e, err := bolt.Open(path, Layouts(), opts)
	if err != nil {
		return nil, err
	}
	s, err := Open(e, Options{})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return s, nil
}

// TestNothingIsWrittenBehindAWriteThatFailed: what a verb joins ends where the first of it
// fails, and leaves nothing.
func TestNothingIsWrittenBehindAWriteThatFailed(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer db.Close()
	before, after := []byte("before"), []byte("after")
	err := db.write(t.Context(), 0, func(x *txn) error {
		err := errors.Join(x.put(bMeta, before, before), x.put(bMeta, nil, before), x.put(bMeta, after, after),
			x.delete(bMeta, before))
		if _, nextErr := x.next(bTickets); nextErr == nil || x.has(bMeta, after) || !x.has(bMeta, before) {
			t.Error("it wrote on")
		}
		return err
	})
	if !errors.Is(err, engine.ErrKey) {
		t.Errorf("got %v", err)
	}
	err = db.read(t.Context(), func(x *txn) error {
		if x.has(bMeta, before) || x.has(bMeta, after) || x.tx.Last(bTickets) != 0 {
			t.Error("a row stayed")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
