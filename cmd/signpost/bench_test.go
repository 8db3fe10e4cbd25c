//go:build bench

package main

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"signpost/cmd/signpost/e2e/figure"
	"signpost/mail/sandbox"
)

// TestBenchStray: from handing in a stray mail to its answer at the relay, service and
// mail host in this process.
func TestBenchStray(t *testing.T) {
	host, app := inProcess(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	to := app.cfg.Region["us"].Address
	answer := func(i int) {
		from := fmt.Sprintf("p%d@d%d.example.net", i, i)
		if err := host.Deliver(from, []string{to}, person(from, to, fmt.Sprintf("%d@stray.example.net", i))); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Await(ctx, from, anyMail); err != nil {
			t.Fatalf("nothing came for %s: %v", from, err)
		}
	}
	answer(999_999)
	p50, p99 := figure.Rounds(figure.Size(200, 60), figure.AtRest, answer)
	figure.Figure{Name: "stray mail to its answer at the relay, all in one process, p99", Unit: " ms", Aim: "<= 20",
		Pairs: p99, Note: fmt.Sprintf("p50 %s ms", figure.Digits(figure.Median(p50)))}.Print()
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
