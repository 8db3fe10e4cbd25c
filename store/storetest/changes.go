package storetest

import (
	"errors"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

func changeStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"What is committed is logged in its order":       (*desk).changesLogged,
		"What changed twice in one commit stands once":   (*desk).changedTwice,
		"Changes are read in parts":                      (*desk).changesInParts,
		"A reader of a store that was lost begins anew":  (*desk).changesLost,
		"What fails is no change":                        (*desk).unchanged,
		"A reader is woken by what is committed":         (*desk).woken,
		"A reader that is told of nothing reads nothing": (*desk).noChanges,
	}
}

// since is what changed after a number, as words, and the number to go on from.
func (d *desk) since(after uint64, limit int) (words []string, next uint64) {
	d.Helper()
	changes, next, err := d.Changes(d.ctx, after, limit)
	d.must(err)
	for i, c := range changes {
		words = append(words, fmt.Sprint(c.Noun, " ", c.ID))
		if c.Seq != after+1+uint64(i) {
			d.Errorf("change %d stands where %d should", c.Seq, after+1+uint64(i))
		}
	}
	return words, next
}

func (d *desk) changesLogged() {
	opened := d.opens()
	words, next := d.since(0, 100)
	id, mail := fmt.Sprint("ticket ", opened.Ticket.ID), fmt.Sprint("outbound ", opened.Confirmation.ID)
	d.same(words, []string{id, mail})
	link := opened.Ticket.Link
	must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(link), store.NewMessage{Link: link, Body: "more"}))
	words, next = d.since(next, 100)
	d.same(words, []string{id})
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "us"))
	must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, "us", 1))
	rows := must[[]store.Inbound](d)(d.RecordInbound(d.ctx, d.now, []store.NewInbound{{
		Mailbox: "us", UIDValidity: 1, UID: 1, InternalDate: d.now, Raw: []byte("Subject: x\r\n\r\n"),
	}}))
	words, next = d.since(next, 100)
	d.same(words, []string{fmt.Sprint("inbound ", rows[0].ID)})
	last, err := d.LastChange(d.ctx)
	d.must(err)
	d.same(last, next)
}

func (d *desk) changedTwice() {
	opened := d.opens()
	_, next := d.since(0, 100)
	mails := d.claims(store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	_, next = d.since(next, 100)
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{ // writes the mail, then its ticket for two reasons
		ID: mails[0].ID, Claim: mails[0].Claim, State: store.StateFailed, Reply: "550 5.1.1 no such user", Code: 550,
	}))
	words, _ := d.since(next, 100)
	seen := map[string]int{}
	for _, w := range words {
		seen[w]++
	}
	d.same(seen, map[string]int{fmt.Sprint("ticket ", opened.Ticket.ID): 1, fmt.Sprint("outbound ", mails[0].ID): 1})
}

func (d *desk) changesInParts() {
	for range 3 {
		d.opens()
	}
	all, last := d.since(0, 100)
	d.same(len(all), 6)
	var parts []string
	for next := uint64(0); next < last; {
		var part []string
		if part, next = d.since(next, 1); len(part) != 1 {
			d.Fatalf("a part of one has %d", len(part))
		}
		parts = append(parts, part...)
	}
	d.same(parts, all)
	some, next := d.since(3, 2)
	d.same(some, all[3:5])
	d.same(next, uint64(5))
	none, next := d.since(2, 0)
	d.same(none, []string(nil))
	d.same(next, uint64(2))
}

func (d *desk) changesLost() {
	d.opens()
	_, seen := d.since(0, 100)
	d.must(d.MarkRestored(d.ctx, d.now))
	for _, after := range []uint64{0, seen, seen + 1, 1 << 63} {
		if _, _, err := d.Changes(d.ctx, after, 10); !errors.Is(err, store.ErrBehind) {
			d.Errorf("a reader at %d was told %v", after, err)
		}
	}
	anew, err := d.LastChange(d.ctx)
	d.must(err)
	words, _ := d.since(anew, 10)
	d.same(words, []string(nil))
	opened := d.opens()
	words, _ = d.since(anew, 10)
	d.same(words, []string{
		fmt.Sprint("ticket ", opened.Ticket.ID), fmt.Sprint("outbound ", opened.Confirmation.ID),
	})
	d.must(d.MarkRestored(d.ctx, d.now)) // twice is as good as once
	_, _, err = d.Changes(d.ctx, anew, 10)
	d.wantErr(err, store.ErrBehind)
}

func (d *desk) unchanged() {
	_, err := d.OpenTicket(d.ctx, d.now, d.ticket(func(n *store.NewTicket) { n.MessageID = "" }))
	d.wantErr(err, store.ErrInvalid)
	_, err = d.AppendMessage(d.ctx, d.now, store.ByPartner(linkOf(99)), store.NewMessage{Link: linkOf(99), Body: "more"})
	d.wantErr(err, store.ErrNotFound)
	words, next := d.since(0, 10)
	d.same(words, []string(nil))
	d.same(next, uint64(0))
}

func (d *desk) woken() {
	before, again := d.Changed(), d.Changed()
	d.opens()
	<-before
	<-again
	words, _ := d.since(0, 10)
	d.same(len(words), 2)
}

func (d *desk) noChanges() {
	d.opens()
	quiet := d.Changed()
	must[store.Stats](d)(d.Stats(d.ctx))
	d.since(0, 10)
	select {
	case <-quiet:
		d.Error("reading woke a reader")
	default:
	}
}

// follower keeps what the model keeps by the log of changes alone.
type follower struct {
	next      uint64
	tickets   map[store.TicketID]store.Ticket
	outbounds map[store.OutboundID]store.Outbound
	inbounds  map[store.InboundID]store.Inbound
}

// follow catches up, and compares.
func (r *run) follow(*rapid.T) {
	for f := &r.follower; ; {
		changes, next, err := r.store.Changes(r.ctx, f.next, 1+r.pick("changes", 9))
		if errors.Is(err, store.ErrBehind) {
			r.rebuild()
			break
		}
		if err != nil {
			r.Fatal(err)
		}
		if len(changes) == 0 {
			break
		}
		for _, c := range changes {
			r.take(c)
		}
		f.next = next
	}
	for _, k := range r.model.tickets {
		r.compare("the follower's ticket", must1(r.follower.tickets[k.ID], nil), *k, nil)
	}
	for _, o := range r.model.outs {
		r.compare("the follower's outbound", must1(r.follower.outbounds[o.ID], nil), o.Outbound, nil)
	}
	for _, m := range r.model.mails {
		r.compare("the follower's inbound", must1(r.follower.inbounds[m.ID], nil), *m, nil)
	}
}

// rebuild begins anew, as a reader that fell behind does.
func (r *run) rebuild() {
	last, err := r.store.LastChange(r.ctx)
	if err != nil {
		r.Fatal(err)
	}
	r.follower = newFollower(last)
	for _, k := range r.model.tickets {
		r.take(store.LoggedChange{Noun: store.NounTicket, ID: uint64(k.ID)})
	}
	for _, o := range r.model.outs {
		r.take(store.LoggedChange{Noun: store.NounOutbound, ID: uint64(o.ID)})
	}
	for _, m := range r.model.mails {
		r.take(store.LoggedChange{Noun: store.NounInbound, ID: uint64(m.ID)})
	}
}

func newFollower(next uint64) follower {
	return follower{next, map[store.TicketID]store.Ticket{}, map[store.OutboundID]store.Outbound{},
		map[store.InboundID]store.Inbound{}}
}

// take reads what a change names.
func (r *run) take(c store.LoggedChange) {
	var err error
	switch f := r.follower; c.Noun {
	case store.NounTicket:
		f.tickets[store.TicketID(c.ID)], err = r.store.Ticket(r.ctx, store.TicketID(c.ID))
	case store.NounOutbound:
		f.outbounds[store.OutboundID(c.ID)], err = r.store.Outbound(r.ctx, store.OutboundID(c.ID))
	case store.NounInbound:
		f.inbounds[store.InboundID(c.ID)], err = r.store.Inbound(r.ctx, store.InboundID(c.ID))
	default:
		r.Fatalf("a change of no known noun: %v", c)
	}
	if err != nil {
		r.Fatal(err)
	}
}
