package sandbox

import (
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// componentsData shows each part of the staff pages in each of its states.
type componentsData struct {
	Badges     []web.Badge
	Timers     []web.Timer
	Deliveries []web.Delivery
	Avatars    []web.Avatar
	Tabs       web.Tabs
	Empty      web.Empty
	Pagers     []web.Pager
	Toast      web.Toast
	Icons      []string
	Rows       []componentRow
	Number     string // of the ticket that is open among the panes
}

// componentRow is a row of a list as the desk has them.
type componentRow struct {
	Number, From, Title, Words string
	Timer                      web.Timer
	Badge                      web.Badge
	Delivery                   *web.Delivery
	Who                        web.Avatar
	Unread                     bool
}

// showComponents is where the accessibility check and a person's eye find every part
// of the staff pages: the parts one below the other, or with view=panes laid out as
// a desk.
func (b *Sandbox) showComponents(x *web.Exchange) error {
	x.Staff(store.Agent{Name: "Demo Agent", Email: "agent@example.com"}, "")
	now := time.Now()
	d := componentsData{
		Badges: []web.Badge{
			{Words: "grey"}, {Tone: "teal", Words: "open"}, {Tone: "amber", Words: "paused", Icon: "pause"},
			{Tone: "red", Words: "bounced", Icon: "warning"}, {Tone: "green", Words: "solved", Icon: "check"},
			{Tone: "violet", Words: "internal note", Icon: "note"},
		},
		Timers: componentTimers(now),
		Tabs: web.Tabs{Label: "Sample", Items: []web.Tab{
			{Name: "Open", Path: "?tab=open", Current: true, Count: &web.Count{N: 12, Words: "tickets"}},
			{Name: "Bounced", Path: "?tab=bounced", Count: &web.Count{N: 2, Words: "mails", Tone: "red"}},
			{Name: "All", Path: "?tab=all", Count: &web.Count{N: 4821, Words: "tickets"}},
		}},
		Empty: web.Empty{Icon: "inbox", Title: "No ticket waits for you.",
			Text: "A ticket that is assigned to you appears here.", Link: "?", Do: "Show unassigned tickets"},
		Pagers: []web.Pager{{Shown: "1 to 50 of 1,000+", Next: "?page=2"}, {Shown: "51 to 72 of 72", First: "?page=1"}},
		Toast:  web.Toast{Words: "3 tickets solved.", Undo: &web.Undo{Path: "/desk/components"}},
		Icons:  componentIcons(),
		Rows:   componentRows(now),
	}
	for _, state := range []string{"waiting", "queued", "held", "sent", "delivered", "delayed", "bounced", "failed"} {
		d.Deliveries = append(d.Deliveries, web.Delivery{State: state})
	}
	for _, presence := range []string{"", "here", "typing"} {
		d.Avatars = append(d.Avatars, web.AvatarOf("Demo Agent", "agent@example.com", presence))
	}
	if x.Request.URL.Query().Get("view") == "panes" {
		d.Number = d.Rows[1].Number
		return b.panes.Show(x, http.StatusOK, d)
	}
	return b.components.Show(x, http.StatusOK, d)
}

func componentTimers(now time.Time) []web.Timer {
	return []web.Timer{
		{State: web.TimerRunning, Of: "first answer", Words: "in 2 h 10 min", At: now.Add(130 * time.Minute)},
		{State: web.TimerSoon, Of: "next answer", Words: "in 12 min", At: now.Add(12 * time.Minute)},
		{State: web.TimerMissed, Of: "first answer", Words: "missed by 40 min", At: now.Add(-40 * time.Minute)},
		{State: web.TimerPaused, Of: "resolution", Words: "paused"},
		{State: web.TimerMet, Of: "first answer", Words: "met"},
	}
}

func componentIcons() []string {
	return []string{
		"envelope", "envelope-cross", "inbox", "send", "reply", "note", "clip", "clock", "bell", "pause", "check", "cross",
		"warning", "arrow", "undo", "download", "globe", "pen", "sign", "chart", "search", "menu", "sliders", "out", "heart",
		"person", "people", "list", "tag", "flag", "dots", "eye",
	}
}

func componentRows(now time.Time) (rows []componentRow) {
	titles := []string{
		"The nightly export stops after a thousand orders", "Wrong prices in the price list of November",
		"How do I add a second contact to our company, so that both of us see what was answered?",
		"Login fails since this morning", "Invoice 2041 names the old address", "Feed answers 503",
	}
	timers := componentTimers(now)
	for i, title := range titles {
		row := componentRow{
			Number: []string{"US-1042", "INT-88", "US-1043", "US-1049", "INT-90", "INT-91"}[i],
			From:   "partner@example.com", Title: title, Words: "Since the update of Tuesday the file is there, and ends early.",
			Timer: timers[i%len(timers)], Unread: i < 2, Badge: web.Badge{Tone: "teal", Words: "open"},
			Who: web.AvatarOf("Demo Agent", "", []string{"", "typing", "here"}[i%3]),
		}
		if i == 2 {
			row.Delivery = &web.Delivery{State: "bounced"}
		}
		rows = append(rows, row)
	}
	return rows
}
