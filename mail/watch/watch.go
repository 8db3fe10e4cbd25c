package watch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
)

// TLSMode is how a connection is protected.
type TLSMode string

// The modes. The zero value is TLSImplicit.
const (
	TLSImplicit TLSMode = "tls"      // TLS from the first byte, port 993
	TLSStart    TLSMode = "starttls" // upgraded before anything is said, port 143
	TLSNone     TLSMode = "none"     // for servers on the same machine
)

// Mailbox is one mailbox to watch, as the operator configured it.
type Mailbox struct {
	ID        string // names the mailbox in the ledger: never change it
	Address   string // host:port
	TLS       TLSMode
	TLSConfig *tls.Config // nil: the system's roots and the host of Address
	Username  string
	Password  string
	// Token returns an OAuth 2 access token; when set it is used instead of
	// Password, by XOAUTH2.
	Token func(ctx context.Context) (string, error)
	// Refused is told a token with which the login was refused, and returns whether
	// another one is worth a try; nil: never.
	Refused func(token string) bool
	Folder  string // "" is INBOX
	// Dial replaces the connection to Address, before TLS.
	Dial func(ctx context.Context) (net.Conn, error)

	// Trust says whose Authentication-Results are believed. List only a host that
	// removes such fields from mail it lets in (RFC 8601 section 5). Microsoft 365
	// writes no id: list "outlook.com".
	Trust Trust
	// AnswerUnauthenticated answers mail that nothing vouches for.
	AnswerUnauthenticated bool
	Silent                bool // record and judge, but never answer
	Junk                  bool // the folder holds what the host took for spam
	// Regions are those whose addresses this mailbox receives for; the first
	// answers mail that names none of them. None is for a mailbox of bounces,
	// which is Silent.
	Regions []store.Region

	// Marks on the server.
	Mark         bool   // set the keyword SignpostDone where the server keeps it
	MarkAnswered bool   // set \Answered on what was answered
	MoveTo       string // folder to move decided mail to; needs MOVE (RFC 6851)
	// Folders move decided mail by what became of it, before MoveTo.
	Folders Folders
}

// Folders are where decided mail is moved to for people who look into the
// mailbox; "" leaves it to Mailbox.MoveTo. One that is not there is made.
type Folders struct {
	Answered  string // answered, now or to the same person before
	Bounces   string // bounces, delays, receipts of delivery, complaints
	Automatic string // what else programs wrote, spam too
	Unclear   string // a person's that was not answered, and what cannot be read
}

// check refuses a mailbox that cannot be watched.
func (b Mailbox) check() error {
	if len(b.Regions) == 0 && !b.Silent {
		return errors.New("mailbox " + b.ID + " receives for no region")
	}
	// Each move makes a new UID, which would be read, and moved, again.
	for _, to := range b.targets() {
		if strings.EqualFold(to, b.Folder) {
			return fmt.Errorf("mailbox %s moves mail to %s, the folder it watches", b.ID, to)
		}
	}
	return nil
}

// Keyword marks a decided mail on the server.
const Keyword = "$SignpostDone"

// Ledger is the part of store.Ledger the watcher uses.
type Ledger interface {
	ConnectMailbox(ctx context.Context, now time.Time, mailbox string) (store.MailboxState, error)
	BeginEpoch(ctx context.Context, now time.Time, mailbox string, uidValidity uint32) (store.MailboxState, error)
	RecordInbound(ctx context.Context, now time.Time, mails []store.NewInbound) ([]store.Inbound, error)
	DecideInbound(ctx context.Context, now time.Time, d []store.Decision) ([]store.Inbound, error)
	SkipTo(ctx context.Context, mailbox string, uidValidity, uid uint32) error
	QuarantineInbound(ctx context.Context, now time.Time, id store.InboundID, reason string) (store.Inbound, error)
	RawInbound(ctx context.Context, id store.InboundID) ([]byte, error)
	InboundByUID(ctx context.Context, mailbox string, uidValidity, uid uint32) (store.Inbound, error)
	PendingInbound(ctx context.Context, mailbox string, p store.Page) (store.List[store.Inbound], error)
}

// Requesters finds the tickets of an address, newest first, and one by its id: a
// known partner is answered in their language, and shown the way to the ticket
// they wrote about.
type Requesters interface {
	TicketsByRequester(
		ctx context.Context, by store.Actor, act store.Act, address string, p store.Page,
	) (store.List[store.Ticket], error)
	Ticket(ctx context.Context, id store.TicketID) (store.Ticket, error)
}

// Blobs keeps mails larger than store.RawInline. Put reads r to its end, at most
// limit bytes; when r fails, nothing is kept. Both return the size in bytes.
type Blobs interface {
	Put(ctx context.Context, r io.Reader, limit int64) (store.BlobHash, int64, error)
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
}

// Resolver asks the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
}

// Deps is what a watcher works with. Ledger, Ring and Catalogue are required.
type Deps struct {
	Ledger     Ledger
	Requesters Requesters
	Outbounds  Outbounds // nil: reports are recorded and tied to nothing
	Blobs      Blobs     // nil: of a large mail only the first part is kept
	Ring       *ident.Ring
	Catalogue  *lang.Catalogue
	Resolver   Resolver                  // nil: no DNS question is asked, no DKIM verified
	Ours       func(address string) bool // every address of the installation; called from several goroutines
	Instance   string                    // the installation's id, as our mails carry it
	Limits     Limits
	// LinkKept is how long the link to a ticket's page opens it that an answer may
	// hold; zero is 30 days.
	LinkKept time.Duration
	Kick     func() // wakes the sender; called after answers were committed
	// Canary tells whether a mail from sender that bears that mark is a canary's
	// stray, and names its run; nil: there is no canary.
	Canary   func(sender, mark string, now time.Time) (run string, ok bool)
	Observer Observer
	Log      *slog.Logger
	// Classify judges one mail; nil is triage.Classify.
	Classify func(raw []byte, e triage.Envelope) triage.Result
}

// Watcher watches one mailbox. Run it once; the other methods may be called
// from anywhere at any time.
type Watcher struct {
	box  Mailbox
	deps Deps
	log  *slog.Logger

	dns nameServer

	// Of Run's goroutine alone.
	careful      bool               // the server failed at reading mails: one by one now
	rangeless    bool               // the server sends mails whole whatever part is asked for
	suspects     map[uint32]suspect // by UID
	fetchedAt    time.Time          // when a mail last came
	reconciledAt time.Time
	pendingAt    store.InboundID // the leftover looked at last

	mu     sync.Mutex
	health Health
}

// New prepares a watcher; nothing is dialled before Run.
func New(box Mailbox, deps Deps) *Watcher {
	if box.Folder == "" {
		box.Folder = "INBOX"
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Classify == nil {
		deps.Classify = triage.Classify
	}
	if deps.Ours == nil {
		deps.Ours = func(string) bool { return false }
	}
	deps.Limits, deps.LinkKept = deps.Limits.withDefaults(), or(deps.LinkKept, 30*24*time.Hour)
	return &Watcher{
		box:      box,
		dns:      nameServer{resolver: deps.Resolver},
		deps:     deps,
		log:      deps.Log.With("mailbox", box.ID),
		suspects: map[uint32]suspect{},
		health:   Health{Mailbox: box.ID, State: StateStopped},
	}
}

// Run watches until ctx ends, and then returns nil once nothing of it runs any
// more. It reconnects by itself after every fault; the only error it returns is
// a mailbox that cannot be watched at all.
func (w *Watcher) Run(ctx context.Context) error {
	if err := w.box.check(); err != nil {
		return err
	}
	// The first comparison comes with the first turn: a process that died may
	// have taken its suspects with it.
	w.reconciledAt = time.Now().Add(turnEvery - reconcileEvery)
	defer w.enter(StateStopped, nil)
	failures := 0
	for {
		began := time.Now()
		err := w.attend(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > steady {
			failures = 0
		}
		failures++
		pause := backoff(failures, isRefused(err))
		w.faulted(err, failures)
		w.log.Warn("mailbox connection lost", "error", err, "failures", failures, "retry_in", pause)
		if !wait(ctx, pause) {
			return nil
		}
	}
}

// attend holds one connection: it returns when that ends, and why.
func (w *Watcher) attend(ctx context.Context) error {
	w.enter(StateConnecting, nil)
	s, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for turn := true; ; {
		if err := s.cycle(ctx, turn); err != nil {
			return err
		}
		if turn, err = s.rest(ctx); err != nil {
			return err
		}
	}
}

// cycle brings the ledger up to date with the folder. A turn also looks at the
// folder anew and at what was left over.
func (s *session) cycle(ctx context.Context, turn bool) (err error) {
	began := time.Now()
	s.w.enter(StateReading, nil)
	defer func() { s.w.cycled(time.Since(began), err) }()
	if turn {
		if err := s.openFolder(ctx); err != nil {
			return err
		}
		s.retryAt = time.Time{}
		if err := s.settlePending(ctx); err != nil {
			return err
		}
	}
	if err := s.catchUp(ctx, began); err != nil {
		return err
	}
	if turn { // what may fail comes after what does not
		if err := s.retrySuspects(ctx); err != nil {
			return err
		}
	}
	if turn && time.Since(s.w.reconciledAt) >= reconcileEvery {
		return s.reconcile(ctx)
	}
	return nil
}
