//go:build bench

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// backlog is how many strays wait.
	backlog = 10_000
	// strayBytes is their size.
	strayBytes = 4 << 10
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
	n := size(backlog, 2000)
	var bare, watched []float64
	for i := range pairs {
		us := fmt.Sprintf("us%d@example.com", i)
		s := newService(t, &mailHost{SMTP: sink.SMTP, IMAP: h.IMAP}, serviceOptions{us: us, intl: fmt.Sprintf("intl%d@example.com", i), form: unbounded})
		h.connectFirst(t, s)
		h.fill(t, us, n)
		bare = append(bare, float64(n)/h.fetchAll(t, us, n).Seconds())
		watched = append(watched, float64(n)/decideAll(t, s, n).Seconds())
	}
	figure{
		name: fmt.Sprintf("%d waiting strays decided/s / bare FETCH of them", n), aim: ">= 0.10", pairs: ratios(watched, bare),
		note: fmt.Sprintf("%.0f/s against %.0f/s, start of the service included", median(watched), median(bare)),
	}.print()
}

// connectFirst lets the service see its mailboxes empty: what comes later it
// answers.
func (h *mailHost) connectFirst(t *testing.T, s *service) {
	t.Helper()
	m := measure(t, s)
	eventually(t, 20*time.Second, "both mailboxes are connected", func() error {
		if done := s.metric(t, `signpost_watch_cycles_total{mailbox="us",result="done"}`) + s.metric(t, `signpost_watch_cycles_total{mailbox="intl",result="done"}`); done < 2 {
			return fmt.Errorf("%v cycles are done", done)
		}
		return nil
	})
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

// fill writes mails into a maildir, each of a person of their own, vouched for
// by the host.
func (h *mailHost) fill(t *testing.T, address string, n int) {
	t.Helper()
	dir := filepath.Join(h.Dir, "dovecot", "mail", address)
	for i := range n {
		from := stranger(i)
		raw := "Return-Path: <" + from + ">\nAuthentication-Results: " + hostName + "; spf=pass smtp.mailfrom=" + from[strings.IndexByte(from, '@')+1:] + "\n" +
			letter(from, address, fmt.Sprintf("%d@stray.example.net", i), "Where is my order?")
		raw += strings.Repeat("A line of the text that a person wrote.\n", (strayBytes-len(raw))/40)
		writeFile(t, filepath.Join(dir, "new", fmt.Sprintf("%d.M%06dP1.host", time.Now().Unix(), i)), raw)
	}
	chownTo(t, dir, "nobody:nogroup")
	if _, err := os.Stat(filepath.Join(dir, "cur")); err != nil {
		t.Fatalf("the server never opened the mailbox: %v", err)
	}
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
	cmd := c.Fetch(set, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
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
