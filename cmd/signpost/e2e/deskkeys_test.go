//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestE2EDeskKeyboard: without a pointer an agent signs in, finds a ticket, writes a note,
// replies, takes the reply back and finds the text as it was, sends it so that the ticket
// waits for the partner, and solves it.
func TestE2EDeskKeyboard(t *testing.T) {
	t.Parallel()
	const title, words = "Keys open this one", "Please try it once more."
	d := startFilledDemo(t, 5, 0)
	asks := partnerPost("keys@example.net", "US")
	asks.Fields.Set("title", title)
	a, _, err := asks.send(t.Context(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	program := signInClient(t, d.URL, demoAgent, demoPassword)
	k := keyboard{t, openBrowser(t)}
	does(t, k.ctx, "the agent opens the door", inScheme("light"), chromedp.Navigate(d.URL+"/sign-in"))
	k.to("input", "Email address")
	k.press(demoAgent)
	k.to("input", "Password")
	k.press(demoPassword)
	k.enter("My work")

	open := fmt.Sprintf(`document.readyState === "complete" && document.querySelector('[data-ticket="%s"]')`, a.Number)
	k.to("a", "All unsolved")
	k.enter(title)
	k.to("a", title)
	k.press(kb.Enter)
	k.says("the ticket opens", open)
	k.press("i")
	k.says("i begins a note", `document.activeElement.id === "note-body"`)
	k.press("They use the old export.")
	k.press(kb.Enter, input.ModifierCtrl)
	k.says("the note is there", `document.querySelector(".entry.note")?.innerText.includes("\nThey use the old export.")`)

	k.says("the page is whole", open)
	k.press("r")
	k.says("r begins a reply", `document.activeElement.id === "reply-body"`)
	k.press(words)
	k.press(kb.Enter, input.ModifierAlt)
	k.says("the reply can be taken back", `document.readyState === "complete" &&
		document.querySelector(".toast:has([data-act=undo])")?.innerText.startsWith("Sending to Partner")`)
	if got := program.ticket(t, a.Number); got.Status != "pending" || len(got.Entries) != 3 {
		t.Errorf("after the reply the ticket is %+v", got)
	}
	k.press("z")
	k.says("its text is back", fmt.Sprintf(`document.querySelector("#reply-body")?.value.trim() === %q`, words))
	if got := program.ticket(t, a.Number); got.Status != "open" || len(got.Entries) != 2 {
		t.Errorf("after it was taken back the ticket is %+v", got)
	}
	k.says("the page is whole", open)
	if k.where().Tag != "textarea" {
		k.press("r")
	}
	k.says("the reply is being written", `document.activeElement.id === "reply-body"`)
	k.press(kb.Enter, input.ModifierCtrl|input.ModifierShift)
	eventually(t, 15*time.Second, "the reply is sent and the ticket solved", func() error {
		if got := program.ticket(t, a.Number); got.Status != "solved" || len(got.Entries) != 3 {
			return fmt.Errorf("it is %+v", got)
		}
		return nil
	})
}
