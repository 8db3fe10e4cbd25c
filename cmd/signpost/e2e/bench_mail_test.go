//go:build bench

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"signpost/cmd/signpost/e2e/figure"
	"signpost/mail/sandbox"
)

// TestBenchOutbox: mails through the durable outbox, and by its client alone,
// against Postfix's own load generator. The benchmark takes the turns itself.
func TestBenchOutbox(t *testing.T) {
	got := reference(t, "signpost/mail/outbox")("BenchmarkAgainstSMTPSource$", 1)
	note := fmt.Sprintf("smtp-source -d %.0f/s over 10 connections", got["source-mails/s"])
	for _, f := range []figure.Figure{
		{Name: "mails/s through the outbox / smtp-source -d", Unit: "durable", Aim: ">= 0.40", Note: note},
		{Name: "mails/s by the bare client / smtp-source -d", Unit: "client", Aim: ">= 0.70", Note: note},
	} {
		for i := range figure.Pairs {
			f.Pairs = append(f.Pairs, got[fmt.Sprintf("%s/source#%d", f.Unit, i+1)])
		}
		f.Unit = ""
		f.Print()
	}
}

// serveSandbox is a mail host in this process whose doors are open on loopback:
// it tells at once when a mail has arrived.
func serveSandbox(t *testing.T) (*sandbox.Server, *mailHost) {
	t.Helper()
	host := sandbox.New(sandbox.Config{Password: mailPassword, Host: hostName, Log: slog.New(slog.DiscardHandler)})
	h := &mailHost{}
	for _, door := range []struct {
		at    *string
		serve func(net.Listener) error
	}{{&h.SMTP, host.ServeSMTP}, {&h.IMAP, host.ServeIMAP}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*door.at = l.Addr().String()
		go door.serve(l) // ends with Close
	}
	t.Cleanup(func() { host.Close() })
	return host, h
}

// arrives waits for the mail of an address that had none.
func arrives(t *testing.T, host *sandbox.Server, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := host.Await(ctx, address, func(sandbox.Mail) bool { return true }); err != nil {
		t.Fatalf("nothing came for %s: %v", address, err)
	}
}

// TestBenchConfirmation: from sending a post to its confirmation at the relay,
// on an idle system.
func TestBenchConfirmation(t *testing.T) {
	host, h := serveSandbox(t)
	m := measure(t, emptyService(t, h))
	p := newPosts(m.host)
	partner, err := p.dial(m.host)
	if err != nil {
		t.Fatal(err)
	}
	defer partner.conn.Close()
	confirm := func(i int) {
		if err := partner.post(int64(i)); err != nil {
			t.Fatal(err)
		}
		arrives(t, host, p.address(int64(i)))
	}
	confirm(999_999) // the first one dials
	p50, p99 := figure.Rounds(figure.Size(200, 60), figure.AtRest, confirm)
	figure.Figure{Name: "form post to its confirmation at the relay, idle, p99", Unit: " ms", Aim: "<= 50", Pairs: p99,
		Note: fmt.Sprintf("p50 %s ms", figure.Digits(figure.Median(p50)))}.Print()
}

// TestBenchStray: from handing in a stray mail to its answer at the relay.
func TestBenchStray(t *testing.T) {
	t.Run("dovecot", func(t *testing.T) {
		needRoot(t)
		host, relay := serveSandbox(t)
		real := startMailHost(t)
		s := emptyService(t, &mailHost{SMTP: relay.SMTP, IMAP: real.IMAP})
		measure(t, s)
		answer := func(i int) {
			from := stranger(i)
			real.write(t, from, s.US, letter(from, s.US, fmt.Sprintf("%d@stray.example.net", i), "Where is my order?"))
			arrives(t, host, from)
		}
		answer(999_999)
		p50, p99 := figure.Rounds(figure.Size(40, 8), 5*figure.AtRest, answer)
		figure.Figure{Name: "stray mail to its answer at the relay, Postfix and Dovecot, p99", Unit: " ms", Aim: "<= 560",
			Pairs: p99, Note: fmt.Sprintf("p50 %s ms; Dovecot holds a notice 500 ms", figure.Digits(figure.Median(p50)))}.Print()
	})
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		fmt.Println(t.Name() + ": not measured, Dovecot needs root here")
		t.SkipNow()
	}
}
