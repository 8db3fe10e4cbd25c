//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Who signs in at the demo, as it prints.
const demoAgent, demoPassword = "agent@example.com", "demo"

// demoProcess is the demo as a newcomer runs it, over a past that was made up.
type demoProcess struct {
	URL, SMTP, Data string
	process         *os.Process
}

// startFilledDemo fills a demo's folder and runs the demo over it, with more in its
// environment.
func startFilledDemo(t *testing.T, tickets, mails int, env ...string) *demoProcess {
	t.Helper()
	d := &demoProcess{Data: filepath.Join(t.TempDir(), "demo"), SMTP: freePort(t)}
	listen, binary := freePort(t), buildBinary(t)
	d.URL = "http://" + listen
	fill := exec.Command(binary, "generate", "--demo", d.Data, "--tickets", fmt.Sprint(tickets), "--mails",
		fmt.Sprint(mails), "--days", "60")
	out, err := fill.CombinedOutput()
	if err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	cmd := exec.Command(binary, "demo")
	cmd.Env = append(os.Environ(), "SIGNPOST_HTTP="+listen, "SIGNPOST_SMTP="+d.SMTP, "SIGNPOST_IMAP="+freePort(t),
		"SIGNPOST_DATA="+d.Data)
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.process = cmd.Process
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("the demo said:\n%s", tail(said.String(), 4000))
		}
	})
	waitPort(t, listen)
	return d
}

// opsPages are the pages of ops, and of the desk; those that the navigation leads to are found by
// themselves, these are the others.
func (d *demoProcess) opsPages(t *testing.T, ctx context.Context) []string {
	t.Helper()
	paths := append(d.links(t, ctx, "/ops", `.side nav a`), d.links(t, ctx, "/ops/queue", `.tabs a`)...)
	if !slices.Contains(paths, "/ops/ledger") || !slices.Contains(paths, "/ops/bounces") {
		t.Fatalf("the navigation of ops leads to %q", paths)
	}
	// The link of a list leads into the middle of the ticket, to its first unread entry.
	ticket, _, _ := strings.Cut(d.links(t, ctx, "/desk/tickets", `[data-open]`)[0], "#")
	return append(paths,
		"/ops/ledger?q=ada.abel@shop7.example.com", "/ops/ledger?mark=bounce",
		"/ops/ledger?mark=direct&q=ada.abel@shop7.example.com",
		"/ops/ledger?from=2026-01-01&to=2030-01-01", "/ops/ledger?q=nobody@example.net", "/ops/queue?after=1", "/account",
		d.links(t, ctx, "/ops/ledger?mark=bounce", `.op-list a`)[0], d.links(t, ctx, "/ops/ledger?mark=answered",
			`.op-list a`)[0],
		d.links(t, ctx, "/ops/ledger?mark=unparsable", `.op-list a`)[0],
		ticket,
	)
}

// links are where the links of a page lead that a selector names.
func (d *demoProcess) links(t *testing.T, ctx context.Context, path, selector string) (paths []string) {
	t.Helper()
	err := chromedp.Run(ctx, chromedp.Navigate(d.URL+path),
		chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll(%q)].map(a => a.getAttribute("href"))`, selector),
			&paths))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no %s: %v", path, selector, err)
	}
	return paths
}

// serverTime is evaluated in the page: ms to the first byte, or minus the status.
const serverTime = `(n => n.responseStatus < 300 ? n.responseStart - n.requestStart : -n.responseStatus)` +
	`(performance.getEntriesByType("navigation")[0])`

// TestE2EPagesAreQuick: over a ledger of a hundred thousand mails each page of
// ops is answered within a tenth of a second. It runs beside no other test.
func TestE2EPagesAreQuick(t *testing.T) {
	const limit = 100 // ms
	d := startFilledDemo(t, 5_000, 100_000)
	ctx := openBrowser(t)
	signInAt(t, ctx, d.URL, demoAgent, demoPassword)
	for _, path := range d.opsPages(t, ctx) {
		var waits []float64
		for range 7 {
			var wait float64
			err := chromedp.Run(ctx, chromedp.Navigate(d.URL+path),
				chromedp.Evaluate(serverTime, &wait))
			if err != nil || wait < 0 {
				t.Fatalf("%s: %v %v", path, wait, err)
			}
			waits = append(waits, wait)
		}
		slices.Sort(waits)
		t.Logf("%6.1f ms to the first byte (%.1f to %.1f) of %s", waits[3], waits[0], waits[6], path)
		if waits[3] >= limit {
			t.Errorf("%s keeps its reader waiting for %.0f ms", path, waits[3])
		}
	}
}

// axePath is where .ci/install keeps axe-core.
func axePath(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "signpost", "axe-core-4.14.1.js")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("axe-core is missing; .ci/install fetches it: %v", err)
	}
	return path
}

// TestE2EAccessible: axe finds nothing to object to on any page, light or dark,
// wide or narrow, and nothing runs out of a narrow one. What differs in the dark
// is the colours, which are the same at any width.
func TestE2EAccessible(t *testing.T) {
	t.Parallel()
	axe := string(mustRead(t, axePath(t)))
	d := startFilledDemo(t, 300, 3_000)
	for _, look := range []struct {
		scheme string
		width  int64
	}{{"light", 1280}, {"dark", 1280}, {"light", 360}} {
		name := fmt.Sprintf("%s-%d", look.scheme, look.width)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := openBrowser(t)
			if err := chromedp.Run(ctx, inScheme(look.scheme)); err != nil {
				t.Fatal(err)
			}
			pages := d.publicPages(t, ctx, name+"@example.net")
			signInAt(t, ctx, d.URL, demoAgent, demoPassword)
			pages = append(pages, d.deskPages(t, ctx, name+"@example.net")...)
			for _, path := range append(pages, d.opsPages(t, ctx)...) {
				lookWithAxe(t, ctx, axe, d.URL+path, look.width)
			}
		})
	}
}

// inScheme has the browser prefer a scheme, and no motion.
func inScheme(scheme string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	})
}

// publicPages are those that need no sign-in, with a partner's tickets and their
// mails made for them.
func (d *demoProcess) publicPages(t *testing.T, ctx context.Context, partner string) []string {
	t.Helper()
	asks, shows := d.openTicket(t, ctx, "asks."+partner), d.openTicket(t, ctx, partner)
	resp, err := http.Post(d.URL+shows.page+"/mine", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return []string{
		"/", "/contact", "/contact?lang=ar", shows.received, asks.page, shows.page, "/link/asked", "/link/renewed",
		"/t/none", "/nowhere", "/sign-in",
		"/sandbox", shows.box, shows.mail, "/sandbox?box=none@example.net", "/sandbox/write", "/sandbox/machines",
		"/desk/components", "/desk/components?view=panes",
	}
}

// ticketPages are the addresses around one ticket: the page that received it, its
// own, and in the sandbox the mailbox and the confirmation in it.
type ticketPages struct{ received, page, box, mail string }

func (d *demoProcess) openTicket(t *testing.T, ctx context.Context, partner string) ticketPages {
	t.Helper()
	resp, err := http.PostForm(d.URL+"/contact", partnerPost(partner, "US").Fields)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p := ticketPages{received: strings.TrimPrefix(resp.Request.URL.String(), d.URL), box: "/sandbox?box=" + partner}
	if !strings.HasPrefix(p.received, "/contact/received") {
		t.Fatalf("the form led to %s", p.received)
	}
	eventually(t, 15*time.Second, "the confirmation is in the sandbox", func() error {
		var page string
		if err := chromedp.Run(ctx, chromedp.Navigate(d.URL+p.box), chromedp.OuterHTML("main", &page)); err != nil {
			return err
		}
		if !strings.Contains(page, "mail=") {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	p.mail = d.links(t, ctx, p.box, `a[href*="mail="]`)[0]
	p.page = strings.TrimPrefix(d.links(t, ctx, p.mail, `a[href*="/t/"]`)[0], d.URL)
	return p
}

// findings is what axe says of a page.
type findings struct {
	Passed     int `json:"passed"` // rules that had something to look at
	Violations []struct {
		ID    string   `json:"id"`
		Help  string   `json:"help"`
		Nodes []string `json:"nodes"`
	} `json:"violations"`
}

// runAxe is what is evaluated in the page once axe is there.
const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => ({
	passed: r.passes.length,
	violations: r.violations.map(v => ({
		id: v.id, help: v.help, nodes: v.nodes.map(n => n.target.join(" ") + ": " + n.failureSummary),
	})),
}))`

// lookWithAxe opens a page at a width and fails for each thing axe finds.
func lookWithAxe(t *testing.T, ctx context.Context, axe, url string, width int64) {
	t.Helper()
	var wide int64
	err := chromedp.Run(ctx,
		chromedp.EmulateViewport(width, 800),
		chromedp.Navigate(url),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide),
	)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	lookAsItStands(t, ctx, axe, fmt.Sprintf("%s at %d px", url, width))
	if wide > width {
		t.Errorf("%s is %d px wide in a window of %d", url, wide, width)
	}
}

// lookAsItStands fails for each thing axe finds on the page that is open.
func lookAsItStands(t *testing.T, ctx context.Context, axe, where string) {
	t.Helper()
	var found findings
	err := chromedp.Run(ctx,
		chromedp.Evaluate(axe+`;0`, nil),
		chromedp.Evaluate(runAxe, &found,
			func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if found.Passed < 10 {
		t.Errorf("%s: axe found next to nothing to look at (%d rules)", where, found.Passed)
	}
	for _, v := range found.Violations {
		nodes, _ := json.MarshalIndent(v.Nodes[:min(3, len(v.Nodes))], "", " ")
		t.Errorf("%s: %s: %s\n%s", where, v.ID, v.Help, nodes)
	}
}
