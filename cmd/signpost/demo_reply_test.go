package main

import (
	"strings"
	"testing"
	"time"

	"signpost/mail/sandbox"
	"signpost/store"
	"signpost/store/ident"
)

// TestAnAgentsReplyReachesThePartner goes the whole road of an answer: held for undo, sent
// in the thread of the confirmation, and counted as the first response when the relay
// took it. One that was taken back is never seen by the relay.
func TestAnAgentsReplyReachesThePartner(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const address = "ana@partner.example.net"
	k := d.opens(t, address)
	confirmation := d.await(t, address, anyMail)
	mails, err := store.Items(d.app.db.OutboundsOfTicket(t.Context(), k.ID, store.Page{Limit: 1}))
	if err != nil || len(mails) != 1 {
		t.Fatal(mails, err)
	}
	first := mails[0]
	lee, err := d.app.db.AgentByEmail(t.Context(), "lee@example.com")
	if err != nil {
		t.Fatal(err)
	}
	reply := func(body string, undo time.Duration) store.Replied {
		t.Helper()
		now, region := store.Instant(time.Now()), d.app.cfg.Regions()[0]
		for _, r := range d.app.cfg.Regions() {
			if r.ID == k.Region {
				region = r
			}
		}
		done, err := d.app.db.Reply(t.Context(), now, lee.Actor(), store.NewReply{
			Ticket: k.ID, Body: body, Then: store.StatusPending, Version: k.Version, Force: true, Undo: undo, Region: region,
			MessageID: d.app.ring.MessageID(now, store.MailReply, store.Domain(region.Address)),
			Link:      ident.NewLink(now), LinkExpires: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		d.app.sender.Kick()
		return done
	}
	undone := reply("Not this one.", 20*time.Second)
	if _, err := d.app.db.Undo(t.Context(), time.Now(), lee.Actor(), undone.Mail.ID); err != nil {
		t.Fatal(err)
	}
	reply("It left **today**.", 0)
	mail := d.await(t, address, func(m sandbox.Mail) bool { return m.ID != confirmation.ID })
	if raw := string(mail.Raw); !strings.Contains(raw, "It left today.") ||
		!strings.Contains(raw, "In-Reply-To: <"+first.MessageID+">") ||
		strings.Contains(raw, "Not this one") || strings.Contains(raw, "Auto-Submitted") {
		t.Errorf("the mail is\n%s", raw)
	}
	comesAbout(t, func() bool {
		k, err := d.app.db.Ticket(t.Context(), k.ID)
		return err == nil && !k.FirstReplyAt.IsZero() && k.Status == store.StatusPending && len(k.Deadlines()) == 0
	})
}
