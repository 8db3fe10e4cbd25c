//go:build e2e || bench

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// strayBytes is the size of a waiting mail.
const strayBytes = 4 << 10

// without bounds: what one address of a benchmark does, no partner does.
const unbounded = `
[responder]
per_domain_hour = 100000
per_domain_day = 100000
breaker = 100000
`

// stranger is the i-th sender of stray mail, each of a domain of their own.
func stranger(i int) string { return fmt.Sprintf("p%d@d%d."+strangersDomain, i, i) }

// fill writes mails into a maildir, each of a stranger of their own, vouched for
// by the host. fields adds header fields to the i-th.
func (h *mailHost) fill(t *testing.T, address string, n int, fields func(i int) string) {
	t.Helper()
	dir := filepath.Join(h.Dir, "dovecot", "mail", address)
	for i := range n {
		from := stranger(i)
		raw := fmt.Sprintf("Return-Path: <%s>\nReceived: from %s ([198.51.%d.%d]) by %s with "+
			"ESMTP\nAuthentication-Results: %s; spf=pass smtp.mailfrom=%s\n",
			from, strangersDomain, i/250%250, i%250, hostName, hostName, from[strings.IndexByte(from, '@')+1:]) +
			fields(i) + letter(from, address, fmt.Sprintf("%d@stray.example.net", i), "Where is my order?")
		raw += strings.Repeat("A line of the text that a person wrote.\n", (strayBytes-len(raw))/40)
		writeFile(t, filepath.Join(dir, "new", fmt.Sprintf("%d.M%06dP1.host", time.Now().Unix(), i)), raw)
	}
	chownTo(t, dir, "nobody:nogroup")
	if _, err := os.Stat(filepath.Join(dir, "cur")); err != nil {
		t.Fatalf("the server never opened the mailbox: %v", err)
	}
}

// awaitRead waits until both mailboxes have been read to their end.
func (s *service) awaitRead(t *testing.T) {
	t.Helper()
	for _, mailbox := range []string{"us", "intl"} {
		eventually(t, 20*time.Second, mailbox+" is read to its end", func() error {
			if s.metric(t, fmt.Sprintf(`signpost_watch_cycles_total{mailbox=%q,result="done"}`, mailbox)) < 1 {
				return fmt.Errorf("it is not")
			}
			return nil
		})
	}
}

// anonymousOf is the memory in MiB that a process itself holds: RssAnon, without
// the mapped file, which the system takes back when it needs it.
func anonymousOf(t *testing.T, pid int) float64 {
	t.Helper()
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, text, _ := strings.Cut(string(status), "RssAnon:")
	var kib float64
	if _, err := fmt.Sscan(text, &kib); err != nil {
		t.Errorf("the system does not tell RssAnon: %v", err)
	}
	return kib / 1024
}

// mostAnonymous samples anonymousOf while work runs and returns the most seen.
func mostAnonymous(t *testing.T, pid int, work func()) float64 {
	t.Helper()
	done, sampled := make(chan struct{}), make(chan float64, 1)
	finish := sync.OnceFunc(func() { close(done) })
	defer finish() // also when work fails
	go func() {
		most := 0.0
		for {
			most = max(most, anonymousOf(t, pid))
			select {
			case <-done:
				sampled <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	work()
	finish()
	return <-sampled
}
