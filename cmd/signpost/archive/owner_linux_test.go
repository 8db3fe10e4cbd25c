package archive

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWhatIsRestoredBelongsToTheFoldersOwner: an operator restores as root what the
// service reads as a user of its own. Any other user who runs this test owns the folder.
func TestWhatIsRestoredBelongsToTheFoldersOwner(t *testing.T) {
	t.Parallel()
	d, folder := backedUp(t)
	data, want := filepath.Join(t.TempDir(), "data"), os.Geteuid()
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if want == 0 {
		want = 65534
		if err := os.Chown(data, want, want); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Restore(t.Context(), folder, data, d.proven, time.Now()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if uid, _, err := ownerOf(path); err != nil || uid != want {
			t.Errorf("%s belongs to %d, want %d (%v)", path, uid, want, err)
		}
		seen++
		return err
	})
	if err != nil || seen < 5 || BelongsToRoot(data) {
		t.Errorf("%d files came back, of root: %v (%v)", seen, BelongsToRoot(data), err)
	}
}
