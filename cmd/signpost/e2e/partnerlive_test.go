//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// typing is what must not change under a partner's hands.
type typing struct {
	Text   string  `json:"text"`
	Top    float64 `json:"top"` // of the field, in the window
	Focus  string  `json:"focus"`
	Cursor int     `json:"cursor"`
}

const lookAtTyping = `(f => ({text: f.value, top: Math.round(f.getBoundingClientRect().top),
	focus: document.activeElement.id, cursor: f.selectionStart}))(document.getElementById("description"))`

// staysTold keeps the line at the foot, which goes by itself once the answer was in the window
// for 3 s: what looks at it may need longer.
const staysTold = `IntersectionObserver.prototype.unobserve = () => { throw new Error("still told"); }`

// TestE2EAnswerOnAnOpenPage: a partner types on the page of their ticket when an agent
// answers. Within a second the answer stands there; what is typed, where it stands and the
// cursor are as before; a line at the foot leads to
// the answer. A link that was replaced says so at once, and keeps what was typed.
func TestE2EAnswerOnAnOpenPage(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 5, 5, "SIGNPOST_UNDO=0s")
	ctx := openBrowser(t)
	pages := d.openTicket(t, ctx, "ana.live@example.net")
	press(t, d.URL+pages.page+"/mine")
	agent := signInClient(t, d.URL, demoAgent, demoPassword)
	var number string
	for _, width := range []int64{1280, 360} {
		var before, after typing
		var line string
		words := strings.Repeat("This is the answer at some length. ", 30)
		run(t, ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(d.URL+pages.page),
			chromedp.Text(`p.mono bdi`, &number),
			chromedp.SendKeys(`#description`, "While I write this"+kb.ArrowLeft+kb.ArrowLeft),
			chromedp.Sleep(300*time.Millisecond), // the stream is open
			chromedp.Evaluate(lookAtTyping, &before))
		_, code, err := agent.act(ctx, number, "reply", url.Values{"body": {words}, "then": {"open"}})
		if err != nil || code != 201 {
			t.Fatalf("reply: %d %v", code, err)
		}
		answered := time.Now()
		run(t, ctx, chromedp.WaitVisible(`.news-line`), chromedp.Text(`.news-line`, &line),
			chromedp.Evaluate(staysTold, nil))
		t.Logf("at %d px the answer stands there after %v", width, time.Since(answered))
		if waited := time.Since(answered); waited > time.Second {
			t.Errorf("at %d px the answer took %v", width, waited)
		}
		run(t, ctx, chromedp.Evaluate(lookAtTyping, &after), chromedp.WaitReady(`.letter.support`))
		if before != after || !strings.Contains(line, "New messages: 1") {
			t.Errorf("at %d px it was %+v, and is %+v; the line says %q", width, before, after, line)
		}
		lookAtNews(t, ctx)
	}

	press(t, d.URL+pages.page+"/link")
	var line, typed string
	run(t, ctx, chromedp.WaitVisible(`.news-line`), chromedp.Text(`.news-line`, &line),
		chromedp.Value(`#description`, &typed))
	if !strings.Contains(line, "no longer works") || !strings.Contains(typed, "While I write this") {
		t.Errorf("after another link was mailed it says %q, and holds %q", line, typed)
	}
}

// lookAtNews presses Show, and finds itself at the answer.
func lookAtNews(t *testing.T, ctx context.Context) {
	t.Helper()
	var focus string
	lookAsItStands(t, ctx, string(mustRead(t, axePath(t))), "a page with news")
	run(t, ctx, chromedp.Click(`[data-show]`), chromedp.WaitNotVisible(`.news-line`),
		chromedp.Evaluate(`document.activeElement.className`, &focus))
	if !strings.Contains(focus, "support") {
		t.Errorf("Show leads to %q", focus)
	}
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Run(waiting, actions...); err != nil {
		t.Fatal(err)
	}
}

func press(t *testing.T, address string) {
	t.Helper()
	resp, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("POST: %s", resp.Status)
	}
}
