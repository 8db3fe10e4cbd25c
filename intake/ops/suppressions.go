package ops

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/addr"
)

// suppressionStore reads, adds and releases suppressions.
type suppressionStore interface {
	SuppressionsOf(ctx context.Context, now time.Time, address string) ([]store.Suppression, error)
	Suppressions(ctx context.Context, now time.Time, p store.Page) (store.List[store.Suppression], error)
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
	SuppressAddress(
		ctx context.Context, now time.Time, by store.Actor, s store.Suppression,
	) (store.Suppression, error)
	ReleaseSuppression(
		ctx context.Context, now time.Time, by store.Actor, id store.SuppressionID,
	) (store.Suppression, error)
}

type suppressionsData struct {
	Tabs    web.Tabs
	Query   string
	Rows    []suppressedRow
	Pages   pager
	Done    string
	Form    suppressForm
	Number  string // of the ticket whose links are to be revoked
	Fault   string
	FaultOf string // the field at fault
	Scopes  []scopeChoice
	Terms   []termChoice
}

type suppressedRow struct {
	ID             uint64
	Address, Scope string
	Reason, Said   string
	Note, By       string
	Since, Expires string
	Proof, Number  string
}

// suppressForm is the form that suppresses an address, as it was filled in.
type suppressForm struct {
	Address, Scope, Term, Note string
}

type scopeChoice struct {
	ID    store.Scope
	Words string
}

func scopeChoices() []scopeChoice {
	return []scopeChoice{
		{store.ScopeAutomatic, "automatic mail: confirmations and answers to stray mail"},
		{store.ScopeAll, "all mail, replies of people too"},
		{store.ScopeAnswers, "answers to stray mail only"},
	}
}

type termChoice struct {
	ID, Words string
	Days      int // 0: until it is released
}

func termChoices() []termChoice {
	return []termChoice{
		{"release", "until it is released", 0}, {"30", "for 30 days", 30},
		{"180", "for 180 days", 180}, {"730", "for 2 years", 730},
	}
}

func (o *Ops) showSuppressions(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	d := suppressionsData{Query: strings.TrimSpace(in.Get("q"))}
	switch {
	case in.Get("released") != "":
		d.Done = "The address is released: the next mail to it is sent."
	case in.Get("held") != "":
		d.Done = "The address is suppressed from now on."
	case in.Get("revoked") != "":
		d.Done = "No link to " + in.Get("revoked") +
			" opens it any more. Its requester can ask for a new one in the help centre."
	}
	d.Form.Address = d.Query
	return o.suppressionsPage(x, who, http.StatusOK, d)
}

func (o *Ops) suppressionsPage(x *web.Exchange, who store.Agent, status int, d suppressionsData) error {
	d.Tabs, d.Scopes, d.Terms = delivery("/ops/suppressions"), scopeChoices(), termChoices()
	held, err := o.held(x, &d)
	if err != nil {
		return err
	}
	for _, s := range held {
		row, err := o.suppressedOf(x, s)
		if err != nil {
			return err
		}
		d.Rows = append(d.Rows, row)
	}
	return o.suppressions.Show(x, status, d)
}

// held are the suppressions of the address that was asked for, or a page of all.
func (o *Ops) held(x *web.Exchange, d *suppressionsData) ([]store.Suppression, error) {
	ctx, now := x.Request.Context(), time.Now()
	if d.Query != "" {
		return o.stores.suppressions.SuppressionsOf(ctx, now, d.Query)
	}
	list, pages, err := part(x.Request.URL, "", queuePage, func(p store.Page) (store.List[store.Suppression], error) {
		return o.stores.suppressions.Suppressions(ctx, now, p)
	})
	d.Pages = pages
	return list, err
}

func (o *Ops) suppressedOf(x *web.Exchange, s store.Suppression) (suppressedRow, error) {
	row := suppressedRow{
		ID: uint64(s.ID), Address: s.Address, Reason: verdict.Reason(s.Reason), Said: s.Diagnostic, Note: s.Note, By: s.By,
		Since: s.Since.UTC().Format("2 January 2006 15:04"), Expires: "until it is released",
	}
	switch s.Scope {
	case store.ScopeAll:
		row.Scope = "all mail"
	case store.ScopeAutomatic:
		row.Scope = "automatic mail"
	case store.ScopeAnswers:
		row.Scope = "automatic answers"
	}
	if !s.Expires.IsZero() {
		row.Expires = "until " + s.Expires.UTC().Format("2 January 2006")
	}
	if s.Inbound != 0 {
		row.Proof = ledgerLink(s.Inbound)
	}
	if s.Outbound == 0 {
		return row, nil
	}
	m, err := o.stores.suppressions.Outbound(x.Request.Context(), s.Outbound)
	row.Number = m.Number
	return row, err
}

// postSuppress suppresses an address.
func (o *Ops) postSuppress(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f, now := x.Request.PostForm, time.Now()
	form := suppressForm{
		Address: strings.TrimSpace(f.Get("address")), Note: strings.TrimSpace(f.Get("note")),
		Scope: f.Get("scope"), Term: f.Get("term"),
	}
	s, field, fault := suppressionOf(form, now)
	if fault != "" {
		page := suppressionsData{Form: form, Fault: fault, FaultOf: field}
		return o.suppressionsPage(x, who, http.StatusUnprocessableEntity, page)
	}
	held, err := o.stores.suppressions.SuppressAddress(x.Request.Context(), now, staff.ActorOf(x, who), s)
	if err != nil {
		return err
	}
	x.Log.Info("address suppressed by hand", "request", x.ID, "suppression", held.ID, "scope", held.Scope, "agent", who.ID)
	return x.Redirect("/ops/suppressions?held=1&q=" + url.QueryEscape(held.Address))
}

// suppressionOf reads the form, or says which field is at fault.
func suppressionOf(form suppressForm, now time.Time) (s store.Suppression, field, fault string) {
	_, problem := addr.Parse(form.Address)
	switch {
	case problem != "":
		return s, "address", "One whole address, like ann@partner.example; this one " + problem.Sentence() + "."
	case form.Note == "":
		return s, "note", "Give a reason."
	case utf8.RuneCountInString(form.Note) > maxReason:
		return s, "note", "Give a shorter reason."
	}
	s = store.Suppression{Address: form.Address, Note: form.Note}
	for _, c := range scopeChoices() {
		if string(c.ID) == form.Scope {
			s.Scope = c.ID
		}
	}
	if s.Scope == "" {
		return s, "scope", "Choose what is suppressed."
	}
	for _, c := range termChoices() {
		if c.ID != form.Term {
			continue
		}
		if c.Days > 0 {
			s.Expires = now.AddDate(0, 0, c.Days)
		}
		return s, "", ""
	}
	return s, "term", "Choose for how long."
}

func (o *Ops) postRelease(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	id, err := strconv.ParseUint(x.Request.PostForm.Get("id"), 10, 64)
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	_, err = o.stores.suppressions.ReleaseSuppression(x.Request.Context(), time.Now(), staff.ActorOf(x, who),
		store.SuppressionID(id))
	if err != nil && !errors.Is(err, store.ErrNotFound) { // somebody else, or time, was quicker
		return err
	}
	x.Log.Info("suppression released", "request", x.ID, "suppression", id, "agent", who.ID)
	return x.Redirect("/ops/suppressions?released=1")
}
