package form_test

import (
	"testing"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// plans puts a ticket on hold with the date of its next update.
func (w *world) plans(k store.Ticket, at time.Time, in time.Duration) {
	w.t.Helper()
	_, err := w.db.PlanUpdate(w.t.Context(), at, lee, k.ID, store.PlannedUpdate{
		By: at.Add(in), Mailing: store.Mailing{
			Region: regions()[0], Link: ident.NewLink(at), LinkExpires: at.Add(24 * time.Hour),
			MessageID: w.ring.MessageID(at, store.MailPromise, "example.com"),
		},
	})
	fatal(w.t, err)
}

// A ticket on hold says by when its partner hears of us; once that, or the first answer, is
// late the page says so before all else, with the date that stands in its place.
func TestAPageSaysTheNextDateOrThatItIsLate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		opened time.Duration // ago; the first answer is promised a day after
		plan   time.Duration // from now, 0 for none
		has    []string
		lacks  []string
	}{
		"in time": {time.Hour, 0, []string{"You will hear from us by"}, []string{"sorry"}},
		"on hold": {time.Hour, 3 * time.Hour, []string{"You will hear from us by"}, []string{"sorry"}},
		"late":    {30 * time.Hour, 0, []string{"You should have heard from us by"}, []string{"will hear"}},
		"late, with a new date": {30 * time.Hour, 3 * time.Hour,
			[]string{"You should have heard from us by", "You will hear from us by"}, nil},
		"the new date is late too": {30 * time.Hour, -time.Hour, []string{"We wanted to write to you by"},
			[]string{"will hear", "should have"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened := now.Add(-c.opened)
			w := newWorld(t, func(s *setting) {
				s.deps.Promise = func(string, time.Time) (store.Promise, error) {
					return store.Promise{FirstResponseBy: store.Instant(opened.Add(24 * time.Hour))}, nil
				}
			})
			ticket, page := w.asked()
			if c.plan > 0 {
				w.plans(ticket, now, c.plan)
			} else if c.plan < 0 {
				w.plans(ticket, now.Add(2*c.plan), -c.plan)
			}
			html := w.get(page).Body.String()
			contains(t, html, c.has...)
			lacks(t, html, c.lacks...)
			if by := w.thread(page).Promise.NextUpdateBy; (by == "") != (c.plan == 0) {
				t.Errorf("the JSON has the next update by %q", by)
			}
		})
	}
}
