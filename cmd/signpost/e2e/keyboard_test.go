//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focus is where the keyboard is.
type focus struct {
	At    int    `json:"at"`    // place among all that the keyboard can reach, -1: none of them
	Of    int    `json:"of"`    // how many there are
	Name  string `json:"name"`  // as it is read out
	Tag   string `json:"tag"`   // "a", "button"
	Ring  bool   `json:"ring"`  // it shows that it has the focus
	Inset bool   `json:"inset"` // its first line stands within the window, and nothing covers it
}

// whereFocus is evaluated in the page.
const whereFocus = `(() => {
	// Tab stops once at a group of radio buttons: at the checked one.
	const passed = e => e.type === "radio" && !e.checked &&
		!!document.querySelector("input[type=radio][name=" + CSS.escape(e.name) + "]:checked");
	const seen = e => e.checkVisibility({visibilityProperty: true}) &&
		e.tabIndex >= 0 && !e.disabled && e.type !== "hidden" && !passed(e);
	const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
		.filter(seen);
	const e = document.activeElement, labels = [...(e.labels || [])];
	// What stands for an input that is not drawn is the last of its labels.
	const drawn = e.offsetHeight > 1 || !labels.length ? e : labels[labels.length - 1];
	const style = getComputedStyle(drawn);
	const box = drawn.getClientRects()[0] || drawn.getBoundingClientRect(); // of a broken line its first part
	const line = Math.min(box.height, 24); // of a tall one its first line, where the caret is
	const on = document.elementFromPoint(box.left + box.width / 2, box.top + line / 2);
	return {
		at: all.indexOf(e), of: all.length, tag: e.localName,
		name: (e.getAttribute("aria-label") || (labels.length ? labels[0].innerText : "") || e.innerText || e.value || "")
			.trim().replace(/\s+/g, " "),
		ring: e.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
		inset: box.top >= -1 && box.top + line <= innerHeight + 1 && !!on && (drawn.contains(on) || on.contains(drawn)),
	};
})()`

// keyboard is a browser without a mouse.
type keyboard struct {
	t   *testing.T
	ctx context.Context
}

// typed presses keys as a browser has them from its window: a key that a page takes for
// itself types nothing, wherever the page has put the focus meanwhile. (chromedp.KeyEvent
// types the letter all the same.)
func typed(keys string, held ...input.Modifier) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for _, r := range keys {
			events := kb.Encode(r)
			down, up := events[0], events[len(events)-1]
			if len(events) == 3 {
				down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
			}
			for _, m := range held {
				down.Modifiers |= m
				up.Modifiers |= m
			}
			for _, e := range []*input.DispatchKeyEventParams{down, up} {
				if err := e.Do(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (k keyboard) press(keys string, held ...input.Modifier) {
	k.t.Helper()
	if err := chromedp.Run(k.ctx, typed(keys, held...)); err != nil {
		k.t.Fatal(err)
	}
}

func (k keyboard) where() (f focus) {
	k.t.Helper()
	if err := chromedp.Run(k.ctx, chromedp.Evaluate(whereFocus, &f)); err != nil {
		k.t.Fatal(err)
	}
	return f
}

// to presses Tab until what is named has the focus: by how its name begins, with a "$" at
// the end by its whole name.
func (k keyboard) to(tag, name string) {
	k.t.Helper()
	begins, whole := strings.CutSuffix(name, "$")
	for range 300 {
		f := k.where()
		if f.Tag == tag && strings.HasPrefix(f.Name, begins) && (!whole || f.Name == begins) {
			return
		}
		k.press(kb.Tab)
	}
	k.t.Fatalf("Tab never comes to the %s %q; it is at %+v", tag, name, k.where())
}

// enter presses Enter and waits until the page says what is wanted.
func (k keyboard) enter(want string) {
	k.t.Helper()
	k.press(kb.Enter)
	var text string
	eventually(k.t, 15*time.Second, "the page says "+want, func() error {
		// While one page gives way to the next there may be none to ask.
		if err := chromedp.Run(k.ctx, chromedp.Evaluate(`document.body ? document.body.innerText : ""`, &text)); err != nil {
			return err
		}
		if !strings.Contains(text, want) {
			return fmt.Errorf("it says:\n%.600s", text)
		}
		return nil
	})
}

// around goes once through the page and fails where the focus leaves the order
// of the page, cannot be seen, or does not come to everything.
func (k keyboard) around(path string) {
	k.t.Helper()
	if err := chromedp.Run(k.ctx, chromedp.Navigate(path)); err != nil {
		k.t.Fatal(err)
	}
	next := 0
	for range 500 {
		k.press(kb.Tab)
		f := k.where()
		if f.At == next-1 { // the parts of a date
			continue
		}
		if f.At < next { // around
			if next != f.Of {
				k.t.Errorf("%s: Tab turns back after %d of %d, at %q", path, next, f.Of, f.Name)
			}
			return
		}
		if f.At != next || !f.Ring || !f.Inset || f.Name == "" {
			k.t.Errorf("%s: Tab %d comes to %+v", path, next+1, f)
		}
		next = f.At + 1
	}
	k.t.Errorf("%s: Tab finds no end", path)
}

// TestE2EKeyboard: without a mouse somebody of ops signs in, looks for a bounce,
// reads it, lets an address be written to again, and signs out; and on each page
// the focus goes through everything in its order and can be seen.
func TestE2EKeyboard(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 300, 3_000)
	k := keyboard{t, openBrowser(t)}
	if err := chromedp.Run(k.ctx, inScheme("light")); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Run(k.ctx, chromedp.Navigate(d.URL+"/sign-in")); err != nil {
		t.Fatal(err)
	}
	k.to("input", "Email address")
	k.press(demoAgent)
	k.to("input", "Password")
	k.press(demoPassword)
	k.enter("My work")
	k.to("a", "Today")
	k.enter("Is mail flowing?")

	k.to("a", "Mail")
	k.enter("Every mail that came to a support address")
	k.to("select", "Became")
	k.press("bounce")
	k.to("button", "Search")
	k.enter("Undelivered Mail Returned to Sender")
	k.to("a", k.firstLine("mark=bounce", ".op-list a"))
	k.enter("What it reports")

	k.to("a", "Delivery$")
	k.enter("mail that failed")
	k.to("a", "Bounces")
	k.enter("Servers rejecting our mail")
	k.to("a", "Suppressions")
	k.enter("or when it is released")
	k.to("summary", "Release")
	k.enter("goes out again, from the next one on")
	k.to("button", "Release")
	k.enter("the next mail to it is sent")

	k.to("a", "Mailboxes")
	k.enter("A pause begins with the next mail")
	pages := d.opsPages(t, k.ctx)
	for _, path := range append(pages, "/contact", "/") {
		k.around(d.URL + path)
	}
	if err := chromedp.Run(k.ctx, chromedp.Navigate(d.URL+"/ops")); err != nil {
		t.Fatal(err)
	}
	k.to("button", "Sign out")
	k.enter("Sign in")
}

// firstLine is how the first of some elements begins, on the page whose address
// holds query. It is read at one instant: the page keeps itself fresh, and the one
// before may say much the same.
func (k keyboard) firstLine(query, selector string) (text string) {
	k.t.Helper()
	read := fmt.Sprintf(`location.search.includes(%q) && document.querySelector(%q)?.innerText || ""`, query, selector)
	eventually(k.t, 15*time.Second, "there is a "+selector, func() error {
		if err := chromedp.Run(k.ctx, chromedp.Evaluate(read, &text)); err != nil {
			return err
		}
		if text = strings.TrimSpace(text); text == "" {
			return errors.New("there is none")
		}
		return nil
	})
	text, _, _ = strings.Cut(text, "\n")
	return text
}
