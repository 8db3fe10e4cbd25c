//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestE2EFormLosesNothing: a file that changed since it was chosen is named and
// taken off the list, the rest is sent; what is typed next outlives a look at the
// receipt of what was sent before, and is put back with the team its country has.
func TestE2EFormLosesNothing(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{form: `min_fill = "0s"`})
	s.Start(t)
	ctx := openBrowser(t)
	log := filepath.Join(t.TempDir(), "export log.txt")
	writeFile(t, log, "started\n")

	const second = "Another matter: the invoices of October are missing."
	var problem, receipt, after, restored, team string
	err := chromedp.Run(ctx,
		chromedp.Navigate(s.URL+"/contact"),
		chromedp.SendKeys(`[name=name]`, "Partner of the Test"),
		chromedp.SendKeys(`[name=email]`, "partner@example.net"),
		chromedp.SetValue(`select[name=country]`, "ID"),
		chromedp.SendKeys(`[name=description]`, "The nightly export stops after the first thousand orders."),
		chromedp.SetUploadFiles(`input[name=files]`, []string{log}),
		chromedp.WaitVisible(`[data-list] .file`),
	)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, log, "started\nstopped\n")
	if err := os.Chtimes(log, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	err = chromedp.Run(ctx,
		chromedp.Click(`[data-submit]`),
		chromedp.WaitVisible(`[data-problem]`),
		chromedp.Text(`[data-problem]`, &problem),
		chromedp.WaitNotPresent(`[data-list] .file`),
		chromedp.Click(`[data-submit]`),
		chromedp.WaitVisible(`h1.number`),
		chromedp.Location(&receipt),
		chromedp.Navigate(s.URL+"/contact"),
		chromedp.Value(`[name=description]`, &after),
		chromedp.SetValue(`select[name=country]`, "US"),
		chromedp.SendKeys(`[name=description]`, second),
		chromedp.Poll(fmt.Sprintf(`Object.values(localStorage).some((v) => v.includes(%q))`, second), nil),
	)
	if err != nil {
		t.Fatal(err)
	}
	err = chromedp.Run(ctx,
		chromedp.Navigate(receipt),
		chromedp.WaitVisible(`h1.number`),
		chromedp.Navigate(s.URL+"/contact"),
		chromedp.WaitVisible(`[data-restored]`),
		chromedp.Value(`[name=description]`, &restored),
		chromedp.Text(`[data-region-text]`, &team),
	)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(problem, "export log.txt") {
		t.Errorf("of the changed file is said: %q", problem)
	}
	if after != "" || restored != second {
		t.Errorf("after sending the form held %q, and %q was put back of what was typed next", after, restored)
	}
	if !strings.Contains(team, s.US) {
		t.Errorf("beside a draft for the United States stands %q", team)
	}
}

// TestE2EFaultsGoWhenMended: the address and the files are checked when they are
// chosen, and a fault goes as soon as its field is mended.
func TestE2EFaultsGoWhenMended(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{form: `min_fill = "0s"`})
	s.Start(t)
	ctx := openBrowser(t)
	folder := t.TempDir()
	var paths []string
	for name, content := range map[string]string{"setup.exe": "x", "tool．ｅｘｅ": "x", "empty.log": "",
		"notes.txt": "hello"} {
		writeFile(t, filepath.Join(folder, name), content)
		paths = append(paths, filepath.Join(folder, name))
	}
	var address, left, stays, meant, title, summary string
	err := chromedp.Run(ctx,
		chromedp.Navigate(s.URL+"/contact"),
		chromedp.SendKeys(`#email`, "Ana <partner@example,net>\t"),
		chromedp.WaitVisible(`#email-fault`),
		chromedp.Click(`#email-fault button`),
		chromedp.WaitNotPresent(`#email-fault`),
		chromedp.Value(`#email`, &meant),
		chromedp.SetUploadFiles(`#files`, paths),
		chromedp.WaitVisible(`[data-problem]`),
		chromedp.Text(`[data-problem]`, &left),
		chromedp.Text(`[data-list]`, &stays),
		chromedp.SendKeys(`#description`, "short"),
		chromedp.Click(`[data-submit]`),
		chromedp.WaitVisible(`#summary`),
		chromedp.SendKeys(`#name`, "Ana"),
		chromedp.WaitNotPresent(`#name-fault`),
		chromedp.Text(`#summary`, &summary),
		chromedp.SendKeys(`#description`, ", and now long enough to be taken."),
		chromedp.WaitNotPresent(`#description-fault`),
		chromedp.Evaluate(`document.querySelector("#country").value = "ID";`+
			` document.querySelector("#country").dispatchEvent(new Event("change", {bubbles: true}))`, nil),
		chromedp.WaitNotPresent(`#summary`),
		chromedp.Title(&title),
		chromedp.Click(`[data-submit]`),
		chromedp.WaitVisible(`h1.number`),
		chromedp.Text(`main`, &address),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"setup.exe", "tool．ｅｘｅ", "empty.log"} {
		if !strings.Contains(left, name) || strings.Contains(stays, name) {
			t.Errorf("%s: of it is said %q, and listed are %q", name, left, stays)
		}
	}
	if !strings.Contains(stays, "notes.txt") || meant != "partner@example.net" || strings.Contains(title, "check") ||
		strings.Contains(summary, "your name") {
		t.Errorf("listed %q, meant %q, titled %q, left %q", stays, meant, title, summary)
	}
	if !strings.Contains(address, "partner@example.net") {
		t.Errorf("the receipt says %q", address)
	}
}
