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
	SizeLimit       int64  // the largest message taken, 0: no limit made known
	DSN             bool   // delivery status notifications can be asked for
	SMTPUTF8        bool
	Pipelining      bool
}

// Probe connects to the relay as the sender would, logs in, and asks for
// nothing more than the null sender, which it takes back. Where that fails the
// error is a *DeliveryError whose Stage says where.
func Probe(ctx context.Context, cfg Config) (ProbeResult, error) {
	s, err := open(ctx, cfg.withDefaults(), newLearned())
	if err != nil {
		return ProbeResult{}, err
	}
	defer s.close()
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer stop()
	p := ProbeResult{
		Greeting: s.greeting, LoggedIn: cfg.logsIn(), SizeLimit: s.ext.sizeLimit(),
		DSN: s.ext.has("DSN"), SMTPUTF8: s.ext.has("SMTPUTF8"), Pipelining: s.ext.has("PIPELINING"),
	}
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
	_, err = s.exchange(StageMail, "RSET")
	return p, causedBy(ctx, err)
}
