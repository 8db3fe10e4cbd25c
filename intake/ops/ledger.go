package ops

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

const ledgerPage = 50

// mark is what a mail may be found under, in words.
type mark struct {
	ID, Name, Tone string
}

func marks() []mark {
	return []mark{
		{store.MarkAnswered, "answered", "teal"},
		{string(store.KindDirect), "a person wrote", ""},
		{string(store.KindBounce), "bounce", "red"},
		{string(store.KindDelay), "delay", "amber"},
		{string(store.KindDelivered), "delivered", "green"},
		{string(store.KindAutoReply), "automatic reply", ""},
		{string(store.KindComplaint), "complaint", "red"},
		{string(store.KindList), "list or newsletter", ""},
		{string(store.KindReceipt), "read receipt", ""},
		{string(store.KindChallenge), "challenge", ""},
		{string(store.KindReport), "machine's report", ""},
		{string(store.KindCalendar), "calendar", ""},
		{string(store.KindOwn), "our own", ""},
		{string(store.KindSpam), "spam", ""},
		{string(store.KindUnparsable), "not readable", "amber"},
		{string(store.InboundStored), "not decided yet", "amber"},
		{string(store.InboundQuarantined), "set aside", "red"},
	}
}

func markOf(id string) mark {
	for _, m := range marks() {
		if m.ID == id {
			return m
		}
	}
	return mark{ID: id, Name: id}
}

type ledgerData struct {
	page
	Query, Mark, From, To string
	Marks                 []mark
	Rows                  []ledgerRow
	Older                 string
	Searched              bool
	Fault                 string
}

type ledgerRow struct {
	Link, When, From, Subject string
	Mailbox                   string
	Marks                     []mark
	Why                       string // the rule that decided, in its own name
}

func (o *Ops) showLedger(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	d := ledgerData{
		page: page{"ledger", who.Email}, Query: strings.TrimSpace(in.Get("q")), Mark: in.Get("mark"),
		From: in.Get("from"), To: in.Get("to"), Marks: marks(),
	}
	q := store.InboundQuery{Mark: d.Mark}
	var ok1, ok2 bool
	q.Since, ok1 = day(d.From, 0)
	q.Until, ok2 = day(d.To, 1)
	if !ok1 || !ok2 {
		d.Fault = "A day is written like 2026-11-23."
		return o.ledger.Show(x, http.StatusUnprocessableEntity, d)
	}
	before, _ := strconv.ParseUint(in.Get("before"), 10, 64)
	q.Before = store.InboundID(before)
	rows, err := o.find(x, q, d.Query)
	if err != nil {
		return err
	}
	d.Searched = d.Query != "" || d.Mark != "" || d.From != "" || d.To != ""
	if len(rows) == ledgerPage {
		d.Older = older(in, uint64(rows[len(rows)-1].ID))
	}
	for _, row := range rows {
		d.Rows = append(d.Rows, rowOf(row))
	}
	return o.ledger.Show(x, http.StatusOK, d)
}

// find looks for what was typed as an address and, when nothing has it, as a
// Message-ID, which looks the same.
func (o *Ops) find(x *web.Exchange, q store.InboundQuery, typed string) ([]store.Inbound, error) {
	typed = strings.Trim(typed, "<> ")
	if len(typed) > 1000 {
		typed = typed[:1000]
	}
	q.Address = typed
	rows, err := o.deps.Store.SearchInbound(x.Request.Context(), q, ledgerPage)
	if err != nil || len(rows) > 0 || typed == "" {
		return rows, err
	}
	q.Address, q.MessageID = "", typed
	return o.deps.Store.SearchInbound(x.Request.Context(), q, ledgerPage)
}

// day is the beginning of a day in UTC, or of the one so many days after it.
func day(text string, days int) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.DateOnly, text)
	return t.AddDate(0, 0, days), err == nil
}

// older is the address of a list's next page.
func older(in url.Values, before uint64) string {
	next := url.Values{"before": {strconv.FormatUint(before, 10)}}
	for _, name := range []string{"q", "mark", "from", "to"} {
		if v := in.Get(name); v != "" {
			next.Set(name, v)
		}
	}
	return "?" + next.Encode()
}

func rowOf(m store.Inbound) ledgerRow {
	row := ledgerRow{
		Link: "/ops/ledger/" + strconv.FormatUint(uint64(m.ID), 10), When: when(m.SeenAt),
		From: m.From, Subject: m.Subject, Mailbox: m.Mailbox,
	}
	for _, id := range m.Marks() {
		row.Marks = append(row.Marks, markOf(id))
	}
	for _, r := range m.Verdict.Rules {
		if r.Effect == store.EffectStop || r.Effect == store.EffectMissing {
			row.Why = r.ID
			break
		}
	}
	if m.State == store.InboundQuarantined {
		row.Why = m.Fault
	}
	return row
}
