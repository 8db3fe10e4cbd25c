package main

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"signpost/store"
)

// opens writes a ticket of a partner into the store, as the form does.
func opens(t *testing.T, a *App, email string, at time.Time) store.Opened {
	t.Helper()
	regions := a.cfg.Regions()
	n := store.NewTicket{
		Region: regions[0], Channel: store.ChannelForm, Requester: store.Contact{Name: "Partner", Email: email,
			Country: "US", Lang: "en"},
		Title: "The export stops", Body: "It stops after the first thousand orders.", MessageID: a.ring.MessageID(at,
			store.MailConfirmation, "example.com"),
		LinkExpires: at.Add(24 * time.Hour), Promise: store.Promise{FirstResponseBy: at.Add(time.Hour),
			ResolutionBy: at.Add(2 * time.Hour)},
	}
	rand.Read(n.Link[:])
	opened, err := a.db.OpenTicket(context.Background(), at, n)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestAProcessTakesOverWhatAnotherLeft: a mail that was under way when the process
// died, and one that was queued while the clock was a year ahead, leave at the
// next start and not when their time has come.
func TestAProcessTakesOverWhatAnotherLeft(t *testing.T) {
	t.Parallel()
	d := startDemo(t, func(a *App) {
		opens(t, a, "under.way@example.net", time.Now())
		lease := store.Leases{time.Hour}
		rows, err := a.db.ClaimOutbound(t.Context(), time.Now(), store.Claim{Limit: 9, Lease: lease})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		opens(t, a, "next.year@example.net", time.Now().Add(365*24*time.Hour))
	})
	d.await(t, "under.way@example.net", anyMail)
	d.await(t, "next.year@example.net", anyMail)
}
