package desk_test

import (
	"fmt"
	"testing"
	"time"

	"signpost/store"
)

// writes fills a ticket's thread with messages, replies and notes up to so many entries.
func (w *world) writes(k store.Ticket, entries int) {
	w.Helper()
	ana, now := w.door.staff["ana"].Actor(), store.Instant(time.Now())
	for i := int(k.Entries); i < entries; i++ {
		body := fmt.Sprintf("Looked at **order %d** again.\n\n- it is paid\n- it has not left", i)
		var err error
		if i%3 == 0 {
			_, err = w.db.Reply(w.Context(), now, ana, store.NewReply{
				Ticket: k.ID, Body: body, Then: store.StatusOpen, Force: true, Region: regions[0],
				MessageID: fmt.Sprintf("%d.%d@desk.example", k.ID, i), Link: store.LinkID{1, byte(i), byte(i >> 8), byte(k.ID)},
				LinkExpires: now.Add(time.Hour),
			})
		} else {
			_, err = w.db.Note(w.Context(), now, ana, store.NewNote{Ticket: k.ID, Body: body})
		}
		fatal(w, err)
	}
}

// BenchmarkTicket opens tickets with threads of several lengths; those beyond what one page
// shows take no longer.
func BenchmarkTicket(b *testing.B) {
	w := newWorld(b, 0)
	for _, entries := range []int{3, 300, 2000} {
		k := w.opens(0, "Title", "Words")
		w.writes(k, entries)
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.page("ana", "/desk/tickets/"+k.Number)
			}
		})
	}
}
