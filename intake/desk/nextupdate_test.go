package desk_test

import (
	"html"
	"net/url"
	"testing"
	"time"

	"signpost/store"
)

// An agent puts a ticket on hold with a day for its next update, moves it, and reads of both
// in the history; the partner is told by one mail.
func TestAnAgentPromisesTheNextUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words") // of New York
	path := "/desk/tickets/" + k.Number
	has(t, w.page("ana", path), "Next update by", ">Hold<", `name="next_update" value=""`)
	zone, err := time.LoadLocation("America/New_York")
	fatal(t, err)
	day := time.Now().In(zone).AddDate(0, 0, 3).Format(time.DateOnly)
	answer := w.json("ana", "POST", path+"/status", url.Values{"status": {"on_hold"}, "next_update": {day}}, 200)
	at, err := time.ParseInLocation("2006-01-02 15:04", day+" 17:00", zone)
	fatal(t, err)
	promise := answer["promise"].(map[string]any)
	if promise["next_update_by"] != at.UTC().Format(time.RFC3339) || answer["status"] != "on_hold" {
		t.Errorf("%v, %v", answer["status"], promise)
	}
	later := at.Add(50*time.Hour + 30*time.Minute)
	w.json("ana", "POST", path+"/status",
		url.Values{"status": {"on_hold"}, "next_update": {later.In(zone).Format("2006-01-02T15:04")}}, 200)
	page := html.UnescapeString(w.page("ana", path))
	has(t, page, "Ana set the status to on hold (it was open) and promised the next update by",
		"Ana promised the next update by "+later.UTC().Format("Mon 2 Jan 2006, 15:04 UTC"), ">Move<", "next update")
	for _, wrong := range []string{"tomorrow", "2001-01-01", "9999-01-01", "2026-13-01"} {
		answer := w.json("ana", "POST", path+"/status", url.Values{"status": {"on_hold"}, "next_update": {wrong}}, 422)
		if answer["error"] == "" {
			t.Errorf("%s: no reason", wrong)
		}
	}
	told := 0
	mails, err := store.Items(w.db.OutboundsOfTicket(t.Context(), k.ID, store.Page{Limit: 10}))
	fatal(t, err)
	for _, m := range mails {
		if m.Kind == store.MailPromise && m.Overtaken(w.ticket(k)) == "" {
			told++
		}
	}
	if told != 1 || w.kicked < 2 {
		t.Errorf("%d mails tell of the date, kicked %d times", told, w.kicked)
	}
}

func (w *world) ticket(k store.Ticket) store.Ticket {
	w.Helper()
	is, err := w.db.Ticket(w.Context(), k.ID)
	fatal(w, err)
	return is
}
