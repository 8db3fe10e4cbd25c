package form

import (
	"math"
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// threadJSON is a ticket's page for a client that asked for JSON. Each field is
// there, "" or [] where it is empty; notes, events and who works on it are
// support's own.
type threadJSON struct {
	Number   string      `json:"number"`
	Status   string      `json:"status"`
	Title    string      `json:"title"`
	Region   string      `json:"region"`
	Category string      `json:"category"`
	Priority string      `json:"priority"`
	Proven   bool        `json:"proven"`
	Promise  promiseJSON `json:"promise"`
	Entries  []entryJSON `json:"entries"`
}

type promiseJSON struct {
	FirstResponseBy string `json:"first_response_by"` // RFC 3339, "" for none
	ResolutionBy    string `json:"resolution_by"`
	NextUpdateBy    string `json:"next_update_by"`
	Paused          bool   `json:"paused"`
}

type entryJSON struct {
	Seq      uint32          `json:"seq"`
	Kind     store.EntryKind `json:"kind"`
	Event    store.Event     `json:"event,omitempty"` // of kind "event"
	Author   string          `json:"author"`
	At       string          `json:"at"`
	Body     string          `json:"body"`
	Files    []fileJSON      `json:"files"`
	Delivery deliveryJSON    `json:"delivery"`
}

type fileJSON struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// deliveryJSON is where the mail of an entry stands; empty where it has none.
type deliveryJSON struct {
	State  string `json:"state"`
	At     string `json:"at"`
	Detail string `json:"detail"`
}

// sendThread answers with the ticket as JSON: of an unproven one, nothing that was
// written.
func (f *Form) sendThread(x *web.Exchange, door store.Door) error {
	ticket := door.Ticket
	thread := threadJSON{
		Number: ticket.Number, Status: string(shownStatus(ticket, time.Now())), Region: ticket.Region,
		Proven: door.Proven(),
		Promise: promiseJSON{
			FirstResponseBy: rfc3339(ticket.Promise.FirstResponseBy), ResolutionBy: rfc3339(ticket.Promise.ResolutionBy),
			NextUpdateBy: rfc3339(ticket.Promise.NextUpdateBy), Paused: shownStatus(ticket, time.Now()).Stops(),
		},
		Entries: []entryJSON{},
	}
	if thread.Proven {
		entries, err := f.entries(x, ticket, x.Request.URL.Query().Get("events") == "1")
		if err != nil {
			return err
		}
		list := func(p store.Page) (store.List[store.Outbound], error) {
			return f.deps.Tickets.OutboundsOfTicket(x.Request.Context(), ticket.ID, p)
		}
		sent, err := store.Collect(math.MaxInt, store.All(store.MaxPage, list))
		if err != nil {
			return err
		}
		mails := deliveriesOf(door, sent)
		thread.Title, thread.Category = ticket.Title, ticket.Category
		for _, e := range entries {
			thread.Entries = append(thread.Entries, entryOf(ticket, e, mails))
		}
	}
	return x.JSON(http.StatusOK, thread)
}

// entries reads the whole thread, of which notes are left out; with events those that
// concern the partner are among it.
func (f *Form) entries(x *web.Exchange, ticket store.Ticket, events bool) (all []store.Entry, err error) {
	list := func(p store.Page) (store.List[store.Entry], error) {
		return f.deps.Tickets.Entries(x.Request.Context(), ticket.ID, 0, p)
	}
	for e, err := range store.All(messagesAtOnce, list) {
		if err != nil {
			return nil, err
		}
		if visible(e, time.Now()) || events && told(e.Event) {
			all = append(all, e)
		}
	}
	return all, nil
}

// told tells the events that are the partner's to know: their own acts, and the status.
func told(e store.Event) bool {
	switch e {
	case store.EventPartnerSolved, store.EventPartnerReopened, store.EventRated, store.EventFollowed,
		store.EventStatusChanged:
		return true
	}
	return false
}

func entryOf(ticket store.Ticket, e store.Entry, mails map[uint32]delivery) entryJSON {
	entry := entryJSON{Seq: e.Seq, Kind: e.Kind, Event: e.Event, Author: author(ticket, e), At: rfc3339(e.At),
		Body: e.Body, Files: []fileJSON{}}
	if mail, ok := mails[e.Seq]; ok && e.Kind == store.EntryReply {
		entry.Delivery = deliveryJSON{mail.State, rfc3339(mail.At), mail.To}
	}
	for _, file := range e.Files {
		entry.Files = append(entry.Files, fileJSON{file.Name, file.Size})
	}
	return entry
}

// author is who wrote an entry, as the partner sees it.
func author(ticket store.Ticket, e store.Entry) string {
	if e.Kind == store.EntryReply || e.Kind == store.EntryEvent {
		return e.Author
	}
	if e.Colleague != 0 {
		return e.Author
	}
	return ticket.Requester.Name
}

// sideOwn is the message key of what the reader wrote.
const sideOwn = "form.you"

// sideOf is the message key of whose words an entry is, as the reader sees it.
func sideOf(door store.Door, e store.Entry) string {
	switch {
	case e.Kind == store.EntryReply:
		return "form.support"
	case e.Colleague == door.Colleague.Number:
		return sideOwn
	case e.Colleague == 0:
		return "form.requester"
	}
	return "form.colleague"
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
