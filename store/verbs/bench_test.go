package verbs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/ident"
)

// The measure of the driver is BenchmarkRawGroupCommit: bbolt itself, fed by the
// barest group commit, with the same buckets, key lengths, key spread and value
// sizes as one OpenTicket writes. Ratios of the two, run in turns, say what the
// driver costs; the figures alone say how fast the disk is today.

// words make descriptions that pack about as well as what people write.
var words = strings.Fields(`
the a of to in we our you your is was are not it that this for with on at by from have has had since yesterday
morning after update invoice order account partner customer portal login password reset error message screen
shows says cannot open save export report file attached please help urgent thanks team support payment refund
shipment delivery address warehouse stock price list discount contract renewal licence key server connection
timeout slow network browser Chrome Firefox version mobile app button click page blank empty again tried
several times different computer colleague same problem happens only when user admin role permission denied
access granted expected instead result number field value date format wrong missing duplicate entry table
column filter search sort results query dashboard widget chart email notification never arrived spam folder
checked twice already called phone waiting answer deadline Friday Monday week month quarter audit finance
department manager approval workflow step stuck pending status changed rejected accepted unclear documentation
says otherwise screenshot below regards sincerely kind best could would should might because however although
therefore between during without within`)

func description(rng *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		switch rng.IntN(20) {
		case 0:
			fmt.Fprintf(&b, "%d ", rng.IntN(100000))
		case 1:
			b.WriteString(".\n")
		default:
			// Some words are more common than others.
			b.WriteString(words[int(float64(len(words))*rng.Float64()*rng.Float64())])
			b.WriteByte(' ')
		}
	}
	return b.String()[:size]
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

var benchRegions = []store.Region{
	{ID: "us", Prefix: "US", Address: "partner-us.support@example.com",
		Name: "Partner support US", Languages: []string{"en"}},
	{ID: "intl", Prefix: "INT", Address: "partner.support@example.com",
		Name: "Partner support", Languages: []string{"en"}},
}

// benchTicket is a post as the form makes it.
func benchTicket(rng *rand.Rand, ring *ident.Ring, now time.Time) store.NewTicket {
	who := rng.IntN(1 << 20)
	return store.NewTicket{
		Region: benchRegions[rng.IntN(2)], Channel: store.ChannelForm,
		Requester: store.Contact{
			Name: fmt.Sprintf("Partner Person %d", who), Email: fmt.Sprintf("person%d@partner%d.example", who, who%5000),
			Company: fmt.Sprintf("Company %d", who%5000), Country: "US", Lang: "en",
		},
		Category: "orders", Title: description(rng, 40), Body: description(rng, 2048),
		Promise: store.Promise{FirstResponseBy: now.Add(24 * time.Hour), ResolutionBy: now.Add(48 * time.Hour)},
		Link:    ident.NewLink(now), LinkExpires: now.Add(365 * 24 * time.Hour),
		MessageID:   ring.MessageID(now, store.MailConfirmation, "example.com"),
		Idempotency: fmt.Sprintf("%016x", rng.Uint64()),
		Fingerprint: sha256.Sum256(binary.BigEndian.AppendUint64(nil, rng.Uint64())),
	}
}

func newRing(tb testing.TB) *ident.Ring {
	tb.Helper()
	ring, err := ident.New(make([]byte, ident.SecretBytes))
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func benchDB(b *testing.B) *Store {
	db := openNew(b, fileOptions{})
	b.Cleanup(func() { db.Close() })
	return db
}

var clientCounts = []int{1, 16, 64, 256}

// crowd calls do b.N times from n goroutines, each with its own source of
// chance, and reports what a call took.
func crowd(b *testing.B, n int, do func(*rand.Rand) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for c := range n {
		wg.Go(func() {
			rng := newRand(uint64(c))
			for {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				start := time.Now()
				if err := do(rng); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// desk hands out tickets without the cost of writing their texts: what is said
// comes from a stock, what must be unique is minted.
type desk struct {
	stock []store.NewTicket
	next  atomic.Uint64
}

func newDesk(tb testing.TB) *desk {
	d := &desk{stock: make([]store.NewTicket, 1024)}
	rng, ring := newRand(8), newRing(tb)
	for i := range d.stock {
		d.stock[i] = benchTicket(rng, ring, time.Now())
	}
	return d
}

func (d *desk) ticket(now time.Time) store.NewTicket {
	i := d.next.Add(1)
	n := d.stock[i%uint64(len(d.stock))]
	n.Link, n.LinkExpires = ident.NewLink(now), now.Add(365*24*time.Hour)
	n.Promise = store.Promise{FirstResponseBy: now.Add(24 * time.Hour), ResolutionBy: now.Add(48 * time.Hour)}
	n.Requester.Email = "p" + strconv.FormatUint(i*0x9E3779B97F4A7C15>>44, 10) + n.Requester.Email
	n.MessageID = "c." + strconv.FormatUint(1<<63+i, 10) + n.MessageID[21:]
	n.Idempotency = strconv.FormatUint(i*0x9E3779B97F4A7C15, 16)
	return n
}

func BenchmarkOpenTicket(b *testing.B) {
	desk := newDesk(b)
	for _, n := range clientCounts {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			db := benchDB(b)
			crowd(b, n, func(*rand.Rand) error {
				now := time.Now()
				_, err := db.OpenTicket(context.Background(), now, desk.ticket(now))
				return err
			})
		})
	}
}

// rawRow is one row that a ticket adds: where, how long, and whether its key
// falls anywhere or at the end.
type rawRow struct {
	bucket     bucket
	key, value int
	anywhere   bool
}

// rawRows are the rows that one more ticket adds to a store; for counts, which it
// changes, the rows it overwrites.
func rawRows(tb testing.TB) []rawRow {
	db, ring := openNew(tb, fileOptions{}), newRing(tb)
	defer db.Close()
	if _, err := db.OpenTicket(context.Background(), time.Now(), benchTicket(newRand(1), ring, time.Now())); err != nil {
		tb.Fatal(err)
	}
	var rows []rawRow
	err := db.read(context.Background(), func(t *txn) error {
		for b := range bucketCount {
			if b == bMeta {
				continue
			}
			err := t.walk(b, nil, nil, func(key, value []byte) (bool, error) {
				anywhere := b == bRequesters || b == bOutbox || b == bPosts
				rows = append(rows, rawRow{b, len(key), len(value), anywhere})
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

func (r rawRow) put(tx *bbolt.Tx, i, n uint64, noise []byte) error {
	l := layouts()[r.bucket]
	b := tx.Bucket([]byte(l.Name))
	if l.Appends {
		b.FillPercent = 0.9 // as the engine does
	}
	key := make([]byte, r.key)
	switch {
	case r.bucket == bCounts || r.bucket == bHours:
		key[0] = byte(i) // the same few rows each time
	case r.anywhere:
		binary.BigEndian.PutUint64(key, rand.Uint64())
	default:
		binary.BigEndian.PutUint64(key, n)
		key[len(key)-1] ^= byte(i) // two deadlines, two expiries
	}
	return b.Put(key, append(make([]byte, 0, r.value), noise[:r.value]...))
}

// BenchmarkRawGroupCommit writes the rows of rawRows and does nothing else.
func BenchmarkRawGroupCommit(b *testing.B) {
	rows := rawRows(b)
	for _, n := range clientCounts {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			jobs := rawCommitter(b, rows)
			crowd(b, n, func(*rand.Rand) error {
				done := make(chan error, 1)
				jobs <- done
				return <-done
			})
			close(jobs)
		})
	}
}

func rawCommitter(b *testing.B, rows []rawRow) chan chan error {
	file, err := bbolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, &bbolt.Options{
		FreelistType: bbolt.FreelistMapType, NoStatistics: true, InitialMmapSize: 16 << 30,
	})
	if err != nil {
		b.Fatal(err)
	}
	file.AllocSize = 4 << 20
	b.Cleanup(func() { file.Close() })
	err = file.Update(func(tx *bbolt.Tx) error {
		for _, l := range layouts() {
			if _, err := tx.CreateBucket([]byte(l.Name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	jobs := make(chan chan error, 4*engine.GroupVerbs)
	noise := []byte(description(newRand(2), 4096))
	go rawCommits(file, jobs, rows, noise)
	return jobs
}

func rawCommits(file *bbolt.DB, jobs chan chan error, rows []rawRow, noise []byte) {
	for n := uint64(0); ; {
		first, ok := <-jobs
		if !ok {
			return
		}
		runtime.Gosched()
		group := []chan error{first}
		for len(jobs) > 0 && len(group) < engine.GroupVerbs {
			group = append(group, <-jobs)
		}
		err := file.Update(func(tx *bbolt.Tx) error {
			for range group {
				n++
				for i, r := range rows {
					if err := r.put(tx, uint64(i), n, noise); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for _, done := range group {
			done <- err
		}
	}
}

// fill opens n tickets in large batches.
func fill(tb testing.TB, db *Store, n int) {
	desk := newDesk(tb)
	now := time.Now().Add(-time.Duration(n) * time.Second)
	for n > 0 {
		batch := make([]Opening, min(n, 5000))
		for i := range batch {
			now = now.Add(time.Second)
			batch[i] = Opening{Now: now, Ticket: desk.ticket(now)}
		}
		if _, err := db.OpenTickets(context.Background(), batch); err != nil {
			tb.Fatal(err)
		}
		n -= len(batch)
	}
}

func BenchmarkFill(b *testing.B) {
	db := benchDB(b)
	b.ResetTimer()
	fill(b, db, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
	b.ReportMetric(float64(fileSize(b, db))/float64(b.N), "file-B/op")
}

// BenchmarkFullStore opens tickets from 64 clients in an empty store and in one
// of 100,000 tickets, and starts on the latter. SIGNPOST_BENCH_TICKETS sets
// another size.
func BenchmarkFullStore(b *testing.B) {
	size, err := strconv.Atoi(cmp.Or(os.Getenv("SIGNPOST_BENCH_TICKETS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "full.db")
	full, err := openFile(path, fileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, full, size)
	desk := newDesk(b)
	for _, db := range []*Store{benchDB(b), full} {
		b.Run(fmt.Sprintf("open/MB=%d", fileSize(b, db)>>20), func(b *testing.B) {
			crowd(b, 64, func(*rand.Rand) error {
				now := time.Now()
				_, err := db.OpenTicket(context.Background(), now, desk.ticket(now))
				return err
			})
		})
	}
	if err := full.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("start", func(b *testing.B) {
		for range b.N {
			db, err := openFile(path, fileOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func fileSize(tb testing.TB, db *Store) (size int64) {
	size, err := db.Snapshot(io.Discard)
	if err != nil {
		tb.Fatal(err)
	}
	return size
}

// BenchmarkClaimFinish sends mails as the sender does: claim ten, finish each.
func BenchmarkClaimFinish(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("senders=%d", n), func(b *testing.B) {
			db := benchDB(b)
			fill(b, db, b.N)
			var left sync.Mutex
			var rows []store.Outbound
			take := func() (store.Outbound, error) {
				left.Lock()
				defer left.Unlock()
				if len(rows) == 0 {
					var err error
					rows, err = db.ClaimOutbound(context.Background(), time.Now(), store.Claim{
						Limit: 4 * n, PerDomain: 20, Lease: store.Leases{time.Hour},
					})
					if err != nil || len(rows) == 0 {
						return store.Outbound{}, fmt.Errorf("nothing to claim: %w", err)
					}
				}
				row := rows[0]
				rows = rows[1:]
				return row, nil
			}
			crowd(b, n, func(*rand.Rand) error {
				row, err := take()
				if err != nil {
					return err
				}
				return db.FinishOutbound(context.Background(), time.Now(), store.Finish{
					ID: row.ID, Claim: row.Claim, State: store.StateSent, Reply: "250 2.0.0 Ok: queued as 4F2A1", Code: 250,
				})
			})
		})
	}
}

// BenchmarkClaimBehindCloggedDomain claims for the living while 100,000 rows of
// one domain at its limit wait in front.
func BenchmarkClaimBehindCloggedDomain(b *testing.B) {
	for _, clogged := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("clogged=%d", clogged), func(b *testing.B) {
			db, ring, rng := benchDB(b), newRing(b), newRand(4)
			start := time.Now().Add(-24 * time.Hour)
			add := func(n int, email func(int) string) {
				batch := make([]Opening, n)
				for i := range batch {
					batch[i] = Opening{Now: start, Ticket: benchTicket(rng, ring, start)}
					batch[i].Ticket.Requester.Email = email(i)
				}
				for part := range slices.Chunk(batch, 5000) {
					if _, err := db.OpenTickets(context.Background(), part); err != nil {
						b.Fatal(err)
					}
				}
			}
			add(clogged, func(i int) string { return fmt.Sprintf("p%d@dead.example", i) })
			add(b.N+10, func(i int) string { return fmt.Sprintf("p@live%d.example", i) })
			claim := store.Claim{Limit: 1, PerDomain: 5, Lease: store.Leases{48 * time.Hour}}
			b.ResetTimer()
			for range b.N {
				rows, err := db.ClaimOutbound(context.Background(), time.Now(), claim)
				if err != nil || len(rows) != 1 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}

// BenchmarkRecordDecide takes mails in as the watcher does, in chunks of 100; an
// operation is one mail.
func BenchmarkRecordDecide(b *testing.B) {
	const chunk = 100
	db, ring, rng := benchDB(b), newRing(b), newRand(5)
	ctx, now := context.Background(), time.Now()
	if _, err := db.ConnectMailbox(ctx, now, "us"); err != nil {
		b.Fatal(err)
	}
	if _, err := db.BeginEpoch(ctx, now, "us", 1); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for uid := uint32(1); uid <= uint32(b.N); uid += chunk {
		mails := make([]store.NewInbound, min(chunk, b.N-int(uid)+1))
		for i := range mails {
			raw := []byte(description(rng, 4096))
			mails[i] = store.NewInbound{
				Mailbox: "us", UIDValidity: 1, UID: uid + uint32(i), InternalDate: now, Size: 4096, Hash: sha256.Sum256(raw),
				MessageID: fmt.Sprintf("%x@partner.example", rng.Uint64()), From: "a@partner.example",
				Subject: "Re: your order", Raw: raw,
			}
		}
		rows, err := db.RecordInbound(ctx, now, mails)
		if err != nil {
			b.Fatal(err)
		}
		decisions := make([]store.Decision, len(rows))
		for i, row := range rows {
			decisions[i] = benchDecision(rng, ring, row, now)
		}
		if _, err := db.DecideInbound(ctx, now, decisions); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

func benchDecision(rng *rand.Rand, ring *ident.Ring, row store.Inbound, now time.Time) store.Decision {
	sender := fmt.Sprintf("p%d@d%d.example", rng.IntN(1<<20), rng.IntN(500))
	rules := make([]store.Rule, 12)
	for i := range rules {
		rules[i] = store.Rule{ID: fmt.Sprintf("condition-%d", i), Effect: store.EffectMet, Evidence: "Header: what it said"}
	}
	return store.Decision{
		ID: row.ID, Verdict: store.Verdict{Kind: store.KindDirect, Answer: true, Rules: rules},
		Answer: &store.Outbound{
			Kind: store.MailAutoResponse, Region: "us", From: "partner-us.support@example.com",
			To: sender, Langs: []string{"en"},
			MessageID: ring.MessageID(now, store.MailAutoResponse, "example.com"), InReplyTo: row.MessageID,
		},
		Limits: store.AnswerLimits{
			Sender: sender, Period: 7 * 24 * time.Hour,
			Budgets: []store.Budget{{Name: "answer/domain", Key: store.Domain(sender), Limit: 1000, Window: time.Hour}},
			Breaker: store.Budget{Name: "answer/all", Limit: 1 << 30, Window: time.Hour},
		},
	}
}
