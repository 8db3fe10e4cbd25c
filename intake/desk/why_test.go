package desk_test

import (
	"html"
	"testing"
	"time"

	"signpost/store"
)

// roundTheClock is a policy that works all day: an hour to the first answer, 48 to the
// solution. Its holidays are named and cost nothing.
func roundTheClock(
	region string, kind store.DeadlineKind, opened time.Time, pauses []store.Span,
) (r store.Reckoning, err error) {
	zone, err := time.LoadLocation(map[string]string{"us": "America/New_York", "intl": "Europe/London"}[region])
	if err != nil {
		return r, err
	}
	r = store.Reckoning{Zone: zone, Target: time.Hour, From: opened.In(zone), Due: opened.Add(time.Hour).In(zone)}
	if kind == store.DeadlineResolution {
		r.Target, r.Due, r.Holidays = 48*time.Hour, opened.Add(48*time.Hour).In(zone), []string{"2026-12-25"}
	}
	for _, p := range pauses {
		if r.Pauses = append(r.Pauses, p); !p.To.IsZero() {
			r.Due = r.Due.Add(p.To.Sub(p.From))
		}
	}
	r.Counted = []store.Span{{From: r.From, To: r.Due}}
	return r, nil
}

// Beside each date of a promise stands what was counted, what was not, and the instant in the
// region's zone and the reader's.
func TestATicketTellsWhyItIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	page := html.UnescapeString(w.page("ana", path))
	has(t, page, `<details class="why"><summary>Why</summary>`, "1 h of working time from ", "48 h of working time from ",
		"(America/New_York)", "Fri 25 Dec, a holiday",
		"Due "+k.OpenedAt.Add(time.Hour).In(zoneOf(t, "America/New_York")).Format("Mon 2 Jan, 15:04 MST"))
	lacks(t, page, "for you", "Clock stopped", "other hours")

	w.json("ana", "POST", path+"/reply", form("body", "Which order?", "then", "pending"), 201)
	w.sends(nil)
	has(t, w.page("ana", path), "Clock stopped since ", "are left when the clock goes on")
	_, err := w.db.AppendMessage(w.Context(), store.Instant(time.Now()), store.ByPartner(k.Link),
		store.NewMessage{Link: k.Link, Body: "The first"})
	fatal(t, err)
	w.json("ana", "POST", path+"/reply", form("body", "Look again.", "then", "pending"), 201)
	w.sends(map[string]store.Finish{"pia@acme.example": noSuchUser()})
	page = w.page("ana", path)
	lacks(t, page, "Clock stopped since") // the reply that stopped it came back

	ana := w.door.staff["ana"]
	ana.Profile.Zone = "Asia/Tokyo"
	w.door.staff["ana"] = ana
	has(t, w.page("ana", path), "for you", "(Asia/Tokyo)")
}

// A promise given under other hours stays, and the page says that it differs.
func TestAPromiseOfOtherHoursIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	mails, err := store.Items(w.db.OutboundsOfTicket(w.Context(), k.ID, store.Page{Limit: 1}))
	fatal(t, err)
	rows, err := w.db.ClaimOutbound(w.Context(), time.Now(), store.Claim{Limit: 1, Lease: store.Leases{time.Minute}})
	fatal(t, err)
	late := store.Promise{FirstResponseBy: k.OpenedAt.Add(5 * time.Hour), ResolutionBy: k.Promise.ResolutionBy}
	_, err = w.db.RenewPromise(w.Context(), time.Now(), mails[0].ID, rows[0].Claim, late)
	fatal(t, err)
	has(t, w.page("ana", "/desk/tickets/"+k.Number), "The date that was promised is ", "stays as it is")
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	fatal(t, err)
	return zone
}
