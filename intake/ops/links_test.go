package ops_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// A link that reached the wrong person is closed by the ticket's number; another
// ticket's stays.
func TestTheLinksOfATicketAreRevokedByItsNumber(t *testing.T) {
	t.Parallel()
	h := open(t)
	var tickets []store.Ticket
	for i := range 2 {
		opened, err := h.db.OpenTicket(t.Context(), time.Now(), store.NewTicket{
			Region: store.Region{ID: "us", Prefix: "US", Address: "us@desk.example"}, Channel: store.ChannelForm,
			Requester: store.Contact{Email: "p@partner.example"}, Body: "Help", Link: store.LinkID{byte(i + 1)},
			LinkExpires: time.Now().Add(time.Hour), MessageID: string(rune('a'+i)) + "@desk.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, opened.Ticket)
	}
	unknown := h.do("POST", "/ops/links/revoke", url.Values{"number": {"US-9"}})
	if unknown.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(unknown.Body.String(), "There is no ticket of that number") {
		t.Errorf("an unknown number: %d", unknown.Code)
	}
	done := h.do("POST", "/ops/links/revoke", url.Values{"number": {" us-1001 "}})
	if to := done.Header().Get("Location"); done.Code != http.StatusSeeOther || to != "/ops/suppressions?revoked=US-1001" {
		t.Fatalf("%d to %q", done.Code, to)
	}
	h.shows("/ops/suppressions?revoked=US-1001", "No link to US-1001 opens it any more")
	for i, want := range []error{store.ErrNotFound, nil} {
		if _, err := h.db.TicketByLink(t.Context(), time.Now(), tickets[i].Link); !errors.Is(err, want) {
			t.Errorf("the link of %s: %v, want %v", tickets[i].Number, err, want)
		}
	}
}
