package watch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"signpost/mail/oauth"
	"signpost/mail/watch/wire"
)

// Times. The IMAP client library waits for ever for an answer, so every command
// has a deadline of our own, after which the connection is closed.
const (
	connectLimit = time.Minute      // dial, TLS, login
	commandLimit = 30 * time.Second // a command that moves no mail
	listLimit    = 2 * time.Minute  // the UIDs of a whole folder
	chunkLimit   = 5 * time.Minute  // a chunk of mails
	mailLimit    = 2 * time.Minute  // one mail, or a part of a large one

	backoffFirst = time.Second
	maxBackoff   = 5 * time.Minute
	// Providers lock accounts after repeated wrong logins.
	backoffRefused = 15 * time.Minute
	// A connection that held this long was a good one: its loss starts the
	// back-off anew.
	steady = time.Minute
)

// session is one connection with the folder open.
type session struct {
	w      *Watcher
	token  string // the login is made with, "" for a password
	conn   *meter // the raw connection: closing it ends every pending call
	wire   *wire.Conn
	client *imapclient.Client
	caps   imap.CapSet

	notices chan struct{} // new mail was announced; holds one

	folder  folder
	turnAt  time.Time     // when the folder is to be looked at anew
	retryAt time.Time     // when mails put off are to be tried again; zero: none
	settle  time.Duration // how long to stay in IDLE before the folder is listed again
	hollow  int           // announcements in a row that brought nothing
	noIdle  bool          // the server refused IDLE
	dry     bool          // nothing is to be kept
	spent   error         // why the connection serves for nothing more, nil while it does
	cut     bool          // a literal could not be read to its end (literal)

	tlsVersion string // "" without TLS
}

// refused is a login the server did not accept.
type refused struct{ err error }

func (r refused) Error() string { return "login refused: " + r.err.Error() }
func (r refused) Unwrap() error { return r.err }

func isRefused(err error) bool { return errors.As(err, new(refused)) }

// connect dials, protects the connection and logs in. A token that is refused is
// replaced once: it may have been revoked.
func (w *Watcher) connect(ctx context.Context) (*session, error) {
	s, token, err := w.tryConnect(ctx)
	if isRefused(err) && token != "" && w.box.Refused != nil && w.box.Refused(token) {
		s, _, err = w.tryConnect(ctx)
	}
	return s, err
}

func (w *Watcher) tryConnect(ctx context.Context) (*session, string, error) {
	token, err := w.token(ctx)
	switch {
	case errors.Is(err, oauth.ErrRefused):
		return nil, "", refused{fmt.Errorf("access token: %w", err)}
	case err != nil: // a provider out of reach has not refused the token
		return nil, "", fmt.Errorf("access token: %w", err)
	}
	s, err := w.connectWith(ctx, token)
	return s, token, err
}

func (w *Watcher) connectWith(ctx context.Context, token string) (*session, error) {
	s := &session{w: w, token: token, notices: make(chan struct{}, 1)}
	err := within(ctx, connectLimit, func() {}, func(ctx context.Context) error {
		conn, err := w.dial(ctx)
		if err == nil {
			s.conn = metered(conn)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connect to mailbox %s: %w", w.box.ID, err)
	}
	err = within(ctx, connectLimit, s.hangUp, func(ctx context.Context) error {
		if err := s.greet(ctx); err != nil {
			return err
		}
		return s.login()
	})
	if err != nil {
		s.close()
		return nil, fmt.Errorf("open mailbox %s: %w", w.box.ID, s.explain(err))
	}
	return s, nil
}

func (w *Watcher) token(ctx context.Context) (string, error) {
	if w.box.Token == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	return w.box.Token(ctx)
}

func (w *Watcher) dial(ctx context.Context) (net.Conn, error) {
	if w.box.Dial != nil {
		return w.box.Dial(ctx)
	}
	// Keep-alive finds a peer that vanished while we sit in IDLE.
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4,
	}}
	return d.DialContext(ctx, "tcp", w.box.Address)
}

// greet protects the connection and reads the greeting.
func (s *session) greet(ctx context.Context) error {
	conn, err := s.protect(ctx)
	if err != nil {
		return err
	}
	s.wire = wire.New(conn, s.w.box.TLS == TLSStart)
	s.client = imapclient.New(s.wire, &imapclient.Options{
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: s.announced},
	})
	return s.client.WaitGreeting()
}

func (s *session) protect(ctx context.Context) (net.Conn, error) {
	switch s.w.box.TLS {
	case TLSNone:
		return s.conn, nil
	case TLSStart:
		secure, err := wire.StartTLS(ctx, s.conn, s.w.tlsConfig())
		if err != nil {
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
		s.tlsVersion = "STARTTLS"
		return secure, nil
	default:
		secure := tls.Client(s.conn, s.w.tlsConfig())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		s.tlsVersion = tls.VersionName(secure.ConnectionState().Version)
		return secure, nil
	}
}

// explain adds to the end of a connection what the server said of it.
func (s *session) explain(err error) error {
	if err == nil || s.wire == nil || answered(err) || s.wire.Said() == "" {
		return err
	}
	return fmt.Errorf("%s: %w", s.wire.Said(), err)
}

// answered tells a server's NO or BAD, after which the connection goes on.
func answered(err error) bool { return errors.As(err, new(*imap.Error)) }

func (w *Watcher) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if w.box.TLSConfig != nil {
		config = w.box.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(w.box.Address)
	}
	return config
}

// announced runs on the goroutine that reads the connection: it must not wait.
func (s *session) announced(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case s.notices <- struct{}{}:
	default:
	}
}

// login authenticates and learns what the server can do. After a refusal the
// connection is of no use: some servers leave the exchange open.
func (s *session) login() error {
	if s.client.State() == imap.ConnStateAuthenticated { // PREAUTH
		s.caps = s.client.Caps()
		return nil
	}
	caps, box := s.client.Caps(), s.w.box
	var err error
	switch {
	case box.Token != nil:
		err = s.client.Authenticate(&oauth.XOAUTH2{User: box.Username, Token: s.token})
	case caps.Has(imap.AuthCap(sasl.Plain)):
		err = s.client.Authenticate(sasl.NewPlainClient("", box.Username, box.Password))
	case caps.Has(imap.CapLoginDisabled):
		return refused{errors.New("the server wants TLS before a password")}
	default:
		err = s.client.Login(box.Username, box.Password).Wait()
	}
	if err != nil {
		return loginError(err)
	}
	if s.caps = s.client.Caps(); s.caps == nil {
		return errors.New("the server does not say what it can do")
	}
	return nil
}

// busyWords are in what hosts say who will let in later whom they do not now: those
// that count connections often say so in words alone. To a client that has read too
// much Gmail says OVERQUOTA.
var busyWords = []string{
	"too many simultaneous", "too many connections", "maximum number of connections", "connection limit",
	"bandwidth limits", "rate limit", "throttled", "temporar", "try again later", "try later", "server busy",
}

// loginError tells a refusal from a server that is busy or gone.
func loginError(err error) error {
	var answer *imap.Error
	if !errors.As(err, &answer) || isBusy(err) || answer.Code == imap.ResponseCodeOverQuota {
		return err
	}
	text := strings.ToLower(answer.Text)
	if slices.ContainsFunc(busyWords, func(words string) bool { return strings.Contains(text, words) }) {
		return err
	}
	return refused{err}
}

// isRefusal tells an answer of NO that does not only mean for now.
func isRefusal(err error) bool {
	var answer *imap.Error
	return errors.As(err, &answer) && answer.Type == imap.StatusResponseTypeNo && !isBusy(err)
}

// within runs one step of the protocol under a deadline, at which, or when ctx
// ends, the connection is closed: that wakes whatever the step waits for. The
// step may bring stepBytes.
func (s *session) within(ctx context.Context, limit time.Duration, step func(context.Context) error) error {
	s.conn.allow(stepBytes)
	return s.explain(within(ctx, limit, s.hangUp, step))
}

func within(ctx context.Context, limit time.Duration, hangUp func(), step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(ctx, hangUp)
	defer stop()
	err := step(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("no answer within %v: %w", limit, ctx.Err())
	}
	return err
}

func (s *session) hangUp() {
	if s.conn != nil {
		s.conn.Close()
	}
}

// close ends the connection. The raw connection goes first: the client's own
// Close waits for ever while a literal is unread.
func (s *session) close() {
	s.hangUp()
	if s.client != nil {
		s.client.Close()
	}
}

// has tells whether the server offers a capability.
func (s *session) has(c imap.Cap) bool { return s.caps.Has(c) }

// folder is what opening the folder told.
type folder struct {
	validity uint32
	cursor   uint32 // every UID up to it is in the ledger
	// connectedAt: mail that arrived before is never answered.
	connectedAt time.Time
	keyword     bool   // Keyword can be kept
	first       *tally // of a mailbox never seen before: what waited in it
}

// openFolder selects the folder and compares its UIDVALIDITY, which is told
// only here.
func (s *session) openFolder(ctx context.Context) error {
	data, err := s.selectFolder(ctx, &imap.SelectOptions{ReadOnly: !s.marks()})
	if err != nil {
		return err
	}
	s.turnAt = time.Now().Add(turnEvery)
	s.settle = settleAfter
	if data.UIDValidity == s.folder.validity && s.folder.validity != 0 {
		return nil
	}
	// Whole seconds, as INTERNALDATE: a mail that comes in the second in which
	// the mailbox is connected is not from before.
	now := time.Now().Truncate(time.Second)
	state, err := s.w.deps.Ledger.ConnectMailbox(ctx, now, s.w.box.ID)
	if err != nil {
		return err
	}
	next := folder{keyword: keepsKeyword(data.PermanentFlags)}
	if state.UIDValidity == 0 {
		next.first = &tally{}
	}
	if state.UIDValidity != data.UIDValidity {
		s.w.log.Info("mailbox begins a new epoch", "uidvalidity", data.UIDValidity, "before", state.UIDValidity)
		clear(s.w.suspects)
		if state, err = s.w.deps.Ledger.BeginEpoch(ctx, time.Now(), s.w.box.ID, data.UIDValidity); err != nil {
			return err
		}
	}
	next.validity, next.cursor, next.connectedAt = state.UIDValidity, state.UID, state.ConnectedAt
	s.folder = next
	return nil
}

func (s *session) selectFolder(ctx context.Context, opts *imap.SelectOptions) (data *imap.SelectData, err error) {
	open := func(context.Context) error {
		data, err = s.client.Select(s.w.box.Folder, opts).Wait()
		return err
	}
	if err = s.within(ctx, commandLimit, open); isRefusal(err) && s.has(imap.CapID) {
		// NetEase opens no folder to a client that has not said what it is (RFC
		// 2971), and calls that an unsafe login.
		err = s.within(ctx, commandLimit, func(ctx context.Context) error {
			if _, err := s.client.ID(&imap.IDData{Name: "Signpost", Vendor: "Signpost"}).Wait(); err != nil {
				return err
			}
			return open(ctx)
		})
	}
	if err != nil {
		// Microsoft 365 accepts a token of the wrong scope and says so here.
		if strings.Contains(err.Error(), "authenticated but not connected") {
			err = refused{err}
			if s.token != "" && s.w.box.Refused != nil {
				s.w.box.Refused(s.token) // the next connection asks for another
			}
		}
		return nil, fmt.Errorf("open folder %s: %w", s.w.box.Folder, err)
	}
	if data.UIDValidity == 0 {
		return nil, fmt.Errorf("open folder %s: the server tells no UIDVALIDITY", s.w.box.Folder)
	}
	return data, nil
}

func keepsKeyword(permanent []imap.Flag) bool {
	for _, f := range permanent {
		if f == imap.FlagWildcard || strings.EqualFold(string(f), Keyword) {
			return true
		}
	}
	return false
}

// backoff is the pause before try n+1: doubling, with jitter so that many
// watchers do not come back at once.
func backoff(failures int, refused bool) time.Duration {
	most := maxBackoff
	if refused {
		most = backoffRefused
	}
	pause := backoffFirst << min(failures-1, 16)
	if refused {
		pause *= 30
	}
	pause = min(pause, most)
	return pause/2 + rand.N(pause/2+1)
}

// wait sleeps; false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
