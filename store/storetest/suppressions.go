package storetest

import (
	"errors"
	"strings"
	"time"

	"signpost/store"
)

// The stories of addresses that are not written to.

func suppressedByHand(d *desk) {
	d.connects()
	ask := store.Suppression{
		Address: "ana@a.example", Scope: store.ScopeAutomatic, Note: "asked by phone", Expires: d.at().Add(time.Hour),
		By: "another", ID: 99, Reason: "userunknown", Inbound: 7, // not the caller's to say
	}
	want := store.Suppression{
		ID: 1, Address: "ana@a.example", Scope: store.ScopeAutomatic, By: "ops@desk.example", Note: "asked by phone",
		Since: d.at(), Expires: d.at().Add(time.Hour),
	}
	d.same(must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("ops@desk.example"), ask)), want)
	d.same(must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@A.example")), []store.Suppression{want})
	if c := d.opens(from("ana@a.example")).Confirmation; c.State != store.StateSuppressed {
		d.Errorf("the confirmation is %s", c.State)
	}
	// A second hand joins the first and shortens nothing; one for good stays so,
	// whatever reports come.
	d.pass(time.Minute)
	ask.Note, ask.Expires = "again", d.at().Add(time.Minute)
	want.By, want.Note = "bob@desk.example", ask.Note
	d.same(must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("bob@desk.example"), ask)), want)
	d.pass(time.Hour)
	d.same(d.suppressed("ana@a.example"), []store.Scope{})
	mail := d.sends(from("ana@a.example")).Confirmation
	ask.Scope, ask.Expires = store.ScopeAll, time.Time{}
	want.ID, want.Scope, want.Since, want.Expires = 2, store.ScopeAll, d.at(), time.Time{}
	d.same(must[store.Suppression](d)(d.SuppressAddress(d.ctx, d.now, as("bob@desk.example"), ask)), want)
	in := d.hears(failed(mail, store.OutcomeDead))
	want.Reason, want.Status, want.Diagnostic = "userunknown", "5.1.1", "550 5.1.1 no such user"
	want.Outbound, want.Inbound = mail.ID, in.ID
	d.same(must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "ana@a.example")), []store.Suppression{want})
	d.same(must[store.Suppression](d)(d.ReleaseSuppression(d.ctx, d.now, store.ByService(), 2)), want)

	for name, change := range map[string]func(*store.Suppression){
		"no address": func(s *store.Suppression) { s.Address = "ana" },
		"no scope":   func(s *store.Suppression) { s.Scope = "some" },
		"over":       func(s *store.Suppression) { s.Expires = d.at() },
	} {
		s := ask
		change(&s)
		if _, err := d.SuppressAddress(d.ctx, d.now, as("bob@desk.example"), s); !errors.Is(err, store.ErrInvalid) {
			d.Errorf("%s: %v", name, err)
		}
	}
	_, err := d.SuppressAddress(d.ctx, d.now, store.ByService(), ask)
	d.wantErr(err, store.ErrInvalid)
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), []store.Suppression{})
}

func suppressionEnds(d *desk) {
	d.connects()
	bounces := func(who string) store.Suppression {
		mail := d.sends(from(who)).Confirmation
		d.hears(failed(mail, store.OutcomeDead))
		return must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, who))[0]
	}
	ana := bounces("ana@a.example")
	bob := bounces("bob@a.example")
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), []store.Suppression{bob, ana})

	d.same(must[store.Suppression](d)(d.ReleaseSuppression(d.ctx, d.now, store.ByService(), bob.ID)), bob)
	_, err := d.ReleaseSuppression(d.ctx, d.now, store.ByService(), bob.ID)
	d.wantErr(err, store.ErrNotFound)
	d.same(d.suppressed("bob@a.example"), []store.Scope{})
	// The report that had taken effect does not take it again; a new bounce does.
	d.hears(failed(must[store.Outbound](d)(d.Outbound(d.ctx, bob.Outbound)), store.OutcomeDead))
	d.same(d.suppressed("bob@a.example"), []store.Scope{})
	d.pass(store.ScopeAll.Kept() - time.Microsecond)
	d.same(d.suppressed("ana@a.example"), []store.Scope{store.ScopeAll})
	d.pass(time.Microsecond)
	d.same(d.suppressed("ana@a.example"), []store.Scope{})
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), []store.Suppression{})
	_, err = d.ReleaseSuppression(d.ctx, d.now, store.ByService(), ana.ID)
	d.wantErr(err, store.ErrNotFound)
	again := bounces("ana@a.example")
	if again.ID <= bob.ID || !again.Since.Equal(d.at()) {
		d.Errorf("suppressed anew: %+v", again)
	}
	must[int](d)(d.Housekeep(d.ctx, d.now, 10_000))
	d.same(d.suppressed("ana@a.example"), []store.Scope{store.ScopeAll})
}

func suppressionFolding(d *desk) {
	d.connects()
	two := d.opens(from("Ana+x@Partner.example")).Confirmation
	one := d.sends(from("Ana+x@partner.example")).Confirmation
	d.hears(failed(one, store.OutcomeDead))
	first := must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, "Ana+x@PARTNER.example"))
	for _, other := range []string{"ana+x@partner.example", "Ana@partner.example", "Ana+x@partner.example.net"} {
		d.same(d.suppressed(other), []store.Scope{})
	}
	// Another mail that bounces renews it.
	d.pass(time.Hour)
	in := d.hears(failed(two, store.OutcomeDead))
	first[0].Expires, first[0].Outbound, first[0].Inbound = d.at().Add(store.ScopeAll.Kept()), two.ID, in.ID
	d.same(must[[]store.Suppression](d)(d.lists().suppressions(d.now)), first)

	gmail := d.sends(from("bob+news@Gmail.com")).Confirmation
	d.hears(failed(gmail, store.OutcomeDead))
	d.same(d.suppressed("bob@gmail.com"), []store.Scope{store.ScopeAll})
}

func suppressedWhileQueued(d *desk) {
	d.connects()
	first, second := d.opens(), d.opens()
	retried := d.claims(claimAll())[1]
	d.finishes(retried, store.StateQueued, d.now.Add(time.Hour))
	d.hears(failed(first.Confirmation, store.OutcomeDead))
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, second.Ticket.ID)).Question, store.Question(""))
	d.pass(2 * time.Hour)
	other := d.opens(from("other@partner.example"))
	d.same(idsOf(d.claims(claimAll())), []store.OutboundID{other.Confirmation.ID})
	row := must[store.Outbound](d)(d.Outbound(d.ctx, second.Confirmation.ID))
	if row.State != store.StateSuppressed || !row.DoneAt.Equal(d.at()) || row.Claim != 0 ||
		!strings.HasPrefix(row.Reason, store.RuleSuppressed) {
		d.Errorf("the waiting row is %+v", row)
	}
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, second.Ticket.ID)).Question, store.QuestionUndeliverable)
}
