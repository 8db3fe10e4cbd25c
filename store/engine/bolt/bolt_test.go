package bolt

import (
	"os"
	"path/filepath"
	"testing"

	"signpost/store/engine"
	"signpost/store/engine/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t testing.TB, snapshot []byte) engine.Engine {
		path := filepath.Join(t.TempDir(), "rows.db")
		if snapshot != nil {
			if err := os.WriteFile(path, snapshot, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := Open(path, enginetest.Layouts(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
