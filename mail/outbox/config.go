package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"signpost/store"
)

// TLSMode is how the connection to the relay is protected.
type TLSMode string

// The ways to protect the connection.
const (
	// TLSImplicit speaks TLS from the first byte (RFC 8314, port 465).
	TLSImplicit TLSMode = "implicit"
	// TLSRequired asks for STARTTLS (RFC 3207) and sends nothing without it.
	TLSRequired TLSMode = "starttls"
	// TLSOpportunistic uses STARTTLS where it is offered, without verifying the
	// certificate: who can forge one can also hide the offer. It never carries
	// a password, except to a loopback address.
	// Where STARTTLS fails a new connection goes on without it.
	TLSOpportunistic TLSMode = "opportunistic"
	// TLSNone speaks in the clear; for a relay on the same machine.
	TLSNone TLSMode = "none"
)

// AuthMechanism is how the sender logs in.
type AuthMechanism string

// The mechanisms. With AuthAuto a Token means XOAUTH2; a Username means the first
// of PLAIN, LOGIN, SCRAM-SHA-256 and CRAM-MD5 that is offered, since the connection
// is encrypted all the same; with neither there is no login.
const (
	AuthAuto    AuthMechanism = ""
	AuthPlain   AuthMechanism = "PLAIN"
	AuthLogin   AuthMechanism = "LOGIN"
	AuthXOAuth2 AuthMechanism = "XOAUTH2"
	AuthSCRAM   AuthMechanism = "SCRAM-SHA-256" // RFC 7677
	AuthCRAMMD5 AuthMechanism = "CRAM-MD5"      // RFC 2195
)

// Config is how the sender reaches its relay and how patient it is. Zero fields
// take the default named beside them.
type Config struct {
	Addr  string  // the relay, host:port
	TLS   TLSMode // "": implicit
	Hello string  // the name said in EHLO; "": the address of our end of the connection

	// TLSConfig is the base of the connection's TLS settings, for private roots
	// or client certificates; nil: the system's roots. ServerName is the host of
	// Addr unless set.
	TLSConfig *tls.Config

	Auth     AuthMechanism
	Username string
	Password string
	// Token returns a fresh access token for XOAUTH2; it is asked at every login.
	Token func(context.Context) (string, error)
	// Refused is told a token with which the relay refused the login, and returns
	// whether another one is worth a try; nil: never.
	Refused func(token string) bool

	// Owner is the process's name of its own for this start (store.Claim); "": none.
	Owner    string
	Sessions int // parallel connections; 0: 4
	// PerDomain bounds the mails under way to one recipient domain, so that a
	// slow one leaves sessions to the others; 0: half of Sessions, -1: no limit.
	PerDomain int

	ConnectTimeout time.Duration // to a connected socket; 0: 30 s
	// CommandTimeout is for one reply, or for one piece written. A relay may ask
	// others about sender and recipient before it answers; RFC 5321 section 4.5.3.2
	// names 5 minutes, for hosts far away; 0: 2 min.
	CommandTimeout time.Duration
	// SubmitTimeout is how long the relay may think after the final dot. RFC
	// 5321 section 4.5.3.2.6 names 10 minutes for relays that deliver at once; 0: 5 min.
	SubmitTimeout time.Duration
	// Dialogue bounds one try from dialling to the last reply; 0: 7 min. The
	// lease of a row is longer than that by LeaseSlack.
	Dialogue   time.Duration
	LeaseSlack time.Duration // how long a claimed row may wait for a worker; 0: 3 min
	IdleLimit  time.Duration // how long an unused connection is kept; 0: 30 s

	// Retry are the waits after the first, second, ... try; the last one repeats.
	// Each is spread by a fifth to either side. nil: 1, 5, 15, 30 min, 1, 2, 4 h.
	Retry []time.Duration
	// GiveUp is how long after queueing a ticket's mail is tried. RFC 5321
	// section 4.5.4.1 asks for 4 to 5 days; 0: 5 days.
	GiveUp time.Duration
	// Fresh is how long after queueing an auto-response is worth sending; 0: 4 h.
	Fresh time.Duration

	// ProbeFirst and ProbeLast bound the waits between the probes of a relay
	// that is down: they double from one to the other; 0: 1 s and 1 min.
	ProbeFirst time.Duration
	ProbeLast  time.Duration
	// StopGrace is how long dialogues under way may take to end after Run's
	// context ended; 0: 10 s.
	StopGrace time.Duration

	// Clear is told why a connection goes on in the clear under TLSOpportunistic,
	// when that begins; nil: no function is.
	Clear func(why error)
	// Dial opens the connection; nil: TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Defaults are what zero fields stand for.
func Defaults() Config { return Config{}.withDefaults() }

// withDefaults returns c with every zero field set.
func (c Config) withDefaults() Config {
	fill(&c.TLS, TLSImplicit)
	fill(&c.Sessions, 4)
	fill(&c.PerDomain, max(1, c.Sessions/2))
	c.PerDomain = max(0, c.PerDomain) // the store's "no limit" is 0
	fill(&c.ConnectTimeout, 30*time.Second)
	fill(&c.CommandTimeout, 2*time.Minute)
	fill(&c.SubmitTimeout, 5*time.Minute)
	fill(&c.Dialogue, 7*time.Minute)
	fill(&c.LeaseSlack, 3*time.Minute)
	fill(&c.IdleLimit, 30*time.Second)
	fill(&c.GiveUp, 5*24*time.Hour)
	fill(&c.Fresh, 4*time.Hour)
	fill(&c.ProbeFirst, time.Second)
	fill(&c.ProbeLast, time.Minute)
	fill(&c.StopGrace, 10*time.Second)
	if len(c.Retry) == 0 {
		c.Retry = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute,
			30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate returns every fault of the settings, joined, each with a hint.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	host, port, err := net.SplitHostPort(c.Addr)
	fault(err != nil || host == "" || port == "", "relay %q: write it as host:port, for instance smtp.example.com:465",
		c.Addr)
	modes := []TLSMode{TLSImplicit, TLSRequired, TLSOpportunistic, TLSNone}
	fault(!slices.Contains(modes, c.TLS), "tls %q: choose one of implicit, starttls, opportunistic, none", c.TLS)
	mechanisms := []AuthMechanism{AuthAuto, AuthPlain, AuthLogin, AuthXOAuth2}
	fault(!slices.Contains(mechanisms, c.Auth), "auth %q: choose one of PLAIN, LOGIN, XOAUTH2 or leave it out", c.Auth)
	fault(c.logsIn() && !c.verifiesTLS() && !c.loopback(),
		"a login to %s with tls %q would show the password to the network: use implicit or starttls", host, c.TLS)
	fault(c.Auth != AuthAuto && c.Username == "", "auth %s needs a user name", c.Auth)
	fault(c.Auth == AuthXOAuth2 && c.Token == nil, "auth XOAUTH2 needs a token source")
	fault(strings.ContainsAny(c.Hello, " \t\r\n"), "hello %q: write one host name, for instance desk.example.com", c.Hello)
	fault(c.Sessions < 0, "sessions %d: at least 1", c.Sessions)
	for _, d := range append([]time.Duration{c.ConnectTimeout, c.CommandTimeout, c.SubmitTimeout, c.Dialogue, c.LeaseSlack,
		c.IdleLimit, c.GiveUp, c.Fresh, c.ProbeFirst, c.ProbeLast, c.StopGrace}, c.Retry...) {
		fault(d <= 0, "a wait of %v: every wait is longer than nothing", d)
	}
	return errors.Join(faults...)
}

// logsIn tells whether a login is configured.
func (c Config) logsIn() bool { return c.Username != "" || c.Token != nil }

func (c Config) verifiesTLS() bool { return c.TLS == TLSImplicit || c.TLS == TLSRequired }

// host is the name the relay's certificate must bear.
func (c Config) host() string {
	host, _, _ := net.SplitHostPort(c.Addr)
	return host
}

// loopback tells whether the relay's address never leaves this machine.
func (c Config) loopback() bool {
	if c.host() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(c.host())
	return err == nil && ip.IsLoopback()
}

// retryAfter is the wait after the attempt-th try (1 for the first), spread by
// where spread lies between 0 and 1.
func (c Config) retryAfter(attempt int, spread float64) time.Duration {
	i := min(max(attempt, 1), len(c.Retry)) - 1
	return jitter(c.Retry[i], spread)
}

// lease is how long the attempt-th try keeps a row: long enough for the
// dialogue, and never shorter than the wait that follows a failed try, so that
// a mail that crashes the process is not sent to the peer again and again.
func (c Config) lease(attempt int) time.Duration {
	i := min(max(attempt, 1), len(c.Retry)) - 1
	return max(c.Dialogue+c.LeaseSlack, c.Retry[i])
}

// leases are those of all tries.
func (c Config) leases() (all store.Leases) {
	for i := range c.Retry {
		all = append(all, c.lease(i+1))
	}
	return all
}

// LongestWait is more than a mail is ever put off, or leased, by these settings.
func (c Config) LongestWait() time.Duration {
	c = c.withDefaults()
	longest := max(c.lease(len(c.Retry)), c.ProbeLast)
	for attempt := range c.Retry {
		longest = max(longest, c.lease(attempt+1), c.Retry[attempt])
	}
	return jitter(longest, 1) + c.Dialogue
}

// jitter spreads d by a fifth to either side.
func jitter(d time.Duration, spread float64) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*spread))
}
