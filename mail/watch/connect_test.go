package watch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"signpost/mail/oauth"
	"signpost/store"
)

// What waited in a mailbox when it was first connected is judged, counted and
// told, and not answered.
func TestTheFirstConnectionAnswersNothingOld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		var out lockedBuffer
		h.deps.Log = slog.New(slog.NewTextHandler(&out, nil))
		for i := range 3 {
			h.deliverAt(numbered(i), time.Now().Add(-time.Hour))
		}
		h.deliverAt(letter("list@partner.test", "l@partner.test", "List-Id: <news.partner.test>"), time.Now().Add(-time.Hour))
		h.start()
		time.Sleep(time.Second)
		h.decided(4, 0)
		for _, row := range h.rows() {
			if row.Verdict.Kind == store.KindDirect && !fired(row, store.RuleConnected) {
				t.Errorf("mail %d: rules %v", row.UID, row.Verdict.Rules)
			}
		}
		if log := out.String(); !strings.Contains(log, "mails=4 would_have_answered=3") {
			t.Errorf("the log does not tell what waited:\n%s", log)
		}
		if strings.Contains(out.String(), "partner") {
			t.Errorf("the log tells addresses:\n%s", out.String())
		}
		h.deliver(numbered(9))
		time.Sleep(time.Second)
		h.decided(5, 1)
	})
}

// INTERNALDATE has whole seconds: a mail of the very second in which the mailbox
// is connected is not taken for an old one.
func TestAMailInTheSecondOfTheFirstConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		time.Sleep(900 * time.Millisecond)
		h.start()
		time.Sleep(50 * time.Millisecond)
		h.deliver(numbered(1))
		time.Sleep(time.Second)
		h.decided(1, 1)
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"imap.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots}
}

func TestTheConnectionIsProtected(t *testing.T) {
	t.Parallel()
	for _, mode := range []TLSMode{TLSImplicit, TLSStart} {
		for _, host := range []string{"imap.example.com", "imap.evil.test"} {
			t.Run(string(mode)+" "+host, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					server, client := certificate(t)
					secure := func(o *imapserver.Options) { o.TLSConfig, o.InsecureAuth = server, false }
					h := newHouseOn(t, secure, mode == TLSImplicit)
					h.box.TLS, h.box.TLSConfig, h.box.Address = mode, client, host+":993"
					found, err := New(h.box, h.deps).Probe(context.Background())
					if host == "imap.evil.test" {
						if err == nil {
							t.Error("a certificate for another host was taken")
						}
						return
					}
					h.must(err)
					if found.TLS == "" || !found.Idle || !found.Move || !found.Keyword || found.UIDValidity != 1 {
						t.Errorf("found %+v", found)
					}
				})
			})
		}
	}
}

func TestNoPasswordGoesOutUnprotected(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer()
		s.caps = "IMAP4rev1 LOGINDISABLED STARTTLS"
		h := newBadHouse(t, s)
		_, err := New(h.box, h.deps).Probe(context.Background())
		if !isRefused(err) || s.sent("LOGIN") > 0 {
			t.Errorf("error %v, %d logins", err, s.sent("LOGIN"))
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token   string
		next    string // once the first is refused, "" for none
		fails   error
		refused bool
		fault   bool // an error that is no refusal
	}{
		"taken":            {token: "good"},
		"refused":          {token: "stale", refused: true},
		"revoked":          {token: "stale", next: "good"},
		"refused twice":    {token: "stale", next: "stale", refused: true},
		"cannot be had":    {fails: errors.New("the provider is down"), fault: true},
		"is not given":     {fails: fmt.Errorf("%w: invalid_grant", oauth.ErrRefused), refused: true},
		"of a wrong scope": {token: "scope", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer()
				s.caps = "IMAP4rev1 SASL-IR AUTH=XOAUTH2"
				s.instead = func(c *lineConn, tag, command string) bool {
					words := strings.Fields(command)
					switch {
					case words[0] == "AUTHENTICATE":
						said, _ := base64.StdEncoding.DecodeString(words[2])
						if strings.Contains(string(said), "Bearer stale\x01") {
							c.say("+ eyJzdGF0dXMiOiI0MDEifQ==")
							c.r.ReadString('\n')
							c.say("%s NO AUTHENTICATE failed", tag)
							return true
						}
						if !strings.HasPrefix(string(said), "user=support\x01auth=Bearer ") {
							t.Errorf("the client said %q", said)
						}
					case words[0] == "SELECT" && c.s.sent("AUTHENTICATE") > 0 && name == "of a wrong scope":
						c.say("%s BAD User is authenticated but not connected.", tag)
						return true
					}
					return false
				}
				h := newBadHouse(t, s)
				h.box.Token = func(context.Context) (string, error) { return c.token, c.fails }
				h.box.Refused = func(token string) bool {
					dropped := token == c.token && c.next != ""
					c.token = c.next
					return dropped
				}
				_, err := New(h.box, h.deps).Probe(context.Background())
				if (err != nil) != (c.refused || c.fault) || isRefused(err) != c.refused {
					t.Errorf("error %v, want a refusal: %v", err, c.refused)
				}
			})
		})
	}
}

func TestABusyServerIsNotARefusal(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"NO [UNAVAILABLE] try later", "NO [LIMIT] rate limit hit", "NO [THROTTLED] slower", "NO [INUSE] another is here",
		"NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
		"NO [ALERT] Too many simultaneous connections. (Failure)", "no Login temporarily disabled, try again later",
	} {
		t.Run(said, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer()
				s.on("LOGIN", func(c *lineConn, tag string) { c.say("%s %s", tag, said) })
				h := newBadHouse(t, s)
				_, err := New(h.box, h.deps).Probe(context.Background())
				if err == nil || isRefused(err) {
					t.Errorf("error %v, want one that is no refusal", err)
				}
			})
		})
	}
}

// What comes in the clear before TLS is not trusted, since any host in between may
// have written it.
func TestWhatComesBeforeTLSIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string]string{
		"logged in already": "* PREAUTH welcome",
		"goodbye":           "* BYE not now",
		"another protocol":  "220 mx.example.com ESMTP",
	} {
		t.Run(name, func(t *testing.T) { mustNotBeSecured(t, greeting, "%s OK begin") })
	}
	for name, answer := range map[string]string{
		"refused":           "%s NO not here",
		"more than consent": "%s OK begin\r\n* OK [CAPABILITY IMAP4rev1] trust me",
		"no TLS":            "* OK begin\r\n%s OK begin\r\n",
	} {
		t.Run(name, func(t *testing.T) { mustNotBeSecured(t, "* OK ready", answer) })
	}
}

func mustNotBeSecured(t *testing.T, greeting, answer string) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.box.TLS, h.box.TLSConfig = TLSStart, &tls.Config{ServerName: "imap.example.com"}
		var heard lockedBuffer
		h.box.Dial = func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				c := &lineConn{Conn: theirs, r: bufio.NewReader(theirs)}
				c.say("%s", greeting)
				for {
					line, err := c.r.ReadString('\n')
					if err != nil {
						return
					}
					heard.Write([]byte(line))
					if tag, _, ok := strings.Cut(line, " STARTTLS"); ok {
						c.say(answer, tag)
						c.say("")
					}
				}
			}()
			return ours, nil
		}
		_, err := New(h.box, h.deps).Probe(context.Background())
		if err == nil || strings.Contains(heard.String(), "LOGIN") || strings.Contains(heard.String(), "AUTH") {
			t.Errorf("error %v; the client said %q", err, heard.String())
		}
	})
}

func TestADryRunWritesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		for i := range 5 {
			h.deliver(numbered(i))
		}
		h.deliver(letter("", "b@partner.test", "Auto-Submitted: auto-replied"))
		h.deliver(sized("ann@partner.test", "big@partner.test", 1_000_000))
		h.keepBlobs()
		lines, err := New(h.box, h.deps).DryRun(context.Background(), 4)
		h.must(err)
		var answers []string
		for _, l := range lines {
			answers = append(answers, l.AnswerTo)
		}
		want := []string{"person3@partner3.test", "person4@partner4.test", "", "ann@partner.test"}
		if !slices.Equal(answers, want) {
			t.Errorf("would answer %q, want %q", answers, want)
		}
		if lines[2].Verdict.Answer || lines[0].Region != "us" || !strings.Contains(lines[0].From, "person3@") {
			t.Errorf("lines %+v", lines)
		}
		h.decided(0, 0)
		status, err := h.user.Status("INBOX", &imap.StatusOptions{NumUnseen: true})
		h.must(err)
		if *status.NumUnseen != 7 {
			t.Errorf("%d mails are unseen, want all 7", *status.NumUnseen)
		}
	})
}

func TestAMailboxWithoutARegionIsNotWatched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.box.Regions = nil
		if err := New(h.box, h.deps).Run(context.Background()); err == nil {
			t.Error("no error")
		}
	})
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for failures := 1; failures < 100; failures++ {
		if p := backoff(failures, false); p < backoffFirst/2 || p > maxBackoff {
			t.Errorf("pause %v after %d failures", p, failures)
		}
		if p := backoff(failures, true); p < 15*time.Second || p > backoffRefused {
			t.Errorf("pause %v after %d refusals", p, failures)
		}
	}
	if backoff(20, false) < maxBackoff/2 || backoff(20, true) < backoffRefused/2 {
		t.Error("the back-off does not grow")
	}
}
