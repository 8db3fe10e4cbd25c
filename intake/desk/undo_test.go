package desk_test

import (
	"strings"
	"testing"

	"signpost/store"
)

// A reply is taken back onto what was begun since: both texts stand in the box, and the page
// says so. Together they may be longer than one mail: then too nothing is lost, the draft goes
// on being saved, and sending waits until it is short enough.
func TestAReplyTakenBackOntoADraftLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, store.MaxUndo)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	undone := func(reply, since string) string {
		t.Helper()
		sent := w.json("ana", "POST", path+"/reply", form("body", reply), 201)
		if since != "" {
			w.json("ana", "POST", path+"/draft", form("kind", "reply", "body", since), 200)
		}
		got := w.ask("ana", "POST", path+"/undo", form("id", sent["undo"].(string)))
		if got.Code != 303 {
			t.Fatalf("%d\n%.300s", got.Code, got.Body)
		}
		at, _, _ := strings.Cut(got.Header().Get("Location"), "#")
		return w.page("ana", at)
	}
	page := undone("Too early", "")
	has(t, page, "\nToo early</textarea>")
	lacks(t, page, "Both are kept", "All of it is kept")

	page = undone("Too early", "Begun since")
	has(t, page, "\nToo early\n\nBegun since</textarea>", "The reply that you took back stands in front of")

	reply, since := strings.Repeat("reply ", 16_000)+"end", strings.Repeat("since ", 16_000)+"end"
	page = undone(reply, since)
	both := reply + "\n\n" + since
	has(t, page, "\n"+both+"</textarea>", "This is longer than the 100000 characters", "All of it is kept")
	w.json("ana", "POST", path+"/reply", form("body", both), 422)
	w.json("ana", "POST", path+"/draft", form("kind", "reply", "body", both+" more"), 200)
	has(t, w.page("ana", path), "\n"+both+" more</textarea>", "All of it is kept")
	w.json("ana", "POST", path+"/reply", form("body", since), 201)
}
