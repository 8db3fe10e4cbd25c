package outbox

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

func TestMailGoesOutAtOnceAndWhole(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		begun := time.Now()
		id := d.post(store.MailConfirmation, "ana@partner.example")
		synctest.Wait()
		row := d.want(t, id, store.StateSent)
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v, want no waiting at all", took)
		}
		if row.Reply != "250 2.0.0 queued as 77" || row.Code != 250 || row.Enhanced != "2.0.0" {
			t.Errorf("recorded reply %q, %d, %q", row.Reply, row.Code, row.Enhanced)
		}
		want := []string{
			"EHLO desk.example",
			"MAIL FROM:<bounce+m1@desk.example> SIZE=41 RET=HDRS ENVID=m1@desk.example",
			"RCPT TO:<ana@partner.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ana@partner.example",
			"DATA",
		}
		if got := strings.Join(p.lines, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("said\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		if p.mails[0] != "Message-ID: <m1@desk.example>\r\n\r\nHello.\r\n" {
			t.Errorf("the relay got %q", p.mails[0])
		}
	})
}

func TestConnectionIsReusedThenClosed(t *testing.T) {
	p := newPeer(nil)
	story(t, p, nil, func(d *desk) {
		for range 5 {
			d.post(store.MailConfirmation, "ana@partner.example")
			time.Sleep(20 * time.Second)
		}
		if n := p.dialled(); n != 1 {
			t.Errorf("dialled %d times for five mails 20 s apart, want once", n)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if p.connections() != 0 || len(p.said("QUIT")) != 1 {
			t.Errorf("%d connections open 31 s after the last mail, %d said QUIT", p.connections(), len(p.said("QUIT")))
		}
	})
}

// RFC 5321 section 4.5.3.2.6: a relay may take its time after the final dot.
func TestRelayThatThinksAfterTheDot(t *testing.T) {
	p := newPeer(nil)
	p.pause = map[string]time.Duration{"DOT": 4 * time.Minute}
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(5 * time.Minute)
		if row := d.want(t, id, store.StateSent); row.Attempts != 1 {
			t.Errorf("%d tries", row.Attempts)
		}
	})
}

// A relay may look up the client's name, and ask the recipient's host, before it
// answers.
func TestRelayThatThinksBeforeItAnswers(t *testing.T) {
	p := newPeer(nil)
	p.pause = map[string]time.Duration{"GREETING": 75 * time.Second}
	p.slow = map[string]time.Duration{"partner.example": 100 * time.Second}
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(3 * time.Minute)
		if row := d.want(t, id, store.StateSent); row.Attempts != 1 {
			t.Errorf("%d tries", row.Attempts)
		}
	})
}

func TestGreylistedMailIsTriedAgain(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "451 4.7.1 greylisted, come back"})
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(10 * time.Second)
		row := d.want(t, id, store.StateQueued)
		if row.Code != 451 || row.Enhanced != "4.7.1" || row.Attempts != 1 {
			t.Errorf("after the first try: %+v", row)
		}
		time.Sleep(2 * time.Minute)
		p.set("RCPT", "250 ok")
		time.Sleep(10 * time.Minute)
		if row := d.want(t, id, store.StateSent); row.Attempts != 3 {
			t.Errorf("%d tries in a quarter of an hour, want 3", row.Attempts)
		}
		if got := d.relay.now().State; got != RelayUp {
			t.Errorf("the relay counts as %s for refusing a recipient", got)
		}
	})
}

func TestRefusalsForGood(t *testing.T) {
	for name, script := range map[string]map[string]string{
		"unknown user":       {"RCPT": "550 5.1.1 no such user"},
		"refused content":    {"DOT": "554 5.6.0 no"},
		"after DATA":         {"DATA": "554 5.1.1 no such user"},
		"one by one":         {"EHLO": "250 relay.example", "RCPT": "550 5.1.1 no such user"},
		"too large":          {"EHLO": "250-relay.example\r\n250 SIZE 10"},
		"refused with 354":   {"RCPT": "550 5.1.1 no such user", "DATA": "354 never mind"},
		"no enhanced status": {"RCPT": "550 no such user"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(script)
			story(t, p, nil, func(d *desk) {
				id := d.post(store.MailConfirmation, "ana@partner.example")
				time.Sleep(time.Hour)
				row := d.want(t, id, store.StateFailed)
				if row.Attempts != 1 || row.Reply == "" {
					t.Errorf("%d tries, reply %q", row.Attempts, row.Reply)
				}
				if p.taken() != 0 {
					t.Error("and yet the relay took it")
				}
				for verb, answer := range newPeer(nil).script {
					p.set(verb, answer)
				}
				id = d.post(store.MailConfirmation, "ben@partner.example")
				time.Sleep(10 * time.Second)
				d.want(t, id, store.StateSent)
			})
		})
	}
}

func TestDeadRelayForAnHourCostsLittle(t *testing.T) {
	p := newPeer(nil)
	p.dead = true
	story(t, p, nil, func(d *desk) {
		var ids []store.OutboundID
		for i := range 200 { // one mail every eighteen seconds
			kind := store.MailConfirmation
			if i%3 == 0 {
				kind = store.MailAutoResponse
			}
			ids = append(ids, d.post(kind, "ana@partner.example"))
			time.Sleep(18 * time.Second)
		}
		if n := p.dialled(); n < 30 || n > 120 {
			t.Errorf("dialled %d times in the hour, want about one a minute", n)
		}
		if n := d.box.claimed(); n > 20 {
			t.Errorf("claimed %d times while the relay was down", n)
		}
		p.setDead(false)
		time.Sleep(90 * time.Second)
		for _, id := range ids {
			if row := d.want(t, id, store.StateSent); row.Attempts > 2 {
				t.Errorf("outbound %d needed %d tries", id, row.Attempts)
			}
		}
	})
}
