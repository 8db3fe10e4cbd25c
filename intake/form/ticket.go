package form

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// messagesAtOnce is how many items of a thread one page shows.
const messagesAtOnce = 100

// ticketData is what the ticket page shows.
type ticketData struct {
	Ticket store.Ticket // without its title while Proven is not set
	Proven bool
	Days   []day
	standing
	Status  store.Status // as it is shown
	Zone    *time.Location
	From    string
	Base    string // this page's path
	Version string // of what it shows, see version; "" where it follows nothing
	Earlier string // link to the messages before these, "" for none
	Later   string
	Newest  bool   // the newest message stands first
	Order   string // link to the other order; "" for a single message
	Last    uint32 // the newest message, 0 for none
	Added   uint32 // the entry that has just been added, 0 for none
	// Dead: mail to the requester comes back, so they may give another address.
	Dead   bool
	Action string // of the form that gives it; see the template "address"
	// LinkHeld: a new link was asked for and could not be mailed.
	LinkHeld bool
	Done     string // what has just been done: solved, reopened, rated
	// Rates tells that a rating is taken, in the place of an earlier one if there is one.
	Rates               bool
	Guest               bool // its reader is a colleague
	Colleagues          []colleagueData
	Scores              []int
	Follows, FollowedBy tied

	Draft  *draft
	Faults post.Sentences
	Files  post.FileArea
	Config Config
	Key    string
	Work   string
}

// ZoneName is the city the zone is named for.
func (d ticketData) ZoneName() string {
	return web.City(d.Zone)
}

// day is the messages of one day, as the region's zone sees it.
type day struct {
	At       time.Time
	Messages []message
}

// message is one item of the thread.
type message struct {
	Seq     uint32
	Support bool
	Side    string // a message key
	Own     bool   // its reader wrote it
	Author  string
	At      time.Time
	Body    string        // what a partner wrote, as it stands
	Words   template.HTML // what support wrote
	Files   []messageFile
	Mail    *delivery // of support's; nil where it is not this reader's
}

type messageFile struct{ Name, Size, Link string }

// goneData is what stands behind a link that opens nothing any more.
type goneData struct{ Known bool } // the link was once ours

func (f *Form) showTicket(x *web.Exchange) error {
	door, err := f.openDoor(x)
	if err != nil {
		return f.showGone(x, err)
	}
	switch {
	case x.WantsJSON():
		return f.sendThread(x, door)
	case !door.Proven():
		return f.showAsk(x, http.StatusOK, door)
	}
	return f.showThread(x, http.StatusOK, door, &draft{})
}

func stopsAllMail(s store.Suppression) bool { return s.Scope == store.ScopeAll }

func errUnproven() error {
	return &web.Fault{Status: http.StatusForbidden, Key: "web.unproven", Err: errors.New("the address is not proven")}
}

// refuseUnproven answers a request for a part of a ticket whose address is not yet
// proven.
func (f *Form) refuseUnproven(x *web.Exchange, door store.Door) error {
	if x.WantsJSON() {
		return errUnproven()
	}
	return f.showAsk(x, http.StatusForbidden, door)
}

// linkOf is the link that the token of the path opens.
func (f *Form) linkOf(x *web.Exchange) (store.LinkID, error) {
	link, ok := f.deps.Ring.ParseLink(x.Param("token"))
	if !ok {
		return link, errForged
	}
	return link, nil
}

// basePath is the path of the ticket page that the request is about.
func basePath(x *web.Exchange) string { return path.Join("/t", x.Param("token")) }

// openLink returns the ticket behind the token of the path, for what is its requester's to
// do; ErrForbidden for a colleague.
func (f *Form) openLink(x *web.Exchange) (store.Ticket, error) {
	door, err := f.openDoor(x)
	if err == nil && door.OfColleague() {
		err = fmt.Errorf("link: it is the requester's to do: %w", store.ErrForbidden)
	}
	return door.Ticket, err
}

// openDoor returns the ticket behind the token of the path, and to whom it is opened.
func (f *Form) openDoor(x *web.Exchange) (store.Door, error) {
	x.Private()
	link, err := f.linkOf(x)
	if err != nil {
		return store.Door{}, err
	}
	return f.deps.Tickets.Door(x.Request.Context(), store.Instant(time.Now()), link)
}

// errForged: the link's token was not made here, or not copied whole.
var errForged = fmt.Errorf("link: %w", store.ErrNotFound)

// showGone says the way from a link that opens nothing: 404 for one that was
// never ours or was not copied whole, 410 for one that has expired.
func (f *Form) showGone(x *web.Exchange, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	status, known := http.StatusGone, true
	if errors.Is(err, errForged) {
		status, known = http.StatusNotFound, false
	}
	if x.WantsJSON() {
		return &web.Fault{Status: status, Err: err}
	}
	return f.gone.Show(x, status, goneData{Known: known})
}

// showThread shows a ticket's messages and the follow-up form: of an unproven one,
// the form alone, whose faults are to be mended.
func (f *Form) showThread(x *web.Exchange, status int, door store.Door, d *draft) error {
	ticket := door.Ticket
	x.DefaultLang(door.Lang())
	ctx, now := x.Request.Context(), time.Now()
	held, err := f.deps.Tickets.SuppressionsOf(ctx, store.Instant(now), door.Email())
	if err != nil {
		return err
	}
	data := ticketData{
		Proven:   door.Proven(),
		Guest:    door.OfColleague(),
		standing: standingOf(ticket, now),
		Status:   shownStatus(ticket, now),
		Zone:     f.zone(ticket.Region),
		From:     f.regionByID(ticket.Region).Address,
		Base:     basePath(x),
		Action:   basePath(x) + "/address",
		Dead:     !door.OfColleague() && slices.ContainsFunc(held, stopsAllMail),
		LinkHeld: x.Request.URL.Query().Get("link") == "held",
		Draft:    d,
		Faults:   d.Sentences(x.Lang),
		Files:    f.deps.Posts.FileArea(now, &d.Draft),
		Config:   f.cfg,
		Key:      cmp.Or(d.Key, rand.Text()),
		Work:     f.guard.work.Challenge(now),
	}
	if data.Proven {
		err = f.addThread(x, &data, door)
	} else {
		ticket.Title = ""
	}
	if err != nil {
		return err
	}
	data.Ticket = ticket
	return f.ticket.Show(x, status, data)
}

// addThread adds the newest messages, or those in front of one that the address names, the
// ways to the others, and what else only a proven reader is shown.
func (f *Form) addThread(x *web.Exchange, data *ticketData, door store.Door) error {
	before, _ := strconv.ParseUint(x.Request.URL.Query().Get("before"), 10, 32) // 0: the newest
	now, ticket := time.Now(), door.Ticket
	part, err := f.deps.Tickets.ShownBefore(x.Request.Context(), now, ticket.ID, uint32(before), messagesAtOnce+1)
	if err != nil {
		return err
	}
	mails := deliveriesOf(door, part.Mails)
	entries := part.Entries[max(0, len(part.Entries)-messagesAtOnce):]
	if len(entries) < len(part.Entries) {
		data.Earlier = fmt.Sprintf("%s?before=%d", data.Base, entries[0].Seq)
	}
	if before == 0 {
		data.Version = versionText(version(door, part, now))
	} else {
		data.Later = data.Base
	}
	data.Days = f.days(door, entries, data.Base, data.Zone, mails)
	data.order(x.Choice(cookieOrder, orderNewest, orderOldest) == orderNewest)
	if !data.Guest {
		data.addRating(ticket, time.Now())
		data.Colleagues = colleaguesOf(ticket)
	}
	if data.Follows, err = f.tie(x, door, ticket.Follows); err != nil {
		return err
	}
	if data.FollowedBy, err = f.tie(x, door, ticket.FollowedBy); err != nil {
		return err
	}
	data.Done = x.Request.URL.Query().Get("done")
	if added, err := strconv.ParseUint(x.Request.URL.Query().Get("added"), 10, 32); err == nil {
		data.Added = uint32(added)
	}
	return nil
}

// The order of messages is a reader's choice, kept in a cookie of this name.
const (
	cookieOrder = "order"
	orderNewest = "newest"
	orderOldest = "oldest"
)

// order puts the messages, oldest first, into the order that the reader chose.
func (d *ticketData) order(newestFirst bool) {
	n := 0
	for _, day := range d.Days {
		n += len(day.Messages)
		d.Last = day.Messages[len(day.Messages)-1].Seq
	}
	if n < 2 {
		return
	}
	d.Newest, d.Order = newestFirst, d.Base+"?order="+orderNewest+"#thread"
	if !newestFirst {
		return
	}
	d.Order = d.Base + "?order=" + orderOldest + "#thread"
	slices.Reverse(d.Days)
	for _, day := range d.Days {
		slices.Reverse(day.Messages)
	}
}

// addRating offers to rate a ticket that is solved, or was rated, as long as that may be
// changed.
func (d *ticketData) addRating(ticket store.Ticket, now time.Time) {
	rated := ticket.Rating
	open := rated.Score == 0 || now.Before(rated.FirstAt.Add(store.RatingOpen))
	d.Rates = open && (rated.Score > 0 || !d.Status.Waits())
	if d.Draft.Comment == "" {
		d.Draft.Comment = rated.Comment
	}
	for score := store.MaxScore; score > 0; score-- {
		d.Scores = append(d.Scores, score)
	}
}

// days groups what the partner may see by day. Notes are support's own; events
// are for support to act on.
func (f *Form) days(
	door store.Door, entries []store.Entry, base string, zone *time.Location, mails map[uint32]delivery,
) []day {
	var days []day
	for _, e := range entries {
		if !visible(e, time.Now()) {
			continue
		}
		l := f.messageOf(door, e, base)
		if mail, ok := mails[e.Seq]; ok {
			l.Mail = &mail
		}
		at := e.At.In(zone)
		if n := len(days); n == 0 || !sameDay(days[n-1].At, at) {
			days = append(days, day{At: at})
		}
		last := &days[len(days)-1]
		last.Messages = append(last.Messages, l)
	}
	return days
}

// messageOf is an entry as the page shows it. Support's words are Markdown, whose images
// are links to the entry's files.
func (f *Form) messageOf(door store.Door, e store.Entry, base string) message {
	m := message{
		Seq: e.Seq, Support: e.Kind == store.EntryReply, Side: sideOf(door, e), Author: author(door.Ticket, e), At: e.At,
	}
	m.Own = m.Side == sideOwn
	links := map[string]string{}
	for i, file := range e.Files {
		link := fileLink(base, e.Seq, i, file.Name)
		links[file.Name] = link
		m.Files = append(m.Files, messageFile{Name: file.Name, Size: text.Size(file.Size), Link: link})
	}
	if !m.Support {
		m.Body = e.Body
		return m
	}
	onPage := func(name string) (string, bool) { return links[name], false }
	m.Words = template.HTML(f.deps.Words.HTML(e.Body, onPage)) // safe: markdown.HTML says so
	return m
}

// visible tells what partners are shown. A reply that its author may still take back is
// not.
func visible(e store.Entry, now time.Time) bool { return e.ShownAt(now) }

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// postTicket takes a follow-up. Acting here, and not the visit alone, proves
// that the requester's address is theirs.
func (f *Form) postTicket(x *web.Exchange) error {
	now := time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	door, missing := f.openDoor(x)
	d, err := f.read(x, free)
	if missing != nil {
		return f.refuseLink(x, d, missing)
	}
	page := func(status int) error { return f.showThread(x, status, door, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if d.Switched(x) {
		return page(http.StatusOK)
	}
	if !free {
		return d.RefuseRate(x, wait, page)
	}
	if f.checkFollowUp(d); d.HasFaults() {
		return d.Refuse(x, page)
	}
	return f.append(x, door, d, page)
}

// refuseLink answers a follow-up whose link opens nothing any more: with the
// contact form, in which everything that was sent stands.
func (f *Form) refuseLink(x *web.Exchange, d *draft, err error) error {
	page := func(status int) error { return f.showForm(x, status, d) }
	d.Key, d.Country = "", x.Country()
	switch {
	case errors.Is(err, errForged):
		d.AddFault("form", post.Problem{Key: "form.unknown_title"})
		d.AddFault("form", post.Problem{Key: "form.unknown_text"})
		return d.Answer(x, http.StatusNotFound, page)
	case errors.Is(err, store.ErrNotFound):
		d.AddFault("form", post.Problem{Key: "form.gone_title"})
		d.AddFault("form", post.Problem{Key: "form.gone_way"})
		return d.Answer(x, http.StatusGone, page)
	}
	return d.RefuseStore(x, err, page)
}

func (f *Form) checkFollowUp(d *draft) {
	d.CheckMessage("description", d.Description, f.cfg.MaxDescription)
	if f.guard.work.Verify(d.Work, d.Key, time.Now()) != nil {
		d.AddFault("form", post.Problem{Key: "form.fault_work"})
	}
}

func (f *Form) append(x *web.Exchange, door store.Door, d *draft, page post.Page) error {
	ticket := door.Ticket
	if ticket.StatusAt(time.Now()) == store.StatusClosed {
		return f.goOn(x, door, d, page)
	}
	link, _ := f.linkOf(x) // openDoor verified it
	message := store.NewMessage{
		Link: link, Body: d.Description, Files: d.Files, Idempotency: d.Key, Fingerprint: d.Fingerprint(d.Description),
	}
	entry, err := f.deps.Tickets.AppendMessage(x.Request.Context(), store.Instant(time.Now()), store.ByPartner(link),
		message)
	switch {
	case errors.Is(err, store.ErrClosed): // since the page was opened
		return f.goOn(x, door, d, page)
	case errors.Is(err, store.ErrConflict):
		return d.RefuseRepeat(x, post.Problem{Key: "form.fault_repeat_message"}, page)
	case errors.Is(err, store.ErrNotFound): // since the page was opened
		return f.refuseLink(x, d, err)
	case err != nil:
		return d.RefuseStore(x, err, page)
	}
	f.deps.Kick()
	x.Log.Info("follow-up taken", "request", x.ID, "ticket", ticket.Number, "entry", entry.Seq, "files", len(d.Files))
	if x.WantsJSON() {
		return x.JSON(http.StatusCreated, map[string]any{"number": ticket.Number, "seq": entry.Seq})
	}
	return x.Redirect(basePath(x) + fmt.Sprintf("?added=%d#e%[1]d", entry.Seq))
}
