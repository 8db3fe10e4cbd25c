//go:build bench

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"signpost/cmd/signpost/e2e/figure"
)

// measured is a running service.
type measured struct {
	*service
	host string // host:port of its pages
	cmd  *exec.Cmd
	log  string
	// ended is closed when the process has ended, with err.
	ended chan struct{}
	err   error
	next  int64 // number of the next post
}

// refusing is a mail host at whose ports nothing listens.
func refusing(t *testing.T) *mailHost {
	return &mailHost{SMTP: freePort(t), IMAP: freePort(t)}
}

// emptyService is a service with a data folder of its own.
func emptyService(t *testing.T, h *mailHost) *service {
	t.Helper()
	return newService(t, h, serviceOptions{form: unbounded})
}

// measure runs the service in a process of its own and waits for its first page.
func measure(t *testing.T, s *service) *measured {
	t.Helper()
	m := start(t, s, exec.Command(measuredBinary(t), "serve", "--config", s.config))
	m.firstPage(t)
	return m
}

// start starts a service's process. Its log goes to a file, so that nobody here
// spends time on it.
func start(t *testing.T, s *service, cmd *exec.Cmd) *measured {
	t.Helper()
	m := &measured{service: s, host: strings.TrimPrefix(s.URL, "http://"), cmd: cmd, log: filepath.Join(s.Dir, "log"),
		ended: make(chan struct{})}
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		m.err = cmd.Wait()
		close(m.ended)
	}()
	t.Cleanup(func() {
		m.stop(t)
		if t.Failed() {
			text, _ := os.ReadFile(m.log)
			t.Logf("the service said:\n%s", tail(string(text), 4000))
		}
	})
	return m
}

// stop ends the service as an operator would.
func (m *measured) stop(t *testing.T) {
	t.Helper()
	m.cmd.Process.Signal(syscall.SIGTERM) // no matter when it has ended
	if <-m.ended; m.err != nil {
		t.Errorf("the service ended with: %v", m.err)
	}
}

// firstPage waits until the help centre is answered with 200.
func (m *measured) firstPage(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !m.page(m.host) {
		select {
		case <-ctx.Done():
			t.Fatal("no first page within a minute")
		case <-m.ended:
			t.Fatalf("the service ended before its first page: %v", m.err)
		case <-time.After(time.Millisecond):
		}
	}
}

// page asks for the help centre once.
func (m *measured) page(host string) bool {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return false
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	buf := make([]byte, 1<<10)
	n, err := conn.Read(buf)
	return err == nil && bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200 "))
}

// anonymous is anonymousOf the service.
func (m *measured) anonymous(t *testing.T) float64 {
	t.Helper()
	return anonymousOf(t, m.cmd.Process.Pid)
}

// reference is the test program of another package, whose benchmarks are the
// other side of a ratio.
func reference(t *testing.T, pkg string) func(bench string, operations int) map[string]float64 {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg)+".test")
	if out, err := exec.Command("go", "test", "-c", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build the benchmarks of %s: %v\n%s", pkg, err, out)
	}
	return func(bench string, operations int) map[string]float64 {
		t.Helper()
		args := []string{"-test.run", "^$", "-test.bench", bench, "-test.benchtime", strconv.Itoa(operations) + "x",
			"-test.timeout", "10m"}
		if figure.Short() {
			args = append(args, "-test.short")
		}
		cmd := exec.Command(program, args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s of %s: %v\n%s", bench, pkg, err, out)
		}
		values := metricsOf(string(out))
		values[cpuPerOp] = cpuOf(cmd) / float64(operations)
		return values
	}
}

// cpuPerOp is the unit of the processor time in µs that an operation took.
const cpuPerOp = "cpu-µs/op"

// cpuOf is the processor time in µs that a process that ended has used.
func cpuOf(cmd *exec.Cmd) float64 {
	return float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds())
}

// metricsOf reads the values of a benchmark's line, by unit.
func metricsOf(out string) map[string]float64 {
	values := map[string]float64{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				values[fields[i+1]] = v
			}
		}
	}
	return values
}
