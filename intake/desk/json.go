package desk

import (
	"net/http"
	"strconv"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// The shapes of the desk as JSON. Each field is there, "" or [] where it is empty; times
// are RFC 3339 in UTC.

type listJSON struct {
	Items  []rowJSON             `json:"items"`
	Next   store.Cursor          `json:"next"`
	Counts map[store.View]uint64 `json:"counts"`
}

type rowJSON struct {
	Number    string       `json:"number"`
	Title     string       `json:"title"`
	Status    store.Status `json:"status"`
	Requester string       `json:"requester"` // address
	Assignee  string       `json:"assignee"`  // address
	Due       string       `json:"due"`
	Paused    bool         `json:"paused"`
	ChangedAt string       `json:"changed_at"`
}

type ticketJSON struct {
	Number   string         `json:"number"`
	Status   store.Status   `json:"status"`
	Title    string         `json:"title"`
	Region   string         `json:"region"`
	Category string         `json:"category"`
	Priority store.Priority `json:"priority"`
	Assignee string         `json:"assignee"` // address
	// Requester is their address; Missed are the mails of replies that it has not got and
	// can be sent by /resend.
	Requester string      `json:"requester"`
	Missed    []string    `json:"missed"`
	Rating    ratingJSON  `json:"rating"`
	Tags      []string    `json:"tags"`
	Version   uint32      `json:"version"`
	Promise   promiseJSON `json:"promise"`
	Entries   []entryJSON `json:"entries"`
	// Colleagues are those who were named, removed ones among them.
	Colleagues []colleagueJSON `json:"colleagues"`
}

// ratingJSON is the partner's rating; a score of 0 is none.
type ratingJSON struct {
	Score   int    `json:"score"`
	Comment string `json:"comment"`
}

type promiseJSON struct {
	FirstResponseBy string `json:"first_response_by"`
	ResolutionBy    string `json:"resolution_by"`
	NextUpdateBy    string `json:"next_update_by"`
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

// deliveryJSON is what became of a reply's newest mail; /resend takes its id.
type deliveryJSON struct {
	ID     string `json:"id"`
	To     string `json:"to"`
	State  string `json:"state"`
	At     string `json:"at"`
	Detail string `json:"detail"`
}

// logJSON is the log of a mail, and of those by which its reply was sent again.
type logJSON struct {
	Mails []loggedJSON `json:"mails"`
}

type loggedJSON struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	MessageID string    `json:"message_id"`
	QueuedAt  string    `json:"queued_at"`
	State     string    `json:"state"` // as in deliveryJSON
	Detail    string    `json:"detail"`
	Tries     []tryJSON `json:"tries"` // that are kept, the oldest first
}

type tryJSON struct {
	Number int                 `json:"number"`
	At     string              `json:"at"`
	Server string              `json:"server"`
	State  store.OutboundState `json:"state"`
	Reply  string              `json:"reply"`
}

func mailsJSON(mails []store.Outbound, now time.Time) (all []loggedJSON) {
	for _, m := range mails {
		said := deliveryOf(m, now)
		out := loggedJSON{ID: idText(m.ID), To: m.To, MessageID: m.MessageID, QueuedAt: rfc3339(m.QueuedAt),
			State: said.State, Detail: said.Detail, Tries: []tryJSON{}}
		for _, y := range m.Tries {
			out.Tries = append(out.Tries, tryJSON{y.Number, rfc3339(y.At), y.Server, y.State, y.Reply})
		}
		all = append(all, out)
	}
	return all
}

// writtenJSON answers a reply or a note: undo is what /undo takes as id until then, ""
// for what cannot be taken back. Next is, of a reply to a ticket that was opened from a list,
// the page that follows.
type writtenJSON struct {
	Seq   uint32 `json:"seq"`
	Undo  string `json:"undo"`
	Until string `json:"until"`
	Next  string `json:"next,omitempty"`
}

// nextJSON answers /next.
type nextJSON struct {
	Next string `json:"next"`
}

// staleJSON answers a reply that was written without the newest.
type staleJSON struct {
	Error string      `json:"error"`
	Newer []entryJSON `json:"newer"`
}

func (d *Desk) sendList(
	x *web.Exchange, who store.Agent, found store.List[store.DeskRow], accounts []store.Agent,
) error {
	counts, err := d.deps.Store.DeskCounts(x.Request.Context(), staff.ActorOf(x, who))
	if err != nil {
		return err
	}
	list := listJSON{Items: []rowJSON{}, Next: found.Next, Counts: map[store.View]uint64{}}
	now := time.Now()
	for _, item := range found.Items {
		k := item.Ticket
		list.Items = append(list.Items, rowJSON{
			Number: k.Number, Title: k.Title, Status: k.StatusAt(now), Requester: k.Requester.Email,
			Assignee: addressOf(accounts, k.Assignee), Due: rfc3339(item.Due), Paused: !k.StoppedAt.IsZero() && k.Status.Waits(),
			ChangedAt: rfc3339(k.ChangedAt),
		})
	}
	for _, v := range store.Views() {
		list.Counts[v] = counts.Of(v)
	}
	return x.JSON(http.StatusOK, list)
}

func addressOf(accounts []store.Agent, id store.AgentID) string {
	if id == 0 {
		return ""
	}
	return accountOf(accounts, id).Email
}

// sendTicket answers with the ticket; events stand among the entries where they are
// asked for.
func (d *Desk) sendTicket(x *web.Exchange, t thread) error {
	k, now := t.ticket, time.Now()
	out := ticketJSON{
		Number: k.Number, Status: k.StatusAt(now), Title: k.Title, Region: k.Region, Category: k.Category,
		Priority: k.Priority, Assignee: addressOf(t.accounts, k.Assignee), Tags: append([]string{}, k.Tags...),
		Version: k.Version, Entries: []entryJSON{}, Requester: k.Requester.Email, Missed: []string{},
		Colleagues: colleaguesJSON(k),
		Rating:     ratingJSON{k.Rating.Score, k.Rating.Comment},
		Promise: promiseJSON{
			FirstResponseBy: rfc3339(k.Promise.FirstResponseBy), ResolutionBy: rfc3339(k.Promise.ResolutionBy),
			NextUpdateBy: rfc3339(k.Promise.NextUpdateBy), Paused: !k.StoppedAt.IsZero() && k.Status.Waits(),
		},
	}
	for _, id := range t.missed(now) {
		out.Missed = append(out.Missed, idText(id))
	}
	events := x.Request.URL.Query().Get("events") == "1"
	for _, e := range t.entries {
		if e.Kind != store.EntryEvent || events {
			out.Entries = append(out.Entries, t.entryJSON(e, now))
		}
	}
	return x.JSON(http.StatusOK, out)
}

func (t thread) entryJSON(e store.Entry, now time.Time) entryJSON {
	out := entryJSON{
		Seq: e.Seq, Kind: e.Kind, Author: t.author(e), At: rfc3339(e.At), Body: e.Body, Files: []fileJSON{},
	}
	if e.Kind == store.EntryEvent {
		out.Body = t.eventWords(e)
	}
	for _, f := range e.Files {
		out.Files = append(out.Files, fileJSON{f.Name, f.Size})
	}
	if mail, ok := t.last(e); ok {
		state := deliveryOf(mail, now)
		out.Delivery = deliveryJSON{
			ID: idText(mail.ID), To: mail.To, State: state.State, At: rfc3339(state.At), Detail: state.Detail,
		}
	}
	return out
}

func idText(id store.OutboundID) string { return strconv.FormatUint(uint64(id), 10) }
