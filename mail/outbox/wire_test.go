package outbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

// house is a relay made of the library's server: it keeps what it is sent.
type house struct {
	mu    sync.Mutex
	mails []received
}

type received struct {
	TLS        bool
	User       string
	From, To   string
	EnvelopeID string
	Return     smtp.DSNReturn
	Notify     []smtp.DSNNotify
	Original   string
	UTF8       bool
	Text       string
}

func (h *house) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &visit{house: h, conn: c}, nil
}

type visit struct {
	house *house
	conn  *smtp.Conn
	user  string
	mail  received
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "desk" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		v.user = user
		return nil
	}), nil
}

func (v *visit) Mail(from string, o *smtp.MailOptions) error {
	_, encrypted := v.conn.TLSConnectionState()
	v.mail = received{TLS: encrypted, User: v.user, From: from, EnvelopeID: o.EnvelopeID, Return: o.Return, UTF8: o.UTF8}
	return nil
}

func (v *visit) Rcpt(to string, o *smtp.RcptOptions) error {
	v.mail.To, v.mail.Notify, v.mail.Original = to, o.Notify, o.OriginalRecipient
	return nil
}

func (v *visit) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	v.mail.Text = string(b)
	v.house.mu.Lock()
	defer v.house.mu.Unlock()
	v.house.mails = append(v.house.mails, v.mail)
	return err
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

// certificate makes a key pair for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// sendOne runs a sender on cfg until one mail is at its end.
func sendOne(t *testing.T, cfg Config, kind store.OutboundKind, to string, compose Compose) store.Outbound {
	t.Helper()
	box := newMemory()
	id := box.add(kind, to)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := New(cfg, box, compose, slog.New(slog.DiscardHandler), Observer{Attempt: func(Attempt) { cancel() }})
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return box.get(id)
}

func TestEncryptedAndLoggedIn(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	for _, mode := range []TLSMode{TLSRequired, TLSOpportunistic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			addr := serveSMTP(t, h, func(s *smtp.Server) {
				s.EnableDSN = true
				s.AllowInsecureAuth = false
				s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
			})
			cfg := Config{Addr: addr, TLS: mode, Hello: "desk.example", Username: "desk", Password: "secret",
				TLSConfig: &tls.Config{RootCAs: pool}}
			row := sendOne(t, cfg, store.MailConfirmation, "ana+x@partner.example", composed)
			if row.State != store.StateSent {
				t.Fatalf("%s: %s", row.State, row.Reply)
			}
			want := []received{{
				TLS: true, User: "desk", From: "bounce+m1@desk.example", To: "ana+x@partner.example",
				EnvelopeID: "m1@desk.example", Return: smtp.DSNReturnHeaders,
				Notify:   []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed},
				Original: "ana+x@partner.example",
				Text:     "Message-ID: <m1@desk.example>\r\n\r\nHello.\r\n",
			}}
			if diff := cmp.Diff(want, h.mails); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestImplicitTLSAndNullSender(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	h := &house{}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(h)
	srv.EnableDSN = true
	go srv.Serve(tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{cert}}))
	t.Cleanup(func() { srv.Close() })
	cfg := Config{Addr: plain.Addr().String(), Hello: "desk.example", TLSConfig: &tls.Config{RootCAs: pool}}
	row := sendOne(t, cfg, store.MailAutoResponse, "ben@stranger.example", composed)
	if row.State != store.StateSent {
		t.Fatalf("%s: %s", row.State, row.Reply)
	}
	got := h.mails[0]
	if !got.TLS || got.From != "" || len(got.Notify) != 1 || got.Notify[0] != smtp.DSNNotifyNever {
		t.Errorf("the relay got %+v", got)
	}
}

// A certificate of no known authority stops the mail and the password, and fails
// neither for good.
func TestCertificateMustBeTrusted(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t)
	h := &house{}
	addr := serveSMTP(t, h, func(s *smtp.Server) { s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}} })
	cfg := Config{Addr: addr, TLS: TLSRequired, Hello: "desk.example", Username: "desk", Password: "secret"}
	row := sendOne(t, cfg, store.MailConfirmation, "ana@partner.example", composed)
	if row.State != store.StateQueued || !strings.Contains(row.Reply, "certificate") {
		t.Errorf("%s: %s", row.State, row.Reply)
	}
	_, err := Probe(t.Context(), cfg)
	var d *DeliveryError
	if !errors.As(err, &d) || d.Stage != StageTLS || d.Verdict != "" {
		t.Errorf("the probe says %v", err)
	}
}

func TestProbeTellsWhatTheRelayOffers(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	addr := serveSMTP(t, &house{}, func(s *smtp.Server) {
		s.EnableDSN = true
		s.MaxMessageBytes = 4096
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	})
	got, err := Probe(t.Context(), Config{Addr: addr, TLS: TLSRequired, Hello: "desk.example",
		Username: "desk", Password: "secret", TLSConfig: &tls.Config{RootCAs: pool}})
	if err != nil {
		t.Fatal(err)
	}
	want := ProbeResult{
		Greeting: got.Greeting, TLS: "TLS 1.3", Certificate: cert.Leaf.NotAfter, LoggedIn: true, NullSender: true,
		Traits: Traits{Known: true, SizeLimit: 4096, DSN: true, EightBit: true, Pipelining: true, Auth: []string{"PLAIN"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProbeOfARelayThatRefusesTheNullSender(t *testing.T) {
	t.Parallel()
	p := newPeer(map[string]string{"MAIL": "550 5.7.1 no bounces here"})
	got, err := Probe(t.Context(), Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial})
	if err != nil || got.NullSender || got.NullSenderReply != "550 5.7.1 no bounces here" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The dialogues of a login, line by line, as the relay sees them.
func TestLogins(t *testing.T) {
	t.Parallel()
	token := func(context.Context) (string, error) { return "tok", nil }
	for _, c := range []struct {
		name   string
		offer  string
		change func(*Config)
		script map[string]string
		want   []string
		err    string
	}{
		{name: "plain is preferred", offer: "LOGIN PLAIN",
			want: []string{"AUTH PLAIN AGRlc2sAc2VjcmV0"}},
		{name: "login where it is all", offer: "LOGIN",
			script: map[string]string{"AUTH": "334 VXNlcm5hbWU6", "ZGVzaw==": "334 cGFzcw==", "c2VjcmV0": "235 ok"},
			want:   []string{"AUTH LOGIN", "ZGVzaw==", "c2VjcmV0"}},
		{name: "xoauth2", offer: "LOGIN XOAUTH2", change: func(c *Config) { c.Token = token },
			want: []string{"AUTH XOAUTH2 dXNlcj1kZXNrAWF1dGg9QmVhcmVyIHRvawEB"}},
		{name: "xoauth2 refused with an account", offer: "XOAUTH2", change: func(c *Config) { c.Token = token },
			script: map[string]string{"AUTH": "334 eyJzdGF0dXMiOiI0MDEifQ==", "": "535 5.7.3 no"},
			want:   []string{"AUTH XOAUTH2 dXNlcj1kZXNrAWF1dGg9QmVhcmVyIHRvawEB", ""},
			err:    `at auth: 535 5.7.3 no {"status":"401"}`},
		{name: "no token", offer: "XOAUTH2",
			change: func(c *Config) {
				c.Token = func(context.Context) (string, error) { return "", errors.New("expired") }
			},
			err: "at auth: no access token: expired"},
		{name: "nothing we know", offer: "GSSAPI",
			err: `at auth: the relay does not offer AUTH PLAIN (it offers "GSSAPI")`},
		{name: "questions without end", offer: "LOGIN",
			script: map[string]string{"AUTH": "334 ", "ZGVzaw==": "334 ", "c2VjcmV0": "334 "},
			want:   []string{"AUTH LOGIN", "ZGVzaw==", "c2VjcmV0"},
			err:    "at auth: " + sasl.ErrUnexpectedServerChallenge.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 AUTH " + c.offer, "AUTH": "235 ok"})
			for k, v := range c.script {
				p.set(k, v)
			}
			cfg := Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Username: "desk",
				Password: "secret", Dial: p.dial}
			if c.change != nil {
				c.change(&cfg)
			}
			s, err := open(t.Context(), cfg.withDefaults(), newLearned())
			if err == nil {
				s.close()
			} else if err.Error() != c.err {
				t.Errorf("error %q, want %q", err, c.err)
			}
			if (err == nil) != (c.err == "") {
				t.Errorf("error %v, want %q", err, c.err)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			var got []string
			for _, l := range p.lines[1:] {
				if l != "QUIT" {
					got = append(got, l)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A relay that refuses a token may be shown another one, on a new connection, and
// no third.
func TestARevokedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	const stale, good = "AUTH XOAUTH2 dXNlcj1kZXNrAWF1dGg9QmVhcmVyIHRvawEB",
		"AUTH XOAUTH2 dXNlcj1kZXNrAWF1dGg9QmVhcmVyIG5ldwEB"
	for name, c := range map[string]struct {
		script map[string]string
		worth  bool
		want   []string
		err    string
	}{
		"the next one is good": {script: map[string]string{stale: "535 5.7.8 no", good: "235 ok"}, worth: true,
			want: []string{stale, good}},
		"the next one is not": {script: map[string]string{"AUTH": "535 5.7.8 no"}, worth: true, want: []string{stale, good},
			err: "at auth: 535 5.7.8 no"},
		"there is no next one": {script: map[string]string{"AUTH": "535 5.7.8 no"}, want: []string{stale},
			err: "at auth: 535 5.7.8 no"},
		"the relay has trouble": {script: map[string]string{"AUTH": "454 4.7.0 later"}, worth: true, want: []string{stale},
			err: "at auth: 454 4.7.0 later"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 AUTH XOAUTH2"})
			for k, v := range c.script {
				p.set(k, v)
			}
			token := "tok"
			s, err := open(t.Context(), Config{
				Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Username: "desk", Dial: p.dial,
				Token: func(context.Context) (string, error) { return token, nil },
				Refused: func(refused string) bool {
					if refused != token {
						t.Errorf("told of %q, held %q", refused, token)
					}
					token = "new"
					return c.worth
				},
			}.withDefaults(), newLearned())
			if err == nil {
				s.close()
			}
			if err == nil && c.err != "" || err != nil && err.Error() != c.err {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, p.said("AUTH")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoPasswordInTheClear(t *testing.T) {
	t.Parallel()
	p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 AUTH PLAIN"})
	for _, mode := range []TLSMode{TLSNone, TLSOpportunistic} {
		cfg := Config{Addr: "192.0.2.1:25", TLS: mode, Hello: "desk.example", Username: "desk",
			Password: "secret", Dial: p.dial}
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: the settings are accepted", mode)
		}
		if s, err := open(t.Context(), cfg.withDefaults(), newLearned()); err == nil {
			s.close()
			t.Errorf("%s: logged in", mode)
		}
	}
	if said := p.said("AUTH"); len(said) > 0 {
		t.Errorf("the network saw %q", said)
	}
}

func TestTLSIsNotTalkedAway(t *testing.T) {
	t.Parallel()
	for want, script := range map[string]map[string]string{
		"does not offer STARTTLS": nil,
		"454 4.7.0 not now":       {"EHLO": "250-relay.example\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 not now"},
		"spoke on after agreeing": {"EHLO": "250-relay.example\r\n250 STARTTLS", "STARTTLS": "220 go on\r\n250 PIPELINING"},
	} {
		p := newPeer(script)
		_, err := open(t.Context(), Config{Addr: "127.0.0.1:25", TLS: TLSRequired, Hello: "desk.example",
			Dial: p.dial}.withDefaults(), newLearned())
		var d *DeliveryError
		if !errors.As(err, &d) || d.Stage != StageTLS || d.Verdict != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want word of %q", err, want)
		}
	}
}

func TestOldRelayWithoutEHLO(t *testing.T) {
	t.Parallel()
	p := newPeer(map[string]string{"EHLO": "502 5.5.1 what?"})
	cfg := Config{Addr: "127.0.0.1:25", TLS: TLSNone, Dial: p.dial}
	r := newRelay(cfg.withDefaults(), func(RelayStatus) {})
	defer r.shut()
	m, _ := composed(context.Background(), store.Outbound{MessageID: "m@desk.example", To: "ana@partner.example"})
	if _, err := r.send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	want := []string{"EHLO localhost", "HELO localhost", "MAIL FROM:<bounce+m@desk.example>",
		"RCPT TO:<ana@partner.example>", "DATA"}
	if diff := cmp.Diff(want, p.lines); diff != "" {
		t.Error(diff)
	}
}

// TestRelayThatKnowsNoGreeting refuses HELO too, and gets no mail.
func TestRelayThatKnowsNoGreeting(t *testing.T) {
	t.Parallel()
	p := newPeer(map[string]string{"EHLO": "502 5.5.1 what?", "HELO": "550 5.7.1 not you"})
	cfg := Config{Addr: "127.0.0.1:25", TLS: TLSNone, Dial: p.dial}
	r := newRelay(cfg.withDefaults(), func(RelayStatus) {})
	defer r.shut()
	m, _ := composed(context.Background(), store.Outbound{MessageID: "m@desk.example", To: "ana@partner.example"})
	var d *DeliveryError
	if _, err := r.send(t.Context(), m); !errors.As(err, &d) || d.Stage != StageHello || d.Code != 550 {
		t.Errorf("%v, want its refusal of HELO", err)
	}
	if slices.ContainsFunc(p.lines, func(line string) bool { return strings.HasPrefix(line, "MAIL") }) {
		t.Errorf("it was told %q", p.lines)
	}
}

func TestAddressesBeyondASCII(t *testing.T) {
	t.Parallel()
	compose := func(ctx context.Context, row store.Outbound) (Message, error) {
		m, err := composed(ctx, row)
		m.UTF8 = true
		return m, err
	}
	h := &house{}
	addr := serveSMTP(t, h, func(s *smtp.Server) { s.EnableDSN, s.EnableSMTPUTF8 = true, true })
	cfg := Config{Addr: addr, TLS: TLSNone, Hello: "desk.example"}
	row := sendOne(t, cfg, store.MailConfirmation, "josé@correo.example", compose)
	if row.State != store.StateSent || !h.mails[0].UTF8 || h.mails[0].To != "josé@correo.example" ||
		h.mails[0].Original != "josé@correo.example" {
		t.Errorf("%s (%s): %+v", row.State, row.Reply, h.mails)
	}
	cfg.Addr = serveSMTP(t, h, nil)
	row = sendOne(t, cfg, store.MailConfirmation, "josé@correo.example", compose)
	if row.State != store.StateFailed || !strings.Contains(row.Reply, "SMTPUTF8") {
		t.Errorf("%s (%s)", row.State, row.Reply)
	}
}

func TestEightBitsAreAnnounced(t *testing.T) {
	t.Parallel()
	m := Message{From: "a@desk.example", To: "ana@partner.example", Bytes: []byte("Guten Tag, schöne Grüße\r\n")}
	offered := extensions{"8BITMIME": "", "SIZE": "1000"}
	if got := m.mailLine(offered); got != "MAIL FROM:<a@desk.example> SIZE=28 BODY=8BITMIME" {
		t.Error(got)
	}
	if got := m.mailLine(nil); got != "MAIL FROM:<a@desk.example>" {
		t.Error(got)
	}
}

func TestMessageArrivesLineByLine(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"":                        "",
		"a":                       "a\r\n",
		"a\r\n.\r\nb\r\n":         "a\r\n..\r\nb\r\n",
		".hidden\r\n":             "..hidden\r\n",
		"lone\nLF and\rCR\r\n":    "lone\r\nLF and\r\nCR\r\n",
		"a\n.\nMAIL FROM:<x@y>\n": "a\r\n..\r\nMAIL FROM:<x@y>\r\n",
		"a\r.\rMAIL":              "a\r\n..\r\nMAIL\r\n",
		"a\r\r\nb":                "a\r\n\r\nb\r\n",
		"end\r":                   "end\r\n",
	} {
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		if err := writeBody(w, []byte(sent)); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if out.String() != want {
			t.Errorf("%q goes out as %q, want %q", sent, out.String(), want)
		}
	}
}
