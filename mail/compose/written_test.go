package compose

import (
	"context"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// TestAReplyIsComposedFromItsThread writes two replies as an agent does and composes the
// second one: it holds what stood before it where the address is proven, and never what
// came later.
func TestAReplyIsComposedFromItsThread(t *testing.T) {
	t.Parallel()
	e, err := memory.Open(verbs.Layouts(), memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := verbs.Open(e, verbs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, c, row := context.Background(), composer(t), confirmationRow("en")
	region := store.Region{ID: row.Region, Prefix: "US", Address: row.From, Name: row.FromName, Languages: []string{"en"}}
	opened, err := db.OpenTicket(ctx, queued, store.NewTicket{
		Region: region, Channel: store.ChannelForm, Requester: store.Contact{Name: "Ana Ruiz", Email: row.To, Lang: "en"},
		Body: "Where is my payout?", Link: row.Link, LinkExpires: queued.Add(time.Hour), MessageID: row.MessageID,
	})
	if err != nil {
		t.Fatal(err)
	}
	lee, err := db.AddAgent(ctx, queued, store.ByService(), store.NewAgent{
		Email: "lee@desk.example", Name: "Lee", Roles: []store.Role{store.RoleAgent},
	})
	if err != nil {
		t.Fatal(err)
	}
	profile := store.Profile{Signatures: map[string]string{"en": "Lee, Partner Support"}}
	lee, err = db.ChangeAgent(ctx, queued, store.ByService(), lee.ID, store.AgentChange{Profile: &profile})
	if err != nil {
		t.Fatal(err)
	}
	reply := func(n byte, version uint32, body string) string {
		t.Helper()
		done, err := db.Reply(ctx, queued.Add(time.Duration(n)*time.Minute), lee.Actor(), store.NewReply{
			Ticket: opened.Ticket.ID, Body: body, Then: store.StatusPending, Version: version, Region: region,
			MessageID: strings.Replace(row.MessageID, "c.", "r."+strings.Repeat("a", int(n)), 1),
			Link:      store.LinkID{n}, LinkExpires: queued.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadReply(ctx, db, nil, done.Mail)
		if err != nil {
			t.Fatal(err)
		}
		return open(t, mustReply(t, c, done.Mail, r).Bytes).text
	}
	first := reply(1, 1, "We *look* into it.")
	if !strings.HasPrefix(first, "We look into it.") || !strings.Contains(first, "Lee, Partner Support") ||
		strings.Contains(first, "payout?") {
		t.Errorf("to an address that is not proven:\n%s", first)
	}
	link := opened.Ticket.Link
	if _, err := db.AppendMessage(ctx, queued.Add(2*time.Minute), store.ByPartner(link),
		store.NewMessage{Link: link, Body: "And now?"}); err != nil {
		t.Fatal(err)
	}
	second := reply(3, 3, "It left.")
	news, look, asked := strings.Index(second, "And now?"), strings.Index(second, "look"),
		strings.Index(second, "Where is my payout?")
	if !strings.HasPrefix(second, "It left.") || news < 0 || look < news || asked < look {
		t.Errorf("to a proven address:\n%s", second)
	}
}
