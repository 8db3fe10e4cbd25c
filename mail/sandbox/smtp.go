package sandbox

import (
	"crypto/subtle"
	"io"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// smtpSession is one SMTP connection after its EHLO.
type smtpSession struct {
	server *Server
	env    envelope
	slow   bool // a recipient's host takes its time
}

var _ smtp.AuthSession = (*smtpSession)(nil)

func (s *Server) newSMTPSession(c *smtp.Conn) (smtp.Session, error) {
	session := &smtpSession{server: s}
	session.env.helo = c.Hostname()
	if host, _, err := net.SplitHostPort(c.Conn().RemoteAddr().String()); err == nil {
		session.env.peer = host
	}
	return session, nil
}

func (s *smtpSession) Reset() {
	s.env = envelope{helo: s.env.helo, peer: s.env.peer}
	s.slow = false
}

func (s *smtpSession) Logout() error { return nil }

func (s *smtpSession) Mail(from string, opts *smtp.MailOptions) error {
	if len(from) > 320 {
		return &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "That sender is too long"}
	}
	s.env.from = from
	s.env.utf8, s.env.envID, s.env.ret = opts.UTF8, opts.EnvelopeID, opts.Return
	return nil
}

func (s *smtpSession) Rcpt(to string, opts *smtp.RcptOptions) error {
	if s.server.BehaviourOf(to) == Slow {
		s.slow = true
	}
	s.dawdle()
	if err := s.server.accept(s.env.from, to); err != nil {
		return err
	}
	r := rcpt{address: to, notify: opts.Notify}
	if opts.OriginalRecipient != "" {
		r.orcpt = string(opts.OriginalRecipientType) + ";" + opts.OriginalRecipient
	}
	s.env.rcpts = append(s.env.rcpts, r)
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.dawdle()
	return s.server.deliver(s.env, raw)
}

// dawdle waits before a reply of a slow host, until the server closes.
func (s *smtpSession) dawdle() {
	if !s.slow {
		return
	}
	wait := time.NewTimer(s.server.cfg.Slow)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.server.stop.Done():
	}
}

// AuthMechanisms offers a login, for clients that insist on one; nothing needs it.
func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (s *smtpSession) Auth(mech string) (sasl.Server, error) {
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, _, password string) error { return s.server.checkPassword(password) }), nil
	case sasl.Login:
		return &loginServer{check: s.server.checkPassword}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *Server) checkPassword(password string) error {
	if subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password)) != 1 {
		return smtp.ErrAuthFailed
	}
	return nil
}

// loginServer is the server's half of the LOGIN mechanism (never an RFC; the
// prompts are those every client expects).
type loginServer struct {
	check func(password string) error
	named bool
	asked bool
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case !l.named && response == nil && !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case !l.named:
		l.named = true
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(string(response))
}
