package desk_test

import (
	"net/http"
	"net/url"
	"testing"

	"signpost/store"
)

// The browser fetches the ticket behind the one that is answered ahead: that opens it for
// nobody until it is shown.
func TestTheNextTicketIsFetchedAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	first, second := w.opens(0, "First", "Words"), w.opens(0, "Second", "More words")
	path := "/desk/tickets/" + first.Number
	in := "?in=" + url.QueryEscape("view=unassigned")
	opened := w.ask("ana", "GET", path+in, nil)
	has(t, opened.Header().Get("Speculation-Rules"), "/desk/ahead.json")
	if rules := w.ask("ana", "GET", path, nil).Header().Get("Speculation-Rules"); rules != "" {
		t.Errorf("a ticket that was opened from no list fetches ahead by %s", rules)
	}
	next, _ := w.json("ana", "GET", path+"/next"+in, nil, 200)["next"].(string)
	has(t, next, "/desk/tickets/"+second.Number, "view%3Dunassigned")
	if next := w.json("ana", "GET", path+"/next", nil, 200)["next"]; next != "" {
		t.Errorf("behind no list comes %v", next)
	}

	ahead := w.ask("ana", "GET", next, nil, "Sec-Purpose", "prefetch")
	has(t, ahead.Body.String(), "More words", `data-shown="1"`)
	lacks(t, w.page("lee", "/desk/tickets/"+second.Number), "is viewing this")
	if read, err := w.db.ReadUpTo(w.Context(), w.door.staff["ana"].Actor(), second.ID); err != nil || read != 0 {
		t.Errorf("it counts as read up to %d: %v", read, err)
	}
	sent := w.json("ana", "POST", path+"/reply", form("body", "Done", "then", "pending", "in", "view=unassigned"), 201)
	if sent["next"] != "/desk/tickets" && sent["next"] != "/desk/tickets?view=unassigned" { // Lee has the other one open
		t.Errorf("behind the reply comes %v", sent["next"])
	}
	shown := form("state", "here", "read", "1")
	if got := w.ask("ana", "POST", "/desk/tickets/"+second.Number+"/presence", shown); got.Code != http.StatusNoContent {
		t.Fatalf("%d", got.Code)
	}
	has(t, w.page("lee", "/desk/tickets/"+second.Number), "is viewing this")
	if read, err := w.db.ReadUpTo(w.Context(), w.door.staff["ana"].Actor(), second.ID); err != nil || read != 1 {
		t.Errorf("once it is shown it counts as read up to %d: %v", read, err)
	}
}

// Who stays, or goes back to the list, fetches nothing ahead.
func TestNothingIsFetchedAheadForWhoStays(t *testing.T) {
	t.Parallel()
	for _, after := range []store.AfterSend{store.AfterSendStay, store.AfterSendList} {
		w := newWorld(t, 0)
		k := w.opens(0, "First", "Words")
		w.opens(0, "Second", "Words")
		ana := w.door.staff["ana"]
		ana.Profile.AfterSend = after
		w.door.staff["ana"] = ana
		path, in := "/desk/tickets/"+k.Number, "?in=view%3Dunassigned"
		if rules := w.ask("ana", "GET", path+in, nil).Header().Get("Speculation-Rules"); rules != "" {
			t.Errorf("%s: the page fetches ahead by %s", after, rules)
		}
		if next := w.json("ana", "GET", path+"/next"+in, nil, 200)["next"]; next != "" {
			t.Errorf("%s: what follows is %v", after, next)
		}
	}
}
