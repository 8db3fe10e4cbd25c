package form_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// A partner opens a long thread at its end and reads on before it; what support wrote for
// itself takes no place.
func TestALongThreadIsShownFromItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, path := w.asked()
	for i := range 230 {
		if i%2 == 0 {
			w.replies(w.ticket(k.Number), fmt.Sprintf("Answer number %d.", i), store.StatusOpen, 0)
			continue
		}
		if _, err := w.db.Note(t.Context(), time.Now(), lee, store.NewNote{Ticket: k.ID, Body: "For us alone"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 110 { // the newest of all are notes
		if _, err := w.db.Note(t.Context(), time.Now(), lee, store.NewNote{Ticket: k.ID, Body: "For us alone"}); err != nil {
			t.Fatal(err)
		}
	}
	const shown = 100
	letters := regexp.MustCompile(`<article class="letter`)
	page := func(target string, want int) string {
		t.Helper()
		got := w.get(target)
		if n := len(letters.FindAllString(got.Body.String(), -1)); got.Code != http.StatusOK || n != want {
			t.Fatalf("GET %s: %d with %d messages, want %d", target, got.Code, n, want)
		}
		if strings.Contains(got.Body.String(), "For us alone") {
			t.Error("a note is shown")
		}
		return got.Body.String()
	}
	newest := page(path, shown)
	if !strings.Contains(newest, "Answer number 228.") || strings.Contains(newest, "data-later") {
		t.Error("the page does not end with the newest answer")
	}
	earlier := regexp.MustCompile(`\?before=\d+`).FindString(newest)
	first := page(path+earlier, 116-shown)
	for _, part := range []string{"Answer number 0.", "data-later"} {
		if !strings.Contains(first, part) {
			t.Errorf("%q is missing in the earlier messages", part)
		}
	}
	for _, part := range []string{"Answer number 228.", `<p class="more"><a`, "data-version"} {
		if strings.Contains(first, part) {
			t.Errorf("%q stands in the earlier messages", part)
		}
	}
}
