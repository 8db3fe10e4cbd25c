package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// typed runs a command line as a shell would.
func typed(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(&environment{args: args, environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

// TestAnOperatorsFirstMinutes: init writes what serve then refuses until it is
// filled in, naming everything that is missing at once; a second init replaces
// nothing.
func TestAnOperatorsFirstMinutes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "signpost.toml")
	if code, out, errs := typed(t, nil, "init", file); code != 0 ||
		!strings.Contains(out, "signpost check --config "+file) {
		t.Fatalf("init: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := typed(t, nil, "init", file); code != 1 || !strings.Contains(errs, "exists") {
		t.Errorf("a second init: %d %s", code, errs)
	}
	code, _, errs := typed(t, nil, "serve", "--config", file)
	if code != 1 || !strings.Contains(errs, "the configuration has 3 faults") {
		t.Errorf("serve with nothing filled in: %d\n%s", code, errs)
	}
	for _, key := range []string{"mailbox.us.password_file", "mailbox.intl.password_file", "smtp.password_file"} {
		if !strings.Contains(errs, key) {
			t.Errorf("serve does not name %s:\n%s", key, errs)
		}
	}
	if code, _, errs := typed(t, nil, "serve"); code != 2 || !strings.Contains(errs, "--config") {
		t.Errorf("serve without a configuration: %d %s", code, errs)
	}
}

func TestADeadlineIsExplainedOnTheCommandLine(t *testing.T) {
	t.Parallel()
	code, out, errs := typed(t, nil, "sla", "explain", "--zone", "America/New_York", "--open", "Mon-Fri 09:00-17:00",
		"--holiday", "2026-11-26", "--from", "2026-11-25T20:00:00Z", "--hours", "4", "--json")
	if want := `"due":"2026-11-27T11:00:00-05:00"`; code != 0 || !strings.Contains(out, want) {
		t.Errorf("%d %s%s, want %s", code, out, errs, want)
	}
	if code, _, errs := typed(t, nil, "sla", "explain", "--from", "2026-11-25T20:00:00Z", "--hours", "4"); code != 1 ||
		!strings.Contains(errs, "--zone TZ and --open HOURS") {
		t.Errorf("without a calendar: %d %s", code, errs)
	}
}

// A demo that ran before has connected its mailboxes just now. What is generated
// after it still looks like a year in which people were answered.
func TestADemoThatRanIsFilledWithAnsweredMail(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	data := d.app.cfg.Service.Data
	if code, _, errs := typed(t, nil, "generate", "--demo", data, "--mails", "1"); code == 0 ||
		!strings.Contains(errs, "stop it, generate, and start it again") {
		t.Errorf("mails beside a running demo: %d %s", code, errs)
	}
	data = filepath.Join(t.TempDir(), "demo")
	secret, err := demoSecret(data)
	if err != nil {
		t.Fatal(err)
	}
	inside := func(do func(app *App)) {
		app, err := openApp(demoConfig(data, "http://127.0.0.1:1", secret), quietLog())
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		do(app)
	}
	inside(func(app *App) {
		for _, box := range []string{"us", "intl"} {
			if _, err := app.db.ConnectMailbox(t.Context(), time.Now(), box); err != nil {
				t.Fatal(err)
			}
		}
	})
	if code, out, errs := typed(t, nil, "generate", "--demo", data, "--tickets", "10", "--mails", "200"); code != 0 {
		t.Fatalf("generate: %d %s%s", code, out, errs)
	}
	inside(func(app *App) {
		stats, err := app.db.Stats(t.Context())
		if err != nil || stats.Rules[store.RuleConnected] != 0 || stats.Verdicts[store.KindDirect] < 50 {
			t.Errorf("of %d people %d wrote before the connection: %v", stats.Verdicts[store.KindDirect],
				stats.Rules[store.RuleConnected], err)
		}
	})
}

// TestGeneratedTicketsAreWhole fills a demo's folder and reads it back; nobody
// is to be mailed about a generated past, nor answered what lay in the mailbox
// before.
func TestGeneratedTicketsAreWhole(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	code, out, errs := typed(t, nil, "generate", "--demo", data,
		"--tickets", "3000", "--chars", "500", "--mails", "1000")
	if code != 0 || !strings.Contains(out, "3000 tickets") || !strings.Contains(out, "1000 mails") {
		t.Fatalf("generate: %d %s%s", code, out, errs)
	}
	filled := time.Now()
	secret, err := demoSecret(data)
	if err != nil {
		t.Fatal(err)
	}
	app, err := openApp(demoConfig(data, "http://127.0.0.1:1", secret), quietLog())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	if err := app.db.Check(t.Context()); err != nil {
		t.Errorf("the store contradicts itself: %v", err)
	}
	stats, err := app.db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Tickets["us"]+stats.Tickets["intl"] != 3000 || stats.Outbounds["sent"] < 3300 ||
		stats.Outbounds["queued"]+stats.Outbounds["claimed"] != 0 {
		t.Errorf("generated %v tickets, mails %v", stats.Tickets, stats.Outbounds)
	}
	if stats.Inbounds["decided"] != 1000 || stats.Verdicts["unparsable"] == 0 || stats.Fates["bounced"] == 0 ||
		stats.Fates["refused"] == 0 || stats.Fates["delayed"] == 0 {
		t.Errorf("the ledger holds %v, %v; fates %v", stats.Inbounds, stats.Verdicts, stats.Fates)
	}
	box, err := app.db.ConnectMailbox(t.Context(), time.Now(), "us")
	if err != nil || box.ConnectedAt.Before(filled.Add(-time.Minute)) || box.UIDValidity != 0 {
		t.Errorf("the mailbox stands as %+v: %v", box, err)
	}
	entries, err := store.Items(app.db.Entries(t.Context(), 1, 0, store.Page{Limit: 10}))
	if err != nil || len(entries) == 0 || len(entries[0].Body) != 500 {
		t.Errorf("the first ticket's thread: %v %v", entries, err)
	}
}

// TestAMonthIsGeneratedBesideARunningDemo: a desk with something of everything, from which
// no mail is sent.
func TestAMonthIsGeneratedBesideARunningDemo(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	code, out, errs := typed(t, nil, "generate", "--demo", d.app.cfg.Service.Data, "--tickets", "400")
	if code != 0 || !strings.Contains(out, "400 tickets") {
		t.Fatalf("generate: %d %s%s", code, out, errs)
	}
	if err := d.app.db.Check(t.Context()); err != nil {
		t.Errorf("the store contradicts itself: %v", err)
	}
	lee, err := d.app.db.AgentByEmail(t.Context(), "lee@example.com")
	if err != nil {
		t.Fatal(err)
	}
	counts, err := d.app.db.DeskCounts(t.Context(), lee.Actor())
	if err != nil || counts.Of(store.ViewAll) != 400 || counts.Of(store.ViewSolved) < 280 {
		t.Errorf("the desk counts %v: %v", counts.Views, err)
	}
	views := []store.View{store.ViewMine, store.ViewUnassigned, store.ViewWaitingUs, store.ViewWaitingPartner}
	for _, v := range views {
		if n := counts.Of(v); n == 0 || n > 80 {
			t.Errorf("view %s has %d of 400 tickets", v, n)
		}
	}
	stats, err := d.app.db.Stats(t.Context())
	if err != nil || stats.Outbounds[store.StateQueued] != 0 || stats.Fates[store.FateBounced] == 0 ||
		stats.Outbounds[store.StateSent] < 800 {
		t.Errorf("mails %v, fates %v: %v", stats.Outbounds, stats.Fates, err)
	}
	langs, rated := map[string]int{}, 0
	list := func(p store.Page) (store.List[store.DeskRow], error) {
		return d.app.db.DeskTickets(t.Context(), lee.Actor(), store.TicketFilter{View: store.ViewAll}, p)
	}
	for row, err := range store.All(store.MaxPage, list) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Ticket.Replies > 0 {
			langs[row.Ticket.Requester.Lang]++
		}
		if row.Ticket.Rating.Score > 0 {
			rated++
		}
	}
	if len(langs) != 5 || rated < 40 {
		t.Errorf("answered in %v, %d rated", langs, rated)
	}
}
