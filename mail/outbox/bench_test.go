package outbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/verbs"
)

// The sizes of perf's SMTP figures: ten connections, messages of 4 KiB.
const (
	benchSessions = 10
	benchSize     = 4096
)

// bulk is a message of benchSize bytes.
func bulk(ctx context.Context, row store.Outbound) (Message, error) {
	m, err := composed(ctx, row)
	line := bytes.Repeat([]byte("x"), 76)
	for len(m.Bytes) < benchSize {
		m.Bytes = append(append(m.Bytes, line...), '\r', '\n')
	}
	return m, err
}

// drain discards what it is sent.
type drain struct{}

func (drain) NewSession(*smtp.Conn) (smtp.Session, error) { return drain{}, nil }
func (drain) Mail(string, *smtp.MailOptions) error        { return nil }
func (drain) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (drain) Reset()                                      {}
func (drain) Logout() error                               { return nil }
func (drain) Data(r io.Reader) error                      { _, err := io.Copy(io.Discard, r); return err }

// serveSMTP runs the library's server on a free port until the test ends.
func serveSMTP(t testing.TB, backend smtp.Backend, change func(*smtp.Server)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(backend)
	srv.Domain = "relay.example"
	srv.AllowInsecureAuth = true
	if change != nil {
		change(srv)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

func benchConfig(addr string) Config {
	return Config{Addr: addr, TLS: TLSNone, Hello: "desk.example", Sessions: benchSessions, PerDomain: -1}
}

// sendAll hands n mails to the relay at addr over benchSessions connections,
// without a store.
func sendAll(tb testing.TB, addr string, n int) {
	r := newRelay(benchConfig(addr).withDefaults(), func(RelayStatus) {})
	defer r.shut()
	m, _ := bulk(context.Background(), store.Outbound{MessageID: "m@desk.example", To: "ana@partner.example"})
	ids := make(chan int, n)
	for i := range n {
		ids <- i
	}
	close(ids)
	var wg sync.WaitGroup
	for range benchSessions {
		wg.Go(func() {
			for range ids {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				if _, err := r.send(ctx, m); err != nil {
					tb.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

// runAll runs a Sender over box until n mails have been taken.
func runAll(tb testing.TB, addr string, box Store, n int) {
	left := n
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(context.Background())
	s := New(benchConfig(addr), box, bulk, slog.New(slog.DiscardHandler), Observer{Attempt: func(a Attempt) {
		mu.Lock()
		defer mu.Unlock()
		if a.Outcome != store.StateSent {
			tb.Errorf("attempt: %+v", a)
		}
		if left--; left == 0 {
			cancel()
		}
	}})
	if err := s.Run(ctx); err != nil {
		tb.Error(err)
	}
}

func BenchmarkClient(b *testing.B) {
	addr := serveSMTP(b, drain{}, nil)
	b.ReportAllocs()
	b.ResetTimer()
	sendAll(b, addr, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

func BenchmarkSender(b *testing.B) {
	addr := serveSMTP(b, drain{}, nil)
	db := filled(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	runAll(b, addr, db, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkOneMail is the way of a lone confirmation on an idle system: the
// ticket opens, and the relay has its mail.
func BenchmarkOneMail(b *testing.B) {
	arrived := make(chan struct{})
	open := func(*smtp.Conn) (smtp.Session, error) { return doorbell{rings: arrived}, nil }
	addr := serveSMTP(b, smtp.BackendFunc(open), nil)
	db := filled(b, 1)
	ctx, cancel := context.WithCancel(context.Background())
	s := New(benchConfig(addr), db, bulk, slog.New(slog.DiscardHandler), Observer{})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-arrived
	var took []time.Duration
	for i := 1; b.Loop(); i++ {
		begun := time.Now()
		if _, err := db.OpenTicket(ctx, begun, ticket(i, begun)); err != nil {
			b.Fatal(err)
		}
		s.Kick()
		<-arrived
		took = append(took, time.Since(begun))
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
}

// doorbell rings when it has a whole message.
type doorbell struct {
	drain
	rings chan<- struct{}
}

func (d doorbell) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	d.rings <- struct{}{}
	return err
}

// BenchmarkAgainstSMTPSource compares with Postfix's load generator, which keeps
// its connections (-d) as the sender does, both against Postfix's sink. The
// machine's noise hits both alike, since they take turns: five pairs, the median
// ratio counts.
func BenchmarkAgainstSMTPSource(b *testing.B) {
	sink, err := exec.LookPath("smtp-sink")
	if err != nil {
		b.Skip("no smtp-sink here (Debian package postfix)")
	}
	source, err := exec.LookPath("smtp-source")
	if err != nil {
		b.Skip("no smtp-source here (Debian package postfix)")
	}
	addr := startSink(b, sink)
	const pairs, mails = 5, 10000
	var client, durable, reference []float64
	for b.Loop() {
		for range pairs {
			ref := rate(mails, func() {
				cmd := exec.Command(source, "-d", "-s", strconv.Itoa(benchSessions), "-m", strconv.Itoa(mails),
					"-l", strconv.Itoa(benchSize), "-f", "a@desk.example", "-t", "ana@partner.example", addr)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("smtp-source: %v: %s", err, out)
				}
			})
			reference = append(reference, ref)
			client = append(client, rate(mails, func() { sendAll(b, addr, mails) })/ref)
			db := filled(b, mails)
			durable = append(durable, rate(mails, func() { runAll(b, addr, db, mails) })/ref)
		}
	}
	b.ReportMetric(median(client), "client/source")
	b.ReportMetric(median(durable), "durable/source")
	for i := range pairs { // each of them, so that their spread can be read
		b.ReportMetric(client[i], fmt.Sprintf("client/source#%d", i+1))
		b.ReportMetric(durable[i], fmt.Sprintf("durable/source#%d", i+1))
	}
	b.ReportMetric(median(reference), "source-mails/s")
}

// filled opens a store in a new file that holds n confirmations to send, to as
// many partners in a hundred domains.
func filled(tb testing.TB, n int) *verbs.Store {
	tb.Helper()
	db, err := datafile.Open(filepath.Join(tb.TempDir(), "desk.db"), datafile.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	now := time.Now()
	var posts errgroup.Group
	posts.SetLimit(256)
	for i := range n {
		posts.Go(func() error {
			_, err := db.OpenTicket(context.Background(), now, ticket(i, now))
			return err
		})
	}
	if err := posts.Wait(); err != nil {
		tb.Fatal(err)
	}
	return db
}

// ticket is the i-th partner's.
func ticket(i int, now time.Time) store.NewTicket {
	n := store.NewTicket{
		Region:    store.Region{ID: "us", Prefix: "US", Address: "support@desk.example", Name: "Support"},
		Channel:   store.ChannelForm,
		Requester: store.Contact{Name: "Ana", Email: fmt.Sprintf("p%d@d%d.example", i, i%100)},
		Title:     "Printer", Body: strings.Repeat("It does not print. ", 50),
		Promise:     store.Promise{FirstResponseBy: now.Add(time.Hour), ResolutionBy: now.Add(48 * time.Hour)},
		LinkExpires: now.Add(24 * time.Hour),
		MessageID:   fmt.Sprintf("m%d@desk.example", i),
	}
	binary.BigEndian.PutUint64(n.Link[:], uint64(i)+1)
	return n
}

// startSink runs smtp-sink on a free port until the benchmark ends.
func startSink(b *testing.B, path string) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr = l.Addr().String()
	l.Close()
	args := []string{addr, "512"}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("smtp-sink does not listen")
	return ""
}

func rate(n int, f func()) float64 {
	begun := time.Now()
	f()
	return float64(n) / time.Since(begun).Seconds()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
