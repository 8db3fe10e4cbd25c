//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestE2EDeskRows: an agent sets what a ticket of the list has by the keys of the row, takes the
// last of it back, opens the row, takes the ticket by typing and gives it back by leaving without
// a text, and stands on the same row again.
func TestE2EDeskRows(t *testing.T) {
	t.Parallel()
	const title = "Rows have keys"
	d := startFilledDemo(t, 5, 0)
	asks := partnerPost("rows@example.net", "US")
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
	k.to("a", "All unsolved")
	k.enter(title)
	k.to("a", title)

	row := fmt.Sprintf(`document.querySelector('[data-ticket-row$="/%s"]')`, a.Number)
	onRow := row + `.contains(document.activeElement)`
	k.press("p")
	k.says("p asks for the priority", `document.activeElement.id === "row-priority"`)
	k.press(kb.End)
	k.press(kb.Enter)
	k.says("the row is urgent and keeps the focus", row+`?.dataset.priority === "urgent" && `+onRow)
	k.press("t")
	k.says("t asks for the tags", `document.activeElement.id === "row-tags"`)
	k.press("vip")
	k.press(kb.Enter)
	k.says("the row has its tag", row+`?.dataset.tags === "vip" && `+onRow)
	k.press("A")
	k.says("A assigns it", fmt.Sprintf(`%s?.dataset.assign === %q`, row, demoAgent))
	k.press("e")
	k.says("e solves it, and the row stays with a word", row+`?.innerText.includes("No longer in this view")`)
	if got := program.ticket(t, a.Number); got.Status != "solved" {
		t.Errorf("after e the ticket is %+v", got)
	}
	k.says("the toast offers the way back",
		`[...document.querySelectorAll(".toast")].at(-1)?.innerText.includes("Solved")`)
	does(t, k.ctx, "the last toast's Undo", chromedp.Evaluate(
		`[...document.querySelectorAll(".toast [data-act=undo]")].at(-1).click()`, nil))
	k.says("it is open again, and in the view", row+`?.dataset.status === "open" && !`+row+`.querySelector(".row-gone")`)

	does(t, k.ctx, "the server refuses what it does not know", chromedp.Evaluate(
		`document.querySelector("#row-category").append(new Option("Gone", "Gone"))`, nil))
	does(t, k.ctx, "the row", chromedp.Evaluate(row+`.querySelector("[data-open]").focus()`, nil))
	k.press("c")
	k.says("c asks for the category", `document.activeElement.id === "row-category"`)
	k.press(kb.End)
	k.press(kb.Enter)
	k.says("a refusal is told", `[...document.querySelectorAll(".toast")].at(-1)?.innerText.includes("was not changed")`)
	k.says("and the row is as it was", row+`.dataset.category !== "Gone" && !document.querySelector(".row-doing")`)

	if _, status, err := program.act(t.Context(), a.Number, "assign", map[string][]string{"agent": {""}}); status != 200 {
		t.Fatalf("unassigned: %d, %v", status, err)
	}
	does(t, k.ctx, "the row", chromedp.Evaluate(row+`.querySelector("[data-open]").focus()`, nil))
	k.press("o")
	k.says("o opens it", fmt.Sprintf(
		`document.readyState === "complete" && document.querySelector('[data-ticket="%s"]')`, a.Number))
	k.press("r")
	k.says("r begins a reply", `document.activeElement.id === "reply-body"`)
	k.press("H")
	k.says("the first key takes the ticket, and says so", fmt.Sprintf(
		`document.getElementById("d-assign").value === %q &&
			document.querySelector(".toast")?.innerText.includes("assigned to you")`, demoAgent))
	k.says("it is the whole text", `document.activeElement.value === "H"`)
	k.press(kb.Backspace + kb.Escape)
	k.press("u")
	k.says("u leads back to the same row", `document.readyState === "complete" && `+onRow)
	k.says("left without a text it is unassigned", row+`.dataset.assign === "" || (location.reload(), false)`)
}
