package archive

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// BenchmarkOnlineBackup opens tickets before, during and after a backup of a store of
// 100,000 (SIGNPOST_BENCH_TICKETS sets another number), from one client and from 64,
// and reports what is left of the rate before.
func BenchmarkOnlineBackup(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SIGNPOST_BENCH_TICKETS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	p := newPress(b, n)
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			var before, during, after, took float64
			for range b.N {
				before += p.rate(clients, func() { time.Sleep(phase) })
				during += p.rate(clients, func() { took += p.backUp(b) })
				after += p.rate(clients, func() { time.Sleep(phase) })
			}
			b.ReportMetric(before/float64(b.N), "before/s")
			b.ReportMetric(during/before, "during/before")
			b.ReportMetric(after/before, "after/before")
			b.ReportMetric(took/float64(b.N), "backup-s")
		})
	}
}

// phase is how long the rates before and after are taken.
const phase = 8 * time.Second

// press opens tickets in a store.
type press struct {
	tb     testing.TB
	from   Source
	db     *verbs.Store
	text   string
	opened atomic.Uint64
}

func newPress(tb testing.TB, n int) *press {
	data := config.Service{Data: tb.TempDir()}
	db, err1 := datafile.Open(data.Database(), datafile.Options{})
	blobs, err2 := blob.Open(data.Blobs())
	ring, err3 := ident.New(make([]byte, ident.SecretBytes))
	if err := cmp.Or(err1, err2, err3); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close(); blobs.Close() })
	var text strings.Builder
	for rng := rand.New(rand.NewPCG(1, 1)); text.Len() < 1<<20; {
		text.WriteString(strconv.FormatUint(rng.Uint64(), 36) + " and ")
	}
	p := &press{
		tb: tb, db: db, text: text.String(),
		from: Source{Database: db, Blobs: blobs, Ring: ring, Version: "bench"},
	}
	for n > 0 {
		batch := make([]verbs.Opening, min(n, 5000))
		for i := range batch {
			batch[i] = verbs.Opening{Now: time.Now(), Ticket: p.ticket()}
		}
		if _, err := db.OpenTickets(context.Background(), batch); err != nil {
			tb.Fatal(err)
		}
		n -= len(batch)
	}
	return p
}

// ticket is one that differs from those before it.
func (p *press) ticket() store.NewTicket {
	i, now := p.opened.Add(1), time.Now()
	unique := strconv.FormatUint(i*0x9E3779B97F4A7C15, 36)
	from := int(i * 997 % (1<<20 - 2048))
	return store.NewTicket{
		Region:    store.Region{ID: "us", Prefix: "US", Address: "us@example.com", Name: "Support"},
		Channel:   store.ChannelForm,
		Requester: store.Contact{Name: "Partner", Email: unique + "@example.net"},
		Title:     "Export " + unique, Body: p.text[from : from+2048],
		Promise: store.Promise{FirstResponseBy: now.Add(time.Hour), ResolutionBy: now.Add(2 * time.Hour)},
		Link:    ident.NewLink(now), LinkExpires: now.Add(time.Hour),
		MessageID:   p.from.Ring.MessageID(now, store.MailConfirmation, "example.com"),
		Idempotency: unique,
	}
}

// rate is how many tickets a second so many clients open while does what it does.
func (p *press) rate(clients int, while func()) float64 {
	var stop atomic.Bool
	var all sync.WaitGroup
	var done atomic.Uint64
	start := time.Now()
	for range clients {
		all.Go(func() {
			for !stop.Load() {
				if _, err := p.db.OpenTicket(context.Background(), time.Now(), p.ticket()); err != nil {
					p.tb.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	while()
	rate := float64(done.Load()) / time.Since(start).Seconds()
	stop.Store(true)
	all.Wait()
	return rate
}

// backUp takes a backup, removes it and returns how long it took.
func (p *press) backUp(b *testing.B) (seconds float64) {
	to := filepath.Join(b.TempDir(), "backup")
	start := time.Now()
	if _, err := Backup(context.Background(), p.from, to); err != nil {
		b.Fatal(err)
	}
	seconds = time.Since(start).Seconds()
	if err := os.RemoveAll(to); err != nil {
		b.Fatal(err)
	}
	return seconds
}
