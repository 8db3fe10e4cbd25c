package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestTheDemoLinksItsRoomsFromEveryPage: for partners and staff alike, with the ticket
// opened last, and in no JSON.
func TestTheDemoLinksItsRoomsFromEveryPage(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	agent := d.signIn(t, "agent@example.com")
	read := func(path, accept string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", d.url()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := agent.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if strings.Contains(read("/", "text/html"), `href="/t/`) {
		t.Error("a ticket is linked before there is one")
	}
	contact(t, d.url(), request("ana@example.net", "US"), nil)
	for _, path := range []string{"/", "/contact", "/sandbox", "/desk", "/ops", "/none"} {
		page := read(path, "text/html")
		for _, want := range []string{
			`href="/desk"`, `href="/sandbox"`, `href="/t/`, "lee@example.com", "<code>demo</code>",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %s in its bar", path, want)
			}
		}
	}
	if answer := read("/desk/tickets", "application/json"); strings.Contains(answer, "demo-bar") {
		t.Errorf("the bar in JSON: %s", answer)
	}
}
