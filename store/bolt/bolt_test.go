package bolt

import (
	"path/filepath"
	"testing"

	"signpost/store"
	"signpost/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openNew(t, Options{}) })
}

func openNew(t testing.TB, opts Options) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "signpost.db"), opts)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
