package desk_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"testing"
)

var (
	entryID     = regexp.MustCompile(`<(?:article|details)[^>]* id="e(\d+)"`)
	earlierLink = regexp.MustCompile(`<a href="([^"]*before=[^"]*)" data-earlier>`)
	versionSeen = regexp.MustCompile(`name="version" value="(\d+)"`)
)

// A long thread is read from its end, page by page, without a script.
func TestALongThreadIsReadFromItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "The first words")
	w.writes(k, 450)
	path := "/desk/tickets/" + k.Number

	var seen []string
	page, pages := w.page("ana", path+"?in=q%3Dx"), 0
	for ; ; pages++ {
		var ids []string
		for _, found := range entryID.FindAllStringSubmatch(page, -1) {
			ids = append(ids, found[1])
		}
		seen = append(ids, seen...)
		if v := versionSeen.FindStringSubmatch(page); v == nil || v[1] != "450" {
			t.Fatalf("page %d answers over version %v", pages, v)
		}
		link := earlierLink.FindStringSubmatch(page)
		if link == nil {
			break
		}
		if pages == 0 {
			lacks(t, page, "Newest messages", "The first words")
		}
		page = w.page("ana", html.UnescapeString(link[1]))
		has(t, page, "Newest messages", path+"?in=q%3Dx")
	}
	has(t, page, "The first words")
	if len(seen) != 450 || seen[0] != "1" || seen[449] != "450" || pages != 2 {
		t.Fatalf("%d entries on %d pages behind the first: %v", len(seen), pages, seen)
	}
	whole := w.json("ana", "GET", path, nil, 200)["entries"].([]any)
	if len(whole) != 450 {
		t.Errorf("%d entries as JSON", len(whole))
	}
}

// Who looks at earlier entries alone has not read the newest, and a reply from there is held.
func TestEarlierEntriesLeaveTheNewestUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	w.writes(k, 20)
	path := "/desk/tickets/" + k.Number
	page := w.page("lee", path+"?before=5")
	has(t, page, `name="version" value="0"`, "Newest messages")
	lacks(t, page, `id="e5"`, "data-public>1")
	has(t, w.page("lee", "/desk/tickets"), `class="is-unread"`)
	got := w.json("lee", "POST", path+"/reply", form("body", "Unseen", "version", "0"), http.StatusConflict)
	if len(got["newer"].([]any)) == 0 {
		t.Error("a reply without the newest is held without saying what is new")
	}
	has(t, w.page("lee", path), `name="version" value="20"`, `id="e20"`)
	lacks(t, w.page("lee", "/desk/tickets"), `class="is-unread"`)
	has(t, w.page("lee", path+"?before=5"), `name="version" value="20"`)
	for _, before := range []string{"0", "x", "-1", "99999999999999"} {
		has(t, w.page("lee", path+"?before="+before), `id="e20"`)
	}
	lacks(t, w.page("lee", path+"?before=1"), `<article`)
}

// A reply that is mailed again stands with its entry, however far back that is.
func TestAReplySentAgainIsToldWithEarlierEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.json("ana", "POST", path+"/reply", form("body", "The first answer"), 201)
	w.json("ana", "POST", path+"/requester", form("email", "new@acme.example"), 200)
	missed := w.json("ana", "GET", path, nil, 200)["missed"].([]any)
	w.json("ana", "POST", path+"/resend", form("id", fmt.Sprint(missed[0])), 200)
	w.writes(k, 330)
	lacks(t, w.page("ana", path), "The first answer")
	earlier := w.page("ana", path+"?before=10")
	has(t, earlier, "The first answer", "Sent again to", "new@acme.example")
	lacks(t, w.page("ana", path), "has not got")
}
