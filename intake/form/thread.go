package form

import (
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
	Paused          bool   `json:"paused"`
}

type entryJSON struct {
	Seq      uint32          `json:"seq"`
	Kind     store.EntryKind `json:"kind"`
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
func (f *Form) sendThread(x *web.Exchange, ticket store.Ticket) error {
	thread := threadJSON{
		Number: ticket.Number, Status: string(ticket.StatusAt(time.Now())), Region: ticket.Region, Proven: !ticket.ProvenAt.IsZero(),
		Promise: promiseJSON{
			FirstResponseBy: rfc3339(ticket.Promise.FirstResponseBy), ResolutionBy: rfc3339(ticket.Promise.ResolutionBy),
			Paused: !ticket.StoppedAt.IsZero(),
		},
		Entries: []entryJSON{},
	}
	if thread.Proven {
		entries, err := f.entries(x, ticket)
		if err != nil {
			return err
		}
		thread.Title, thread.Category = ticket.Title, ticket.Category
		for _, e := range entries {
			thread.Entries = append(thread.Entries, entryOf(ticket, e))
		}
	}
	return x.JSON(http.StatusOK, thread)
}

// entries reads the whole thread, of which notes and events are left out.
func (f *Form) entries(x *web.Exchange, ticket store.Ticket) (all []store.Entry, err error) {
	list := func(p store.Page) (store.List[store.Entry], error) {
		return f.deps.Tickets.Entries(x.Request.Context(), ticket.ID, 0, p)
	}
	for e, err := range store.All(messagesAtOnce, list) {
		if err != nil {
			return nil, err
		}
		if visible(e, time.Now()) {
			all = append(all, e)
		}
	}
	return all, nil
}

func entryOf(ticket store.Ticket, e store.Entry) entryJSON {
	entry := entryJSON{Seq: e.Seq, Kind: e.Kind, Author: author(ticket, e), At: rfc3339(e.At), Body: e.Body,
		Files: []fileJSON{}}
	for _, file := range e.Files {
		entry.Files = append(entry.Files, fileJSON{file.Name, file.Size})
	}
	return entry
}

// author is who wrote an entry, as the partner sees it.
func author(ticket store.Ticket, e store.Entry) string {
	if e.Kind == store.EntryReply {
		return e.Author
	}
	return ticket.Requester.Name
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
