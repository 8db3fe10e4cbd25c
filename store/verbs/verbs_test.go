package verbs

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"signpost/store"
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

// without drops buckets from the file of a store that is closed, as versions left
// it that had none of them.
func without(t testing.TB, path string, buckets ...string) {
	t.Helper()
	inFile(t, path, func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if tx.Bucket([]byte(name)) == nil {
				continue
			}
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func metaKeys(t *testing.T, db *Store) string {
	t.Helper()
	var keys []string
	err := db.read(context.Background(), func(x *txn) error {
		return x.walk(bMeta, nil, nil, func(key, _ []byte) (bool, error) {
			keys = append(keys, string(key))
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(keys, " ")
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
