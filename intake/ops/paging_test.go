package ops_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"
)

// nextPage is where the next page of a list is, "" on the last one. list is the name
// of one among several in a page, "" for the only one.
func nextPage(page, list string) string {
	anchor := ""
	if list != "" {
		anchor = "#" + list
	}
	next := regexp.MustCompile(`<a href="(/ops/[^"#]+)` + anchor + `" rel="next">Next page</a>`).FindStringSubmatch(page)
	if next == nil {
		return ""
	}
	return html.UnescapeString(next[1])
}

// A page that a list does not have is its first one, and says so.
func TestAnAddressOfNoPageShowsTheFirst(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.receives("ann@partner.example", "The only one")
	for _, path := range []string{
		"/ops/ledger?after=", "/ops/queue?list=waiting&after=", "/ops/queue?list=failed&after=",
		"/ops/bounces?list=dead&after=", "/ops/bounces?list=refused&after=", "/ops/suppressions?after=",
		"/ops/health?list=ended&after=", "/ops/health?list=runs&after=", "/ops/today?list=domains&after=",
	} {
		if page := h.shows(path); strings.Contains(page, "names a page") {
			t.Errorf("GET %s: the first page says that it is no page", path)
		}
		h.shows(path+"nonsense!", "names a page that this list does not have")
	}
	h.shows("/ops/ledger?after=12", "The only one")
	if page := h.shows("/ops/queue?after=nonsense"); strings.Contains(page, "names a page") {
		t.Error("a list that was not asked for says so")
	}
}

// Past alarms are kept for 90 days, and each page of them can be reached.
func TestEveryPastAlarmCanBeReached(t *testing.T) {
	t.Parallel()
	h := open(t)
	const alarms = 65
	for i := range alarms {
		key := fmt.Sprintf("test-%02d", i)
		h.raises(key, "Something is wrong", 1)
		if _, err := h.db.EndAlarm(t.Context(), time.Now(), key); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for path := "/ops/health"; path != ""; {
		page := h.shows(path)
		seen += strings.Count(page, `<span class="mono">test-`)
		path = nextPage(page, "ended")
	}
	if seen != alarms {
		t.Errorf("the pages show %d past alarms, there are %d", seen, alarms)
	}
}
