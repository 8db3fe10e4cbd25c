//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// remove takes a mailbox away: the host still takes mail for it, and sends it back.
func (h *mailHost) remove(t *testing.T, address string) {
	t.Helper()
	conf := filepath.Join(h.Dir, "postfix", "conf")
	maps, err := exec.Command("/usr/sbin/postconf", "-c", conf, "-h", "transport_maps").Output()
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(strings.TrimSpace(string(maps)), "inline:{", "inline:{"+address+"=local:, ", 1)
	for _, c := range [][]string{
		{"postconf", "-c", conf, "-e", "transport_maps=" + changed}, {"postfix", "-c", conf, "reload"},
	} {
		if out, err := exec.Command("/usr/sbin/"+c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
}

// TestE2EReplyBounces: the partner's mailbox is gone when the agent's answer comes. The
// ticket that it solved is open again, stands among those with delivery trouble, and says
// in plain words what happened and what to do.
func TestE2EReplyBounces(t *testing.T) {
	t.Parallel()
	const partner = "leaver@example.net"
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.addAgents(t, "0s")
	s.Start(t)
	number := s.open(t, partner, "US")
	h.awaitMail(t, partner, 1)
	h.remove(t, partner)
	agent := s.colleague(t, agentEmail)
	if l := agent.list(t, "view=trouble"); l.holds(number) || l.Counts["trouble"] != 0 {
		t.Fatalf("the ticket is in trouble before anything happened: %+v", l)
	}
	w, status, err := agent.act(t.Context(), number, "reply", url.Values{"body": {"It is mended."}, "then": {"solved"}})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("the reply: %d %+v %v", status, w, err)
	}
	if k := agent.ticket(t, number); k.Status != "solved" {
		t.Fatalf("the reply leaves the ticket %s", k.Status)
	}
	eventually(t, 20*time.Second, "the ticket is open again", func() error {
		if k := agent.ticket(t, number); k.Status != "open" || k.Entries[1].Delivery.State != "bounced" {
			return fmt.Errorf("it is %s, its reply %+v", k.Status, k.Entries[1].Delivery)
		}
		return nil
	})
	l := agent.list(t, "view=trouble")
	if mine := agent.list(t, "view=mine"); !l.holds(number) || l.Counts["trouble"] != 1 || !mine.holds(number) {
		t.Errorf("in trouble are %+v, the agent's own are %+v", l, mine)
	}
	if got := h.mails(t, partner); len(got) != 1 {
		t.Errorf("the partner has %d mails", len(got))
	}

	ctx := openBrowser(t)
	signInAt(t, ctx, s.URL, agentEmail, agentPassword)
	var row, thread string
	does(t, ctx, "the agent reads what happened", chromedp.Navigate(s.URL+"/desk/tickets?view=trouble"),
		chromedp.Text(`.desk-rows`, &row), chromedp.Click(fmt.Sprintf(`a[href^="/desk/tickets/%s"]`, number)),
		chromedp.WaitVisible(`#thread`), chromedp.Text(`main`, &thread))
	if !strings.Contains(row, number) || !strings.Contains(row, "bounced") {
		t.Errorf("the list says %q", row)
	}
	for _, words := range []string{"bounced: user unknown", "ask for a new address", "unknown user",
		"No mail reaches " + partner} {
		if !strings.Contains(thread, words) {
			t.Errorf("the ticket does not say %q:\n%s", words, thread)
		}
	}
	_, status, err = agent.act(t.Context(), number, "reply", url.Values{"body": {"Do you read this?"}})
	if err != nil || status != http.StatusConflict {
		t.Errorf("a reply to the dead address is answered %d %v", status, err)
	}
}

// moves is the end of a ticket's road: the answer that solves it comes back, since the mailbox
// is gone. The agent gives the ticket another address and sends there what the partner has not
// got. That mailbox then holds each answer once, and no mail goes to the former one.
func (s *service) moves(t *testing.T, ctx context.Context, h *mailHost, number, former, next string) {
	t.Helper()
	const words = "It is mended for good."
	had := h.mails(t, former)
	h.remove(t, former)
	s.comesBack(t, ctx, number, former, words)
	var offer string
	does(t, ctx, "the agent gives it the successor's address", fill(`#d-email`, next),
		chromedp.Click(`#another button`), chromedp.Text(`.missed`, &offer))
	if !strings.Contains(offer, next+" has not got 4 replies") {
		t.Errorf("the page offers %q", offer)
	}
	h.awaitMail(t, next, 1) // its confirmation
	does(t, ctx, "the agent sends them there", chromedp.Click(`.missed button`),
		chromedp.WaitVisible(`//*[contains(@class, "entry-foot")]//*[contains(text(), "`+next+`")]`))
	answers := []string{
		"Please set the batch to 500, as in the file.", "We mended it; please try again.", "We look at it today.", words,
	}
	var got []string
	for _, mail := range h.awaitMail(t, next, 1+len(answers))[1:] {
		got = append(got, firstWords(t, mail))
	}
	slices.Sort(answers)
	if slices.Sort(got); !slices.Equal(got, answers) {
		t.Errorf("the successor has the answers %q, want each once", got)
	}
	h.quiet(t, s)
	if got := h.mails(t, former); len(got) != len(had) {
		t.Errorf("the former address has %d mails, had %d", len(got), len(had))
	}
}

// comesBack solves a ticket with an answer to an address that is gone. The ticket is open
// again, and its page, where the browser is left, says why.
func (s *service) comesBack(t *testing.T, ctx context.Context, number, to, words string) {
	t.Helper()
	desk := s.URL + "/desk/tickets/" + number
	does(t, ctx, "the agent solves once more", chromedp.Navigate(desk), fill(`#reply-body`, words),
		chromedp.Click(`#reply button[value=solved]`), chromedp.WaitVisible(`//*[contains(text(), "`+words+`")]`))
	agent := s.colleague(t, agentEmail)
	eventually(t, 20*time.Second, "the answer comes back", func() error {
		k := agent.ticket(t, number)
		back := func(e deskEntry) bool { return strings.Contains(e.Body, words) && e.Delivery.State == "bounced" }
		if k.Status != "open" || !slices.ContainsFunc(k.Entries, back) {
			return fmt.Errorf("the ticket is %s: %+v", k.Status, k.Entries)
		}
		return nil
	})
	page := pageText(t, ctx, desk)
	if !strings.Contains(page, "bounced: user unknown") || !strings.Contains(page, "No mail reaches "+to) {
		t.Errorf("the ticket does not say why it is open:\n%s", page)
	}
}
