//go:build bench

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"signpost/mail/sandbox"
)

// TestBenchOutbox: mails through the durable outbox, and by its client alone,
// against Postfix's own load generator. The benchmark takes the turns itself.
func TestBenchOutbox(t *testing.T) {
	got := reference(t, "signpost/mail/outbox")("BenchmarkAgainstSMTPSource$", 1)
	note := fmt.Sprintf("smtp-source -d %.0f/s over 10 connections", got["source-mails/s"])
	for _, f := range []figure{
		{name: "mails/s through the outbox / smtp-source -d", unit: "durable", aim: ">= 0.40", note: note},
		{name: "mails/s by the bare client / smtp-source -d", unit: "client", aim: ">= 0.70", note: note},
	} {
		for i := range pairs {
			f.pairs = append(f.pairs, got[fmt.Sprintf("%s/source#%d", f.unit, i+1)])
		}
		f.unit = ""
		f.print()
	}
}

// serveSandbox is a mail host in this process whose doors are open on loopback:
// it tells at once when a mail has arrived.
func serveSandbox(t *testing.T) (*sandbox.Server, *mailHost) {
	t.Helper()
	host := sandbox.New(sandbox.Config{Password: mailPassword, Host: hostName, Log: quietLog()})
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
	if _, err := host.Await(ctx, address, anyMail); err != nil {
		t.Fatalf("nothing came for %s: %v", address, err)
	}
}

// rounds times n single events, five times over, with a rest after each, and
// returns the median and the 99th percentile in ms of every round.
func rounds(n int, rest time.Duration, once func(i int)) (p50, p99 []float64) {
	for round := range pairs {
		took := make([]float64, n)
		for i := range took {
			began := time.Now()
			once(round*n + i)
			took[i] = float64(time.Since(began).Microseconds()) / 1000
			<-time.After(rest)
		}
		p50, p99 = append(p50, quantile(took, 0.50)), append(p99, quantile(took, 0.99))
	}
	return p50, p99
}

// atRest lets watchers and senders come to rest between two single events.
const atRest = 20 * time.Millisecond

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
	p50, p99 := rounds(size(200, 60), atRest, confirm)
	figure{name: "form post to its confirmation at the relay, idle, p99", unit: " ms", aim: "<= 50", pairs: p99, note: fmt.Sprintf("p50 %s ms", digits(median(p50)))}.print()
}

// TestBenchStray: from handing in a stray mail to its answer at the relay.
func TestBenchStray(t *testing.T) {
	t.Run("sandbox", func(t *testing.T) {
		host, app := inProcess(t)
		to := app.cfg.Region["us"].Address
		answer := func(i int) {
			from := stranger(i)
			if err := host.Deliver(from, []string{to}, person(from, to, fmt.Sprintf("%d@stray.example.net", i))); err != nil {
				t.Fatal(err)
			}
			arrives(t, host, from)
		}
		answer(999_999)
		p50, p99 := rounds(size(200, 60), atRest, answer)
		figure{name: "stray mail to its answer at the relay, all in one process, p99", unit: " ms", aim: "<= 20", pairs: p99, note: fmt.Sprintf("p50 %s ms", digits(median(p50)))}.print()
	})
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
		p50, p99 := rounds(size(40, 8), 5*atRest, answer)
		figure{name: "stray mail to its answer at the relay, Postfix and Dovecot, p99", unit: " ms", aim: "<= 560", pairs: p99, note: fmt.Sprintf("p50 %s ms; Dovecot holds a notice 500 ms", digits(median(p50)))}.print()
	})
}

// inProcess is the demo without its pages' listener and without the bounds that
// one who measures meets.
func inProcess(t *testing.T) (*sandbox.Server, *App) {
	t.Helper()
	d := &demo{host: sandbox.New(sandbox.Config{Password: demoPassword, Host: sandboxHost, Log: quietLog()})}
	cfg := demoConfig(t.TempDir(), "http://127.0.0.1", string(newSecret()))
	cfg.Responder.DomainHour, cfg.Responder.DomainDay, cfg.Responder.Breaker = 100_000, 100_000, 100_000
	var err error
	if d.app, err = openApp(cfg, quietLog()); err != nil {
		t.Fatal(err)
	}
	if err := d.app.build(d.dialers(), nil); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.app.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.Close()
	})
	return d.host, d.app
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		fmt.Println(t.Name() + ": not measured, Dovecot needs root here")
		t.SkipNow()
	}
}
