package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/intake/staff"
	"signpost/mail/outbox"
	"signpost/store"
)

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

func TestMailThatDoesNotLeaveIsTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	waiting := func(age time.Duration) time.Time { return now.Add(-age) }
	for name, c := range map[string]struct {
		oldest time.Time
		relay  outbox.RelayStatus
		want   string
	}{
		"nothing waits":      {time.Time{}, outbox.RelayStatus{}, ""},
		"just in time":       {waiting(10 * time.Minute), outbox.RelayStatus{}, ""},
		"too long":           {waiting(10*time.Minute + time.Second), outbox.RelayStatus{}, "outbox 1"},
		"for an hour":        {waiting(time.Hour), outbox.RelayStatus{}, "outbox 2"},
		"for days":           {waiting(50 * time.Hour), outbox.RelayStatus{}, "outbox 4"},
		"the relay is down":  {time.Time{}, outbox.RelayStatus{State: outbox.RelayDown, Err: errors.New("gone")}, "relay 1"},
		"and nothing leaves": {waiting(7 * time.Hour), outbox.RelayStatus{State: outbox.RelayDown, Err: errors.New("gone")}, "outbox 3, relay 1"},
	} {
		if got := keysOf(outboxTroubles(now, c.oldest, c.relay)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAMailboxThatIsNotReadIsTold reads both of a demo's, and then looks at the
// clock as if nothing had happened since.
func TestAMailboxThatIsNotReadIsTold(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const id = "one@example.net"
	if err := d.host.Deliver("ada@example.net", []string{supportAddress}, person("ada@example.net", supportAddress, id)); err != nil {
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
		if got := keysOf(d.app.mailboxTroubles(read.Add(after))); got != want {
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
		report := "From: MAILER-DAEMON@partner.test\r\nTo: " + sent.EnvelopeFrom + "\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\r\n" +
			"<" + address + ">: host mx.partner.test[192.0.2.1] said: 554 5.7.1 Message rejected as spam (in reply to end of DATA command)\r\n"
		if err := d.host.Deliver("", []string{sent.EnvelopeFrom}, []byte(report)); err != nil {
			t.Fatal(err)
		}
		if mail := d.awaitFate(t, ticket.ID); mail.Delivery.Fate != store.FateRefused {
			t.Fatalf("the confirmation's fate is %+v", mail.Delivery)
		}
		if got := keysOf(d.app.refusalTroubles(t.Context(), time.Now())); got != want {
			t.Errorf("after %d refusals: %q, want %q", i+1, got, want)
		}
	}
	what := d.app.refusalTroubles(t.Context(), time.Now())[0].What
	if want := "3 addresses at partner[.]test had our mail refused within a day; the latest report says “host " +
		"mx[.]partner[.]test[192.0.2.1] said: 554 5.7.1 Message rejected as spam"; !strings.HasPrefix(what, want) {
		t.Errorf("the alarm says %q, want %q", what, want)
	}
	if list := d.app.refusalTroubles(t.Context(), time.Now().Add(refusedWithin+time.Hour)); len(list) != 0 {
		t.Errorf("a day later: %s", keysOf(list))
	}
	d.app.cfg.Alarm.Refusals = 0
	if list := d.app.refusalTroubles(t.Context(), time.Now()); len(list) != 0 {
		t.Errorf("switched off: %s", keysOf(list))
	}
}

// TestALittleRoomIsTold, and files are no longer taken before tickets are not.
func TestALittleRoomIsTold(t *testing.T) {
	t.Parallel()
	for free, c := range map[int64]struct {
		want  string
		files bool
	}{
		2 << 30:     {"", true},
		2<<30 - 1:   {"disk 1", true},
		512 << 20:   {"disk 1", true},
		512<<20 - 1: {"disk 2", false},
	} {
		a := &App{cfg: config.Default(), disk: &disk{room: func(string) (int64, int64, error) { return free, 1 << 40, nil }}}
		if got := keysOf(a.diskTroubles(time.Now())); got != c.want || a.mayUpload() != c.files {
			t.Errorf("with %d bytes free: %q, files %v; want %q, %v", free, got, a.mayUpload(), c.want, c.files)
		}
	}
	a := &App{cfg: config.Default(), disk: &disk{room: func(string) (int64, int64, error) { return 0, 0, errors.ErrUnsupported }}}
	if list := a.diskTroubles(time.Now()); len(list) != 0 || !a.mayUpload() {
		t.Errorf("a system that does not tell the room: %s, files %v", keysOf(list), a.mayUpload())
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
	if _, err := a.SwitchResponder(t.Context(), store.Switch{On: false, Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	if state := a.readiness(t.Context()); !state.Ready || !strings.Contains(strings.Join(state.Reasons, "\n"), "automatic answers are off: a test") {
		t.Errorf("with answers off: %+v", state)
	}
	a.Close()
	if state := a.readiness(t.Context()); state.Ready || len(state.Reasons) != 1 || !strings.Contains(state.Reasons[0], "the store cannot be read") {
		t.Errorf("without a store: %+v", state)
	}
}

// TestGuessingIsTold of an account by its id, and of codes as of what is worse; who
// mistypes is no trouble.
func TestGuessingIsTold(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]staff.Guessed{
		"":                    {Agent: 7, Failed: guessesTold - 1, RightPassword: codesTold - 1, Networks: 3},
		"guessing/7 1":        {Agent: 7, Failed: guessesTold, Networks: 3},
		"guessing/7 2":        {Agent: 7, Failed: 10 * guessesTold, Networks: 300},
		"guessing-codes/7 1":  {Agent: 7, Failed: 10 * guessesTold, RightPassword: codesTold},
		"guessing-codes/12 2": {Agent: 12, Failed: 10 * codesTold, RightPassword: 10 * codesTold},
		"guessing 1":          {Failed: strayGuessesTold},
	} {
		if got := keysOf(guessTroubles([]staff.Guessed{g})); got != want {
			t.Errorf("%+v: %q, want %q", g, got, want)
		}
	}
}

// TestGuessingRaisesAnAlarm: from the sign-in page to what ops read.
func TestGuessingRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for range guessesTold {
		if _, resp, _ := signIn(t, d.url(), "agent@example.com", "guess"); resp.StatusCode != 422 && resp.StatusCode != 429 {
			t.Fatalf("a guess: %s", resp.Status)
		}
	}
	if told := keysOf(d.app.troubles(t.Context())); !strings.Contains(told, "guessing/1 1") {
		t.Errorf("told: %q", told)
	}
}
