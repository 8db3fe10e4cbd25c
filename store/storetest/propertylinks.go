package storetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

func (r *run) mailing() store.Mailing {
	return store.Mailing{
		Region: region("us", "US"), Link: linkOf(r.mint()),
		LinkExpires: r.now.Add(time.Duration(1+r.pick("expires", 400)) * time.Hour),
		MessageID:   messageIDOf(r.mint()), Budgets: r.budgets(), Network: fmt.Sprint(r.pick("network", 3)),
	}
}

func (r *run) prove(*rapid.T) {
	link := r.link()
	want, wantErr := r.model.prove(r.now, link)
	r.compare("ProveAddress", must1(r.store.ProveAddress(r.ctx, r.now, store.ByPartner(link), link)), want, wantErr)
}

func (r *run) renew(*rapid.T) {
	link, m := r.link(), r.mailing()
	got, err := r.store.RenewLink(r.ctx, r.now, store.ByPartner(link), link, m)
	want, wantErr := r.model.renew(r.now, link, m, got.Confirmation.ID)
	r.compare("RenewLink", must1(got, err), want, wantErr)
}

func (r *run) revokeAll(*rapid.T) {
	if len(r.model.tickets) == 0 {
		return
	}
	id := r.model.tickets[r.pick("ticket", len(r.model.tickets))].ID
	r.model.revokeLinks(id)
	r.compare("RevokeLinks", must1[any](nil, r.store.RevokeLinks(r.ctx, r.now, store.ByService(), id)), nil, nil)
}

func (r *run) mailLinks(*rapid.T) {
	m := r.mailing()
	n := store.LinkRequest{
		Region: m.Region, Address: people[r.pick("who", 3)],
		Since:       r.now.Add(-time.Duration(1+r.pick("since", 400)) * time.Hour),
		LinkExpires: m.LinkExpires, MessageID: m.MessageID, Budgets: m.Budgets,
	}
	for range store.MailedLinks {
		n.Fresh = append(n.Fresh, linkOf(r.mint()))
	}
	got, err := r.store.MailLinks(r.ctx, r.now, n)
	r.compare("MailLinks", must1(got, err), r.model.mailLinks(r.now, n, got.ID), nil)
}

func (r *run) change(*rapid.T) {
	if len(r.model.tickets) == 0 {
		return
	}
	n := store.NewAddress{
		Ticket: r.model.tickets[r.pick("ticket", len(r.model.tickets))].ID, Email: people[r.pick("who", 3)],
		Mailing: r.mailing(),
	}
	if r.pick("by", 2) == 1 {
		n.Link = r.link()
	}
	by := store.ByService()
	if r.pick("staff", 2) == 1 {
		by = agentsAtDesk[0]
	}
	got, err := r.store.ChangeRequester(r.ctx, r.now, by, n)
	want, wantErr := r.model.changeRequester(r.now, by, n, got.Confirmation.ID)
	r.compare("ChangeRequester", must1(got, err), want, wantErr)
}
