package outbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

func TestPooledConnectionThatDiedIsReplaced(t *testing.T) {
	for name, end := range map[string]string{
		"closed with 421": "421 4.4.2 idle too long", "just closed": hangUp, "login run out": "530 5.7.0 log in",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(nil)
			story(t, p, nil, func(d *desk) {
				first := d.post(store.MailConfirmation, "ana@partner.example")
				time.Sleep(20 * time.Second)
				once := true
				p.mu.Lock()
				p.onReply = func(line, planned string) string {
					if once && strings.HasPrefix(line, "MAIL") {
						once = false
						return end
					}
					return planned
				}
				p.mu.Unlock()
				second := d.post(store.MailConfirmation, "ana@partner.example")
				synctest.Wait()
				d.want(t, first, store.StateSent)
				if row := d.want(t, second, store.StateSent); row.Attempts != 1 {
					t.Errorf("it took %d tries", row.Attempts)
				}
				if p.dialled() != 2 {
					t.Errorf("dialled %d times, want 2", p.dialled())
				}
				if got := d.Relay().State; got != RelayUp {
					t.Errorf("the relay counts as %s", got)
				}
			})
		})
	}
}

// A relay that stops in the middle must not hold the sender, and what is not
// known to have been taken is sent again, unless it is an auto-response whose
// final dot was out.
func TestRelayStopsInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		at, how string
		answer  store.OutboundState // of the auto-response after the first try
	}{
		{"GREETING", silence, store.StateQueued},
		{"EHLO", silence, store.StateQueued},
		{"EHLO", hangUp, store.StateQueued},
		{"MAIL", silence, store.StateQueued},
		{"RCPT", hangUp, store.StateQueued},
		{"DATA", silence, store.StateQueued},
		{"DATA", deaf, store.StateQueued},
		{"DOT", silence, store.StateUnknown},
		{"DOT", hangUp, store.StateUnknown},
		{"DOT", "not a reply", store.StateUnknown},
		{"DOT", "451 4.3.0 disk full", store.StateQueued},
	} {
		t.Run(c.at+" "+strings.Trim(c.how, "<>"), func(t *testing.T) {
			p := newPeer(map[string]string{c.at: c.how})
			story(t, p, nil, func(d *desk) {
				mail := d.post(store.MailConfirmation, "ana@partner.example")
				synctest.Wait()
				answer := d.post(store.MailAutoResponse, "ben@stranger.example")
				time.Sleep(6 * time.Minute)
				if row := d.box.get(mail); row.State == store.StateSent || row.State == store.StateFailed {
					t.Errorf("the ticket's mail is %s (%s)", row.State, row.Reply)
				}
				if c.answer == store.StateUnknown {
					d.want(t, answer, store.StateUnknown)
				}
				p.set(c.at, newPeer(nil).script[c.at])
				p.forget()
				time.Sleep(time.Hour)
				d.want(t, mail, store.StateSent)
				if c.answer == store.StateUnknown {
					d.want(t, answer, store.StateUnknown)
				} else {
					d.want(t, answer, store.StateSent)
				}
				toBen := p.takenFor("ben@")
				if want := map[bool]int{true: 0, false: 1}[c.answer == store.StateUnknown]; toBen != want {
					t.Errorf("the relay took the answer %d times more, want %d", toBen, want)
				}
			})
		})
	}
}

// A relay that reads no further must not hold a worker, however large the mail.
func TestRelayStopsReadingALargeMail(t *testing.T) {
	p := newPeer(map[string]string{"DATA": "354 go on", "EHLO": "250-relay.example\r\n250 PIPELINING"})
	story(t, p, func(c *Config) { c.Sessions = 1 }, func(d *desk) {
		d.Sender.compose = func(ctx context.Context, row store.Outbound) (Message, error) {
			m, err := composed(ctx, row)
			m.Bytes = []byte(strings.Repeat(strings.Repeat("x", 70)+"\r\n", 20_000))
			return m, err
		}
		p.mu.Lock()
		p.stallAfter = 200_000
		p.mu.Unlock()
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(2*time.Minute + time.Second)
		if row := d.want(t, id, store.StateQueued); row.Attempts != 1 || row.Code != 0 {
			t.Errorf("after %d tries with code %d", row.Attempts, row.Code)
		}
		p.mu.Lock()
		p.stallAfter = 0
		p.mu.Unlock()
		time.Sleep(2 * time.Minute)
		d.want(t, id, store.StateSent)
	})
}

func TestSenderPutOffAtMailBacksOffTheRelay(t *testing.T) {
	p := newPeer(map[string]string{"MAIL": "452 4.3.1 insufficient system storage"})
	story(t, p, nil, func(d *desk) {
		var ids []store.OutboundID
		for i := range 500 {
			ids = append(ids, d.post(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i)))
		}
		time.Sleep(time.Hour)
		if n := len(p.said("MAIL")); n > 90 {
			t.Errorf("asked %d times in the hour with 500 mails waiting", n)
		}
		if got := d.Relay(); got.State == RelayUp || got.Err == nil {
			t.Errorf("relay status %+v", got)
		}
		tries := 0
		for _, id := range ids {
			tries += d.box.get(id).Attempts
		}
		if tries > 120 {
			t.Errorf("%d tries were counted against the mails", tries)
		}
		p.set("MAIL", "250 ok")
		time.Sleep(10 * time.Minute)
		late := 0
		for _, id := range ids {
			if d.box.get(id).State != store.StateSent {
				late++
			}
		}
		if late > 100 { // those that were asked about keep their own schedule
			t.Errorf("%d of 500 not sent ten minutes after the relay recovered", late)
		}
		time.Sleep(5 * time.Hour)
		if n := d.box.count(store.StateSent); n != len(ids) {
			t.Errorf("%d of %d sent in the end", n, len(ids))
		}
	})
}

func TestWrongPasswordFailsNoMail(t *testing.T) {
	p := newPeer(map[string]string{
		"EHLO": "250-relay.example\r\n250 AUTH PLAIN LOGIN",
		"AUTH": "535 5.7.8 bad credentials",
	})
	story(t, p, func(c *Config) { c.Username, c.Password = "desk", "old" }, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(30 * time.Minute)
		row := d.box.get(id)
		if row.State == store.StateFailed || row.Code != 535 || row.Attempts != 1 {
			t.Errorf("%s after %d tries, code %d", row.State, row.Attempts, row.Code)
		}
		p.set("AUTH", "235 2.7.0 welcome")
		time.Sleep(2 * time.Minute)
		d.want(t, id, store.StateSent)
	})
}

// A relay that allows two connections refuses the third. That is no outage: the
// two go on.
func TestRelayThatLimitsConnections(t *testing.T) {
	p := newPeer(nil)
	p.limit = 2
	p.pause = map[string]time.Duration{"DOT": time.Second}
	story(t, p, func(c *Config) { c.PerDomain = -1 }, func(d *desk) {
		for i := range 60 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@partner.example", i))
		}
		d.Kick()
		time.Sleep(time.Minute)
		if n := p.dialled(); n > 12 {
			t.Errorf("dialled %d times in a minute", n)
		}
		if n := d.box.count(store.StateSent); n != 60 {
			t.Errorf("%d of 60 sent in a minute over two connections of one mail a second", n)
		}
	})
}

func TestSlowDomainLeavesSessionsToOthers(t *testing.T) {
	p := newPeer(nil)
	p.slow = map[string]time.Duration{"tarpit.example": 25 * time.Second}
	story(t, p, nil, func(d *desk) {
		for range 200 {
			d.box.add(store.MailConfirmation, "someone@tarpit.example")
		}
		var ids []store.OutboundID
		for i := range 50 {
			ids = append(ids, d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i)))
		}
		d.Kick()
		time.Sleep(10 * time.Second)
		for _, id := range ids {
			d.want(t, id, store.StateSent)
		}
		claims := d.box.claimed()
		time.Sleep(20 * time.Second)
		if n := d.box.claimed() - claims; n > 40 {
			t.Errorf("claimed %d times in 20 s while all that was due was held back", n)
		}
	})
}

func TestAnswerIsSentOnlyWhileFresh(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "450 4.2.0 try later"})
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailAutoResponse, "ben@stranger.example")
		time.Sleep(4*time.Hour + time.Minute)
		row := d.want(t, id, store.StateFailed)
		if row.Attempts < 5 || !strings.Contains(row.Reply, "450 4.2.0 try later") {
			t.Errorf("after %d tries: %q", row.Attempts, row.Reply)
		}
	})
}

func TestAnswerTooOldIsNotSent(t *testing.T) {
	p := newPeer(nil)
	p.dead = true
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailAutoResponse, "ben@stranger.example")
		mail := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(5 * time.Hour)
		p.setDead(false)
		time.Sleep(5 * time.Minute)
		d.want(t, id, store.StateFailed)
		d.want(t, mail, store.StateSent)
		if p.taken() != 1 {
			t.Errorf("the relay took %d mails, want the ticket's alone", p.taken())
		}
	})
}

func TestTicketMailIsTriedForFiveDays(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "450 4.2.0 try later"})
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(4*24*time.Hour + 18*time.Hour)
		d.want(t, id, store.StateQueued)
		time.Sleep(7 * time.Hour)
		row := d.want(t, id, store.StateFailed)
		if row.Attempts < 25 || row.Attempts > 50 {
			t.Errorf("%d tries in five days", row.Attempts)
		}
	})
}

// What is out but not recorded would go out again: its end is held until the
// store can write, and hardly a mail is sent in the meantime.
func TestStoreThatCannotWriteHoldsTheSender(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		d.box.mu.Lock()
		d.box.fault = store.ErrFull
		d.box.mu.Unlock()
		for i := range 50 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@partner.example", i))
		}
		d.Kick()
		time.Sleep(2 * time.Minute)
		if n := p.taken(); n > (unrecorded+1)*d.cfg.Sessions {
			t.Errorf("%d mails went out while none could be recorded", n)
		}
		d.box.mu.Lock()
		d.box.fault = nil
		d.box.mu.Unlock()
		time.Sleep(time.Minute)
		if n := d.box.count(store.StateSent); n != 50 {
			t.Errorf("%d of 50 recorded as sent", n)
		}
		if p.taken() != 50 {
			t.Errorf("the relay took %d mails, want 50", p.taken())
		}
	})
}

func TestMailThatCannotBeComposed(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		broken := errors.New("template")
		d.Sender.compose = func(ctx context.Context, row store.Outbound) (Message, error) {
			if row.Kind == store.MailConfirmation {
				return Message{}, broken
			}
			if row.To == "eve@x.example" {
				return Message{}, &DeliveryError{Verdict: Fail, Err: broken}
			}
			return Message{To: "ben@x.example>\r\nRCPT TO:<eve@x.example", Bytes: []byte("x")}, nil
		}
		unready := d.post(store.MailConfirmation, "ana@partner.example")
		forged := d.post(store.MailAutoResponse, "ben@x.example")
		hopeless := d.post(store.MailAutoResponse, "eve@x.example")
		time.Sleep(20 * time.Second)
		d.want(t, unready, store.StateQueued)
		d.want(t, forged, store.StateFailed)
		if row := d.want(t, hopeless, store.StateFailed); row.Reply != "at compose: template" {
			t.Errorf("reply %q", row.Reply)
		}
		if p.dialled() != 0 {
			t.Error("the relay was asked")
		}
	})
}

// A relay about to stop says 421 in the middle of a dialogue. That is no fault of
// the mail, and not one mail after the other has to learn it.
func TestRelayShuttingDown(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "421 4.3.2 shutting down"})
	story(t, p, nil, func(d *desk) {
		var ids []store.OutboundID
		for i := range 100 {
			ids = append(ids, d.post(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i)))
		}
		time.Sleep(30 * time.Second)
		if n := len(p.said("RCPT")); n > 20 {
			t.Errorf("asked %d times in half a minute", n)
		}
		p.set("RCPT", "250 ok")
		time.Sleep(time.Minute)
		for _, id := range ids {
			if row := d.want(t, id, store.StateSent); row.Attempts > 5 {
				t.Errorf("outbound %d needed %d tries", id, row.Attempts)
			}
		}
	})
}

// Rows claimed before the relay was found dead are not each tried on it.
func TestClaimedRowsAreNotTriedOnADeadRelay(t *testing.T) {
	p := newPeer(nil)
	p.dead = true
	story(t, p, func(c *Config) { c.PerDomain = -1 }, func(d *desk) {
		for i := range 100 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
		}
		d.Kick()
		time.Sleep(500 * time.Millisecond)
		if n := p.dialled(); n > d.cfg.Sessions {
			t.Errorf("dialled %d times at once", n)
		}
	})
}

// With a relay that takes minutes over each mail, claimed rows wait for a worker
// longer than is safe; none may go out twice for it.
func TestVerySlowRelayTakesEachMailOnce(t *testing.T) {
	p := newPeer(nil)
	p.pause = map[string]time.Duration{"DOT": 4 * time.Minute}
	story(t, p, func(c *Config) { c.Sessions, c.PerDomain = 1, -1 }, func(d *desk) {
		for i := range 12 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
		}
		d.Kick()
		time.Sleep(2 * time.Hour)
		if sent, taken := d.box.count(store.StateSent), p.taken(); sent != 12 || taken != 12 {
			t.Errorf("%d of 12 sent, the relay took %d", sent, taken)
		}
	})
}

// Some relays take so many mails over one connection and put off the next, without
// hanging up.
func TestRelayThatLimitsTheMailsOfAConnection(t *testing.T) {
	p := newPeer(nil)
	carried := 0
	p.onReply = func(line, planned string) string {
		if line == "GREETING" {
			carried = 0
		}
		if strings.HasPrefix(line, "MAIL") {
			if carried++; carried > 20 {
				return "452 4.5.3 too many messages over this connection"
			}
		}
		return planned
	}
	story(t, p, func(c *Config) { c.Sessions = 1 }, func(d *desk) {
		for i := range 200 {
			d.box.add(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
		}
		d.Kick()
		time.Sleep(10 * time.Second)
		if n := d.box.count(store.StateSent); n != 200 || p.dialled() != 10 {
			t.Errorf("%d of 200 sent in ten seconds, over %d connections of 20 mails each", n, p.dialled())
		}
		if got := d.Relay().State; got != RelayUp {
			t.Errorf("the relay counts as %s", got)
		}
	})
}

// A relay that keeps us talking holds neither the mails that wait for it, once it
// is well again, nor the stop.
func TestRelayThatNeverEndsWhatItSays(t *testing.T) {
	p := newPeer(nil)
	p.setDead(true)
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		synctest.Wait()
		p.set("GREETING", endless)
		p.setDead(false)
		time.Sleep(time.Minute)
		p.set("GREETING", "220 relay.example ESMTP")
		time.Sleep(10 * time.Minute)
		d.want(t, id, store.StateSent)
		p.set("QUIT", endless)
		d.post(store.MailConfirmation, "ben@partner.example")
		time.Sleep(time.Second)
		began := time.Now()
		d.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

func TestProbeUsesTheConnectionItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(nil)
		p.limit = 1
		r := newRelay(Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial}.withDefaults(),
			func(RelayStatus) {})
		m, _ := composed(context.Background(), store.Outbound{MessageID: "m@desk.example", To: "ana@partner.example"})
		if _, err := r.send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		r.note(refused(StageGreeting, reply{code: 421, text: "too many connections"}))
		if got := r.now().State; got != RelayDown {
			t.Fatalf("the relay counts as %s", got)
		}
		r.probe(t.Context())
		if got := r.now(); got.State != RelayTrying {
			t.Errorf("after the probe: %+v", got)
		}
		r.shut()
	})
}

// A relay that takes no mail so large gets the smaller one of the same row, whether it says
// its limit beforehand or refuses; a mail that has none fails with the reason.
func TestARelayWithASmallLimitGetsTheSmallerMail(t *testing.T) {
	for name, refuse := range map[string]map[string]string{
		"offers its limit":     {"EHLO": "250-relay.example\r\n250 SIZE 5000"},
		"refuses at MAIL":      {"MAIL": "552 Message size exceeds fixed maximum message size"},
		"refuses at the dot":   {"DOT": "552 5.3.4 Message too big for system"},
		"refuses, code of 550": {"DOT": "550 5.3.4 Message too big for system"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(map[string]string{"EHLO": cmp.Or(refuse["EHLO"], "250 relay.example")})
			small := false
			p.onReply = func(line, planned string) string {
				verb, _, _ := strings.Cut(line, " ")
				if reply := refuse[verb]; reply != "" && verb != "EHLO" && !small {
					return reply
				}
				return planned
			}
			story(t, p, nil, func(d *desk) {
				d.Sender.compose = func(ctx context.Context, row store.Outbound) (Message, error) {
					lesser, err := composed(ctx, row)
					m := lesser
					m.Bytes = append(bytes.Clone(m.Bytes), strings.Repeat("large\r\n", 1000)...)
					if row.Kind == store.MailReply {
						m.Smaller = func() (Message, error) {
							p.mu.Lock()
							defer p.mu.Unlock()
							small = true
							return lesser, nil
						}
					}
					return m, err
				}
				alone := d.post(store.MailConfirmation, "bob@partner.example")
				time.Sleep(time.Second)
				d.want(t, alone, store.StateFailed)
				id := d.post(store.MailReply, "ana@partner.example")
				time.Sleep(time.Second)
				if row := d.want(t, id, store.StateSent); row.Attempts != 1 {
					t.Errorf("sent at try %d", row.Attempts)
				}
				if last := p.mails[len(p.mails)-1]; strings.Contains(last, "large") {
					t.Error("the last mail is the large one")
				}
			})
		})
	}
}
