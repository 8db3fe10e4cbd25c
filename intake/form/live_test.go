package form_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// pageStream is what an open page hears.
type pageStream struct {
	code  int
	lines chan string // "change {...}", "end 1"; closed with the stream
}

// stream opens the stream of a ticket's page on a real server; it ends with the test.
func (w *world) stream(page string) pageStream {
	w.t.Helper()
	server := httptest.NewServer(w.handler)
	w.t.Cleanup(server.Close)
	ctx, cut := context.WithCancel(w.t.Context())
	w.t.Cleanup(cut)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+page+"/events", nil)
	fatal(w.t, err)
	answer, err := http.DefaultClient.Do(r)
	fatal(w.t, err)
	s := pageStream{answer.StatusCode, make(chan string, 100)}
	go func() {
		defer close(s.lines)
		defer answer.Body.Close()
		var event string
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				event = value
			case "data":
				s.lines <- event + " " + value
			}
		}
	}()
	return s
}

// hears waits for the next event that is no sign of life; "" when the stream ends.
func (s pageStream) hears(t *testing.T, within time.Duration) string {
	t.Helper()
	for deadline := time.After(within); ; {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return ""
			}
			if !strings.HasPrefix(line, "beat") && !strings.HasPrefix(line, "hello") {
				return line
			}
		case <-deadline:
			return "nothing"
		}
	}
}

var pageVersion = regexp.MustCompile(`data-version="(\d+)"`)

// versionOf is the version that a page says it shows.
func (w *world) versionOf(page string) string {
	w.t.Helper()
	m := pageVersion.FindStringSubmatch(w.get(page).Body.String())
	if m == nil {
		w.t.Fatal("the page names no version")
	}
	return m[1]
}

func change(version string) string { return `"version":"` + version + `"` }

// An answer reaches an open page at once, as the version that the page then shows; what
// support writes to itself does not even make it look.
func TestAnOpenPageHearsOfAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	s := w.stream(page)
	contains(t, s.hears(t, time.Second), change(w.versionOf(page))) // what there is, on opening

	_, err := w.db.Note(t.Context(), time.Now(), lee, store.NewNote{Ticket: ticket.ID, Body: "A difficult one."})
	fatal(t, err)
	contains(t, s.hears(t, time.Second), change(w.versionOf(page))) // an agent has opened it: being worked on
	before := w.versionOf(page)
	_, err = w.db.Note(t.Context(), time.Now(), lee, store.NewNote{Ticket: ticket.ID, Body: "Really."})
	fatal(t, err)
	_, err = w.db.SetTags(t.Context(), time.Now(), lee, ticket.ID, []string{"whale"})
	fatal(t, err)
	if heard := s.hears(t, 300*time.Millisecond); heard != "nothing" || w.versionOf(page) != before {
		t.Errorf("of a note and a tag it hears %q", heard)
	}

	began := time.Now()
	w.replies(ticket, "We look into it.", store.StatusOpen, 0)
	contains(t, s.hears(t, time.Second), change(w.versionOf(page)))
	t.Logf("heard after %v", time.Since(began))

	began = time.Now()
	w.replies(ticket, "And mended.", store.StatusSolved, 400*time.Millisecond)
	for heard := ""; !strings.Contains(w.get(page).Body.String(), "And mended."); {
		if heard = s.hears(t, time.Second); !strings.HasPrefix(heard, "change") {
			t.Fatalf("it hears %q", heard)
		}
	}
	if waited := time.Since(began); waited < 400*time.Millisecond {
		t.Errorf("it shows after %v an answer that may still be taken back", waited)
	}
}

// A link that is revoked ends what was opened by it, at once.
func TestARevokedLinkEndsItsStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	s := w.stream(page)
	s.hears(t, time.Second)
	fatal(t, w.db.RevokeLinks(t.Context(), time.Now(), store.ByService(), ticket.ID))
	if heard := s.hears(t, time.Second); heard != "end 1" {
		t.Errorf("it hears %q", heard)
	}
	if heard := s.hears(t, time.Second); heard != "" {
		t.Errorf("and then %q", heard)
	}
	if again := w.stream(page); again.code != http.StatusGone {
		t.Errorf("it opens again: %d", again.code)
	}
}

// Who has not proven the address, or has no link, follows nothing; and a link has so many
// streams.
func TestAStreamIsForAProvenLinkWithinItsLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.post(good()), 303)
	ticket := w.ticket("US-1001")
	if s := w.stream(w.link(ticket)); s.code != http.StatusForbidden {
		t.Errorf("unproven: %d", s.code)
	}
	if s := w.stream("/t/" + strings.Repeat("A", 52)); s.code != http.StatusNotFound {
		t.Errorf("forged: %d", s.code)
	}
	lacks(t, w.get(w.link(ticket)).Body.String(), "data-version", "live.js")
	page := w.proven(ticket)
	for range 6 {
		if s := w.stream(page); s.code != http.StatusOK {
			t.Errorf("within the limit: %d", s.code)
		}
	}
	if s := w.stream(page); s.code != http.StatusTooManyRequests {
		t.Errorf("one more: %d", s.code)
	}
}

// heardBy is long: the test waits for what comes, and how soon is another's matter.
const heardBy = 10 * time.Second

// A colleague's page follows the ticket by the door that is theirs: it hears of an answer,
// ends at once when the requester removes them, and the requester's goes on.
func TestAColleaguesPageFollowsUntilTheyAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ticket, page := w.asked()
	door := w.joined(page, bea)
	hers, theirs := w.stream(door), w.stream(page)
	contains(t, hers.hears(t, heardBy), change(w.versionOf(door)))
	contains(t, theirs.hears(t, heardBy), change(w.versionOf(page)))

	w.repliesToAll(ticket, "To you both.")
	contains(t, hers.hears(t, heardBy), change(w.versionOf(door)))
	contains(t, theirs.hears(t, heardBy), change(w.versionOf(page)))
	contains(t, w.get(door).Body.String(), "To you both.")

	status(t, w.acts(page+"/remove", url.Values{"number": {"1"}}), 200)
	if heard := hers.hears(t, heardBy); heard != "end 1" {
		t.Errorf("removed, hers hears %q", heard)
	}
	if heard := hers.hears(t, heardBy); heard != "" {
		t.Errorf("and then %q", heard)
	}
	if again := w.stream(door); again.code != http.StatusGone {
		t.Errorf("it opens again: %d", again.code)
	}
	contains(t, theirs.hears(t, heardBy), change(w.versionOf(page))) // one colleague fewer
	w.replies(ticket, "To one alone.", store.StatusOpen, 0)
	contains(t, theirs.hears(t, heardBy), change(w.versionOf(page)))
}
