package watch

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	"signpost/mail/triage"
	"signpost/store"
)

// names is a DNS in memory. A name set to an error answers with it.
type names struct {
	mu  sync.Mutex
	txt map[string]string
	mx  map[string]any // []*net.MX or error
}

var (
	errNoName  = &net.DNSError{Err: "no such host", IsNotFound: true}
	errNoReply = &net.DNSError{Err: "i/o timeout", IsTimeout: true, IsTemporary: true}
)

func (n *names) LookupTXT(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch txt, ok := n.txt[strings.TrimSuffix(name, ".")]; {
	case !ok:
		return nil, errNoName
	case txt == "":
		return nil, errNoReply
	default:
		return []string{txt}, nil
	}
}

func (n *names) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch v := n.mx[name].(type) {
	case []*net.MX:
		return v, nil
	case error:
		return nil, v
	}
	return nil, errNoName
}

func (n *names) LookupHost(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err, ok := n.mx[name].(error); ok {
		return nil, err
	}
	if name == "host.test" {
		return []string{"192.0.2.9"}, nil
	}
	return nil, errNoName
}

func (n *names) set(name string, v any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mx[name] = v
}

// signed is a mail that no host has vouched for, signed by its domain.
func signed(t *testing.T, from string) (raw, record string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := "Return-Path: <" + from + ">\r\n" + "From: A Person <" + from +
		">\r\nTo: partner-us.support@example.com\r\nSubject: A question\r\nMessage-ID: <s@partner.test>\r\n\r\nHow?\r\n"
	var out bytes.Buffer
	err = dkim.Sign(&out, strings.NewReader(plain), &dkim.SignOptions{Domain: store.Domain(from), Selector: "s1",
		Signer: private, HeaderKeys: []string{"From", "To", "Subject", "Message-ID"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
}

func TestASignatureIsVerifiedHere(t *testing.T) {
	t.Parallel()
	mx := map[string]any{"partner.test": []*net.MX{{Host: "mx.partner.test."}}}
	tell := func(name string, dns func(record string) *names, change func(raw string) string, answers int) {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				raw, record := signed(t, "ann@partner.test")
				h.deps.Resolver = dns(record)
				h.deliver(change(raw))
				h.start()
				time.Sleep(2 * time.Hour)
				h.decided(1, answers)
			})
		})
	}
	same := func(raw string) string { return raw }
	right := func(record string) *names {
		return &names{mx: mx, txt: map[string]string{"s1._domainkey.partner.test": record}}
	}
	tell("it holds", right, same, 1)
	tell("the text was changed", right, func(raw string) string { return strings.Replace(raw, "How?", "Buy!", 1) }, 0)
	tell("no key", func(string) *names { return &names{mx: mx} }, same, 0)
	tell("the name server is silent for good", func(string) *names {
		return &names{mx: mx, txt: map[string]string{"s1._domainkey.partner.test": ""}}
	}, same, 0)
	tell("without a signature", right, func(raw string) string { return raw[strings.Index(raw, "Return-Path"):] }, 0)
}

// A mail that a host signed once proves nothing below another From: whatever keeps the
// one reader from the second From must keep the other from the signature.
func TestASignatureProvesNoFromThatWasPutAboveIt(t *testing.T) {
	t.Parallel()
	const forged = "Return-Path: <victim@partner.test>\r\nFrom: Victim <victim@partner.test>\r\n" +
		"To: partner-us.support@example.com\r\nSubject: A question\r\nDKIM-Signature: x\r\nX: a\r\n"
	for name, between := range map[string]string{
		"nothing":                                  "",
		"a fold of a space":                        " \r\n",
		"a fold of white space":                    "\t \t\r\n",
		"two folds of white space":                 " \r\n\t\r\n",
		"a fold of a wider space":                  " \u00a0\r\n",
		"a wider space":                            "\u3000\r\n",
		"a carriage return":                        "\r\r\n",
		"a fold of a carriage return":              " \r\r\n",
		"a line that is no field":                  "no field\r\n",
		"lines that are no field":                  strings.Repeat("no field\r\n", 31),
		"lines that are no field, behind a name":   strings.Repeat("no field : x\r\n", 31),
		"folds of white space behind such a line":  "no field\r\n" + strings.Repeat(" \r\n", 40),
		"a name too long to be read":               strings.Repeat("x", 300) + ": a\r\n",
		"fields beyond the bytes that are read":    strings.Repeat("X: "+strings.Repeat("x", 15_000)+"\r\n", 80),
		"fields beyond the number that is counted": strings.Repeat("X: a\r\n", 2_100),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				raw, record := signed(t, "mallory@partner.test")
				h := newBadHouse(t, newLineServer(forged+between+raw, raw))
				h.keepBlobs()
				h.deps.Resolver = &names{
					mx:  map[string]any{"partner.test": []*net.MX{{Host: "mx.partner.test."}}},
					txt: map[string]string{"s1._domainkey.partner.test": record},
				}
				h.start()
				time.Sleep(2 * time.Hour)
				h.decided(2, 1) // the mail itself, as it was signed
			})
		})
	}
}

// A filter that folds its report with a line of white space hides nothing below it.
func TestWhatStandsBelowAFoldOfWhiteSpaceIsHeard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		report := "X-Spam-Report: a\r\n\t \r\n\tb\r\n \r\n"
		h := newBadHouse(t, newLineServer(report+letter("ann@partner.test", "one@partner.test")))
		h.start()
		time.Sleep(2 * time.Hour)
		h.decided(1, 1)
	})
}

func TestTheAnswersDomainTakesMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mx      any
		from    string
		rule    string
		answers int
	}{
		"an MX":               {mx: []*net.MX{{Host: "mx.partner.test."}}, answers: 1},
		"an address alone":    {from: "ann@host.test", answers: 1},
		"null MX":             {mx: []*net.MX{{Host: "."}}, rule: RuleNullMX},
		"no such domain":      {rule: RuleNoDomain},
		"a server that fails": {mx: errors.New("server misbehaving"), rule: RuleDNSSilence},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				h.deps.Resolver = &names{mx: map[string]any{"partner.test": c.mx}}
				from := c.from
				if from == "" {
					from = "ann@partner.test"
				}
				h.deliver(letter(from, "one@partner.test"))
				h.start()
				time.Sleep(2 * time.Hour)
				h.decided(1, c.answers)
				if c.rule != "" && !fired(h.rows()[0], c.rule) {
					t.Errorf("rules %v, want %s", h.rows()[0].Verdict.Rules, c.rule)
				}
			})
		})
	}
}

func fired(row store.Inbound, id string) bool {
	for _, r := range row.Verdict.Rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

func TestANameServerThatComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		dns := &names{mx: map[string]any{"partner.test": errNoReply, "other.test": []*net.MX{{Host: "mx.other.test."}}}}
		h.deps.Resolver = dns
		h.start()
		h.deliver(letter("ann@partner.test", "one@partner.test"))
		h.deliver(letter("bob@other.test", "two@other.test"))
		time.Sleep(10 * time.Minute)
		if n := len(h.outbox()); n != 1 {
			t.Errorf("%d answers while the name server is silent on one, want 1", n)
		}
		if row := h.rows()[0]; row.State != store.InboundStored {
			t.Errorf("the mail in doubt is %s", row.State)
		}
		dns.set("partner.test", []*net.MX{{Host: "mx.partner.test."}})
		time.Sleep(2 * time.Minute)
		h.decided(2, 2)
	})
}

// A domain whose name servers never answer holds up no other.
func TestManyMailsFromASilentDomain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		dns := &slowNames{names: names{mx: map[string]any{"partner.test": []*net.MX{{Host: "mx.partner.test."}}}}}
		h.deps.Resolver = dns
		h.start()
		for i := range 40 {
			h.deliver(letter(fmt.Sprintf("x%d@h%d.evil.test", i, i), fmt.Sprintf("x%d@evil.test", i)))
		}
		time.Sleep(20 * time.Minute)
		h.deliver(letter("ann@partner.test", "one@partner.test"))
		time.Sleep(2 * dnsLimit)
		if n := len(h.outbox()); n != 1 {
			t.Errorf("%d answers, want 1 at once", n)
		}
		time.Sleep(time.Hour)
		h.decided(41, 1)
		if n := dns.unanswered.Load(); n > 60*(authenticators+4) {
			t.Errorf("%d questions about one silent domain in an hour", n)
		}
	})
}

// slowNames never answers for names under evil.test.
type slowNames struct {
	names
	unanswered atomic.Int64
}

func (n *slowNames) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	if strings.HasSuffix(name, "evil.test") {
		n.unanswered.Add(1)
		<-ctx.Done()
		return nil, errNoReply
	}
	return n.names.LookupMX(ctx, name)
}

// panicky breaks on one domain.
type panicky struct{ names }

func (p *panicky) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	if name == "partner1.test" {
		panic("a label too long")
	}
	return []*net.MX{{Host: "mx.test."}}, nil
}

func TestAuthenticationPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Resolver = &panicky{}
		for i := range 3 {
			h.deliver(numbered(i))
		}
		h.start()
		time.Sleep(time.Hour)
		if rows := h.rows(); rows[1].State != store.InboundQuarantined || len(h.outbox()) != 2 {
			t.Errorf("the mail is %s and %d answers are out", rows[1].State, len(h.outbox()))
		}
	})
}

func FuzzStated(f *testing.F) {
	f.Add("Authentication-Results: mx.example.com; spf=pass (a (b) \\) c) smtp.mailfrom=a@b.test; dkim=pass " +
		"header.i=@b.test")
	f.Add("Authentication-Results: spf=pass;;= ;=;dkim = / pass")
	f.Add("Received: from a by mx.example.com\nReceived-SPF: pass (mx.example.com: x) envelope-from=\"")
	f.Fuzz(func(t *testing.T, header string) {
		// Whatever is written below a foreign hop is not believed.
		got := Trust{Hosts: []string{"mx.example.com"}}.stated(
			fields([]byte("Received: from x by relay.evil.test\r\n" + header)))
		if diff := cmp.Diff(triage.Auth{}, got); diff != "" {
			t.Errorf("believed: %s", diff)
		}
		Trust{Hosts: []string{"mx.example.com", "outlook.com"}}.stated(fields([]byte(header)))
		describe([]byte(header))
	})
}
