package desk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// lookedAt counts how often the unsolved tickets are read.
type lookedAt struct {
	*verbs.Store
	looks int
}

func (l *lookedAt) DeskCounts(ctx context.Context, by store.Actor) (store.DeskCounts, error) {
	l.looks++
	return l.Store.DeskCounts(ctx, by)
}

// TestAnOpenListReadsTheTicketsOnlyAfterAChange: an hour of silence costs one look, and a
// ticket that comes is told of within the second.
func TestAnOpenListReadsTheTicketsOnlyAfterAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine, err := memory.Open(verbs.Layouts(), memory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		db, err := verbs.Open(engine, verbs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		watched := &lookedAt{Store: db}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		told := 0
		go (&Desk{deps: Deps{Store: watched}}).watchList(ctx, topicList, func(uint64) { told++ })
		after := func(wait time.Duration, looks, news int) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			if watched.looks != looks || told != news {
				t.Errorf("the tickets were read %d times and the page was told %d times, want %d and %d",
					watched.looks, told, looks, news)
			}
		}
		after(time.Hour, 1, 1)
		now := time.Now()
		_, err = db.OpenTicket(ctx, now, store.NewTicket{
			Region:  store.Region{ID: "us", Prefix: "US", Name: "Support US", Address: "us@desk.example"},
			Channel: store.ChannelForm, Title: "The export", Body: "It stops.",
			Requester: store.Contact{Name: "Pia Partner", Email: "pia@acme.example", Lang: "en"},
			Link:      store.LinkID{1}, LinkExpires: now.Add(time.Hour), MessageID: "a@desk.example",
		})
		if err != nil {
			t.Fatal(err)
		}
		after(lookEvery, 2, 2)
		after(time.Hour, 2, 2)
	})
}
