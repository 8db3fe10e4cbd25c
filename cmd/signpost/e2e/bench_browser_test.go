//go:build bench

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"signpost/cmd/signpost/e2e/figure"
)

// marks is run in every page before its own scripts: when the key to send was pressed goes
// along to the next page, and each key notes how long it took until the next frame was
// painted and how long the page itself was busy with it, in ms.
const marks = `
addEventListener("keydown", (event) => {
	if (event.key === "Enter" && event.ctrlKey) {
		sessionStorage.setItem("pressed", performance.timeOrigin + event.timeStamp);
	}
	const began = performance.now();
	requestAnimationFrame(() => {
		const channel = new MessageChannel();
		channel.port1.onmessage = () => (window.frames_ ??= []).push(performance.now() - event.timeStamp);
		channel.port2.postMessage(0);
	});
	setTimeout(() => {
		document.body.offsetHeight;
		(window.busy_ ??= []).push(performance.now() - began);
	});
}, { capture: true });`

// usable is when the page's text was painted and its keys are live, counted from what was
// noted as pressed, or else from the beginning of the navigation.
const usable = `(() => {
	const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
	const [navigation] = performance.getEntriesByType("navigation");
	if (!painted || !navigation.domContentLoadedEventEnd) return -1;
	const ready = Math.max(painted, navigation.domContentLoadedEventEnd);
	const pressed = Number(sessionStorage.getItem("pressed"));
	return pressed ? performance.timeOrigin + ready - pressed : ready;
})()`

// TestBenchBrowser: what an agent waits for in the browser.
func TestBenchBrowser(t *testing.T) {
	s := emptyService(t, refusing(t))
	s.addAgents(t, "10s")
	generated(t, s, 2000, "--chars", "300")
	m := measure(t, s)
	agent := m.colleague(t, agentEmail)
	long := m.open(t, "long@example.net", "US")
	agent.writesNotes(t, long, longThread)
	wordy := m.open(t, "wordy@example.net", "US")
	agent.writesLongNotes(t, wordy)

	ctx := openBrowser(t)
	does(t, ctx, "marks", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(marks).Do(ctx)
		return err
	}))
	signInAt(t, ctx, s.URL, agentEmail, agentPassword)
	n := figure.Size(20, 5)
	var paints []float64
	for range n {
		does(t, ctx, "the ticket opens", chromedp.Navigate(s.URL+"/desk/tickets/"+long), chromedp.WaitVisible(`#reply-body`))
		paints = append(paints, await(t, ctx, usable))
	}
	tell("ticket of 300 entries painted in Chromium, keys live, p95", "<= 200", paints)
	tell("next ticket usable after the key to send, p95", "<= 150", sends(t, ctx, s.URL, n))
	does(t, ctx, "the wordy ticket opens", chromedp.Navigate(s.URL+"/desk/tickets/"+wordy),
		chromedp.WaitVisible(`#reply-body`), chromedp.Focus(`#reply-body`))
	frames, busy := types(t, ctx, strings.Repeat("We look at it. ", figure.Size(10, 3)))
	tell("a key typed with a thread of 500 KB, the page busy, p95", "<= 16", busy)
	tell("the same, to the next frame painted, p95", "", frames)
	does(t, ctx, "the list opens", chromedp.Navigate(s.URL+"/desk/tickets"), chromedp.WaitVisible(`[data-list]`))
	frames, _ = types(t, ctx, strings.Repeat("j", figure.Size(40, 10)))
	tell("a key to move to the visible effect, p95", "<= 50", frames)
}

func tell(name, aim string, took []float64) {
	figure.Figure{Name: name, Unit: " ms", Aim: aim, Pairs: []float64{figure.Quantile(took, 0.95)},
		Note: fmt.Sprintf("p50 %s ms of %d", figure.Digits(figure.Median(took)), len(took))}.Print()
}

// await evaluates a figure of the page once it is there.
func await(t *testing.T, ctx context.Context, expression string) (ms float64) {
	t.Helper()
	eventually(t, 15*time.Second, "a figure of the page", func() error {
		if err := chromedp.Run(ctx, chromedp.Evaluate(expression, &ms)); err != nil {
			return err
		}
		if ms < 0 {
			return fmt.Errorf("it is not there yet")
		}
		return nil
	})
	return ms
}

// sends answers one ticket after the other, from the first one of a list on.
func sends(t *testing.T, ctx context.Context, door string, n int) (took []float64) {
	t.Helper()
	does(t, ctx, "the list opens", chromedp.Navigate(door+"/desk/tickets?view=unassigned"),
		chromedp.Click(`[data-open]`), chromedp.WaitVisible(`#reply-body`))
	for range n {
		var number string
		does(t, ctx, "a reply is written and sent", chromedp.AttributeValue(`[data-ticket]`, "data-ticket", &number, nil),
			chromedp.SendKeys(`#reply-body`, "Thank you, we look at it."), chromedp.Sleep(500*time.Millisecond),
			chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierCtrl)),
			chromedp.WaitReady(fmt.Sprintf(`[data-ticket]:not([data-ticket=%q]) #reply-body`, number)))
		took = append(took, await(t, ctx, usable))
		var ahead bool
		does(t, ctx, "how it came", chromedp.Evaluate(
			`performance.getEntriesByType("navigation")[0].deliveryType === "navigational-prefetch"`, &ahead))
		if !ahead {
			t.Errorf("the ticket behind %s was not fetched ahead", number)
		}
	}
	return took
}

// types presses keys, and returns how long each took.
func types(t *testing.T, ctx context.Context, keys string) (frames, busy []float64) {
	t.Helper()
	for _, key := range keys {
		does(t, ctx, "a key is pressed", chromedp.KeyEvent(string(key)), chromedp.Sleep(30*time.Millisecond))
	}
	does(t, ctx, "the figures", chromedp.Evaluate(`window.frames_`, &frames), chromedp.Evaluate(`window.busy_`, &busy))
	return frames, busy
}

// writesLongNotes fills a thread with half a megabyte of text.
func (c *colleague) writesLongNotes(t *testing.T, number string) {
	t.Helper()
	body := strings.Repeat("They wrote **again** that the export of order 1042 stops, and sent the log. ", 130)
	for range 52 {
		_, status, err := c.act(t.Context(), number, "note", url.Values{"body": {body}})
		if err != nil || status != http.StatusCreated {
			t.Fatalf("a note is answered %d %v", status, err)
		}
	}
}
