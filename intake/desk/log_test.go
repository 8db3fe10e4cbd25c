package desk_test

import (
	"fmt"
	"html"
	"net/http"
	"testing"
	"time"

	"signpost/store"
)

// A reply is tried twice, bounces, and is sent again: its log names every try with the server
// and its words, what came back, and the mail that followed.
func TestTheLogOfAMailTellsEveryTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.sends(nil)
	w.json("ana", "POST", path+"/reply", form("body", "Hello"), 201)
	id := delivery(t, w.json("ana", "GET", path, nil, 200), 1)["id"].(string)
	has(t, w.page("ana", path), fmt.Sprintf(`href="%s/log/%s"`, path, id))
	log := path + "/log/" + id
	has(t, w.page("ana", log), "No try has ended yet.", "queued")
	w.sends(map[string]store.Finish{"pia@acme.example": {
		State: store.StateQueued, Reply: "451 4.7.1 come back later", Server: "relay.example", DueAt: time.Now(),
	}})
	w.sends(map[string]store.Finish{"pia@acme.example": mailboxFull()})
	w.json("ana", "POST", path+"/resend", form("id", id), 200)
	w.sends(nil)

	page := html.UnescapeString(w.page("ana", log))
	has(t, page, "The reply (entry 2) of "+k.Number+": log", "relay.example",
		"451 4.7.1 come back later", "to be tried again",
		"552 5.2.2 full", "refused for good, or given up", "What was heard of it", "bounced, ", "(status 5.2.2)",
		"Sent again to", "250 ok", "taken by the server", `href="`+path+`#e2"`)
	lacks(t, page, "not listed", "/ops/ledger/")
	has(t, w.page("ana", path), `class="log-of"`)

	mails := w.json("ana", "GET", log, nil, 200)["mails"].([]any)
	tries := mails[0].(map[string]any)["tries"].([]any)
	if len(mails) != 2 || len(tries) != 2 || tries[0].(map[string]any)["server"] != "relay.example" {
		t.Errorf("as JSON: %v", mails)
	}

	for _, other := range []string{"/log/999", "/log/x", "/log/0"} {
		if got := w.ask("ana", "GET", path+other, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", other, got.Code)
		}
	}
	secret := w.opens(1, "Secret", "Words")
	if got := w.ask("lee", "GET", "/desk/tickets/"+secret.Number+"/log/"+id, nil); got.Code != http.StatusNotFound {
		t.Errorf("another region's: %d", got.Code)
	}
	if got := w.ask("ana", "GET", "/desk/tickets/"+secret.Number+"/log/"+id, nil); got.Code != http.StatusNotFound {
		t.Errorf("by another ticket's path: %d", got.Code)
	}
}

// The list of tries says when it is not whole.
func TestALogOfManyTriesSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	for range store.MaxTries + 2 {
		w.sends(map[string]store.Finish{"pia@acme.example": {State: store.StateQueued, Reply: "451", DueAt: time.Now()}})
	}
	mails, err := store.Items(w.db.OutboundsOfTicket(w.Context(), k.ID, store.Page{Limit: 1}))
	fatal(t, err)
	has(t, w.page("ana", fmt.Sprintf("/desk/tickets/%s/log/%d", k.Number, mails[0].ID)), "2 more tries are not listed")
}
