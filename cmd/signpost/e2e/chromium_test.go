//go:build e2e || bench

package e2e

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// openBrowser starts a headless Chromium for one test.
func openBrowser(t *testing.T, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing; make e2e installs it")
	}
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}, options...)
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	ctx, cancelTime := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits until the browser is gone
		cancelTime()
		cancel()
		cancelAlloc()
	})
	// The browser lives as long as the context it is started under.
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// does runs what a person does in the browser, within a time; what names the step.
func does(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var text, address string
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		chromedp.Run(look, chromedp.Location(&address), chromedp.Text("body", &text))
		t.Fatalf("%s: %v; the browser is at %s:\n%.3000s", what, err, address, text)
	}
}

// signInAt signs the browser in at a service's door.
func signInAt(t *testing.T, ctx context.Context, url, email, password string) {
	t.Helper()
	err := chromedp.Run(ctx,
		chromedp.Navigate(url+"/sign-in"),
		chromedp.SendKeys(`[name=email]`, email),
		chromedp.SendKeys(`[name=password]`, password),
		chromedp.Submit(`[name=password]`),
		chromedp.WaitVisible(`.side`),
	)
	if err != nil {
		t.Fatalf("sign-in: %v", err)
	}
}
