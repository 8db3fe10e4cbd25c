//go:build bench

package e2e

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"signpost/cmd/signpost/e2e/figure"
)

const (
	// backlog is how many strays wait.
	backlog = 10_000
	// fetchedAtOnce is the chunk of the bare FETCH; larger ones are no faster.
	fetchedAtOnce = 100
)

// TestBenchBacklog: waiting strays read, judged and recorded, against a bare
// chunked FETCH of the same mailbox.
func TestBenchBacklog(t *testing.T) {
	needRoot(t)
	h := &mailHost{Dir: openTempDir(t), SMTP: freePort(t), IMAP: freePort(t)}
	h.startDovecot(t, freePort(t))
	waitPort(t, h.IMAP)
	sink := sinkHost(t)
	n := figure.Size(backlog, 2000)
	var bare, watched []float64
	for i := range figure.Pairs {
		us := fmt.Sprintf("us%d@example.com", i)
		s := newService(t, &mailHost{SMTP: sink.SMTP, IMAP: h.IMAP},
			serviceOptions{us: us, intl: fmt.Sprintf("intl%d@example.com", i), form: unbounded})
		h.connectFirst(t, s)
		h.fill(t, us, n, func(int) string { return "" })
		bare = append(bare, float64(n)/h.fetchAll(t, us, n).Seconds())
		watched = append(watched, float64(n)/decideAll(t, s, n).Seconds())
	}
	figure.Figure{
		Name: fmt.Sprintf("%d waiting strays decided/s / bare FETCH of them",
			n), Aim: ">= 0.10", Pairs: figure.Ratios(watched, bare),
		Note: fmt.Sprintf("%.0f/s against %.0f/s, start of the service included", figure.Median(watched),
			figure.Median(bare)),
	}.Print()
}

// connectFirst lets the service see its mailboxes empty: what comes later it
// answers.
func (h *mailHost) connectFirst(t *testing.T, s *service) {
	t.Helper()
	m := measure(t, s)
	s.awaitRead(t)
	m.stop(t)
}

// decideAll is the time from the service's start to the last verdict.
func decideAll(t *testing.T, s *service, n int) time.Duration {
	t.Helper()
	began := time.Now()
	m := measure(t, s)
	eventually(t, 2*time.Minute, "all mails are decided", func() error {
		if decided := s.metric(t, `signpost_inbound_mails{state="decided"}`); decided < float64(n) {
			return fmt.Errorf("%v of %d are", decided, n)
		}
		return nil
	})
	took := time.Since(began)
	m.stop(t)
	return took
}

// fetchAll is the least there is to reading a folder.
func (h *mailHost) fetchAll(t *testing.T, address string, n int) time.Duration {
	t.Helper()
	c, _ := h.open(t, address)
	defer c.Close()
	began := time.Now()
	got := 0
	for from := 1; from <= n; from += fetchedAtOnce {
		got += fetchChunk(t, c, from, from+fetchedAtOnce-1)
	}
	if got != n {
		t.Fatalf("%d mails were fetched, want %d", got, n)
	}
	return time.Since(began)
}

func fetchChunk(t *testing.T, c *imapclient.Client, from, to int) (got int) {
	t.Helper()
	set := imap.SeqSet{{Start: uint32(from), Stop: uint32(to)}}
	cmd := c.Fetch(set, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
	for mail := cmd.Next(); mail != nil; mail = cmd.Next() {
		for item := mail.Next(); item != nil; item = mail.Next() {
			if body, ok := item.(imapclient.FetchItemDataBodySection); ok {
				if _, err := io.Copy(io.Discard, body.Literal); err != nil {
					t.Fatal(err)
				}
				got++
			}
		}
	}
	if err := cmd.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}
