package desk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// TestTheFormSaysHowFilesGo looks at the reply form while the address is not proven, when it
// is, and with files kept that fit into a mail and that do not. The page and the row that
// the reply leaves as agree.
func TestTheFormSaysHowFilesGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, func(r *store.Region) { r.AttachFiles = 1 << 10 })
	k := w.opens(0, "Payout", "Where is it?")
	path := "/desk/tickets/" + k.Number
	has(t, w.page("ana", path), "Files are linked from the mail, since the address is not proven.")
	if _, err := w.db.ProveAddress(t.Context(), time.Now(), store.ByPartner(k.Link), k.Link); err != nil {
		t.Fatal(err)
	}
	has(t, w.page("ana", path), "Files up to 1 KB together are attached to the mail, more are linked from it.</span>")

	small, large := map[string]string{"a.txt": "small"}, map[string]string{"b.txt": strings.Repeat("large ", 300)}
	for _, c := range []struct {
		files map[string]string
		says  string
		want  bool
	}{
		{small, "The files are attached to the mail.</span>", true},
		{large, "The files are linked from the mail, since they are larger than 1 KB together.</span>", false},
	} {
		fields := map[string]string{"body": "Here.", "then": "open", "kind": "reply"}
		if got := w.upload("ana", path+"/draft", fields, c.files); got.Code != http.StatusSeeOther {
			t.Fatalf("the draft: %d\n%s", got.Code, got.Body)
		}
		has(t, w.page("ana", path), c.says)
		if got := w.upload("ana", path+"/reply", fields, c.files); got.Code != http.StatusSeeOther {
			t.Fatalf("the reply: %d\n%s", got.Code, got.Body)
		}
		mails, err := store.Items(w.db.OutboundsOfTicket(t.Context(), k.ID, store.Page{Limit: 9}))
		fatal(t, err)
		last := mails[0]
		for _, m := range mails {
			if m.ID > last.ID {
				last = m
			}
		}
		if last.Kind != store.MailReply || last.Attached != c.want {
			t.Errorf("%s: the mail is a %s, attached %v", c.says, last.Kind, last.Attached)
		}
	}
}
