package ops

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// ledgerStore searches the mails in the ledger.
type ledgerStore interface {
	SearchInbound(ctx context.Context, q store.InboundQuery, p store.Page) (store.List[store.Inbound], error)
}

const ledgerPage = 50

type ledgerData struct {
	Query, Mark, From, To string
	Mailbox, Why          string // where another page asked for less
	Exact                 bool   // From and To are instants
	Wider                 string // the address without Mailbox and Why
	Marks                 []verdict.Mark
	Rows                  []ledgerRow
	Pages                 pager
	Searched              bool
	Fault                 string
}

// Looked is how many mails one search looks at.
func (ledgerData) Looked() string { return count(store.SearchLooked) }

type ledgerRow struct {
	Link, When, Subject string
	// Author and From are the name and the address beside it, each with a direction
	// of its own; a From that is not so written is From alone.
	Author, From string
	Mailbox      string
	Marks        []verdict.Mark
	Why          string // the rule that decided, in its own name
}

func (o *Ops) showLedger(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	d := ledgerData{
		Query: strings.TrimSpace(in.Get("q")), Mark: in.Get("mark"),
		From: in.Get("from"), To: in.Get("to"), Mailbox: in.Get("mailbox"), Why: in.Get("why"), Marks: verdict.Marks(),
	}
	d.Exact = strings.Contains(d.From+d.To, "T")
	if d.Mailbox != "" || d.Why != "" {
		d.Wider = "/ops/ledger" + kept(in, "q", "mark", "from", "to")
	}
	q := store.InboundQuery{Mark: d.Mark, Mailbox: d.Mailbox, Decider: d.Why}
	var ok1, ok2 bool
	q.Since, ok1 = day(d.From, 0)
	q.Until, ok2 = day(d.To, 1)
	if !ok1 || !ok2 {
		d.Fault = "A day is written like 2026-11-23."
		return o.ledger.Show(x, http.StatusUnprocessableEntity, d)
	}
	list := func(p store.Page) (store.List[store.Inbound], error) {
		return o.find(x.Request.Context(), q, d.Query, p)
	}
	found, pages, err := part(x.Request.URL, "", ledgerPage, list, "q", "mark", "from", "to", "mailbox", "why")
	if err != nil {
		return err
	}
	d.Pages = pages
	d.Searched = d.Query != "" || d.Mark != "" || d.From != "" || d.To != "" || d.Wider != ""
	for _, row := range found {
		d.Rows = append(d.Rows, rowOf(row))
	}
	return o.ledger.Show(x, http.StatusOK, d)
}

// find looks for what was typed as an address and, when no mail has it, as a
// Message-ID, which looks the same. A search that goes on goes on as it began.
func (o *Ops) find(
	ctx context.Context, q store.InboundQuery, typed string, p store.Page,
) (store.List[store.Inbound], error) {
	typed = strings.Trim(typed, "<> ")
	if len(typed) > 1000 {
		typed = typed[:1000]
	}
	q.Address = typed
	found, err := o.stores.ledger.SearchInbound(ctx, q, p)
	goesOnByID := p.After != "" && errors.Is(err, store.ErrInvalid)
	if typed == "" || !goesOnByID && (err != nil || len(found.Items) > 0 || found.Stopped) {
		return found, err
	}
	byID := q
	byID.Address, byID.MessageID = "", typed
	return o.stores.ledger.SearchInbound(ctx, byID, p)
}

// exact is how an instant stands in an address of the ledger.
const exact = "2006-01-02T15:04Z"

// day is the beginning of a day in UTC, or of the one so many days after it; or
// the very instant, where one is given.
func day(text string, days int) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if t, err := time.Parse(exact, text); err == nil {
		return t, true
	}
	t, err := time.Parse(time.DateOnly, text)
	return t.AddDate(0, 0, days), err == nil
}

// kept is the part of an address behind its path, with the parameters named that
// have a value.
func kept(in url.Values, names ...string) string {
	kept := url.Values{}
	for _, name := range names {
		if v := in.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	return "?" + kept.Encode()
}

// authorOf takes a From apart where its address begins.
func authorOf(from string) (name, address string) {
	if i := strings.LastIndex(from, " <"); i > 0 {
		return from[:i], from[i+1:]
	}
	return "", from
}

func rowOf(m store.Inbound) ledgerRow {
	row := ledgerRow{
		Link: "/ops/ledger/" + strconv.FormatUint(uint64(m.ID), 10), When: when(m.SeenAt),
		Subject: m.Subject, Mailbox: m.Mailbox,
	}
	row.Author, row.From = authorOf(m.From)
	for _, id := range m.Marks() {
		row.Marks = append(row.Marks, verdict.MarkOf(id))
	}
	row.Why = m.Verdict.Decider()
	if m.State == store.InboundQuarantined {
		row.Why = m.Fault
	}
	return row
}
