//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// TestE2EBacklog: ten thousand mails that came while the service was down are
// read in their order, each is decided once and the people's are answered once,
// and the memory stays what it was.
func TestE2EBacklog(t *testing.T) {
	t.Parallel()
	const waiting = 10_000
	const people = waiting / 4
	const mostMemory = 96 // MiB; a guard against growth, not a measure of it
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{form: unbounded})
	s.Start(t)
	s.awaitRead(t)
	s.Stop(t)
	h.fill(t, s.US, waiting, func(i int) string {
		if i%4 == 0 {
			return ""
		}
		return "Auto-Submitted: auto-replied\n"
	})

	s.Start(t)
	began := time.Now()
	most := mostAnonymous(t, s.cmd.Process.Pid, func() {
		eventually(t, 2*time.Minute, "all mails are decided", func() error {
			if n := s.metric(t, `signpost_inbound_mails{state="decided"}`); n < waiting {
				return fmt.Errorf("%v are", n)
			}
			return nil
		})
	})
	decided := time.Since(began)
	eventually(t, 2*time.Minute, "all answers have left", func() error {
		if n := s.metric(t, `signpost_outbox_mails{state="sent"}`); n < people {
			return fmt.Errorf("%v have", n)
		}
		return nil
	})
	t.Logf("%d waiting mails decided in %v, the last answer left after %v; at most %.1f MiB of anonymous memory",
		waiting, decided.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), most)
	if most > mostMemory {
		t.Errorf("the service held %.1f MiB, want no more than %d", most, mostMemory)
	}
	s.Stop(t)
	s.inspect(t, func(db *verbs.Store) { checkInOrder(t, db, waiting, people) })
}

// checkInOrder reads the ledger from its end: each mail once, in the order of
// their UIDs, each decided, and answered if a person wrote it.
func checkInOrder(t *testing.T, db *verbs.Store, mails, people int) {
	t.Helper()
	seen, answered, uid := 0, 0, uint32(1<<32-1)
	ledger := func(p store.Page) (store.List[store.Inbound], error) { return db.ListInbound(t.Context(), p) }
	for row, err := range store.All(store.MaxPage, ledger) {
		if err != nil {
			t.Fatal(err)
		}
		if row.UID >= uid {
			t.Fatalf("mail %d has the UID %d, the one after it %d", row.ID, row.UID, uid)
		}
		if row.State != store.InboundDecided || (row.Verdict.Kind == store.KindDirect) != (row.Answer != 0) {
			t.Fatalf("mail %d is %s, %+v, answered by %d", row.ID, row.State, row.Verdict, row.Answer)
		}
		if row.Answer != 0 {
			answered++
		}
		uid = row.UID
		seen++
	}
	if seen != mails || answered != people {
		t.Errorf("the ledger holds %d mails, %d answered; want %d and %d", seen, answered, mails, people)
	}
}
