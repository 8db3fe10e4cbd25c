package desk_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// Every form of a ticket's page is refused once, with a draft in the other form: the page
// that says why holds what was typed, and what stood in the others.
func TestARefusalLosesNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 20_001)
	for name, c := range map[string]struct {
		act    string
		form   url.Values
		status int
		kept   []string
	}{
		"a reply to an old version": {"reply", form("body", "My words", "version", "0"), 409,
			[]string{"\nMy words</textarea>"}},
		"a reply with a wrong status": {"reply", form("body", "My words", "then", "gone"), 422,
			[]string{"\nMy words</textarea>", "cannot be given this status"}},
		"a reply that is too long": {"reply", form("body", long), 422, []string{strings.TrimSpace(long)}},
		"a note that is too long":  {"note", form("body", long), 422, []string{strings.TrimSpace(long)}},
		"a draft that is too long": {"draft", form("body", long+long, "kind", "note"), 422,
			[]string{strings.TrimSpace(long + long)}},
		"a preview of a lone blank": {"preview", form("body", " "), 422, []string{"Please write something first."}},
		"an address that is none": {"requester", form("email", "pia@no where"), 422,
			[]string{`value="pia@no where"`, `<details class="another" open>`}},
		"an address of ours": {"requester", form("email", "us@desk.example"), 422, []string{`value="us@desk.example"`}},
		"a tag that is too long": {"tags", form("tags", "fine, "+strings.Repeat("x", store.MaxTag+1)), 422,
			[]string{`value="fine, xxx`}},
		"a category that is gone": {"category", form("category", "None"), 422, []string{"There is no such category."}},
		"a priority that is none": {"priority", form("priority", "top"), 422, []string{`role="alert"`}},
		"a status that is none":   {"status", form("status", "gone"), 422, []string{`role="alert"`}},
		"an assignee that is none": {"assign", form("agent", "who@desk.example"), 422,
			[]string{"No agent has this address."}},
		"a mail that is none": {"resend", form("id", "x"), 422, []string{`role="alert"`}},
		"an undo of nothing":  {"undo", form("id", "x"), 422, []string{"There is no such reply to take back."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0)
			path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
			drafts := map[string]string{"reply": "\nA reply begun</textarea>", "note": "\nA note begun</textarea>"}
			w.json("ana", "POST", path+"/draft", form("kind", "reply", "body", "A reply begun"), 200)
			w.json("ana", "POST", path+"/draft", form("kind", "note", "body", "A note begun"), 200)
			got := w.ask("ana", "POST", path+"/"+c.act, c.form)
			if got.Code != c.status {
				t.Fatalf("%d, want %d\n%.300s", got.Code, c.status, got.Body)
			}
			page := html.UnescapeString(got.Body.String())
			has(t, page, c.kept...)
			refilled := map[string]string{"draft": c.form.Get("kind"), "preview": "reply"}
			for kind, draft := range drafts {
				if kind != c.act && kind != refilled[c.act] {
					has(t, page, draft)
				}
			}
			if w.json("ana", "GET", path, nil, 200)["version"] != 1.0 {
				t.Error("something was written")
			}
		})
	}
}

// A form that was cut off before a field, or is another program's, clears nothing.
func TestAMissingFieldIsNoEmptyOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	for act, f := range map[string]url.Values{
		"assign": form("agent", "ana@desk.example"), "priority": form("priority", "high"),
		"category": form("category", "Orders"), "tags": form("tags", "kept"),
		"draft": form("kind", "reply", "body", "Half a sentence"),
	} {
		w.json("ana", "POST", path+"/"+act, f, 200)
	}
	w.json("ana", "POST", path+"/draft", form("kind", "note", "body", "Half a note"), 200)
	before := w.json("ana", "GET", path+"?events=1", nil, 200)
	for _, c := range []struct {
		act  string
		form url.Values
	}{
		{"assign", form()}, {"priority", form()}, {"category", form()}, {"tags", form()}, {"status", form()},
		{"requester", form()}, {"resend", form()}, {"undo", form()}, {"presence", form()}, {"reply", form()},
		{"note", form()}, {"preview", form()},
		{"draft", form("kind", "reply")}, {"draft", form("kind", "note", "version", "1")}, {"draft", form("body", "")},
		{"draft", form("kind", "mail", "body", "")},
	} {
		w.json("ana", "POST", path+"/"+c.act, c.form, http.StatusUnprocessableEntity)
	}
	page := w.page("ana", path)
	has(t, page, "\nHalf a sentence</textarea>", "\nHalf a note</textarea>", `value="kept"`)
	after := w.json("ana", "GET", path+"?events=1", nil, 200)
	if len(after["entries"].([]any)) != len(before["entries"].([]any)) {
		t.Errorf("something was written: %v", after["entries"])
	}
	has(t, w.ask("ana", "POST", path+"/draft", form("kind", "reply")).Body.String(), "\nHalf a sentence</textarea>")
	w.json("ana", "POST", path+"/draft", form("kind", "reply", "body", ""), 200)
	lacks(t, w.page("ana", path), "Half a sentence")
}

// The verb refuses its author, or the store takes nothing now: the words stand on the page.
func TestAStoreThatRefusesLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, store.MaxUndo)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	reply := w.json("ana", "POST", path+"/reply", form("body", "Hers"), 201)
	got := w.ask("lee", "POST", path+"/undo", form("id", reply["undo"].(string)))
	if got.Code != http.StatusForbidden {
		t.Fatalf("%d", got.Code)
	}
	has(t, got.Body.String(), "Only its author can take a reply back.", "Title")
	for _, err := range []error{store.ErrForbidden, store.ErrFull} {
		w.broken = err
		status := map[error]int{store.ErrForbidden: 403, store.ErrFull: 503}[err]
		for act, f := range map[string]url.Values{
			"reply": form("body", "My words"), "note": form("body", "My words"), "tags": form("tags", "My words"),
			"requester": form("email", "my@words.example"), "draft": form("kind", "reply", "body", "My words"),
		} {
			got := w.ask("ana", "POST", path+"/"+act, f)
			if got.Code != status {
				t.Errorf("%s: %d, want %d", act, got.Code, status)
			}
			has(t, strings.ToLower(got.Body.String()), "my", "words", `role="alert"`)
		}
		w.broken = nil
	}
}

// breakable is the store, whose verbs of writing fail with the world's fault while there is one.
type breakable struct {
	*verbs.Store
	w *world
}

func (b breakable) Reply(
	ctx context.Context, now time.Time, by store.Actor, n store.NewReply,
) (done store.Replied, err error) {
	if b.w.broken != nil {
		return done, b.w.broken
	}
	return b.Store.Reply(ctx, now, by, n)
}

func (b breakable) Note(
	ctx context.Context, now time.Time, by store.Actor, n store.NewNote,
) (done store.Noted, err error) {
	if b.w.broken != nil {
		return done, b.w.broken
	}
	return b.Store.Note(ctx, now, by, n)
}

func (b breakable) SetTags(
	ctx context.Context, now time.Time, by store.Actor, id store.TicketID, tags []string,
) (k store.Ticket, err error) {
	if b.w.broken != nil {
		return k, b.w.broken
	}
	return b.Store.SetTags(ctx, now, by, id, tags)
}

func (b breakable) ChangeRequester(
	ctx context.Context, now time.Time, by store.Actor, n store.NewAddress,
) (done store.Opened, err error) {
	if b.w.broken != nil {
		return done, b.w.broken
	}
	return b.Store.ChangeRequester(ctx, now, by, n)
}

func (b breakable) SaveDraft(ctx context.Context, now time.Time, by store.Actor, d store.Draft) error {
	if b.w.broken != nil {
		return b.w.broken
	}
	return b.Store.SaveDraft(ctx, now, by, d)
}
