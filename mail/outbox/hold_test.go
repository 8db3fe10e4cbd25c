package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/datafile"
)

const senderRefused = "550-Requested action not taken: mailbox unavailable\r\n550 Sender address is not allowed."

// A relay refuses all our mail for an hour, at MAIL or at RCPT, then is mended: it
// is asked by one mail at a time, everything arrives, and no address is suppressed.
func TestARelayThatRefusesUsForAnHour(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "DOT"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "desk.db")
			synctest.Test(t, func(t *testing.T) { refusedForAnHour(t, path, verb) })
		})
	}
}

func refusedForAnHour(t *testing.T, path, verb string) {
	db, err := datafile.Open(path, datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(map[string]string{verb: senderRefused})
	ctx, cancel := context.WithCancel(t.Context())
	s := New(Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial}, db, composed,
		slog.New(slog.DiscardHandler), Observer{})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var ids []store.OutboundID
	for i := range 60 { // one a minute
		o, err := db.OpenTicket(ctx, time.Now(), ticket(i, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		s.Kick()
		ids = append(ids, o.Confirmation.ID)
		time.Sleep(time.Minute)
	}
	holds := s.Holds()
	if len(holds) != 1 || holds[0].Domain != "" || !strings.Contains(holds[0].Words, "Sender address is not allowed") {
		t.Errorf("the holds after an hour: %+v", holds)
	}
	if n := len(p.said("MAIL")); n > 75 {
		t.Errorf("the relay was asked %d times in the hour", n)
	}
	p.set(verb, newPeer(nil).script[verb])
	time.Sleep(11 * time.Minute)
	for _, id := range ids {
		row, err := db.Outbound(ctx, id)
		if err != nil || row.State != store.StateSent {
			t.Errorf("confirmation %d is %s: %s, %v", id, row.State, row.Reply, err)
		}
		if held, err := db.SuppressionsOf(ctx, time.Now(), row.To); len(held) > 0 || err != nil {
			t.Errorf("%s is suppressed: %+v, %v", row.To, held, err)
		}
	}
	if s.Holds() != nil {
		t.Errorf("still held: %+v", s.Holds())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	db.Close()
	time.Sleep(time.Hour)
}

// One domain's server refuses us: its mail is held, and no other.
func TestAHoldOfOneDomainStopsNoOther(t *testing.T) {
	p := newPeer(nil)
	p.onReply = func(line, planned string) string {
		if strings.HasPrefix(line, "RCPT TO:<") && strings.Contains(line, "@mail.strict.example>") ||
			strings.Contains(line, "@strict.example>") {
			return "550 5.7.1 Client host rejected: Access denied"
		}
		return planned
	}
	story(t, p, nil, func(d *desk) {
		bad := d.post(store.MailConfirmation, "ana@strict.example")
		time.Sleep(time.Second)
		other := d.post(store.MailConfirmation, "bea@mail.strict.example")
		var good []store.OutboundID
		for i := range 20 {
			good = append(good, d.post(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i)))
		}
		time.Sleep(2 * time.Second)
		for _, id := range good {
			d.want(t, id, store.StateSent)
		}
		d.want(t, bad, store.StateHeld)
		if row := d.want(t, other, store.StateQueued); row.Attempts != 0 {
			t.Errorf("the other mail of the domain was tried %d times", row.Attempts)
		}
		if h := d.Holds(); len(h) != 1 || h[0].Domain != "strict.example" || !d.Holding("cy@x.strict.example") ||
			d.Holding("p1@d1.example") {
			t.Errorf("held: %+v", h)
		}
		time.Sleep(9 * 24 * time.Hour)
		d.want(t, bad, store.StateHeld) // it does not expire
		asked := len(p.said("RCPT"))
		time.Sleep(time.Hour)
		if n := len(p.said("RCPT")) - asked; n < 5 || n > 7 {
			t.Errorf("probed %d times in an hour, want every ten minutes", n)
		}
		p.mu.Lock()
		p.onReply = nil
		p.mu.Unlock()
		time.Sleep(10 * time.Minute)
		d.want(t, bad, store.StateSent)
		d.want(t, other, store.StateSent)
		if age := time.Since(d.Freed("cy@x.strict.example")); age > 10*time.Minute || !d.Freed("p1@d1.example").IsZero() {
			t.Errorf("the hold ended %v ago, that over another domain %v", age, d.Freed("p1@d1.example"))
		}
	})
}

// One mail that its server refuses for our sake does not keep back its domain's
// others for long, nor is it asked about at each of them.
func TestOneRefusedMailDoesNotHoldItsDomain(t *testing.T) {
	p := newPeer(map[string]string{
		"RCPT TO:<group@big.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;group@big.example": "550 5.7.133 " +
			"RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
	})
	story(t, p, nil, func(d *desk) {
		odd := d.post(store.MailConfirmation, "group@big.example")
		for i := range 120 {
			time.Sleep(time.Minute)
			d.post(store.MailConfirmation, fmt.Sprintf("p%d@big.example", i))
		}
		time.Sleep(time.Minute)
		if n := d.box.count(store.StateSent); n != 120 {
			t.Errorf("%d of 120 sent", n)
		}
		if row := d.want(t, odd, store.StateHeld); row.Attempts > 75 {
			t.Errorf("tried %d times in two hours", row.Attempts)
		}
		if d.Holds() != nil {
			t.Errorf("held: %+v", d.Holds())
		}
	})
}

// Three unrelated domains make it a hold of all mail; three names of one do not, nor
// do three with a mail taken in between.
func TestWhatHoldsAllMail(t *testing.T) {
	for name, c := range map[string]struct {
		to  []string
		all bool
	}{
		"three domains":            {[]string{"a@one.example", "b@two.example", "c@three.example"}, true},
		"two domains":              {[]string{"a@one.example", "b@two.example"}, false},
		"three names of a domain":  {[]string{"a@one.example", "b@x.one.example", "c@y.one.example"}, false},
		"a mail taken in between":  {[]string{"a@one.example", "b@two.example", "ok@fine.example", "c@three.example"}, false},
		"three of a public suffix": {[]string{"a@one.co.uk", "b@two.co.uk", "c@three.co.uk"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(nil)
			p.onReply = func(line, planned string) string {
				if strings.HasPrefix(line, "RCPT") && !strings.Contains(line, "ok@") {
					return "550 relay not permitted"
				}
				return planned
			}
			story(t, p, nil, func(d *desk) {
				for _, to := range c.to {
					d.post(store.MailConfirmation, to)
					time.Sleep(time.Second)
				}
				if got := len(d.Holds()) == 1 && d.Holds()[0].Domain == ""; got != c.all {
					t.Errorf("held: %+v", d.Holds())
				}
				late := d.post(store.MailConfirmation, "ok@else.example")
				time.Sleep(time.Second)
				if sent := d.box.get(late).State == store.StateSent; sent == c.all {
					t.Errorf("a mail to a fourth domain is %s", d.box.get(late).State)
				}
				time.Sleep(10 * time.Second)
				d.want(t, late, store.StateSent) // it was the next probe
			})
		})
	}
}

// Three strangers' servers refuse us for days while other mail is taken. A night in
// which nothing else is sent, and a new process, make no hold of all mail of it.
func TestAFewStrangersStopNoDesk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, box := newPeer(nil), newMemory()
		p.onReply = func(line, planned string) string {
			if strings.HasPrefix(line, "RCPT") && strings.Contains(line, "@strict") {
				return "550 5.7.1 Client host rejected: Access denied"
			}
			return planned
		}
		d := atWork(t, box, p, nil)
		sent := func(when, to string) {
			t.Helper()
			id := d.post(store.MailConfirmation, to)
			time.Sleep(2 * time.Second)
			d.want(t, id, store.StateSent)
			if d.HoldsAll() {
				t.Errorf("%s all mail is held: %+v", when, d.Holds())
			}
		}
		for i := range 3 {
			d.post(store.MailConfirmation, fmt.Sprintf("ana@strict%d.example", i))
			time.Sleep(time.Second)
			sent("between them", fmt.Sprintf("p%d@d%d.example", i, i))
		}
		time.Sleep(8 * time.Hour)
		if h := d.Holds(); len(h) != 3 {
			t.Errorf("held in the morning: %+v", h)
		}
		sent("in the morning", "bea@first.example")
		time.Sleep(8 * time.Hour)
		d.stop()
		time.Sleep(5 * time.Minute)
		asked := len(p.said("RCPT"))
		d = atWork(t, box, p, nil)
		time.Sleep(time.Minute)
		if n := len(p.said("RCPT")) - asked; n > 3 {
			t.Errorf("the new process asked %d times in a minute", n)
		}
		sent("of a new process", "cy@second.example")
		p.mu.Lock()
		p.onReply = nil
		p.mu.Unlock()
		time.Sleep(11 * time.Minute)
		if n := box.count(store.StateHeld); n != 0 || d.Holds() != nil {
			t.Errorf("%d mails held after all was mended: %+v", n, d.Holds())
		}
		d.stop()
		time.Sleep(time.Hour)
	})
}

// A stranger's server refuses us for days. When the relay then refuses all our mail
// for a moment, that hold is new: it is probed soon, also by a new process.
func TestANewHoldIsNotAsOldAsAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, box := newPeer(map[string]string{"MAIL": "250 ok"}), newMemory()
		p.onReply = func(line, planned string) string {
			if strings.HasPrefix(line, "RCPT") && strings.Contains(line, "@strict") {
				return "550 5.7.1 Client host rejected: Access denied"
			}
			return planned
		}
		d := atWork(t, box, p, nil)
		for i := range 5 {
			d.post(store.MailConfirmation, fmt.Sprintf("p%d@strict.example", i))
		}
		time.Sleep(2 * 24 * time.Hour)
		early := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(time.Second)
		d.want(t, early, store.StateSent)
		p.set("MAIL", "550 Sender verify failed")
		began := time.Now()
		id := d.post(store.MailConfirmation, "bea@partner.example")
		time.Sleep(3 * time.Second)
		if h := d.Holds(); len(h) != 1 || h[0].Domain != "" || h[0].Since.Before(began) {
			t.Errorf("held: %+v, want all mail since %v", h, began)
		}
		p.set("MAIL", "250 ok")
		time.Sleep(4 * time.Second)
		d.want(t, id, store.StateSent)

		p.set("MAIL", "550 Sender verify failed")
		id = d.post(store.MailConfirmation, "cy@partner.example")
		time.Sleep(2 * time.Hour)
		d.stop()
		d = atWork(t, box, p, nil)
		time.Sleep(30 * time.Second)
		p.set("MAIL", "250 ok")
		time.Sleep(time.Minute + time.Second)
		d.want(t, id, store.StateSent)
		d.stop()
		time.Sleep(time.Hour)
	})
}

// A relay that refuses every recipient is found out by a new process at its first new
// mail, and asked little before that.
func TestAHoldAtRecipientsOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, box := newPeer(map[string]string{"RCPT": "550 relay not permitted"}), newMemory()
		d := atWork(t, box, p, nil)
		for i := range 40 {
			d.post(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
			time.Sleep(time.Minute)
		}
		since := d.Holds()[0].Since
		d.stop()
		asked := len(p.said("RCPT"))
		d = atWork(t, box, p, nil)
		d.post(store.MailConfirmation, "late@new.example")
		time.Sleep(time.Minute)
		if h := d.Holds(); len(h) != 1 || h[0].Domain != "" || !h[0].Since.Equal(store.Instant(since)) {
			t.Errorf("held: %+v, before since %v", h, since)
		}
		// Mail that was never refused is not held yet: the four sessions ask at once, one
		// of them as the probe of a hold found, whose refusal tells nothing new, so that
		// it asks once more. Then the one hold asks after 5, 15 and 35 s.
		if n := len(p.said("RCPT")) - asked; n > 4+1+3 {
			t.Errorf("the new process asked %d times in a minute", n)
		}
		p.set("RCPT", "250 ok")
		time.Sleep(11 * time.Minute)
		if n := box.count(store.StateSent); n != 41 {
			t.Errorf("%d of 41 sent", n)
		}
		d.stop()
		time.Sleep(time.Hour)
	})
}

// A new process takes up the holds it finds, and asks by one mail at a time.
func TestAHoldOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, box := newPeer(map[string]string{"MAIL": "550 Sender verify failed"}), newMemory()
		d := atWork(t, box, p, nil)
		for i := range 30 {
			d.post(store.MailConfirmation, fmt.Sprintf("p%d@d%d.example", i, i))
		}
		time.Sleep(2 * time.Hour)
		d.stop()
		since := d.Holds()[0].Since
		asked := len(p.said("MAIL"))
		d = atWork(t, box, p, nil)
		time.Sleep(3 * time.Second)
		if h := d.Holds(); len(h) != 1 || h[0].Domain != "" || !h[0].Since.Equal(store.Instant(since)) ||
			h[0].Stage != StageMail {
			t.Errorf("held: %+v, before since %v", h, since)
		}
		if n := len(p.said("MAIL")) - asked; n > 1 {
			t.Errorf("the new process asked %d times at once", n)
		}
		p.set("MAIL", "250 ok")
		d.Hasten()
		time.Sleep(time.Second)
		if n := box.count(store.StateSent); n != 30 {
			t.Errorf("%d of 30 sent a second after the relay was mended and ops said so", n)
		}
		d.stop()
		time.Sleep(time.Hour)
	})
}

// A mail that was held for days is greylisted when its hold ends: it begins with the
// short waits, however often it was probed.
func TestAHeldMailIsPutOffLikeANewOne(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "550 relay not permitted"})
	story(t, p, nil, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		time.Sleep(7 * 24 * time.Hour)
		p.set("RCPT", "451 4.7.1 greylisted")
		time.Sleep(10*time.Minute + time.Second)
		if row := d.want(t, id, store.StateQueued); row.Attempts < 900 {
			t.Errorf("tried %d times", row.Attempts)
		}
		p.set("RCPT", "250 ok")
		time.Sleep(2 * time.Minute)
		d.want(t, id, store.StateSent)
	})
}

// An answer to a stray mail was not sent when the relay refused it, so it may be
// sent later, but not when it would be old.
func TestAnAnswerIsHeldOnlyWhileFresh(t *testing.T) {
	p := newPeer(map[string]string{"RCPT": "550 5.7.1 Unable to relay"})
	story(t, p, nil, func(d *desk) {
		early := d.post(store.MailAutoResponse, "ben@stranger.example")
		time.Sleep(time.Hour)
		d.want(t, early, store.StateHeld)
		time.Sleep(4 * time.Hour)
		late := d.post(store.MailAutoResponse, "cy@stranger.example")
		time.Sleep(20 * time.Minute)
		row := d.want(t, early, store.StateFailed)
		if !strings.Contains(row.Reply, "given up") && !strings.Contains(row.Reply, "too old") {
			t.Errorf("failed with %q", row.Reply)
		}
		p.set("RCPT", "250 ok")
		time.Sleep(11 * time.Minute)
		d.want(t, late, store.StateSent)
		if n := p.takenFor("ben@"); n != 0 {
			t.Errorf("the old answer went out %d times", n)
		}
	})
}
