package verbs

import (
	"errors"
	"log/slog"
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

// TestMigrations runs steps as later versions will add them: each once, in
// order, resumed where one failed, with the version written by the same
// transaction.
func TestMigrations(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer checkAndClose(t, db)
	var ran []string
	step := func(name string, err error) migration {
		return func(x *txn) error {
			ran = append(ran, name)
			return errors.Join(x.put(bMeta, []byte(name), []byte{}), err)
		}
	}
	known := uint32(len(migrations()))
	never := errors.New("the second step fails")
	log := slog.New(slog.DiscardHandler)
	steps := append(migrations(), step("two", nil), step("three", never), step("four", nil))
	if err := migrate(db.engine, db.codec, steps, log); !errors.Is(err, never) {
		t.Fatalf("got %v", err)
	}
	if version, _ := schemaVersion(db.engine); version != known+1 || metaKeys(t, db) != "schema two" {
		t.Errorf("after the failure: version %d, %s", version, metaKeys(t, db))
	}
	steps[known+1] = step("three", nil)
	if err := migrate(db.engine, db.codec, steps, log); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, " "); got != "two three three four" {
		t.Errorf("ran %s", got)
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
	want := "agentnames agents alarmkeys alarms blobs budgets budgetwaits canaries counts deadlines domainhours entries " +
		"expiry hours inaddresses inbounds inhashes inmarks inmessages inpending inuids links mailboxes meta " +
		"networkturns numbers outbounds outfailed outheads outheld outleased outleases outmessages outqueue outrecipients " +
		"outtickets outwaiting posts raws refusals refuseen requesters " +
		"reservations sessions suporder suppressions throttled tickets turns"
	if got := strings.Join(names, " "); got != want || len(migrations()) != 8 {
		t.Errorf("schema %d has %s, want %s", len(migrations()), got, want)
	}
}

// TestAFileOfTheFirstSchemaGrowsAgents opens a file as the first version left
// it: what came later is made at the opening.
func TestAFileOfTheFirstSchemaGrowsAgents(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	without(t, path, "agents", "agentnames", "sessions")
	setSchema(t, path, 1)
	if db, err = openFile(path, fileOptions{}); err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	if _, err := db.AddAgent(t.Context(), time.Now(), store.ByService(),
		store.NewAgent{Email: "ana@desk.example"}); err != nil {
		t.Error(err)
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

// TestAFileOfTheSecondSchemaIsIndexedByRecipient opens a file as the second
// version left it: what was sent then is found by its recipient.
func TestAFileOfTheSecondSchemaIsIndexedByRecipient(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, now := t.Context(), time.Now()
	opened, err1 := postTicket(t, db, 1)
	_, err2 := db.ConnectMailbox(ctx, now, "us")
	rows := must(t)(db.RecordInbound(ctx, now, []store.NewInbound{{Mailbox: "us", UIDValidity: 1, UID: 1, InternalDate: now, Raw: []byte("x")}}))
	decision := benchDecision(newRand(1), newRing(t), rows[0], now)
	answered := must(t)(db.DecideInbound(ctx, now, []store.Decision{decision}))
	if err := errors.Join(err1, err2, db.Close()); err != nil {
		t.Fatal(err)
	}
	without(t, path, "outrecipients", "suppressions", "suporder", "refusals", "refuseen")
	setSchema(t, path, 2)
	if db, err = openFile(path, fileOptions{}); err != nil {
		t.Fatal(err)
	}
	defer checkAndClose(t, db)
	for to, id := range map[string]store.OutboundID{opened.Confirmation.To: opened.Confirmation.ID, decision.Answer.To: answered[0].Answer} {
		rows, err := db.OutboundsTo(ctx, to, 0, 9)
		if err != nil || len(rows) != 1 || rows[0].ID != id {
			t.Errorf("mails to %s: %v, %v", to, rows, err)
		}
	}
}

// TestAFileOfTheThirdSchemaCanBeSearched: Check asks for every index row.
func TestAFileOfTheThirdSchemaCanBeSearched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	db, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	without(t, path, "inmarks", "inaddresses", "outfailed")
	setSchema(t, path, 3)
	if db, err = openFile(path, fileOptions{}); err != nil {
		t.Fatal(err)
	}
	checkAndClose(t, db)
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
