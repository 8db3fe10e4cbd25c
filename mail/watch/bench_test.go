package watch

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"signpost/store"
)

const waiting = 10_000

// fill puts mails of about 4 KiB from as many people into the folder.
func (h *house) fill(n int) {
	h.t.Helper()
	for i := range n {
		raw := numbered(i)
		h.deliverAt(raw+strings.Repeat("A line of the text that a person wrote.\r\n", (4096-len(raw))/41), time.Now())
	}
}

// BenchmarkBacklog reads 10,000 waiting strays, in pairs: bare chunked FETCH of
// all, then the watcher with ledger, verdicts and answers. It reports both rates
// and the share of the second in the first.
func BenchmarkBacklog(b *testing.B) {
	h := newHouse(b)
	h.listen(b)
	h.fill(waiting)
	var bare, watched []float64
	for b.Loop() {
		bare = append(bare, waiting/h.fetchAll(b).Seconds())
		h.openLedger()
		h.deps.Ledger = h.ledger
		h.connectedBefore()
		runtime.GC()
		began := time.Now()
		w, stop := h.start()
		for w.Health().Decided < waiting {
			time.Sleep(time.Millisecond)
		}
		watched = append(watched, waiting/time.Since(began).Seconds())
		stop()
	}
	b.ReportMetric(median(bare), "fetched/s")
	b.ReportMetric(median(watched), "watched/s")
	b.ReportMetric(median(watched)/median(bare), "share")
	if n := len(h.outbox()); n != waiting {
		b.Errorf("%d answers, want %d", n, waiting)
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// listen serves the house over loopback, as a real server is.
func (h *house) listen(b *testing.B) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.door.calls <- conn
		}
	}()
	b.Cleanup(func() { l.Close() })
	h.box.Dial = nil
	h.box.Address = l.Addr().String()
}

// fetchAll is the least there is to reading a folder.
func (h *house) fetchAll(b *testing.B) time.Duration {
	b.Helper()
	conn, err := net.Dial("tcp", h.box.Address)
	h.must(err)
	client := imapclient.New(conn, nil)
	defer client.Close()
	h.must(client.Login("support", "secret").Wait())
	_, err = client.Select("INBOX", nil).Wait()
	h.must(err)
	began := time.Now()
	got := 0
	for from := 1; from <= waiting; from += chunkMails {
		set := imap.UIDSet{{Start: imap.UID(from), Stop: imap.UID(from + chunkMails - 1)}}
		cmd := client.Fetch(set, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
			BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			for item := msg.Next(); item != nil; item = msg.Next() {
				if body, ok := item.(imapclient.FetchItemDataBodySection); ok {
					_, err := io.Copy(io.Discard, body.Literal)
					h.must(err)
					got++
				}
			}
		}
		h.must(cmd.Close())
	}
	if got != waiting {
		b.Fatalf("fetched %d mails", got)
	}
	return time.Since(began)
}

// BenchmarkStrayMail takes the time from a mail's delivery to its answer in the
// outbox, with the mail server in this process.
func BenchmarkStrayMail(b *testing.B) {
	h := newHouse(b)
	h.listen(b)
	h.connectedBefore()
	answered := make(chan struct{}, 1)
	h.deps.Kick = func() { answered <- struct{}{} }
	w, _ := h.start()
	for w.Health().State != StateIdle {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * settleAfter)
	var took []float64
	for i := 0; b.Loop(); i++ {
		raw := numbered(i)
		began := time.Now()
		h.deliverAt(raw, time.Now())
		<-answered
		took = append(took, float64(time.Since(began).Microseconds())/1000)
		b.StopTimer()
		time.Sleep(5 * time.Millisecond) // back to IDLE
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "ms-p50")
	b.ReportMetric(took[len(took)*99/100], "ms-p99")
}

// BenchmarkJudging is what one mail costs besides fetch and commit.
func BenchmarkJudging(b *testing.B) {
	h := newHouse(b)
	w := New(h.box, h.deps)
	var opens []open
	for i := range chunkMails {
		opens = append(opens, open{row: store.Inbound{InternalDate: time.Now()}, head: []byte(numbered(i)), whole: true})
	}
	for b.Loop() {
		w.judgeAll(context.Background(), opens, folder{})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*chunkMails), "µs/mail")
	if j := w.judgeAll(context.Background(), opens[:1], folder{})[0]; j.answer == nil {
		b.Error(fmt.Sprint("not answered: ", j.result.Rules))
	}
}
