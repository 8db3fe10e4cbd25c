//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"signpost/cmd/signpost/config"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/verbs"
)

// TestE2EBounce: a confirmation that the host takes and then cannot deliver
// comes back; the report stands on its mail, its ticket and its address, ops
// sees it, and nobody answers it. One that is late is shown as late, and changes
// nothing else.
func TestE2EBounce(t *testing.T) {
	t.Parallel()
	const dead, late = "no-such-user@" + usersDomain, "partner@" + farDomain
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.addOps(t)
	s.Start(t)
	numbers := map[string]string{}
	for _, address := range []string{dead, late} {
		a, _, err := partnerPost(address, "US").send(t.Context(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		numbers[address] = a.Number
	}
	reports := h.awaitMail(t, s.US, 2)
	for _, r := range reports {
		if !strings.Contains(r.Header.Get("Content-Type"), "delivery-status") {
			t.Fatalf("this is no report of the host:\n%s", r.Raw)
		}
	}
	s.awaitDecided(t, 2)
	ctx := openBrowser(t)
	s.signIn(t, ctx)
	for _, want := range []struct{ path, text string }{
		{"/ops/bounces", dead}, {"/ops/bounces", numbers[dead]}, {"/ops/suppressions", dead}, {"/ops/suppressions",
			"all mail"},
		{"/ops/ledger?mark=bounce", "Undelivered Mail Returned to Sender"},
		{"/ops/ledger?mark=delay", "Delayed Mail (still being retried)"},
		{"/ops/ledger?q=" + url.QueryEscape(dead), "bounce"},
		{"/ops/ledger?q=" + url.QueryEscape(late), "delay"},
	} {
		if text := pageText(t, ctx, s.URL+want.path); !strings.Contains(text, want.text) {
			t.Errorf("%s does not show %q:\n%s", want.path, want.text, text)
		}
	}
	if text := pageText(t, ctx, s.URL+"/ops/bounces"); strings.Contains(text, late) {
		t.Errorf("a mail that is only late stands among the bounces:\n%s", text)
	}
	h.quiet(t, s)
	for _, address := range []string{s.US, s.Intl} {
		for _, m := range h.mails(t, address) {
			if !strings.Contains(m.Header.Get("Content-Type"), "delivery-status") {
				t.Errorf("%s got a mail that nobody should have written:\n%s", address, m.Raw)
			}
		}
	}
	s.Kill(t)
	s.inspect(t, func(db *verbs.Store) {
		checkBounced(t, db, numbers[dead], dead)
		checkLate(t, db, numbers[late], late)
	})
}

// theMailOf is a ticket and the one mail it has.
func theMailOf(t *testing.T, db *verbs.Store, number string) (store.Ticket, store.Outbound) {
	t.Helper()
	ticket, err := db.TicketByNumber(t.Context(), store.ByService(), store.ActReadTicket, number)
	if err != nil {
		t.Fatal(err)
	}
	mails, err := store.Items(db.OutboundsOfTicket(t.Context(), ticket.ID, store.Page{Limit: 9}))
	if err != nil || len(mails) != 1 {
		t.Fatalf("%s has %d mails: %v", number, len(mails), err)
	}
	return ticket, mails[0]
}

// events are the events of a ticket's thread.
func events(t *testing.T, db *verbs.Store, id store.TicketID) (names []store.Event) {
	t.Helper()
	entries, err := store.Items(db.Entries(t.Context(), id, 0, store.Page{Limit: 99}))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Kind == store.EntryEvent {
			names = append(names, e.Event)
		}
	}
	return names
}

// checkBounced finds the report's every effect, each once.
func checkBounced(t *testing.T, db *verbs.Store, number, address string) {
	t.Helper()
	ticket, mail := theMailOf(t, db, number)
	if d := mail.Delivery; d.Fate != store.FateBounced || d.Outcome != store.OutcomeDead || d.Status != "5.1.1" ||
		!strings.Contains(d.Diagnostic, "unknown user") {
		t.Errorf("the fate of %s's confirmation is %+v", number, d)
	}
	row, err := db.Inbound(t.Context(), mail.Delivery.Inbound)
	if err != nil || row.Verdict.Kind != store.KindBounce || row.Answer != 0 || len(row.Verdict.Reports) != 1 {
		t.Fatalf("the report in the ledger is %+v: %v", row, err)
	}
	if r := row.Verdict.Reports[0]; r.Tie != store.TieEnvelope || r.Outbound != mail.ID || r.Recipient != address {
		t.Errorf("the report says %+v", r)
	}
	held, err := db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 1 || held[0].Scope != store.ScopeAll || held[0].Inbound != row.ID {
		t.Errorf("%s is kept back by %+v: %v", address, held, err)
	}
	if got := events(t, db, ticket.ID); ticket.Question != store.QuestionUndeliverable || len(got) != 1 ||
		got[0] != store.EventMailBounced {
		t.Errorf("%s asks %q after the events %q", number, ticket.Question, got)
	}
}

// checkLate finds the delay on the mail, and nothing anywhere else.
func checkLate(t *testing.T, db *verbs.Store, number, address string) {
	t.Helper()
	ticket, mail := theMailOf(t, db, number)
	if d := mail.Delivery; d.Fate != store.FateDelayed {
		t.Errorf("the fate of %s's confirmation is %+v", number, d)
	}
	held, err := db.SuppressionsOf(t.Context(), time.Now(), address)
	if err != nil || len(held) != 0 {
		t.Errorf("%s, only late, is kept back by %+v: %v", address, held, err)
	}
	if got := events(t, db, ticket.ID); ticket.Question != "" || len(got) != 0 || ticket.Status != store.StatusOpen {
		t.Errorf("%s is %s and asks %q after the events %q", number, ticket.Status, ticket.Question, got)
	}
}

// inspect opens the store of a service that does not run, checks that it does
// not contradict itself, and shows it.
func (s *service) inspect(t *testing.T, look func(*verbs.Store)) {
	t.Helper()
	db, err := datafile.Open(config.Service{Data: filepath.Join(s.Dir, "data")}.Database(), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("the store contradicts itself: %v", err)
	}
	look(db)
}

// awaitDecided waits until so many mails have their verdict.
func (s *service) awaitDecided(t *testing.T, n int) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("%d mails are decided", n), func() error {
		if decided := s.metric(t, `signpost_inbound_mails{state="decided"}`); decided != float64(n) {
			return fmt.Errorf("%v are", decided)
		}
		return nil
	})
}

// quiet waits until no mail is under way any more: the services have sent all
// they had, the host has handed over everything but what cannot be reached, and
// every mail in the services' mailboxes is decided.
func (h *mailHost) quiet(t *testing.T, services ...*service) {
	t.Helper()
	eventually(t, 30*time.Second, "all is quiet", func() error {
		for range 2 { // what the first look missed on its way, the second finds
			for _, s := range services {
				if err := s.atRest(t, h); err != nil {
					return err
				}
			}
			for _, queue := range []string{"maildrop", "incoming", "active"} {
				if mails, _ := filepath.Glob(filepath.Join(h.Dir, "postfix", "queue", queue, "*")); len(mails) > 0 {
					return fmt.Errorf("%d mails are %s at the host", len(mails), queue)
				}
			}
		}
		return nil
	})
}

// atRest fails while the service has something to send or to decide.
func (s *service) atRest(t *testing.T, h *mailHost) error {
	t.Helper()
	for _, state := range []string{"queued", "claimed"} {
		if n := s.metric(t, fmt.Sprintf("signpost_outbox_mails{state=%q}", state)); n > 0 {
			return fmt.Errorf("%v mails are %s", n, state)
		}
	}
	there := len(h.mails(t, s.US)) + len(h.mails(t, s.Intl))
	if decided := int(s.metric(t, `signpost_inbound_mails{state="decided"}`)); decided != there {
		return fmt.Errorf("%d of %d mails are decided", decided, there)
	}
	return nil
}

// An account that watches over the mail of a service, and its password.
const opsEmail, opsPassword = "ops@example.com", "a long way to the form"

// addOps gives a service that does not run yet an account with the role ops.
func (s *service) addOps(t *testing.T) {
	t.Helper()
	code, out := s.signpost(opsPassword+"\n", "agent", "add", "--config", s.config, "--password-stdin", "--role", "ops",
		opsEmail)
	if code != 0 {
		t.Fatalf("agent add: %s", out)
	}
}

// signIn signs the browser in as ops.
func (s *service) signIn(t *testing.T, ctx context.Context) {
	t.Helper()
	signInAt(t, ctx, s.URL, opsEmail, opsPassword)
}

// pageText is what a page says.
func pageText(t *testing.T, ctx context.Context, url string) (text string) {
	t.Helper()
	if err := chromedp.Run(ctx, chromedp.Navigate(url), chromedp.Text("main", &text)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return text
}
