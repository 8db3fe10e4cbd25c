//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestE2EForm: a partner fills the form in with two files, reads the promise,
// gets the confirmation from the region's address, opens its link, says
// there that the request is theirs, and finds both files as they were, byte for byte.
func TestE2EForm(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	// The browser types faster than a person; the form would take it for a machine.
	s := newService(t, h, serviceOptions{form: `min_fill = "0s"`})
	s.Start(t)
	for _, story := range []struct{ name, email, country, prefix, from string }{
		{"a partner in the United States", "us-partner@example.net", "US", "US-", s.US},
		{"a partner in Indonesia", "id-partner@example.org", "ID", "INT-", s.Intl},
	} {
		t.Run(story.name, func(t *testing.T) {
			files := twoFiles(t)
			ctx := openBrowser(t)
			number := fillForm(t, ctx, s, story.email, story.country, files)
			if !strings.HasPrefix(number, story.prefix) {
				t.Errorf("the ticket is %s, want one of %s", number, story.prefix)
			}
			mail := h.awaitMail(t, story.email, 1)[0]
			if !strings.Contains(mail.Header.Get("From"), story.from) {
				t.Errorf("confirmed from %q, want %s", mail.Header.Get("From"), story.from)
			}
			if !strings.Contains(mail.subject(), number) {
				t.Errorf("the subject %q does not name %s", mail.subject(), number)
			}
			link := linkIn(t, mail, s.URL)
			mine := `form[action$="/mine"] button`
			err := chromedp.Run(ctx, chromedp.Navigate(link), chromedp.Click(mine), chromedp.WaitVisible(`[data-thread]`))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range files {
				compareFile(t, ctx, s.URL, path)
			}
		})
	}
}

// twoFiles are a text and a picture.
func twoFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	text := filepath.Join(dir, "export log.txt")
	writeFile(t, text, "2026-11-22 03:00:00 export started\n2026-11-22 03:00:07 stopped after 1000 orders\n")
	picture := filepath.Join(dir, "screen.png")
	noise := make([]byte, 300_000)
	rand.Read(noise)
	content := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"),
		noise...)
	if err := os.WriteFile(picture, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{text, picture}
}

// fillForm does in the browser what a partner does, and returns the number
// shown on the received page.
func fillForm(t *testing.T, ctx context.Context, s *service, email, country string, files []string) string {
	t.Helper()
	var number, address string
	filling, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	err := chromedp.Run(filling,
		chromedp.Navigate(s.URL+"/contact"),
		chromedp.WaitVisible(`[name=description]`),
		chromedp.SendKeys(`[name=name]`, "Partner of the Test"),
		chromedp.SendKeys(`[name=email]`, email),
		chromedp.SetValue(`select[name=country]`, country),
		chromedp.SendKeys(`[name=title]`, "The nightly export stops"),
		chromedp.SendKeys(`[name=description]`, "The nightly export stops after the first thousand orders, and no error "+
			"is shown."),
		chromedp.SetUploadFiles(`input[name=files]`, files),
		chromedp.Submit(`[name=description]`),
		chromedp.WaitVisible(`h1.number bdi`),
		chromedp.Text(`h1.number bdi`, &number),
		chromedp.Location(&address),
	)
	if err != nil {
		var shot []byte
		chromedp.Run(ctx, chromedp.FullScreenshot(&shot, 90))
		path := filepath.Join(os.TempDir(), fmt.Sprintf("signpost-e2e-%s.png", country))
		os.WriteFile(path, shot, 0o600)
		t.Fatalf("the form could not be sent: %v; see %s", err, path)
	}
	if !strings.Contains(address, "/contact/received") {
		t.Errorf("after the post the browser is at %s", address)
	}
	return strings.TrimSpace(number)
}

// compareFile downloads a file that the ticket's page, open in the browser,
// offers, and compares it with what was chosen.
func compareFile(t *testing.T, ctx context.Context, base, path string) {
	t.Helper()
	var href string
	var ok bool
	offered := fmt.Sprintf(`//a[@download][contains(., %q)]`, filepath.Base(path))
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Run(waiting, chromedp.AttributeValue(offered, "href", &href, &ok)); err != nil || !ok {
		t.Fatalf("the ticket's page offers no file %s: %v", filepath.Base(path), err)
	}
	resp, err := http.Get(base + href)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", filepath.Base(path), resp.Status, err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s came back changed: %d bytes of %d", filepath.Base(path), len(got), len(want))
	}
	if d := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		t.Errorf("%s is served as %q, want an attachment", filepath.Base(path), d)
	}
}
