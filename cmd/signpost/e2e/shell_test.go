//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// says waits until an expression of the page is true.
func (k keyboard) says(what, expression string) {
	k.t.Helper()
	look := fmt.Sprintf(`({is: !!(%s), at: location.href, text: document.body?.innerText.slice(0, 2000)})`, expression)
	eventually(k.t, 15*time.Second, what, func() error {
		var page struct {
			Is       bool
			At, Text string
		}
		if err := chromedp.Run(k.ctx, chromedp.Evaluate(look, &page)); err != nil {
			return err
		}
		if !page.Is {
			return fmt.Errorf("%s is not so at %s:\n%s", expression, page.At, page.Text)
		}
		return nil
	})
}

// TestE2EShellKeys: by keys alone somebody of ops goes from page to page, walks a
// list, finds what they want by its letters, and switches single keys off; the sheet
// of keys holds each of them.
func TestE2EShellKeys(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 20, 300)
	k := keyboard{t, openBrowser(t)}
	signInAt(t, k.ctx, d.URL, demoAgent, demoPassword)
	k.says("the page is there", `document.readyState === "complete"`)
	k.press("gl")
	k.says("g and l open the mail", `location.pathname === "/ops/ledger" && document.readyState === "complete"`)
	k.press("jjk")
	k.says("j and k walk the rows", `document.activeElement === document.querySelectorAll("[data-open]")[0]`)
	k.press("/j")
	k.says("/ searches, and letters are letters there",
		`document.activeElement.type === "search" && document.activeElement.value === "j"`)
	k.press(kb.Escape)
	k.press("j")
	k.press(kb.Enter)
	k.says("Enter opens a row", `/^.ops.ledger.[0-9]+$/.test(location.pathname) && document.readyState === "complete"`)
	if err := chromedp.Run(k.ctx, chromedp.NavigateBack()); err != nil {
		t.Fatal(err)
	}
	k.says("the row has the focus again", `document.activeElement === document.querySelectorAll("[data-open]")[0]`)

	k.press("k", input.ModifierCtrl)
	k.says("Ctrl+K opens the palette", `document.getElementById("palette").open`)
	k.press("hlth")
	k.press(kb.Enter)
	k.says("letters find the page", `location.pathname === "/ops/health" && document.readyState === "complete"`)

	k.press("?")
	k.says("? opens the sheet", `document.getElementById("keys").open`)
	k.to("input", "Single keys work")
	k.press(" ")
	k.press(kb.Escape)
	k.says("Escape closes it", `!document.getElementById("keys").open`)
	k.press("gl?")
	k.says("single keys are off", `location.pathname === "/ops/health" && !document.getElementById("keys").open`)
}

// TestE2EShellLive: an open page follows what happens without being loaded anew,
// says within ten seconds that it lost the service, and catches up with what it
// missed once the service is back.
func TestE2EShellLive(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 20, 300)
	k := keyboard{t, openBrowser(t)}
	signInAt(t, k.ctx, d.URL, "ops@example.com", demoPassword) // opens at the page of ops
	if err := chromedp.Run(k.ctx, chromedp.Evaluate(`window.sameOne = true`, nil)); err != nil {
		t.Fatal(err)
	}
	opened := `[...document.querySelectorAll("[data-live=cards] tr")]` +
		`.filter(r => r.innerText.startsWith("tickets opened"))` +
		`.reduce((sum, r) => sum + Number(r.cells[1].innerText), 0)`
	var before int
	if err := chromedp.Run(k.ctx, chromedp.Evaluate(opened, &before)); err != nil {
		t.Fatal(err)
	}
	post := func(name string) {
		t.Helper()
		resp, err := http.PostForm(d.URL+"/contact", partnerPost(name+"@partner.example.net", "US").Fields)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	signal := func(s os.Signal) {
		t.Helper()
		if err := d.process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	post("first")
	k.says("the page counts the ticket", fmt.Sprintf("%s === %d", opened, before+1))

	signal(syscall.SIGSTOP) // it holds its connections, and answers none
	began := time.Now()
	k.says("the page says that it lost the service", `document.getElementById("lost").checkVisibility()`)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it says so after %s", took)
	}
	signal(syscall.SIGCONT)
	post("second")
	k.says("it catches up", fmt.Sprintf(`%s === %d && !document.getElementById("lost").checkVisibility()`,
		opened, before+2))
	k.says("it is the same page", `window.sameOne`)
}
