package compose

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// row is one line of the table of the package's comment, those behind it folded in.
type tableRow struct{ event, to, text, headers string }

// readTable reads the table: the columns stand where those of its head do.
func readTable(t *testing.T) (rows []tableRow) {
	t.Helper()
	source, err := os.ReadFile("compose.go")
	if err != nil {
		t.Fatal(err)
	}
	var at [3]int
	for line := range strings.Lines(string(source)) {
		line, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "//\t")
		if !ok {
			continue
		}
		line += strings.Repeat(" ", 120)
		if strings.HasPrefix(line, "event ") {
			at = [3]int{strings.Index(line, "to "), strings.Index(line, "text"), strings.Index(line, "headers")}
			continue
		}
		cut := func(from, to int) string { return strings.TrimSpace(line[from:to]) }
		r := tableRow{cut(0, at[0]), cut(at[0], at[1]), cut(at[1], at[2]), cut(at[2], len(line))}
		if r.to != "" {
			rows = append(rows, r)
			continue
		}
		last := &rows[len(rows)-1]
		last.event, last.text = strings.TrimSpace(last.event+" "+r.event), strings.TrimSpace(last.text+" "+r.text)
		last.headers = strings.TrimSpace(last.headers + " " + r.headers)
	}
	return rows
}

// life is one ticket in a store, and what happens to it.
type life struct {
	*testing.T
	db   *verbs.Store
	ring *ident.Ring
	now  time.Time
	k    store.Ticket
}

var us = store.Region{
	ID: "us", Prefix: "US", Address: "partner-us.support@example.com", Name: "Support US", Zone: "America/New_York",
}

var lee = store.Actor{
	Kind: store.ActorStaff, Agent: 1, Account: "lee@example.com", Name: "Lee", Roles: []store.Role{store.RoleAgent},
}

func newLife(t *testing.T) *life {
	t.Helper()
	e, err := memory.Open(verbs.Layouts(), memory.Options{})
	ok(t, err)
	promising := func(m store.Moment, k store.Ticket, now time.Time) store.Promise {
		if m == store.MomentResumed {
			k.Promise.ResolutionBy = k.Promise.ResolutionBy.Add(now.Sub(k.StoppedAt))
		}
		return k.Promise
	}
	db, err := verbs.Open(e, verbs.Options{Promising: promising})
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	return &life{T: t, db: db, ring: ring(t), now: queued}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *life) mailing(kind store.OutboundKind) store.Mailing {
	return store.Mailing{
		Region: us, Link: ident.NewLink(l.now), LinkExpires: l.now.Add(90 * 24 * time.Hour),
		MessageID: l.ring.MessageID(l.now, kind, "example.com"),
	}
}

func (l *life) opens(follows store.LinkID) {
	l.Helper()
	m := l.mailing(store.MailConfirmation)
	opened, err := l.db.OpenTicket(context.Background(), l.now, store.NewTicket{
		Region: us, Channel: store.ChannelForm, Title: "Settlement", Body: "It is missing.", Follows: follows,
		Requester: store.Contact{Name: "Ana", Email: "ana@partner.example", Country: "US", Lang: "es"},
		Promise:   store.Promise{FirstResponseBy: l.now.Add(24 * time.Hour), ResolutionBy: l.now.Add(72 * time.Hour)},
		Link:      m.Link, LinkExpires: m.LinkExpires, MessageID: m.MessageID,
	})
	ok(l.T, err)
	l.k = opened.Ticket
}

func (l *life) replies(then store.Status, undo time.Duration) store.Replied {
	l.Helper()
	m := l.mailing(store.MailReply)
	done, err := l.db.Reply(context.Background(), l.now, lee, store.NewReply{
		Ticket: l.k.ID, Body: "It is here.", Then: then, Force: true, Undo: undo, Region: us, MessageID: m.MessageID,
		Link: m.Link, LinkExpires: m.LinkExpires, Copies: []store.CopyID{
			{MessageID: l.ring.MessageID(l.now, store.MailReply, "example.com"), Link: ident.NewLink(l.now)},
		},
	})
	ok(l.T, err)
	return done
}

func (l *life) plans(in, undo time.Duration) {
	l.Helper()
	l.is(l.db.PlanUpdate(context.Background(), l.now, lee, l.k.ID,
		store.PlannedUpdate{By: l.now.Add(in), Mailing: l.mailing(store.MailPromise), Undo: undo}))
}

func (l *life) solves() {
	l.Helper()
	l.is(l.db.SolveTicket(context.Background(), l.now, lee, l.k.ID,
		store.SolvedMail{Mailing: l.mailing(store.MailSolved), Undo: time.Second}))
}

func (l *life) gives(to store.Status) {
	l.Helper()
	l.is(l.db.SetStatus(context.Background(), l.now, lee, l.k.ID, to))
}

// is takes what a verb made of the ticket.
func (l *life) is(k store.Ticket, err error) {
	l.Helper()
	ok(l.T, err)
	l.k = k
}

// sends has all that is due sent, and returns it.
func (l *life) sends() []store.Outbound {
	l.Helper()
	l.now = l.now.Add(time.Minute)
	rows, err := l.db.ClaimOutbound(context.Background(), l.now,
		store.Claim{Limit: 100, Lease: store.Leases{time.Minute}})
	ok(l.T, err)
	for _, row := range rows {
		ok(l.T, l.db.FinishOutbound(context.Background(), l.now,
			store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent}))
	}
	return rows
}

// names has the requester name a colleague.
func (l *life) names(ctx context.Context) store.Colleague {
	l.Helper()
	l.is(l.db.ProveAddress(ctx, l.now, l.behind(), l.k.Link))
	done, err := l.db.AddColleague(ctx, l.now, l.behind(), store.NewColleague{
		Link: l.k.Link, Email: "cy@partner.example", Mailing: l.mailing(store.MailColleague),
	})
	ok(l.T, err)
	return done.Colleague
}

func (l *life) behind() store.Actor { return store.ByPartner(l.k.Link) }

// happens is what each event of the table is, on a ticket whose confirmation has left.
var happens = map[string]func(ctx context.Context, l *life){
	"opened":                            func(_ context.Context, l *life) { l.opens(store.LinkID{}) },
	"an agent replies, with any status": func(_ context.Context, l *life) { l.replies(store.StatusOnHold, 0) },
	"an agent takes a reply back": func(ctx context.Context, l *life) {
		_, err := l.db.Undo(ctx, l.now, lee, l.replies(store.StatusSolved, 10*time.Second).Mail.ID)
		ok(l.T, err)
	},
	"an agent mails a reply again": func(ctx context.Context, l *life) {
		first := l.replies(store.StatusOpen, 0)
		l.sends()
		_, err := l.db.ResendReply(ctx, l.now, lee, first.Mail.ID, l.mailing(store.MailReply))
		ok(l.T, err)
	},
	"an agent solves without a reply": func(_ context.Context, l *life) { l.solves() },
	"solved, and open again before that mail left": func(_ context.Context, l *life) {
		l.solves()
		l.gives(store.StatusOpen)
	},
	"an agent gives the date of the next update": func(_ context.Context, l *life) { l.plans(50*time.Hour, 0) },
	"that date moves again within a day": func(_ context.Context, l *life) {
		l.plans(50*time.Hour, 0)
		l.sends()
		l.plans(60*time.Hour, 0)
	},
	"that date moves before the mail left": func(_ context.Context, l *life) {
		l.plans(50*time.Hour, time.Second)
		l.plans(60*time.Hour, time.Second)
	},
	"the status changes otherwise": func(_ context.Context, l *life) {
		for _, to := range []store.Status{store.StatusPending, store.StatusOnHold, store.StatusSolved, store.StatusOpen} {
			l.gives(to)
		}
	},
	"the resolution moves, as its clock goes on": func(_ context.Context, l *life) {
		l.gives(store.StatusPending)
		l.now = l.now.Add(time.Hour)
		l.gives(store.StatusOpen)
	},
	"a promise is missed": func(_ context.Context, l *life) { l.now = l.now.Add(100 * time.Hour) },
	"the partner writes, solves, reopens or rates": func(ctx context.Context, l *life) {
		_, err := l.db.AppendMessage(ctx, l.now, l.behind(), store.NewMessage{Link: l.k.Link, Body: "And more."})
		ok(l.T, err)
		l.is(l.db.SolveByPartner(ctx, l.now, l.behind(), l.k.Link))
		l.is(l.db.RateTicket(ctx, l.now, l.behind(), l.k.Link, 4, "Quick."))
		l.is(l.db.ReopenByPartner(ctx, l.now, l.behind(), l.k.Link))
	},
	"the partner goes on from a closed ticket": func(ctx context.Context, l *life) {
		l.is(l.db.SolveByPartner(ctx, l.now, l.behind(), l.k.Link))
		l.now = l.now.Add(store.ClosedAfter)
		l.opens(l.k.Link)
	},
	"a colleague is named": func(ctx context.Context, l *life) { l.names(ctx) },
	"an agent replies, or solves without a reply": func(ctx context.Context, l *life) {
		c := l.names(ctx)
		l.sends()
		l.is(l.db.ProveAddress(ctx, l.now, store.ByPartner(c.Link), c.Link))
		l.replies(store.StatusOpen, 0)
	},
	"a colleague joins, leaves, is removed": func(ctx context.Context, l *life) {
		c := l.names(ctx)
		l.sends()
		l.is(l.db.ProveAddress(ctx, l.now, store.ByPartner(c.Link), c.Link))
		l.is(l.db.RemoveColleague(ctx, l.now, store.ByPartner(c.Link), store.Removal{Link: c.Link}))
	},
	"a new link is asked for": func(ctx context.Context, l *life) {
		_, err := l.db.RenewLink(ctx, l.now, l.behind(), l.k.Link, l.mailing(store.MailLinks))
		ok(l.T, err)
	},
	"the requester's address changes": func(ctx context.Context, l *life) {
		_, err := l.db.ChangeRequester(ctx, l.now, lee, store.NewAddress{
			Ticket: l.k.ID, Email: "bob@partner.example", Mailing: l.mailing(store.MailConfirmation),
		})
		ok(l.T, err)
	},
	"their mail answers one of ours": nil, // mail/watch holds it
	"a mail bounces": func(ctx context.Context, l *life) {
		l.replies(store.StatusPending, 0)
		rows, err := l.db.ClaimOutbound(ctx, l.now, store.Claim{Limit: 1, Lease: store.Leases{time.Minute}})
		ok(l.T, err)
		ok(l.T, l.db.FinishOutbound(ctx, l.now, store.Finish{
			ID: rows[0].ID, Claim: rows[0].Claim, State: store.StateFailed, Reply: "550 5.1.1 no such user", Code: 550,
		}))
	},
	"note, assignee, priority, category, tags": func(ctx context.Context, l *life) {
		_, err := l.db.Note(ctx, l.now, lee, store.NewNote{Ticket: l.k.ID, Body: "Difficult."})
		ok(l.T, err)
		l.is(l.db.SetPriority(ctx, l.now, lee, l.k.ID, store.PriorityUrgent))
		l.is(l.db.SetCategory(ctx, l.now, lee, l.k.ID, "refunds"))
		l.is(l.db.SetTags(ctx, l.now, lee, l.k.ID, []string{"whale"}))
	},
}

// Each event of the table is mailed as its line says: to whom, as what kind, with which
// headers, once or not at all; from the region's address and in the thread.
func TestEveryEventOfATicketIsMailedAsTheTableSays(t *testing.T) {
	t.Parallel()
	table := readTable(t)
	if len(table) != len(happens) {
		t.Errorf("the table has %d events, %d are walked", len(table), len(happens))
	}
	for _, r := range table {
		t.Run(r.event, func(t *testing.T) {
			t.Parallel()
			event, known := happens[r.event]
			if !known {
				t.Fatal("no test walks it")
			}
			if event == nil {
				return
			}
			l := newLife(t)
			before := []store.Outbound{}
			if r.event != "opened" {
				l.opens(store.LinkID{})
				before = l.sends()
			}
			event(context.Background(), l)
			l.checkMailed(r, before)
		})
	}
}

func (l *life) checkMailed(r tableRow, before []store.Outbound) {
	l.Helper()
	rows := l.sends()
	if r.to == "-" {
		if len(rows) > 0 {
			l.Errorf("it is mailed: %+v", rows)
		}
		return
	}
	to := map[string]string{
		"requester": "ana@partner.example", "the new one": "bob@partner.example", "colleague": "cy@partner.example",
		"colleagues": "cy@partner.example",
	}[r.to]
	if r.to == "colleagues" { // beside the requester's
		rows = slices.DeleteFunc(rows, func(o store.Outbound) bool { return o.To != to })
		r.text, r.headers = "reply.*", "none"
	}
	if len(rows) != 1 {
		l.Fatalf("it is mailed %d times", len(rows))
	}
	mail := rows[0]
	kind, _, _ := strings.Cut(r.text, ".")
	if kind == "invitation" {
		kind = string(store.MailColleague)
	}
	if string(mail.Kind) != kind || mail.To != to || mail.From != us.Address {
		l.Errorf("a mail of kind %s from %s to %s, not %s to %s", mail.Kind, mail.From, mail.To, kind, to)
	}
	c := composer(l.T)
	m, err := c.Compose(mail)
	if mail.Kind == store.MailReply {
		m, err = c.Reply(mail, Reply{Body: "It is here.", Status: store.StatusOpen})
	}
	ok(l.T, err)
	header := open(l.T, m.Bytes).header
	if auto := header.Get("Auto-Submitted"); (auto == "auto-generated") != strings.HasPrefix(r.headers, "auto") {
		l.Errorf("Auto-Submitted: %q, and the table says %q", auto, r.headers)
	}
	if begins := strings.Contains(r.headers, "begins"); begins != (mail.InReplyTo == "") {
		l.Errorf("it answers %q, and the table says %q", mail.InReplyTo, r.headers)
	}
	answers := func(b store.Outbound) bool { return b.MessageID == mail.InReplyTo }
	within := r.event == "an agent mails a reply again" || r.to == "colleagues" // of what left in between
	if mail.InReplyTo != "" && !within && !slices.ContainsFunc(before, answers) {
		l.Errorf("it answers %q, which never left", mail.InReplyTo)
	}
}
