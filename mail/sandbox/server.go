package sandbox

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// Config sets a Server up. The zero value of a field takes the default named.
type Config struct {
	// Password opens every mailbox: "demo".
	Password string
	// Host is the name the server greets with and stamps its
	// Authentication-Results under: "mx.sandbox.example.com".
	Host string
	// MaxMessage is the largest mail taken, in bytes: 35 MiB.
	MaxMessage int64
	// MaxMails and MaxBytes bound what is kept over all mailboxes; the oldest
	// mails are forgotten: 20,000 mails, 128 MiB. A mail counts its full size
	// in each mailbox it lies in.
	MaxMails int
	MaxBytes int64
	// MaxMailboxes bounds the addresses known: 10,000. A mail to one more is
	// put off with 452.
	MaxMailboxes int
	// MaxReplies is how many mails one machine may send in an hour: 100.
	MaxReplies int
	// Greylist is how long a new sender is put off by a greylisting recipient:
	// 1 minute.
	Greylist time.Duration
	// Slow is how long a slow recipient's host waits before each reply: 5 s.
	Slow time.Duration
	// LookupTXT finds DKIM keys. Without it no key is known and every signature
	// counts as none.
	LookupTXT func(name string) ([]string, error)
	// Log takes what goes wrong; nothing by default.
	Log *slog.Logger
}

const (
	maxConns      = 128 // a listener; further clients wait in its backlog
	maxRecipients = 100 // RFC 5321 section 4.5.3.1.8
	commandTime   = 5 * time.Minute
)

func (c Config) withDefaults() Config {
	set(&c.Password, "demo")
	set(&c.Host, "mx.sandbox.example.com")
	set(&c.MaxMessage, 35<<20)
	set(&c.MaxMails, 20_000)
	set(&c.MaxBytes, 128<<20)
	set(&c.MaxMailboxes, 10_000)
	set(&c.MaxReplies, 100)
	set(&c.Greylist, time.Minute)
	set(&c.Slow, 5*time.Second)
	set(&c.Log, slog.New(slog.DiscardHandler))
	c.MaxMessage = min(c.MaxMessage, c.MaxBytes)
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server is the sandbox. Its methods may be called from any goroutine.
type Server struct {
	cfg  Config
	smtp *smtp.Server
	imap *imapserver.Server

	smtpPipe, imapPipe *pipeListener

	stop    context.Context // done when Close is called
	cancel  context.CancelFunc
	running sync.WaitGroup // everything that must end before Close returns
	jobs    chan job

	mu         sync.Mutex
	closed     bool
	listeners  []net.Listener
	conns      map[*trackedConn]struct{}
	validity   uint32 // UIDVALIDITY of folders created from now on
	lastID     MailID
	mails      map[MailID]*letter
	order      *list.List // of *letter, the oldest in front
	bytes      int64
	accounts   map[string]*account
	machines   map[string]*machine
	switched   map[string]Behaviour // by address or domain
	greylisted map[string]time.Time // first tries, by sender and recipient
	watchers   map[chan struct{}]struct{}
	minted     uint64 // Message-IDs made
}

// New starts a sandbox without a listener. The caller must Close it.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	stop, cancel := context.WithCancel(context.Background())
	now := time.Now()
	s := &Server{
		cfg: cfg, stop: stop, cancel: cancel,
		smtpPipe: newPipeListener(), imapPipe: newPipeListener(),
		jobs:       make(chan job, maxJobs),
		validity:   validityAt(now),
		conns:      map[*trackedConn]struct{}{},
		mails:      map[MailID]*letter{},
		order:      list.New(),
		accounts:   map[string]*account{},
		machines:   map[string]*machine{},
		switched:   map[string]Behaviour{},
		greylisted: map[string]time.Time{},
		watchers:   map[chan struct{}]struct{}{},
	}
	s.smtp = s.newSMTP()
	s.imap = s.newIMAP()
	s.running.Go(s.runMachines)
	go func() { _ = s.serve(s.smtp.Serve, s.smtpPipe) }()
	go func() { _ = s.serve(s.imap.Serve, s.imapPipe) }()
	return s
}

// validityAt makes the UIDVALIDITY of a server started at now. Clients compare
// it for equality alone, so it may wrap; hundredths of a second keep a quick
// restart apart from the run before (RFC 3501 section 2.3.1.1).
func validityAt(now time.Time) uint32 {
	return uint32(now.UnixMilli()/10) | 1
}

func (s *Server) newSMTP() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(s.newSMTPSession))
	srv.Domain = s.cfg.Host
	srv.MaxRecipients = maxRecipients
	srv.MaxMessageBytes = s.cfg.MaxMessage
	srv.AllowInsecureAuth = true // loopback only, and the password is public
	srv.ReadTimeout = commandTime
	srv.WriteTimeout = commandTime
	srv.EnableSMTPUTF8 = true
	srv.EnableDSN = true
	srv.ErrorLog = printer{s.cfg.Log, "smtp"}
	return srv
}

func (s *Server) newIMAP() *imapserver.Server {
	return imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			if !s.enter() {
				return nil, nil, net.ErrClosed
			}
			return &imapSession{server: s}, &imapserver.GreetingData{}, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {},
			imap.CapESearch: {}, imap.CapMove: {}, imap.CapStatusSize: {},
		},
		InsecureAuth: true,
		Logger:       printer{s.cfg.Log, "imap"},
	})
}

// ServeSMTP serves SMTP on l until Close, which also closes l. It returns nil
// after Close.
func (s *Server) ServeSMTP(l net.Listener) error {
	return s.serve(s.smtp.Serve, netutil.LimitListener(l, maxConns))
}

// ServeIMAP serves IMAP on l until Close, which also closes l. It returns nil
// after Close.
func (s *Server) ServeIMAP(l net.Listener) error {
	return s.serve(s.imap.Serve, netutil.LimitListener(l, maxConns))
}

// serve keeps the listener where Close finds it: a library that starts serving
// after it was closed would wait for ever.
func (s *Server) serve(run func(net.Listener) error, l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners = append(s.listeners, l)
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	err := run(tracked{l, s})
	if s.stop.Err() != nil {
		return nil
	}
	return err
}

// DialSMTP connects to the SMTP server inside the process.
func (s *Server) DialSMTP(ctx context.Context) (net.Conn, error) { return s.smtpPipe.dial(ctx) }

// DialIMAP connects to the IMAP server inside the process.
func (s *Server) DialIMAP(ctx context.Context) (net.Conn, error) { return s.imapPipe.dial(ctx) }

// enter counts an IMAP session in; false once the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// closeTime bounds how long Close waits for connections to notice that they are
// gone.
const closeTime = 5 * time.Second

// Close ends every listener, connection and machine and waits for them. Further
// calls do nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	listeners, open := s.listeners, slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	s.cancel()
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, c := range open {
		_ = c.Close() // the other end learns of it; there is nothing to do about an error
	}
	if err := s.waitEnded(); err != nil {
		return err
	}
	// Only now, when nothing serves any more, are the libraries closed: they
	// close the listeners once more, and complain of it.
	_ = s.imap.Close()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := s.smtp.Shutdown(ctx); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (s *Server) waitEnded() error {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	wait := time.NewTimer(closeTime)
	defer wait.Stop()
	select {
	case <-ended:
		return nil
	case <-wait.C:
		return errors.New("sandbox: connections are still open 5 s after they were closed")
	}
}

// tracked is a listener whose connections Close can end.
type tracked struct {
	net.Listener
	server *Server
}

func (t tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	if t.server.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	conn := &trackedConn{c, t.server}
	t.server.conns[conn] = struct{}{}
	return conn, nil
}

type trackedConn struct {
	net.Conn
	server *Server
}

func (c *trackedConn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// pipeListener hands out the server's ends of in-process connections.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// printer passes the protocol libraries' complaints on. They are about clients
// that went away, but for panics, which are ours.
type printer struct {
	log   *slog.Logger
	proto string
}

func (p printer) Printf(format string, args ...any) {
	level := slog.LevelDebug
	if strings.HasPrefix(format, "panic") {
		level = slog.LevelError
	}
	p.log.Log(context.Background(), level, "sandbox: protocol trouble",
		"proto", p.proto, "what", fmt.Sprintf(format, args...))
}

func (p printer) Println(args ...any) {
	p.log.Debug("sandbox: protocol trouble", "proto", p.proto, "what", fmt.Sprintln(args...))
}
