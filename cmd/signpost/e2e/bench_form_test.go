//go:build bench

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/e2e/figure"
)

// crowds are the numbers of clients, how many posts each measure takes, and the
// share of a bare group commit aimed at.
var crowds = []struct {
	clients, posts, brief int
	aim                   string
}{{1, 3000, 500, ">= 0.50"}, {64, 30_000, 4000, ">= 0.75"}, {256, 40_000, 5000, ">= 0.75"}}

// TestBenchForm: durable posts against a bare group commit of the same bytes, on
// the same disk, by as many clients; and against that commit behind an empty
// handler, which is what the machine leaves to any service over HTTP.
func TestBenchForm(t *testing.T) {
	raw := reference(t, "signpost/store/verbs")
	for _, relay := range []struct {
		name  string
		host  func(*testing.T) *mailHost
		whole bool // not in the short measure
	}{{"relay down", refusing, false}, {"relay live", sinkHost, true}} {
		if relay.whole && figure.Short() {
			continue
		}
		rates := make([][]float64, len(crowds))
		for i, c := range crowds {
			n := figure.Size(c.posts, c.brief)
			var bare, handler, p50, p99, cpu, bareCPU []float64
			for range figure.Pairs {
				b := raw(fmt.Sprintf("BenchmarkRawGroupCommit/clients=%d$", c.clients), n)
				bare, bareCPU = append(bare, b["/s"]), append(bareCPU, b[cpuPerOp])
				handler = append(handler, raw(fmt.Sprintf("BenchmarkRawBehindHTTP/clients=%d$", c.clients), n)["/s"])
				l := freshLoad(t, relay.host(t), c.clients, n)
				rates[i], p50, p99, cpu = append(rates[i], l.rate), append(p50, l.p50()), append(p99, l.p99()), append(cpu, l.cpu)
			}
			figure.Figure{
				Name: fmt.Sprintf("form posts/s at %d clients / bare group commit, %s", c.clients, relay.name),
				Aim:  c.aim, Pairs: figure.Ratios(rates[i], bare),
				Note: fmt.Sprintf("%.0f/s against %.0f/s, p50 %s ms, p99 %s ms, processor %.0f µs a post against %.0f µs",
					figure.Median(rates[i]), figure.Median(bare),
					figure.Digits(figure.Median(p50)), figure.Digits(figure.Median(p99)),
					figure.Median(cpu), figure.Median(bareCPU)),
			}.Print()
			figure.Figure{
				Name: fmt.Sprintf("the same posts/s at %d clients / the commit behind an empty handler, %s", c.clients,
					relay.name), Pairs: figure.Ratios(rates[i], handler),
				Note: fmt.Sprintf("the empty handler reaches %s of the bare commit",
					figure.Digits(figure.Median(figure.Ratios(handler, bare)))),
			}.Print()
			switch c.clients {
			case 1:
				figure.Figure{Name: "p50 of a lone form post, " + relay.name, Unit: " ms", Aim: "<= 1.5", Pairs: p50}.Print()
			case 64:
				figure.Figure{Name: "p99 of a form post at 64 clients, " + relay.name, Unit: " ms", Aim: "<= 20",
					Pairs: p99}.Print()
				figure.Figure{Name: "form posts/s at 64 clients / at 1, " + relay.name, Aim: ">= 8",
					Pairs: figure.Ratios(rates[i], rates[0])}.Print()
			}
		}
	}
}

// freshLoad measures a service whose file is empty.
func freshLoad(t *testing.T, h *mailHost, clients, n int) load {
	t.Helper()
	m := measure(t, emptyService(t, h))
	defer os.RemoveAll(filepath.Join(m.Dir, "data"))
	l := m.load(t, clients, n)
	m.stop(t)
	l.cpu = cpuOf(m.cmd) / float64(n+n/20)
	return l
}

// load posts n times, after a few posts that nobody times.
func (m *measured) load(t *testing.T, clients, n int) load {
	t.Helper()
	p := newPosts(m.host)
	p.next.Store(m.next)
	p.crowd(t, m.host, clients, n/20)
	l := p.crowd(t, m.host, clients, n)
	m.next = p.next.Load()
	return l
}

// sinkHost is a mail host that takes all mail and keeps none.
func sinkHost(t *testing.T) *mailHost {
	t.Helper()
	h := refusing(t)
	sink, err := exec.LookPath("smtp-sink")
	if err != nil {
		t.Fatal("smtp-sink of Postfix is missing: ", err)
	}
	daemon(t, "", sink, "-u", "nobody", h.SMTP, "512")
	waitPort(t, h.SMTP)
	return h
}

// TestBenchMillion: what a file of a million tickets costs, against an empty one.
func TestBenchMillion(t *testing.T) {
	n := figure.Size(1_000_000, 100_000)
	h := refusing(t)
	full := emptyService(t, h)
	before := diskUse(t, full)
	generated(t, full, n)
	per := float64(diskUse(t, full)-before) / float64(n)
	name := fmt.Sprintf("%d tickets", n)
	figure.Figure{Name: "disk per ticket with a 2 KiB description", Unit: " KB", Aim: "<= 3",
		Pairs: []float64{per / 1000}, Note: name}.Print()

	var starts, idle, loaded, empty, filled []float64
	next := int64(0)
	for range figure.Pairs {
		starts = append(starts, timedStart(t, full))
		m := measure(t, full)
		m.next = next
		idle = append(idle, m.anonymousAtRest(t))
		loaded = append(loaded, mostAnonymous(t, m.cmd.Process.Pid, func() {
			filled = append(filled, m.load(t, 64, figure.Size(30_000, 4000)).rate)
			m.load(t, 256, figure.Size(30_000, 4000))
		}))
		next = m.next
		m.stop(t)
		empty = append(empty, freshLoad(t, h, 64, figure.Size(30_000, 4000)).rate)
	}
	figure.Figure{Name: "start to first page, " + name, Unit: " ms", Aim: "<= 100", Pairs: starts}.Print()
	figure.Figure{Name: "form posts/s at 64 clients, " + name + " / empty file", Aim: ">= 0.65",
		Pairs: figure.Ratios(filled, empty)}.Print()
	figure.Figure{Name: "anonymous memory at rest, " + name, Unit: " MiB", Aim: "<= 15", Pairs: idle}.Print()
	figure.Figure{Name: "anonymous memory under load, " + name, Unit: " MiB", Aim: "<= 64", Pairs: loaded}.Print()
}

// generated fills the service's store as the subcommand does.
func generated(t *testing.T, s *service, n int, flags ...string) {
	t.Helper()
	flags = append([]string{"generate", "--config", s.config, "--tickets", strconv.Itoa(n), "--chars",
		strconv.Itoa(postChars)}, flags...)
	out, err := exec.Command(s.binary, flags...).CombinedOutput()
	if err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
}

// diskUse is what the store's file takes on the disk, in bytes.
func diskUse(t *testing.T, s *service) int64 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(filepath.Join(s.Dir, "data", config.DatabaseFile), &stat); errors.Is(err, os.ErrNotExist) {
		return 0
	} else if err != nil {
		t.Fatal(err)
	}
	return stat.Blocks * 512
}

// timedStart takes the time from starting the product's own program to its first
// page, in ms.
func timedStart(t *testing.T, s *service) float64 {
	t.Helper()
	began := time.Now()
	m := start(t, s, exec.Command(s.binary, "serve", "--config", s.config))
	m.firstPage(t)
	took := time.Since(began)
	m.stop(t)
	return float64(took.Microseconds()) / 1000
}

// anonymousAtRest is the memory once the start is over.
func (m *measured) anonymousAtRest(t *testing.T) float64 {
	t.Helper()
	<-time.After(2 * time.Second)
	return m.anonymous(t)
}
