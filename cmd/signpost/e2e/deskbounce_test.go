//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
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
