package storetest

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"signpost/store"
)

func deskStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A reply is an entry, a mail held for undo and a status, as one": wholeReply,
		"A reply is held while something newer stands in the thread":     staleReply,
		"Of two replies to one version one is written, in every race":    replyRace,
		"A reply undone brings back what it changed":                     undoneReply,
		"An undo leaves alone what others changed since":                 undoneLater,
		"A reply is taken back or sent, never both":                      undoRace,
		"The first response counts when the relay takes it":              firstResponse,
		"A reply that bounces opens its ticket and is in trouble":        bouncedReply,
		"A reply goes to the address it was written to":                  replyAddress,
		"A reply is not written to an address that is suppressed":        suppressedReply,
		"A reply whose address is suppressed while it waits is told":     suppressedLater,
		"A repeated reply is folded":                                     foldedReply,
		"A mail held for undo is not made due by hand":                   undoIsKept,
		"A broken reply is refused and leaves nothing":                   refusedReply,
		"A reply is read with what stood before it":                      replyRead,
		"Files go along to a proven address, where the region says so":   attachedFiles,
		"Notes, and what is arranged, are entries with their actor":      arranged,
		"A ticket is assigned to who may answer it":                      assigned,
		"A message opens what waits and a reply may leave it waiting":    statuses,
		"A draft is its agent's own":                                     drafts,
		"What an agent has read is kept for each":                        reading,
		"Another region's tickets are not there":                         regionsApart,
		"The desk lists by trouble and deadline, page by page":           deskOrder,
		"The desk finds words of numbers, addresses and titles":          deskQueries,
		"A solved ticket is listed behind, the newest change first":      deskSolved,
		"A thread is read from its end, part by part":                    threadParts,
		"A link that opens nothing is replaced by a reply's":             replyLink,
		"Replies answer one another in one thread":                       replyThread,
	}
}

// lee and kim are agents; kim sees one region.
func (d *desk) lee() store.Actor {
	return store.Actor{Kind: store.ActorStaff, Agent: 1, Account: "lee@desk.example", Name: "Lee",
		Roles: []store.Role{store.RoleAgent}}
}

func (d *desk) kim(regions ...string) store.Actor {
	return store.Actor{Kind: store.ActorStaff, Agent: 2, Account: "kim@desk.example", Name: "Kim",
		Roles: []store.Role{store.RoleLead}, Regions: regions}
}

// answer is a reply to a ticket as it is.
func (d *desk) replyTo(k store.Ticket, change ...func(*store.NewReply)) store.NewReply {
	n := d.mint()
	reply := store.NewReply{
		Ticket: k.ID, Body: "Here it is, **Ana**.", Then: store.StatusPending, Version: k.Version, Undo: 10 * time.Second,
		Region: region(k.Region, strings.ToUpper(k.Region)), MessageID: messageIDOf(n), Link: linkOf(n),
		LinkExpires: d.at().Add(90 * 24 * time.Hour),
		Files:       []store.File{{Name: "invoice.pdf", Size: 3, Type: "application/pdf", Hash: hashOf("invoice")}},
	}
	for _, c := range change {
		c(&reply)
	}
	return reply
}

func then(s store.Status) func(*store.NewReply) { return func(n *store.NewReply) { n.Then = s } }

// replies is Reply that must succeed.
func (d *desk) replies(k store.Ticket, change ...func(*store.NewReply)) store.Replied {
	d.Helper()
	return must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), d.replyTo(k, change...)))
}

// ends sends everything that is due, or lets it end otherwise.
func (d *desk) ends(state store.OutboundState, report store.Report) {
	d.Helper()
	for _, row := range d.claims(claimAll()) {
		d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{ID: row.ID, Claim: row.Claim, State: state, Report: report}))
	}
}

func (d *desk) reads(id store.TicketID) store.Ticket {
	d.Helper()
	return must[store.Ticket](d)(d.Ticket(d.ctx, id))
}

// says is a partner's message that must be taken.
func (d *desk) says(k store.Ticket, body string) store.Entry {
	d.Helper()
	n := store.NewMessage{Link: k.Link, Body: body}
	return must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(k.Link), n))
}

// rows is the first page of a list of the desk.
func (d *desk) rows(by store.Actor, f store.TicketFilter) []store.DeskRow {
	d.Helper()
	return must[store.List[store.DeskRow]](d)(d.DeskTickets(d.ctx, by, f, store.Page{Limit: 9})).Items
}

func wholeReply(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	d.pass(time.Hour)
	n := d.replyTo(k)
	done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
	undo := d.at().Add(10 * time.Second)

	want := k
	want.Status, want.StoppedAt, want.Assignee, want.SeenAt = store.StatusPending, d.at(), 1, d.at()
	want.Entries, want.Version, want.ChangedAt, want.Replies = 2, 2, d.at(), 1
	want.LastPublic, want.LastPublicAt, want.LastAgentAt = store.EntryReply, undo, d.at()
	entry := store.Entry{
		Ticket: k.ID, Seq: 2, Kind: store.EntryReply, Outbound: done.Mail.ID, Author: "Lee", At: d.at(), Body: n.Body,
		Files: n.Files, By: store.ActorStaff, Agent: 1, UndoUntil: undo,
		Change: store.Change{StatusFrom: store.StatusOpen, StatusTo: store.StatusPending, AssigneeTo: 1},
	}
	confirmation := must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))[0]
	mail := store.Outbound{
		ID: done.Mail.ID, Kind: store.MailReply, Region: "us", From: n.Region.Address, FromName: n.Region.Name,
		To: "Ana@Partner.example", Langs: []string{"es"}, MessageID: n.MessageID, InReplyTo: confirmation.MessageID,
		References: []string{confirmation.MessageID}, Ticket: k.ID, Number: k.Number, Link: k.Link, Entry: 2,
		UndoUntil: undo, QueuedAt: d.at(), State: store.StateQueued, DueAt: undo,
	}
	d.same(done, store.Replied{Ticket: want, Entry: entry, Mail: mail})
	d.same(d.reads(k.ID), want)
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	d.same(must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 9})).Items[1], entry)
	d.same(must[time.Time](d)(d.NextOutbound(d.ctx)), undo)
	d.same(d.claims(claimAll()), []store.Outbound{})
	d.pass(10 * time.Second)
	if rows := d.claims(claimAll()); len(rows) != 1 || rows[0].ID != mail.ID {
		d.Fatalf("after the time to undo %d mails are due", len(rows))
	}
}

func staleReply(d *desk) {
	k := d.opens().Ticket
	d.pass(time.Minute)
	message := d.says(k, "Solved, thanks.")
	noted := must[store.Noted](d)(d.Note(d.ctx, d.now, d.kim(), store.NewNote{Ticket: k.ID, Body: "I am on it."}))
	must[store.Ticket](d)(d.SetPriority(d.ctx, d.now, d.kim(), k.ID, store.PriorityHigh))
	before := d.reads(k.ID)
	refused, err := d.Reply(d.ctx, d.now, d.lee(), d.replyTo(k))
	d.wantErr(err, store.ErrConflict)
	d.same(refused, store.Replied{Ticket: before, Newer: []store.Entry{message, noted.Entry}})
	d.same(d.reads(k.ID), before)
	d.replies(k, func(n *store.NewReply) { n.Force = true })
	k = d.reads(k.ID)
	d.replies(k)
}

func replyRace(d *desk) {
	const rounds, clients = 20, 4
	for range rounds {
		k := d.opens().Ticket
		var wg sync.WaitGroup
		written := make(chan store.Replied, clients)
		for range clients {
			n := d.replyTo(k)
			wg.Go(func() {
				done, err := d.Reply(d.ctx, d.now, d.lee(), n)
				if err == nil {
					written <- done
				} else if len(done.Newer) != 1 {
					d.Errorf("refused with %d newer entries, %v", len(done.Newer), err)
				}
			})
		}
		wg.Wait()
		if len(written) != 1 || d.reads(k.ID).Replies != 1 {
			d.Fatalf("%d replies were written", len(written))
		}
	}
}

func undoneReply(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	for _, was := range []store.Status{store.StatusOpen, store.StatusSolved, store.StatusPending} {
		if was != store.StatusOpen {
			k = must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.kim(), k.ID, was))
		}
		for _, to := range []store.Status{store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusSolved} {
			d.pass(time.Hour)
			n := d.replyTo(k, then(to))
			done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
			d.pass(9 * time.Second)
			undone := must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID))
			want := k
			want.Entries, want.ChangedAt, want.SeenAt = k.Entries+1, d.at(), done.Ticket.SeenAt
			d.same(undone.Ticket, want)
			d.same(undone.Draft, store.Draft{
				Ticket: k.ID, Kind: store.EntryReply, Body: n.Body, Files: n.Files, Then: to, Version: k.Version, SavedAt: d.at(),
			})
			d.same(must[store.Draft](d)(d.Draft(d.ctx, d.lee(), k.ID, store.EntryReply)), undone.Draft)
			d.must(d.DropDraft(d.ctx, d.lee(), k.ID, store.EntryReply))
			k = d.reads(k.ID)
			d.same(k, want)
			mail := must[store.Outbound](d)(d.Outbound(d.ctx, done.Mail.ID))
			if mail.State != store.StateSuppressed || mail.Reason != store.RuleUndone {
				d.Errorf("its mail is %s: %s", mail.State, mail.Reason)
			}
			_, err := d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID)
			d.wantErr(err, store.ErrConflict)
		}
	}
	events := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 99})).Items
	if e := events[1]; e.Kind != store.EntryEvent || e.Event != store.EventReplyUndone || e.Body != "" ||
		len(e.Files) > 0 || e.Agent != 1 {
		d.Errorf("its entry is %+v", e)
	}
	d.pass(time.Hour)
	d.same(d.claims(claimAll()), []store.Outbound{})
}

func undoneLater(d *desk) {
	k := d.opens().Ticket
	n := d.replyTo(k, then(store.StatusSolved))
	done := must[store.Replied](d)(d.Reply(d.ctx, d.now, d.lee(), n))
	d.must(d.SaveDraft(d.ctx, d.now, d.lee(), store.Draft{Ticket: k.ID, Kind: store.EntryReply, Body: "PS"}))
	d.must(d.SaveDraft(d.ctx, d.now, d.kim(), store.Draft{Ticket: k.ID, Kind: store.EntryReply, Body: "mine"}))
	d.says(k, "And?")
	_, err := d.Undo(d.ctx, d.now, d.kim(), done.Mail.ID)
	d.wantErr(err, store.ErrForbidden)
	undone := must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID))
	if undone.Ticket.Status != store.StatusOpen || undone.Ticket.Assignee != 0 || undone.Ticket.Version != 3 ||
		undone.Ticket.LastPublic != store.EntryMessage || undone.Ticket.Replies != 0 {
		d.Errorf("the ticket is %+v", undone.Ticket)
	}
	if want := n.Body + "\n\nPS"; undone.Draft.Body != want || undone.Draft.Version != 3 {
		d.Errorf("the draft is %+v", undone.Draft)
	}
	if kim := must[store.Draft](d)(d.Draft(d.ctx, d.kim(), k.ID, store.EntryReply)); kim.Body != "mine" {
		d.Errorf("another's draft is %q", kim.Body)
	}
	for _, id := range []store.OutboundID{99, 1} { // one that is not there, and a confirmation
		_, err = d.Undo(d.ctx, d.now, d.lee(), id)
		d.wantErr(err, store.ErrNotFound)
	}
	done = d.replies(d.reads(k.ID))
	d.pass(10 * time.Second)
	_, err = d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID)
	d.wantErr(err, store.ErrConflict)
}

// undoRace lets a sender whose clock is ahead claim while the author takes back.
func undoRace(d *desk) {
	for range 20 {
		done := d.replies(d.opens().Ticket)
		var wg sync.WaitGroup
		var undo, claimed error
		var rows []store.Outbound
		wg.Go(func() { _, undo = d.Undo(d.ctx, d.now, d.lee(), done.Mail.ID) })
		wg.Go(func() { rows, claimed = d.ClaimOutbound(d.ctx, d.now.Add(time.Minute), claimAll()) })
		wg.Wait()
		d.must(claimed)
		taken := 0
		for _, row := range rows {
			if row.ID == done.Mail.ID {
				taken++
			}
		}
		if (undo == nil) == (taken == 1) {
			d.Fatalf("taken back: %v, claimed %d times", undo, taken)
		}
	}
}

func firstResponse(d *desk) {
	k := d.opens().Ticket
	due := func() (kinds []store.DeadlineKind) {
		for _, one := range must[[]store.Deadline](d)(d.lists().deadlines(dawn, dawn.Add(1000*time.Hour))) {
			kinds = append(kinds, one.Kind)
		}
		return kinds
	}
	both := []store.DeadlineKind{store.DeadlineFirstResponse, store.DeadlineResolution}
	d.ends(store.StateSent, store.Report{}) // a confirmation is no answer
	done := d.replies(k, then(store.StatusOpen))
	d.same(due(), both)
	d.pass(time.Minute)
	sent := d.at()
	d.ends(store.StateSent, store.Report{})
	if k = d.reads(k.ID); !k.FirstReplyAt.Equal(sent) || k.FirstReply != done.Mail.ID {
		d.Fatalf("the first reply is %d at %v", k.FirstReply, k.FirstReplyAt)
	}
	d.same(due(), both[1:])
	d.replies(k, then(store.StatusPending)) // a second one moves nothing
	d.same(due(), []store.DeadlineKind{})
	d.pass(time.Minute)
	d.ends(store.StateSent, store.Report{})
	if again := d.reads(k.ID); !again.FirstReplyAt.Equal(sent) || again.FirstReply != done.Mail.ID {
		d.Errorf("the first reply moved to %d at %v", again.FirstReply, again.FirstReplyAt)
	}
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusSolved))
	d.same(due(), []store.DeadlineKind{})
	must[store.Ticket](d)(d.SetStatus(d.ctx, d.now, d.lee(), k.ID, store.StatusOpen))
	d.same(due(), both[1:])
}

func foldedReply(d *desk) {
	k := d.opens().Ticket
	keyed := func(content string) func(*store.NewReply) {
		return func(n *store.NewReply) { n.Idempotency, n.Fingerprint = "key", sha256.Sum256([]byte(content)) }
	}
	first := d.replies(k, keyed("text"))
	again := d.replies(k, keyed("text"))
	first.Replayed = true
	d.same(again, first)
	other, err := d.Reply(d.ctx, d.now, d.lee(), d.replyTo(k, keyed("other")))
	d.wantErr(err, store.ErrConflict)
	d.same(other, first)
	// A key is each agent's own.
	_, err = d.Reply(d.ctx, d.now, d.kim(), d.replyTo(d.reads(k.ID), keyed("other")))
	d.must(err)
}

func undoIsKept(d *desk) {
	k := d.opens().Ticket
	d.ends(store.StateSent, store.Report{})
	done := d.replies(k)
	r := store.Retry{IDs: []store.OutboundID{done.Mail.ID}}
	d.same(must[store.Retried](d)(d.RetryOutbounds(d.ctx, d.now, store.ByService(), r)), store.Retried{})
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, d.now.Add(time.Hour), 9)), 0)
	d.same(d.claims(claimAll()), []store.Outbound{})
	// One held far into the future was written under a clock that was wrong.
	d.same(must[int](d)(d.PullOutbounds(d.ctx, d.now, d.now.Add(time.Second), 9)), 1)
	if rows := d.claims(claimAll()); len(rows) != 1 {
		d.Errorf("%d mails are due", len(rows))
	}
}

func refusedReply(d *desk) {
	k := d.opens().Ticket
	before := d.reads(k.ID)
	for name, change := range map[string]func(*store.NewReply){
		"no words":          func(n *store.NewReply) { n.Body = " \n" },
		"no status":         func(n *store.NewReply) { n.Then = "" },
		"closed":            func(n *store.NewReply) { n.Then = store.StatusClosed },
		"another region":    func(n *store.NewReply) { n.Region = region("intl", "INT") },
		"no Message-ID":     func(n *store.NewReply) { n.MessageID = "" },
		"link in use":       func(n *store.NewReply) { n.Link = k.Link },
		"held for long":     func(n *store.NewReply) { n.Undo = time.Hour },
		"no valid text":     func(n *store.NewReply) { n.Body = "a\xff" },
		"NUL in a name":     func(n *store.NewReply) { n.Files[0].Name = "a\x00" },
		"file without hash": func(n *store.NewReply) { n.Files = []store.File{{Name: "x"}} },
	} {
		_, err := d.Reply(d.ctx, d.now, d.lee(), d.replyTo(k, change))
		if d.wantErr(err, store.ErrInvalid); err == nil {
			d.Error(name)
		}
	}
	_, err := d.Reply(d.ctx, d.now, d.lee(), d.replyTo(store.Ticket{ID: 99, Region: "us"}))
	d.wantErr(err, store.ErrNotFound)
	ops := d.lee()
	ops.Roles = []store.Role{store.RoleOps}
	for _, by := range []store.Actor{{}, ops, store.ByPartner(k.Link)} {
		_, err := d.Reply(d.ctx, d.now, by, d.replyTo(k))
		d.wantErr(err, store.ErrForbidden)
		_, err = d.SetStatus(d.ctx, d.now, by, k.ID, store.StatusSolved)
		d.wantErr(err, store.ErrForbidden)
	}
	d.same(d.reads(k.ID), before)
}
