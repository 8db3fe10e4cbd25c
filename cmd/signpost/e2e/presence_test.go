//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// watches notes in a page when it first says each of some words in an element, and when they
// are gone again: by the browser's clock, which is that of all browsers here.
const watches = `(selector, all) => {
	window.said = {}; window.gone = {};
	const look = () => {
		const text = document.querySelector(selector)?.innerText ?? "";
		for (const words of all) {
			if (text.includes(words)) { window.said[words] ??= Date.now(); delete window.gone[words]; }
			else if (window.said[words]) window.gone[words] ??= Date.now();
		}
	};
	new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
	look();
}`

// TestE2EPresence: who looks at a ticket is seen on its page and in the list within a second,
// and who writes as well, by name and since when; whoever closed the page is gone within 15 s.
func TestE2EPresence(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 1, 1)
	a, _, err := partnerPost("presence@example.net", "US").send(t.Context(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	path := d.URL + "/desk/tickets/" + a.Number
	lee := keyboard{t, openBrowser(t)}
	signInAt(t, lee.ctx, d.URL, "lee@example.com", demoPassword)
	watched := []watcher{
		{keyboard{t, openBrowser(t)}, path, ".presence", "Demo Lee is viewing this since ", "Demo Lee is writing since "},
		{keyboard{t, openBrowser(t)}, d.URL + "/desk/tickets?view=all", fmt.Sprintf(`[data-ticket-row$="/%s"]`, a.Number),
			"Demo Lee, viewing since ", "Demo Lee, writing since "},
	}
	for _, w := range watched {
		w.begins(d)
	}

	lee.goTo(path)
	came := lee.instant(`performance.timeOrigin + performance.getEntriesByType("navigation")[0].responseStart`)
	for _, w := range watched {
		w.within(time.Second, came, "said", w.viewing)
		w.sinceNow()
	}
	lee.press("r")
	lee.says("the reply is being written", `document.activeElement.id === "reply-body"`)
	does(t, lee.ctx, "the first key is noted", chromedp.Evaluate(
		`addEventListener("input", () => { window.typedAt ??= Date.now(); }, true)`, nil))
	lee.press("H")
	typedAt := lee.instant(`window.typedAt`)
	for _, w := range watched {
		w.within(time.Second, typedAt, "said", w.writing)
		w.sinceNow()
	}
	closed := lee.instant(`Date.now()`)
	does(t, lee.ctx, "lee closes the page", page.Close())
	for _, w := range watched {
		w.within(15*time.Second, closed, "gone", w.writing)
	}
}

// watcher is an agent's browser on a page that shows who is on a ticket.
type watcher struct {
	keyboard
	path, selector   string
	viewing, writing string // what it says of a colleague
}

// begins signs the agent in and opens the page.
func (w watcher) begins(d *demoProcess) {
	w.t.Helper()
	signInAt(w.t, w.ctx, d.URL, demoAgent, demoPassword)
	w.goTo(w.path)
	w.says("the page is whole", `document.readyState === "complete"`)
	does(w.t, w.ctx, "it is watched", chromedp.Evaluate(
		fmt.Sprintf("(%s)(%q, [%q, %q])", watches, w.selector, w.viewing, w.writing), nil))
}

// within fails unless words were said, or were gone, at most so long after an instant.
func (w watcher) within(most time.Duration, after time.Time, what, words string) {
	w.t.Helper()
	at := w.instant(fmt.Sprintf("window.%s[%q]", what, words))
	w.t.Logf("%q is %s on %s after %v", words, what, w.path, at.Sub(after))
	if at.Sub(after) > most {
		w.t.Errorf("%q is %s on %s after %v, want %v at most", words, what, w.path, at.Sub(after), most)
	}
}

// sinceNow fails unless the page says that it began within the last minute.
func (w watcher) sinceNow() {
	w.t.Helper()
	since := w.instant(fmt.Sprintf(`Date.parse(document.querySelector(%q).querySelector("time").dateTime)`,
		w.selector+" .avatar.here, "+w.selector+" .avatar.typing, "+w.selector))
	if ago := time.Since(since); ago < 0 || ago > time.Minute {
		w.t.Errorf("%s says that it began %v ago", w.path, ago)
	}
}

// instant waits until an expression of the page is a time in ms since 1970.
func (k keyboard) instant(expression string) time.Time {
	k.t.Helper()
	k.says(expression, "("+expression+") > 0")
	var ms float64
	if err := chromedp.Run(k.ctx, chromedp.Evaluate(expression, &ms)); err != nil {
		k.t.Fatal(err)
	}
	return time.UnixMilli(int64(ms))
}
