package main

import (
	"bytes"
	"io"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/mail/sandbox"
	"signpost/store"
)

const canaryAddress = "canary@example.com"

// fly sends the canary of a demo and returns its run when it has ended.
func (d *demo) runCanary(t *testing.T) store.CanaryRun {
	t.Helper()
	before := d.runs(t)
	comesAbout(t, func() bool { return d.app.canary.Try() })
	var runs []store.CanaryRun
	comesAbout(t, func() bool {
		runs = d.runs(t)
		return len(runs) > len(before) && !runs[0].EndedAt.IsZero()
	})
	return runs[0]
}

func (d *demo) runs(t *testing.T) []store.CanaryRun {
	t.Helper()
	runs, err := store.Items(d.app.db.CanaryRuns(t.Context(), store.Page{Limit: 99}))
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// comesAbout waits for what nobody announces.
func comesAbout(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatal("it did not come about")
		}
	}
}

func TestTheCanaryFliesAgainAndAgainAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i, region := range []string{"us", "intl", "us"} {
		run := d.runCanary(t)
		if !run.Passed() || run.Region != region {
			t.Fatalf("run %d, in region %s: %q", i, run.Region, run.Faults)
		}
		legs := map[string]store.CanaryLeg{"stray": run.Seen, "answer": run.Answer, "confirmation": run.Confirmation}
		for name, leg := range legs {
			if leg.Count != 1 || leg.ArrivedAt.Before(run.StartedAt) || leg.DMARC == "" || leg.DMARC == "fail" {
				t.Errorf("run %d: the %s came as %+v", i, name, leg)
			}
		}
		if left := d.host.Mails(canaryAddress, 0, 9); len(left) != 0 {
			t.Errorf("%d mails lie in the canary's mailbox", len(left))
		}
		ticket, err := d.app.db.Ticket(t.Context(), run.Ticket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.app.db.TicketByLink(t.Context(), time.Now(), ticket.Link); err == nil {
			t.Error("the link of its ticket still opens it")
		}
	}
	stats, err := d.app.db.Stats(t.Context())
	if err != nil || stats.Tickets["us"]+stats.Tickets["intl"] != 0 || stats.Tickets[store.OwnRegion] != 3 {
		t.Errorf("tickets by region: %v, %v", stats.Tickets, err)
	}
	// The next partner's number follows no canary's.
	if _, opened := contact(t, d.url(), plainPost(), nil); opened["number"] != "US-1001" {
		t.Errorf("the first ticket is %v", opened)
	}
	if list := told(t, d.app, time.Now(), "canary"); len(list) != 0 {
		t.Errorf("troubles: %v", list)
	}
}

func plainPost() map[string]string {
	return map[string]string{
		"name": "Ann", "email": "ann@partner.test", "country": "US",
		"description": "The settlement report lacks the last three days of the month.",
	}
}

// TestAMarkIsWorthNothingToWhoCopiesIt: the mail passed many hosts.
func TestAMarkIsWorthNothingToWhoCopiesIt(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	run := d.runCanary(t)
	rows, err := store.Items(d.app.db.InboundByMessageID(t.Context(), run.StrayID, store.Page{Limit: 1}))
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	ofCanary := func(r store.Rule) bool { return r.ID == "canary" && r.Evidence == run.Mark }
	if !slices.ContainsFunc(rows[0].Verdict.Rules, ofCanary) {
		t.Errorf("the ledger does not tell the canary's: %v", rows[0].Verdict.Rules)
	}
	raw, err := d.app.db.RawInbound(t.Context(), rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	stray, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(stray.Body); !strings.Contains(string(body), "Signpost wrote this mail to itself") ||
		stray.Header.Get("X-Signpost-Instance") != "" {
		t.Errorf("the stray is %v\n%s", stray.Header, body)
	}
	mark := "X-Signpost-Canary: " + stray.Header.Get("X-Signpost-Canary")
	answers := func() int { return d.app.answers(t) }
	for i := range 3 {
		send(t, d, canaryAddress, mark)
		if n := answers(); n != 1 {
			t.Fatalf("copy %d of the mark got an answer more: %d", i, n)
		}
	}
	// From anywhere else it is a stranger's mail, once in seven days.
	for range 2 {
		send(t, d, "eve@elsewhere.test", mark)
	}
	if n := answers(); n != 2 {
		t.Errorf("%d answers, want the canary's and Eve's", n)
	}
	// Nor does a copy spend what the next run needs.
	if next := d.runCanary(t); !next.Passed() {
		t.Errorf("the next run: %q", next.Faults)
	}
}

// send delivers a mail to the canary's last region and waits for its verdict.
func send(t *testing.T, d *demo, from string, fields ...string) {
	t.Helper()
	raw := plainMail(from, "Order", fields...)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.host.Deliver(from, []string{supportAddress}, raw); err != nil {
		t.Fatal(err)
	}
	d.awaitVerdict(t, strings.Trim(m.Header.Get("Message-ID"), "<>"))
}

func TestACanaryThatDoesNotComeBackIsAnAlarm(t *testing.T) {
	t.Parallel()
	d := startDemo(t, func(a *App) {
		if _, err := a.db.SwitchResponder(t.Context(), time.Now(), store.ByService(),
			store.Switch{On: false, Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
	})
	if err := d.host.SetBehaviour(canaryAddress, sandbox.Refuse); err != nil {
		t.Fatal(err)
	}
	run := d.runCanary(t)
	faults := strings.Join(run.Faults, "\n")
	if run.Passed() || !strings.Contains(faults, "the stray mail was not answered: responder-off (a test)") ||
		!strings.Contains(faults, "the confirmation did not arrive within") ||
		!strings.Contains(faults, "it is failed (550") {
		t.Errorf("the faults are\n%s", faults)
	}
	list := told(t, d.app, time.Now(), "canary")
	if len(list) != 1 || list[0].Key != "canary/us" || list[0].Level != 1 {
		t.Errorf("troubles: %+v", list)
	}
	d.app.subject.Config.Canary.Every = time.Hour
	list = told(t, d.app, time.Now().Add(3*time.Hour), "canary")
	if len(list) != 2 || list[1].Key != "canary-silent" {
		t.Errorf("three hours later: %+v", list)
	}
}
