//go:build e2e

package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestE2EPartnerKeyboard: without a pointer a partner asks, says on the ticket's page that the
// request is theirs, reads the answer, follows up, calls it solved, opens it again and rates
// the support.
func TestE2EPartnerKeyboard(t *testing.T) {
	t.Parallel()
	const partner = "partner.keys@example.net"
	d := startFilledDemo(t, 1, 1, "SIGNPOST_UNDO=0s")
	k := keyboard{t, openBrowser(t)}
	does(t, k.ctx, "no motion", inScheme("light"))
	number := k.asks(d, partner)
	k.goTo(d.sandboxLink(t, partner, "/t/"))
	k.to("button", "Yes, show my request")
	k.enter("Add to your request")

	agent := signInClient(t, d.URL, demoAgent, demoPassword)
	reply := url.Values{"body": {"Please set the batch to 500."}, "then": {"pending"}}
	if _, status, err := agent.act(t.Context(), number, "reply", reply); err != nil || status != http.StatusCreated {
		t.Fatalf("the reply: %d %v", status, err)
	}
	does(t, k.ctx, "the partner loads the page again", chromedp.Reload())
	k.says("the answer is there", `document.querySelector(".letter.support")?.innerText.includes("batch to 500")`)
	k.to("textarea", "Your message")
	k.press("It stops all the same.")
	k.to("button", "Send message")
	k.enter("We have what you added.")
	k.is(agent, number, "open")

	k.to("button", "Solved, thanks")
	k.enter("We have marked your request as solved.")
	k.is(agent, number, "solved")
	k.to("button", "No, it is not solved")
	k.enter("Your request is open again.")
	k.is(agent, number, "open")

	k.to("button", "Solved, thanks")
	k.enter("We have marked your request as solved.")
	k.to("textarea", "Comment")
	k.press("Quick, and to the point.")
	k.to("button", "4 – Good")
	k.enter("Your rating: 4 of 5.")
}

// asks fills the form in and sends it; it returns the ticket's number.
func (k keyboard) asks(d *demoProcess, partner string) string {
	k.t.Helper()
	k.goTo(d.URL + "/contact")
	k.to("input", "Your name")
	k.press("Partner of the Keys")
	k.to("input", "Email address")
	k.press(partner)
	k.to("select", "Country")
	k.press("United States")
	k.to("input", "Subject")
	k.press("The export stops")
	k.to("textarea", "Description")
	k.press("The nightly export stops after the first thousand orders.")
	k.says("a person has had the time to write this", `performance.now() > 3100`)
	k.to("button", "Send request")
	k.press(kb.Enter)
	k.shows("h1.number bdi")
	return k.textOf("h1.number bdi")[0]
}

// is fails where a ticket's status is another.
func (k keyboard) is(agent *colleague, number, status string) {
	k.t.Helper()
	if got := agent.ticket(k.t, number); got.Status != status {
		k.t.Errorf("%s is %s, want %s", number, got.Status, status)
	}
}
