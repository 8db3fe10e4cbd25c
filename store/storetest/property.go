package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"signpost/store"
)

// agreeWithModel runs random verbs on the store and on the model and compares
// every result, then everything that can be read. Rapid prints how to repeat a
// failure.
func agreeWithModel(t *testing.T, open func(t *testing.T) store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &run{T: rt, store: open(t), model: newModel(), ctx: context.Background(), now: store.Instant(dawn),
			follower: newFollower(0)}
		defer func() {
			if err := r.store.Close(); err != nil {
				rt.Errorf("close: %v", err)
			}
		}()
		for _, box := range boxNames {
			r.compare("connect", must1(r.store.ConnectMailbox(r.ctx, r.now, box)), r.model.connect(r.now, box), nil)
			r.compare("epoch", must1(r.store.BeginEpoch(r.ctx, r.now, box, 1)), r.model.beginEpoch(box, 1), nil)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"open": r.open, "openAgain": r.open, "append": r.append, "revoke": r.revoke, "prove": r.prove, "renew": r.renew,
			"revokeAll": r.revokeAll, "links": r.mailLinks, "change": r.change,
			"claim": r.claim, "throttled": r.releaseThrottled, "finish": r.finish,
			"finishAgain": r.finish, "giveUp": r.giveUp, "connect": r.connect, "epoch": r.epoch, "skip": r.skip,
			"record": r.record,
			"decide": r.decide, "decideMore": r.decide, "quarantine": r.quarantine, "switch": r.switchResponder,
			"report": r.report, "reportMore": r.report, "release": r.release, "suppress": r.suppress, "restored": r.restored,
			"clock": r.clock, "raws": r.dropRaws, "retry": r.retry, "agent": r.agent, "session": r.session,
			"sessionAgain": r.session, "reply": r.reply, "replyMore": r.reply, "undo": r.undo, "arrange": r.arrange,
			"byPartner": r.byPartner,
			"draft":     r.draft, "follow": r.follow,
			"housekeep": r.housekeep, "time passes": r.pass, "": r.glance,
		})
		r.readAll()
		r.follow(rt)
		if err := r.store.Check(r.ctx); err != nil {
			rt.Fatalf("the store's own check: %v", err)
		}
	})
}

// run is one sequence of verbs.
type run struct {
	*rapid.T
	store  store.Store
	model  *model
	ctx    context.Context
	now    time.Time
	minted int
	follower
}

var (
	boxNames = []string{"us", "intl"}
	people   = []string{"ana@a.example", "Bob@a.example", "eve@B.example"}
)

func must1[T any](v T, err error) result[T] { return result[T]{v, err} }

type result[T any] struct {
	value T
	err   error
}

// compare holds a verb's result against the model's.
func (r *run) compare(verb string, got, want any, wantErr error) {
	r.Helper()
	var gotValue any
	var gotErr error
	switch g := got.(type) {
	case interface{ split() (any, error) }:
		gotValue, gotErr = g.split()
	case error:
		gotErr = g
	}
	if !errors.Is(gotErr, wantErr) || wantErr == nil && gotErr != nil {
		r.Fatalf("%s: error %v, want %v", verb, gotErr, wantErr)
	}
	if gotErr != nil && !errors.Is(gotErr, store.ErrConflict) {
		return
	}
	if reflect.DeepEqual(want, gotValue) { // mostly, and in a fifth of the time
		return
	}
	if diff := cmp.Diff(want, gotValue, cmpopts.EquateEmpty()); diff != "" {
		r.Fatalf("%s: -want +got:\n%s", verb, diff)
	}
}

func (r result[T]) split() (any, error) { return r.value, r.err }

func (r *run) pick(name string, n int) int { return rapid.IntRange(0, n-1).Draw(r.T, name) }

func (r *run) mint() int { r.minted++; return r.minted }

func (r *run) budgets() []store.Budget {
	key := people[r.pick("budget", 3)]
	return []store.Budget{
		{Name: "day", Key: key, Limit: 3, Window: 24 * time.Hour, Final: true},
		{Name: "one", Key: key, Limit: 2, Window: time.Hour},
		{Name: "all", Limit: 4, Window: 3 * time.Hour},
	}[r.pick("budgets", 4):]
}

func (r *run) files() (files []store.File) {
	for i := range r.pick("files", 3) {
		files = append(files, store.File{Name: fmt.Sprint(i, ".txt"), Size: 1, Type: "text/plain",
			Hash: hashOf(fmt.Sprint(r.pick("file", 3)))})
	}
	return files
}

func (r *run) key() (string, [32]byte) {
	return []string{"", "a", "b"}[r.pick("key", 3)], sha256.Sum256([]byte{byte(r.pick("content", 2))})
}

func (r *run) open(*rapid.T) {
	n := store.NewTicket{
		Region:    []store.Region{region("us", "US"), region("intl", "INT")}[r.pick("region", 2)],
		Channel:   store.ChannelForm,
		Requester: store.Contact{Name: "N", Email: people[r.pick("who", 3)], Lang: "en"},
		Title:     "T", Body: strings.Repeat("text ", r.pick("body", 600)), Files: r.files(),
		Promise: store.Promise{FirstResponseBy: r.now.Add(time.Duration(r.pick("promise", 5)) * time.Hour)},
		Link:    linkOf(r.mint()), LinkExpires: r.now.Add(time.Duration(1+r.pick("expires", 400)) * time.Hour),
		MessageID: messageIDOf(r.mint()), Budgets: r.budgets(), Network: fmt.Sprint(r.pick("network", 3)),
	}
	n.Idempotency, n.Fingerprint = r.key()
	got, err := r.store.OpenTicket(r.ctx, r.now, n)
	want, wantErr := r.model.openTicket(r.now, n, got)
	r.compare("OpenTicket", must1(got, err), want, wantErr)
}

func (r *run) link() store.LinkID {
	if len(r.model.tickets) == 0 {
		return linkOf(0)
	}
	return r.model.tickets[r.pick("link", len(r.model.tickets))].Link
}

func (r *run) append(*rapid.T) {
	n := store.NewMessage{Link: r.link(), Body: strings.Repeat("more ", r.pick("body", 600)), Files: r.files()}
	n.Idempotency, n.Fingerprint = r.key()
	want, wantErr := r.model.appendMessage(r.now, n)
	r.compare("AppendMessage", must1(r.store.AppendMessage(r.ctx, r.now, store.ByPartner(n.Link), n)), want, wantErr)
}

func (r *run) revoke(*rapid.T) {
	link := r.link()
	wantErr := r.model.revokeLink(r.now, link)
	r.compare("RevokeLink", must1[any](nil, r.store.RevokeLink(r.ctx, r.now, store.ByPartner(link), link)), nil, wantErr)
}

// owners are the processes that claim.
var owners = []string{"", "one", "two"}

func (r *run) claim(*rapid.T) {
	domains := []string{"", "a.example", "b.example", "partner.example"}
	c := store.Claim{Only: domains[r.pick("only", 9)%len(domains)*(r.pick("any", 3)/2)],
		Except: domains[1 : 1+r.pick("except", 3)],
		Limit:  1 + r.pick("limit", 6), PerDomain: r.pick("per domain", 4), Owner: owners[r.pick("owner", len(owners))],
		Lease: store.Leases{20 * time.Minute, 40 * time.Minute, time.Hour}}
	got, err := r.store.ClaimOutbound(r.ctx, r.now, c)
	want := r.model.claim(r.now, c)
	if err == nil && len(got) == len(want) {
		for i := range want { // the fence is the driver's to choose
			want[i].Claim = got[i].Claim
			for _, o := range r.model.outs {
				if got[i].Claim == 0 || o.Claim == got[i].Claim {
					r.Fatalf("claim %d is not the row's own", got[i].Claim)
				}
			}
			r.model.out(want[i].ID).Claim = got[i].Claim
		}
	}
	r.compare("ClaimOutbound", must1(got, err), want, nil)
}

func (r *run) finish(*rapid.T) {
	if len(r.model.outs) == 0 {
		return
	}
	o := r.model.outs[r.pick("row", len(r.model.outs))]
	states := []store.OutboundState{store.StateSent, store.StateFailed, store.StateQueued, store.StateUnknown,
		store.StateHeld}
	f := store.Finish{
		ID: o.ID, Claim: o.Claim + uint64(r.pick("stale", 5)/4), State: states[r.pick("state", 5)],
		DueAt: r.now.Add(time.Duration(r.pick("due", 4)) * 30 * time.Minute), Reply: "reply", Code: 250,
		Server: "relay.example", Untried: r.pick("untried", 6) == 5,
	}
	if f.State == store.StateFailed && r.pick("refused", 3) > 0 {
		f.Report = r.drawReport()
		f.Report.Action, f.Report.Tie, f.Report.Outbound = "failed", "", 0
	}
	if f.State == store.StateHeld {
		f.Hold = "rcpt"
		if r.pick("standing", 2) == 1 {
			f.Report = store.Report{Action: "failed", Outcome: store.OutcomeRefused, Host: "relay.example",
				Diagnostic: "blocked"}
		}
	}
	wantErr := r.model.finish(r.now, f)
	r.compare("FinishOutbound", must1[any](nil, r.store.FinishOutbound(r.ctx, r.now, f)), nil, wantErr)
}

func (r *run) box() string { return boxNames[r.pick("mailbox", 2)] }

func (r *run) connect(*rapid.T) {
	box := r.box()
	r.compare("ConnectMailbox", must1(r.store.ConnectMailbox(r.ctx, r.now, box)), r.model.connect(r.now, box), nil)
}

func (r *run) epoch(*rapid.T) {
	box, validity := r.box(), uint32(1+r.pick("validity", 3))
	r.compare("BeginEpoch", must1(r.store.BeginEpoch(r.ctx, r.now, box, validity)), r.model.beginEpoch(box, validity), nil)
}

func (r *run) skip(*rapid.T) {
	box, validity, uid := r.box(), uint32(1+r.pick("validity", 3)), uint32(r.pick("uid", 12))
	wantErr := r.model.skipTo(box, validity, uid)
	r.compare("SkipTo", must1[any](nil, r.store.SkipTo(r.ctx, box, validity, uid)), nil, wantErr)
}

func (r *run) record(*rapid.T) {
	var mails []store.NewInbound
	box := r.box()
	for range 1 + r.pick("mails", 4) {
		content := r.pick("content", 12)
		raw := fmt.Sprintf("mail %d %s", content, strings.Repeat("x", content*30))
		n := store.NewInbound{
			Mailbox: box, UIDValidity: r.model.boxes[box].UIDValidity, UID: uint32(1 + r.pick("uid", 12)),
			InternalDate: r.now.Add(time.Duration(r.pick("date", 3)-1) * time.Minute), Size: int64(len(raw)),
			Hash: sha256.Sum256([]byte(raw)), MessageID: []string{"", "m@x", "M@X", "n@x"}[content%4], From: "f", Subject: "s",
			Raw: []byte(raw),
		}
		if content == 11 {
			n.Raw, n.Blob = nil, hashOf("1")
		}
		mails = append(mails, n)
	}
	got, err := r.store.RecordInbound(r.ctx, r.now, mails)
	if len(got) != len(mails) {
		r.Fatalf("RecordInbound: %d rows for %d mails, %v", len(got), len(mails), err)
	}
	want := r.model.record(r.now, mails, got)
	r.compare("RecordInbound", must1(got, err), want, nil)
}

func (r *run) decide(*rapid.T) {
	if len(r.model.mails) == 0 {
		return
	}
	var decisions []store.Decision
	for range 1 + r.pick("decisions", 3) {
		decisions = append(decisions, r.decision())
	}
	got, err := r.store.DecideInbound(r.ctx, r.now, decisions)
	if len(got) != len(decisions) {
		r.Fatalf("DecideInbound: %d rows for %d decisions, %v", len(got), len(decisions), err)
	}
	want := r.model.decide(r.now, decisions, got)
	r.compare("DecideInbound", must1(got, err), want, nil)
}

func (r *run) decision() store.Decision {
	kinds := []store.Kind{store.KindDirect, store.KindBounce, store.KindSpam}
	d := store.Decision{
		ID:      r.model.mails[r.pick("mail", len(r.model.mails))].ID,
		Verdict: store.Verdict{Kind: kinds[r.pick("kind", 3)], Rules: []store.Rule{{ID: "r", Effect: store.EffectNote}}},
	}
	if r.pick("answer", 4) == 0 {
		return d
	}
	who := people[r.pick("who", 3)]
	d.Verdict.Answer = true
	d.Answer = &store.Outbound{Kind: store.MailAutoResponse, From: "desk@x", To: who, MessageID: messageIDOf(r.mint()),
		Langs: []string{"en"}}
	if r.pick("link", 2) == 0 && len(r.model.tickets) > 0 {
		d.Answer.Ticket, d.Answer.Link = r.model.tickets[0].ID, linkOf(r.mint())
		d.LinkExpires = r.now.Add(10 * time.Hour)
	}
	d.Answer.Parties = [][]string{nil, {"x.test", "net"}, {"y.test", "net"}, {"z.test"}}[r.pick("parties", 4)]
	d.Limits = store.AnswerLimits{
		Sender: store.AnswerKey(who), Period: 5 * time.Hour, Budgets: r.budgets(),
		Breaker: store.Budget{Name: "breaker", Limit: 3, Window: 4 * time.Hour},
		Returns: store.ReturnLimit{Percent: 40, Least: 2, Parties: 2},
	}
	return d
}

func (r *run) quarantine(*rapid.T) {
	if len(r.model.mails) == 0 {
		return
	}
	id := r.model.mails[r.pick("mail", len(r.model.mails))].ID
	want, wantErr := r.model.quarantine(r.now, id, "fault")
	got, err := r.store.QuarantineInbound(r.ctx, r.now, id, "fault")
	r.compare("QuarantineInbound", must1(got, err), want, wantErr)
}

func (r *run) switchResponder(*rapid.T) {
	s := store.Switch{On: r.pick("on", 3) > 0, Reason: "reason"}
	if r.pick("one", 2) > 0 {
		s.Mailbox = r.box()
	}
	want := r.model.switchResponder(r.now, "who", s)
	r.model.logs(store.AuditAnswersSwitched)
	r.compare("SwitchResponder", must1(r.store.SwitchResponder(r.ctx, r.now, as("who"), s)), want, nil)
}

func (r *run) restored(*rapid.T) {
	if r.pick("restored", 4) > 0 {
		return
	}
	r.model.markRestored(r.now)
	r.compare("MarkRestored", must1[any](nil, r.store.MarkRestored(r.ctx, r.now)), nil, nil)
}

func (r *run) dropRaws(*rapid.T) {
	before := r.now.Add(time.Duration(r.pick("before", 4)-2) * time.Hour)
	limit := 1 + r.pick("limit", 4)
	want := r.model.dropRaws(before, limit)
	r.compare("DropRaws", must1(r.store.DropRaws(r.ctx, before, 0, limit)), want, nil)
}

// clock ends claims, or pulls what is due far ahead.
func (r *run) clock(*rapid.T) {
	if r.pick("ends", 2) == 0 {
		owner := owners[r.pick("owner", len(owners))]
		want := r.model.endLeases(r.now, owner)
		r.compare("EndLeases", must1(r.store.EndLeases(r.ctx, r.now, owner)), want, nil)
		return
	}
	by := r.now.Add(time.Duration(r.pick("by", 4)) * 20 * time.Minute)
	want := r.model.pull(r.now, by)
	r.compare("PullOutbounds", must1(r.store.PullOutbounds(r.ctx, r.now, by, 1000)), want, nil)
}

// housekeep must change nothing that can be seen.
func (r *run) housekeep(*rapid.T) {
	if _, err := r.store.Housekeep(r.ctx, r.now, r.pick("limit", 20)); err != nil {
		r.Fatal(err)
	}
}

func (r *run) pass(*rapid.T) {
	steps := []time.Duration{time.Microsecond, time.Minute, 20 * time.Minute, time.Hour, 24 * time.Hour,
		8 * 24 * time.Hour}
	r.now = r.now.Add(steps[r.pick("step", len(steps))])
}

// glance compares what costs little after every verb.
func (r *run) glance(*rapid.T) {
	stats, err := r.store.Stats(r.ctx)
	stats.RawBytes = 0 // it is the driver's way of keeping them; its own check counts them
	r.compare("Stats", must1(stats, err), r.model.stats(), nil)
	r.compare("Responder", must1(r.store.Responder(r.ctx, r.now)), r.model.responder(r.now), nil)
	due, _ := r.model.next()
	var wantErr error
	if due.IsZero() {
		wantErr = store.ErrNotFound
	}
	r.compare("NextOutbound", must1(r.store.NextOutbound(r.ctx)), due, wantErr)
}

// readAll compares everything that can be read.
func (r *run) readAll() {
	r.readTickets()
	for _, o := range r.model.outs {
		r.compare("Outbound", must1(r.store.Outbound(r.ctx, o.ID)), o.Outbound, nil)
		r.compare("OutboundByMessageID", must1(r.store.OutboundByMessageID(r.ctx, o.MessageID)), o.Outbound, nil)
	}
	r.readLedger()
	r.readDeliveries()
	r.readAgents()
	r.readAudits()
	r.readBoard()
	r.readThrottled()
	r.readNumbers()
	r.readDesk()
	var deadlines []store.Deadline
	since := r.now.Add(-store.DeadlineKept)
	for _, k := range r.model.tickets {
		if due := r.model.due(k); !due.IsZero() {
			deadlines = append(deadlines, store.Deadline{Ticket: k.ID, Kind: store.DeadlineFirstResponse, Due: due})
		}
	}
	deadlines = slices.DeleteFunc(deadlines, func(d store.Deadline) bool {
		return d.Due.After(r.now) ||
			d.Due.Before(since)
	})
	slices.SortStableFunc(deadlines, func(a, b store.Deadline) int { return a.Due.Compare(b.Due) })
	r.compare("DeadlinesDue", must1(r.lists().deadlines(since, r.now)), deadlines, nil)
}

func (r *run) readTickets() {
	mine := map[string][]store.Ticket{}
	for _, k := range r.model.tickets {
		who := store.AddressKey(k.Requester.Email)
		mine[who] = slices.Insert(mine[who], 0, *k)
		r.compare("Ticket", must1(r.store.Ticket(r.ctx, k.ID)), *k, nil)
		found := must1(r.store.TicketByNumber(r.ctx, store.ByService(), store.ActReadTicket, k.Number))
		r.compare("TicketByNumber", found, *k, nil)
		linked, wantErr := r.model.linked(r.now, k.Link)
		if linked == nil {
			linked = &store.Ticket{}
		}
		r.compare("TicketByLink", must1(r.store.TicketByLink(r.ctx, r.now, k.Link)), *linked, wantErr)
		r.compare("Entries", must1(r.lists().thread(k.ID, 0)), r.model.entries[k.ID], nil)
		var mails []store.Outbound
		for _, o := range r.model.outs {
			if o.Ticket == k.ID {
				mails = append(mails, o.Outbound)
			}
		}
		r.compare("OutboundsOfTicket", must1(r.lists().mailsOf(k.ID)), mails, nil)
	}
	for who, tickets := range mine {
		r.compare("TicketsByRequester", must1(r.lists().ticketsOf(who)), tickets, nil)
	}
}

func (r *run) readLedger() {
	var all, same []store.Inbound
	pending := map[string][]store.Inbound{}
	for _, k := range r.model.mails {
		all = slices.Insert(all, 0, *k)
		if strings.EqualFold(k.MessageID, "m@x") {
			same = slices.Insert(same, 0, *k)
		}
		if k.State == store.InboundStored {
			pending[k.Mailbox] = append(pending[k.Mailbox], *k)
		}
		r.compare("InboundByUID", must1(r.store.InboundByUID(r.ctx, k.Mailbox, k.UIDValidity, k.UID)), *k, nil)
		var wantErr error
		if k.Blob != "" || k.RawDropped {
			wantErr = store.ErrNotFound
		}
		r.compare("RawInbound", must1(r.store.RawInbound(r.ctx, k.ID)), []byte(r.model.raws[k.ID]), wantErr)
	}
	r.compare("ListInbound", must1(r.lists().ledger()), all, nil)
	r.compare("InboundByMessageID", must1(r.lists().byMessageID("m@X")), same, nil)
	for _, box := range boxNames {
		r.compare("PendingInbound", must1(r.lists().pending(box)), pending[box], nil)
		r.compare("MailboxResponder", must1(r.store.MailboxResponder(r.ctx, box)), *r.model.switchOf(box), nil)
		latest, wantErr := r.model.latest(box)
		r.compare("LatestInbound", must1(r.store.LatestInbound(r.ctx, box)), latest, wantErr)
	}
}
