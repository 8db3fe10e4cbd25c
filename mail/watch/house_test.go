package watch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/verbs"
)

// house is a mail server with one mailbox, a ledger, and a watcher between them,
// to be used inside a synctest bubble.
type house struct {
	t      testing.TB
	user   *imapmemserver.User
	door   *door
	ledger *verbs.Store
	kicks  atomic.Int64
	box    Mailbox
	deps   Deps
}

// door is a listener over pipes, which a bubble can wait for.
type door struct {
	calls  chan net.Conn
	closed chan struct{}
	open   chan struct{} // closed once Accept is called
	once   sync.Once
	dialed atomic.Int64
}

func newDoor() *door {
	return &door{calls: make(chan net.Conn), closed: make(chan struct{}), open: make(chan struct{})}
}

func (d *door) Accept() (net.Conn, error) {
	d.once.Do(func() { close(d.open) })
	select {
	case c := <-d.calls:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "door"} }

func (d *door) dial(ctx context.Context) (net.Conn, error) {
	d.dialed.Add(1)
	ours, theirs := net.Pipe()
	select {
	case d.calls <- theirs:
		return ours, nil
	case <-d.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOn(t, func(*imapserver.Options) {}, false)
}

// newHouseOn is a house whose mail server is set up otherwise.
func newHouseOn(t testing.TB, change func(*imapserver.Options), secure bool) *house {
	t.Helper()
	h := &house{t: t, door: newDoor()}
	h.openLedger()
	h.user = imapmemserver.NewUser("support", "secret")
	h.must(h.user.Create("INBOX", nil))
	mem := imapmemserver.New()
	mem.AddUser(h.user)
	opts := &imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapIdle: {}, imap.CapMove: {},
			imap.CapUIDPlus: {}},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	}
	change(opts)
	server := imapserver.New(opts)
	if secure {
		go server.Serve(tls.NewListener(h.door, opts.TLSConfig))
	} else {
		go server.Serve(h.door)
	}
	<-h.door.open // the server's Close does not wait for a Serve that has yet to begin
	t.Cleanup(func() { server.Close() })
	h.wire()
	return h
}

// newBadHouse is a house whose mail server is s. The mailbox was connected
// before, so that what waits in it is answered.
func newBadHouse(t testing.TB, s *lineServer) *house {
	t.Helper()
	h := &house{t: t, door: newDoor()}
	h.openLedger()
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(h.door) })
	t.Cleanup(func() { // a server that sleeps needs the bubble's time, which ends with the story
		h.door.Close()
		serving.Wait()
		s.talks.Wait()
	})
	h.wire()
	h.connectedBefore()
	return h
}

// openLedger opens a store that is checked when the test ends.
func (h *house) openLedger() {
	h.t.Helper()
	db, err := datafile.Open(filepath.Join(h.t.TempDir(), "signpost.db"), datafile.Options{})
	h.must(err)
	h.ledger = db
	h.t.Cleanup(func() {
		if err := db.Check(context.Background()); err != nil {
			h.t.Error(err)
		}
		h.must(db.Close())
	})
}

// rows are the ledger, oldest first.
func (h *house) rows() []store.Inbound {
	h.t.Helper()
	rows, err := store.Collect(100_000, store.All(store.MaxPage, func(p store.Page) (store.List[store.Inbound], error) {
		return h.ledger.ListInbound(context.Background(), p)
	}))
	h.must(err)
	slices.Reverse(rows)
	return rows
}

// outbox are the answers, oldest first.
func (h *house) outbox() (answers []store.Outbound) {
	h.t.Helper()
	for id := store.OutboundID(1); ; id++ {
		out, err := h.ledger.Outbound(context.Background(), id)
		if errors.Is(err, store.ErrNotFound) {
			return answers
		}
		h.must(err)
		answers = append(answers, out)
	}
}

// connectedBefore makes the mailbox one that is known for a day.
func (h *house) connectedBefore() {
	h.t.Helper()
	_, err := h.ledger.ConnectMailbox(context.Background(), time.Now().Add(-24*time.Hour), "main")
	h.must(err)
}

func (h *house) wire() {
	us := store.Region{ID: "us", Prefix: "US", Address: "partner-us.support@example.com", Name: "Partner Support US",
		Languages: []string{"en", "es"}}
	intl := store.Region{ID: "intl", Prefix: "INT", Address: "partner.support@example.com", Name: "Partner Support",
		Languages: []string{"en"}}
	ring, err := ident.New(bytes.Repeat([]byte{7}, ident.SecretBytes))
	h.must(err)
	catalogue, err := lang.Load()
	h.must(err)
	h.box = Mailbox{
		ID: "main", TLS: TLSNone, Username: "support", Password: "secret", Dial: h.door.dial,
		Trust: Trust{Hosts: []string{"mx.example.com"}}, Regions: []store.Region{us, intl}, Mark: true,
	}
	h.deps = Deps{
		Ledger: h.ledger, Outbounds: h.ledger, Ring: ring, Catalogue: catalogue, Instance: "test",
		Ours: func(address string) bool { return address == us.Address || address == intl.Address },
		Kick: func() { h.kicks.Add(1) },
		// Stories of many mails are about neither the breaker nor the one network.
		Limits: Limits{Breaker: -1, NetworkHour: -1},
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// start runs a watcher until stop is called or the test ends.
func (h *house) start() (w *Watcher, stop func()) {
	w = New(h.box, h.deps)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			h.must(<-done)
		}
	}
	h.t.Cleanup(stop)
	return w, stop
}

// deliver puts a mail into the folder, an instant after whatever falls due now: a
// story is not about two things in the same instant.
func (h *house) deliver(raw string) {
	h.t.Helper()
	time.Sleep(time.Millisecond)
	h.deliverAt(raw, time.Now())
}

func (h *house) deliverAt(raw string, at time.Time) {
	h.t.Helper()
	_, err := h.user.Append("INBOX", bytes.NewReader([]byte(raw)), &imap.AppendOptions{Time: at})
	h.must(err)
}

// letter is a mail as a person writes it, taken in by our host.
func letter(from, id string, extra ...string) string {
	fields := append([]string{
		"Return-Path: <" + from + ">",
		"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com with ESMTPS; " +
			"Mon, 2 Nov 2026 10:00:00 +0000",
		"Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=" + from,
		"From: A Person <" + from + ">",
		"To: partner-us.support@example.com",
		"Subject: A question",
	}, extra...)
	if id != "" {
		fields = append(fields, "Message-ID: <"+id+">")
	}
	return strings.Join(fields, "\r\n") + "\r\n\r\nHow do I order?\r\n"
}

func numbered(i int) string {
	return letter(fmt.Sprintf("person%d@partner%d.test", i, i), fmt.Sprintf("m%d@partner.test", i))
}

// decided fails unless the ledger holds exactly so many mails, all decided, and
// so many answers.
func (h *house) decided(mails, answers int) {
	h.t.Helper()
	rows := h.rows()
	if len(rows) != mails {
		h.t.Errorf("the ledger holds %d mails, want %d", len(rows), mails)
	}
	for _, r := range rows {
		if r.State != store.InboundDecided {
			h.t.Errorf("mail %d is %s (%s), want decided", r.UID, r.State, r.Fault)
		}
	}
	if got := len(h.outbox()); got != answers {
		h.t.Errorf("%d answers are in the outbox, want %d", got, answers)
		for _, r := range rows {
			h.t.Logf("mail %d from %s: %s answer=%v %v", r.UID, r.From, r.Verdict.Kind, r.Verdict.Answer, r.Verdict.Rules)
		}
	}
}

// bubble runs a story in which time passes by itself.
func bubble(t *testing.T, story func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, story)
}

// folder counts the mails in a folder of the mailbox.
func (h *house) folder(name string) uint32 {
	h.t.Helper()
	status, err := h.user.Status(name, &imap.StatusOptions{NumMessages: true})
	h.must(err)
	return *status.NumMessages
}
