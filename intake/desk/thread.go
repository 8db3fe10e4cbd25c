package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// ticketStore reads a ticket and what stands around it.
type ticketStore interface {
	DeskTicket(ctx context.Context, by store.Actor, number string) (store.Ticket, error)
	Thread(ctx context.Context, by store.Actor, id store.TicketID, p store.Page) (store.List[store.Entry], error)
	ThreadBefore(ctx context.Context, by store.Actor, id store.TicketID, before uint32, most int) (store.ThreadPart, error)
	OutboundsOfTicket(ctx context.Context, id store.TicketID, p store.Page) (store.List[store.Outbound], error)
	SuppressionsOf(ctx context.Context, now time.Time, address string) ([]store.Suppression, error)
	TicketsByRequester(
		ctx context.Context, by store.Actor, act store.Act, address string, p store.Page,
	) (store.List[store.Ticket], error)
	MarkRead(ctx context.Context, now time.Time, by store.Actor, id store.TicketID, seq uint32) error
	// RefuseAct tells the audit log of a ticket that the agent may not see.
	RefuseAct(
		ctx context.Context, now time.Time, by store.Actor, act store.Act, o store.Object, times uint64,
	) error
}

const (
	// maxThread bounds how much of one ticket is read at once: entries, and mails.
	maxThread = 20_000
	// shownAtOnce is how many entries the page of a ticket shows, the newest; shownEarlier
	// how many a page of earlier ones.
	shownAtOnce, shownEarlier = 300, 100
	// unfolded is how many of the newest entries stand open; older ones that were read are
	// folded to one line.
	unfolded = 4
	// folded is how much of an entry stands in that line, in bytes.
	folded = 120
)

// thread is a ticket as an agent sees it: the whole of it, or a part.
type thread struct {
	ticket   store.Ticket
	read     uint32 // up to where the agent had read it; of a part
	entries  []store.Entry
	mails    map[store.OutboundID]store.Outbound
	sent     []store.Outbound            // the same, the oldest first
	replies  map[uint32][]store.Outbound // those of replies to the requester, by entry
	copies   map[uint32][]store.Outbound // those to colleagues
	dead     string                      // why no mail reaches the requester, "" when it does
	accounts []store.Agent
}

// open finds the ticket that the path names, for who may see it.
func (d *Desk) open(x *web.Exchange, who store.Agent) (store.Ticket, error) {
	ctx, by, number := x.Request.Context(), staff.ActorOf(x, who), x.Param("number")
	k, err := d.deps.Store.DeskTicket(ctx, by, number)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrForbidden) {
		o := store.Object{Kind: store.ObjectTicket, Name: text.Cut(number, store.MaxName)}
		return k, errors.Join(err, d.deps.Store.RefuseAct(ctx, time.Now(), by, store.ActReadTicket, o, 1))
	}
	return k, err
}

// thread reads a ticket with all that is in its thread.
func (d *Desk) thread(x *web.Exchange, who store.Agent) (t thread, err error) {
	if t.ticket, err = d.open(x, who); err != nil {
		return t, err
	}
	return t, d.fill(x.Request.Context(), staff.ActorOf(x, who), &t)
}

// fill reads what is in the thread of a ticket.
func (d *Desk) fill(ctx context.Context, by store.Actor, t *thread) (err error) {
	id := t.ticket.ID
	entries := store.All(store.MaxPage, func(p store.Page) (store.List[store.Entry], error) {
		return d.deps.Store.Thread(ctx, by, id, p)
	})
	if t.entries, err = store.Collect(maxThread, entries); err != nil {
		return err
	}
	sent := store.All(store.MaxPage, func(p store.Page) (store.List[store.Outbound], error) {
		return d.deps.Store.OutboundsOfTicket(ctx, id, p)
	})
	mails, err := store.Collect(maxThread, sent)
	if err != nil {
		return err
	}
	t.sort(mails)
	return d.around(ctx, t)
}

// part reads the newest entries of the ticket, or those in front of one, with what became of
// them.
func (d *Desk) part(x *web.Exchange, who store.Agent, before uint32) (t thread, err error) {
	if t.ticket, err = d.open(x, who); err != nil {
		return t, err
	}
	most := shownAtOnce
	if before > 0 {
		most = shownEarlier
	}
	ctx := x.Request.Context()
	part, err := d.deps.Store.ThreadBefore(ctx, staff.ActorOf(x, who), t.ticket.ID, before, most)
	if err != nil {
		return t, err
	}
	t.ticket, t.entries, t.read = part.Ticket, part.Entries, part.Read
	t.sort(part.Mails)
	return t, d.around(ctx, &t)
}

// sort puts the mails of the entries to the replies that they are of.
func (t *thread) sort(mails []store.Outbound) {
	t.mails = make(map[store.OutboundID]store.Outbound, len(mails))
	t.replies, t.copies = make(map[uint32][]store.Outbound), make(map[uint32][]store.Outbound)
	for _, m := range mails {
		t.mails[m.ID] = m
		if m.Kind != store.MailReply || !t.has(m.Entry) {
			continue
		}
		t.sent = append(t.sent, m)
		of := t.replies
		if m.ToColleague() {
			of = t.copies
		}
		of[m.Entry] = append(of[m.Entry], m)
	}
}

// has tells whether an entry is among those read.
func (t *thread) has(seq uint32) bool {
	n := len(t.entries)
	return n > 0 && seq >= t.entries[0].Seq && seq <= t.entries[n-1].Seq
}

// around reads who may answer, and whether mail reaches the partner.
func (d *Desk) around(ctx context.Context, t *thread) (err error) {
	if t.dead, err = d.dead(ctx, t.ticket); err != nil {
		return err
	}
	t.accounts, err = d.accounts(ctx)
	return err
}

// author is who wrote an entry.
func (t thread) author(e store.Entry) string {
	switch {
	case e.Author != "":
		return e.Author
	case e.Kind == store.EntryMessage:
		return requesterOf(t.ticket)
	case e.Agent != 0:
		return nameOf(accountOf(t.accounts, e.Agent))
	case e.Kind == store.EntryEvent:
		return ""
	}
	return "Support"
}

// item is an entry as the page shows it.
type item struct {
	Seq    uint32
	Path   string // of its ticket, for its forms
	Kind   store.EntryKind
	Class  string
	Author string
	Avatar web.Avatar
	At     template.HTML
	Body   template.HTML // an agent's words
	Plain  string        // a partner's
	First  string        // its first words, for when it is folded
	Folded bool
	Unread bool // the first that the reader has not seen
	Anchor bool // where reading begins, when there is no such entry
	Files  []fileItem
	Became string // what its status became by it, in words
	Guest  bool   // of a message: a colleague wrote it
	Events []item // a run of events that are folded
	Bad    bool   // an event that someone has to act on

	Mark       *web.Delivery
	Detail, Do string
	UndoID     store.OutboundID // of a reply that its reader may still take back
	To         string           // where its first mail went, when that is not the requester's address
	Again      []sentAgain      // its later mails
	Log        store.OutboundID // a mail whose log can be seen, 0 for none
	Copies     []copied         // those to colleagues
	Resend     *resend          // of a reply that did not arrive
}

type fileItem struct {
	Name, Size, Link string
	Preview          string // where it can be looked at; "" where it is only saved
	Image            bool
}

func entryAddress(number string, seq uint32) string {
	return fmt.Sprintf("%s#e%d", ticketAddress(number), seq)
}

func ticketAddress(number string) string { return "/desk/tickets/" + url.PathEscape(number) }

// items are the entries as the page shows them.
func (d *Desk) items(f *frame, t thread, who store.Agent, now time.Time) (all []item) {
	read, open := t.read, openFrom(t.entries)
	marked := read == 0
	for _, e := range t.entries {
		if e.Kind == store.EntryEvent {
			all = addEvent(all, d.event(f, t, e))
			continue
		}
		i := d.item(f, t, e, who, now)
		if !marked && e.Seq > read && e.Agent != who.ID {
			marked, i.Unread = true, true
		}
		i.Folded = e.Seq < open && e.Seq <= read
		all = append(all, i)
	}
	if !slices.ContainsFunc(all, func(i item) bool { return i.Unread }) {
		for n, i := range slices.Backward(all) {
			if i.Kind != store.EntryEvent {
				all[n].Anchor = true
				break
			}
		}
	}
	return all
}

// openFrom is the first of the newest entries that stand open.
func openFrom(entries []store.Entry) uint32 {
	left := unfolded
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Kind == store.EntryEvent {
			continue
		}
		if left--; left == 0 {
			return entries[i].Seq
		}
	}
	return 0
}

// addEvent puts an event behind the others: with those before it in one fold, unless
// someone has to act on it.
func addEvent(all []item, e item) []item {
	if e.Bad {
		return append(all, e)
	}
	if n := len(all); n > 0 && len(all[n-1].Events) > 0 {
		all[n-1].Events = append(all[n-1].Events, e)
		return all
	}
	return append(all, item{Kind: store.EntryEvent, Class: "event", Events: []item{e}})
}

func (d *Desk) event(f *frame, t thread, e store.Entry) item {
	i := item{
		Seq: e.Seq, Kind: e.Kind, Class: "event", At: f.when(e.At), Plain: t.eventWords(e), Bad: needsAct(e.Event),
		Detail: eventDetail(e),
	}
	if i.Bad {
		i.Log = e.Outbound
	}
	return i
}

func (d *Desk) item(f *frame, t thread, e store.Entry, who store.Agent, now time.Time) item {
	author, base := t.author(e), ticketAddress(t.ticket.Number)
	i := item{
		Seq: e.Seq, Path: base, Kind: e.Kind, Class: classOf(e.Kind), Author: author, At: f.when(e.At),
		Avatar: web.AvatarOf(author, "", ""), First: firstWords(e.Body),
	}
	for n, file := range e.Files {
		i.Files = append(i.Files, fileOf(base, e.Seq, n, file))
	}
	if e.Kind == store.EntryMessage {
		i.Plain, i.Guest = e.Body, e.Colleague != 0
	} else {
		i.Body = d.rendered(e.Body, i.Files)
		for n := range i.Files { // what stands in the text is not shown twice
			i.Files[n].Image = i.Files[n].Image && !strings.Contains(e.Body, "]("+i.Files[n].Name+")")
		}
	}
	if e.Change.StatusTo != "" && e.Change.StatusFrom != e.Change.StatusTo {
		i.Became = statusWords(e.Change.StatusTo)
	}
	if e.Kind == store.EntryReply {
		t.deliveries(&i, e, who, inOf(f.x), now)
		i.Copies = t.copiesOf(e.Seq, now)
	}
	return i
}

// rendered is what an agent wrote, with the images among the entry's own files.
func (d *Desk) rendered(body string, files []fileItem) template.HTML {
	image := func(name string) (string, bool) {
		for _, f := range files {
			if f.Name == name {
				return cmp.Or(f.Preview, f.Link), f.Image
			}
		}
		return "", false
	}
	return template.HTML(d.deps.Words.HTML(body, image)) // safe: markdown.HTML says so
}

func classOf(k store.EntryKind) string {
	switch k {
	case store.EntryReply:
		return "support"
	case store.EntryNote:
		return "note"
	}
	return "partner"
}

// firstWords are the first words of a text on one line.
func firstWords(body string) string {
	return text.Cut(strings.Join(strings.Fields(text.Cut(body, 4*folded)), " "), folded)
}

// frame writes instants for one reader.
type frame struct {
	x    *web.Exchange
	zone *time.Location
	now  time.Time
}

// when is an instant in the thread: short, and whole in its tip.
func (f *frame) when(t time.Time) template.HTML {
	local := t.In(f.zone)
	layout := "2 Jan 2006, 15:04"
	switch {
	case f.now.Sub(t) < 24*time.Hour && f.now.In(f.zone).Day() == local.Day():
		layout = "15:04"
	case f.now.Sub(t) < 300*24*time.Hour:
		layout = "Mon 2 Jan, 15:04"
	}
	const element = `<time datetime="%s" data-local="brief" title="%s">%s</time>`
	return template.HTML(fmt.Sprintf(element, t.UTC().Format(time.RFC3339),
		template.HTMLEscapeString(local.Format("Monday 2 January 2006, 15:04:05 MST")), local.Format(layout)))
}
