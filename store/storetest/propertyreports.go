package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

// report records a mail and decides that it reports on some mails.
func (r *run) report(*rapid.T) {
	if len(r.model.outs) == 0 {
		return
	}
	r.record(r.T)
	kinds := []store.Kind{
		store.KindBounce, store.KindBounce, store.KindDelay, store.KindDelivered,
		store.KindComplaint, store.KindDirect, store.KindAutoReply, store.KindReceipt,
	}
	d := store.Decision{
		ID:      r.model.mails[len(r.model.mails)-1].ID,
		Verdict: store.Verdict{Kind: kinds[r.pick("kind", len(kinds))]},
	}
	if r.pick("about", 2) == 0 {
		d.Verdict.About = r.model.outs[r.pick("row", len(r.model.outs))].ID
	}
	for range 1 + r.pick("reports", 2) {
		d.Verdict.Reports = append(d.Verdict.Reports, r.drawReport())
	}
	got, err := r.store.DecideInbound(r.ctx, r.now, []store.Decision{d})
	want := r.model.decide(r.now, []store.Decision{d}, got)
	r.compare("DecideInbound", must1(got, err), want, nil)
}

func (r *run) drawReport() store.Report {
	ties := []store.Tie{store.TieEnvelope, store.TieMessageID, store.TieEnvelope, store.TieProbable, store.TieOther, ""}
	actions := []store.Action{"failed", "failed", "failed", "delayed", "delivered", "relayed"}
	outcomes := []store.Outcome{store.OutcomeDead, store.OutcomeRefused, store.OutcomeLater}
	report := store.Report{
		Action: actions[r.pick("action", len(actions))], Outcome: outcomes[r.pick("outcome", len(outcomes))], Status: "5.0.0",
		Reason: []string{"reason", store.ReasonFull}[r.pick("reason", 2)], Tie: ties[r.pick("tie", len(ties))],
		Outbound:   r.model.outs[r.pick("about", len(r.model.outs))].ID,
		Diagnostic: []string{"550 no", "554 spam from 192.0.2.1", "554 spam from 192.0.2.77"}[r.pick("words", 3)],
		Host:       []string{"", "mx.example"}[r.pick("host", 2)],
	}
	if r.pick("unknown", 8) == 0 {
		report.Outbound = 1 << 40
	}
	return report
}

// suppress keeps an address back by hand.
func (r *run) suppress(*rapid.T) {
	s := store.Suppression{
		Address: people[r.pick("who", 3)], Scope: store.Scopes()[r.pick("scope", 3)], By: "ops", Note: "asked us to",
	}
	if days := r.pick("days", 3); days > 0 {
		s.Expires = r.now.Add(time.Duration(days) * 100 * 24 * time.Hour)
	}
	got, err := r.store.SuppressAddress(r.ctx, r.now, as(s.By), s)
	r.model.logs(store.AuditAddressSuppressed)
	r.compare("SuppressAddress", must1(got, err), r.model.suppressAddress(r.now, s), nil)
}

// release ends a suppression or settles a question by hand.
func (r *run) release(*rapid.T) {
	id := store.SuppressionID(r.pick("suppression", int(r.model.heldLast)+2))
	want, wantErr := r.model.release(r.now, id)
	got, err := r.store.ReleaseSuppression(r.ctx, r.now, as("ops"), id)
	if wantErr == nil {
		r.model.logs(store.AuditAddressReleased)
	}
	r.compare("ReleaseSuppression", must1(got, err), want, wantErr)
	if len(r.model.tickets) > 0 {
		k := r.model.tickets[r.pick("ticket", len(r.model.tickets))]
		if k.Question != "" {
			r.model.logs(store.AuditQuestionSettled)
		}
		settled, err := r.store.SettleQuestion(r.ctx, r.now, store.ByCommandLine("root"), k.ID)
		r.compare("SettleQuestion", must1(settled, err), r.model.settleQuestion(r.now, k.ID), nil)
	}
}

func (r *run) readDeliveries() {
	r.compare("Suppressions", must1(r.lists().suppressions(r.now)), r.model.suppressions(r.now), nil)
	for _, who := range people {
		var mails []store.Outbound
		for _, o := range r.model.outs {
			if store.AddressKey(o.To) == store.AddressKey(who) {
				mails = slices.Insert(mails, 0, o.Outbound)
			}
		}
		r.compare("OutboundsTo", must1(r.lists().mailsTo(who)), mails, nil)
		var held []store.Suppression
		for _, scope := range store.Scopes() {
			if s := r.model.suppression(r.now, who, scope); s != nil {
				held = append(held, *s)
			}
		}
		r.compare("SuppressionsOf", must1(r.store.SuppressionsOf(r.ctx, r.now, who)), held, nil)
	}
	since := r.now.Add(time.Second - store.RefusalKept)
	refusals, err := r.lists().refusals(since)
	slices.SortStableFunc(refusals, byCase)
	r.compare("Refusals", must1(refusals, err), r.model.refusals(since), nil)
}
