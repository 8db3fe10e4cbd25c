package outbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"signpost/mail/oauth"
)

// session is one connection to the relay, greeted, encrypted and logged in as
// configured, and ready for a mail. It is used by one goroutine at a time.
//
// It is our own and not the library's, for four reasons: the name in the first
// EHLO must be right also where STARTTLS follows; a try must know to the byte
// whether the final dot went out; every read and write must obey a rolling
// deadline and a context; and MAIL, RCPT and DATA go out in one packet where the
// relay offers PIPELINING, which saves two round trips a mail.
type session struct {
	cfg      Config
	learned  *learned
	raw      net.Conn // the socket, below any TLS: closing it never blocks
	roll     *rollingConn
	r        *bufio.Reader
	w        *bufio.Writer
	ext      extensions
	greeting string
	tls      *tls.ConnectionState // nil in the clear
	token    string               // the login was tried with, "" for a password
	carried  int                  // mails the relay took over it
	worn     bool                 // it takes no more mails; a new one may
	dead     bool                 // no further command can be sent
	lesser   bool                 // the relay refused parameters that it offers
	forgone  []string             // the keywords of those given up for the mail under way
	reap     *time.Timer          // closes it when it lies idle too long
}

// open connects to the relay and brings the session to where it takes mail. A
// token that is refused is replaced once: it may have been revoked.
//
// Under TLSOpportunistic a STARTTLS that fails is no reason not to send: the next
// connection, once, goes on in the clear.
func open(ctx context.Context, cfg Config, known *learned) (*session, error) {
	s, err := connect(ctx, cfg, known)
	if err == nil {
		if s.tls != nil {
			known.inClear("")
		}
		return s, nil
	}
	d := asDelivery(StageConnect, err)
	switch {
	case s == nil || ctx.Err() != nil:
		return nil, err
	case s.token != "" && d.Stage == StageAuth && d.Code >= 500 && cfg.Refused != nil && cfg.Refused(s.token):
	case d.Stage == StageTLS && cfg.TLS == TLSOpportunistic:
		if known.inClear(d.Error()) && cfg.Clear != nil {
			cfg.Clear(err)
		}
		cfg.TLS = TLSNone
	default:
		return nil, err
	}
	if s, err = connect(ctx, cfg, known); err != nil {
		return nil, err
	}
	return s, nil
}

// connect makes one attempt at a session; where it comes to speak with the relay,
// the session is returned with an error too, closed.
func connect(ctx context.Context, cfg Config, known *learned) (*session, error) {
	dialCtx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	raw, err := cfg.Dial(dialCtx, "tcp", cfg.Addr)
	if err != nil {
		return nil, broken(StageConnect, err)
	}
	s := &session{cfg: cfg, learned: known, raw: raw, roll: &rollingConn{Conn: raw, wait: cfg.CommandTimeout}}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	if err := s.begin(ctx); err != nil {
		raw.Close()
		return s, causedBy(ctx, err)
	}
	return s, nil
}

// causedBy puts the reason why ctx ended in the place of the closed socket it
// left behind.
func causedBy(ctx context.Context, err error) error {
	var d *DeliveryError
	if ctx.Err() != nil && errors.As(err, &d) && d.Code == 0 {
		d.Err = context.Cause(ctx)
	}
	return err
}

// over makes the session speak over conn.
func (s *session) over(conn net.Conn) {
	s.r = bufio.NewReaderSize(conn, readerSize)
	s.w = bufio.NewWriterSize(conn, 16<<10)
}

func (s *session) begin(ctx context.Context) error {
	s.over(s.roll)
	if s.cfg.TLS == TLSImplicit {
		if err := s.handshake(ctx, StageConnect, true); err != nil {
			return err
		}
	}
	r, err := s.read(StageGreeting)
	if err != nil {
		return err
	}
	if r.code != 220 {
		return refused(StageGreeting, r)
	}
	s.greeting = r.text
	if err := s.hello(); err != nil {
		return err
	}
	if err := s.encrypt(ctx); err != nil {
		return err
	}
	s.ext = s.learned.offered(s.ext)
	return s.authenticate(ctx)
}

// hello says EHLO, or HELO to a server that knows no EHLO.
func (s *session) hello() error {
	name := s.cfg.Hello
	if name == "" {
		name = addressLiteral(s.raw.LocalAddr())
	}
	r, err := s.exchange(StageHello, "EHLO "+name)
	if err != nil {
		return err
	}
	if r.code == 500 || r.code == 502 {
		s.ext = nil
		if r, err = s.exchange(StageHello, "HELO "+name); err != nil {
			return err
		}
	}
	if r.code != 250 {
		return refused(StageHello, r)
	}
	s.ext = parseExtensions(r.text)
	return nil
}

// addressLiteral is what a host without a name says in EHLO (RFC 5321 section
// 4.1.4 and 4.1.3).
func addressLiteral(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "localhost"
	}
	if ip := tcp.IP.To4(); ip != nil {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + tcp.IP.String() + "]"
}

// encrypt starts TLS where the mode asks for it and the relay offers it.
func (s *session) encrypt(ctx context.Context) error {
	if s.cfg.TLS != TLSRequired && s.cfg.TLS != TLSOpportunistic {
		return nil
	}
	if !s.ext.has("STARTTLS") {
		if s.cfg.TLS == TLSOpportunistic {
			return nil
		}
		return broken(StageTLS, errors.New("the relay does not offer STARTTLS"))
	}
	r, err := s.exchange(StageTLS, "STARTTLS")
	if err != nil {
		return err
	}
	if r.code != 220 {
		return refused(StageTLS, r)
	}
	if s.r.Buffered() > 0 {
		// Whatever was slipped in before the handshake would be taken for a
		// reply given under TLS.
		return broken(StageTLS, errors.New("the relay spoke on after agreeing to STARTTLS"))
	}
	if err := s.handshake(ctx, StageTLS, s.cfg.TLS == TLSRequired); err != nil {
		return err
	}
	return s.hello() // RFC 3207 section 4.2: what was said before is forgotten
}

func (s *session) handshake(ctx context.Context, stage Stage, verify bool) error {
	cfg := &tls.Config{}
	if s.cfg.TLSConfig != nil {
		cfg = s.cfg.TLSConfig.Clone()
	}
	fill(&cfg.ServerName, s.cfg.host())
	fill(&cfg.MinVersion, tls.VersionTLS12)
	if !verify {
		cfg.InsecureSkipVerify = true // see TLSOpportunistic
	}
	conn := tls.Client(s.roll, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return broken(stage, err)
	}
	state := conn.ConnectionState()
	s.tls = &state
	s.over(conn)
	return nil
}

// authenticate logs in where a login is configured, never over a line that
// others can read.
func (s *session) authenticate(ctx context.Context) error {
	if !s.cfg.logsIn() {
		return nil
	}
	if !s.cfg.verifiesTLS() && !s.cfg.loopback() {
		return broken(StageAuth, errors.New("no login without verified TLS"))
	}
	client, err := s.cfg.mechanism(ctx, s.ext.mechanisms())
	if err != nil {
		return broken(StageAuth, err)
	}
	if x, ok := client.(*oauth.XOAUTH2); ok {
		s.token = x.Token
	}
	return s.login(client)
}

// deliver holds the dialogue of one mail and returns the relay's final reply.
// Every error is a *DeliveryError. The session can be used again unless it is
// dead afterwards.
func (s *session) deliver(ctx context.Context, m Message) (reply, error) {
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer stop()
	for {
		if err := s.fits(m); err != nil {
			return reply{}, err
		}
		err := s.envelope(m)
		if err == nil {
			break
		}
		less := s.forgo(m, err)
		s.recover(err)
		if s.dead {
			s.without() // it hung up over them
		}
		if !less || s.dead {
			return reply{}, causedBy(ctx, err)
		}
	}
	s.without()
	r, err := s.content(m.Bytes)
	if err != nil {
		return reply{}, causedBy(ctx, err)
	}
	if !r.positive(2) {
		s.dead = s.dead || r.code == 421
		err := refused(StageDot, r)
		s.wear(err)
		return reply{}, err
	}
	if s.carried++; s.carried == s.learned.limit() {
		s.worn = true
	}
	return r, nil
}

// forgo gives up those of our optional parameters that a reply refuses, where the
// mail can do without, and tells whether the mail is worth sending once more so. One
// that says nothing of which it means may mean all of the command.
func (s *session) forgo(m Message, cause error) bool {
	d := asDelivery(StageMail, cause)
	r := reply{code: d.Code, enhanced: d.Enhanced, text: d.Reply}
	if readWords(d.Stage, r, Parties{To: m.To, Ours: []string{m.From}}).subject() != aboutParameters {
		return false
	}
	less := false
	for _, keyword := range m.optional(d.Stage, d.Reply) {
		if s.ext.has(keyword) {
			delete(s.ext, keyword)
			s.forgone = append(s.forgone, keyword)
			less = true
		}
	}
	if !less {
		d.Verdict = Hold // it is none of our parameters, or one that this mail needs
	}
	s.lesser = s.lesser || less
	return less
}

// without takes down that the relay takes what it refused with the parameters given
// up since: it is never given them again.
func (s *session) without() {
	for _, keyword := range s.forgone {
		s.learned.forgo(keyword)
	}
	s.forgone = nil
}

// wear retires a connection that has carried mails when a reply says that it takes
// no more, wherever it says so; some end it with the words (421).
func (s *session) wear(d *DeliveryError) {
	if s.carried == 0 || d.Code < 400 || s.dead && d.Code != 421 {
		return
	}
	isLimit := ofSession.MatchString(strings.ToLower(d.Reply)) || d.Enhanced == "4.4.5"
	s.worn = s.worn || isLimit || d.Code == 421 || d.Stage == StageMail && d.Code/100 == 4
	if isLimit && d.Stage != StageMail {
		s.learned.limited(s.carried)
	}
}

// fits refuses a mail that this relay has said it cannot take.
func (s *session) fits(m Message) error {
	if limit := s.ext.sizeLimit(); limit > 0 && int64(len(m.Bytes)) > limit {
		return unsendable("%w: it has %d bytes, the relay takes %d", errTooLarge, len(m.Bytes), limit)
	}
	if m.UTF8 && !s.ext.has(extSMTPUTF8) {
		return unsendable("an address is not ASCII and the relay does not offer SMTPUTF8 (RFC 6531)")
	}
	return nil
}

// envelope brings the dialogue to where the relay waits for the message.
func (s *session) envelope(m Message) error {
	steps := []struct {
		stage Stage
		line  string
		class int
	}{
		{StageMail, m.mailLine(s.ext), 2},
		{StageRcpt, m.rcptLine(s.ext), 2},
		{StageData, "DATA", 3},
	}
	pipelined := s.ext.has("PIPELINING") // RFC 2920: DATA ends a group
	if pipelined {
		for _, step := range steps {
			s.w.WriteString(step.line + "\r\n")
		}
		if err := s.flush(StageMail); err != nil {
			return err
		}
	}
	var first error
	for _, step := range steps {
		if !pipelined {
			if err := s.write(step.stage, step.line); err != nil {
				return err
			}
		}
		r, err := s.read(step.stage)
		switch {
		case err != nil && first != nil:
			return first // the reply that came says more than the silence after it
		case err != nil:
			return err
		case r.code == 354 && step.class == 3 && first != nil:
			// It waits for a message that has no recipient. RFC 2920 section 3.1
			// would send it an empty one; hanging up is safer.
			s.dead = true
		case !r.positive(step.class) && first == nil:
			first = refused(step.stage, r)
			s.dead = s.dead || r.code == 421 || loginReply(r.code)
			if !pipelined || s.dead {
				return first
			}
		}
	}
	return first
}

// content sends the message and the final dot and waits for the verdict on it.
func (s *session) content(message []byte) (reply, error) {
	if err := writeBody(s.w, message); err != nil {
		s.dead = true
		return reply{}, broken(StageData, err)
	}
	// What is still in the buffer goes out together with the dot: from here on
	// it is unknown whether the relay has seen it.
	s.w.WriteString(".\r\n")
	if err := s.flush(StageDot); err != nil {
		return reply{}, err
	}
	s.roll.wait = s.cfg.SubmitTimeout
	defer func() { s.roll.wait = s.cfg.CommandTimeout }()
	return s.read(StageDot)
}

// recover ends a refused transaction, so that the session takes the next mail.
// Relays that limit the mails of one connection do not all hang up at the limit:
// some put off every MAIL that follows.
func (s *session) recover(cause error) {
	d := asDelivery(StageMail, cause)
	s.wear(d)
	if s.dead || d.Stage == StageMail { // no transaction was begun
		return
	}
	if r, err := s.exchange(StageMail, "RSET"); err != nil || !r.positive(2) {
		s.dead = true
	}
}

// alive tells whether the relay still answers.
func (s *session) alive(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer stop()
	r, err := s.exchange(StageMail, "NOOP")
	s.dead = s.dead || r.code == 421
	return err == nil && r.positive(2)
}

// exchange sends one command and reads its reply.
func (s *session) exchange(stage Stage, line string) (reply, error) {
	if err := s.write(stage, line); err != nil {
		return reply{}, err
	}
	return s.read(stage)
}

func (s *session) write(stage Stage, line string) error {
	s.w.WriteString(line + "\r\n")
	return s.flush(stage)
}

func (s *session) flush(stage Stage) error {
	if err := s.w.Flush(); err != nil {
		s.dead = true
		return broken(stage, err)
	}
	return nil
}

func (s *session) read(stage Stage) (reply, error) {
	r, err := readReply(s.r)
	if err != nil {
		s.dead = true
		return reply{}, broken(stage, fmt.Errorf("waiting for a reply: %w", err))
	}
	return r, nil
}

// quitWait is how long QUIT on an idle connection may take; no mail depends
// on it.
const quitWait = 2 * time.Second

// close says QUIT where the session still lives, and closes it.
func (s *session) close() {
	defer s.raw.Close()
	if s.dead {
		return
	}
	s.roll.wait = quitWait
	defer time.AfterFunc(quitWait, func() { s.raw.Close() }).Stop() // also one that speaks on and on
	s.exchange(StageMail, "QUIT")
}
