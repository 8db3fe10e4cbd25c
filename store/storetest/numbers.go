package storetest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"signpost/store"
)

func numberStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"Tickets and their mail are counted by region and hour":          countedHours,
		"What reports say is counted by region and domain, once":         countedReports,
		"Mail that came is counted in the hour it was seen":              countedMail,
		"Every reason for silence is counted":                            countedSilences,
		"A mail withheld counts for its region and for no domain":        countedWithheld,
		"Invented domains do not push out those that had mail yesterday": countedDomains,
		"Hours are kept for their time and then dropped":                 hoursDropped,
		"A span of hours is whole hours, and no longer than they live":   hourSpans,
	}
}

// day is the span of the day that begins with the desk's hour.
func (d *desk) day() (from, until time.Time) {
	from = d.at().Truncate(time.Hour)
	return from, from.Add(24 * time.Hour)
}

// wantHours compares the tallies of a day; hours are told from its begin.
func (d *desk) wantHours(got []store.Hour, from time.Time, want map[int]store.Tally) {
	d.Helper()
	found := map[int]store.Tally{}
	for i, h := range got {
		found[int(h.Start.Sub(from)/time.Hour)] = h.Tally
		if i > 0 && !got[i-1].Start.Before(h.Start) {
			d.Errorf("hour %v comes after %v", h.Start, got[i-1].Start)
		}
	}
	d.same(found, want)
}

func (d *desk) regionHours(region string, from, until time.Time) []store.Hour {
	d.Helper()
	return must[[]store.Hour](d)(d.RegionHours(d.ctx, region, from, until))
}

func busiest(domains ...store.DomainTally) store.List[store.DomainTally] {
	return store.List[store.DomainTally]{Items: domains}
}

func (d *desk) domains(from, until time.Time) store.Domains {
	d.Helper()
	return must[store.Domains](d)(d.ReceivingDomains(d.ctx, from, until, store.Page{Limit: 100}))
}

func countedHours(d *desk) {
	_, err := d.CountedSince(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	first, until := d.day()
	d.opens(post("key", "text"))
	d.opens(post("key", "text")) // the same once more
	d.opens(in(region("intl", "INT")))
	d.same(d.domains(first, until), store.Domains{}) // nothing was sent
	d.pass(59 * time.Minute)
	rows := d.claims(claimAll())
	d.finishes(rows[0], store.StateSent, time.Time{})
	d.finishes(rows[1], store.StateQueued, d.now.Add(time.Minute))
	d.pass(time.Hour)
	d.opens(from("eve@other.example"))
	d.pass(time.Hour)
	for _, row := range d.claims(claimAll()) {
		d.finishes(row, store.StateFailed, time.Time{})
	}
	d.wantHours(d.regionHours("us", first, until), first, map[int]store.Tally{
		0: {Opened: 1, Sent: 1}, 1: {Opened: 1}, 2: {Failed: 1},
	})
	d.wantHours(d.regionHours("intl", first, until), first, map[int]store.Tally{0: {Opened: 1}, 2: {Failed: 1}})
	d.same(d.regionHours("u", first, until), []store.Hour{})
	d.same(d.domains(first, until), store.Domains{Named: 2, Busiest: busiest(
		store.DomainTally{Domain: "partner.example", Tally: store.Tally{Sent: 1, Failed: 1}},
		store.DomainTally{Domain: "other.example", Tally: store.Tally{Failed: 1}},
	)})
	d.same(must[time.Time](d)(d.CountedSince(d.ctx)), first)
	one := must[store.Domains](d)(d.ReceivingDomains(d.ctx, first, until, store.Page{Limit: 1}))
	if len(one.Busiest.Items) != 1 || one.Busiest.Next == "" || one.Named != 2 {
		d.Errorf("the busiest of all: %+v", one)
	}
}

func countedReports(d *desk) {
	d.connects()
	first, until := d.day()
	mails := make([]store.Outbound, 5)
	for i, to := range []string{"a@x.example", "b@x.example", "c@X.example", "d@y.example", "e@y.example"} {
		mails[i] = d.sends(from(to)).Confirmation
	}
	d.pass(time.Hour)
	of := func(i int, action store.Action, outcome store.Outcome) store.Report {
		return store.Report{Action: action, Outcome: outcome, Outbound: mails[i].ID, Tie: store.TieEnvelope}
	}
	d.hearsOf(store.KindDelay, of(0, "delayed", store.OutcomeLater))
	d.hearsOf(store.KindDelivered, of(0, "delivered", store.OutcomeDone), of(4, "delivered", store.OutcomeDone))
	d.hears(of(0, "failed", store.OutcomeDead), of(1, "failed", store.OutcomeRefused))
	d.hears(of(0, "failed", store.OutcomeDead), of(2, "failed", store.OutcomeLater)) // the first once more
	d.hearsOf(store.KindComplaint, of(3, "failed", ""))
	unproven := of(4, "failed", store.OutcomeDead)
	unproven.Tie = store.TieProbable
	d.hears(unproven)
	d.wantHours(d.regionHours("us", first, until), first, map[int]store.Tally{
		0: {Opened: 5, Sent: 5}, 1: {Delivered: 2, Delayed: 1, Dead: 1, Refused: 1, Later: 1, Complained: 1},
	})
	d.same(d.domains(first, until), store.Domains{Named: 2, Busiest: busiest(
		store.DomainTally{
			Domain: "x.example", Tally: store.Tally{Sent: 3, Delivered: 1, Delayed: 1, Dead: 1, Refused: 1, Later: 1},
		},
		store.DomainTally{Domain: "y.example", Tally: store.Tally{Sent: 2, Delivered: 1, Complained: 1}},
	)})
}

func countedMail(d *desk) {
	d.connects()
	first, until := d.day()
	person, list, broken := d.mail(1), d.mail(2), d.mail(3)
	d.pass(time.Hour)
	d.mail(4) // stays undecided
	d.mail(1) // seen before
	d.wantAnswered(d.answer(person))
	d.verdict(list, store.KindList)
	d.verdict(list, store.KindSpam) // decided already
	for range 3 {
		must[store.Inbound](d)(d.QuarantineInbound(d.ctx, d.now, broken, "no"))
	}
	hours := must[[]store.Hour](d)(d.MailboxHours(d.ctx, box, first, until))
	d.wantHours(hours, first, map[int]store.Tally{0: {Came: 3, Answered: 1, Silent: 1, Unclear: 1}, 1: {Came: 1}})
	d.same(must[[]store.Hour](d)(d.MailboxHours(d.ctx, "intl", first, until)), []store.Hour{})
}

func countedSilences(d *desk) {
	d.connects()
	first, until := d.day()
	stop := func(id string) store.Rule { return store.Rule{ID: id, Effect: store.EffectStop} }
	for i, v := range []store.Verdict{
		{Kind: store.KindBounce, Rules: []store.Rule{
			{ID: "note", Effect: store.EffectNote}, stop("null-sender"), stop("not-a-person"),
		}},
		{Kind: store.KindBounce, Rules: []store.Rule{stop("null-sender")}},
		{Kind: store.KindDirect, Rules: []store.Rule{{ID: "to-us", Effect: store.EffectMissing}}},
		{Kind: store.KindDirect},
		{Kind: store.KindDirect, Rules: []store.Rule{{ID: "to-us", Effect: store.EffectMissing}, stop(store.RuleAnswered)}},
		{Kind: store.KindUnparsable, Rules: []store.Rule{stop("unparsable")}},
	} {
		d.decides(store.Decision{ID: d.mail(uint32(i + 1)), Verdict: v})
	}
	broken := d.mail(9)
	for range 3 {
		must[store.Inbound](d)(d.QuarantineInbound(d.ctx, d.now, broken, "no"))
	}
	d.wantAnswered(d.answer(d.mail(10)))
	d.same(must[[]store.Silence](d)(d.Silences(d.ctx, box, first, until)), []store.Silence{
		{Mark: "bounce", Rule: "null-sender", Count: 2}, {Mark: "direct", Count: 1},
		{Mark: "direct", Rule: store.RuleAnswered, Count: 1}, {Mark: "direct", Rule: "to-us", Count: 1},
		{Mark: "quarantined", Count: 1}, {Mark: "unparsable", Rule: "unparsable", Count: 1},
	})
	hours := must[[]store.Hour](d)(d.MailboxHours(d.ctx, box, first, until))
	d.wantHours(hours, first, map[int]store.Tally{0: {Came: 8, Answered: 1, Silent: 3, Unclear: 4}})
	d.same(must[[]store.Silence](d)(d.Silences(d.ctx, "u", first, until)), []store.Silence{})
}

func countedWithheld(d *desk) {
	d.connects()
	first, until := d.day()
	waiting := d.opens(from("gone@x.example"))
	sent := d.opens(from("gone@x.example"))
	row := d.claims(store.Claim{Limit: 1, Lease: minute})[0]
	d.finishes(row, store.StateSent, time.Time{})
	d.hears(failed(row, store.OutcomeDead))
	d.opens(from("gone@x.example"))
	d.opens(from("else@z.example"), budgets(store.Budget{Name: "b", Limit: 1, Window: time.Hour, Final: true}))
	d.opens(from("else@z.example"), budgets(store.Budget{Name: "b", Limit: 1, Window: time.Hour, Final: true}))
	if rows := d.claims(claimAll()); len(rows) != 1 {
		d.Fatalf("of %d and %d, %d rows were claimed", waiting.Confirmation.ID, sent.Confirmation.ID, len(rows))
	}
	d.wantHours(d.regionHours("us", first, until), first, map[int]store.Tally{
		0: {Opened: 5, Sent: 1, Withheld: 3, Dead: 1},
	})
	d.same(d.domains(first, until), store.Domains{Named: 1, Busiest: busiest(
		store.DomainTally{Domain: "x.example", Tally: store.Tally{Sent: 1, Dead: 1}},
	)})
}

// floods sends a mail to each of n domains that nobody heard of before.
func (d *desk) floods(n int) {
	d.Helper()
	tickets := make([]store.NewTicket, n)
	for i := range tickets {
		tickets[i] = d.ticket(from(fmt.Sprintf("x@invented%d.example", d.mint())))
	}
	d.together(n, func(i int) error {
		_, err := d.OpenTicket(d.ctx, d.now, tickets[i])
		return err
	})
	rows := d.claims(store.Claim{Limit: 2 * n, Lease: minute})
	d.together(len(rows), func(i int) error {
		return d.FinishOutbound(d.ctx, d.now, store.Finish{ID: rows[i].ID, Claim: rows[i].Claim, State: store.StateSent})
	})
}

// together calls do with each number below n, from many goroutines.
func (d *desk) together(n int, do func(int) error) {
	d.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := do(i); err != nil {
				d.Error(err)
			}
		})
	}
	all.Wait()
}

func countedDomains(d *desk) {
	d.sends(from("ana@known.example"))
	d.pass(23 * time.Hour)
	first, until := d.day()
	d.floods(store.DomainsNew + 5)
	d.sends(from("ana@known.example"))
	d.sends(from("eve@" + strings.Repeat("long.", 60) + "example"))
	all := d.domains(first, until)
	if all.Named != store.DomainsNew+1 || all.Others.Sent != 6 {
		d.Errorf("%d domains are named, %d mails are of others", all.Named, all.Others.Sent)
	}
	d.pass(2 * time.Hour)
	d.sends(from("eve@late.example"))
	first, until = d.day()
	if all := d.domains(first, until); all.Named != 1 {
		d.Errorf("%d domains are named in an hour without a flood", all.Named)
	}
}

func hoursDropped(d *desk) {
	first, until := d.day()
	d.sends()
	d.pass(store.DomainTallyKept)
	must[int](d)(d.Housekeep(d.ctx, d.now, 1000))
	if d.domains(first, until).Named != 1 {
		d.Error("domains were dropped too early")
	}
	d.pass(time.Hour)
	must[int](d)(d.Housekeep(d.ctx, d.now, 1000))
	d.same(d.domains(first, until), store.Domains{})
	d.wantHours(d.regionHours("us", first, until), first, map[int]store.Tally{0: {Opened: 1, Sent: 1}})
	d.opens()
	d.must(d.Check(d.ctx))
	d.pass(store.TallyKept - store.DomainTallyKept)
	must[int](d)(d.Housekeep(d.ctx, d.now, 1000))
	d.same(d.regionHours("us", first, until), []store.Hour{})
	if since := must[time.Time](d)(d.CountedSince(d.ctx)); !since.Equal(first.Add(store.DomainTallyKept + time.Hour)) {
		d.Errorf("counted since %v", since)
	}
}

func hourSpans(d *desk) {
	d.opens()
	hour := d.at().Truncate(time.Hour)
	for _, c := range []struct {
		from, until time.Time
		want        int
	}{
		{hour, hour.Add(time.Hour), 1}, {hour.Add(59 * time.Minute), hour.Add(time.Hour), 1},
		{hour, hour.Add(59 * time.Minute), 0},
		{hour.Add(time.Hour), hour.Add(3 * time.Hour), 0}, {hour.Add(time.Hour), hour, 0}, {hour.Add(-time.Hour), hour, 0},
		{hour.Add(time.Hour - store.TallyKept), hour.Add(time.Hour), 1}, {time.Time{}, time.Time{}.Add(time.Hour), 0},
	} {
		if got := d.regionHours("us", c.from, c.until); len(got) != c.want {
			d.Errorf("from %v until %v: %d hours", c.from, c.until, len(got))
		}
	}
	until := hour.Add(store.TallyKept + time.Nanosecond)
	_, err := d.RegionHours(d.ctx, "us", hour, until)
	d.wantErr(err, store.ErrInvalid)
	_, err = d.MailboxHours(d.ctx, "us", hour, until)
	d.wantErr(err, store.ErrInvalid)
	_, err = d.Silences(d.ctx, "us", hour, until)
	d.wantErr(err, store.ErrInvalid)
	_, err = d.ReceivingDomains(d.ctx, hour, until, store.Page{Limit: 1})
	d.wantErr(err, store.ErrInvalid)
}
