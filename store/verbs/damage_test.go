package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/engine"
)

// pageSize is that of a file made here.
var pageSize = os.Getpagesize()

// TestACutFileIsRefusedAtStart cuts a store's file at every page it uses, as a
// copy that was broken off would be.
func TestACutFileIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	sound, used := soundFile(t)
	for cut := 0; cut < len(used)*pageSize; cut += pageSize {
		path := filepath.Join(t.TempDir(), "cut.db")
		if err := os.WriteFile(path, sound[:cut+100], 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := openFile(path, fileOptions{})
		if err == nil {
			db.Close()
			t.Fatalf("a file cut to %d bytes of %d was opened", cut+100, len(used)*pageSize)
		}
		if !errors.Is(err, engine.ErrDamaged) || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("a file cut to %d bytes: %v", cut+100, err)
		}
	}
}

// TestADamagedPageIsFound spoils every page of a store in two ways: zeros, as a
// disk returns what it lost, and ones, which point far out of the file. Nothing
// may end the process, and the check finds each page that is in use.
func TestADamagedPageIsFound(t *testing.T) {
	t.Parallel()
	sound, used := soundFile(t)
	for _, spoil := range []byte{0, 0xff} {
		for page, inUse := range used {
			if !inUse {
				continue
			}
			t.Run(fmt.Sprintf("page %d of %x", page, spoil), func(t *testing.T) {
				t.Parallel()
				spoilt := bytes.Clone(sound)
				from := page * pageSize
				if spoil != 0 {
					from += 16 // the page's own header says it is sound
				}
				copy(spoilt[from:(page+1)*pageSize], bytes.Repeat([]byte{spoil}, pageSize))
				path := filepath.Join(t.TempDir(), "spoilt.db")
				if err := os.WriteFile(path, spoilt, 0o600); err != nil {
					t.Fatal(err)
				}
				db, err := openFile(path, fileOptions{})
				if err != nil {
					return // found at once
				}
				defer db.Close()
				if err := db.Check(context.Background()); err == nil {
					t.Error("not found")
				}
			})
		}
	}
}

// TestADamagedPageStopsOnlyWhatNeedsIt loses the page of the alarms: tickets are opened
// all the same, and so is an alarm that needs none of those that are lost.
func TestADamagedPageStopsOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "signpost.db")
	spoilPage(t, path, manyAlarms(t, path))
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.StandingAlarms(ctx, store.Page{Limit: 10}); !errors.Is(err, engine.ErrDamaged) {
		t.Errorf("alarms read from a lost page: %v", err)
	}
	raised := make(chan error)
	for i := range 8 {
		go func() {
			_, err := db.RaiseAlarm(ctx, time.Now(), store.Trouble{Key: fmt.Sprint("new ", i), Level: 1})
			raised <- err
		}()
		if _, err := postTicket(t, db, 5000+i); err != nil {
			t.Errorf("a ticket beside a damaged page: %v", err)
		}
	}
	for range 8 {
		if err := <-raised; err != nil {
			t.Errorf("a new alarm beside lost ones: %v", err)
		}
	}
}

// TestAFaultOfOursIsNoDamage: nobody is sent for a backup because of it.
func TestAFaultOfOursIsNoDamage(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer db.Close()
	var none map[string]int
	for name, verb := range map[string]func(*txn) error{
		"a word":             func(*txn) error { panic("a word") },
		"nil map":            func(*txn) error { none["a"] = 1; return nil },
		"nil pointer":        func(*txn) error { return (*txn)(nil).put(bMeta, nil, nil) },
		"index out of range": func(*txn) error { return errors.New(strings.Split("a", ",")[len(none)+1]) },
	} {
		for how, err := range map[string]error{
			"read": db.read(t.Context(), verb), "written": db.write(t.Context(), 0, verb),
		} {
			if err == nil || errors.Is(err, engine.ErrDamaged) || !strings.Contains(err.Error(), "damage_test.go") {
				t.Errorf("%s, %s: %.300v", name, how, err)
			}
		}
	}
}

// manyAlarms makes a store in which alarms have pages of their own, and returns
// the first.
func manyAlarms(t *testing.T, path string) (page uint64) {
	t.Helper()
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		trouble := store.Trouble{Key: fmt.Sprint(i), Level: 1, What: strings.Repeat("w", 900)}
		if _, err := db.RaiseAlarm(context.Background(), time.Now(), trouble); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	lookIn(t, path, func(tx *bbolt.Tx) error {
		page = uint64(tx.Bucket([]byte(nameOf(bAlarms))).Root())
		return nil
	})
	if page == 0 {
		t.Fatal("the alarms have no page")
	}
	return page
}

func spoilPage(t *testing.T, path string, page uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(make([]byte, pageSize), int64(page)*int64(pageSize))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// soundFile is a furnished store's file, and which of its pages are in use.
func soundFile(t *testing.T) (file []byte, used []bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sound.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	lookIn(t, path, func(tx *bbolt.Tx) error {
		for id := range int(tx.Size()) / pageSize {
			page, err := tx.Page(id)
			used = append(used, page != nil && page.Type != "free")
			if err != nil {
				return err
			}
		}
		return nil
	})
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return file, used
}
