package outbox

import (
	"context"
	"crypto/tls"
	"time"
)

// ProbeResult is what a relay showed of itself.
type ProbeResult struct {
	Greeting    string
	TLS         string    // the protocol version, "" in the clear
	Certificate time.Time // when the relay's certificate ends; zero in the clear
	LoggedIn    bool
	// NullSender: MAIL FROM:<> was taken. Automatic answers go out under it (RFC
	// 3834 section 3.3), so a relay that refuses it cannot carry them.
	NullSender      bool
	NullSenderReply string // the refusal
	Traits
}

// Probe connects to the relay as the sender would, logs in, and asks for
// nothing more than the null sender, with the parameters that our mail has, which it
// takes back. Where that fails the error is a *DeliveryError whose Stage says where.
func Probe(ctx context.Context, cfg Config) (ProbeResult, error) {
	known := newLearned()
	s, err := open(ctx, cfg.withDefaults(), known)
	if err != nil {
		return ProbeResult{}, err
	}
	defer s.close()
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer stop()
	p := ProbeResult{Greeting: s.greeting, LoggedIn: cfg.logsIn(), Traits: known.traits()}
	if s.tls != nil {
		p.TLS = tls.VersionName(s.tls.Version)
		p.Certificate = s.tls.PeerCertificates[0].NotAfter
	}
	r, err := s.exchange(StageMail, "MAIL FROM:<>")
	if err != nil {
		return p, causedBy(ctx, err)
	}
	if p.NullSender = r.positive(2); !p.NullSender {
		p.NullSenderReply = refused(StageMail, r).said()
		return p, nil
	}
	if _, err = s.exchange(StageMail, "RSET"); err == nil {
		err = s.tryParameters()
	}
	p.Traits = known.traits()
	return p, causedBy(ctx, err)
}

// tryParameters says the envelope of a mail to the relay's postmaster (RFC 5321
// section 4.5.1), with every parameter that our mail has where the relay offers it,
// until it is not refused for them; nothing is sent.
func (s *session) tryParameters() error {
	m := Message{To: "postmaster", EnvelopeID: "check", Bytes: []byte("\xc3\xa9")}
	for again := true; again; {
		stage := StageMail
		r, err := s.exchange(stage, m.mailLine(s.ext))
		if err == nil && r.positive(2) {
			stage = StageRcpt
			r, err = s.exchange(stage, m.rcptLine(s.ext))
		}
		if err != nil {
			return err
		}
		if again = !r.positive(2) && s.forgo(m, refused(stage, r)); r.positive(2) {
			s.without()
		}
		if _, err := s.exchange(StageMail, "RSET"); err != nil {
			return err
		}
	}
	return nil
}
