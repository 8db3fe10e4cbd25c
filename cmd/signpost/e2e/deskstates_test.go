//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/sync/errgroup"
)

// TestE2EDeskStatesAccessible: axe finds nothing on what the desk shows but now and then: the
// page of a reply that is held since a colleague wrote meanwhile, the tries of a mail, the
// earlier messages of a long thread at the desk and at the partner's, and a draft that a reply
// was taken back onto.
func TestE2EDeskStatesAccessible(t *testing.T) {
	t.Parallel()
	const partner = "states@example.net"
	axe := string(mustRead(t, axePath(t)))
	d := startFilledDemo(t, 1, 1, "SIGNPOST_UNDO=30s")
	ctx := openBrowser(t)
	pages := d.openTicket(t, ctx, partner)
	press(t, d.URL+pages.page+"/mine")
	agent := signInClient(t, d.URL, demoAgent, demoPassword)
	var number string
	does(t, ctx, "the partner's page", chromedp.Navigate(d.URL+pages.page), chromedp.Text(`p.mono bdi`, &number))
	agent.writesAtLength(t, number, d.URL+pages.page)
	signInAt(t, ctx, d.URL, demoAgent, demoPassword)
	desk := "/desk/tickets/" + number
	earlier, log := d.links(t, ctx, desk, `[data-earlier]`)[0], d.links(t, ctx, desk, `.log-of`)[0]
	partners := d.links(t, ctx, pages.page, `.more a`)[0]
	for _, look := range []struct {
		scheme string
		width  int64
	}{{"light", 1280}, {"dark", 1280}, {"light", 360}, {"dark", 360}} {
		where := fmt.Sprintf("in %s at %d px", look.scheme, look.width)
		does(t, ctx, where, inScheme(look.scheme), chromedp.EmulateViewport(look.width, 800))
		for _, path := range []string{earlier, log, partners, "/account"} {
			lookWithAxe(t, ctx, axe, d.URL+path, look.width)
		}
		agent.isHeld(t, ctx, d.URL+desk, number)
		lookAsItStands(t, ctx, axe, "a held reply "+where)
		agent.takesBackOntoADraft(t, ctx, d.URL+desk, number)
		lookAsItStands(t, ctx, axe, "a joined draft "+where)
	}
}

// writesAtLength makes a thread of more entries than one page shows, of the partner and of
// an agent, whose last is a reply.
func (c *colleague) writesAtLength(t *testing.T, number, link string) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(16)
	for i := range 310 {
		all.Go(func() error {
			words := url.Values{"body": {fmt.Sprintf("More of it: %d.", i)}}
			status, err := ask(t.Context(), http.DefaultClient, "POST", link, words, nil)
			if err != nil || status != http.StatusCreated {
				return fmt.Errorf("message %d: %d %w", i, status, err)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	c.does(t, number, "reply", url.Values{"body": {"We have read all of it."}})
}

// does acts on a ticket, and returns what the desk answered.
func (c *colleague) does(t *testing.T, number, act string, form url.Values) written {
	t.Helper()
	w, status, err := c.act(t.Context(), number, act, form)
	if err != nil || status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%s: %d %+v %v", act, status, w, err)
	}
	return w
}

// isHeld leaves the browser on the page of a reply that a note crossed.
func (c *colleague) isHeld(t *testing.T, ctx context.Context, desk, number string) {
	t.Helper()
	c.does(t, number, "draft", url.Values{"kind": {"reply"}, "body": {""}})
	does(t, ctx, "a reply is begun", chromedp.Navigate(desk), fill(`#reply-body`, "We look at it."))
	c.does(t, number, "note", url.Values{"body": {"I have the cause."}})
	does(t, ctx, "the reply is held", chromedp.Evaluate(
		`document.querySelector('#reply button[value="open"]').click()`, nil), chromedp.WaitVisible(`.newer`))
}

// takesBackOntoADraft leaves the browser on the page of a draft that a reply stands before.
func (c *colleague) takesBackOntoADraft(t *testing.T, ctx context.Context, desk, number string) {
	t.Helper()
	c.does(t, number, "reply", url.Values{"body": {"Too early."}, "force": {"1"}})
	c.does(t, number, "draft", url.Values{"kind": {"reply"}, "body": {"What I meant to say."}})
	does(t, ctx, "the reply is taken back", chromedp.Navigate(desk), chromedp.WaitReady(`#toasts [data-act=undo]`),
		chromedp.Evaluate(`[...document.querySelectorAll("#toasts [data-act=undo]")].at(-1).click()`, nil),
		chromedp.WaitVisible(`.notice[role=status]`))
}
