package ops

import (
	"net/http"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

const (
	refusalsShown = 50
	// refusedSince is how long ago a refusal may have been seen last to be shown.
	refusedSince = 30 * 24 * time.Hour
)

type bouncesData struct {
	page
	Refusals   []refusalRow
	Suppressed []suppressedRow
	More       string
	Done       string
}

type refusalRow struct {
	Host, Said, First, Last string
	Count                   uint64
	Addresses               []string
}

type suppressedRow struct {
	ID                    uint64
	Address, Scope, Tone  string
	Reason, Said          string
	Since, Expires, Proof string
}

func (o *Ops) showBounces(x *web.Exchange, who store.Agent) error {
	ctx, in, now := x.Request.Context(), x.Request.URL.Query(), time.Now()
	before, _ := strconv.ParseUint(in.Get("before"), 10, 64)
	refusals, err := o.deps.Store.Refusals(ctx, now.Add(-refusedSince), refusalsShown)
	if err != nil {
		return err
	}
	suppressed, err := o.deps.Store.Suppressions(ctx, now, store.SuppressionID(before), queuePage)
	if err != nil {
		return err
	}
	d := bouncesData{page: page{"bounces", who.Email}}
	if in.Get("released") != "" {
		d.Done = "The address is written to again, from the next mail on."
	}
	for _, r := range refusals {
		d.Refusals = append(d.Refusals, refusalRow{r.Host, r.Diagnostic, when(r.First), when(r.Last), r.Count, r.Addresses})
	}
	for _, s := range suppressed {
		d.Suppressed = append(d.Suppressed, suppressedOf(s))
	}
	if len(suppressed) == queuePage {
		d.More = "/ops/bounces?before=" + strconv.FormatUint(uint64(suppressed[queuePage-1].ID), 10)
	}
	return o.bounces.Show(x, http.StatusOK, d)
}

func suppressedOf(s store.Suppression) suppressedRow {
	row := suppressedRow{
		ID: uint64(s.ID), Address: s.Address, Reason: s.Reason, Said: s.Diagnostic, Since: when(s.Since), Expires: "until it is released",
	}
	switch s.Scope {
	case store.ScopeAll:
		row.Scope, row.Tone = "no mail at all", "red"
	case store.ScopeAutomatic:
		row.Scope, row.Tone = "no automatic mail", "amber"
	case store.ScopeAnswers:
		row.Scope = "no automatic answers"
	}
	if !s.Expires.IsZero() {
		row.Expires = "until " + s.Expires.UTC().Format("2 January 2006")
	}
	if s.Inbound != 0 {
		row.Proof = "/ops/ledger/" + strconv.FormatUint(uint64(s.Inbound), 10)
	}
	return row
}

func (o *Ops) postRelease(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	id, err := strconv.ParseUint(x.Request.PostForm.Get("id"), 10, 64)
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	if _, err := o.deps.Store.ReleaseSuppression(x.Request.Context(), time.Now(), store.SuppressionID(id)); err != nil {
		return err
	}
	x.Log.Info("suppression released", "request", x.ID, "suppression", id, "agent", who.ID)
	return x.Redirect("/ops/bounces?released=1")
}
