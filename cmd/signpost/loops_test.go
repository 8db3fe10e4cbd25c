package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/sandbox"
	"signpost/store"
)

// The accidents on record of helpdesks and responders, each against the whole
// service: however the other side behaves, the exchange ends by itself, within
// its budget of mails, and the ledger holds the reason for every silence.

const supportAddress = "partner.support@example.com"

// responder is somebody else's program behind a domain: it answers every mail
// that reaches one of its addresses.
type responder struct {
	domain string
	// reply returns the envelope sender and the mail that answers the n-th mail,
	// nil for silence.
	reply   func(n int, got *mail.Message) (from string, raw []byte)
	handled atomic.Int64
}

// attach lets the responder work until the test ends.
func (r *responder) attach(t *testing.T, host *sandbox.Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range wakes(ctx, host) {
			for _, m := range r.received(host)[r.handled.Load():] {
				full, err := host.Mail(m.ID)
				if err != nil {
					t.Error(err)
					return
				}
				r.answer(t, host, full.Raw)
				r.handled.Add(1)
			}
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

// wakes yields at once and whenever the host changes, until ctx ends.
func wakes(ctx context.Context, host *sandbox.Server) func(func(struct{}) bool) {
	return func(yield func(struct{}) bool) {
		changed := host.Watch(ctx)
		for yield(struct{}{}) {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-changed:
				if !ok {
					return
				}
			}
		}
	}
}

// received are the mails of the domain, oldest first.
func (r *responder) received(host *sandbox.Server) (mails []sandbox.Mail) {
	for _, m := range host.Mails("", 0, 1000) {
		if store.Domain(m.To) == r.domain || strings.HasSuffix(store.Domain(m.To), "."+r.domain) {
			mails = append(mails, m)
		}
	}
	slices.Reverse(mails)
	return mails
}

func (r *responder) answer(t *testing.T, host *sandbox.Server, raw []byte) {
	got, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Error(err)
		return
	}
	if r.reply == nil {
		return
	}
	from, reply := r.reply(int(r.handled.Load()), got)
	if reply == nil {
		return
	}
	if err := host.Deliver(from, []string{supportAddress}, reply); err != nil {
		t.Error(err)
	}
}

// settled waits until nothing is under way any more: every mail to an office is
// decided, every answer has left, and the responder has seen what it got.
func settled(t *testing.T, host *sandbox.Server, r *responder, offices ...*App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond) // the stores announce nothing
	defer tick.Stop()
	for {
		before := len(host.Mails("", 0, 10_000))
		quiet := r == nil || int(r.handled.Load()) == len(r.received(host))
		for _, a := range offices {
			quiet = quiet && a.atRest(t, host)
		}
		if quiet && len(host.Mails("", 0, 10_000)) == before {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the exchange of mails does not end")
		case <-tick.C:
		}
	}
}

// atRest tells that the office has decided all its mail and sent all answers.
func (a *App) atRest(t *testing.T, host *sandbox.Server) bool {
	t.Helper()
	stats, err := a.db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	arrived := 0
	for _, r := range a.cfg.Region {
		arrived += len(host.Mails(r.Address, 0, 10_000))
	}
	return stats.Outbounds[store.StateQueued]+stats.Outbounds[store.StateClaimed] == 0 &&
		int(stats.Inbounds[store.InboundDecided]) == arrived
}

// answers counts the automatic answers an office has reserved.
func (a *App) answers(t *testing.T) (n int) {
	t.Helper()
	for _, row := range a.ledger(t) {
		if row.Answer != 0 {
			n++
		}
	}
	return n
}

func (a *App) ledger(t *testing.T) []store.Inbound {
	t.Helper()
	rows, err := store.Collect(10_000, store.All(store.MaxPage, func(p store.Page) (store.List[store.Inbound], error) {
		return a.db.ListInbound(t.Context(), p)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// accountedFor fails where a mail stays unanswered without a rule that says why,
// and returns all rules that forbade an answer.
func (a *App) accountedFor(t *testing.T) (reasons []string) {
	t.Helper()
	for _, row := range a.ledger(t) {
		var own []string
		for _, rule := range row.Verdict.Rules {
			if rule.Effect == store.EffectStop || rule.Effect == store.EffectMissing {
				own = append(own, rule.ID)
			}
		}
		if row.Answer == 0 && len(own) == 0 {
			t.Errorf("the mail %q from %s was left unanswered for no reason", row.Subject, row.From)
		}
		reasons = append(reasons, own...)
	}
	return reasons
}

// plainMail is a mail without any mark.
func plainMail(from, subject string, fields ...string) []byte {
	return []byte(strings.Join(append(fields,
		"From: <"+from+">", "To: <"+supportAddress+">", "Subject: "+subject, "Date: "+time.Now().Format(time.RFC1123Z),
		"Message-ID: <"+fmt.Sprint(time.Now().UnixNano())+"@"+store.Domain(from)+">",
		"MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", "Thank you. We will look into it.", ""), "\r\n"))
}

// threaded are the fields that join a mail to the one it answers.
func threaded(got *mail.Message) []string {
	id := got.Header.Get("Message-Id")
	return []string{"In-Reply-To: " + id, "References: " + got.Header.Get("References") + " " + id}
}

func TestEveryAccidentOnRecordEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   func() (from string, raw []byte) // begins the exchange
		reply   func(n int, got *mail.Message) (from string, raw []byte)
		answers int
		reason  string // among those in the ledger
	}{
		"a helpdesk that acknowledges, and says so": {
			first: func() (string, []byte) { return "desk@other.test", plainMail("desk@other.test", "A question") },
			reply: func(n int, got *mail.Message) (string, []byte) {
				return "desk@other.test", plainMail("desk@other.test", fmt.Sprintf("[#%d] %s", n, got.Header.Get("Subject")),
					append(threaded(got), "X-FreeScout-Mail-Type: auto.reply", "Auto-Submitted: auto-replied")...)
			}, answers: 1, reason: "answers-auto-response"},
		"a helpdesk whose marks were stripped on the way": {
			first: func() (string, []byte) { return "desk@other.test", plainMail("desk@other.test", "A question") },
			reply: func(n int, got *mail.Message) (string, []byte) {
				return "desk@other.test", plainMail("desk@other.test", fmt.Sprintf("[#%d] %s", n, got.Header.Get("Subject")),
					threaded(got)...)
			}, answers: 1, reason: "answers-auto-response"},
		"a helpdesk whose subject grows": {
			first: func() (string, []byte) {
				return "help@other.test", plainMail("help@other.test", "Ticket Received - 286614 - [#117904] Order")
			},
			reply: func(n int, got *mail.Message) (string, []byte) {
				return "help@other.test", plainMail("help@other.test",
					fmt.Sprintf("Ticket Received - %d - [#117904] %s", n, got.Header.Get("Subject")))
			}, answers: 0, reason: "acknowledgement"},
		"a program that strips every header": {
			first: func() (string, []byte) { return "crm@other.test", plainMail("crm@other.test", "Hello") },
			reply: func(int, *mail.Message) (string, []byte) {
				return "crm@other.test", plainMail("crm@other.test", "Hello")
			}, answers: 1, reason: store.RuleAnswered},
		"one that changes its address too": {
			first: func() (string, []byte) { return "crm@other.test", plainMail("crm@other.test", "Hello") },
			reply: func(n int, _ *mail.Message) (string, []byte) {
				from := fmt.Sprintf("crm-%d@host%d.other.test", n, n)
				return from, plainMail(from, "Hello")
			}, answers: 3, reason: store.RuleBudget},
		"another address that nobody reads": {
			first: func() (string, []byte) { return "info@other.test", plainMail("info@other.test", "Your message") },
			reply: func(_ int, got *mail.Message) (string, []byte) {
				return "info@other.test", plainMail("info@other.test",
					"We cannot handle your message because this is a no-reply e-mail address", threaded(got)...)
			}, answers: 1, reason: "answers-auto-response"},
		"another that says so in its name": {
			first:   func() (string, []byte) { return "noreply@other.test", plainMail("noreply@other.test", "Your message") },
			answers: 0, reason: "robot-sender"},
		"a mailing list marked by Precedence alone": {
			first: func() (string, []byte) {
				return "list@other.test", plainMail("ann@partner.test", "[list] Order", "Precedence: list")
			}, answers: 0, reason: "precedence"},
		"spam": {
			first: func() (string, []byte) {
				return "win@other.test", plainMail("win@other.test", "You won", "X-Spam-Flag: YES")
			},
			answers: 0, reason: "spam-mark"},
		"a forged sender": {
			first:   func() (string, []byte) { return "boss@spoofed.example", plainMail("boss@spoofed.example", "Hello") },
			answers: 0, reason: "authentication-failed"},
		"a forged author who is to get the answer": {
			first: func() (string, []byte) {
				return "mallory@other.test", plainMail("victim@spoofed.example", "Hello", "Reply-To: <victim@spoofed.example>")
			}, answers: 0, reason: "authentication-failed"},
		"a bounce that is not marked as one": {
			first: func() (string, []byte) {
				return "postmaster@other.test", plainMail("postmaster@other.test", "Undeliverable: Auto: This mailbox is not read")
			}, answers: 0, reason: "robot-sender"},
		"our own address as the sender": {
			first:   func() (string, []byte) { return supportAddress, plainMail(supportAddress, "Test") },
			answers: 0, reason: "own-address"},
		"our own address with a tag": {
			first: func() (string, []byte) {
				return "partner.support+x@example.com", plainMail("partner.support+x@example.com", "Test")
			}, answers: 0, reason: "own-address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			r := &responder{domain: "test", reply: c.reply}
			r.attach(t, d.host)
			from, raw := c.first()
			if err := d.host.Deliver(from, []string{supportAddress}, raw); err != nil {
				t.Fatal(err)
			}
			d.awaitLedger(t, 1)
			settled(t, d.host, r, d.app)
			if n := d.app.answers(t); n != c.answers {
				t.Errorf("%d answers were given, want %d", n, c.answers)
			}
			if reasons := d.app.accountedFor(t); !slices.Contains(reasons, c.reason) {
				t.Errorf("the ledger gives %v, want %s among the reasons", reasons, c.reason)
			}
			if got := d.host.Mails("victim@spoofed.example", 0, 10); len(got) > 0 {
				t.Errorf("a third party got %d mails", len(got))
			}
		})
	}
}

// awaitLedger waits until the ledger holds so many decided mails.
func (d *demo) awaitLedger(t *testing.T, mails uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		stats, err := d.app.db.Stats(ctx)
		if err == nil && stats.Inbounds[store.InboundDecided] >= mails {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("the ledger does not come to hold %d decided mails", mails)
}

// TestARobotOfManyDomainsTripsTheBreaker: what no budget can tell from many
// people is stopped by the breaker, and stays stopped until a person looks.
func TestARobotOfManyDomainsTripsTheBreaker(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	r := &responder{domain: "test", reply: func(n int, _ *mail.Message) (string, []byte) {
		from := fmt.Sprintf("crm@other%d.test", n+1)
		return from, plainMail(from, "Hello")
	}}
	r.attach(t, d.host)
	raw := plainMail("crm@other0.test", "Hello")
	if err := d.host.Deliver("crm@other0.test", []string{supportAddress}, raw); err != nil {
		t.Fatal(err)
	}
	d.awaitLedger(t, 1)
	settled(t, d.host, r, d.app)
	if n := d.app.answers(t); n != 30 {
		t.Errorf("%d answers were given, want the breaker's 30", n)
	}
	if reasons := d.app.accountedFor(t); !slices.Contains(reasons, store.RuleBreaker) {
		t.Errorf("the ledger gives %v, want the breaker", reasons)
	}
	if state, err := d.app.db.Responder(t.Context(), time.Now()); err != nil || state.On || !state.Tripped {
		t.Errorf("the responder is %+v (%v), want tripped", state, err)
	}
}

// join runs a second installation, of another domain, on the demo's mail host.
func (d *demo) join(t *testing.T, domain string, change func(*config.Config)) *App {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "second")
	secret, err := demoSecret(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg := demoConfig(data, "http://"+l.Addr().String(), secret)
	for id, r := range cfg.Region {
		local, _, _ := strings.Cut(r.Address, "@")
		r.Address = local + "@" + domain
		cfg.Region[id] = r
		box := cfg.Mailbox[id]
		box.Username = r.Address
		cfg.Mailbox[id] = box
	}
	change(&cfg)
	a, err := openApp(cfg, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.build(d.dialers(), nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, a.db.Check(context.Background()), a.Close()); err != nil {
			t.Error(err)
		}
	})
	resp, err := http.Get(cfg.Service.BaseURL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	awaitWatched(t, a)
	return a
}

// TestTwoServicesDoNotTalkToEachOther: two installations, of which the one was
// made to believe that the other wrote to it.
func TestTwoServicesDoNotTalkToEachOther(t *testing.T) {
	t.Parallel()
	for name, nullSender := range map[string]bool{"with the null sender": true, "where the relay refuses it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			const theirs = "partner.support@example.org"
			other := d.join(t, "example.org", func(c *config.Config) { c.SMTP.NullSender = nullSender })
			// As if the other's address had written to ours, without a mark.
			raw := plainMail(theirs, "Hello")
			if err := d.host.Deliver(theirs, []string{supportAddress}, raw); err != nil {
				t.Fatal(err)
			}
			d.awaitLedger(t, 1)
			settled(t, d.host, nil, d.app, other)
			// And the other way about.
			back := bytes.Replace(plainMail(supportAddress, "Hello"), []byte("To: <"+supportAddress+">"),
				[]byte("To: <"+theirs+">"), 1)
			if err := d.host.Deliver(supportAddress, []string{theirs}, back); err != nil {
				t.Fatal(err)
			}
			settled(t, d.host, nil, d.app, other)
			for who, a := range map[string]*App{"the one": d.app, "the other": other} {
				if n := a.answers(t); n > 1 {
					t.Errorf("%s gave %d answers, at most one may be", who, n)
				}
				a.accountedFor(t)
			}
			if n := len(d.app.ledger(t)) + len(other.ledger(t)); n > 4 {
				t.Errorf("%d mails went to and fro", n)
			}
		})
	}
}

// TestOwnMailPolledBackIn: a rule of the mail host, or a curious colleague, puts
// a copy of our answer into the mailbox we watch; so may a bounce of it.
func TestOwnMailPolledBackIn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	other := d.join(t, "example.org", func(c *config.Config) { c.SMTP.NullSender = false })
	raw := plainMail("ann@partner.test", "Order")
	if err := d.host.Deliver("ann@partner.test", []string{supportAddress}, raw); err != nil {
		t.Fatal(err)
	}
	answer := d.await(t, "ann@partner.test", anyMail)
	full, err := d.host.Mail(answer.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"", "ann@partner.test", supportAddress} {
		if err := d.host.Deliver(from, []string{supportAddress}, full.Raw); err != nil {
			t.Fatal(err)
		}
	}
	// The other's answer leaves under a tagged address of its own, and a careless
	// host reports its failure in words, without the null sender or any mark.
	const to = "partner.support@example.org"
	toOther := func(raw []byte) []byte {
		return bytes.Replace(raw, []byte("To: <"+supportAddress+">"), []byte("To: <"+to+">"), 1)
	}
	raw = toOther(plainMail("bob@partner.test", "Order"))
	if err := d.host.Deliver("bob@partner.test", []string{to}, raw); err != nil {
		t.Fatal(err)
	}
	tagged := d.await(t, "bob@partner.test", anyMail).EnvelopeFrom
	if !strings.Contains(tagged, "+b-") {
		t.Fatalf("the answer left under %q, want a tagged address", tagged)
	}
	bounce := toOther(plainMail("system@partner.test", "Mail delivery failed: returning message to sender"))
	if err := d.host.Deliver("system@partner.test", []string{tagged}, bounce); err != nil {
		t.Fatal(err)
	}
	settled(t, d.host, nil, d.app, other)
	if n := d.app.answers(t); n != 1 {
		t.Errorf("%d answers were given, want one", n)
	}
	if reasons := d.app.accountedFor(t); !slices.Contains(reasons, "own-instance") {
		t.Errorf("the ledger gives %v, want own-instance among the reasons", reasons)
	}
	if n := other.answers(t); n != 1 {
		t.Errorf("%d answers, want one: a bounce of it gets none", n)
	}
	if reasons := other.accountedFor(t); !slices.Contains(reasons, "auto-subject") {
		t.Errorf("the ledger gives %v, want auto-subject among the reasons", reasons)
	}
}
