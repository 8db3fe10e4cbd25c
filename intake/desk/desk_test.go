package desk_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func TestAnAgentFindsATicketAndAnswersIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "The export stops", "After a thousand orders.")
	list := w.page("ana", "/desk/tickets?view=unopened")
	has(t, list, "The export stops", "Pia Partner · Acme", "After a thousand orders.", ">in 59 min<")
	has(t, w.page("ana", "/desk"), "Nothing is assigned to you")

	page := w.page("ana", "/desk/tickets/"+strings.ToLower(k.Number))
	has(t, page, "After a thousand orders.", "Reply to <bdi>Pia Partner", "pia@acme.example", "Not proven",
		`name="version" value="1"`)
	lacks(t, w.page("ana", "/desk/tickets?view=unopened"), "The export stops")

	path := "/desk/tickets/" + k.Number
	done := w.ask("ana", "POST", path+"/reply", form("body", "Try *again*.", "then", "pending", "version", "1"))
	if at := done.Header().Get("Location"); done.Code != http.StatusSeeOther || at != path+"#e2" || w.kicked != 1 {
		t.Fatalf("the reply: %d to %q\n%s", done.Code, at, done.Body)
	}
	has(t, w.page("ana", path), "Try <em>again</em>.", "Status became Waiting for partner", "queued")
	has(t, w.page("ana", "/desk"), "The export stops")
	lacks(t, w.page("ana", "/desk"), "row-title unread") // what she wrote she has read
	has(t, w.page("lee", "/desk/tickets?view=waiting_partner"), "row-title unread")
	has(t, w.page("ana", "/desk/tickets?q=EXPORT&status=pending&assignee=ana@desk.example"), "The export stops",
		"Status: Waiting for partner", "Assignee: Ana")
	has(t, w.page("ana", "/desk/tickets?q=nothing"), "No ticket fits")

	answer := w.json("ana", "GET", path, nil, 200)
	entry := answer["entries"].([]any)[1].(map[string]any)
	if entry["kind"] != "reply" || entry["author"] != "Ana" || entry["delivery"].(map[string]any)["state"] != "queued" ||
		answer["version"] != 2.0 || answer["assignee"] != "ana@desk.example" {
		t.Errorf("as JSON: %v", answer)
	}
	for _, name := range []string{"title", "region", "category", "priority", "tags", "promise"} {
		if _, ok := answer[name]; !ok {
			t.Errorf("the ticket lacks %q: %v", name, answer)
		}
	}
}

func TestAReplyWrittenWithoutTheNewestIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	w.json("ana", "POST", path+"/note", form("body", "They called me."), 201)
	got := w.ask("lee", "POST", path+"/reply", form("body", "Old news", "version", "1", "then", "solved"))
	if got.Code != http.StatusConflict {
		t.Fatalf("%d\n%s", got.Code, got.Body)
	}
	page := got.Body.String()
	has(t, page, "They called me.", "\nOld news</textarea>", "This came while you were writing",
		`name="version" value="2"`)
	for _, version := range []string{"0", "-1", "1"} {
		stale := w.json("lee", "POST", path+"/reply", form("body", "x", "version", version), 409)
		if newer := stale["newer"].([]any); len(newer) == 0 || stale["error"] == "" {
			t.Errorf("version %s: %v", version, stale)
		}
	}
	w.json("lee", "POST", path+"/reply", form("body", "Seen", "version", "2"), 201)
	w.json("lee", "POST", path+"/reply", form("body", "No version is all of it"), 201)
	w.json("lee", "POST", path+"/reply", form("body", "x", "version", "many"), 422)
	w.json("lee", "POST", path+"/reply", form("body", " \n"), 422)
	w.json("lee", "POST", path+"/reply", form("body", "x", "then", "closed"), 422)
}

func TestAReplyIsTakenBackFromAnyPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, store.MaxUndo)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	written := w.json("ana", "POST", path+"/reply", form("body", "Too early", "then", "solved", "version", "1"), 201)
	until, err := time.Parse(time.RFC3339, written["until"].(string))
	if id := written["undo"].(string); err != nil || id == "" || time.Until(until) > store.MaxUndo {
		t.Fatalf("%v", written)
	}
	has(t, w.page("ana", "/desk/tickets?view=solved"), "Sending to Pia Partner", path+"/undo")
	lacks(t, w.page("lee", "/desk/tickets"), "Sending to")
	has(t, w.page("ana", path), "can be taken back for")
	if got := w.ask("lee", "POST", path+"/undo", form("id", written["undo"].(string))); got.Code != http.StatusForbidden {
		t.Errorf("a colleague takes it back: %d", got.Code)
	}
	other := "/desk/tickets/" + w.opens(0, "Another", "Words").Number
	w.json("ana", "POST", other+"/undo", form("id", written["undo"].(string)), http.StatusNotFound)
	got := w.ask("ana", "POST", path+"/undo", form("id", written["undo"].(string)))
	if got.Code != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.Code, got.Body)
	}
	page := w.page("ana", got.Header().Get("Location"))
	has(t, page, "\nToo early</textarea>", "took back a reply")
	lacks(t, page, "Sending to")
	for id, status := range map[string]int{written["undo"].(string): 409, "x": 422, "999": 404} {
		w.json("ana", "POST", path+"/undo", form("id", id), status)
	}
}

func TestWhatIsArrangedIsToldInTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(1, "Title", "Words").Number
	for _, act := range [][4]string{
		{"/assign", "agent", "ana@desk.example", "200"}, {"/priority", "priority", "urgent", "200"},
		{"/category", "category", "Orders", "200"}, {"/tags", "tags", " Later,b,,b ", "200"},
		{"/status", "status", "on_hold", "200"},
		{"/assign", "agent", "lee@desk.example", "422"}, {"/assign", "agent", "nobody@desk.example", "422"},
		{"/priority", "priority", "top", "422"}, {"/category", "category", "None", "422"},
		{"/status", "status", "closed", "422"},
		{"/tags", "tags", strings.Repeat("x", store.MaxTag+1), "422"},
		// A form that was cut off before its field clears nothing.
		{"/assign", "agen", "", "422"}, {"/category", "categor", "", "422"}, {"/tags", "tag", "", "422"},
	} {
		want := 200
		fmt.Sscan(act[3], &want)
		answer := w.json("ana", "POST", path+act[0], form(act[1], act[2]), want)
		if want == 422 && answer["error"] == "" {
			t.Errorf("%v: no reason", act)
		}
	}
	page := html.UnescapeString(w.page("ana", path))
	has(t, page, "Ana took the ticket", "Ana set the priority to urgent (it was normal)", "Ana set the category to Orders",
		"Ana changed the tags: added b, later", "Ana set the status to on hold (it was open)", "and 4 more")
	answer := w.json("ana", "GET", path, nil, 200)
	if len(answer["entries"].([]any)) != 1 || fmt.Sprint(answer["tags"]) != "[b later]" {
		t.Errorf("%v", answer)
	}
	if with := w.json("ana", "GET", path+"?events=1", nil, 200); len(with["entries"].([]any)) != 6 {
		t.Errorf("with events: %v", with["entries"])
	}
	w.json("ana", "POST", path+"/assign", form("agent", ""), 200)
	has(t, w.page("ana", path), "took the ticket off Ana")
}

func TestAnotherRegionsTicketIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(1, "Secret export", "Words")
	path := "/desk/tickets/" + k.Number
	addresses := []string{path, path + "/files/1/0/x", path + "/preview/x", "/desk/tickets/INT-9999", "/desk/tickets/%00"}
	for _, at := range addresses {
		got := w.ask("lee", "GET", at, nil)
		if got.Code != http.StatusNotFound || strings.Contains(got.Body.String(), "Secret") {
			t.Errorf("GET %s: %d", at, got.Code)
		}
	}
	acts := "reply note draft preview undo resend requester assign status priority category tags presence"
	for act := range strings.FieldsSeq(acts) {
		got := w.ask("lee", "POST", path+"/"+act, form("body", "x", "status", "solved", "id", "1", "email", "x@acme.example"))
		if got.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", act, got.Code)
		}
	}
	lacks(t, w.page("lee", "/desk/tickets?view=all&q=secret"), "Secret export")
	counts := w.json("lee", "GET", "/desk/tickets", nil, 200)["counts"].(map[string]any)
	if counts["all"] != 0.0 {
		t.Errorf("counts %v", counts)
	}
	if got := w.ask("stranger", "GET", "/desk", nil); got.Code != http.StatusForbidden {
		t.Errorf("a stranger: %d", got.Code)
	}
}

func TestAForeignPageDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	for _, act := range []string{"reply", "note", "assign", "status", "undo", "draft", "presence"} {
		got := w.ask("ana", "POST", path+"/"+act, form("body", "x", "status", "solved"), "Sec-Fetch-Site", "cross-site")
		if got.Code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", act, got.Code)
		}
	}
	if answer := w.json("ana", "GET", path, nil, 200); answer["status"] != "open" || answer["version"] != 1.0 {
		t.Errorf("%v", answer)
	}
}

// payloads are what would run, break a page or a header where it is not escaped.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `'"--><svg/onload=alert(1)>`,
	"{{.Ring}}", "\u202Egpj.exe", "a\r\nBcc: x@y.example", `[x](javascript:alert(1))`, `![x](data:text/html,<script>)`,
}

var live = regexp.MustCompile(`(?i)<script>alert|<img src=x|<svg/|(href|src|action)="(javascript|data):`)

func TestHostileTextsAreText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	for _, evil := range payloads {
		line := strings.NewReplacer("\r", "", "\n", " ").Replace(evil)
		k := w.opens(0, line, evil)
		path := "/desk/tickets/" + k.Number
		w.upload("ana", path+"/note", map[string]string{"body": evil}, map[string]string{line + ".txt": "x"})
		w.json("ana", "POST", path+"/reply", form("body", evil), 201)
		w.ask("ana", "POST", path+"/tags", form("tags", line))
		for _, at := range []string{path, "/desk/tickets?q=" + url.QueryEscape(line) + "&tag=" + url.QueryEscape(line),
			path + "?in=" + url.QueryEscape("q="+line), path + "?write=" + url.QueryEscape(line)} {
			if page := w.page("ana", at); live.MatchString(page) {
				t.Errorf("%q runs on %s: %s", evil, at, live.FindString(page))
			}
		}
		w.json("ana", "GET", path, nil, 200)
		preview := w.ask("ana", "POST", path+"/preview", form("body", evil))
		if live.MatchString(preview.Body.String()) {
			t.Errorf("%q runs in the preview", evil)
		}
	}
}

func TestFilesAreSavedOrLookedAtAndRunNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 64)
	w.upload("ana", path+"/note", map[string]string{"body": "See ![a.png](a.png)"},
		map[string]string{"a.png": png})
	w.upload("ana", path+"/note", map[string]string{"body": "A page"},
		map[string]string{"b.txt": "<script>alert(1)</script>"})
	page := w.page("ana", path)
	has(t, page, `<img src="`+path+`/files/2/0/a.png?show=1"`)
	shown := w.ask("ana", "GET", path+"/files/2/0/a.png?show=1", nil)
	const how = "Content-Disposition"
	if shown.Header().Get("Content-Type") != "image/png" || !strings.HasPrefix(shown.Header().Get(how), "inline") ||
		!strings.Contains(shown.Header().Get("Content-Security-Policy"), "sandbox") || shown.Body.String() != png {
		t.Errorf("the picture: %v", shown.Header())
	}
	text := w.ask("ana", "GET", path+"/files/3/0/b.txt?show=1", nil)
	kind := text.Header().Get("Content-Type")
	if !strings.HasPrefix(kind, "text/plain") && !strings.HasPrefix(text.Header().Get(how), "attachment") {
		t.Errorf("markup as a text: %v", text.Header())
	}
	saved := w.ask("ana", "GET", path+"/files/2/0/x", nil)
	if !strings.HasPrefix(saved.Header().Get(how), "attachment") {
		t.Errorf("saved: %v", saved.Header())
	}
	for _, at := range []string{"/files/2/1/x", "/files/0/0/x", "/files/9/0/x", "/files/2/-1/x", "/files/x/y/z"} {
		if got := w.ask("ana", "GET", path+at, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", at, got.Code)
		}
	}
}

func TestADraftIsItsAuthorsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.json("ana", "POST", path+"/draft", form("kind", "reply", "body", "Half a sen", "version", "1"), 200)
	w.json("ana", "POST", path+"/draft", form("kind", "note", "body", "Ask Lee"), 200)
	w.json("lee", "POST", path+"/assign", form("agent", "lee@desk.example"), 200)
	has(t, w.page("ana", path), "\nHalf a sen</textarea>", "\nAsk Lee</textarea>")
	lacks(t, w.page("lee", path), "Half a sen", "Ask Lee")
	w.json("ana", "POST", path+"/draft", form("kind", "note", "body", ""), 200)
	w.json("ana", "POST", path+"/reply", form("body", "A whole sentence.", "version", "1"), 201)
	page := w.page("ana", path)
	lacks(t, page, "Half a sen", "Ask Lee")
	has(t, page, "A whole sentence.")
}

func TestColleaguesSeeWhoIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	w.page("ana", path)
	has(t, w.page("lee", path), "Ana is viewing this since <time")
	if got := w.ask("ana", "POST", path+"/presence", form("state", "typing")); got.Code != http.StatusNoContent {
		t.Fatalf("%d", got.Code)
	}
	has(t, w.page("lee", path), "Ana is writing since <time")
	has(t, w.page("lee", "/desk/tickets"), "Ana, writing since <time")
	lacks(t, w.page("ana", path), "Ana is")
	has(t, w.page("lee", path), "Ana is writing since <time") // also behind a page that ana's browser fetched anew
	w.ask("ana", "POST", path+"/presence", form("state", "gone"))
	lacks(t, w.page("lee", path), "Ana is")
}

func TestTheNextTicketFollowsAReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	first, second := w.opens(0, "First", "Words"), w.opens(0, "Second", "Words")
	list := w.page("ana", "/desk/tickets?view=waiting_us")
	link := regexp.MustCompile(`href="(/desk/tickets/` + first.Number + `[^"]*)"`).FindStringSubmatch(list)
	if link == nil {
		t.Fatal("the list does not lead to the ticket")
	}
	opened, _, _ := strings.Cut(html.UnescapeString(link[1]), "#")
	has(t, w.page("ana", opened), `name="in" value="view=waiting_us"`, "then the next ticket")
	reply := form("body", "Done", "then", "pending", "version", "1", "in", "view=waiting_us")
	got := w.ask("ana", "POST", "/desk/tickets/"+first.Number+"/reply", reply)
	if at := got.Header().Get("Location"); !strings.HasPrefix(at, "/desk/tickets/"+second.Number+"?in=view") {
		t.Errorf("after the reply: %q", at)
	}
	got = w.ask("ana", "POST", "/desk/tickets/"+second.Number+"/reply", reply)
	if at := got.Header().Get("Location"); at != "/desk/tickets?view=waiting_us" {
		t.Errorf("after the last one: %q", at)
	}
	bad := form("body", "Done", "in", "https://evil.example/%zz")
	got = w.ask("ana", "POST", "/desk/tickets/"+second.Number+"/reply", bad)
	if at := got.Header().Get("Location"); !strings.HasPrefix(at, "/desk/") {
		t.Errorf("it leads away: %q", at)
	}
}

func TestAListIsPagedByItsCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	for i := range 5 {
		w.opens(i%2, fmt.Sprintf("Ticket %d", i), "Words")
	}
	seen, next := map[string]bool{}, ""
	for range 4 {
		page := w.json("ana", "GET", "/desk/tickets?limit=2&after="+url.QueryEscape(next), nil, 200)
		for _, item := range page["items"].([]any) {
			seen[item.(map[string]any)["number"].(string)] = true
		}
		if next = page["next"].(string); next == "" {
			break
		}
	}
	if len(seen) != 5 || next != "" {
		t.Errorf("%v, and then %q", seen, next)
	}
	if got := w.ask("ana", "GET", "/desk/tickets?after=damaged", nil); got.Code != 200 {
		t.Errorf("an old page: %d", got.Code)
	}
	w.json("ana", "GET", "/desk/tickets?after=damaged", nil, 422)
}

// The page offers to take an unassigned ticket by the first key, unless its reader's profile says
// otherwise; what was taken so is given back only while it is still theirs.
func TestTheFirstKeyOfAReplyTakesATicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	path := "/desk/tickets/" + w.opens(0, "Title", "Words").Number
	has(t, w.page("ana", path), `data-claim="ana@desk.example"`)
	ana := w.door.staff["ana"]
	ana.Profile.ClaimOff = true
	w.door.staff["ana"] = ana
	lacks(t, w.page("ana", path), "data-claim")

	w.json("lee", "POST", path+"/assign", form("agent", "lee@desk.example"), 200)
	lacks(t, w.page("lee", path), "data-claim")
	w.json("ana", "POST", path+"/assign", form("agent", "ana@desk.example"), 200)
	w.json("lee", "POST", path+"/assign", form("agent", "", "from", "lee@desk.example"), 422)
	if now := w.json("ana", "GET", path, nil, 200); now["assignee"] != "ana@desk.example" {
		t.Errorf("given back though another took it: %v", now["assignee"])
	}
	w.json("ana", "POST", path+"/assign", form("agent", "", "from", "ANA@desk.example"), 200)
	if now := w.json("ana", "GET", path, nil, 200); now["assignee"] != "" {
		t.Errorf("not given back: %v", now["assignee"])
	}
}

// A list's rows hold what its keys set, and its page the values that can be chosen; the way back
// from a ticket leads to the same page of the list.
func TestAListCanBeActedOnByItsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "Title", "Words")
	path := "/desk/tickets/" + k.Number
	w.json("ana", "POST", path+"/tags", form("tags", "b, a"), 200)
	w.json("ana", "POST", path+"/assign", form("agent", "lee@desk.example"), 200)
	page := w.page("ana", "/desk/tickets")
	has(t, page, `data-ticket-row="`+path+`" data-status="open" data-priority="normal" data-category="" `+
		`data-tags="a, b" data-assign="lee@desk.example"`, `data-row-acts="ana@desk.example"`,
		`<option value="lee@desk.example">Lee</option>`, `<option value="Orders">Orders</option>`, `data-row-act="tags"`)
	for _, key := range []string{`data-press="a"`, `data-press="A"`, `data-press="s"`, `data-press="t"`, `data-press="p"`,
		`data-press="c"`, `data-press="e"`} {
		has(t, page, key)
	}
	in := url.QueryEscape("view=waiting_us&after=xyz")
	has(t, html.UnescapeString(w.page("ana", path+"?in="+in)), `href="/desk/tickets?after=xyz&view=waiting_us"`)
}

// A list shows the words of a reply as they read, and those of a partner as they wrote them.
func TestAListShowsTheWordsOfAReplyWithoutMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	k := w.opens(0, "First", "The price is **2*3** [net](x)")
	has(t, w.page("ana", "/desk/tickets"), "The price is **2*3** [net](x)")
	reply := form("body", "# Hello\n\nPlease send **two** `orders`", "then", "open")
	w.json("ana", "POST", "/desk/tickets/"+k.Number+"/reply", reply, 201)
	has(t, w.page("ana", "/desk/tickets"), "Hello Please send two orders")
}
