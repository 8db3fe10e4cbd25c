package storetest

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

func partnerStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A partner solves their ticket, which a thank-you leaves solved": solvedByPartner,
		"A partner reopens a solved ticket until it is closed":           reopenedByPartner,
		"A rating may be changed for some days":                          rated,
		"A new ticket goes on from a closed one, tied both ways":         followed,
		"What partners do on a page needs its link":                      partnersOfNoLink,
	}
}

// eventsOf are the events of a ticket's thread.
func (d *desk) eventsOf(id store.TicketID) (events []store.Entry) {
	for _, e := range must[[]store.Entry](d)(d.lists().thread(id, 0)) {
		if e.Kind == store.EntryEvent {
			events = append(events, e)
		}
	}
	return events
}

func (d *desk) dueKinds() (kinds []store.DeadlineKind) {
	all := must[store.List[store.Deadline]](d)(d.DeadlinesDue(d.ctx, dawn, dawn.AddDate(1, 0, 0), store.Page{Limit: 9}))
	for _, due := range all.Items {
		kinds = append(kinds, due.Kind)
	}
	return kinds
}

func solvedByPartner(d *desk) {
	k := d.opens().Ticket
	me := store.ByPartner(k.Link)
	d.pass(time.Hour)
	got := must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, me, k.Link))
	k.Status, k.ProvenAt, k.SolvedAt, k.StoppedAt, k.ChangedAt, k.Entries =
		store.StatusSolved, d.at(), d.at(), d.at(), d.at(), 2
	d.same(got, k)
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, k.Link)), k)
	d.same(d.eventsOf(k.ID), []store.Entry{{
		Ticket: k.ID, Seq: 2, Kind: store.EntryEvent, Event: store.EventPartnerSolved, Author: "Ana", At: d.at(),
		By: store.ActorPartner, Change: store.Change{StatusFrom: store.StatusOpen, StatusTo: store.StatusSolved},
	}})
	d.same(d.dueKinds(), []store.DeadlineKind(nil))
	d.pass(time.Hour)
	d.same(must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, me, k.Link)), k) // thanks again
}

func reopenedByPartner(d *desk) {
	k := d.opens().Ticket
	me := store.ByPartner(k.Link)
	proven := must[store.Ticket](d)(d.ReopenByPartner(d.ctx, d.now, me, k.Link)) // an open one, which is proven so
	k.ProvenAt = d.at()
	d.same(proven, k)
	solved := must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, me, k.Link))
	d.pass(store.ClosedAfter - time.Second)
	open := must[store.Ticket](d)(d.ReopenByPartner(d.ctx, d.now, me, k.Link))
	if open.Number != k.Number || open.Status != store.StatusOpen || !open.SolvedAt.IsZero() || open.Entries != 3 {
		d.Fatalf("it is %+v", open)
	}
	d.same(d.dueKinds(), []store.DeadlineKind{store.DeadlineFirstResponse, store.DeadlineResolution})
	must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, me, k.Link))
	d.pass(store.ClosedAfter)
	_, err := d.ReopenByPartner(d.ctx, d.now, me, k.Link)
	d.wantErr(err, store.ErrClosed)
	d.wantErr(err, store.ErrConflict)
	_, err = d.AppendMessage(d.ctx, d.now, me, store.NewMessage{Link: k.Link, Body: "and one more thing"})
	d.wantErr(err, store.ErrClosed)
	closed := must[store.Ticket](d)(d.Ticket(d.ctx, k.ID))
	if closed.Entries != 4 || !solved.ReopenUntil().Before(closed.ReopenUntil()) {
		d.Fatalf("it is %+v", closed)
	}
}

func rated(d *desk) {
	k := d.opens().Ticket
	rate := func(score int, comment string) (store.Ticket, error) {
		return d.RateTicket(d.ctx, d.now, store.ByPartner(k.Link), k.Link, score, comment)
	}
	for _, refused := range []func() (store.Ticket, error){
		func() (store.Ticket, error) { return rate(0, "") },
		func() (store.Ticket, error) { return rate(store.MaxScore+1, "") },
		func() (store.Ticket, error) { return rate(5, strings.Repeat("x", store.MaxField+1)) },
		func() (store.Ticket, error) { return rate(5, "\xff") },
	} {
		_, err := refused()
		d.wantErr(err, store.ErrInvalid)
	}
	first := d.at()
	d.same(must[store.Ticket](d)(rate(2, "Slow.")).Rating, store.Rating{Score: 2, Comment: "Slow.", FirstAt: first})
	d.pass(store.RatingOpen - time.Second)
	must[store.Ticket](d)(rate(2, "Slow.")) // again the same
	want := store.Rating{Score: 4, FirstAt: first}
	d.same(must[store.Ticket](d)(rate(4, "")).Rating, want)
	d.pass(time.Second)
	_, err := rate(1, "")
	d.wantErr(err, store.ErrConflict)
	d.same(must[store.Ticket](d)(rate(4, "")).Rating, want)
	events := d.eventsOf(k.ID)
	if len(events) != 2 || events[0].Body != "Slow." {
		d.Fatalf("events: %+v", events)
	}
	d.same(events[1].Change, store.Change{ScoreFrom: 2, ScoreTo: 4})
}

func followed(d *desk) {
	old := d.opens().Ticket
	goesOn := func(n *store.NewTicket) { n.Follows = old.Link }
	_, err := d.OpenTicket(d.ctx, d.now, d.ticket(goesOn))
	d.wantErr(err, store.ErrConflict) // it is not closed
	must[store.Ticket](d)(d.SolveByPartner(d.ctx, d.now, store.ByPartner(old.Link), old.Link))
	d.pass(store.ClosedAfter)
	_, err = d.OpenTicket(d.ctx, d.now, d.ticket(goesOn, from("bob@a.example")))
	d.wantErr(err, store.ErrConflict)
	_, err = d.OpenTicket(d.ctx, d.now, d.ticket(func(n *store.NewTicket) { n.Follows = linkOf(d.mint()) }))
	d.wantErr(err, store.ErrNotFound)
	next := d.opens(goesOn).Ticket
	if next.Number != "US-1002" || next.Follows != old.ID || !next.ProvenAt.Equal(d.at()) {
		d.Fatalf("the new one is %+v", next)
	}
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, next.Link)), next)
	was := must[store.Ticket](d)(d.Ticket(d.ctx, old.ID))
	if was.FollowedBy != next.ID || was.Status != store.StatusSolved {
		d.Fatalf("the older one is %+v", was)
	}
	events := d.eventsOf(old.ID)
	if e := events[len(events)-1]; e.Event != store.EventFollowed || e.Body != next.Number {
		d.Fatalf("events: %+v", events)
	}
}

func partnersOfNoLink(d *desk) {
	mine, other := d.opens().Ticket, d.opens(from("bob@a.example")).Ticket
	me := store.ByPartner(mine.Link)
	agent := store.Agent{ID: 1, Email: "a@desk.example", Roles: store.Roles()}.Actor()
	try := func(by store.Actor, link store.LinkID, want error) {
		d.Helper()
		_, err := d.SolveByPartner(d.ctx, d.now, by, link)
		d.wantErr(err, want)
		_, err = d.ReopenByPartner(d.ctx, d.now, by, link)
		d.wantErr(err, want)
		_, err = d.RateTicket(d.ctx, d.now, by, link, 5, "")
		d.wantErr(err, want)
	}
	try(me, other.Link, store.ErrForbidden)
	try(agent, mine.Link, store.ErrForbidden)
	try(store.Actor{}, mine.Link, store.ErrForbidden)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, other.ID)), other)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, mine.ID)), mine)
	must[store.Ticket](d)(d.RateTicket(d.ctx, d.now, me, mine.Link, 1, ""))
	d.must(d.RevokeLinks(d.ctx, d.now, me, mine.ID))
	try(me, mine.Link, store.ErrNotFound)
}

// byPartner does one of what a ticket's page offers beside writing.
func (r *run) byPartner(*rapid.T) {
	link := r.link()
	by := store.ByPartner(link)
	switch r.pick("act", 3) {
	case 0:
		want, wantErr := r.model.byPartner(r.now, link, func(k *store.Ticket) (e store.Entry, err error) {
			if k.Status != store.StatusSolved {
				e = r.model.movedByPartner(r.now, k, store.EventPartnerSolved, store.StatusSolved)
			}
			return e, nil
		})
		r.compare("SolveByPartner", must1(r.store.SolveByPartner(r.ctx, r.now, by, link)), want, wantErr)
	case 1:
		want, wantErr := r.model.byPartner(r.now, link, func(k *store.Ticket) (e store.Entry, err error) {
			switch {
			case k.StatusAt(r.now) == store.StatusClosed:
				return e, store.ErrClosed
			case k.Status == store.StatusSolved, k.Status == store.StatusPending:
				e = r.model.movedByPartner(r.now, k, store.EventPartnerReopened, store.StatusOpen)
			}
			return e, nil
		})
		r.compare("ReopenByPartner", must1(r.store.ReopenByPartner(r.ctx, r.now, by, link)), want, wantErr)
	case 2:
		score := 1 + r.pick("score", 2)
		want, wantErr := r.model.byPartner(r.now, link, func(k *store.Ticket) (e store.Entry, err error) {
			was := k.Rating
			if was.Score == score {
				return e, nil
			}
			if was.Score == 0 {
				k.Rating.FirstAt = r.now
			} else if r.now.Sub(was.FirstAt) >= store.RatingOpen {
				return e, store.ErrConflict
			}
			k.Rating.Score = score
			e.Event, e.Change = store.EventRated, store.Change{ScoreFrom: was.Score, ScoreTo: score}
			return e, nil
		})
		r.compare("RateTicket", must1(r.store.RateTicket(r.ctx, r.now, by, link, score, "")), want, wantErr)
	}
}

func (m *model) byPartner(
	now time.Time, link store.LinkID, change func(*store.Ticket) (store.Entry, error),
) (store.Ticket, error) {
	k, err := m.linked(now, link)
	if err != nil {
		return store.Ticket{}, err
	}
	e, err := change(k)
	if err != nil {
		return store.Ticket{}, err
	}
	if k.ProvenAt.IsZero() {
		k.ProvenAt = now
	}
	if e.Event != "" {
		e.Kind, e.Author, e.At, e.By = store.EntryEvent, k.Requester.Name, now, store.ActorPartner
		m.addEntry(k, e)
	}
	return *k, nil
}

func (m *model) movedByPartner(now time.Time, k *store.Ticket, event store.Event, to store.Status) store.Entry {
	e := store.Entry{Event: event, Change: store.Change{StatusFrom: k.Status, StatusTo: to}}
	m.setStatus(now, k, to)
	return e
}
