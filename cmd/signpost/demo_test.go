package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/mail/sandbox"
	"signpost/store"
)

// patience is how long what must come about may take: it comes within moments,
// but not on a machine that is busy with all the other stories.
const patience = 90 * time.Second

// startDemo runs the whole product in this process, on ports of its own, after
// change had its hand on it.
func startDemo(t *testing.T, change ...func(*App)) *demo {
	t.Helper()
	return startDemoAs(t, func(*config.Config) {}, change...)
}

// startDemoAs is startDemo under another configuration.
func startDemoAs(t *testing.T, configure func(*config.Config), change ...func(*App)) *demo {
	t.Helper()
	c := DemoCmd{HTTP: "127.0.0.1:0", SMTP: "127.0.0.1:0", IMAP: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "demo")}
	d, err := openDemo(c, quietLog(), configure)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(d.app)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
		if err := d.app.db.Check(context.Background()); err != nil {
			t.Errorf("the store contradicts itself: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	// The listener is open already: the request waits until it is served.
	resp, err := http.Get(d.url() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	awaitWatched(t, d.app)
	return d
}

// awaitWatched waits until every mailbox was read once: what arrives before the
// first connection is never answered.
func awaitWatched(t *testing.T, a *App) {
	t.Helper()
	for _, w := range a.watchers {
		comesAbout(t, func() bool { return !w.Health().LastCycle.IsZero() })
	}
}

// TestADemoServedEverywhereIsFoundHere: no browser opens http://[::]:8080, and the
// links in its mails begin with where it is found.
func TestADemoServedEverywhereIsFoundHere(t *testing.T) {
	t.Parallel()
	d, err := openDemo(DemoCmd{HTTP: ":0", SMTP: "127.0.0.1:0", IMAP: "127.0.0.1:0",
		Data: filepath.Join(t.TempDir(), "demo")}, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !strings.HasPrefix(d.url(), "http://127.0.0.1:") || d.app.cfg.Service.BaseURL != d.url() {
		t.Errorf("it is found at %s and its links begin with %s", d.url(), d.app.cfg.Service.BaseURL)
	}
}

// TestADemoWithoutItsMailServerEndsWithTheReason: a script that starts the demo
// learns from its exit that it is not there any more, and why.
func TestADemoWithoutItsMailServerEndsWithTheReason(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*demo) net.Listener{
		"SMTP": func(d *demo) net.Listener { return d.smtp }, "IMAP": func(d *demo) net.Listener { return d.imap },
	} {
		d, err := openDemo(DemoCmd{HTTP: "127.0.0.1:0", SMTP: "127.0.0.1:0", IMAP: "127.0.0.1:0",
			Data: filepath.Join(t.TempDir(), "demo")}, quietLog())
		if err != nil {
			t.Fatal(err)
		}
		cut(d).Close()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		if err := d.Run(ctx); err == nil || !strings.Contains(err.Error(), "the sandbox's "+name+" server") {
			t.Errorf("without its %s server the demo ended with: %v", name, err)
		}
		stop()
		if err := d.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
}

// await waits for a mail in a mailbox of the sandbox.
func (d *demo) await(t *testing.T, address string, match func(sandbox.Mail) bool) sandbox.Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := d.host.Await(ctx, address, match)
	if err != nil {
		t.Fatalf("no such mail for %s: %v", address, err)
	}
	return m
}

func anyMail(sandbox.Mail) bool { return true }

// awaitVerdict waits until the mail with that Message-ID is decided.
func (d *demo) awaitVerdict(t *testing.T, messageID string) store.Inbound {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		rows, err := store.Items(d.app.db.InboundByMessageID(ctx, messageID, store.Page{Limit: 1}))
		if err == nil && len(rows) > 0 && rows[0].State == store.InboundDecided {
			return rows[0]
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("the mail %s was not decided", messageID)
	return store.Inbound{}
}

// contact posts the form as a program would and returns the answer.
func contact(t *testing.T, url string, fields map[string]string, files map[string]string) (int, map[string]any) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		form.WriteField(name, value)
	}
	for name, content := range files {
		w, err := form.CreateFormFile("files", name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content)
	}
	form.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/contact", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s, and no JSON: %v", resp.Status, err)
	}
	return resp.StatusCode, answer
}

func request(email, country string) map[string]string {
	return map[string]string{
		"name": "Partner", "email": email, "country": country, "title": "The export stops",
		"description": "The nightly export stops after the first thousand orders, and no error is shown.",
	}
}

// TestAPartnerIsHeardAndConfirmed is the main job from end to end: form with
// files, ticket, confirmation from the region's address, the ticket's page, the
// files back byte for byte.
func TestAPartnerIsHeardAndConfirmed(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, story := range []struct{ email, country, region, from string }{
		{"ada@example.net", "US", "us", "partner-us.support@example.com"},
		{"bima@example.org", "ID", "intl", "partner.support@example.com"},
	} {
		status, answer := contact(t, d.url(), request(story.email, story.country),
			map[string]string{"log.txt": "first line\nsecond line\n", "rows.csv": "a,b\n1,2\n"})
		if status != http.StatusCreated || answer["region"] != story.region || answer["from"] != story.from {
			t.Fatalf("%s: %d %v", story.country, status, answer)
		}
		m := d.await(t, story.email, anyMail)
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(parsed.Header.Get("From"), story.from) ||
			parsed.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("%s was confirmed with:\n%s", story.country, m.Raw)
		}
		ticket, err := d.app.db.TicketByNumber(t.Context(), store.ByService(), store.ActReadTicket, answer["number"].(string))
		if err != nil {
			t.Fatal(err)
		}
		link := "/t/" + d.app.ring.LinkToken(ticket.Link)
		if !bytes.Contains(m.Raw, []byte(d.url()+link[:30])) &&
			!bytes.Contains(bytes.ReplaceAll(m.Raw, []byte("=\r\n"), nil), []byte(link)) {
			t.Errorf("the confirmation does not hold the ticket's link:\n%s", m.Raw)
		}
		resp, err := http.Post(d.url()+link+"/mine", "", nil) // leads to the ticket's page
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "first thousand orders") ||
			!strings.Contains(string(page), "log.txt") {
			t.Errorf("the ticket's page: %s\n%.2000s", resp.Status, page)
		}
	}
}

// person is a mail as somebody's mail program writes it.
func person(from, to, id string, fields ...string) []byte {
	return []byte(strings.Join(append(fields,
		"From: Someone <"+from+">", "To: <"+to+">", "Subject: Where is my order", "Message-ID: <"+id+">",
		"Date: "+time.Now().Format(time.RFC1123Z), "MIME-Version: 1.0", "Content-Type: "+
			"text/plain", "", "Hello, where is it?", ""), "\r\n"))
}

// TestAStrayMailIsAnsweredOnceAndAMachineNever tells each kind of visitor apart
// and finds the reason in the ledger.
func TestAStrayMailIsAnsweredOnceAndAMachineNever(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const us = "partner-us.support@example.com"
	deliver := func(from string, raw []byte) {
		t.Helper()
		if err := d.host.Deliver(from, []string{us}, raw); err != nil {
			t.Fatal(err)
		}
	}
	deliver("eve@example.net", person("eve@example.net", us, "one@example.net"))
	answer := d.await(t, "eve@example.net", anyMail)
	if !bytes.Contains(answer.Raw, []byte("In-Reply-To: <one@example.net>")) || answer.EnvelopeFrom != "" {
		t.Errorf("the answer must thread under the mail and leave under the null sender:\n%s", answer.Raw)
	}
	visitors := []struct {
		id, from, rule string
		fields         []string
	}{
		{"two@example.net", "eve@example.net", store.RuleAnswered, nil},
		{"away@example.net", "away@example.net", "auto-submitted", []string{"Auto-Submitted: auto-replied"}},
		{"news@example.org", "news@example.org", "list-header", []string{"List-Id: <news.example.org>"}},
		{"dsn@example.org", "", "null-sender", nil},
		{"forged@spoofed.example", "ceo@spoofed.example", "authentication-failed", nil},
	}
	for _, v := range visitors {
		from := v.from
		if from == "" {
			from = "mailer-daemon@example.org"
		}
		deliver(v.from, person(from, us, v.id, v.fields...))
		row := d.awaitVerdict(t, v.id)
		if row.Verdict.Answer || row.Answer != 0 {
			t.Errorf("%s was answered", v.id)
		}
		if !hasRule(row.Verdict, v.rule) {
			t.Errorf("%s: the ledger gives %v, want %s among the reasons", v.id, row.Verdict.Rules, v.rule)
		}
	}
	if got := d.host.Mails("eve@example.net", 0, 10); len(got) != 1 {
		t.Errorf("one person was answered %d times", len(got))
	}
}

func hasRule(v store.Verdict, id string) bool {
	for _, r := range v.Rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

// TestALoopWithARobotEnds writes as a machine that answers every mail, unmarked,
// from a new address each time.
func TestALoopWithARobotEnds(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const from, id = "robot@robot.example.net", "start@robot.example.net"
	const to = "partner.support@example.com"
	if err := d.host.Deliver(from, []string{to}, person(from, to, id)); err != nil {
		t.Fatal(err)
	}
	d.awaitVerdict(t, id)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	// Watch until nothing has happened for a while: a loop would go on.
	for quiet := 0; quiet < 20; {
		before := len(d.host.Mails("", 0, 1000))
		select {
		case <-ctx.Done():
			quiet = 20
		case <-time.After(50 * time.Millisecond):
		}
		if len(d.host.Mails("", 0, 1000)) == before {
			quiet++
		} else {
			quiet = 0
		}
	}
	stats, err := d.app.db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Three answers an hour to one domain, whatever address it takes.
	if sent := stats.Outbounds[store.StateSent]; sent > 3 {
		t.Errorf("the robot was answered %d times", sent)
	}
}

// TestABackupBringsEverythingBack destroys the data between backup and restore.
func TestABackupBringsEverythingBack(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	numbers := map[string]bool{}
	for i := range 20 {
		status, answer := contact(t, d.url(), request(fmt.Sprintf("p%d@example.net", i), "US"),
			map[string]string{"log.txt": fmt.Sprintf("log of partner %d", i)})
		if status != http.StatusCreated {
			t.Fatalf("%d %v", status, answer)
		}
		numbers[answer["number"].(string)] = true
	}
	dir := t.TempDir()
	to := filepath.Join(dir, "backup")
	control, ok := dialControl(d.app.cfg.Service.Data)
	if !ok {
		t.Fatal("the running service answers no control socket")
	}
	made, err := control.Backup(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if made.Blobs != 20 {
		t.Errorf("the backup holds %d attachments, want 20", made.Blobs)
	}
	if _, err := control.Backup(t.Context(), to); err == nil {
		t.Error("a second backup replaced the first")
	}
	data := filepath.Join(dir, "restored")
	if _, err := archive.Restore(t.Context(), to, data, d.proven, time.Now()); err != nil {
		t.Fatal(err)
	}
	cfg := d.app.cfg
	cfg.Service.Data = data
	again, err := openApp(cfg, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for number := range numbers {
		ticket, err := again.db.TicketByNumber(t.Context(), store.ByService(), store.ActReadTicket, number)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := store.Items(again.db.Entries(t.Context(), ticket.ID, 0, store.Page{Limit: 10}))
		if err != nil || len(entries) != 1 || len(entries[0].Files) != 1 {
			t.Fatalf("%s came back with %v: %v", number, entries, err)
		}
		f, _, err := again.blobs.Open(t.Context(), entries[0].Files[0].Hash)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(f)
		f.Close()
		partner := strings.TrimSuffix(strings.TrimPrefix(ticket.Requester.Email, "p"), "@example.net")
		if want := "log of partner " + partner; string(text) != want {
			t.Errorf("%s: the file says %q, want %q", number, text, want)
		}
	}
	if _, err := archive.Restore(t.Context(), to, data, d.proven, time.Now()); err == nil {
		t.Error("restore overwrote a data folder in use")
	}
}

// TestADamagedBackupIsRefused flips a byte of the database's copy.
func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	dir := t.TempDir()
	to := filepath.Join(dir, "backup")
	if _, err := d.app.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	flipByte(t, filepath.Join(to, config.DatabaseFile))
	if _, err := archive.Restore(t.Context(), to, filepath.Join(dir, "data"), d.proven, time.Now()); err == nil ||
		!strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v, want a sentence that the backup is damaged", err)
	}
}

// TestTheResponderIsSwitchedWhileItRuns uses the kill switch as ops would.
func TestTheResponderIsSwitchedWhileItRuns(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	control, _ := dialControl(d.app.cfg.Service.Data)
	off, err := control.SwitchResponder(t.Context(), store.ByCommandLine("ops"),
		store.Switch{Reason: "maintenance of the mail host"})
	if err != nil || off.On || off.Reason != "maintenance of the mail host" {
		t.Fatalf("%+v %v", off, err)
	}
	const to = "partner.support@example.com"
	raw := person("zoe@example.net", to, "off@example.net")
	if err := d.host.Deliver("zoe@example.net", []string{to}, raw); err != nil {
		t.Fatal(err)
	}
	if row := d.awaitVerdict(t, "off@example.net"); row.Answer != 0 || !hasRule(row.Verdict, store.RuleOff) {
		t.Errorf("with the responder off the ledger says %+v", row.Verdict)
	}
	if on, err := control.SwitchResponder(t.Context(), store.ByCommandLine("ops"),
		store.Switch{On: true}); err != nil || !on.On {
		t.Fatalf("%+v %v", on, err)
	}
	raw = person("yan@example.net", to, "on@example.net")
	if err := d.host.Deliver("yan@example.net", []string{to}, raw); err != nil {
		t.Fatal(err)
	}
	d.await(t, "yan@example.net", anyMail)
}

// TestOneMailboxIsSwitchedOff: the others go on.
func TestOneMailboxIsSwitchedOff(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	control, ok := dialControl(d.app.cfg.Service.Data)
	if !ok {
		t.Fatal("the running service answers no control socket")
	}
	off, err := control.SwitchResponder(t.Context(), store.ByCommandLine("ops"),
		store.Switch{Mailbox: "intl", Reason: "a loop with a customer"})
	if err != nil || off.String() == "" || off.On {
		t.Fatalf("%+v %v", off, err)
	}
	const us = "partner-us.support@example.com"
	for to, id := range map[string]string{supportAddress: "off@example.net", us: "on@example.net"} {
		from := strings.Replace(id, "@", "-person@", 1)
		if err := d.host.Deliver(from, []string{to}, person(from, to, id)); err != nil {
			t.Fatal(err)
		}
	}
	if row := d.awaitVerdict(t, "off@example.net"); row.Answer != 0 || !hasRule(row.Verdict, store.RuleMailbox) {
		t.Errorf("of the mailbox switched off the ledger says %+v", row.Verdict)
	}
	if row := d.awaitVerdict(t, "on@example.net"); row.Answer == 0 {
		t.Errorf("of the other mailbox the ledger says %+v", row.Verdict)
	}
	if list := told(t, d.app, time.Now(), "silenced/"); len(list) != 1 || list[0].Key != "silenced/intl" {
		t.Errorf("the service's troubles are %v", list)
	}
	if status, err := control.Responder(t.Context(), "intl"); err != nil || status.On || status.By != "ops" ||
		status.Reason != "a loop with a customer" {
		t.Errorf("%+v %v", status, err)
	}
	if on, err := control.SwitchResponder(t.Context(), store.ByCommandLine("ops"),
		store.Switch{Mailbox: "intl", On: true}); err != nil || !on.On {
		t.Fatalf("%+v %v", on, err)
	}
	const yan = "yan@example.net"
	if err := d.host.Deliver(yan, []string{supportAddress}, person(yan, supportAddress, yan)); err != nil {
		t.Fatal(err)
	}
	d.await(t, "yan@example.net", anyMail)
	if _, err := control.SwitchResponder(t.Context(), store.ByCommandLine("ops"),
		store.Switch{Mailbox: "none"}); err == nil {
		t.Error("a mailbox that is not there was switched off")
	}
}

// TestASecondServiceOnTheSameDataIsRefusedKindly opens a data folder twice.
func TestASecondServiceOnTheSameDataIsRefusedKindly(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	again, err := openApp(d.app.cfg, quietLog())
	if err == nil {
		again.Close()
		t.Fatal("two services hold one data folder")
	}
	if errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another") {
		t.Errorf("the refusal does not say that another service runs: %v", err)
	}
}
