package desk

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// logData is all that is known of a mail, and of those by which its reply was sent again.
type logData struct {
	Ticket store.Ticket
	What   string
	Back   string
	Mails  []loggedMail
}

// loggedMail is one mail of the log.
type loggedMail struct {
	To, MessageID string
	Queued        template.HTML
	Mark          web.Delivery
	Do            string
	Tries         []loggedTry
	Lost          int // tries that are not kept, or whose end was never known
	Reports       []loggedReport
}

// loggedTry is how one try ended.
type loggedTry struct {
	Number        int
	At            template.HTML
	Server, Reply string
	Ended         string
}

// loggedReport is what was heard of a mail after it was handed over.
type loggedReport struct {
	At    template.HTML
	Words string
	Said  string // the reporting server's own words
	Link  string // the report in the ledger, for those who may read it
}

// showLog shows the log of the mail that the path names.
func (d *Desk) showLog(x *web.Exchange, who store.Agent) error {
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(x.Param("mail"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	ctx, by := x.Request.Context(), staff.ActorOf(x, who)
	mails, err := d.mailsLike(ctx, k, store.OutboundID(id))
	if err != nil {
		return err
	}
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, logJSON{Mails: mailsJSON(mails, time.Now())})
	}
	heard, err := d.heardOf(ctx, by, k, mails)
	if err != nil {
		return err
	}
	x.Staff(who, "", topicTicket(k.Number), topicList)
	f := &frame{x: x, zone: d.zone(who, k.Region), now: time.Now()}
	data := logData{Ticket: k, What: capital(mailWords(mails[0])), Back: withIn(ticketAddress(k.Number), inOf(x))}
	if mails[0].Entry != 0 {
		data.Back = withIn(entryAddress(k.Number, mails[0].Entry), inOf(x))
	}
	for _, m := range mails {
		data.Mails = append(data.Mails, logged(f, who, m, heard[m.ID]))
	}
	return d.log.Show(x, http.StatusOK, data)
}

// mailsLike are the ticket's mail of that id, and of a reply all its mails, the oldest first.
func (d *Desk) mailsLike(ctx context.Context, k store.Ticket, id store.OutboundID) (mails []store.Outbound, err error) {
	all, err := store.Collect(maxThread, store.All(store.MaxPage, func(p store.Page) (store.List[store.Outbound], error) {
		return d.deps.Store.OutboundsOfTicket(ctx, k.ID, p)
	}))
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(m store.Outbound) bool { return m.ID == id })
	if at < 0 {
		return nil, store.ErrNotFound
	}
	for _, m := range all {
		if m.ID == id || m.Kind == store.MailReply && all[at].Kind == store.MailReply && m.Entry == all[at].Entry {
			mails = append(mails, m)
		}
	}
	return mails, nil
}

// heardOf are the events of the thread that tell of these mails.
func (d *Desk) heardOf(
	ctx context.Context, by store.Actor, k store.Ticket, mails []store.Outbound,
) (map[store.OutboundID][]store.Entry, error) {
	heard := map[store.OutboundID][]store.Entry{}
	for e, err := range d.entriesOf(ctx, by, k) {
		if err != nil {
			return nil, err
		}
		of := func(m store.Outbound) bool { return m.ID == e.Outbound }
		if e.Kind == store.EntryEvent && e.Outbound != 0 && slices.ContainsFunc(mails, of) {
			heard[e.Outbound] = append(heard[e.Outbound], e)
		}
	}
	return heard, nil
}

// entriesOf are the entries of a ticket, at most maxThread of them.
func (d *Desk) entriesOf(ctx context.Context, by store.Actor, k store.Ticket) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		read := 0
		for e, err := range store.All(store.MaxPage, func(p store.Page) (store.List[store.Entry], error) {
			return d.deps.Store.Thread(ctx, by, k.ID, p)
		}) {
			if read++; read > maxThread || !yield(e, err) {
				return
			}
		}
	}
}

// logged is a mail with what was heard of it.
func logged(f *frame, who store.Agent, m store.Outbound, heard []store.Entry) loggedMail {
	said := deliveryOf(m, f.now)
	l := loggedMail{To: m.To, MessageID: m.MessageID, Queued: f.when(m.QueuedAt), Mark: said.mark(), Do: said.Do}
	for _, try := range m.Tries {
		l.Tries = append(l.Tries, loggedTry{
			Number: try.Number, At: f.when(try.At), Server: cmp.Or(try.Server, "none was asked"),
			Reply: try.Reply, Ended: tryWords(try.State),
		})
	}
	if l.Lost = m.Attempts - len(m.Tries); m.State == store.StateClaimed {
		l.Lost-- // the one under way
	}
	t := thread{mails: map[store.OutboundID]store.Outbound{m.ID: m}}
	for _, e := range heard {
		l.Reports = append(l.Reports, loggedReport{At: f.when(e.At), Words: t.eventWords(e), Said: eventDetail(e)})
	}
	if r, ok := lastReport(f, who, m); ok {
		l.Reports = append(l.Reports, r)
	}
	return l
}

// lastReport is the report that decided what became of a mail.
func lastReport(f *frame, who store.Agent, m store.Outbound) (loggedReport, bool) {
	r := m.Delivery
	if r.Fate == "" {
		return loggedReport{}, false
	}
	words := "Report: " + string(r.Fate)
	if reason := verdict.Reason(r.Reason); reason != "" {
		words += ", " + reason
	}
	if r.Status != "" {
		words += fmt.Sprintf(" (status %s)", r.Status)
	}
	l := loggedReport{At: f.when(r.At), Words: words, Said: r.Diagnostic}
	if r.Inbound != 0 && who.Has(store.RoleOps) {
		l.Link = fmt.Sprintf("/ops/ledger/%d", r.Inbound)
	}
	return l, true
}

// tryWords say how a try ended.
func tryWords(s store.OutboundState) string {
	switch s {
	case store.StateSent:
		return "taken by the server"
	case store.StateQueued:
		return "to be tried again"
	case store.StateHeld:
		return "held: the server refuses our mail"
	case store.StateFailed:
		return "refused for good, or given up"
	}
	return "may have been sent"
}
