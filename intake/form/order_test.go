package form_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"signpost/store"
)

// A partner who turns the messages round finds the newest first from then on, on this page
// and on any other, and can turn them back: without JavaScript.
func TestTheOrderOfMessagesIsTheReaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	alone := w.get(page).Body.String()
	lacks(t, alone, "Newest first", "Oldest first", "newest message")
	w.replies(ticket, "The first answer.", store.StatusPending, 0)
	w.replies(ticket, "The second answer.", store.StatusPending, 0)

	order := func(page string, want ...string) {
		t.Helper()
		at := 0
		for _, part := range want {
			i := strings.Index(page[at:], part)
			if i < 0 {
				t.Fatalf("%q is missing behind %q", part, page[:at])
			}
			at += i
		}
	}
	asWritten := w.get(page).Body.String()
	last := regexp.MustCompile(`href="(#e\d+)">Go to the newest message`).FindStringSubmatch(asWritten)
	if last == nil || !strings.Contains(asWritten, `id="`+last[1][1:]+`"`) {
		t.Fatalf("the page leads to no newest message: %v", last)
	}
	order(asWritten, "Newest first", "settlement report", "The first answer.", `id="`+last[1][1:]+`"`,
		"The second answer.")

	turned := w.get(page + "?order=newest")
	status(t, turned, http.StatusOK)
	order(turned.Body.String(), "Oldest first", "The second answer.", "The first answer.", "settlement report")
	lacks(t, turned.Body.String(), "Go to the newest message")
	cookie, _, _ := strings.Cut(turned.Header().Get("Set-Cookie"), ";")
	order(w.get(page, "Cookie", cookie).Body.String(), "The second answer.", "The first answer.")
	order(w.get(page+"?order=oldest", "Cookie", cookie).Body.String(), "The first answer.", "The second answer.")
	order(w.get(page, "Cookie", "order=sideways").Body.String(), "The first answer.", "The second answer.")
}
