package datafile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/text"
	"signpost/store/verbs"
)

// The files in testdata were written by the programs of their schemas. That of schema 8
// holds texts with NUL and with bytes that are no UTF-8, which were kept then.
const newestOlder = 8

// unpack lays the data file of an older schema into a folder of its own.
func unpack(t testing.TB, schema int) (path string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("schema%d.db.gz", schema)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "signpost.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sound checks a store and closes it.
func sound(t testing.TB, db *verbs.Store) {
	t.Helper()
	if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
		t.Error(err)
	}
}

// namesIn lists the files in a folder.
func namesIn(t testing.TB, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestFilesOfEveryVersionOpen: every ticket is there with its thread and its mails, found by
// its number and by who opened it, and the older file stays as it was until it is forgotten.
func TestFilesOfEveryVersionOpen(t *testing.T) {
	t.Parallel()
	for schema := 1; schema <= newestOlder; schema++ {
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) {
			t.Parallel()
			path := unpack(t, schema)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			db, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			wantTickets(t, db, before)
			sound(t, db)
			kept, err := os.ReadFile(Older(path))
			if err != nil || !bytes.Equal(kept, before) {
				t.Errorf("the older file is %d bytes of %d, or others, %v", len(kept), len(before), err)
			}
			if err := errors.Join(Forget(path), Forget(path)); err != nil {
				t.Error(err)
			}
			if got := namesIn(t, filepath.Dir(path)); got != "signpost.db" {
				t.Errorf("the folder holds %s", got)
			}
		})
	}
}

// wantTickets looks for each ticket and entry that the older file holds.
func wantTickets(t *testing.T, db *verbs.Store, before []byte) {
	t.Helper()
	tickets, entries := rowsOf(t, before, "tickets"), rowsOf(t, before, "entries")
	found, mails := 0, 0
	for id := range tickets {
		k, err := db.Ticket(t.Context(), store.TicketID(id+1))
		if err != nil {
			t.Fatal(err)
		}
		thread, err1 := store.Items(db.Entries(t.Context(), k.ID, 0, store.Page{Limit: 100}))
		mine, err2 := store.Items(db.OutboundsOfTicket(t.Context(), k.ID, store.Page{Limit: 100}))
		again, err3 := db.TicketByNumber(t.Context(), store.ByService(), store.ActReadTicket, k.Number)
		all, err4 := store.Items(db.TicketsByRequester(t.Context(), store.ByService(), store.ActReadTicket,
			k.Requester.Email, store.Page{Limit: 100}))
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		found, mails = found+len(thread), mails+len(mine)
		if again.ID != k.ID || !slices.ContainsFunc(all, func(o store.Ticket) bool { return o.ID == k.ID }) {
			t.Errorf("ticket %d is not found by its number or its requester", k.ID)
		}
		if text.Invalid(k) != "" || text.Invalid(thread[0]) != "" || thread[0].Body == "" {
			t.Errorf("ticket %d has texts that are not valid: %+v %.40q", k.ID, k, thread[0].Body)
		}
		wantVersion(t, k, thread)
		for _, row := range mine {
			byID, err := db.OutboundByMessageID(t.Context(), row.MessageID)
			if err != nil || byID.ID != row.ID {
				t.Errorf("outbound %d by its Message-ID: %v, %v", row.ID, byID.ID, err)
			}
		}
	}
	if found != entries || mails != rowsOf(t, before, "outtickets") {
		t.Errorf("%d entries of %d, %d mails", found, entries, mails)
	}
}

// wantVersion compares where a ticket says that its thread stands with the thread.
func wantVersion(t *testing.T, k store.Ticket, thread []store.Entry) {
	t.Helper()
	var last store.Entry // of the partner: there were no other words in those files
	for _, e := range thread {
		if e.Kind == store.EntryMessage {
			last = e
		}
	}
	if k.Version != last.Seq || k.LastPublic != store.EntryMessage || !k.LastPartnerAt.Equal(last.At) || k.Replies != 0 ||
		int(k.Entries) != len(thread) {
		t.Errorf("ticket %d, of whose %d entries the last is %d at %v, says %+v", k.ID, len(thread), last.Seq, last.At, k)
	}
}

// rowsOf counts the rows in a bucket of a file.
func rowsOf(t *testing.T, file []byte, name string) (n int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "look.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(name)).ForEach(func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAnOlderLedgerCanBeSearched by what was indexed later, and by time.
func TestAnOlderLedgerCanBeSearched(t *testing.T) {
	t.Parallel()
	for schema := 1; schema <= newestOlder; schema++ {
		db, err := Open(unpack(t, schema), Options{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := store.Items(db.ListInbound(t.Context(), store.Page{Limit: 100}))
		if err != nil || len(rows) < 2 {
			t.Fatal(rows, err)
		}
		for _, row := range rows {
			for what, q := range map[string]store.InboundQuery{
				"mark": {Mark: row.Marks()[0]}, "hour": {Since: row.SeenAt, Until: row.SeenAt.Add(time.Second)},
			} {
				found, err := db.SearchInbound(t.Context(), q, store.Page{Limit: 100})
				if err != nil || !slices.ContainsFunc(found.Items, func(m store.Inbound) bool { return m.ID == row.ID }) {
					t.Errorf("schema %d: inbound %d is not found by its %s: %v", schema, row.ID, what, err)
				}
			}
		}
		sound(t, db)
	}
}

// TestUncleanTextsAreCleanedAndFound: what was kept with NUL and with bytes that are no UTF-8
// is found under its clean text.
func TestUncleanTextsAreCleanedAndFound(t *testing.T) {
	t.Parallel()
	db, err := Open(unpack(t, newestOlder), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sound(t, db)
	ctx := t.Context()
	mail, err := db.OutboundByMessageID(ctx, text.Valid("strange\x00\xff@desk.example"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := db.Ticket(ctx, mail.Ticket)
	if err != nil || k.Title != "ab\uFFFDc" || k.Requester.Email != "eve\uFFFD@strange.example" {
		t.Errorf("the ticket reads %+v, %v", k, err)
	}
	thread, err := store.Items(db.Entries(ctx, k.ID, 0, store.Page{Limit: 1}))
	if err != nil || thread[0].Body != "body ab\uFFFDc" || thread[0].Files[0].Name != "ab\uFFFDc" {
		t.Errorf("its thread reads %+v, %v", thread, err)
	}
	found, err := store.Items(db.InboundByMessageID(ctx, "str\uFFFD@b", store.Page{Limit: 5}))
	if err != nil || len(found) != 1 || text.Invalid(found[0]) != "" {
		t.Fatalf("the mail is %v, %v", found, err)
	}
	if raw, err := db.RawInbound(ctx, found[0].ID); err != nil || string(raw) != "raw \x00\xff" {
		t.Errorf("a raw mail is kept byte for byte; it is %q, %v", raw, err)
	}
	list, err := db.SearchInbound(ctx, store.InboundQuery{Address: "x\uFFFD@y.example"}, store.Page{Limit: 5})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("by the recipient of its report: %v, %v", list.Items, err)
	}
	held, err := db.SuppressionsOf(ctx, time.Now(), "eve\uFFFD@strange.example")
	if err != nil || len(held) != 1 {
		t.Errorf("the address that bounced is suppressed by %v, %v", held, err)
	}
	if _, err := db.AgentByEmail(ctx, "ag\uFFFD@desk.example"); err != nil {
		t.Error(err)
	}
	if r, err := db.MailboxResponder(ctx, "us"); err != nil || r.On || r.Reason != "ab\uFFFDc" {
		t.Errorf("the switch is %+v, %v", r, err)
	}
	// The mail to a cleaned domain waits in that domain's queue, and can be claimed and sent.
	claimed, err := db.ClaimOutbound(ctx, time.Now(), store.Claim{Limit: 50, Lease: store.Leases{time.Hour}})
	toCleaned := func(o store.Outbound) bool { return o.To == "w\uFFFD@waiting.example" }
	if err != nil || !slices.ContainsFunc(claimed, toCleaned) {
		t.Errorf("claimed %d mails, not the one to the cleaned domain: %v", len(claimed), err)
	}
}

// TestWhatWasSpentStaysSpent: budgets had other keys before schema 6.
func TestWhatWasSpentStaysSpent(t *testing.T) {
	t.Parallel()
	for schema := 3; schema <= newestOlder; schema++ {
		db, err := Open(unpack(t, schema), Options{})
		if err != nil {
			t.Fatal(err)
		}
		third, err := db.Ticket(t.Context(), 3) // charged to a budget of nine
		if err != nil {
			t.Fatal(err)
		}
		var reasons []string
		for i := range byte(9) {
			opened, err := db.OpenTicket(t.Context(), third.OpenedAt, store.NewTicket{
				Region:    store.Region{ID: "us", Prefix: "US", Address: "us@desk.example"},
				Requester: store.Contact{Email: fmt.Sprintf("p%d@partner.example", i)}, MessageID: fmt.Sprint("m", i),
				Link: store.LinkID{200, i}, LinkExpires: third.OpenedAt.Add(time.Hour),
				Budgets: []store.Budget{{Name: "b", Limit: 9, Window: time.Hour}},
			})
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, opened.Confirmation.Reason)
		}
		if slices.Index(reasons, "") != 0 || !strings.HasPrefix(reasons[8], store.RuleBudget) {
			t.Errorf("schema %d: of nine more, the first and the last ended %q, %q", schema, reasons[0], reasons[8])
		}
		sound(t, db)
	}
}

// TestCountingBeginsWhereAFileIsOlderThanTheCounts, and what was written before is in none.
func TestCountingBeginsWhereAFileIsOlderThanTheCounts(t *testing.T) {
	t.Parallel()
	db, err := Open(unpack(t, 4), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sound(t, db)
	if _, err := db.CountedSince(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before anything happened: %v", err)
	}
	now := time.Now()
	claimed, err := db.ClaimOutbound(t.Context(), now, store.Claim{Limit: 50, Lease: store.Leases{time.Hour}})
	for _, row := range claimed {
		f := store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent}
		err = errors.Join(err, db.FinishOutbound(t.Context(), now, f))
	}
	hours, err2 := db.RegionHours(t.Context(), claimed[0].Region, now.Add(-time.Hour), now.Add(time.Hour))
	if err := errors.Join(err, err2); err != nil || len(hours) != 1 || hours[0].Sent == 0 || hours[0].Opened != 0 {
		t.Errorf("%d sent, counted %v, %v", len(claimed), hours, err)
	}
}

// TestAMigrationKilledBetweenAnyTwoStepsGoesOn ends a migration before each of its steps in
// turn, as a crash would: the next start finds every ticket.
func TestAMigrationKilledBetweenAnyTwoStepsGoesOn(t *testing.T) {
	t.Parallel()
	steps := stepsOf(t)
	if len(steps) < 20 || steps[len(steps)-1] != "done" {
		t.Fatalf("the steps are %v", steps)
	}
	for i, step := range steps {
		t.Run(fmt.Sprint(i, " ", step), func(t *testing.T) {
			t.Parallel()
			path := unpack(t, newestOlder)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := killedBefore(path, i); !errors.Is(err, errCrash) {
				t.Fatalf("it ended with %v", err)
			}
			db, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			wantTickets(t, db, before)
			sound(t, db)
			if got := namesIn(t, filepath.Dir(path)); got != "signpost.db signpost.db.older" {
				t.Errorf("the folder holds %s", got)
			}
		})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// stepsOf are the steps of a migration that nothing disturbs.
func stepsOf(t *testing.T) (steps []string) {
	t.Helper()
	m := &migration{path: unpack(t, newestOlder), log: quiet(), free: freeIn, reached: func(step string) error {
		steps = append(steps, step)
		return nil
	}}
	db, err := openOr(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, db)
	return steps
}

// killedBefore runs a migration until step number n.
func killedBefore(path string, n int) error {
	m := &migration{path: path, log: quiet(), free: freeIn, reached: func(string) error {
		if n--; n < 0 {
			return errCrash
		}
		return nil
	}}
	_, err := openOr(m, Options{})
	return err
}

// TestAMigrationAsksForRoomFirst, says how much it needs, and leaves the file alone.
func TestAMigrationAsksForRoomFirst(t *testing.T) {
	t.Parallel()
	path := unpack(t, newestOlder)
	m := &migration{path: path, log: quiet(), reached: func(string) error { return nil },
		free: func(string) (uint64, bool) { return 10 << 20, true }}
	_, err := openOr(m, Options{})
	if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "needs 23 MiB free") ||
		!strings.Contains(err.Error(), "make room for 13 MiB more") {
		t.Errorf("got %v", err)
	}
	if got := namesIn(t, filepath.Dir(path)); got != "signpost.db" {
		t.Errorf("the folder holds %s", got)
	}
	m.free = freeIn
	db, err := openOr(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, db)
}

// TestACopyThatDoesNotReadTakesNoPlace: the older file stays where it is, as it was.
func TestACopyThatDoesNotReadTakesNoPlace(t *testing.T) {
	t.Parallel()
	path := unpack(t, newestOlder)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := &migration{path: path, log: quiet(), free: freeIn, reached: func(step string) error {
		if step != "check" {
			return nil
		}
		f, err := os.OpenFile(path+newSuffix, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt([]byte("rot"), 60) // within its first page
			err = errors.Join(err, f.Close())
		}
		return err
	}}
	if _, err = openOr(m, Options{}); err == nil || !strings.Contains(err.Error(), "the new data file is not sound") {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("the older file changed (%v)", err)
	}
	if got := namesIn(t, filepath.Dir(path)); got != "signpost.db" {
		t.Errorf("the folder holds %s", got)
	}
}

// TestAMigrationTellsHowFarItCame, every ten seconds: here each step takes four.
func TestAMigrationTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		copied := 0
		m := &migration{path: unpack(t, newestOlder), log: slog.New(slog.NewTextHandler(&log, nil)), free: freeIn,
			reached: func(step string) error {
				if strings.HasPrefix(step, "copied ") {
					copied++
					time.Sleep(4 * time.Second)
				}
				return nil
			}}
		db, err := openOr(m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		sound(t, db)
		told := strings.Count(log.String(), "migrating the data file")
		if want := (copied - 1) / 3; told != want || told == 0 {
			t.Errorf("%d lines for %d steps, want %d", told, copied, want)
		}
	})
}

// TestASecondProcessWaitsNotForAMigration: it is turned away while one runs.
func TestASecondProcessWaitsNotForAMigration(t *testing.T) {
	t.Parallel()
	path := unpack(t, newestOlder)
	var second error
	m := &migration{path: path, log: quiet(), free: freeIn, reached: func(step string) error {
		if step == "check" {
			_, second = Open(path, Options{})
		}
		return nil
	}}
	db, err := openOr(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sound(t, db)
	if !errors.Is(second, ErrInUse) {
		t.Errorf("the second process: %v", second)
	}
}

// TestABackupOfAnOlderVersionIsNotJudged, and not changed.
func TestABackupOfAnOlderVersionIsNotJudged(t *testing.T) {
	t.Parallel()
	path := unpack(t, newestOlder)
	if err := Check(t.Context(), path); !errors.Is(err, verbs.ErrOtherSchema) {
		t.Errorf("got %v", err)
	}
	if got := namesIn(t, filepath.Dir(path)); got != "signpost.db" {
		t.Errorf("the folder holds %s", got)
	}
}
