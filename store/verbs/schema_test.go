package verbs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
)

// setSchema writes a schema version into the file of a store that is closed.
func setSchema(t *testing.T, path string, version uint32) {
	t.Helper()
	inFile(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte(schemaKey), u32(version))
	})
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	setSchema(t, path, 99)
	_, err = openFile(path, fileOptions{})
	if err == nil || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "newer signpost") {
		t.Errorf("got %v", err)
	}
}

func TestAForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(path, fileOptions{}); err == nil {
		t.Error("a text was opened as a store")
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	file, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = file.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(foreign, fileOptions{}); err == nil || !strings.Contains(err.Error(), "not one of signpost's") {
		t.Errorf("got %v", err)
	}
}

// TestTheSchemaIsFrozen fails when a bucket is added or renamed without a
// migration: each version is what is in people's folders.
func TestTheSchemaIsFrozen(t *testing.T) {
	t.Parallel()
	var names []string
	for _, l := range layouts() {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	want := "agentnames agents agentsessions alarmkeys alarms auditindex auditpeople audits blobs budgets budgetwaits " +
		"canaries challenges changes counts " +
		"deadlines desk desksolved domainhours drafts duties expiry handbacks hours inaddresses inbounds inhashes inhours " +
		"inmarks inmessages inpending inuids links mailboxes meta networkturns numbers outbounds outbox outfailed " +
		"outheld outmessages outrecipients posts raws reads refusals refuseen requesters reservations sessions " +
		"suporder suppressions throttled tickets tokens turns undos"
	if got := strings.Join(names, " "); got != want || schema != 9 {
		t.Errorf("schema %d has %s, want %s", schema, got, want)
	}
}

func must(t *testing.T) func([]store.Inbound, error) []store.Inbound {
	return func(rows []store.Inbound, err error) []store.Inbound {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
}

// A breaker that tripped before it re-armed by itself does so too, ten minutes after
// it tripped.
func TestABreakerOfAnOlderFileRearms(t *testing.T) {
	t.Parallel()
	tripped := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	old := responderRecord{Off: true, Tripped: true, Since: micros(tripped), Reason: "the breaker tripped: answer/breaker"}
	if state := old.state(tripped.Add(9 * time.Minute)); state.On || !state.Tripped ||
		!state.RearmsAt.Equal(tripped.Add(10*time.Minute)) {
		t.Errorf("before its pause is over: %+v", state)
	}
	if state := old.state(tripped.Add(10 * time.Minute)); !state.On || state.Tripped || state.Trips != 1 ||
		!state.RearmsAt.IsZero() {
		t.Errorf("after it: %+v", state)
	}
}
