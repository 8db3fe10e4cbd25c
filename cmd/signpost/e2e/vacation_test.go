//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"signpost/store"
	"signpost/store/verbs"
)

// goAway gives an address a vacation message, as its owner would set it in
// Sieve (RFC 5230).
func (h *mailHost) goAway(t *testing.T, address string) {
	t.Helper()
	writeFile(t, filepath.Join(h.Dir, "dovecot", "sieve", address+".sieve"), fmt.Sprintf(
		"require \"vacation\";\nvacation :days 1 :subject \"Away\" :addresses [%q] \"I am away and read no "+
			"mail.\";\n", address))
}

// TestE2EVacation: people who are away meet our answers, and our own mailbox's
// forgotten vacation message meets a person. Each mail has at most one answer
// from each side, and then all is quiet.
func TestE2EVacation(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.Start(t)
	s.awaitRead(t)
	const away, busy, alsoAway = "away@example.net", "busy@example.net", "also-away@example.org"
	for _, address := range []string{away, alsoAway, s.Intl} {
		h.goAway(t, address)
	}

	// One who is away writes all the same, and our answer reaches their mailbox.
	h.write(t, away, s.US, letter(away, s.US, "still@example.net", "One last question"))
	h.awaitMail(t, away, 1)
	h.quiet(t, s)
	if got := h.mails(t, s.US); len(got) != 1 {
		t.Errorf("a vacation message answered our answer:\n%s", got[len(got)-1].Raw)
	}

	// A person writes to them in the support address's name: that they answer, to
	// a mailbox that answers whoever writes.
	h.write(t, s.US, away, letter(s.US, away, "by-hand@example.com", "About your order"))
	note := h.awaitMail(t, s.US, 2)[1]
	if got := note.Header.Get("Auto-Submitted"); !strings.HasPrefix(got, "auto-replied") {
		t.Errorf("the vacation message is marked %q:\n%s", got, note.Raw)
	}
	h.quiet(t, s)
	holding(t, h, map[string]int{s.US: 2, away: 2})

	// The other support address has a vacation message of its own.
	for _, person := range []string{busy, alsoAway} {
		h.write(t, person, s.Intl, letter(person, s.Intl, "hello-"+person, "Hello"))
		h.awaitMail(t, person, 2)
	}
	h.quiet(t, s)
	holding(t, h, map[string]int{s.Intl: 2, busy: 2, alsoAway: 2})

	s.Kill(t)
	s.inspect(t, func(db *verbs.Store) {
		found, err := db.SearchInbound(t.Context(), store.InboundQuery{Mark: string(store.KindAutoReply)},
			store.Page{Limit: 9})
		if rows := found.Items; err != nil || len(rows) != 1 || rows[0].Answer != 0 || rows[0].Mailbox != "us" {
			t.Errorf("the ledger's automatic replies are %+v: %v", rows, err)
		}
		found, err = db.SearchInbound(t.Context(), store.InboundQuery{Mark: store.MarkAnswered}, store.Page{Limit: 9})
		if err != nil || len(found.Items) != 3 {
			t.Errorf("%d mails were answered, want those of three people: %v", len(found.Items), err)
		}
	})
}

// holding compares how many mails lie in mailboxes.
func holding(t *testing.T, h *mailHost, want map[string]int) {
	t.Helper()
	for address, n := range want {
		if got := h.mails(t, address); len(got) != n {
			t.Errorf("%s has %d mails, want %d; the last:\n%s", address, len(got), n, got[len(got)-1].Raw)
		}
	}
}
