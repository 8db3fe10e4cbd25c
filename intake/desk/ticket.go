package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// ticketData is what the ticket's page shows.
type ticketData struct {
	Ticket   store.Ticket
	Path     string
	List     string // where the list is that it was opened from
	In       string // that list's parameters, which the forms carry along
	Status   web.Badge
	Priority *web.Badge
	Timers   []web.Timer
	Promises []promised
	Items    []item
	Earlier  int // entries before those shown
	// EarlierTo and LatestTo are where those are, and the newest ones; "": here.
	EarlierTo, LatestTo string
	Public              []uint32 // messages, replies and notes, for the page to tell what is new
	Me                  string   // the reader's address
	Claim               string   // the same, where their first key takes the ticket; "" where it does not
	MyID                store.AgentID
	Zone                *time.Location
	Ahead               bool // it was fetched before its reader asked for it

	Present []onTicket
	Toasts  []web.Toast

	// Writing.
	Reply, Note composer
	Note1st     bool // the note is open, not the reply
	Files       post.FileArea
	Newer       []item             // what came while the reply was written
	Dead        string             // why no mail reaches the requester's address, "" when it does
	Missed      []store.OutboundID // replies that the requester's address has not got
	Undo        string             // how long a reply can be taken back, "": not at all
	After       string             // what follows a reply, on the button
	Attaching   attaching

	// Details.
	Requester  store.Contact
	Proven     bool
	Rated      string // "" without a rating
	Country    string
	Assignee   []option
	Statuses   []option
	Priorities []option
	Categories []option
	Tags       string
	Region     string
	Channel    string
	Opened     template.HTML
	Others     []other // the requester's other tickets
	Company    []other // those of the same mail domain
	Domain     string
	NextUpdate nextUpdate
	NewAddress *string  // what was typed as the requester's, where it was refused
	People     []person // colleagues
	InCopy     string   // who gets a reply beside the requester, in words; "": none
	// What was typed to name a colleague, where it was refused.
	NewColleague *string
	Reason       string
	Faults       []string // of a form in the details
}

// promised is one date of the promise.
type promised struct {
	Name, Words string
	Timer       *web.Timer
	At          template.HTML
	Why         *why // nil where it cannot be told
	kind        store.DeadlineKind
}

// composer is one of the two forms for writing.
type composer struct {
	Kind    store.EntryKind
	In      string // the list that the ticket was opened from
	Body    string
	Then    store.Status
	Key     string
	Version uint32
	Saved   time.Time // of the draft it began with; zero: none
	Draft   *post.Draft
	Area    post.FileArea
	Joined  string // what the text is made of, after a reply was taken back onto a draft
	Faults  post.Sentences
}

// choice is a form in the details by which one value is set.
type choice struct {
	Path, Name, Field, Label, In string
	Options                      []option
}

// Choose is the form of that name, which is also the last part of its address.
func (t ticketData) Choose(name string) choice {
	c := choice{Path: t.Path, Name: name, Field: name, In: t.In, Label: capital(name)}
	switch name {
	case "assign":
		c.Field, c.Label, c.Options = "agent", "Assigned to", t.Assignee
	case "status":
		c.Options = t.Statuses
	case "priority":
		c.Options = t.Priorities
	case "category":
		c.Options = t.Categories
	}
	return c
}

// other is another ticket, named beside this one.
type other struct {
	Number, Path, Title string
	Status              web.Badge
}

func (d *Desk) showTicket(x *web.Exchange, who store.Agent) error {
	if x.WantsJSON() {
		t, err := d.thread(x, who)
		if err != nil {
			return err
		}
		return d.sendTicket(x, t)
	}
	return d.page(x, who, http.StatusOK, writing{})
}

// showRefused leads from the address of a form that was refused, where its page still
// stands, to the ticket.
func (d *Desk) showRefused(x *web.Exchange, _ store.Agent) error {
	return x.Redirect(ticketAddress(x.Param("number")))
}

// writing is what a page is shown again with after a refusal.
type writing struct {
	reply, note *answer
	newer       []store.Entry
	fault       string // of a form in the details
	field       string // of that form, which holds what was typed again
	typed       string
	reason      string // typed beside it, for a colleague
}

// page shows the ticket's page.
func (d *Desk) page(x *web.Exchange, who store.Agent, status int, w writing) error {
	ctx, by, now := x.Request.Context(), staff.ActorOf(x, who), time.Now()
	t, err := d.part(x, who, beforeOf(x))
	if err != nil {
		return err
	}
	k := t.ticket
	if opensNewest(x) && t.read < k.Entries {
		if err := d.deps.Store.MarkRead(ctx, now, by, k.ID, k.Entries); err != nil {
			return err
		}
	}
	x.Staff(who, "", topicTicket(k.Number), topicList)
	if leadsOn(x, who) {
		x.FetchAhead("desk/ahead.json")
	}
	if !x.Ahead() {
		d.presence.note(k, who, now, looks)
	}
	data := ticketData{
		Ticket: k, Path: ticketAddress(k.Number), In: inOf(x), Me: who.Email, MyID: who.ID,
		Status: statusBadge(k.StatusAt(now)), Timers: timersOf(k, now), Zone: d.zone(who, k.Region),
		Toasts: d.undos.toasts(who.ID, now),
		Undo:   undoWords(d.undoFor(who)), Ahead: x.Ahead(),
	}
	data.List = listOf(data.In)
	data.NextUpdate = d.nextUpdateOf(k, data.Path, data.In, now)
	if data.In != "" {
		data.After = afterWords(who.Profile.AfterSend)
	}
	f := &frame{x: x, zone: data.Zone, now: now}
	if k.Assignee == 0 && !who.Profile.ClaimOff {
		data.Claim = who.Email
	}
	data.Present = d.presence.onTicket(f, k.ID, who.ID)
	data.Promises, data.Opened = promises(f, k), f.when(k.OpenedAt)
	if err := d.explain(ctx, f, by, k, data.Promises); err != nil {
		return err
	}
	data.Items = d.items(f, t, who, now)
	data.around(t, beforeOf(x))
	for _, e := range w.newer {
		data.Newer = append(data.Newer, d.item(f, t, e, who, now))
	}
	if err := d.details(ctx, who, by, t, &data, w); err != nil {
		return err
	}
	if err := d.addPeople(ctx, f, t, &data, w); err != nil {
		return err
	}
	if err := d.composers(x, by, t, &data, w); err != nil {
		return err
	}
	return d.ticket.Show(x, status, data)
}

// beforeOf is the entry in front of which the page shows the thread; 0: its end.
func beforeOf(x *web.Exchange) uint32 {
	n, err := strconv.ParseUint(x.Request.URL.Query().Get("before"), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// opensNewest tells the page of a ticket that a person opens, from which on its thread
// counts as read. What a page fetches by itself to stay fresh is none, and neither is a page
// of earlier entries, nor one that was fetched ahead: it tells when it is shown.
func opensNewest(x *web.Exchange) bool {
	return x.Request.Header.Get(staff.LiveHeader) == "" && beforeOf(x) == 0 && !x.Ahead()
}

// around leads to the entries that are not shown. A page of earlier ones does not tell what
// is new.
func (t *ticketData) around(shown thread, before uint32) {
	if len(shown.entries) > 0 {
		t.Earlier = int(shown.entries[0].Seq) - 1
	}
	if t.Earlier > 0 {
		t.EarlierTo = earlierAddress(t.Ticket.Number, t.Earlier+1, t.In)
	}
	if before > 0 {
		t.LatestTo = withIn(t.Path, t.In)
		return
	}
	for _, e := range shown.entries {
		if e.Kind != store.EntryEvent {
			t.Public = append(t.Public, e.Seq)
		}
	}
}

// earlierAddress is the page of the entries in front of one.
func earlierAddress(number string, seq int, in string) string {
	q := url.Values{"before": {strconv.Itoa(seq)}}
	if in != "" {
		q.Set("in", in)
	}
	return ticketAddress(number) + "?" + q.Encode()
}

// promises are the dates that the partner was promised.
func promises(f *frame, k store.Ticket) (all []promised) {
	timers := timersOf(k, f.now)
	add := func(kind store.DeadlineKind, name, of string, at time.Time, met time.Time) {
		p := promised{Name: name, At: f.when(at), kind: kind}
		switch i := slices.IndexFunc(timers, func(t web.Timer) bool { return t.Of == of }); {
		case at.IsZero():
			return
		case i >= 0:
			timer := timers[i]
			timer.Of = ""
			p.Timer = &timer
		case met.IsZero():
			p.Words = "no longer counted"
		case met.After(at):
			p.Words = "met late, by " + web.Span(met.Sub(at))
		default:
			p.Timer = &web.Timer{State: web.TimerMet, Words: "met"}
		}
		all = append(all, p)
	}
	add(store.DeadlineFirstResponse, "First answer", "first answer", k.Promise.FirstResponseBy,
		cmp.Or(k.FirstReplyAt, k.SolvedAt))
	add(store.DeadlineResolution, "Solution", "solution", k.Promise.ResolutionBy, k.SolvedAt)
	return all
}

// details fills what stands beside the thread.
func (d *Desk) details(
	ctx context.Context, who store.Agent, by store.Actor, t thread, data *ticketData, w writing,
) (err error) {
	k := t.ticket
	data.Requester, data.Proven = k.Requester, !k.ProvenAt.IsZero()
	data.Channel, data.Tags = channelWords(k.Channel), strings.Join(k.Tags, ", ")
	if r, ok := d.region(k.Region); ok {
		data.Region = r.Name
	}
	if w.fault != "" {
		data.Faults = []string{w.fault}
	}
	switch w.field {
	case "email":
		data.NewAddress = &w.typed
	case "tags":
		data.Tags = w.typed
	}
	if k.Priority == store.PriorityHigh || k.Priority == store.PriorityUrgent {
		data.Priority = priorityBadge(k.Priority)
	}
	data.Assignee = assignees(t, who)
	for _, s := range statuses() {
		data.Statuses = append(data.Statuses, option{string(s), statusWords(s), s == k.Status})
	}
	for _, p := range store.Priorities() {
		data.Priorities = append(data.Priorities, option{string(p), capital(string(p)), p == k.Priority})
	}
	data.Categories = append(data.Categories, option{"", "None", k.Category == ""})
	for _, c := range d.deps.Categories {
		data.Categories = append(data.Categories, option{c, c, c == k.Category})
	}
	if k.Category != "" && !slices.Contains(d.deps.Categories, k.Category) {
		data.Categories = append(data.Categories, option{k.Category, k.Category, true})
	}
	data.Dead, data.Missed = t.dead, t.missed(time.Now())
	if k.Rating.Score > 0 {
		data.Rated = ratedWords(k.Rating)
	}
	return d.others(ctx, by, k, data)
}

// assignees are those who may answer the ticket, its reader first.
func assignees(t thread, who store.Agent) []option {
	all := []option{
		{"", "Unassigned", t.ticket.Assignee == 0}, {who.Email, nameOf(who) + " (me)", t.ticket.Assignee == who.ID},
	}
	for _, a := range t.accounts {
		can := !a.Disabled && store.May(a.Actor(), store.ActAnswerTicket, store.OfTicket(t.ticket)) == nil
		if a.ID != who.ID && (can || a.ID == t.ticket.Assignee) {
			all = append(all, option{a.Email, nameOf(a), t.ticket.Assignee == a.ID})
		}
	}
	return all
}

// dead is why no mail reaches the requester, in words; "" when nothing keeps it back.
func (d *Desk) dead(ctx context.Context, k store.Ticket) (string, error) {
	return d.deadAddress(ctx, k.Requester.Email)
}

func (d *Desk) deadAddress(ctx context.Context, email string) (string, error) {
	all, err := d.deps.Store.SuppressionsOf(ctx, store.Instant(time.Now()), email)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		switch {
		case !s.Scope.Stops(store.MailReply):
		case s.By != "":
			return "It was suppressed by " + s.By + ".", nil
		default:
			return "Mail to it bounced: " + verdict.Reason(s.Reason) + ".", nil
		}
	}
	return "", nil
}

const (
	othersShown = 6
	// othersLooked is how many of a requester's tickets are looked at for them.
	othersLooked = 50
)

// others names the requester's other tickets, and those of their company.
func (d *Desk) others(ctx context.Context, by store.Actor, k store.Ticket, data *ticketData) error {
	mine, err := store.Items(d.deps.Store.TicketsByRequester(ctx, by, store.ActReadTicket, k.Requester.Email,
		store.Page{Limit: othersShown + 1}))
	if err != nil {
		return err
	}
	for _, o := range mine {
		if o.ID != k.ID && len(data.Others) < othersShown {
			data.Others = append(data.Others, otherOf(o))
		}
	}
	domain := store.Domain(k.Requester.Email)
	if domain == "" || origin.IsPublicHost(domain) {
		return nil
	}
	data.Domain = domain
	theirs := store.TicketFilter{Query: "@" + domain}
	found, err := d.deps.Store.DeskTickets(ctx, by, theirs, store.Page{Limit: othersLooked})
	if errors.Is(err, store.ErrInvalid) { // a domain longer than a query
		return nil
	}
	for _, o := range found.Items {
		same := store.AddressKey(o.Ticket.Requester.Email) == store.AddressKey(k.Requester.Email)
		if !same && store.Domain(o.Ticket.Requester.Email) == domain && len(data.Company) < othersShown {
			data.Company = append(data.Company, otherOf(o.Ticket))
		}
	}
	return err
}

func otherOf(k store.Ticket) other {
	return other{Number: k.Number, Path: ticketAddress(k.Number), Title: cmp.Or(k.Title, "(no title)"),
		Status: statusBadge(k.StatusAt(time.Now()))}
}

// composers fills the two forms: with what was refused, else with the drafts.
func (d *Desk) composers(x *web.Exchange, by store.Actor, t thread, data *ticketData, w writing) (err error) {
	if data.Reply, err = d.composer(x, by, t.ticket, store.EntryReply, w.reply); err != nil {
		return err
	}
	if data.Note, err = d.composer(x, by, t.ticket, store.EntryNote, w.note); err != nil {
		return err
	}
	region, _ := d.region(t.ticket.Region)
	data.Attaching = attachingOf(region, !t.ticket.ProvenAt.IsZero(), data.Reply.Area.Kept)
	if beforeOf(x) > 0 { // the newest is not on the page, and may never have been
		data.Reply.Version, data.Note.Version = min(t.read, t.ticket.Version), min(t.read, t.ticket.Version)
	}
	written := func(c composer) bool { return c.Body != "" || len(c.Area.Kept) > 0 }
	data.Note1st = w.note != nil || w.reply == nil && !written(data.Reply) && written(data.Note)
	if want := x.Request.URL.Query().Get("write"); want != "" {
		data.Note1st = want == "note"
	}
	return nil
}

func (d *Desk) composer(
	x *web.Exchange, by store.Actor, k store.Ticket, kind store.EntryKind, refused *answer,
) (composer, error) {
	c := composer{Kind: kind, In: inOf(x), Version: k.Version, Key: rand.Text(), Draft: &post.Draft{}}
	if refused != nil {
		c.Body, c.Then, c.Draft = refused.Body, store.Status(refused.Then), &refused.Draft
		c.Key = cmp.Or(refused.Key, c.Key)
		c.Faults = refused.Sentences(x.Lang)
	} else {
		kept, err := d.deps.Store.Draft(x.Request.Context(), by, k.ID, kind)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return c, err
		}
		c.Body, c.Then, c.Saved = kept.Body, kept.Then, kept.SavedAt
		c.Draft.Files = kept.Files
		c.Joined = joinedWords(x.Request.URL.Query().Get("joined") != "" && kind == store.EntryReply, kept)
	}
	c.Area = d.deps.Posts.FileArea(time.Now(), c.Draft)
	return c, nil
}
