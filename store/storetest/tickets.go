package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"signpost/store"
	"signpost/store/text"
)

func ticketStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A post becomes a ticket with its thread, link, deadlines and confirmation": wholeTicket,
		"A ticket of the desk may have no page and no confirmation":                 untold,
		"Numbers count by prefix, from 1001, whatever fails":                        numbering,
		"Numbers have no gap under 64 writers":                                      numberingRace,
		"A repeated post is folded":                                                 folding,
		"A double post folds in a race":                                             foldingRace,
		"A key is free again after a week":                                          foldingEnds,
		"A broken NewTicket is refused and leaves nothing":                          refusedTicket,
		"A spent budget throttles or ends the confirmation and charges nothing":     confirmationBudget,
		"Budgets slide over a window's edge":                                        budgetSlides,
		"A follow-up proves the address and folds":                                  followUp,
		"A link opens until it expires or is revoked":                               links,
		"My tickets, newest first, page by page":                                    requesterPages,
		"A thread is read in pieces":                                                threadPages,
		"Deadlines fall due in order":                                               deadlines,
		"A caller that gave up writes nothing":                                      cancelled,
		"Any text comes back as it was":                                             texts,
		"What a caller changes later changes nothing in the store":                  ownMemory,
	}
}

func wholeTicket(d *desk) {
	n := d.ticket()
	opened := must[store.Opened](d)(d.OpenTicket(d.ctx, d.now, n))
	ticket := store.Ticket{
		ID: opened.Ticket.ID, Number: "US-1001", Region: "us", Channel: store.ChannelForm, Status: store.StatusOpen,
		Requester: n.Requester, Category: n.Category, Title: n.Title, OpenedAt: d.at(), ChangedAt: d.at(),
		Promise: n.Promise, Link: n.Link, Entries: 1, Version: 1,
		LastPublic: store.EntryMessage, LastPublicAt: d.at(), LastPartnerAt: d.at(), Priority: store.PriorityNormal,
	}
	mail := store.Outbound{
		ID: opened.Confirmation.ID, Kind: store.MailConfirmation, Region: "us", From: n.Region.Address,
		FromName: n.Region.Name, To: n.Requester.Email, Langs: []string{"es"}, MessageID: n.MessageID,
		Ticket: ticket.ID, Number: "US-1001", Promise: n.Promise, Link: n.Link,
		QueuedAt: d.at(), State: store.StateQueued, DueAt: d.at(),
	}
	if ticket.ID == 0 || mail.ID == 0 {
		d.Fatalf("ids %d and %d, want none to be 0", ticket.ID, mail.ID)
	}
	d.same(opened, store.Opened{Ticket: ticket, Confirmation: mail})

	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, ticket.ID)), ticket)
	d.same(must[store.Ticket](d)(d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, "us-1001")), ticket)
	d.same(must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, n.Link)), ticket)
	d.same(must[[]store.Ticket](d)(d.lists().ticketsOf(" ana@partner.EXAMPLE ")), []store.Ticket{ticket})
	d.same(must[[]store.Entry](d)(d.lists().thread(ticket.ID, 0)), []store.Entry{{
		Ticket: ticket.ID, Seq: 1, Kind: store.EntryMessage, Author: "Ana", At: d.at(), Body: n.Body, Files: n.Files,
		By: store.ActorPartner,
	}})
	d.same(must[[]store.Deadline](d)(d.lists().deadlines(d.now, n.Promise.ResolutionBy)), []store.Deadline{
		{Ticket: ticket.ID, Kind: store.DeadlineFirstResponse, Due: n.Promise.FirstResponseBy},
		{Ticket: ticket.ID, Kind: store.DeadlineResolution, Due: n.Promise.ResolutionBy},
	})
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	d.same(must[store.Outbound](d)(d.OutboundByMessageID(d.ctx, strings.ToUpper(n.MessageID))), mail)
	d.same(must[[]store.Outbound](d)(d.lists().mailsOf(ticket.ID)), []store.Outbound{mail})
	d.same(must[time.Time](d)(d.NextOutbound(d.ctx)), d.at())
	referenced := must[[]bool](d)(d.BlobsReferenced(d.ctx, []store.BlobHash{hashOf("a"), hashOf("b"), "no hash"}))
	d.same(referenced, []bool{true, false, false})
	d.same(must[[]store.BlobHash](d)(d.lists().blobs()), []store.BlobHash{hashOf("a")})

	for _, number := range []string{"", "US", "US-", "US-01001", "US-1002", "UK-1001", "1001", "US-99999999999999999999"} {
		_, err := d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, number)
		d.wantErr(err, store.ErrNotFound)
	}
	for _, verb := range []func() error{
		func() error { _, err := d.Ticket(d.ctx, 77); return err },
		func() error { _, err := d.lists().thread(77, 0); return err },
		func() error { _, err := d.Outbound(d.ctx, 77); return err },
		func() error { _, err := d.OutboundByMessageID(d.ctx, ""); return err },
		func() error { _, err := d.OutboundByMessageID(d.ctx, n.MessageID[:len(n.MessageID)-1]); return err },
		func() error { _, err := d.lists().mailsOf(77); return err },
	} {
		d.wantErr(verb(), store.ErrNotFound)
	}
}

func numbering(d *desk) {
	want := func(change func(*store.NewTicket), number string) {
		d.Helper()
		if got := d.opens(change).Ticket.Number; got != number {
			d.Fatalf("number %s, want %s", got, number)
		}
	}
	want(in(region("us", "US")), "US-1001")
	want(in(region("intl", "INT")), "INT-1001")
	want(in(region("us", "US")), "US-1002")
	_, err := d.OpenTicket(d.ctx, d.now, d.ticket(from("")))
	d.wantErr(err, store.ErrInvalid)
	// Two regions that share a prefix share its numbers.
	want(in(region("west", "us")), "us-1003")
	want(in(region("us", "US")), "US-1004")
	ticket := must[store.Ticket](d)(d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, "Us-1003"))
	if ticket.Region != "west" {
		d.Fatalf("US-1003 is of region %s", ticket.Region)
	}
	stats := must[store.Stats](d)(d.Stats(d.ctx))
	d.same(stats.Tickets, map[string]uint64{"us": 3, "intl": 1, "west": 1})
}

func numberingRace(d *desk) {
	const writers, each = 64, 4
	var wg sync.WaitGroup
	seen := make(chan string, writers*each)
	for w := range writers {
		var posts []store.NewTicket
		for range each {
			posts = append(posts, d.ticket(in(region([]string{"us", "intl"}[w%2], []string{"US", "INT"}[w%2]))))
		}
		wg.Go(func() {
			for i, n := range posts {
				if i == 1 { // a call that fails in between uses no number up
					bad := n
					bad.Link = posts[0].Link
					if _, err := d.OpenTicket(d.ctx, d.now, bad); err == nil {
						d.Error("a link was used twice")
					}
				}
				opened, err := d.OpenTicket(d.ctx, d.now, n)
				if err != nil {
					d.Error(err)
					return
				}
				seen <- opened.Ticket.Number
			}
		})
	}
	wg.Wait()
	close(seen)
	numbers := map[string]bool{}
	for number := range seen {
		numbers[number] = true
	}
	for _, prefix := range []string{"US", "INT"} {
		for i := range writers * each / 2 {
			if number := fmt.Sprintf("%s-%d", prefix, 1001+i); !numbers[number] {
				d.Errorf("no ticket %s", number)
			}
		}
	}
}

func folding(d *desk) {
	first := d.opens(post("key", "text"))
	repeat := d.opens(post("key", "text"))
	if !repeat.Replayed {
		d.Error("a repeat is not marked")
	}
	d.same(repeat.Ticket, first.Ticket)
	d.same(repeat.Confirmation, first.Confirmation)

	changed, err := d.OpenTicket(d.ctx, d.now, d.ticket(post("key", "another text")))
	d.wantErr(err, store.ErrConflict)
	d.same(changed.Ticket, first.Ticket)

	if other := d.opens(post("other key", "text")); other.Ticket.ID == first.Ticket.ID {
		d.Error("another key folded")
	}
	if none := d.opens(); none.Replayed {
		d.Error("a post without a key folded")
	}

	// A repeat tells how things stand now.
	rows := must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, d.now, claimAll()))
	d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{ID: rows[0].ID, Claim: rows[0].Claim, State: store.StateSent}))
	if again := d.opens(post("key", "text")); again.Confirmation.State != store.StateSent {
		d.Errorf("the confirmation stands as %s", again.Confirmation.State)
	}
}

func foldingRace(d *desk) {
	const posts = 32
	var wg sync.WaitGroup
	ids := make([]store.TicketID, posts)
	for i := range posts {
		n := d.ticket(post("key", "text"))
		wg.Go(func() {
			opened, err := d.OpenTicket(d.ctx, d.now, n)
			if err != nil {
				d.Error(err)
			}
			ids[i] = opened.Ticket.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			d.Fatalf("one post became tickets %v", ids)
		}
	}
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Tickets, map[string]uint64{"us": 1})
}

func foldingEnds(d *desk) {
	first := d.opens(post("key", "text"))
	d.pass(store.IdempotencyKept - time.Microsecond)
	if !d.opens(post("key", "text")).Replayed {
		d.Error("forgotten too early")
	}
	d.pass(time.Microsecond)
	later := d.opens(post("key", "another text"))
	if later.Replayed || later.Ticket.ID == first.Ticket.ID {
		d.Error("remembered too long")
	}
	if !d.opens(post("key", "another text")).Replayed {
		d.Error("the second use is not kept")
	}
}

func refusedTicket(d *desk) {
	used := d.opens()
	for name, change := range map[string]func(*store.NewTicket){
		"no region":         func(n *store.NewTicket) { n.Region = store.Region{} },
		"no requester":      from(""),
		"no Message-ID":     func(n *store.NewTicket) { n.MessageID = "" },
		"Message-ID in use": func(n *store.NewTicket) { n.MessageID = strings.ToUpper(used.Confirmation.MessageID) },
		"no link":           func(n *store.NewTicket) { n.Link = store.LinkID{} },
		"link in use":       func(n *store.NewTicket) { n.Link = used.Ticket.Link },
		"link expired":      func(n *store.NewTicket) { n.LinkExpires = d.now },
		"long key":          post(strings.Repeat("k", 201), ""),
		"file without hash": func(n *store.NewTicket) { n.Files[0].Hash = "../../etc/passwd" },
		"upper-case hash": func(n *store.NewTicket) {
			n.Files[0].Hash = store.BlobHash(strings.ToUpper(string(hashOf("a"))))
		},
		"budget, no window":   budgets(store.Budget{Name: "b", Limit: 1}),
		"endless description": func(n *store.NewTicket) { n.Body = strings.Repeat("x", 100<<20) },
		"endless name":        func(n *store.NewTicket) { n.Requester.Name = strings.Repeat("x", 1<<20) },
	} {
		got, err := d.OpenTicket(d.ctx, d.now, d.ticket(change))
		if d.wantErr(err, store.ErrInvalid); got.Ticket.ID != 0 {
			d.Errorf("%s: got ticket %d", name, got.Ticket.ID)
		}
	}
	if opened := d.opens(); opened.Ticket.Number != "US-1002" {
		d.Errorf("after the refused ones came %s", opened.Ticket.Number)
	}
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Outbounds, map[store.OutboundState]uint64{store.StateQueued: 2})
}

func confirmationBudget(d *desk) {
	perAddress := store.Budget{Name: "confirmation/address", Key: "ana@partner.example", Limit: 1, Window: 24 * time.Hour,
		Final: true}
	inAll := store.Budget{Name: "confirmation/all", Limit: 2, Window: 24 * time.Hour}
	unlimited := store.Budget{Name: "confirmation/network"}
	first := d.opens(budgets(unlimited, perAddress, inAll))
	second := d.opens(budgets(unlimited, perAddress, inAll))
	perAddress.Key = "bob@partner.example"
	third := d.opens(budgets(unlimited, perAddress, inAll))
	perAddress.Key = "eve@partner.example"
	fourth := d.opens(budgets(unlimited, perAddress, inAll))
	for i, o := range []store.Opened{first, third} {
		if o.Confirmation.State != store.StateQueued {
			d.Errorf("confirmation %d within its budget is %s", i, o.Confirmation.State)
		}
	}
	ended, waits := second.Confirmation, fourth.Confirmation
	if ended.State != store.StateSuppressed || !strings.Contains(ended.Reason, "confirmation/address") ||
		!ended.DueAt.IsZero() || !ended.DoneAt.Equal(d.at()) {
		d.Errorf("confirmation beyond a final budget: %+v", ended)
	}
	if waits.State != store.StateThrottled || !strings.Contains(waits.Reason, "confirmation/all") ||
		!waits.DueAt.IsZero() || !waits.DoneAt.IsZero() {
		d.Errorf("confirmation beyond a budget: %+v", waits)
	}
	for _, mail := range []store.Outbound{ended, waits} {
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	}
	rows := must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, d.now, claimAll()))
	if len(rows) != 2 {
		d.Errorf("%d mails to send, want 2", len(rows))
	}
}

func budgetSlides(d *desk) {
	b := store.Budget{Name: "b", Limit: 10, Window: time.Hour, Final: true}
	d.now = d.now.Truncate(time.Hour).Add(time.Hour - time.Microsecond)
	sent := func() (n int) {
		for d.opens(budgets(b)).Confirmation.State == store.StateQueued {
			n++
		}
		return n
	}
	if n := sent(); n != 10 {
		d.Errorf("%d before the edge, want 10", n)
	}
	d.pass(time.Microsecond)
	if n := sent(); n != 0 {
		d.Errorf("%d just after the edge, want 0", n)
	}
	d.pass(30 * time.Minute)
	if n := sent(); n != 5 {
		d.Errorf("%d half a window on, want 5", n)
	}
	d.pass(3 * time.Hour)
	if n := sent(); n != 10 {
		d.Errorf("%d after a long silence, want 10", n)
	}
}

func followUp(d *desk) {
	opened := d.opens()
	d.pass(time.Hour)
	m := store.NewMessage{
		Link: opened.Ticket.Link, Body: long,
		Files:       []store.File{{Name: "b.txt", Size: 1, Type: "text/plain", Hash: hashOf("b")}},
		Idempotency: "key", Fingerprint: sha256.Sum256([]byte(long)),
	}
	entry := must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link), m))
	d.same(entry, store.Entry{
		Ticket: opened.Ticket.ID, Seq: 2, Kind: store.EntryMessage, Author: "Ana", At: d.at(), Body: long, Files: m.Files,
		By: store.ActorPartner,
	})
	want := opened.Ticket
	want.Entries, want.Version, want.ChangedAt, want.ProvenAt, want.Status = 2, 2, d.at(), d.at(), store.StatusOpen
	want.LastPublicAt, want.LastPartnerAt = d.at(), d.at()
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, want.ID)), want)

	d.pass(time.Hour)
	d.same(must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link), m)), entry)
	d.same(must[store.Ticket](d)(d.Ticket(d.ctx, want.ID)), want)
	m.Fingerprint[0]++
	first, err := d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link), m)
	d.wantErr(err, store.ErrConflict)
	d.same(first, entry)

	// The same key is another's to use: on another ticket, and for a new one.
	other := d.opens(post("key", "x"))
	m.Link = other.Ticket.Link
	if e := must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link),
		m)); e.Ticket != other.Ticket.ID || e.Seq != 2 {
		d.Errorf("the key on another link led to entry %d of ticket %d", e.Seq, e.Ticket)
	}

	// A second message leaves the instant of the proof as it was.
	m.Link, m.Idempotency = opened.Ticket.Link, ""
	must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link), m))
	if k := must[store.Ticket](d)(d.Ticket(d.ctx, want.ID)); !k.ProvenAt.Equal(want.ProvenAt) || k.Entries != 3 {
		d.Errorf("after a second message: %+v", k)
	}

	m.Files = []store.File{{Hash: "x"}}
	_, err = d.AppendMessage(d.ctx, d.now, store.ByPartner(m.Link), m)
	d.wantErr(err, store.ErrInvalid)
}

func links(d *desk) {
	opened := d.opens()
	link := opened.Ticket.Link
	refused := func() {
		d.Helper()
		_, err := d.TicketByLink(d.ctx, d.now, link)
		d.wantErr(err, store.ErrNotFound)
		_, err = d.AppendMessage(d.ctx, d.now, store.ByPartner(link), store.NewMessage{Link: link, Body: "x"})
		d.wantErr(err, store.ErrNotFound)
	}
	d.must(d.RevokeLink(d.ctx, d.now, store.ByPartner(link), link))
	refused()
	d.must(d.RevokeLink(d.ctx, d.now, store.ByPartner(link), link))

	link = d.opens().Ticket.Link
	d.pass(90*24*time.Hour - time.Microsecond)
	must[store.Ticket](d)(d.TicketByLink(d.ctx, d.now, link))
	d.pass(time.Microsecond)
	refused()
	d.wantErr(d.RevokeLink(d.ctx, d.now, store.ByPartner(link), link), store.ErrNotFound)
	link = linkOf(999)
	refused()
	d.wantErr(d.RevokeLink(d.ctx, d.now, store.ByPartner(link), link), store.ErrNotFound)
}

func requesterPages(d *desk) {
	var mine []store.Ticket
	for i := range 9 {
		who := []string{"ana@x.example", "Bob@x.example", "ANA@x.example "}[i%3]
		if k := d.opens(from(who)).Ticket; i%3 != 1 {
			mine = append([]store.Ticket{k}, mine...)
		}
	}
	d.same(must[[]store.Ticket](d)(d.lists().ticketsOf("ana@X.example")), mine)
	d.same(must[[]store.Ticket](d)(d.lists().ticketsOf("nobody@x.example")), []store.Ticket{})
}

func threadPages(d *desk) {
	k, other := d.opens().Ticket, d.opens().Ticket
	for i := range 5 {
		for _, link := range []store.LinkID{k.Link, other.Link} {
			must[store.Entry](d)(d.AppendMessage(d.ctx, d.now, store.ByPartner(link),
				store.NewMessage{Link: link, Body: fmt.Sprint(i)}))
		}
	}
	var seqs []uint32
	for _, e := range must[[]store.Entry](d)(d.lists().thread(k.ID, 0)) {
		if e.Ticket != k.ID {
			d.Fatalf("an entry of ticket %d in the thread of %d", e.Ticket, k.ID)
		}
		seqs = append(seqs, e.Seq)
	}
	d.same(seqs, []uint32{1, 2, 3, 4, 5, 6})
	if rest := must[[]store.Entry](d)(d.lists().thread(k.ID, 2)); len(rest) != 4 || rest[0].Seq != 3 {
		d.Errorf("behind the second entry stand %v", rest)
	}
	d.same(must[[]store.Entry](d)(d.lists().thread(k.ID, 1<<32-1)), []store.Entry{})
}

func cancelled(d *desk) {
	ctx, cancel := context.WithCancel(d.ctx)
	cancel()
	_, err := d.OpenTicket(ctx, d.now, d.ticket())
	d.wantErr(err, context.Canceled)
	_, err = d.Stats(ctx)
	d.wantErr(err, context.Canceled)
	if k := d.opens().Ticket; k.Number != "US-1001" {
		d.Errorf("the cancelled call left its number: %s", k.Number)
	}
}

func texts(d *desk) {
	noise := make([]byte, 3000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte('!' + rng.IntN(90))
	}
	for _, body := range []string{"", "x", long, string(noise), "مرحبا\n你好 ñ 🎈", strings.Repeat("é", 20000)} {
		opened := d.opens(func(n *store.NewTicket) { n.Body, n.Requester.Name = body, "你好 "+text.Cut(body, 2) })
		entries := must[[]store.Entry](d)(d.lists().thread(opened.Ticket.ID, 0))
		if entries[0].Body != body {
			d.Errorf("a body of %d bytes came back as %d others", len(body), len(entries[0].Body))
		}
	}
}

func ownMemory(d *desk) {
	n := d.ticket()
	opened := must[store.Opened](d)(d.OpenTicket(d.ctx, d.now, n))
	want := n.Files[0].Name
	n.Files[0].Name = "changed"
	opened.Confirmation.Langs[0] = "xx"
	entries := must[[]store.Entry](d)(d.lists().thread(opened.Ticket.ID, 0))
	if got := entries[0].Files[0].Name; got != want {
		d.Errorf("the file is called %q now", got)
	}
	if mail := must[store.Outbound](d)(d.Outbound(d.ctx, opened.Confirmation.ID)); mail.Langs[0] != "es" {
		d.Errorf("the mail's languages are %v now", mail.Langs)
	}
}
