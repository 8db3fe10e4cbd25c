package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/cmd/signpost/config"
	"signpost/store"
)

// told are the troubles of the service at an instant whose keys begin so.
func told(t *testing.T, a *App, now time.Time, prefix string) (list []store.Trouble) {
	for _, trouble := range a.subject.Troubles(t.Context(), now) {
		if strings.HasPrefix(trouble.Key, prefix) {
			list = append(list, trouble)
		}
	}
	return list
}

// keysOf are the keys of troubles with their levels, such as "relay 1".
func keysOf(list []store.Trouble) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = fmt.Sprintf("%s %d", t.Key, t.Level)
		if t.What == "" || t.Do == "" {
			words[i] += " without words"
		}
	}
	return strings.Join(words, ", ")
}

// TestAMailboxThatIsNotReadIsTold reads both of a demo's, and then looks at the
// clock as if nothing had happened since.
func TestAMailboxThatIsNotReadIsTold(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const from, id = "ada@example.net", "one@example.net"
	if err := d.host.Deliver(from, []string{supportAddress}, person(from, supportAddress, id)); err != nil {
		t.Fatal(err)
	}
	d.awaitVerdict(t, id)
	read := time.Now()
	for after, want := range map[time.Duration]string{
		14 * time.Minute: "",
		16 * time.Minute: "mailbox/intl 1, mailbox/us 1",
		3 * time.Hour:    "mailbox/intl 2, mailbox/us 2",
		13 * time.Hour:   "mailbox/intl 3, mailbox/us 3",
	} {
		if got := keysOf(told(t, d.app, read.Add(after), "mailbox/")); got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
}

// TestAHostThatRefusesSeveralPeopleIsTold: one refusal may be about its
// recipient, three in a day are about us.
func TestAHostThatRefusesSeveralPeopleIsTold(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i, want := range []string{"", "", "refusals/partner.test 1"} {
		address := fmt.Sprintf("p%d@partner.test", i)
		ticket := d.opens(t, address)
		sent := d.await(t, address, anyMail)
		report := "From: MAILER-DAEMON@partner.test\r\nTo: " + sent.EnvelopeFrom + "\r\nSubject: Undelivered Mail " +
			"Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\r\n" +
			"<" + address + ">: host mx.partner.test[192.0.2.1] said: 554 5.7.1 Message rejected as spam (in reply to end " +
			"of DATA command)\r\n"
		if err := d.host.Deliver("", []string{sent.EnvelopeFrom}, []byte(report)); err != nil {
			t.Fatal(err)
		}
		if mail := d.awaitFate(t, ticket.ID); mail.Delivery.Fate != store.FateRefused {
			t.Fatalf("the confirmation's fate is %+v", mail.Delivery)
		}
		if got := keysOf(told(t, d.app, time.Now(), "refusals/")); got != want {
			t.Errorf("after %d refusals: %q, want %q", i+1, got, want)
		}
	}
	what := told(t, d.app, time.Now(), "refusals/")[0].What
	if want := "3 addresses at partner[.]test had our mail refused within a day; the latest report says “host " +
		"mx[.]partner[.]test[192.0.2.1] said: 554 5.7.1 Message rejected as spam"; !strings.HasPrefix(what, want) {
		t.Errorf("the alarm says %q, want %q", what, want)
	}
	if list := told(t, d.app, time.Now().Add(25*time.Hour), "refusals/"); len(list) != 0 {
		t.Errorf("a day later: %s", keysOf(list))
	}
	d.app.subject.Config.Alarm.Refusals = 0
	if list := told(t, d.app, time.Now(), "refusals/"); len(list) != 0 {
		t.Errorf("switched off: %s", keysOf(list))
	}
}

// TestOnlyAStoreThatFailsTakesTheFormAway: a proxy that asks /readyz must not
// turn partners away because a relay is down.
func TestOnlyAStoreThatFailsTakesTheFormAway(t *testing.T) {
	t.Parallel()
	a, err := openApp(demoConfig(t.TempDir(), "http://127.0.0.1:1", string(newSecret())), quietLog())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.build(dialers{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SwitchResponder(t.Context(), store.ByService(), store.Switch{On: false, Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	if state := a.readiness(t.Context()); !state.Ready ||
		!strings.Contains(strings.Join(state.Reasons, "\n"), "automatic answers are off: a test") {
		t.Errorf("with answers off: %+v", state)
	}
	a.Close()
	if state := a.readiness(t.Context()); state.Ready || len(state.Reasons) != 1 ||
		!strings.Contains(state.Reasons[0], "the store cannot be read") {
		t.Errorf("without a store: %+v", state)
	}
}

// TestGuessingRaisesAnAlarm: from the sign-in page to what ops read.
func TestGuessingRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for range 50 {
		if _, resp, _ := signIn(t, d.url(), "agent@example.com", "guess"); resp.StatusCode != 422 && resp.StatusCode != 429 {
			t.Fatalf("a guess: %s", resp.Status)
		}
	}
	if keys := keysOf(told(t, d.app, time.Now(), "guessing")); keys != "guessing/1 1" {
		t.Errorf("told: %q", keys)
	}
}

// TestATrippedBreakerIsTold is the whole road: strangers by the dozen, the
// breaker, and within a moment the webhook, the metric and the readiness page.
func TestATrippedBreakerIsTold(t *testing.T) {
	t.Parallel()
	heard := make(chan alarm.Notice, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n alarm.Notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		heard <- n
	}))
	t.Cleanup(hook.Close)
	d := startDemoAs(t, func(cfg *config.Config) { cfg.Alarm.Webhook = hook.URL })
	for i := range 31 {
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress}, plainMail(from, "Order")); err != nil {
			t.Fatal(err)
		}
	}
	wanted := map[string]bool{"breaker": true, "answers-doubled": true}
	for len(wanted) > 0 {
		select {
		case n := <-heard:
			if wanted[n.Alarm] && n.State == "raised" && n.Text != "" && n.Service == d.url() {
				delete(wanted, n.Alarm)
			}
		case <-time.After(patience):
			t.Fatalf("the webhook was not told of %v", wanted)
		}
	}
	for path, want := range map[string]string{
		"/metrics": `signpost_alarm{alarm="breaker"} 1`,
		"/readyz":  "automatic answers doubled: 30 in the last hour, 0 in the hour before",
	} {
		resp, err := http.Get(d.url() + path)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(page), want) {
			t.Errorf("%s does not hold %q:\n%.1000s", path, want, page)
		}
	}
}

// TestARestartForgetsNoAnswer counts what the ledger holds.
func TestARestartForgetsNoAnswer(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i := range 3 {
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress}, plainMail(from, "Order")); err != nil {
			t.Fatal(err)
		}
	}
	d.awaitLedger(t, 3)
	cfg := d.app.cfg
	cfg.Alarm.AnswersFloor = 3
	again := alarm.Subject{Config: cfg, Store: d.app.db, Sender: d.app.sender}
	if err := again.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, trouble := range again.Troubles(t.Context(), time.Now()) {
		if trouble.What == "automatic answers doubled: 3 in the last hour, 0 in the hour before" {
			return
		}
	}
	t.Error("the next process knows of no answer")
}
