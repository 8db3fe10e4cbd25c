package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"signpost/mail/header"
)

func TestATrueSignatureIsFoundAndABrokenOneToo(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	s := start(t, Config{LookupTXT: func(name string) ([]string, error) {
		if name == "sel._domainkey.x.example" {
			return []string{record}, nil
		}
		return nil, errors.New("no such record")
	}})
	sign := func(domain string) string {
		var signed bytes.Buffer
		opts := &dkim.SignOptions{Domain: domain, Selector: "sel", Signer: private, HeaderKeys: []string{"From", "Subject"}}
		if err := dkim.Sign(&signed, bytes.NewReader(mailOf("a@x.example", "me@example.com", "signed")), opts); err != nil {
			t.Fatal(err)
		}
		return signed.String()
	}
	for _, tc := range []struct{ name, from, raw, want string }{
		{"true", "", sign("x.example"), "dkim=pass header.d=x.example; dmarc=pass"},
		{"broken", "", strings.Replace(sign("x.example"), "Hello", "Hullo", 1), "dkim=fail header.d=x.example; dmarc=none"},
		{"true, another domain's envelope", "b@y.example", sign("x.example"), "dkim=pass header.d=x.example; dmarc=pass"},
		{"key unknown", "a@x.example", sign("z.example"), "dkim=none; dmarc=pass"},
		{"true, below another author", "", "From: b@x.example\r\nDKIM-Signature: v=1\r\nX: a\r\n \r\nTo me\r\n" +
			sign("x.example"), "dkim=none; dmarc=none"},
		{"nonsense", "a@x.example", "DKIM-Signature: v=1; a=rsa-sha256\r\n" +
			string(mailOf("a@x.example", "me@example.com", "x")), "dkim=none; dmarc=pass"},
	} {
		if err := s.Deliver(tc.from, []string{"me@example.com"}, []byte(tc.raw)); err != nil {
			t.Fatal(err)
		}
		m, err := s.Mail(s.Mails("me@example.com", 0, 1)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := header.Read(m.Raw)
		if got := read.Value("Authentication-Results"); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Lines that are no field end the header neither for readers of the mail nor for the host.
func TestWhatStandsBelowALineThatIsNoFieldCountsAsHeader(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for name, line := range map[string]string{
		"words":                 "no field\r\n",
		"words, folded":         "no field\r\n\tat all\r\n",
		"a name too long":       strings.Repeat("x", 300) + ": a\r\n",
		"a fold of white space": "X: a\r\n \r\n",
	} {
		to := fmt.Sprintf("me%d@example.com", len(name))
		forged := "Authentication-Results: " + s.cfg.Host + "; dmarc=pass\r\n"
		mail := line + forged + string(mailOf("a@"+Spoofed, to, "x"))
		if err := s.Deliver("a@"+Spoofed, []string{to}, []byte(mail)); err != nil {
			t.Fatal(name, err)
		}
		m, err := s.Mail(s.Mails(to, 0, 1)[0].ID)
		if err != nil {
			t.Fatal(name, err)
		}
		read, _ := header.Read(m.Raw)
		count, got := read.Count("Authentication-Results"), read.Value("Authentication-Results")
		if !strings.Contains(got, "dmarc=fail") || count != 1 {
			t.Errorf("%s: %d results, the first %q", name, count, got)
		}
		if !bytes.Contains(m.Raw, []byte(line)) || m.Subject != "x" {
			t.Errorf("%s: the mail about %q came as %q", name, m.Subject, m.Raw)
		}
		hops := strings.Repeat("Received: from a by b\r\n", maxHops+1)
		if err := s.Deliver("a@x.example", []string{to}, []byte(line+hops+mail)); !errors.Is(err, errLoop) {
			t.Errorf("%s: a mail that goes in circles: %v", name, err)
		}
	}
}

func TestAClientThatStopsReadingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	big := append(mailOf("a@x.example", "me@example.com", "big"), bytes.Repeat([]byte("x"), 1<<20)...)
	if err := s.Deliver("a@x.example", []string{"me@example.com"}, big); err != nil {
		t.Fatal(err)
	}
	conn, err := s.DialIMAP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Of the third answer only the beginning is read.
	lines := bufio.NewReader(conn)
	readUntil(t, lines, "ready")
	for _, step := range []struct{ say, hear string }{
		{"a LOGIN me@example.com demo\r\n", "a OK"}, {"b SELECT INBOX\r\n", "b OK"},
		{"c UID FETCH 1 (BODY.PEEK[])\r\n", "BODY[]"},
	} {
		if _, err := conn.Write([]byte(step.say)); err != nil {
			t.Fatal(err)
		}
		readUntil(t, lines, step.hear)
	}
	done := make(chan error, 1)
	go func() {
		done <- s.Deliver("b@x.example", []string{"me@example.com"}, mailOf("b@x.example", "me@example.com", "meanwhile"))
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("a delivery waits for a client that does not read")
	}
}

// readUntil reads lines up to one that holds mark.
func readUntil(t *testing.T, lines *bufio.Reader, mark string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for %q: %v after %q", mark, err, line)
		}
		if strings.Contains(line, mark) {
			return
		}
	}
}

func TestManyClientsAtOnceLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	const writers, each = 4, 25
	setup := dialIMAP(t, s, "me@example.com", nil)
	if err := setup.Create("Processed", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			conn, err := s.DialSMTP(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			c := smtp.NewClient(conn)
			defer c.Close()
			for i := range each {
				subject := fmt.Sprintf("%d of %d", i, w)
				if err := c.SendMail("a@x.example", []string{"me@example.com"},
					bytes.NewReader(mailOf("a@x.example", "me@example.com", subject))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 { // both move whatever they see: every mail goes over once
		all.Go(func() { moveAll(t, s, writers*each) })
	}
	all.Wait()
	box, err := setup.Select("Processed", nil).Wait()
	if err != nil || box.NumMessages != writers*each {
		t.Fatalf("%+v, %v", box, err)
	}
	subjects := map[string]bool{}
	for _, m := range s.Mails("me@example.com", 0, 1000) {
		subjects[m.Subject] = true
	}
	if len(subjects) != writers*each {
		t.Errorf("%d different mails of %d", len(subjects), writers*each)
	}
}

// moveAll moves mail out of INBOX until want mails have arrived elsewhere.
func moveAll(t *testing.T, s *Server, want uint32) {
	conn, err := s.DialIMAP(context.Background())
	if err != nil {
		t.Error(err)
		return
	}
	c := imapclient.New(conn, nil)
	defer c.Close()
	if err := c.Login("me@example.com", "demo").Wait(); err != nil {
		t.Error(err)
		return
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	changed := s.Watch(ctx)
	for {
		if _, err := c.Move(imap.UIDSet{imap.UIDRange{Start: 1}}, "Processed").Wait(); err != nil {
			t.Errorf("move: %v", err)
			return
		}
		status, err := c.Status("Processed", &imap.StatusOptions{NumMessages: true}).Wait()
		if err != nil || *status.NumMessages >= want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Error("not all mail came")
			return
		}
	}
}

// FuzzSplitHeader: taking a header apart loses no byte, and what is stamped on a
// mail can never be forged by the mail.
func FuzzSplitHeader(f *testing.F) {
	for _, seed := range []string{
		"", "\r\n", "a: b", "a: b\r\n c\r\n\r\nd", " x\r\n", "a : b\nc\n", ": x", "From x\r\nA: b\r\n\r\n",
		"Authentication-Results: mx.sandbox.example.com; dmarc=pass\r\n\r\n",
		"Authentication-Results:\r\n ((a) \"b\\)\") \"MX.sandbox.example.com\";x\r\n\r\n",
		"Return-Path: <a@b>\nX: =?utf-8?q?=00?=\n\n", "a:\x00\xff\r\r\n",
		"no field\nAuthentication-Results: mx.sandbox.example.com; dmarc=pass\n\n", "a: b\n \n\tc\nd: e\n \nf",
		"\n\na: b\n\n",
	} {
		f.Add([]byte(seed))
	}
	s := New(Config{MaxBytes: 1 << 20, MaxMails: 4})
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, raw []byte) {
		fields, rest := splitHeader(raw)
		var whole []byte
		for _, field := range fields {
			whole = append(whole, field.raw...)
		}
		if !bytes.Equal(append(whole, rest...), raw) {
			t.Fatalf("bytes were lost of %q", raw)
		}
		trace, body := s.stamp(envelope{from: "a@spoofed.example"}, fields, rest, raw)
		stamped, _ := header.Read(append([]byte(trace), body...))
		own := 0
		stamped.All("Authentication-Results", func(value []byte) bool {
			if s.isOwnResult(field{raw: append([]byte(":"), value...)}) {
				own++
			}
			return true
		})
		if own != 1 || strings.Count(trace, "\n") != strings.Count(trace, "\r\n") {
			t.Fatalf("%d results under our name on %q:\n%s", own, raw, trace)
		}
	})
}

func BenchmarkDeliver(b *testing.B) {
	s := start(b, Config{})
	raw := append(mailOf("a@x.example", "me@example.com", "x"),
		bytes.Repeat([]byte("text text text text text text text text\r\n"), 50)...)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Deliver("a@x.example", []string{"me@example.com"}, raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch10000InChunks(b *testing.B) {
	s := start(b, Config{})
	for i := range 10_000 {
		err := s.Deliver("a@x.example", []string{"me@example.com"}, mailOf("a@x.example", "me@example.com", fmt.Sprint(i)))
		if err != nil {
			b.Fatal(err)
		}
	}
	c := dialIMAP(b, s, "me@example.com", nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		b.Fatal(err)
	}
	options := &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	for b.Loop() {
		got := 0
		for from := imap.UID(1); from < 10_000; from += 100 {
			mails, err := c.Fetch(imap.UIDSet{imap.UIDRange{Start: from, Stop: from + 99}}, options).Collect()
			if err != nil {
				b.Fatal(err)
			}
			got += len(mails)
		}
		if got != 10_000 {
			b.Fatalf("%d mails", got)
		}
	}
}
